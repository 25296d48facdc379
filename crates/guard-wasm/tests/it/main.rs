//! Modules from outside: what they find, and everything a hostile one may try.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod example;
mod hostile;
mod loading;
mod plans;

use guard::custom::ExtensionUse;
use guard::{Direction, ExtensionFailed, Hit, Origin};
use guard_wasm::{Tried, WasmExtension};

/// A module whose `inspect` does this, and that has these other parts.
fn module(inspect: &str, others: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (memory (export "memory") 2)
            (func (export "bartizan_guard_abi") (result i32) i32.const 1)
            (func (export "allocate") (param i32) (result i32) i32.const 1024)
            (func $inspect (export "inspect") (param $text i32) (param $bytes i32) (param $direction i32) (param $origin i32) (result i64)
                {inspect})
            {others})"#
    );
    wat::parse_str(text).unwrap()
}

/// One finding as it lies in memory.
fn record(start: u32, end: u32, score: u32, rule: (u32, u32)) -> String {
    let numbers = [start, end, score, rule.0, rule.1];
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    bytes.map(|byte| format!("\\{byte:02x}")).collect()
}

/// A module that answers these findings whatever it sees; `others` lies at 512.
fn answering(records: &[String], others: &str) -> Vec<u8> {
    let bytes = records.len() * 20;
    module(
        &format!("i64.const {}", (16_u64 << 32) | bytes as u64),
        &format!(
            r#"(data (i32.const 16) "{}") (data (i32.const 512) "{others}")"#,
            records.concat()
        ),
    )
}

fn settings() -> ExtensionUse {
    ExtensionUse {
        name: "mine".into(),
        ..ExtensionUse::default()
    }
}

fn load(bytes: &[u8]) -> WasmExtension {
    WasmExtension::load(bytes, &settings()).unwrap()
}

fn tried(bytes: &[u8], text: &str) -> Tried {
    load(bytes).try_on(text, Direction::Input, Origin::User)
}

fn hits(bytes: &[u8], text: &str) -> Result<Vec<Hit>, ExtensionFailed> {
    tried(bytes, text).hits
}
