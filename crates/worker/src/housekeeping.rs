//! The housekeeper: removes documents of the control plane, and spent nonces, that have outlived their use. Evidence it never
//! touches.

use std::sync::Arc;
use std::time::Duration;

use domain::UnixMillis;
use store::{RecordKind, Store};
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;

/// What may be removed, and how old it must be: longer than any session lasts, and than anybody may still
/// repeat a request under its idempotency key.
const OUTLIVED: [(RecordKind, Duration); 2] = [
    (RecordKind::Session, Duration::from_secs(24 * 3600)),
    (RecordKind::Replay, Duration::from_secs(24 * 3600)),
];
const EVERY: Duration = Duration::from_secs(15 * 60);

/// Keeps the store from filling with what nobody needs.
#[derive(Debug)]
pub struct Housekeeper(Arc<dyn Store>);

impl Housekeeper {
    /// A housekeeper for the whole store; several replicas may have one each.
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Cleans up every quarter of an hour until told to stop.
    // threat: CTX-T3
    // threat: AGP-D2
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if sleep_or_stop(EVERY, &mut shutdown).await {
                return;
            }
            match self.clean(UnixMillis::now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(
                    removed,
                    "ended sessions, old answers and spent nonces were removed"
                ),
                Err(error) => tracing::warn!(%error, "ended sessions could not be removed"),
            }
        }
    }

    /// Removes what is old enough. Returns how much.
    pub async fn clean(&self, now: UnixMillis) -> Result<u64, WorkerError> {
        let mut removed = 0;
        for (kind, age) in OUTLIVED {
            let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            let until = UnixMillis(now.0.saturating_sub(age_ms));
            removed += self.0.sweep(kind, until).await?;
        }
        removed += self.0.forget_nonces(now).await?;
        Ok(removed)
    }
}
