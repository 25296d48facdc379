//! From the ledger to a statement. What is borne is exactly what the ledger has of the time: sums that do not agree with
//! each other make no statement.

use domain::UnixMillis;
use finops::{Allocation, Cost, Day, Quantities, Rules};
use ledger::{Entry, note};
use store::usage::{Dimension, Sums, UsageQuery, UsageRow};
use store::{Record, RecordKind, RecordQuery, StoreError};

use super::late::gathered;
use super::statement::{Body, FORMAT, LedgerHead, RulesDocument, Statement};
use crate::outlook::From;
use crate::problem::{Code, Problem};
use crate::record::read;

/// The longest time of a statement.
const DAYS_MAX: i64 = 400;
/// Entries that are looked through between a signed head and the ledger's end.
const TAIL_MAX: u64 = 20_000;
const READ_AT_ONCE: u64 = 500;
const RECORDS_AT_ONCE: u64 = 100;

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum ChargebackError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that is kept does not read.
    #[error("{0}")]
    Damaged(String),
    /// A time that cannot be meant.
    #[error("{0}")]
    Time(&'static str),
    /// A time that another statement has.
    #[error("statement {0} is of a part of that time: what is final stays so")]
    Overlaps(u64),
    /// The ledger is not signed that far.
    #[error("the ledger is not signed over all calls of that time yet: try again in a minute")]
    Unsigned,
    /// More to read than whoever asks waits for.
    #[error(
        "more than {0} entries came since a statement that is final: `bartizan chargeback finalize` on the gate's machine \
         reads them all"
    )]
    TooMany(u64),
    /// An entry that should be there.
    #[error(
        "the ledger lacks its entry {0}: `bartizan ledger verify` of an export says what else is missing"
    )]
    Lacks(u64),
    /// Sums that do not agree.
    #[error("the ledger's sums do not agree with each other: calls may be coming in, try again")]
    Unsettled,
}

impl std::convert::From<Problem> for ChargebackError {
    fn from(problem: Problem) -> Self {
        Self::Damaged(problem.internal.unwrap_or(problem.detail))
    }
}

impl std::convert::From<ChargebackError> for Problem {
    fn from(error: ChargebackError) -> Self {
        let said = error.to_string();
        match error {
            ChargebackError::Store(error) => error.into(),
            ChargebackError::Time(_) => Self::new(Code::Invalid, said),
            ChargebackError::Overlaps(_)
            | ChargebackError::Unsigned
            | ChargebackError::TooMany(_)
            | ChargebackError::Lacks(_)
            | ChargebackError::Unsettled => Self::new(Code::Conflict, said),
            ChargebackError::Damaged(_) => Self {
                internal: Some(said),
                ..Self::new(Code::Internal, "something that is stored here does not read")
            },
        }
    }
}

/// The days of a month, or from a day until before another; of this month when nothing is said.
pub fn time_of(
    month: Option<&str>,
    (from, until): (Option<&str>, Option<&str>),
    now: UnixMillis,
) -> Result<(Day, Day), ChargebackError> {
    const NO_MONTH: ChargebackError = ChargebackError::Time("a month looks like `2026-10`");
    const NO_DAY: ChargebackError = ChargebackError::Time("a day looks like `2026-10-01`");
    let day = |text: &str| text.parse::<Day>().map_err(|_| NO_DAY);
    let (from, until) = match (month, from, until) {
        (Some(month), None, None) => {
            let first: Day = format!("{month}-01").parse().map_err(|_| NO_MONTH)?;
            (first, first.next_month())
        }
        (None, Some(from), Some(until)) => (day(from)?, day(until)?),
        (None, None, None) => (Day::of(now).month_start(), Day::of(now).next_month()),
        _ => return Err(ChargebackError::Time("say `month`, or both `from` and `until`")),
    };
    if from >= until || until.since(from) > DAYS_MAX {
        return Err(ChargebackError::Time(
            "`from` is before `until`, and at most 400 days",
        ));
    }
    Ok((from, until))
}

/// A tenant's rules, and their record; those of a tenant that has made none send everything to the rest.
pub async fn rules(from: From<'_>) -> Result<(Option<Record>, Rules), ChargebackError> {
    match from
        .store
        .record(from.scope, RecordKind::ChargebackRules, RulesDocument::ID)
        .await
    {
        Err(StoreError::NotFound) => Ok((None, Rules::default())),
        found => {
            let record = found?;
            let document: RulesDocument = read(&record)?;
            Ok((Some(record), document.rules))
        }
    }
}

/// All final statements, oldest first, as they are kept.
pub async fn statements(from: From<'_>) -> Result<Vec<Statement>, ChargebackError> {
    let mut all: Vec<Statement> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = RecordQuery {
            kind: RecordKind::ChargebackStatement,
            parent: None,
            after: after.as_deref(),
            count: RECORDS_AT_ONCE,
        };
        let records = from.store.records(from.scope, &query).await?;
        let Some(last) = records.last() else {
            return Ok(all);
        };
        after = Some(last.id.clone());
        for record in &records {
            all.push(read(record)?);
        }
    }
}

/// What a time cost and who bears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoned {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub until: Day,
    /// By which rules.
    pub rules: Rules,
    /// Who bears what.
    pub allocation: Allocation,
}

/// Reckons a time by these rules from the ledger as it is now.
pub async fn reckon(from: From<'_>, rules: Rules, time: (Day, Day)) -> Result<Reckoned, ChargebackError> {
    let by = [Dimension::Team, Dimension::Project, Dimension::Key];
    let query = UsageQuery::over(time.0.start(), time.1.start()).by(by);
    let used = from.store.usage(from.scope, &query).await?;
    let costs: Vec<Cost> = used.rows.iter().map(cost).collect();
    let allocation = rules.allocate(&costs);
    let all = quantities(&used.total);
    let borne = allocation
        .lines
        .iter()
        .map(|line| line.bears)
        .fold(Quantities::default(), Quantities::plus);
    if all != allocation.total || borne != all {
        return Err(ChargebackError::Unsettled);
    }
    Ok(Reckoned {
        from: time.0,
        until: time.1,
        rules,
        allocation,
    })
}

/// The next final statement. What it says is under a signed head of the ledger, all of it; and with it what came late for
/// those before it. Where that is to be looked for among more than `most` entries there is none.
// threat: AGP-R1
// threat: AGP-R2
pub async fn finalized(
    from: From<'_>,
    time: (Day, Day),
    (now, most): (UnixMillis, u64),
) -> Result<Body, ChargebackError> {
    if time.1 > Day::of(now) {
        return Err(ChargebackError::Time(
            "that time is not over yet: a draft is all there can be",
        ));
    }
    let before = statements(from).await?;
    let mut closed = Vec::with_capacity(before.len());
    for statement in &before {
        let body = statement.body().map_err(ChargebackError::Damaged)?;
        if body.from < time.1 && time.0 < body.until {
            return Err(ChargebackError::Overlaps(body.number));
        }
        closed.push(body.closed());
    }
    let (_, rules) = rules(from).await?;
    // The head before the sums: what comes in between is behind the head, and seen there. The other way round it would be
    // under the head and in no sum, and in no statement ever.
    let head = from
        .store
        .checkpoint(from.scope)
        .await?
        .ok_or(ChargebackError::Unsigned)?;
    let claimed = note::claimed(&head.note).map_err(|error| ChargebackError::Damaged(error.to_string()))?;
    let reckoned = reckon(from, rules, time).await?;
    if !is_all_before(from, claimed.size, time).await? {
        return Err(ChargebackError::Unsigned);
    }
    let late = gathered(from, &closed, (claimed.size, most)).await?;
    let late = late.ok_or(ChargebackError::TooMany(most))?.items(&reckoned.rules);
    let came_late = late.iter().map(|item| item.total);
    Ok(Body {
        format: FORMAT.to_owned(),
        tenant: from.scope.tenant(),
        number: before.last().map_or(0, |last| last.number) + 1,
        from: time.0,
        until: time.1,
        finalized: now,
        before: before.last().map(|last| last.digest.clone()),
        ledger: LedgerHead {
            size: claimed.size,
            root: hex::encode(claimed.root),
            note: head.note,
        },
        rules: reckoned.rules,
        total: came_late.fold(reckoned.allocation.total, Quantities::plus),
        lines: reckoned.allocation.lines,
        late,
    })
}

/// Whether no entry from `size` on ended in a time; not if there are too many to look through.
async fn is_all_before(
    from: From<'_>,
    size: u64,
    (first, until): (Day, Day),
) -> Result<bool, ChargebackError> {
    let mut at = size;
    while at - size < TAIL_MAX {
        let entries = from.store.entries(from.scope, at, READ_AT_ONCE).await?;
        if entries.is_empty() {
            return Ok(true);
        }
        at += entries.len() as u64;
        for stored in entries {
            let entry = Entry::from_bytes(&stored.bytes)
                .map_err(|error| ChargebackError::Damaged(error.to_string()))?;
            if first.start() <= entry.finished && entry.finished < until.start() {
                return Ok(false);
            }
        }
    }
    Ok(false)
}

fn quantities(sums: &Sums) -> Quantities {
    Quantities {
        cost: sums.cost,
        requests: sums.requests,
        tokens: sums.all_tokens(),
    }
}

/// What a key spent for a team and a project: those that its calls were made for, wherever the key is now.
fn cost(row: &UsageRow) -> Cost {
    let [team, project, key] = [0, 1, 2].map(|at| row.group.get(at).filter(|id| *id != "-").cloned());
    Cost {
        team,
        project,
        key,
        of: quantities(&row.sums),
    }
}
