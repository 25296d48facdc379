//! Floor 1: virtual keys and sealing. Never does I/O, never reads a clock.

mod record;

pub use record::{KeyRecord, KeyState, Limits, ModelAccess, Predecessor};
