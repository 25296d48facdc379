//! Whether the methods do what `docs/finops.md` says of them, on histories that are made up and always the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

mod alarms;
mod allocation;
mod backtest;
mod burning;
mod families;
mod late;
