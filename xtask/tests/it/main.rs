//! The repository against its own rules, and the rules against what they must catch.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod built_from;
mod floors;
mod register;
mod sources;
mod threats;
