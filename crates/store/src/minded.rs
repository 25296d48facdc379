//! A store in memory with a mind of its own, for tests of those who use a store: it is asked before and after
//! everything that is done, and so can count, fail, be late or lose an answer. Never part of a gate.

use std::fmt;
use std::ops::Deref;

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{AuditId, BudgetId, Money, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, Lease, Standing};

use crate::usage::{UsageQuery, UsageReport};
use crate::{
    AuditEntry, AuditQuery, Budgets, Change, Directory, DirectoryDump, EntriesKept, EntryLog, EntrySpan,
    ExchangeQuery, ExchangeRow, Exchanges, Hold, LeaseAnswer, LeaseWish, LogKind, MarkDue, MemoryStore,
    MerkleLogs, Nonces, Over, Record, RecordKind, RecordQuery, Registry, SealedExchange, Shipment,
    SortedQuery, Store, StoreError, StoredAudit, StoredCheckpoint, StoredEntry,
};

/// What is asked of the store.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// By which method of its ports.
    pub method: &'static str,
    /// And about what.
    pub about: About<'a>,
}

/// What a question is about, as far as tests tell.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Whatever the method says.
    Any,
    /// Documents of this kind.
    Kind(RecordKind),
    /// Changes in that tenant, with these records.
    Changes(&'a TenantScope, &'a [AuditEntry]),
    /// Entries on their way into the log.
    Shipments(&'a [Shipment]),
}

/// What decides how a store does.
#[async_trait]
pub trait Mind: fmt::Debug + Send + Sync {
    /// Before anything is done; after an error nothing is.
    async fn before(&self, _asked: &Asked<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    /// After it is done; an error is told instead of the answer.
    fn after(&self, _asked: &Asked<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    /// Entries as they are read.
    fn entries(&self, _read: &mut Vec<StoredEntry>) {}
    /// Reports as they are read.
    fn usage(&self, _read: &mut UsageReport) {}
    /// Audit records as they are read.
    fn audits(&self, _read: &mut Vec<StoredAudit>) {}
}

/// The store. What its mind has is reached through it.
#[derive(Debug, Default)]
pub struct MindedStore<M> {
    /// What does the work. Of what it is asked directly its mind hears nothing.
    pub inner: MemoryStore,
    mind: M,
}

impl<M> Deref for MindedStore<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.mind
    }
}

impl<M: Mind> Store for MindedStore<M> {
    fn engine(&self) -> &'static str {
        "minded"
    }
}

/// A port, method by method: its arguments, its answer, who sees that before it is told, and what it is about.
macro_rules! minded {
    (@about) => { About::Any };
    (@about $about:expr) => { $about };
    ($port:ident: $(
        fn $name:ident($($given:ident: $type:ty),*) -> $answer:ty $(=> $seen:ident)? $(, $about:expr)?;
    )*) => {
        #[async_trait]
        impl<M: Mind> $port for MindedStore<M> {
            $(async fn $name(&self, $($given: $type),*) -> Result<$answer, StoreError> {
                let asked = Asked { method: stringify!($name), about: minded!(@about $($about)?) };
                self.mind.before(&asked).await?;
                let answer = self.inner.$name($($given),*).await;
                $(let answer = answer.map(|mut read| {
                    self.mind.$seen(&mut read);
                    read
                });)?
                self.mind.after(&asked)?;
                answer
            })*
        }
    };
}

minded! { Directory:
    fn revision() -> u64;
    fn load() -> DirectoryDump;
    fn documents(kind: RecordKind) -> Vec<(TenantId, Record)>, About::Kind(kind);
    fn claim_master_key(mark: &str) -> String;
    fn keys(scope: &TenantScope) -> Vec<KeyRecord>;
}

minded! { Budgets:
    fn budgets(scope: &TenantScope) -> Vec<Budget>;
    fn grow_lease(scope: &TenantScope, wish: &LeaseWish) -> LeaseAnswer;
    fn shrink_lease(scope: &TenantScope, lease: &Lease, amount: Money) -> Money;
    fn renew_leases(node: NodeId, expires: UnixMillis) -> ();
    fn expire_leases(now: UnixMillis) -> u64;
    fn close_leases(node: NodeId) -> Vec<Lease>;
    fn standing(scope: &TenantScope, budget: BudgetId, window_start: UnixMillis) -> Standing;
    fn forget_sessions(before: UnixMillis) -> u64;
    fn marks_due() -> Vec<MarkDue>;
}

minded! { EntryLog:
    fn append(scope: &TenantScope, node: NodeId, shipments: &[Shipment]) -> u64, About::Shipments(shipments);
    fn entry(scope: &TenantScope, id: RequestId) -> StoredEntry;
    fn entries(scope: &TenantScope, from: u64, count: u64) -> Vec<StoredEntry> => entries;
    fn entries_finished(scope: &TenantScope, span: &EntrySpan, after: Option<(UnixMillis, u64)>, count: u64)
        -> Vec<StoredEntry> => entries;
    fn usage(scope: &TenantScope, query: &UsageQuery) -> UsageReport => usage;
    fn roll_up(scope: &TenantScope) -> u64;
    fn entries_kept(scope: &TenantScope) -> EntriesKept;
    fn tend_entries(now: UnixMillis) -> bool;
}

minded! { MerkleLogs:
    fn log_size(scope: &TenantScope, log: LogKind) -> u64;
    fn log_leaves(scope: &TenantScope, log: LogKind, from: u64, size: u64) -> Vec<[u8; 32]>;
    fn put_log_checkpoint(scope: &TenantScope, log: LogKind, checkpoint: &StoredCheckpoint, epoch: u64) -> ();
    fn log_epoch() -> u64;
    fn hold_log_keys(hold: &Hold) -> ();
    fn log_checkpoint(scope: &TenantScope, log: LogKind) -> Option<StoredCheckpoint>;
}

minded! { Exchanges:
    fn keep_exchanges(scope: &TenantScope, exchanges: &[SealedExchange]) -> u64;
    fn exchange(scope: &TenantScope, id: RequestId) -> SealedExchange;
    fn exchanges(scope: &TenantScope, query: &ExchangeQuery) -> Vec<ExchangeRow>;
    fn forget_exchanges(scope: &TenantScope, over: Over, count: u64) -> u64;
}

minded! { Nonces:
    fn spend_nonce(scope: &TenantScope, digest: &[u8; 32], until: UnixMillis) -> bool;
    fn forget_nonces(now: UnixMillis) -> u64;
}

minded! { Registry:
    fn commit_all(scope: &TenantScope, changes: &[Change], audits: &[AuditEntry]) -> (),
        About::Changes(scope, audits);
    fn record(scope: &TenantScope, kind: RecordKind, id: &str) -> Record, About::Kind(kind);
    fn record_named(scope: &TenantScope, kind: RecordKind, name: &str) -> Record, About::Kind(kind);
    fn records(scope: &TenantScope, query: &RecordQuery<'_>) -> Vec<Record>, About::Kind(query.kind);
    fn records_sorted(scope: &TenantScope, query: &SortedQuery<'_>) -> Vec<Record>, About::Kind(query.kind);
    fn bearer(kind: RecordKind, digest: &str) -> (TenantId, Record), About::Kind(kind);
    fn sweep(kind: RecordKind, until: UnixMillis) -> u64, About::Kind(kind);
    fn audit(scope: &TenantScope, query: &AuditQuery) -> Vec<StoredAudit> => audits;
    fn audits_kept_from(scope: &TenantScope) -> u64;
    fn audit_record(scope: &TenantScope, id: AuditId) -> StoredAudit;
}
