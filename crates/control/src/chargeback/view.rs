//! Statements as they are shown: a view, and the originals' columns.

use domain::UnixMillis;
use finops::{CostLine, LateItem, Quantities, Rules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reckoning::Reckoned;
use super::statement::{Body, LedgerHead};
use crate::export::csv::cell;
use crate::resource::words::time;
use crate::shapes;

/// A statement to be made final.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatement {
    /// The month, such as `2026-10`.
    #[serde(default)]
    pub month: Option<String>,
    /// The first day, such as `2026-10-01`, instead of a month.
    #[serde(default)]
    pub from: Option<String>,
    /// The day after the last.
    #[serde(default)]
    pub until: Option<String>,
}

/// What one cost centre bears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TargetLine {
    /// The cost centre.
    pub target: String,
    /// What it bears.
    #[serde(flatten)]
    pub bears: Quantities,
}

/// A statement. Money is in nano-dollars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatementView {
    /// `draft` or `final`.
    pub state: &'static str,
    /// Its number; a draft has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The first day.
    pub from: String,
    /// The day after the last.
    pub until: String,
    /// When it was made final, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalized: Option<String>,
    /// BLAKE3 of the statement's bytes, hex: `?format=document` gives those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The digest of the statement before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The signed head of the ledger that it was reckoned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerHead>,
    /// The sum of that time and of what came late.
    pub total: Quantities,
    /// Of it, that time's: the ledger's sum.
    pub own: Quantities,
    /// What each cost centre bears, of both.
    pub targets: Vec<TargetLine>,
    /// What each bears of what each team has spent in that time, by which rule.
    pub lines: Vec<CostLine>,
    /// What came into the ledger for times after their statements were final. A draft is of its time alone.
    pub late: Vec<LateItem>,
    /// By which rules.
    pub rules: Rules,
}

/// A final statement in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatementLine {
    /// Its number.
    pub number: u64,
    /// The first day.
    pub from: String,
    /// The day after the last.
    pub until: String,
    /// When it was made final, RFC 3339.
    pub finalized: String,
    /// Its digest.
    pub digest: String,
    /// The sum.
    pub total: Quantities,
}

shapes! { given: NewStatement, Rules ; shown: StatementView, super::Verified }

impl From<&Reckoned> for StatementView {
    fn from(of: &Reckoned) -> Self {
        Self {
            state: "draft",
            number: None,
            from: of.from.to_string(),
            until: of.until.to_string(),
            finalized: None,
            digest: None,
            before: None,
            ledger: None,
            total: of.allocation.total,
            own: of.allocation.total,
            targets: targets(&of.allocation),
            lines: of.allocation.lines.clone(),
            late: Vec::new(),
            rules: of.rules.clone(),
        }
    }
}

fn targets(of: &finops::Allocation) -> Vec<TargetLine> {
    let target = |(target, bears): (&str, Quantities)| TargetLine {
        target: target.to_owned(),
        bears,
    };
    of.targets().into_iter().map(target).collect()
}

impl StatementView {
    /// A final one.
    pub fn of(body: &Body, digest: &str) -> Self {
        let reckoned = Reckoned {
            from: body.from,
            until: body.until,
            rules: body.rules.clone(),
            allocation: finops::Allocation {
                lines: body.lines.clone(),
                total: body.own(),
            },
        };
        let late = body.late.iter().flat_map(|item| &item.lines);
        let all = finops::Allocation {
            lines: body.lines.iter().chain(late).cloned().collect(),
            total: body.total,
        };
        Self {
            state: "final",
            number: Some(body.number),
            finalized: Some(time(body.finalized)),
            digest: Some(digest.to_owned()),
            before: body.before.clone(),
            ledger: Some(body.ledger.clone()),
            total: all.total,
            targets: targets(&all),
            late: body.late.clone(),
            ..Self::from(&reckoned)
        }
    }
}

impl StatementLine {
    /// A final one.
    pub fn of(body: &Body, digest: &str) -> Self {
        Self {
            number: body.number,
            from: body.from.to_string(),
            until: body.until.to_string(),
            finalized: time(UnixMillis(body.finalized.0)),
            digest: digest.to_owned(),
            total: body.total,
        }
    }
}

/// The columns that chargeback reports of the gateway's models have, a line for each cost centre of each team; and the
/// time that it is of, where it came late.
pub fn csv(view: &StatementView) -> String {
    let header = "team_id,allocation_target,allocation_type,original_cost,allocated_cost,allocation_percent,\
                  request_count,total_tokens,late_from,late_until\r\n";
    let mut text = header.to_owned();
    let own = view
        .lines
        .iter()
        .map(|line| (line, [String::new(), String::new()]));
    let late = view.late.iter().flat_map(|item| {
        let time = [item.from.to_string(), item.until.to_string()];
        item.lines.iter().map(move |line| (line, time.clone()))
    });
    for (line, time) in own.chain(late) {
        let fields = [
            line.team.clone().unwrap_or_default(),
            line.target.clone(),
            line.kind.clone(),
            line.original.to_string(),
            line.bears.cost.to_string(),
            format!("{}.{:04}", line.share_ppm / 10_000, line.share_ppm % 10_000),
            line.bears.requests.to_string(),
            line.bears.tokens.to_string(),
        ];
        let [team, target, kind, numbers @ ..] = fields;
        let typed = [team, target, kind].map(|text| cell(&text));
        text.push_str(
            &typed
                .into_iter()
                .chain(numbers)
                .chain(time)
                .collect::<Vec<_>>()
                .join(","),
        );
        text.push_str("\r\n");
    }
    text
}
