//! What a provider billed beside what the ledger has of one tenant, kept: a result never changes, and gaps are told of in
//! the step in which it is kept. Asks nobody whether they may: whoever calls has.

use std::collections::BTreeSet;

use domain::{AuditId, ReconciliationId, UnixMillis};
use exports::reconcile::{Amount, Compared, Here, Line, Provider, Report, Tolerance, Verdict, compare};
use exports::{Pricing, digest_of};
use ledger::{AuditActor, AuditRecord, Entry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{EntrySpan, RecordKind, StoreError, each_finished};

use crate::outlook::From;
use crate::problem::{Code, Problem};
use crate::record::Document;
use crate::resource::words::time;
use crate::shapes;

/// Lines that are off and kept; how many more there are is kept as well.
const LINES_KEPT: usize = 1_000;
/// The act that tells of gaps, and who tells.
const GAP: &str = "reconciliation.gap";
const TASK: &str = "reconciliation";

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was given is no such report.
    #[error("{0}")]
    Report(String),
}

impl std::convert::From<ReconcileError> for Problem {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Store(error) => error.into(),
            ReconcileError::Report(why) => Self::new(Code::Invalid, why).at("/files"),
        }
    }
}

/// What is compared.
pub struct Asked<'a> {
    /// Whose report it is.
    pub provider: Provider,
    /// Its files: all pages, costs and usage together if there are both.
    pub files: &'a [String],
    /// The providers of the configuration that it is about.
    pub of: &'a BTreeSet<String>,
    /// How much a line may be off.
    pub tolerance: Tolerance,
    /// What providers charge: a tenant's mark-up is no difference.
    pub list: &'a dyn Pricing,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconciliation {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ReconciliationId,
    /// When it was made, RFC 3339.
    pub made: String,
    /// When it was made.
    #[schemars(with = "i64")]
    pub created: UnixMillis,
    /// `openai` or `anthropic`: whose report it was.
    pub provider: String,
    /// Providers of the configuration that it is about.
    pub of: BTreeSet<String>,
    /// The report's first moment, RFC 3339; none of one without days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The moment after its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// SHA-256 of each file, hex, in their order.
    pub files: Vec<String>,
    /// Days and models that were compared.
    pub compared: u64,
    /// Of them, off by more than the tolerance.
    pub gaps: u64,
    /// How much more the provider bills in all, in dollars.
    pub cost_difference_usd: String,
    /// Lines that are off: day, model, verdict, both sides, their difference, and the likeliest cause. A thousand at most.
    #[schemars(with = "Vec<serde_json::Map<String, Value>>")]
    pub lines: Vec<Value>,
}

/// One of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReconciliationLine {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ReconciliationId,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Whose report it was.
    pub provider: String,
    /// Days and models that were compared.
    pub compared: u64,
    /// Of them, off by more than the tolerance.
    pub gaps: u64,
    /// How much more the provider bills in all, in dollars.
    pub cost_difference_usd: String,
}

shapes! { given: ; shown: Reconciliation, ReconciliationLine }

impl Document for Reconciliation {
    const KIND: RecordKind = RecordKind::Reconciliation;
    fn id(&self) -> String {
        self.id.to_string()
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

impl std::convert::From<&Reconciliation> for ReconciliationLine {
    fn from(whole: &Reconciliation) -> Self {
        Self {
            id: whole.id,
            made: whole.made.clone(),
            provider: whole.provider.clone(),
            compared: whole.compared,
            gaps: whole.gaps,
            cost_difference_usd: whole.cost_difference_usd.clone(),
        }
    }
}

/// Compares a report with a tenant's ledger.
// threat: AGP-R2
pub async fn reconciled(
    from: From<'_>,
    asked: &Asked<'_>,
    now: UnixMillis,
) -> Result<Reconciliation, ReconcileError> {
    let mut report = Report::default();
    for (at, file) in asked.files.iter().enumerate() {
        let read = report.read(asked.provider, file.as_bytes());
        read.map_err(|error| ReconcileError::Report(format!("file {at}: {error}")))?;
    }
    let whole = report
        .finish()
        .map_err(|error| ReconcileError::Report(error.to_string()))?;
    let (mut here, meant) = (Here::default(), Vec::from_iter(asked.of.iter().cloned()));
    if let Some((first, until)) = whole.span {
        let span = EntrySpan {
            from: first,
            until,
            size: u64::MAX,
        };
        let read = each_finished(from.store, from.scope, &span, |stored| {
            let entry =
                Entry::from_bytes(&stored.bytes).map_err(|error| StoreError::Damaged(error.to_string()))?;
            here.add(&entry, &meant, asked.list);
            Ok::<_, StoreError>(entry.finished)
        });
        read.await?;
    }
    let compared = compare(here, whole.lines, asked.tolerance);
    Ok(kept(asked, &compared, (whole.span, now)))
}

fn kept(
    asked: &Asked<'_>,
    compared: &Compared,
    (span, now): (Option<(UnixMillis, UnixMillis)>, UnixMillis),
) -> Reconciliation {
    let is_off = |line: &&Line| line.verdict != Verdict::Matched;
    let off = compared.lines.iter().filter(is_off).take(LINES_KEPT);
    let digests = asked
        .files
        .iter()
        .filter_map(|file| digest_of(file.as_bytes()).ok());
    Reconciliation {
        id: ReconciliationId::generate(),
        made: time(now),
        created: now,
        provider: asked.provider.as_str().to_owned(),
        of: asked.of.clone(),
        from: span.map(|(from, _)| time(from)),
        until: span.map(|(_, until)| time(until)),
        files: digests.map(|(sha256, _)| sha256).collect(),
        compared: compared.lines.len() as u64,
        gaps: compared.gaps,
        cost_difference_usd: Amount::to_string(&compared.cost),
        lines: off.filter_map(|line| serde_json::to_value(line).ok()).collect(),
    }
}

/// What tells of gaps, if there are any: a record that is pushed to whoever asks for it.
// threat: AGP-R3
pub fn gap(from: From<'_>, result: &Reconciliation) -> Option<AuditRecord> {
    let ids = (AuditId::generate(), from.scope.tenant());
    let actor = AuditActor::Gate(TASK.to_owned());
    (result.gaps > 0).then(|| AuditRecord {
        target: Some(result.id.to_string()),
        after: Some(json!({
            "name": format!("{} of {} lines of {}", result.gaps, result.compared, result.provider),
            "gaps": result.gaps, "cost_difference_usd": result.cost_difference_usd,
            "from": result.from, "until": result.until,
        })),
        ..AuditRecord::done(ids, result.created, actor, GAP)
    })
}
