//! A store that writes down what it is asked, so that two requests can be seen to have done the same work.

use std::sync::{Arc, Mutex};

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
pub struct Counting {
    inner: MemoryStore,
    asked: Mutex<Vec<String>>,
}

impl Counting {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }

    /// What was asked since this was last called.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

macro_rules! counted {
    ($port:ident: $(fn $name:ident($($given:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $port for Counting {
            $(async fn $name(&self, $($given: $type),*) -> Result<$answer, StoreError> {
                self.note(stringify!($name));
                self.inner.$name($($given),*).await
            })*
        }
    };
}

counted! { Directory:
    fn revision() -> u64;
    fn load() -> DirectoryDump;
    fn claim_master_key(mark: &str) -> String;
    fn keys(scope: &TenantScope) -> Vec<KeyRecord>;
}

counted! { Budgets:
    fn budgets(scope: &TenantScope) -> Vec<Budget>;
    fn grow_lease(scope: &TenantScope, wish: &LeaseWish) -> LeaseAnswer;
    fn shrink_lease(scope: &TenantScope, lease: &Lease, amount: Money) -> Money;
    fn renew_leases(node: NodeId, expires: UnixMillis) -> ();
    fn expire_leases(now: UnixMillis) -> u64;
    fn close_leases(node: NodeId) -> Vec<Lease>;
    fn standing(scope: &TenantScope, budget: BudgetId, start: UnixMillis) -> Standing;
    fn marks_due() -> Vec<MarkDue>;
}

counted! { EntryLog:
    fn append(scope: &TenantScope, node: NodeId, shipments: &[Shipment]) -> u64;
    fn entry(scope: &TenantScope, id: RequestId) -> StoredEntry;
    fn entries(scope: &TenantScope, from: u64, count: u64) -> Vec<StoredEntry>;
    fn usage(scope: &TenantScope, query: &UsageQuery) -> Vec<UsageRow>;
}

counted! { MerkleLogs:
    fn log_size(scope: &TenantScope, log: LogKind) -> u64;
    fn log_leaves(scope: &TenantScope, log: LogKind, from: u64, size: u64) -> Vec<[u8; 32]>;
    fn put_log_checkpoint(scope: &TenantScope, log: LogKind, checkpoint: &StoredCheckpoint, epoch: u64) -> ();
    fn log_epoch() -> u64;
    fn hold_log_keys(hold: &Hold) -> ();
    fn log_checkpoint(scope: &TenantScope, log: LogKind) -> Option<StoredCheckpoint>;
}

counted! { Nonces:
    fn spend_nonce(scope: &TenantScope, digest: &[u8; 32], until: UnixMillis) -> bool;
    fn forget_nonces(now: UnixMillis) -> u64;
}

#[async_trait]
impl Registry for Counting {
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        // That a session is in use is written down now and then, whatever is asked.
        if !audits.is_empty() {
            let acts = audits
                .iter()
                .map(|audit| (&audit.record.act, &audit.record.outcome));
            self.note(format!(
                "commit {} {:?}",
                scope.tenant(),
                acts.collect::<Vec<_>>()
            ));
        }
        self.inner.commit_all(scope, changes, audits).await
    }
    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError> {
        self.note(format!("record {}", kind.as_str()));
        self.inner.record(scope, kind, id).await
    }
    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError> {
        self.note(format!("record_named {}", kind.as_str()));
        self.inner.record_named(scope, kind, name).await
    }
    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError> {
        self.note(format!("records {}", query.kind.as_str()));
        self.inner.records(scope, query).await
    }
    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError> {
        self.note(format!("records_sorted {}", query.kind.as_str()));
        self.inner.records_sorted(scope, query).await
    }
    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError> {
        self.note(format!("bearer {}", kind.as_str()));
        self.inner.bearer(kind, digest).await
    }
    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError> {
        self.inner.sweep(kind, until).await
    }
    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError> {
        self.note("audit");
        self.inner.audit(scope, query).await
    }
    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.note("audits_kept_from");
        self.inner.audits_kept_from(scope).await
    }
    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        self.note("audit_record");
        self.inner.audit_record(scope, id).await
    }
}

impl Store for Counting {
    fn engine(&self) -> &'static str {
        "counting"
    }
}
