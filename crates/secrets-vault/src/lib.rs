//! Floor 3: secrets in a Vault server (HashiCorp Vault, OpenBao): KV v2 over its HTTP API.
//!
//! It reads what references name and asks for nothing else: no listing, no writing, no metadata. It never
//! speaks plain http beyond loopback, never follows a redirect, and repeats no word of the server's: what
//! goes wrong is told by status.

mod api;
mod engine;
mod login;
mod options;
mod session;

pub use engine::Vault;
pub use options::{Auth, VaultError, VaultOptions};
