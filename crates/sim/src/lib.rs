//! Tests only: the money of several nodes in simulated time, and a model of the leases.
//!
//! All of it is under `tests/it`, and nothing depends on this crate: it exists so that the book of `data` and the
//! shipper of `worker`, which may not know each other, can be run together.
