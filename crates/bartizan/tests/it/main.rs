//! The running gate attacked from outside: the real binary, real sockets, a scripted provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod credentials;
mod passthrough;
mod refusals;
mod scene;
mod surfaces;
