//! The sweeper: renews this node's leases, and finds those that others no longer renew.

use std::sync::Arc;
use std::time::Duration;

use domain::{NodeId, UnixMillis};
use store::Store;
use telemetry::Metrics;
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;

/// Keeps leases truthful: a living node's stay, a dead node's count as spent until it has replayed its journal.
#[derive(Debug)]
pub struct Sweeper {
    store: Arc<dyn Store>,
    node: NodeId,
    lease: Duration,
    metrics: Arc<Metrics>,
}

impl Sweeper {
    /// A sweeper for this node; `lease` is for how long a lease holds without being renewed.
    pub fn new(store: Arc<dyn Store>, node: NodeId, lease: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            node,
            lease,
            metrics,
        }
    }

    /// Sweeps three times a lease until told to stop, so that one failure loses no lease.
    // threat: AGP-BUDGET-3.2
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let every = (self.lease / 3).max(Duration::from_millis(10));
        loop {
            if let Err(error) = self.sweep(UnixMillis::now()).await {
                tracing::warn!(%error, "leases could not be swept");
            }
            if sleep_or_stop(every, &mut shutdown).await {
                return;
            }
        }
    }

    /// Renews, then expires; in this order a node never expires its own. Returns how many had expired.
    pub async fn sweep(&self, now: UnixMillis) -> Result<u64, WorkerError> {
        self.store.renew_leases(self.node, now.plus(self.lease)).await?;
        let expired = self.store.expire_leases(now).await?;
        if expired > 0 {
            self.metrics.gauges().leases_expired.inc_by(expired);
            tracing::warn!(
                expired,
                "leases of a node that no longer renews count as spent until it has replayed"
            );
        }
        Ok(expired)
    }
}
