//! The teller: writes into audit logs that a budget has reached a mark, so that whoever is pushed audit records hears
//! of it. Each mark is told once a window, whichever node looks, and also where one died in between: that it was told
//! is kept in the one step in which it is recorded.

use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord, Unit};
use serde_json::json;
use store::{AuditEntry, Change, MarkDue, Store, StoreError};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::pace::{Backoff, sleep_or_stop};

/// How often it is looked; an index answers.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_MAX: Duration = Duration::from_secs(30);
/// Who tells.
const TASK: &str = "budgets";
/// The act that is recorded.
const ACT: &str = "budgets.mark";

/// Tells of marks.
#[derive(Debug)]
pub struct Teller {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Teller {
    /// One that looks into this store.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    /// Tells until told to stop.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let mut backoff = Backoff::new(LOOK, LOOK_MAX);
        loop {
            let wait = match self.tell(UnixMillis::now()).await {
                Ok(_) => {
                    backoff.reset();
                    LOOK
                }
                Err(error) => {
                    tracing::warn!(%error, "marks of budgets could not be told");
                    backoff.wait()
                }
            };
            if sleep_or_stop(wait, &mut shutdown).await {
                return;
            }
        }
    }

    /// Tells of what is due now. Returns how many marks that were.
    pub async fn tell(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let mut told = 0;
        for due in self.store.marks_due().await? {
            told += self.tell_one(&due, now).await?;
        }
        Ok(told)
    }

    // threat: AGP-D1
    async fn tell_one(&self, due: &MarkDue, now: UnixMillis) -> Result<u64, StoreError> {
        let scope = TenantScope::operator(due.budget.tenant);
        let change = Change::TellMarks {
            budget: due.budget.id,
            window_start: due.window_start,
            before: due.told,
            after: due.reached,
        };
        let marks = || due.budget.terms.marks_between(due.told, due.reached);
        let records: Vec<_> = marks()
            .map(|mark| AuditEntry::from(record(due, mark, now)))
            .collect();
        match self.store.commit_all(&scope, &[change], &records).await {
            Ok(()) => {}
            // Another node was faster, or the budget is gone.
            Err(StoreError::Conflict(_) | StoreError::NotFound) => return Ok(0),
            Err(error) => return Err(error),
        }
        for mark in marks() {
            tracing::warn!(budget = %due.budget.id, mark, "a budget has reached a mark");
            self.metrics.gauges().budget_marks.inc();
        }
        Ok(records.len() as u64)
    }
}

fn record(due: &MarkDue, mark: u8, now: UnixMillis) -> AuditRecord {
    let budget = &due.budget;
    let (spent, limit) = (due.spent.nanos(), budget.limit.nanos());
    let start = due.window_start.0;
    let after = match budget.terms.unit {
        Unit::Money => json!({
            "mark": mark, "name": budget.name, "window_start": start, "spent_nanos": spent, "limit_nanos": limit,
        }),
        Unit::Tokens => json!({
            "mark": mark, "name": budget.name, "window_start": start, "spent_tokens": spent, "limit_tokens": limit,
        }),
    };
    let actor = AuditActor::Gate(TASK.to_owned());
    AuditRecord {
        target: Some(budget.id.to_string()),
        after: Some(after),
        ..AuditRecord::done((AuditId::generate(), budget.tenant), now, actor, ACT)
    }
}
