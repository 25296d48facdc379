//! Floor 1: how a virtual key is usually used, and what stands out against it. Values and a time in, signs out.
//!
//! Never reads a clock, never decides what becomes of a key, and never grows: what is remembered of a key is bounded,
//! whatever its calls look like. What was told once is learnt with the telling, and not told again.

mod learnt;
mod seen;
mod sign;
mod used;
mod volume;

pub use learnt::{HOURS, Habit, MODELS_MAX, NETWORKS_MAX};
pub use sign::{Mode, Rules, Sign, Signal};
pub use used::Use;
