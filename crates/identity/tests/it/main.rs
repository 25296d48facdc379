//! Attacks on the public API of `identity`: tokens, proofs and signed requests made by somebody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod client;
mod forge;
mod identity_tokens;
mod jwt_attacks;
mod jwt_keys;
mod jwt_tokens;
mod proofs;
mod signature_terms;
mod signed_requests;
