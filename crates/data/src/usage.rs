//! `GET /v1/usage`: what the caller's own key used and what that cost, summed over the ledger. Of other keys, whoever's they
//! are, it says nothing; nothing here is on the way of a call.

use std::str::FromStr;
use std::time::Duration;

use domain::{KeyId, UnixMillis};
use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use store::usage::{Dimension, Grain, HOUR_MS, Sums, UsageQuery, UsageReport, UsageRow, hour_of};
use tokio::sync::Semaphore;

use crate::body::GateBody;
use crate::directory;
use crate::gate::Gate;
use crate::observe;
use crate::refusal::{Code, Gated, Refusal};
use crate::stage::accept::{Arrival, Wanted};
use crate::stage::admit::Rates;
use crate::stage::identify::Identified;
use crate::stage::respond;

/// How long the store may take, and how long a turn is waited for.
const DEADLINE: Duration = Duration::from_secs(5);
/// Questions that this process asks of its store at the same time: calls need it more.
static TURNS: Semaphore = Semaphore::const_new(4);
const HOURS_OF_DAY: i64 = 24;
const DAYS_USUAL: i64 = 30;
const DAYS_MAX: i64 = 400;
/// How many models are told apart in each day; all others are one row.
const MODELS_MAX: usize = 100;

/// The answer.
#[derive(Debug, Serialize)]
struct Used {
    object: &'static str,
    key: KeyId,
    /// Unix seconds; the time is whole UTC hours.
    start_time: i64,
    end_time: i64,
    data: Vec<Row>,
    total: Figures,
}

#[derive(Debug, Serialize)]
struct Row {
    /// When the day begins, where days are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<i64>,
    /// As it was named; nothing where it was not, or where this is all others together.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Whether this is all models beyond the first hundred.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Debug, Serialize)]
struct Figures {
    num_model_requests: u64,
    num_refused_requests: u64,
    input_tokens: u64,
    input_cached_tokens: u64,
    output_tokens: u64,
    cost_nanos: i64,
}

impl From<&Sums> for Figures {
    fn from(sums: &Sums) -> Self {
        Self {
            num_model_requests: sums.requests.saturating_sub(sums.refused),
            num_refused_requests: sums.refused,
            input_tokens: sums.tokens.prompt(),
            input_cached_tokens: sums.tokens.cache_read,
            output_tokens: sums.tokens.output,
            cost_nanos: sums.cost.nanos(),
        }
    }
}

/// What is asked: `days=30&group_by=model,day`.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    days: i64,
    by_model: bool,
    by_day: bool,
}

impl FromStr for Asked {
    type Err = Box<Refusal>;

    fn from_str(query: &str) -> Gated<Self> {
        let mut asked = Self {
            days: DAYS_USUAL,
            by_model: false,
            by_day: false,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, value.parse()) {
                ("days", Ok(days)) if (1..=DAYS_MAX).contains(&days) => asked.days = days,
                ("days", _) => return Err(not_asked(&format!("`days` is 1 to {DAYS_MAX}"))),
                ("group_by" | "group_by[]", _) => asked.group(&value)?,
                _ => return Err(not_asked("it takes `days` and `group_by`, nothing else")),
            }
        }
        Ok(asked)
    }
}

impl Asked {
    fn group(&mut self, words: &str) -> Gated<()> {
        for word in words.split(',') {
            match word {
                "model" => self.by_model = true,
                "day" => self.by_day = true,
                _ => return Err(not_asked("`group_by` is of `model` and `day`")),
            }
        }
        Ok(())
    }

    /// The question to the store. The time ends with the hour that is now: roll-ups are of whole hours.
    // threat: ANP-0006
    fn query(&self, key: KeyId, now: UnixMillis) -> UsageQuery {
        let until = hour_of(now).saturating_add(1);
        let from = until.saturating_sub(self.days.saturating_mul(HOURS_OF_DAY));
        let at = |hour: i64| UnixMillis(hour.saturating_mul(HOUR_MS));
        let mut query = UsageQuery::over(at(from), at(until)).only(Dimension::Key, [key.to_string()]);
        query.by = self.by_model.then_some(Dimension::Model).into_iter().collect();
        query.grain = self.by_day.then_some(Grain::Day);
        query.top = MODELS_MAX;
        query
    }
}

/// Tells, or refuses.
pub async fn told(gate: &Gate, arrival: &Arrival, mut identified: Identified) -> Response<GateBody> {
    let told = match identified.prove(gate).await {
        Ok(()) => ask(gate, &identified).await,
        Err(refusal) => Err(refusal),
    };
    match told {
        Ok(body) => {
            let mut response = respond::whole(arrival, &Rates::default(), body.into());
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(refusal) => observe::turned_away(gate, arrival, &refusal),
    }
}

async fn ask(gate: &Gate, identified: &Identified) -> Gated<Vec<u8>> {
    let Wanted::Usage(asked) = identified.wanted() else {
        return Err(not_asked("it is a GET"));
    };
    let asked: Asked = asked.parse()?;
    let key = identified.key();
    let query = asked.query(key.principal.key, UnixMillis::now());
    let scope = directory::scope(key);
    let turn = tokio::time::timeout(DEADLINE, TURNS.acquire()).await;
    let _turn = turn.map_err(|_| away("too much usage is asked for at once".to_owned()))?;
    let report = tokio::time::timeout(DEADLINE, gate.receipts.store().usage(&scope, &query)).await;
    let report = report.map_err(|_| away("the store does not answer".to_owned()))?;
    let report = report.map_err(|error| away(error.to_string()))?;
    serde_json::to_vec(&used(key.principal.key, &asked, &query, report))
        .map_err(|error| away(error.to_string()))
}

fn used(key: KeyId, asked: &Asked, query: &UsageQuery, report: UsageReport) -> Used {
    let total = Figures::from(&report.total);
    // One group and no days: it is the total.
    let rows = report.rows.into_iter().filter(|_| asked.by_model || asked.by_day);
    Used {
        object: "usage",
        key,
        start_time: query.from.0 / 1000,
        end_time: query.until.0 / 1000,
        data: rows.map(row).collect(),
        total,
    }
}

fn row(row: UsageRow) -> Row {
    Row {
        start_time: row.period.map(|period| period.from.0 / 1000),
        model: row
            .group
            .into_iter()
            .next()
            .filter(|model| !row.is_rest && model != "-"),
        rest: row.is_rest,
        figures: Figures::from(&row.sums),
    }
}

fn not_asked(why: &str) -> Box<Refusal> {
    Refusal::new(Code::RequestInvalid, format!("`/v1/usage`: {why}"))
}

fn away(why: String) -> Box<Refusal> {
    Refusal::new(Code::UsageUnavailable, "usage cannot be summed up now: try again")
        .internally(why)
        .retry_after(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_or_refused() {
        let read = |text: &str| {
            text.parse::<Asked>()
                .ok()
                .map(|asked| (asked.days, asked.by_model, asked.by_day))
        };
        assert_eq!(read(""), Some((30, false, false)));
        assert_eq!(read("days=400&group_by=model%2Cday"), Some((400, true, true)));
        assert_eq!(read("group_by[]=day&group_by[]=model"), Some((30, true, true)));
        for bad in [
            "days=0",
            "days=401",
            "days=x",
            "group_by=key",
            "group_by=",
            "key=key_1",
            "x",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn anp_0006_a_question_is_about_one_key_and_whole_hours() {
        let key = KeyId::from_u128(7);
        let query = "days=1"
            .parse::<Asked>()
            .unwrap()
            .query(key, UnixMillis(100 * HOUR_MS + 1));
        assert_eq!(
            (query.from, query.until),
            (UnixMillis(77 * HOUR_MS), UnixMillis(101 * HOUR_MS))
        );
        assert_eq!(query.filters.len(), 1);
        assert_eq!(query.filters[0].dimension, Dimension::Key);
        assert_eq!(query.filters[0].any_of, [key.to_string()]);
    }
}
