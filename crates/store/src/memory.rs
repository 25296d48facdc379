//! The memory engine: one mutex, plain maps. The reference every other engine is measured against, and
//! what tests use. It keeps nothing when the process ends.

mod budgets;
mod directory;
mod exchanges;
mod log;
mod nonces;
mod registry;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use credential::KeyRecord;
use domain::{BudgetId, KeyId, NodeId, RequestId, TeamId, TenantId, UnixMillis};
use ledger::{Budget, Standing};

use self::log::Log;
use self::registry::AuditLog;
use crate::accounts::Held;
use crate::{Hold, Record, RecordKind, SealedExchange, Store, StoreError, Team, Tenant};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

/// Everything that is stored.
#[derive(Debug, Default)]
struct State {
    master_key: Option<String>,
    rows: Rows,
    windows: BTreeMap<(BudgetId, UnixMillis), WindowRow>,
    logs: BTreeMap<TenantId, Log>,
    audits: BTreeMap<TenantId, AuditLog>,
    nonces: BTreeMap<(TenantId, [u8; 32]), UnixMillis>,
    exchanges: BTreeMap<TenantId, BTreeMap<RequestId, SealedExchange>>,
}

/// Which key signs, and who is replacing it until when.
#[derive(Debug, Clone, Default)]
struct SigningRow {
    epoch: u64,
    hold: Option<(String, UnixMillis)>,
}

impl SigningRow {
    fn must_sign(&mut self, epoch: u64, now: UnixMillis) -> Result<(), StoreError> {
        self.hold.take_if(|(_, until)| *until <= now);
        match self.hold.is_none() && self.epoch == epoch {
            true => Ok(()),
            false => Err(StoreError::Superseded),
        }
    }

    fn hold(&mut self, hold: &Hold) -> Result<(), StoreError> {
        self.must_sign(hold.epoch, hold.now)?;
        self.hold = Some((hold.by.clone(), hold.until));
        Ok(())
    }

    fn next(&mut self, epoch: u64, by: &str) -> Result<(), StoreError> {
        let is_held = self.hold.as_ref().is_some_and(|(holder, _)| holder == by);
        if !is_held || self.epoch != epoch {
            return Err(StoreError::Superseded);
        }
        self.epoch += 1;
        self.hold = None;
        Ok(())
    }
}

/// What changes together: all of it or nothing.
#[derive(Debug, Clone, Default)]
struct Rows {
    revision: u64,
    tenants: BTreeMap<TenantId, Tenant>,
    teams: BTreeMap<TeamId, Team>,
    keys: BTreeMap<KeyId, KeyRecord>,
    budgets: BTreeMap<BudgetId, Budget>,
    records: BTreeMap<(TenantId, RecordKind, String), Record>,
    signing: SigningRow,
}

/// One budget in one window, and who holds what of it.
#[derive(Debug, Default)]
struct WindowRow {
    standing: Standing,
    leases: BTreeMap<NodeId, Held>,
    /// When a node last asked for it.
    touched: UnixMillis,
    /// The highest mark that is reached, and the highest that is told.
    reached: u8,
    told: u8,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state, for one short synchronous step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn engine(&self) -> &'static str {
        "memory"
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn passes_the_conformance_suite() {
        crate::conformance::run(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
    }
}
