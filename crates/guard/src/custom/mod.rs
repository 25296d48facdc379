//! What operators look for themselves: patterns, words, and modules of their own. Never decides what is done.
//!
//! A rule's findings are a function of the text alone. A match of a pattern is the first from the left, and what the `regex`
//! crate prefers of those that begin there; of words it is the longest. Matches of one rule do not overlap. Where it is not
//! known how long a match can be, the text is looked at in stretches of twice [`Custom::match_bytes_max`] that begin at fixed
//! places, so that a stream needs to hold no more to find the same.

mod compiled;
mod digits;
mod extension;
mod pattern;
mod settings;
mod words;

pub use compiled::CUSTOM_FINDINGS_MAX;
pub(crate) use compiled::{Compiled, CustomStream};
pub use extension::{Extension, ExtensionFailed, Extensions, HELD_ANSWER_BYTES_MAX, HITS_MAX, Hit};
pub(crate) use extension::{InUse, Whole};
pub use settings::{
    Check, Custom, EXTENSIONS_MAX, ExtensionUse, FUEL_PER_KIB, FUEL_PER_KIB_MOST, MATCH_BYTES,
    MATCH_BYTES_LEAST, MATCH_BYTES_MOST, MEMORY_BYTES, MEMORY_BYTES_LEAST, MEMORY_BYTES_MOST, NAME_BYTES_MAX,
    OnFailure, RULES_MAX, Rule,
};
