//! What was used and what it cost: over any dimension, cut in time, with unit costs, what caches saved, and what was paid
//! for calls that broke.

mod asked;
pub mod openai;
mod savings;
mod whose;

use domain::{Money, TenantScope};
use ledger::Tokens;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use store::usage::{Dimension, Sums, UsageReport, UsageRow};

use self::asked::Asked;
use self::savings::SavingsView;
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::names::Names;
use crate::problem::{Code, Problem};
use crate::shapes;

/// The most rows of one answer.
const ROWS_MAX: usize = 20_000;
/// What stands between the values of several dimensions.
const BETWEEN: &str = " / ";

/// Sums over calls.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct SumsView {
    /// Calls.
    pub requests: u64,
    /// Of them, refused.
    pub refused: u64,
    /// Of them, broken off by the provider, or by the end of the gate's process.
    pub failed: u64,
    /// Of them, answered from the gate's own cache.
    pub cached: u64,
    /// Prompt tokens, all classes.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Of the prompt tokens: read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Of the prompt tokens: written to the provider's cache, for however long.
    pub cache_write_tokens: u64,
    /// Of the prompt tokens: sound.
    pub audio_input_tokens: u64,
    /// Of the output tokens: reasoning.
    pub reasoning_tokens: u64,
    /// Of the output tokens: sound.
    pub audio_output_tokens: u64,
    /// What it cost, in nano-dollars.
    pub cost_nanos: i64,
    /// Of it, for calls that were not answered to the last byte.
    pub wasted_nanos: i64,
    /// What a call cost that was not refused, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_request_nanos: Option<i64>,
    /// What a thousand tokens cost, prompt and output, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_1k_tokens_nanos: Option<i64>,
}

/// One row.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageLine {
    /// The values of all dimensions, with ` / ` between them; of a question by time alone the period.
    pub group: String,
    /// Each dimension's value: an id or a name, `-` where calls have none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What people call those of the values that are ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// When it begins, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_from: Option<String>,
    /// Whether this is all groups below the top together.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rest: bool,
    /// The sums.
    #[serde(flatten)]
    pub sums: SumsView,
}

/// What one of something cost.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnitView {
    /// Of what, as asked for.
    pub unit: String,
    /// How many there were.
    pub count: u64,
    /// All cost of the question, divided by how many there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_nanos: Option<i64>,
}

/// Usage over a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageView {
    /// From this time on, RFC 3339.
    pub from: String,
    /// Until this time, RFC 3339.
    pub until: String,
    /// What rows are told apart by.
    pub by: Vec<String>,
    /// How time is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grain: Option<&'static str>,
    /// By period, then in the order asked for; the rest last.
    pub rows: Vec<UsageLine>,
    /// How many groups there are.
    pub groups: usize,
    /// Of all calls asked for, each counted once.
    pub total: SumsView,
    /// What one of the unit that was asked for cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitView>,
    /// What caches saved, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub savings: Option<SavingsView>,
}

shapes! { given: ; shown: UsageView }

/// An amount divided by a number, rounded to the nearest nano-dollar; nothing where there are none.
fn each(cost: Money, thousandths: u64, count: u64) -> Option<i64> {
    let count = i128::from(count);
    if count == 0 {
        return None;
    }
    let twice = i128::from(cost.nanos()) * i128::from(thousandths) * 2 + count;
    i64::try_from(twice.div_euclid(count * 2)).ok()
}

impl From<&Sums> for SumsView {
    fn from(sums: &Sums) -> Self {
        let tokens: &Tokens = &sums.tokens;
        Self {
            requests: sums.requests,
            refused: sums.refused,
            failed: sums.failed,
            cached: sums.cached,
            prompt_tokens: tokens.prompt(),
            output_tokens: tokens.output,
            cache_read_tokens: tokens.cache_read,
            cache_write_tokens: tokens.cache_write.saturating_add(tokens.cache_write_long),
            audio_input_tokens: tokens.audio_input,
            reasoning_tokens: tokens.reasoning,
            audio_output_tokens: tokens.audio_output,
            cost_nanos: sums.cost.nanos(),
            wasted_nanos: sums.wasted.nanos(),
            cost_per_request_nanos: each(sums.cost, 1, sums.requests.saturating_sub(sums.refused)),
            cost_per_1k_tokens_nanos: each(sums.cost, 1000, sums.all_tokens()),
        }
    }
}

/// `GET …/usage`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let teams = whose::teams(&call, &entered).await?;
    answer(&call, entered.scope(), Asked::read(&call)?.of(teams)).await
}

/// `GET /api/v1/me/usage`: of the keys that are one's own, which everybody may know.
// threat: AGP-E1
pub async fn own(call: Call, _: Nothing) -> Done {
    let caller = call.caller()?;
    let scope = TenantScope::operator(caller.tenant);
    let asked = Asked::read(&call)?.owned_by(caller.id);
    answer(&call, &scope, asked).await
}

async fn answer(call: &Call, scope: &TenantScope, asked: Asked) -> Done {
    let store = &call.control.store;
    let report = store.usage(scope, &asked.query).await?;
    if report.rows.len() > ROWS_MAX {
        let detail =
            format!("that would be more than {ROWS_MAX} rows: ask for a smaller `top` or a coarser `grain`");
        return Err(Problem::new(Code::Malformed, detail).into());
    }
    let unit = match &asked.unit {
        Some(unit) => {
            let counted = store.usage(scope, &unit.counted(&asked.query)).await?;
            let count = counted.total.requests;
            Some(UnitView {
                unit: unit.to_string(),
                count,
                cost_nanos: each(report.total.cost, 1, count),
            })
        }
        None => None,
    };
    let savings = match asked.savings {
        true => Some(savings::reckon(call, scope, &asked.query).await?),
        false => None,
    };
    let names = (&*call.names, scope.tenant());
    Ok(Answer::view(&UsageView {
        from: time(asked.query.from),
        until: time(asked.until),
        by: asked.query.by.iter().map(ToString::to_string).collect(),
        grain: asked.query.grain.map(store::usage::Grain::as_str),
        groups: report.groups,
        total: SumsView::from(&report.total),
        rows: lines(report, &asked.query.by, names),
        unit,
        savings,
    })?)
}

fn lines(report: UsageReport, by: &[Dimension], names: (&Names, domain::TenantId)) -> Vec<UsageLine> {
    let rows = report.rows.into_iter();
    rows.map(|row| line(row, by, names)).collect()
}

fn line(row: UsageRow, by: &[Dimension], (names, tenant): (&Names, domain::TenantId)) -> UsageLine {
    let mut line = UsageLine {
        group: row.group.join(BETWEEN),
        values: BTreeMap::new(),
        names: BTreeMap::new(),
        period_from: row.period.as_ref().map(|period| time(period.from)),
        period: row.period.map(|period| period.name),
        rest: row.is_rest,
        sums: SumsView::from(&row.sums),
    };
    if row.is_rest {
        "(rest)".clone_into(&mut line.group);
    } else if by.is_empty() {
        line.group = line.period.clone().unwrap_or_else(|| "(all)".to_owned());
    }
    for (dimension, value) in by.iter().zip(row.group) {
        let name = match dimension {
            Dimension::Team => value
                .parse()
                .ok()
                .and_then(|id| names.team(tenant, id))
                .map(|team| &team.name),
            Dimension::Key => value
                .parse()
                .ok()
                .and_then(|id| names.key(tenant, id))
                .map(|key| &key.name),
            _ => None,
        };
        if let Some(name) = name {
            line.names.insert(dimension.to_string(), name.clone());
        }
        line.values.insert(dimension.to_string(), value);
    }
    line
}
