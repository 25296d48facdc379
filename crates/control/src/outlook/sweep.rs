//! The daily look at every tenant's spend: what stood out yesterday, and which budgets will be gone before their window
//! ends, are written into the tenant's audit log, from where they are pushed like any other record. Several replicas may
//! look: of each tenant and day one tells, for that it was told is kept in the step in which it is recorded.

use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use finops::Day;
use ledger::{AuditActor, AuditRecord, Budget, Window};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{AuditEntry, Change, DirectoryDump, Record, RecordKind, Store, StoreError, TenantState};
use tokio::sync::watch;

use super::{BudgetLine, By, From, anomalies, budgets};
use crate::problem::Problem;
use crate::record::{Document, read};

/// How often it is looked whether a day is over.
const LOOK: Duration = Duration::from_secs(600);
/// Calls of a day that is over get into the ledger within this.
const SETTLED_MS: i64 = 10 * 60 * 1000;
/// The document's id, which is no act's: a tenant has one.
const ID: &str = "spend";
/// Who tells, and what.
const TASK: &str = "spend";
const ANOMALY: &str = "spend.anomaly";
const EXHAUSTION: &str = "budgets.exhaustion_projected";
/// What is told of a tenant on a day, at most: of each kind what is furthest from the usual.
const TOLD_MAX: usize = 50;
/// A budget is told of if it is gone in at least so many of ten thousand futures.
const CHANCE_BP: i64 = 5_000;
/// A budget whose window never ends is told of if it is gone within so many days.
const NEAR_DAYS: i64 = 7;

/// Until which day a tenant's spend was looked through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    created: UnixMillis,
    /// The day on which it was told last.
    day: Day,
}

impl Document for Told {
    const KIND: RecordKind = RecordKind::Told;
    fn id(&self) -> String {
        ID.to_owned()
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

/// Why the look failed; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum SpendError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept of the last look does not read.
    #[error("what was told of spend does not read: {0}")]
    Damaged(String),
}

impl std::convert::From<Problem> for SpendError {
    fn from(problem: Problem) -> Self {
        Self::Damaged(problem.internal.unwrap_or(problem.detail))
    }
}

/// Looks.
#[derive(Debug)]
pub struct SpendSweeper {
    store: Arc<dyn Store>,
}

impl SpendSweeper {
    /// One that looks into this store.
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Looks until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.sweep(UnixMillis::now()).await {
                tracing::warn!(%error, "spend could not be looked through");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Looks through all tenants that nobody has looked through today. Returns how much was told.
    // threat: ANP-B0010
    pub async fn sweep(&self, now: UnixMillis) -> Result<u64, SpendError> {
        let today = Day::of(UnixMillis(now.0.saturating_sub(SETTLED_MS)));
        // Just after midnight yesterday is not all in the ledger: that day is looked at later.
        if Day::of(now) != today {
            return Ok(0);
        }
        let directory = self.store.load().await?;
        let mut told = 0;
        for tenant in directory
            .tenants
            .iter()
            .filter(|tenant| tenant.state == TenantState::Active)
        {
            told += self.look(tenant.id, &directory, (today, now)).await?;
        }
        Ok(told)
    }

    async fn look(
        &self,
        tenant: TenantId,
        directory: &DirectoryDump,
        (today, now): (Day, UnixMillis),
    ) -> Result<u64, SpendError> {
        let scope = TenantScope::operator(tenant);
        let before: Option<Record> = match self.store.record(&scope, RecordKind::Told, ID).await {
            Err(StoreError::NotFound) => None,
            found => Some(found?),
        };
        let last: Option<Told> = before.as_ref().map(read).transpose()?;
        if last.as_ref().is_some_and(|told| told.day >= today) {
            return Ok(0);
        }
        let created = last.map_or(now, |told| told.created);
        let record = Told { created, day: today }.to_record()?;
        let change = match before {
            None => Change::Create(record),
            Some(before) => Change::Replace {
                before,
                after: record,
            },
        };
        let records = self.found(&scope, directory, (today, now)).await?;
        match self.store.commit_all(&scope, &[change], &records).await {
            Ok(()) => {}
            // Another replica told it.
            Err(StoreError::Conflict(_) | StoreError::NotFound) => return Ok(0),
            Err(error) => return Err(error.into()),
        }
        if !records.is_empty() {
            tracing::warn!(%tenant, told = records.len(), "spend wants looking at: see `bartizan report`");
        }
        Ok(records.len() as u64)
    }

    async fn found(
        &self,
        scope: &TenantScope,
        directory: &DirectoryDump,
        (today, now): (Day, UnixMillis),
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let from = From {
            store: self.store.as_ref(),
            scope,
        };
        let mut stood_out = anomalies(from, &By::ALL, (today.plus(-1), today))
            .await?
            .anomalies;
        stood_out.truncate(TOLD_MAX);
        let own = directory
            .budgets
            .iter()
            .filter(|budget| budget.tenant == scope.tenant() && is_long(budget));
        let own: Vec<&Budget> = own.collect();
        let mut gone = budgets(from, &own, (directory, now)).await?.budgets;
        gone.retain(|line| will_be_gone(line, today));
        gone.truncate(TOLD_MAX);
        let anomalies = stood_out.iter().map(|line| {
            let target = if line.by == By::Total {
                scope.tenant().to_string()
            } else {
                line.group.clone()
            };
            record(scope, now, (ANOMALY, target), serde_json::to_value(line).ok())
        });
        let budgets = gone.iter().map(|line| {
            let target = line.budget.id.to_string();
            record(scope, now, (EXHAUSTION, target), Some(said(line)))
        });
        Ok(anomalies.chain(budgets).collect())
    }
}

/// Whether it is longer than the day that passes between two looks.
const fn is_long(budget: &Budget) -> bool {
    !matches!(budget.window, Window::Minute | Window::Hour | Window::Day)
}

/// Whether it is worth saying: gone more likely than not, and not gone already, which is told by its marks.
fn will_be_gone(line: &BudgetLine, today: Day) -> bool {
    let near = today.plus(NEAR_DAYS).to_string();
    let is_near = line.exhausted.as_ref().is_some_and(|day| *day <= near);
    let is_due = match line.basis {
        "days" if line.window_end.is_none() => is_near,
        "days" => line
            .exhaustion_chance_bp
            .is_some_and(|chance| chance >= CHANCE_BP),
        _ => line.exhausted.is_some(),
    };
    is_due && line.remaining > 0
}

fn said(line: &BudgetLine) -> Value {
    json!({
        "name": line.budget.name,
        "unit": line.unit,
        "spent": line.spent,
        "remaining": line.remaining,
        "burn_per_day": line.burn_per_day,
        "exhausted": line.exhausted,
        "exhausted_earliest": line.exhausted_earliest,
        "exhausted_latest": line.exhausted_latest,
        "window_end": line.window_end,
    })
}

fn record(
    scope: &TenantScope,
    now: UnixMillis,
    (act, target): (&str, String),
    after: Option<Value>,
) -> AuditEntry {
    let actor = AuditActor::Gate(TASK.to_owned());
    AuditEntry::from(AuditRecord {
        target: Some(target),
        after,
        ..AuditRecord::done((AuditId::generate(), scope.tenant()), now, actor, act)
    })
}
