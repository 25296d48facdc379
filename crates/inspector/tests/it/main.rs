//! The connectors from outside: what they read, and how they bear what servers do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod conformance;
mod reading;
mod scene;
