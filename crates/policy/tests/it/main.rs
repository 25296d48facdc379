//! The engine from outside: what it accepts, what it answers, and what must hold for any set of policies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod answers;
mod asking;
mod consents;
mod desk;
mod explaining;
mod loading;
mod properties;
mod sending;
mod shipped;
