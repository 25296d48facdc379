//! The memory engine: one mutex, plain maps. The reference every other engine is measured against, and
//! what tests use. It keeps nothing when the process ends.

mod budgets;
mod directory;
mod log;
mod nonces;
mod registry;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use credential::KeyRecord;
use domain::{BudgetId, KeyId, NodeId, TeamId, TenantId, UnixMillis};
use ledger::{Budget, Standing};

use self::log::Log;
use self::registry::AuditLog;
use crate::accounts::Held;
use crate::{Record, RecordKind, Store, Team, Tenant};

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
}

/// One budget in one window, and who holds what of it.
#[derive(Debug, Default)]
struct WindowRow {
    standing: Standing,
    leases: BTreeMap<NodeId, Held>,
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
