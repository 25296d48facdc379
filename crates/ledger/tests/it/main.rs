//! What the ledger promises, tested from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod batch_prices;
mod budget_model;
mod catalog;
mod certificates;
mod evidence;
mod forge;
mod lists;
mod notes;
mod records;
mod removals;
mod successions;
