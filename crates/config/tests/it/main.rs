//! The configuration from outside: texts in, a configuration or a helpful error out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod connectors;
mod corpus;
mod doors;
mod errors;
mod exports;
mod generated;
mod reading;
mod trust;
mod validation;
mod witnesses;

use config::{Config, ConfigError};

/// Reads `text` with two variables set.
fn read(text: &str) -> Result<Config, ConfigError> {
    let env = |name: &str| match name {
        "PORT" => Some("9090".to_owned()),
        "HOST" => Some("engine.internal".to_owned()),
        "LEAKED" => Some("sk-canary-0123456789abcdef".to_owned()),
        "EMPTY" => Some(String::new()),
        "NESTED" => Some("${HOST}".to_owned()),
        _ => None,
    };
    Config::parse(text, "bartizan.yaml", &env)
}
