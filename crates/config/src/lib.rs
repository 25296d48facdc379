//! Floor 1: `bartizan.yaml`, strictly read into one typed value. Never opens a file or socket and never
//! reads the environment itself: texts and variables are handed in, secrets stay references.

mod address;
mod bounds;
mod budgets;
mod clear;
mod connectors;
mod delivery;
mod dollars;
mod doors;
mod error;
mod exports;
mod parse;
mod reference;
mod references;
mod schema;
pub mod section;
mod sinks;
mod trust;
mod validate;
mod variables;
mod witnesses;

pub use dollars::Dollars;
pub use error::{ConfigError, Problem};
pub use parse::Environment;
pub use reference::reference_markdown;
pub use schema::schema;
pub use section::{Config, Posture};

/// Where the file is looked for when no other is named.
pub const FILE_NAME: &str = "bartizan.yaml";
/// A larger file is refused unread.
pub const FILE_BYTES_MAX: usize = 1 << 20;
