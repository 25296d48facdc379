//! Retention: removes what audit records said once their time is over, from the beginning of each log on, and records
//! that. Their hashes stay, so that the tree does.
//!
//! Never removes what no signed head covers, what a sink has not taken, or what does not have the hash that it came
//! with: that is evidence of something else.

use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::merkle::leaf_hash;
use ledger::retention::{ACT, ENTRIES_ACT, EntriesRemoval, Removal};
use ledger::{AuditActor, AuditRecord};
use store::{AuditQuery, Change, LogKind, Signing, Store, StoreError, StoredAudit};
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;
use crate::push::reached;

/// Records that are read at once.
const READ_AT_ONCE: u64 = 500;
/// Records that go at once, with one record of it.
const REMOVED_AT_ONCE: u64 = 10_000;

/// How long audit records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// So long, and not a day less.
    pub keep: Duration,
    /// How often logs are looked through.
    pub every: Duration,
    /// Names of sinks: what one of them has not taken stays.
    pub sinks: Vec<String>,
}

/// Removes what is over.
#[derive(Debug)]
pub struct Remover {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
    rule: Retention,
}

/// What is found at the beginning of a log.
struct Over {
    /// One past the last that may go.
    below: u64,
    /// Whether any of it is more than the record of a removal: for those alone no other is written.
    is_worth_it: bool,
}

impl Remover {
    /// One for the whole store; of several replicas' one at a time gets to remove.
    pub const fn new(store: Arc<dyn Store>, signing: Arc<Signing>, rule: Retention) -> Self {
        Self { store, signing, rule }
    }

    /// Removes until told to stop.
    // threat: AGP-R3
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if sleep_or_stop(self.rule.every, &mut shutdown).await {
                return;
            }
            match self.remove_all(UnixMillis::now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "audit records whose time is over were removed"),
                Err(error) => tracing::warn!(%error, "old audit records could not be removed"),
            }
        }
    }

    /// Removes what is over in every log. One log's trouble does not keep the others from theirs; the first of it is
    /// returned. Returns how many went.
    pub async fn remove_all(&self, now: UnixMillis) -> Result<u64, WorkerError> {
        let directory = self.store.load().await?;
        let tenants = directory.tenants.iter().map(|tenant| tenant.id);
        let (mut removed, mut trouble) = (0, None);
        for tenant in tenants.chain([TenantId::PLATFORM]) {
            match self.remove(tenant, now).await {
                Ok(count) => removed += count,
                Err(error) => {
                    tracing::error!(%tenant, %error, "nothing of this audit log is removed");
                    trouble = trouble.or(Some(error));
                }
            }
        }
        trouble.map_or(Ok(removed), Err)
    }

    async fn remove(&self, tenant: TenantId, now: UnixMillis) -> Result<u64, WorkerError> {
        let scope = TenantScope::operator(tenant);
        let from = self.store.audits_kept_from(&scope).await?;
        let end = self.end(&scope).await?.min(from.saturating_add(REMOVED_AT_ONCE));
        let over = self.over(&scope, (from, end), now).await?;
        if over.below <= from || !over.is_worth_it {
            return Ok(0);
        }
        self.say_again(&scope, over.below, now).await?;
        let keep_ms = u64::try_from(self.rule.keep.as_millis()).unwrap_or(u64::MAX);
        let removal = Removal::new(from, over.below, keep_ms);
        let record = removal.record((AuditId::generate(), tenant), now);
        let below = over.below;
        let change = Change::RemoveAudits { from, below };
        match self.store.commit(&scope, &[change], Some(&record.into())).await {
            Ok(()) => Ok(removal.records),
            // Another replica was faster.
            Err(StoreError::Conflict(_)) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// What was recorded of the removal of entries is recorded anew before the record of it goes: without one nobody could
    /// tell what retention removed from what somebody else did.
    // threat: AGP-T4
    async fn say_again(&self, scope: &TenantScope, below: u64, now: UnixMillis) -> Result<(), WorkerError> {
        let kept = self.store.entries_kept(scope).await?;
        if kept.from == 0 {
            return Ok(());
        }
        let query = AuditQuery {
            act: Some(ENTRIES_ACT.to_owned()),
            count: 1,
            ..AuditQuery::default()
        };
        let newest = self.store.audit(scope, &query).await?;
        let Some(newest) = newest.first().filter(|newest| newest.index < below) else {
            return Ok(());
        };
        let told = AuditRecord::from_bytes(&newest.bytes).ok();
        if let Some(told) = told.as_ref().and_then(EntriesRemoval::told_by) {
            let record = told.record((AuditId::generate(), scope.tenant()), now);
            self.store.commit(scope, &[], Some(&record.into())).await?;
        }
        Ok(())
    }

    /// Up to where records are signed for and every sink has taken them.
    async fn end(&self, scope: &TenantScope) -> Result<u64, WorkerError> {
        let Some(head) = self.store.log_checkpoint(scope, LogKind::Audit).await? else {
            return Ok(0);
        };
        let origin = self.signing.origin(scope.tenant(), LogKind::Audit);
        let keys = self.signing.now().await?.of_log(&origin);
        let is_ours = keys
            .believed(&head.note)
            .is_ok_and(|opened| opened.origin == origin && opened.size == head.size);
        let mut end = if is_ours { head.size } else { 0 };
        for sink in &self.rule.sinks {
            end = end.min(reached(self.store.as_ref(), scope, sink).await?);
        }
        Ok(end)
    }

    /// How far the records between are over: up to the first that is not.
    async fn over(
        &self,
        scope: &TenantScope,
        (from, end): (u64, u64),
        now: UnixMillis,
    ) -> Result<Over, WorkerError> {
        let keep_ms = i64::try_from(self.rule.keep.as_millis()).unwrap_or(i64::MAX);
        let until = UnixMillis(now.0.saturating_sub(keep_ms));
        let mut over = Over {
            below: from,
            is_worth_it: false,
        };
        while over.below < end {
            let next = end.min(over.below.saturating_add(READ_AT_ONCE));
            for record in self.read(scope, over.below, next).await? {
                if record.at >= until {
                    return Ok(over);
                }
                over.below += 1;
                let is_of_removal = [ACT, ENTRIES_ACT].contains(&record.act.as_str());
                over.is_worth_it |= !is_of_removal || !matches!(record.actor, AuditActor::Gate(_));
            }
        }
        Ok(over)
    }

    /// Records from `from` up to `end`: all there, and with the bytes that they came with.
    // threat: ANP-0012
    async fn read(&self, scope: &TenantScope, from: u64, end: u64) -> Result<Vec<AuditRecord>, WorkerError> {
        let query = AuditQuery {
            before: Some(end),
            count: end - from,
            ..AuditQuery::default()
        };
        let mut stored = self.store.audit(scope, &query).await?;
        stored.reverse();
        let leaves = self.store.log_leaves(scope, LogKind::Audit, from, end).await?;
        let tampered = || WorkerError::Tampered {
            tenant: scope.tenant(),
            log: LogKind::Audit,
            size: end,
        };
        let is_whole = |(index, (one, leaf)): (u64, (&StoredAudit, &[u8; 32]))| {
            one.index == index && leaf_hash(&one.bytes) == *leaf
        };
        if leaves.len() != stored.len() || !(from..).zip(stored.iter().zip(&leaves)).all(is_whole) {
            return Err(tampered());
        }
        let records = stored.iter().map(|one| AuditRecord::from_bytes(&one.bytes));
        records.collect::<Result<_, _>>().map_err(|_| tampered())
    }
}
