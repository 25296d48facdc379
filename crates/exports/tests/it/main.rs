//! The crate from outside: what is written passes the checks, what is broken does not, sums are the ledger's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod focus;
mod hostile;
mod reconcile;
mod scene;
mod sums;
