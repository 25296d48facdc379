//! The twelve stages, in order. Each returns the only key that opens the next: a struct whose fields
//! nobody else can fill.

#[path = "stage/01_accept.rs"]
pub mod accept;
#[path = "stage/04_admit.rs"]
pub mod admit;
#[path = "stage/07_09_attempts.rs"]
pub mod attempts;
#[path = "stage/03_authorize.rs"]
pub mod authorize;
#[path = "stage/06_cache.rs"]
pub mod cache;
#[path = "stage/02_identify.rs"]
pub mod identify;
#[path = "stage/05_inspect_input.rs"]
pub mod inspect_input;
#[path = "stage/10_inspect_output.rs"]
pub mod inspect_output;
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
