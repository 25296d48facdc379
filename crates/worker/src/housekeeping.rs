//! The housekeeper: removes documents of the control plane, spent nonces, and habits of keys that ended, when they have
//! outlived their use. Evidence it never touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use credential::KeyState;
use domain::{TenantId, TenantScope, UnixMillis};
use store::{Change, RecordKind, RecordQuery, Store, StoreError};
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;

/// What may be removed, and how old it must be: longer than any session lasts, and than anybody may still
/// repeat a request under its idempotency key.
const OUTLIVED: [(RecordKind, Duration); 2] = [
    (RecordKind::Session, Duration::from_secs(24 * 3600)),
    (RecordKind::Replay, Duration::from_secs(24 * 3600)),
];
/// How long nobody must have spent in a session: then its ceilings begin anew.
const SILENT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Documents read at once.
const READ_AT_ONCE: u64 = 200;
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
                    "ended sessions, old answers, spent nonces and habits of ended keys were removed"
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
        let silent_ms = i64::try_from(SILENT.as_millis()).unwrap_or(i64::MAX);
        let silent = UnixMillis(now.0.saturating_sub(silent_ms));
        removed += self.0.forget_sessions(silent).await?;
        removed += self.forget_habits().await?;
        Ok(removed)
    }

    /// A habit dies with its key.
    // threat: ANP-0016
    async fn forget_habits(&self) -> Result<u64, WorkerError> {
        let mut ended: BTreeMap<TenantId, BTreeSet<String>> = BTreeMap::new();
        for key in self.0.load().await?.keys {
            if key.state == KeyState::Revoked {
                ended.entry(key.tenant).or_default().insert(key.id.to_string());
            }
        }
        let mut removed = 0;
        for (tenant, ids) in ended {
            removed += self.forget_habits_of(tenant, &ids).await?;
        }
        Ok(removed)
    }

    async fn forget_habits_of(&self, tenant: TenantId, ended: &BTreeSet<String>) -> Result<u64, WorkerError> {
        let scope = TenantScope::operator(tenant);
        let (mut removed, mut after) = (0, None::<String>);
        loop {
            let query = RecordQuery {
                kind: RecordKind::Habit,
                parent: None,
                after: after.as_deref(),
                count: READ_AT_ONCE,
            };
            let records = self.0.records(&scope, &query).await?;
            let Some(last) = records.last() else {
                return Ok(removed);
            };
            let last = last.id.clone();
            for record in records.into_iter().filter(|record| ended.contains(&record.id)) {
                match self.0.commit(&scope, &[Change::Remove(record)], None).await {
                    Ok(()) => removed += 1,
                    // Still being learnt, or removed by another replica: next time.
                    Err(StoreError::Conflict(_) | StoreError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            after = Some(last);
        }
    }
}
