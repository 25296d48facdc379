//! What was used and what it cost, summed.

use std::time::Duration;

use domain::UnixMillis;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use store::{UsageGroup, UsageQuery, UsageRow};

use super::words::{read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::problem::{Code, Problem};
use crate::shapes;

const DEFAULT_MS: i64 = 30 * 24 * 3600 * 1000;
/// The longest time that is summed at once.
const SPAN_MAX: Duration = Duration::from_secs(400 * 24 * 3600);

/// One row.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageLine {
    /// The model, key, team or day.
    pub group: String,
    /// Calls.
    pub requests: u64,
    /// Of them, refused.
    pub refused: u64,
    /// Prompt tokens, all classes.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What it cost, in nano-dollars.
    pub cost_nanos: i64,
}

/// Usage over a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageView {
    /// From this time on, RFC 3339.
    pub from: String,
    /// Until this time, RFC 3339.
    pub until: String,
    /// Largest cost first.
    pub rows: Vec<UsageLine>,
}

shapes! { given: ; shown: UsageView }

impl From<UsageRow> for UsageLine {
    fn from(row: UsageRow) -> Self {
        Self {
            group: row.group,
            requests: row.requests,
            refused: row.refused,
            prompt_tokens: row.prompt_tokens,
            output_tokens: row.output_tokens,
            cost_nanos: row.cost.nanos(),
        }
    }
}

/// `GET …/usage`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let resource = Resource::Usage {
        tenant: entered.tenant(),
        team: None,
    };
    call.permit(&entered, resource).await?;
    let until = call
        .query("until")
        .map(|text| read_time(text, "`until`"))
        .transpose()?
        .unwrap_or(call.now);
    let from = call
        .query("from")
        .map(|text| read_time(text, "`from`"))
        .transpose()?;
    let from = from.unwrap_or(UnixMillis(until.0.saturating_sub(DEFAULT_MS)));
    if from >= until || until.since(from) > SPAN_MAX {
        let detail = "`from` is before `until`, and at most 400 days";
        return Err(Problem::new(Code::Malformed, detail).into());
    }
    let by = match call.query("by").unwrap_or("model") {
        "model" => UsageGroup::Model,
        "key" => UsageGroup::Key,
        "team" => UsageGroup::Team,
        "day" => UsageGroup::Day,
        _ => return Err(Problem::new(Code::Malformed, "`by` is `model`, `key`, `team` or `day`").into()),
    };
    let query = UsageQuery { from, until, by };
    let rows = call.control.store.usage(entered.scope(), &query).await?;
    Ok(Answer::view(&UsageView {
        from: time(from),
        until: time(until),
        rows: rows.into_iter().map(UsageLine::from).collect(),
    })?)
}
