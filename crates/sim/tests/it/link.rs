//! One node's way to the store: questions are late, refused, or done without anybody hearing of it.
//!
//! A question whose asker has gone is never done afterwards: an engine's transaction ends with its connection.

use std::sync::Arc;

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{AuditId, BudgetId, Money, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, Lease, Standing};
use store::usage::{UsageQuery, UsageReport};
use store::{
    AuditEntry, AuditQuery, Budgets, Change, Directory, DirectoryDump, EntriesKept, EntryLog, EntrySpan,
    ExchangeQuery, ExchangeRow, Exchanges, Hold, LeaseAnswer, LeaseWish, LogKind, MarkDue, MerkleLogs,
    Nonces, Over, Record, RecordKind, RecordQuery, Registry, SealedExchange, Shipment, SortedQuery, Store,
    StoreError, StoredAudit, StoredCheckpoint, StoredEntry,
};

use crate::world::{World, ms};

pub struct Link {
    pub world: Arc<World>,
    pub node: usize,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the link of node {}", self.node)
    }
}

/// What becomes of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Refused,
    /// Done, and the answer lost.
    Lost,
}

impl Link {
    fn fate(&self) -> (Fate, i64, i64) {
        let mut state = self.world.state();
        let (plan, calm) = (&self.world.plan, state.calm);
        let (cut_off, dice) = (state.nodes[self.node].is_cut_off, &mut state.dice);
        // Slower than a call waits is a fault as well.
        let late = if calm {
            plan.delay_ms.min(20)
        } else {
            plan.delay_ms
        };
        let (there, back) = (dice.within(0, late + 1), dice.within(0, late + 1));
        match (cut_off, dice.chance(plan.faults)) {
            (true, _) => (Fate::Refused, dice.within(1, 1500), 0),
            (false, true) if !calm => {
                let fate = [Fate::Refused, Fate::Lost][dice.below(2)];
                (fate, there, dice.within(1, 1500))
            }
            _ => (Fate::Answered, there, back),
        }
    }

    async fn ask<T>(
        &self,
        what: &'static str,
        run: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let (fate, there, back) = self.fate();
        tokio::time::sleep(ms(there)).await;
        if fate == Fate::Refused {
            self.note(what, fate);
            return Err(StoreError::Unavailable("refused".to_owned()));
        }
        let answer = run.await;
        self.note(what, fate);
        self.world.look_at_store();
        tokio::time::sleep(ms(back)).await;
        // Whoever was cut off meanwhile does not hear of it.
        let cut_off = self.world.state().nodes[self.node].is_cut_off;
        match fate == Fate::Lost || cut_off {
            true => Err(StoreError::Unavailable("nobody heard the answer".to_owned())),
            false => answer,
        }
    }

    fn note(&self, what: &'static str, fate: Fate) {
        let mut state = self.world.state();
        *state.asked.entry(what).or_default() += 1;
        state.note(&format!("node {} {what}: {fate:?}", self.node));
    }
}

#[async_trait]
impl Budgets for Link {
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        self.world.central.budgets(scope).await
    }
    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        {
            let mut state = self.world.state();
            state.knows((wish.budget, wish.window_start));
            if wish.wanted > Money::ZERO {
                state.asks(self.node, wish.budget);
            }
        }
        self.ask("grow_lease", self.world.central.grow_lease(scope, wish))
            .await
    }
    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError> {
        self.ask(
            "shrink_lease",
            self.world.central.shrink_lease(scope, lease, amount),
        )
        .await
    }
    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        self.ask("renew_leases", self.world.central.renew_leases(node, expires))
            .await
    }
    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.ask("expire_leases", self.world.central.expire_leases(now))
            .await
    }
    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        self.ask("close_leases", self.world.central.close_leases(node))
            .await
    }
    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        self.world.central.standing(scope, budget, start).await
    }
    async fn forget_sessions(&self, before: UnixMillis) -> Result<u64, StoreError> {
        self.world.central.forget_sessions(before).await
    }
    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError> {
        self.ask("marks_due", self.world.central.marks_due()).await
    }
}

#[async_trait]
impl Directory for Link {
    async fn revision(&self) -> Result<u64, StoreError> {
        self.ask("revision", self.world.central.revision()).await
    }
    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        self.ask("load", self.world.central.load()).await
    }
    async fn documents(&self, kind: RecordKind) -> Result<Vec<(TenantId, Record)>, StoreError> {
        self.ask("documents", self.world.central.documents(kind)).await
    }
    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        self.world.central.claim_master_key(mark).await
    }
    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        self.world.central.keys(scope).await
    }
}

#[async_trait]
impl EntryLog for Link {
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        self.ask("append", self.world.central.append(scope, node, shipments))
            .await
    }
    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        self.world.central.entry(scope, id).await
    }
    async fn entries(
        &self,
        scope: &TenantScope,
        from: u64,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.world.central.entries(scope, from, count).await
    }
    async fn entries_finished(
        &self,
        scope: &TenantScope,
        span: &EntrySpan,
        after: Option<(UnixMillis, u64)>,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.world
            .central
            .entries_finished(scope, span, after, count)
            .await
    }
    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<UsageReport, StoreError> {
        self.world.central.usage(scope, query).await
    }
    async fn roll_up(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.world.central.roll_up(scope).await
    }
    async fn entries_kept(&self, scope: &TenantScope) -> Result<EntriesKept, StoreError> {
        self.world.central.entries_kept(scope).await
    }
    async fn tend_entries(&self, now: UnixMillis) -> Result<bool, StoreError> {
        self.world.central.tend_entries(now).await
    }
}

#[async_trait]
impl Registry for Link {
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        self.world.central.commit_all(scope, changes, audits).await
    }
    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError> {
        self.world.central.record(scope, kind, id).await
    }
    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError> {
        self.world.central.record_named(scope, kind, name).await
    }
    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError> {
        self.world.central.records(scope, query).await
    }
    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError> {
        self.world.central.records_sorted(scope, query).await
    }
    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError> {
        self.world.central.bearer(kind, digest).await
    }
    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError> {
        self.world.central.sweep(kind, until).await
    }
    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError> {
        self.world.central.audit(scope, query).await
    }
    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.world.central.audits_kept_from(scope).await
    }
    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        self.world.central.audit_record(scope, id).await
    }
}

#[async_trait]
impl MerkleLogs for Link {
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError> {
        self.world.central.log_size(scope, log).await
    }
    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        self.world.central.log_leaves(scope, log, from, size).await
    }
    async fn put_log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError> {
        self.world
            .central
            .put_log_checkpoint(scope, log, checkpoint, epoch)
            .await
    }
    async fn log_epoch(&self) -> Result<u64, StoreError> {
        self.world.central.log_epoch().await
    }
    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError> {
        self.world.central.hold_log_keys(hold).await
    }
    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.world.central.log_checkpoint(scope, log).await
    }
}

impl Store for Link {
    fn engine(&self) -> &'static str {
        "simulated"
    }
}

#[async_trait]
impl Nonces for Link {
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.world.central.spend_nonce(scope, digest, until).await
    }
    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.world.central.forget_nonces(now).await
    }
}

#[async_trait]
impl Exchanges for Link {
    async fn keep_exchanges(
        &self,
        scope: &TenantScope,
        exchanges: &[SealedExchange],
    ) -> Result<u64, StoreError> {
        self.world.central.keep_exchanges(scope, exchanges).await
    }
    async fn exchange(&self, scope: &TenantScope, id: RequestId) -> Result<SealedExchange, StoreError> {
        self.world.central.exchange(scope, id).await
    }
    async fn exchanges(
        &self,
        scope: &TenantScope,
        query: &ExchangeQuery,
    ) -> Result<Vec<ExchangeRow>, StoreError> {
        self.world.central.exchanges(scope, query).await
    }
    async fn forget_exchanges(&self, scope: &TenantScope, over: Over, count: u64) -> Result<u64, StoreError> {
        self.world.central.forget_exchanges(scope, over, count).await
    }
}
