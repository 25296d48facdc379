//! Floor 4: the control-plane listener.
//!
//! It serves read-only facts about the instance: no secret, nothing of a tenant's. It never serves a path of
//! the data plane, and the data listener never serves one of these.

mod answer;
mod listener;

use std::sync::Arc;

use store::Store;

pub use listener::serve;

/// What the control plane knows.
#[derive(Debug)]
pub struct Control {
    store: Arc<dyn Store>,
    verifier_text: String,
}

impl Control {
    /// `verifier_text` is the public key of the instance's ledgers, as `bartizan ledger key` prints it.
    pub const fn new(store: Arc<dyn Store>, verifier_text: String) -> Self {
        Self { store, verifier_text }
    }
}
