//! The dialects from outside: golden cases kept as data, properties, replayed corpora, threats.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod corpus;
mod golden;
mod hiding;
mod limits;
mod minimised;
mod properties;
mod streams;
mod support;
mod texts;
