//! The guard from outside: kinds of secrets, streams cut anywhere, and measured quality.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod catalogue;
mod conversations;
mod corpora;
mod custom;
mod doubts;
mod extensions;
mod forms;
mod injection;
mod kinds;
mod leaks;
mod links;
mod links_cut;
mod masks;
mod moderation;
mod personal;
mod plans;
mod raw;
mod samples;
mod streams;
mod topics;
