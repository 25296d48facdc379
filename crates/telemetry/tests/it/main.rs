//! Telemetry from outside: what comes out of logs, `/metrics` and traces.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod logs;
mod metrics;
mod traces;
