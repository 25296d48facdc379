//! Retention of entries: removes whole months of them once their time is over, from the beginning of each ledger on, and
//! records that in the tenant's audit log. Their hashes stay, so that the tree does; so do the roll-ups, so that reports do.
//!
//! Never removes what no signed head covers, what has not the hash that it came with, what the roll-ups do not sum up, or
//! what a kept exchange is held against.

use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::Entry;
use ledger::merkle::leaf_hash;
use ledger::retention::EntriesRemoval;
use store::usage::{Fact, Tally, UsageQuery};
use store::{
    Change, EntriesKept, EntrySpan, ExchangeQuery, LogKind, Signing, Store, StoreError, StoredEntry,
    each_finished,
};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;

/// Entries that are read at once.
const READ_AT_ONCE: u64 = 500;
/// Steps in which a store gives back room, a round: what is left waits for the next.
const STEPS_MAX: u32 = 10_000;
/// Between two of them, so that whoever appends has its turn.
const PAUSE: Duration = Duration::from_millis(5);

/// Removes what is over, and makes room for what comes.
#[derive(Debug)]
pub struct EntryRemover {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
    metrics: Arc<Metrics>,
    keep: Option<Duration>,
    every: Duration,
}

impl EntryRemover {
    /// One for the whole store, that keeps entries so long, or for ever. Several replicas may have one each.
    pub fn new(
        store: Arc<dyn Store>,
        (signing, metrics): (Arc<Signing>, Arc<Metrics>),
        keep: Option<Duration>,
        every: Duration,
    ) -> Self {
        Self {
            store,
            signing,
            metrics,
            keep,
            every,
        }
    }

    /// At once, and every so often until told to stop.
    // threat: AGP-T4
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            match self.round(UnixMillis::now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "entries whose time is over were removed"),
                Err(error) => tracing::warn!(%error, "old entries could not be removed"),
            }
            if sleep_or_stop(self.every, &mut shutdown).await {
                return;
            }
        }
    }

    /// Removes what is over in every ledger, then has the store give back the room. One ledger's trouble does not keep
    /// the others from theirs; the first of it is returned. Returns how many entries went.
    pub async fn round(&self, now: UnixMillis) -> Result<u64, WorkerError> {
        let removed = match self.keep {
            Some(keep) => self.remove_all(keep, now).await,
            None => Ok(0),
        };
        for _ in 0..STEPS_MAX {
            if !self.store.tend_entries(now).await? {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        removed
    }

    async fn remove_all(&self, keep: Duration, now: UnixMillis) -> Result<u64, WorkerError> {
        let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let until = month_of(UnixMillis(now.0.saturating_sub(keep_ms)));
        let (mut removed, mut trouble) = (0, None);
        for tenant in self.store.load().await?.tenants {
            match self.remove(tenant.id, until, (keep, now)).await {
                Ok(count) => removed += count,
                Err(error) => {
                    tracing::error!(tenant = %tenant.id, %error, "nothing of this ledger is removed");
                    self.metrics.gauges().entries_not_removed.inc();
                    trouble = trouble.or(Some(error));
                }
            }
        }
        self.metrics.gauges().entries_removed.inc_by(removed);
        trouble.map_or(Ok(removed), Err)
    }

    async fn remove(
        &self,
        tenant: TenantId,
        until: UnixMillis,
        (keep, now): (Duration, UnixMillis),
    ) -> Result<u64, WorkerError> {
        let scope = TenantScope::operator(tenant);
        let kept = self.store.entries_kept(&scope).await?;
        if until <= kept.since || self.is_needed(&scope, until).await? {
            return Ok(0);
        }
        let below = self.over(&scope, kept.from, until).await?;
        if below <= kept.from {
            return Ok(0);
        }
        self.must_add_up(&scope, kept, until).await?;
        let removal = EntriesRemoval {
            from: kept.from,
            below,
            until,
            keep_ms: u64::try_from(keep.as_millis()).unwrap_or(u64::MAX),
        };
        let record = removal.record((AuditId::generate(), tenant), now);
        let change = Change::RemoveEntries {
            from: kept.from,
            below,
            until,
        };
        match self.store.commit(&scope, &[change], Some(&record.into())).await {
            Ok(()) => Ok(below - kept.from),
            // Another replica was faster.
            Err(StoreError::Conflict(_)) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a kept exchange is of that time, whose digests are in its entry, or the roll-ups are not made yet.
    async fn is_needed(&self, scope: &TenantScope, until: UnixMillis) -> Result<bool, WorkerError> {
        let any = ExchangeQuery {
            until: Some(until),
            count: 1,
            ..ExchangeQuery::default()
        };
        let is_kept = !self.store.exchanges(scope, &any).await?.is_empty();
        Ok(is_kept || self.store.roll_up(scope).await? > 0)
    }

    /// Up to where entries are signed for.
    async fn signed(&self, scope: &TenantScope) -> Result<u64, WorkerError> {
        let Some(head) = self.store.log_checkpoint(scope, LogKind::Ledger).await? else {
            return Ok(0);
        };
        let origin = self.signing.origin(scope.tenant(), LogKind::Ledger);
        let keys = self.signing.now().await?.of_log(&origin);
        let is_ours = keys
            .believed(&head.note)
            .is_ok_and(|opened| opened.origin == origin && opened.size == head.size);
        Ok(if is_ours { head.size } else { 0 })
    }

    /// Up to the first entry that is not over.
    async fn over(&self, scope: &TenantScope, from: u64, until: UnixMillis) -> Result<u64, WorkerError> {
        let (end, mut below) = (self.signed(scope).await?, from);
        while below < end {
            let next = end.min(below.saturating_add(READ_AT_ONCE));
            for entry in self.read(scope, below, next).await? {
                if entry.finished >= until {
                    return Ok(below);
                }
                below += 1;
            }
        }
        Ok(below)
    }

    /// Entries from `from` up to `end`: all there, and with the bytes that they came with.
    // threat: ANP-0012
    async fn read(&self, scope: &TenantScope, from: u64, end: u64) -> Result<Vec<Entry>, WorkerError> {
        let stored = self.store.entries(scope, from, end - from).await?;
        let leaves = self.store.leaf_hashes(scope, from, end).await?;
        let tampered = || WorkerError::Tampered {
            tenant: scope.tenant(),
            log: LogKind::Ledger,
            size: end,
        };
        let is_whole = |(index, (one, leaf)): (u64, (&StoredEntry, &[u8; 32]))| {
            one.index == index && leaf_hash(&one.bytes) == *leaf
        };
        if leaves.len() != stored.len() || !(from..).zip(stored.iter().zip(&leaves)).all(is_whole) {
            return Err(tampered());
        }
        let entries = stored.iter().map(|one| Entry::from_bytes(&one.bytes));
        entries.collect::<Result<_, _>>().map_err(|_| tampered())
    }

    /// The roll-ups of all the time in which entries go are the sums over the entries that ended in it.
    // threat: AGP-R2
    async fn must_add_up(
        &self,
        scope: &TenantScope,
        kept: EntriesKept,
        until: UnixMillis,
    ) -> Result<(), WorkerError> {
        // What comes while it is read is in one of the sums alone.
        if self.adds_up(scope, kept, until).await? || self.adds_up(scope, kept, until).await? {
            return Ok(());
        }
        Err(WorkerError::SumsDiffer {
            tenant: scope.tenant(),
            until,
        })
    }

    async fn adds_up(
        &self,
        scope: &TenantScope,
        kept: EntriesKept,
        until: UnixMillis,
    ) -> Result<bool, WorkerError> {
        let query = UsageQuery::over(kept.since, until);
        let span = EntrySpan {
            from: kept.since,
            until,
            size: self.store.size(scope).await?,
        };
        let mut tally = Tally::new(&query);
        let read = each_finished(self.store.as_ref(), scope, &span, |stored| {
            tally.add_fact(Fact::read(&stored.bytes)?);
            let entry = Entry::from_bytes(&stored.bytes);
            entry
                .map(|entry| entry.finished)
                .map_err(|error| StoreError::Damaged(format!("entry {}: {error}", stored.index)))
        });
        read.await?;
        Ok(tally.report().total == self.store.usage(scope, &query).await?.total)
    }
}

/// When the UTC month began in which this is.
fn month_of(at: UnixMillis) -> UnixMillis {
    let time = jiff::Timestamp::from_millisecond(at.0).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let first = time.and_then(|time| time.first_of_month()?.start_of_day());
    first.map_or(UnixMillis(0), |first| {
        UnixMillis(first.timestamp().as_millisecond())
    })
}
