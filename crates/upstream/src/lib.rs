//! Floor 2: HTTP out, with egress rules, deadlines and pooling.
//!
//! The one way bytes leave the gate towards a provider. It never follows a redirect, never takes a host
//! from a request, and never sends a credential anywhere but to the base it was configured with.

mod base;
mod client;
mod egress;
mod error;
mod hook;
pub mod s3;
mod spiffe;
mod stream;
mod tls;

pub use base::{Base, BaseError};
pub use client::{Client, ClientOptions};
pub use egress::{Beyond, Reach, addresses};
pub use error::{Unfit, UpstreamError};
pub use hook::{Hook, HookKeys};
pub use stream::TlsSockets;
pub use tls::Shown;
