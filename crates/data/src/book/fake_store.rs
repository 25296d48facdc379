//! A store in memory whose answers about leases can be lost, late, or not be there at all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use store::StoreError;
use store::minded::{Asked, Mind, MindedStore};

pub(super) type FakeStore = MindedStore<Mood>;

#[derive(Debug, Default)]
pub(super) struct Mood {
    /// Nothing is done.
    pub(super) down: AtomicBool,
    /// What is asked of leases is done, and nobody hears of it.
    pub(super) mute: AtomicBool,
    /// Leases are never answered for.
    pub(super) silent: AtomicBool,
    /// How often a lease was asked to grow.
    pub(super) grown: AtomicU32,
}

/// What is about leases of calls under way.
const LEASES: [&str; 2] = ["grow_lease", "shrink_lease"];

fn gone() -> StoreError {
    StoreError::Unavailable("told to fail".to_owned())
}

#[async_trait]
impl Mind for Mood {
    async fn before(&self, asked: &Asked<'_>) -> Result<(), StoreError> {
        if asked.method == "grow_lease" {
            self.grown.fetch_add(1, Ordering::SeqCst);
        }
        if !LEASES.contains(&asked.method) && asked.method != "spend_nonce" {
            return Ok(());
        }
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        if self.down.load(Ordering::SeqCst) {
            return Err(gone());
        }
        Ok(())
    }

    fn after(&self, asked: &Asked<'_>) -> Result<(), StoreError> {
        if LEASES.contains(&asked.method) && self.mute.load(Ordering::SeqCst) {
            return Err(gone());
        }
        Ok(())
    }
}
