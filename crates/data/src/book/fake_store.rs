//! A store in memory whose answers can be lost, late, or not be there at all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{AuditId, BudgetId, Money, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, Lease, Standing};
use store::{
    AuditEntry, AuditQuery, Budgets, Change, Directory, DirectoryDump, EntryLog, Hold, LeaseAnswer,
    LeaseWish, LogKind, MarkDue, MemoryStore, MerkleLogs, Nonces, Record, RecordKind, RecordQuery, Registry,
    Shipment, SortedQuery, Store, StoreError, StoredAudit, StoredCheckpoint, StoredEntry, UsageQuery,
    UsageRow,
};

#[derive(Debug, Default)]
pub(super) struct FakeStore {
    pub(super) inner: MemoryStore,
    /// Nothing is done.
    pub(super) down: AtomicBool,
    /// What is asked of leases is done, and nobody hears of it.
    pub(super) mute: AtomicBool,
    /// Leases are never answered for.
    pub(super) silent: AtomicBool,
    /// How often a lease was asked to grow.
    pub(super) grown: AtomicU32,
}

impl FakeStore {
    async fn mood(&self) -> Result<(), StoreError> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        if self.down.load(Ordering::SeqCst) {
            Err(gone())
        } else {
            Ok(())
        }
    }

    fn told<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.mute.load(Ordering::SeqCst) {
            Err(gone())
        } else {
            answer
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("told to fail".to_owned())
}

#[async_trait]
impl Budgets for FakeStore {
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        self.inner.budgets(scope).await
    }
    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        self.grown.fetch_add(1, Ordering::SeqCst);
        self.mood().await?;
        self.told(self.inner.grow_lease(scope, wish).await)
    }
    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError> {
        self.mood().await?;
        self.told(self.inner.shrink_lease(scope, lease, amount).await)
    }
    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        self.inner.renew_leases(node, expires).await
    }
    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.inner.expire_leases(now).await
    }
    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        self.inner.close_leases(node).await
    }
    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        self.inner.standing(scope, budget, start).await
    }
    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError> {
        self.inner.marks_due().await
    }
}

#[async_trait]
impl Directory for FakeStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        self.inner.revision().await
    }
    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        self.inner.load().await
    }
    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        self.inner.claim_master_key(mark).await
    }
    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        self.inner.keys(scope).await
    }
}

#[async_trait]
impl EntryLog for FakeStore {
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        self.inner.append(scope, node, shipments).await
    }
    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        self.inner.entry(scope, id).await
    }
    async fn entries(
        &self,
        scope: &TenantScope,
        from: u64,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.entries(scope, from, count).await
    }
    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        self.inner.usage(scope, query).await
    }
}

#[async_trait]
impl Registry for FakeStore {
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        self.inner.commit_all(scope, changes, audits).await
    }
    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError> {
        self.inner.record(scope, kind, id).await
    }
    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError> {
        self.inner.record_named(scope, kind, name).await
    }
    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError> {
        self.inner.records(scope, query).await
    }
    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError> {
        self.inner.records_sorted(scope, query).await
    }
    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError> {
        self.inner.bearer(kind, digest).await
    }
    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError> {
        self.inner.sweep(kind, until).await
    }
    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError> {
        self.inner.audit(scope, query).await
    }
    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.inner.audits_kept_from(scope).await
    }
    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        self.inner.audit_record(scope, id).await
    }
}

#[async_trait]
impl MerkleLogs for FakeStore {
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError> {
        self.inner.log_size(scope, log).await
    }
    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        self.inner.log_leaves(scope, log, from, size).await
    }
    async fn put_log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError> {
        self.inner.put_log_checkpoint(scope, log, checkpoint, epoch).await
    }
    async fn log_epoch(&self) -> Result<u64, StoreError> {
        self.inner.log_epoch().await
    }
    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError> {
        self.inner.hold_log_keys(hold).await
    }
    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.inner.log_checkpoint(scope, log).await
    }
}

impl Store for FakeStore {
    fn engine(&self) -> &'static str {
        "fake"
    }
}

#[async_trait]
impl Nonces for FakeStore {
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.mood().await?;
        self.inner.spend_nonce(scope, digest, until).await
    }
    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.inner.forget_nonces(now).await
    }
}
