//! Floor 1: counts tokens of text, bounded in time. Never does I/O.
//!
//! Three things, by how sure they are:
//!
//! - [`count`]: what a model's tokenizer would make of a text, or an estimate that says it is one;
//! - [`encoding_for`]: which tokenizer a model name belongs to, when it is surely known;
//! - [`upper_bound`]: a number no byte-level tokenizer can exceed, for reserving money ahead.
//!
//! Vocabularies are large (tens of megabytes once built), so none is loaded before it is counted
//! with. Counts are of the text alone: a chat template's own tokens are the caller's to add.

mod bound;
mod count;
mod encoding;
mod runs;

pub use bound::{IMAGE_TOKENS_MAX, MESSAGE_TOKENS_MAX, TEMPLATE_TOKENS_MAX, upper_bound};
pub use count::{Count, count, count_with};
pub use encoding::{Encoding, encoding_for};
pub use runs::{RUN_BYTES_MAX, SLICE_BYTES};
