//! Makes up for roll-ups: of entries from before there were any, or that a replica of an earlier version appends. Nothing
//! waits for it: until it is through, reports read those entries themselves.

use std::sync::Arc;
use std::time::Duration;

use domain::{TenantId, TenantScope};
use store::{Store, StoreError};
use tokio::sync::watch;

use crate::pace::sleep_or_stop;

/// How often it is looked whether something is missing.
const EVERY: Duration = Duration::from_secs(30);
/// Between two steps, so that whoever appends has its turn.
const PAUSE: Duration = Duration::from_millis(5);

/// Sums up what nobody has. Several replicas may have one each: steps are transactions.
#[derive(Debug)]
pub struct Roller(Arc<dyn Store>);

impl Roller {
    /// For the whole store.
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Looks at once, and every half minute until told to stop.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.roll(&mut shutdown).await {
                tracing::warn!(%error, "entries could not be added to the roll-ups");
            }
            if sleep_or_stop(EVERY, &mut shutdown).await {
                return;
            }
        }
    }

    async fn roll(&self, shutdown: &mut watch::Receiver<bool>) -> Result<(), StoreError> {
        for tenant in self.0.load().await?.tenants {
            if self.roll_tenant(tenant.id, shutdown).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether it was told to stop before all was done.
    async fn roll_tenant(
        &self,
        tenant: TenantId,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<bool, StoreError> {
        let scope = TenantScope::operator(tenant);
        while self.0.roll_up(&scope).await? > 0 {
            if sleep_or_stop(PAUSE, shutdown).await {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
