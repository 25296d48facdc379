//! The engines of this crate by the suite of all engines, and what only they do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod engines;
mod remembering;
mod sealed;
