//! Money under everything that can go wrong: the real book, journal, shipper and recovery on several simulated nodes
//! (`runs`), and all states of small models: of the leases (`states`) and of their windows (`windows`).
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
mod windows;
mod world;
