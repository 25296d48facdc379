//! A store that fails when told to, before or after it has done its work.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{AuditId, BudgetId, Money, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, Lease, Standing};
use store::{
    AuditEntry, AuditQuery, Budgets, Change, Directory, DirectoryDump, EntryLog, Hold, LeaseAnswer,
    LeaseWish, LogKind, MarkDue, MemoryStore, MerkleLogs, Record, RecordKind, RecordQuery, Registry,
    Shipment, SortedQuery, Store, StoreError, StoredAudit, StoredCheckpoint, StoredEntry, UsageQuery,
    UsageRow,
};

#[derive(Debug, Default)]
pub struct FlakyStore {
    pub inner: MemoryStore,
    /// So many calls fail before anything is done.
    pub fail: AtomicU32,
    /// So many appends are done, and their answer is lost.
    pub lose_answers: AtomicU32,
    /// Everything fails.
    pub down: AtomicBool,
    /// Calls of work beside requests.
    pub asked: AtomicU32,
    /// Calls that were refused.
    pub refused: AtomicU32,
    /// Appends with an entry of this request are refused for good; 0 for none.
    pub refuses: AtomicU32,
    /// Entries come back changed: somebody had the database's password.
    pub changed: AtomicBool,
}

fn one_less(counter: &AtomicU32) -> bool {
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
}

impl FlakyStore {
    fn mood(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) || one_less(&self.fail) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable("told to fail".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Directory for FlakyStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        self.mood()?;
        self.inner.revision().await
    }
    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        self.mood()?;
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
impl Budgets for FlakyStore {
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        self.inner.budgets(scope).await
    }
    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        self.inner.grow_lease(scope, wish).await
    }
    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError> {
        self.inner.shrink_lease(scope, lease, amount).await
    }
    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        self.mood()?;
        self.inner.renew_leases(node, expires).await
    }
    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.mood()?;
        self.inner.expire_leases(now).await
    }
    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        self.mood()?;
        self.inner.close_leases(node).await
    }
    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        window_start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        self.inner.standing(scope, budget, window_start).await
    }
    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError> {
        self.mood()?;
        self.inner.marks_due().await
    }
}

#[async_trait]
impl EntryLog for FlakyStore {
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        self.mood()?;
        let refused = u128::from(self.refuses.load(Ordering::SeqCst));
        if shipments
            .iter()
            .any(|shipment| refused > 0 && shipment.posting.request.as_u128() == refused)
        {
            return Err(StoreError::Damaged("told to refuse".into()));
        }
        let new = self.inner.append(scope, node, shipments).await?;
        if one_less(&self.lose_answers) {
            return Err(StoreError::Unavailable("the answer was lost".into()));
        }
        Ok(new)
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
        self.mood()?;
        let mut entries = self.inner.entries(scope, from, count).await?;
        if self.changed.load(Ordering::SeqCst) {
            for stored in &mut entries {
                stored.bytes = String::from_utf8_lossy(&stored.bytes)
                    .replace("\"cost\":10", "\"cost\":1")
                    .into_bytes();
            }
        }
        Ok(entries)
    }
    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        self.inner.usage(scope, query).await
    }
}

#[async_trait]
impl Registry for FlakyStore {
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
        let mut stored = self.inner.audit(scope, query).await?;
        if self.changed.load(Ordering::SeqCst) {
            stored.iter_mut().for_each(|one| one.bytes.push(b' '));
        }
        Ok(stored)
    }
    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.inner.audits_kept_from(scope).await
    }
    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        self.inner.audit_record(scope, id).await
    }
}

#[async_trait]
impl MerkleLogs for FlakyStore {
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError> {
        self.mood()?;
        self.inner.log_size(scope, log).await
    }
    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        self.mood()?;
        self.inner.log_leaves(scope, log, from, size).await
    }
    async fn put_log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError> {
        self.mood()?;
        self.inner.put_log_checkpoint(scope, log, checkpoint, epoch).await
    }
    async fn log_epoch(&self) -> Result<u64, StoreError> {
        self.mood()?;
        self.inner.log_epoch().await
    }
    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError> {
        self.mood()?;
        self.inner.hold_log_keys(hold).await
    }
    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.mood()?;
        self.inner.log_checkpoint(scope, log).await
    }
}

#[async_trait]
impl store::Nonces for FlakyStore {
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.inner.spend_nonce(scope, digest, until).await
    }
    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.inner.forget_nonces(now).await
    }
}

impl Store for FlakyStore {
    fn engine(&self) -> &'static str {
        "flaky"
    }
}
