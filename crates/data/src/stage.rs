//! The twelve stages, in order. Each returns the only key that opens the next: a struct whose fields
//! nobody else can fill.
//!
//! They can be named outside,
//!
//! ```
//! use data::stage::{accept::Accepted, authorize::Authorized, identify::Identified};
//! fn _named(_: Accepted, _: Identified, _: Authorized) {}
//! ```
//!
//! and nothing outside can make one. Not that somebody has been identified:
//!
//! ```compile_fail,E0451
//! fn forge(accepted: data::stage::accept::Accepted) -> data::stage::identify::Identified {
//!     data::stage::identify::Identified { accepted, ..unreachable!() }
//! }
//! ```
//!
//! not that the policies have permitted a call:
//!
//! ```compile_fail,E0451
//! fn forge() -> data::stage::authorize::Authorized {
//!     data::stage::authorize::Authorized { ..unreachable!() }
//! }
//! ```
//!
//! not that a call's money is held, without which stage 9 sends nothing:
//!
//! ```compile_fail,E0451
//! fn forge() -> data::stage::settle::Covered {
//!     data::stage::settle::Covered { _by_intend: () }
//! }
//! ```
//!
//! ```compile_fail,E0061
//! use data::stage::{accept::Forward, translate::Translated, upstream};
//! async fn unpaid(gate: &data::Gate, call: Translated, forward: &Forward, ticket: &mut data::ticket::Ticket) {
//!     let _ = upstream::run(gate, call, (forward, false), ticket).await;
//! }
//! ```
//!
//! and no stage takes the proof of an earlier one than the one before it:
//!
//! ```compile_fail,E0308
//! use data::stage::{admit, identify::Identified};
//! async fn skip(gate: &data::Gate, identified: Identified, ticket: &mut data::ticket::Ticket) {
//!     let _ = admit::run(gate, identified, ticket).await;
//! }
//! ```

#[path = "stage/01_accept.rs"]
pub mod accept;
#[path = "stage/04_admit.rs"]
pub mod admit;
pub mod asking;
#[path = "stage/07_09_attempts.rs"]
pub mod attempts;
#[path = "stage/03_authorize.rs"]
pub mod authorize;
#[path = "stage/06_cache.rs"]
pub mod cache;
pub mod holding;
#[path = "stage/02_identify.rs"]
pub mod identify;
#[path = "stage/05_inspect_input.rs"]
pub mod inspect_input;
#[path = "stage/10_inspect_output.rs"]
pub mod inspect_output;
mod prompted;
#[path = "stage/12_respond.rs"]
pub mod respond;
#[path = "stage/07_route.rs"]
pub mod route;
mod sending;
#[path = "stage/11_settle.rs"]
pub mod settle;
#[path = "stage/08_translate.rs"]
pub mod translate;
#[path = "stage/09_upstream.rs"]
pub mod upstream;
