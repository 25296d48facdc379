//! The engine against a real OpenBao server: killed, sealed, paused, restarted, and with tokens revoked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod canary;
mod kubernetes;
mod login;
mod outage;
mod policy;
mod promises;
mod scene;
mod tls;
