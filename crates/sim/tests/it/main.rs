//! Money under everything that can go wrong: the real book, journal, shipper and recovery on several simulated nodes
//! (`runs`), and all states of a small model of the leases (`states`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

mod chaos;
mod dice;
mod executor;
mod link;
mod node;
mod runs;
mod states;
mod truth;
mod world;
