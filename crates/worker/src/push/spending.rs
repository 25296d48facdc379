//! Tells a system outside of everything that was spent: every entry of every ledger, in the order of each, at least once.
//! It leaves none out and gives none up; no call waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{NodeId, TenantId, TenantScope, UnixMillis};
use ledger::Entry;
use store::{LogKind, Store, StoreError, StoredEntry};
use telemetry::metrics::SinkMetrics;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Trouble;
use super::batch::note;
use super::cursor::{self, Claim, Cursor};
use super::rounds::{self, BACKOFF_MAX, Rounds};
use super::transport::{BATCH_TIME, Posted};
use super::webhook::Webhook;

/// Entries that are read and told at once.
const BATCH: u64 = 100;

/// Tells of what was spent.
#[derive(Debug)]
pub struct Spending {
    store: Arc<dyn Store>,
    node: NodeId,
    name: String,
    every: Duration,
    webhook: Webhook,
    metrics: SinkMetrics,
    revision: Option<u64>,
    tenants: Vec<TenantId>,
    /// Up to where each ledger was told when this node last looked, and how long it was.
    logs: HashMap<TenantId, (u64, u64)>,
}

impl Spending {
    /// To this address; how far it has come is kept under `name`. The error says what is wrong with the address.
    pub fn new(
        (store, node): (Arc<dyn Store>, NodeId),
        name: &str,
        to: Posted,
        every: Duration,
        metrics: SinkMetrics,
    ) -> Result<Self, String> {
        Ok(Self {
            store,
            node,
            name: name.to_owned(),
            every,
            webhook: Webhook::new(&to.address, to.allow_plaintext, to.keys, to.client)?,
            metrics,
            revision: None,
            tenants: Vec::new(),
            logs: HashMap::new(),
        })
    }

    /// Tells until told to stop. What was under way then is told again at the next start.
    // threat: AGP-R1
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        rounds::run(self, shutdown).await;
    }

    /// A batch of one ledger, if it has grown and no other replica is at it. Whether there is more.
    async fn push(&mut self, tenant: TenantId) -> Result<bool, Trouble> {
        let (scope, now) = (TenantScope::operator(tenant), UnixMillis::now());
        let size = self.store.log_size(&scope, LogKind::Ledger).await?;
        let next = match self.logs.get(&tenant) {
            Some((next, _)) => *next,
            None => {
                let standing = cursor::standing(self.store.as_ref(), &scope, &self.name).await?;
                standing.map_or(0, |standing| standing.next)
            }
        };
        self.logs.insert(tenant, (next, size));
        if next >= size {
            return Ok(false);
        }
        let us = (self.name.as_str(), self.node);
        let mut cursor = match Cursor::claim(self.store.as_ref(), &scope, us, now).await? {
            Claim::Held(cursor) => cursor,
            Claim::Elsewhere(standing) => {
                let next = standing.map_or(next, |standing| standing.next);
                self.logs.insert(tenant, (next, size));
                return Ok(false);
            }
        };
        // What retention removed is told to nobody any more.
        let kept_from = self.store.entries_kept(&scope).await?.from;
        let from = cursor.standing.next.max(kept_from);
        let entries = self
            .store
            .entries(&scope, from, BATCH.min(size.saturating_sub(from)))
            .await?;
        let (done, trouble) = self.tell(&entries).await;
        let standing = &mut cursor.standing;
        if done > 0 {
            (standing.taken, standing.failing) = (Some(now), None);
        }
        note(&mut standing.failing, trouble.as_ref(), now);
        standing.next = from.saturating_add(done);
        let next = standing.next;
        cursor
            .keep(self.store.as_ref(), &scope, (Vec::new(), &[]))
            .await?;
        self.metrics.delivered.inc_by(done);
        self.logs.insert(tenant, (next, size));
        trouble.map_or(Ok(next < size), Err)
    }

    /// One after another, for a while; the first that is not taken ends it. How many were.
    async fn tell(&self, entries: &[StoredEntry]) -> (u64, Option<Trouble>) {
        let (until, mut done) = (Instant::now() + BATCH_TIME, 0);
        let keys = match self.webhook.keys().await {
            Ok(keys) => keys,
            Err(trouble) => return (0, Some(trouble)),
        };
        for entry in entries {
            if done > 0 && Instant::now() >= until {
                break;
            }
            let told = match body(entry) {
                Ok((id, body)) => self.webhook.post((&id, body), &keys).await,
                Err(damaged) => Err(damaged.into()),
            };
            if let Err(trouble) = told {
                return (done, Some(trouble));
            }
            done += 1;
        }
        (done, None)
    }
}

impl Rounds for Spending {
    fn rests(&self) -> (Duration, Duration) {
        (self.every, BACKOFF_MAX)
    }

    fn metrics(&self) -> &SinkMetrics {
        &self.metrics
    }

    fn pending(&self) -> u64 {
        let logs = self.logs.values();
        logs.map(|(next, size)| size.saturating_sub(*next)).sum()
    }

    fn tell(&self, trouble: &Trouble, pending: u64) {
        self.metrics.failures.inc();
        tracing::warn!(
            to = self.name,
            why = trouble.why().unwrap_or_else(|| format!("{trouble:?}")),
            pending,
            "what was spent cannot be told: it waits and is told again"
        );
    }

    /// One batch of every ledger that has grown. Whether there is more to tell at once.
    async fn round(&mut self) -> Result<bool, Trouble> {
        let revision = self.store.revision().await?;
        if self.revision != Some(revision) {
            let dump = self.store.load().await?;
            self.tenants = dump.tenants.iter().map(|tenant| tenant.id).collect();
            self.revision = Some(dump.revision);
        }
        let (mut more, mut trouble) = (false, None);
        for tenant in self.tenants.clone() {
            match self.push(tenant).await {
                Ok(rest) => more |= rest,
                Err(other @ Trouble::Refused { .. }) => trouble = Some(other),
                Err(other) => return Err(other),
            }
        }
        trouble.map_or(Ok(more), Err)
    }
}

/// Its id, and what is said of it: its place, and its canonical bytes as they are.
fn body(stored: &StoredEntry) -> Result<(String, String), StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("entry {}: {what}", stored.index));
    let entry = Entry::from_bytes(&stored.bytes).map_err(|error| damaged(error.to_string()))?;
    let text = std::str::from_utf8(&stored.bytes).map_err(|_| damaged("not text".to_owned()))?;
    let at = jiff::Timestamp::from_millisecond(entry.finished.0).unwrap_or_default();
    let body = format!(
        r#"{{"type":"budget.spent","timestamp":"{at:.3}","data":{{"index":{},"entry":{text}}}}}"#,
        stored.index
    );
    Ok((entry.id.to_string(), body))
}
