//! What a question about usage says, read and bounded.

use std::fmt;
use std::time::Duration;

use domain::{ActorId, TeamId, UnixMillis};
use jiff::tz::TimeZone;
use store::usage::{Dimension, Filter, Grain, HOUR_MS, NotDimension, Order, UsageQuery, hour_of};

use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::resource::words::read_time;

const DEFAULT_MS: i64 = 30 * 24 * 3600 * 1000;
/// The longest time that is summed at once.
const SPAN_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
/// How many dimensions there may be at once, and how many conditions.
const MANY: usize = 6;
/// How many groups are told apart unless the caller says, and at most.
const TOP_DEFAULT: usize = 1_000;
const TOP_MAX: usize = 10_000;

/// A question.
#[derive(Debug)]
pub struct Asked {
    /// What the store is asked.
    pub query: UsageQuery,
    /// Until when, as the caller said it.
    pub until: UnixMillis,
    /// What is to be divided by.
    pub unit: Option<Unit>,
    /// Whether to reckon what caches saved.
    pub savings: bool,
}

/// Calls that have a value: of them there is one each.
#[derive(Debug)]
pub struct Unit(Filter);

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.dimension, self.0.any_of.join(","))
    }
}

impl Unit {
    /// The question how many there are, among what was asked for.
    pub fn counted(&self, query: &UsageQuery) -> UsageQuery {
        let mut counted = query.clone();
        (counted.by, counted.grain) = (Vec::new(), None);
        counted.filters.push(self.0.clone());
        counted
    }
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Malformed, detail)
}

/// The times of a question: from, until as said, and until as asked.
pub fn times(call: &Call) -> Result<(UnixMillis, UnixMillis, UnixMillis), Problem> {
    let said = |name, what| call.query(name).map(|text| read_time(text, what)).transpose();
    let until = said("until", "`until`")?.unwrap_or(call.now);
    // Whole hours are answered from roll-ups. What is yet to come is nothing, so the hour may be filled up.
    let whole = |hour: i64| UnixMillis(hour.saturating_mul(HOUR_MS));
    let asked = if until >= call.now {
        whole(hour_of(until).saturating_add(1))
    } else {
        until
    };
    let from = match said("from", "`from`")? {
        Some(from) => from,
        None => whole(hour_of(UnixMillis(until.0.saturating_sub(DEFAULT_MS)))),
    };
    if from >= until || until.since(from) > SPAN_MAX + Duration::from_millis(HOUR_MS.unsigned_abs()) {
        return Err(malformed("`from` is before `until`, and at most 400 days"));
    }
    Ok((from, until, asked))
}

impl Asked {
    /// Reads it.
    // threat: ANP-0008
    pub fn read(call: &Call) -> Result<Self, Problem> {
        let (from, until, asked_until) = times(call)?;
        let mut query = UsageQuery::over(from, asked_until);
        query.grain = call.query("grain").map(grain).transpose()?;
        for word in call
            .query("by")
            .unwrap_or("model")
            .split(',')
            .filter(|word| !word.is_empty())
        {
            match Grain::of(word) {
                Some(grain) => query.grain = Some(grain),
                None => query.by.push(dimension("by", word)?),
            }
        }
        query.filters = call.query("where").map_or_else(|| Ok(Vec::new()), filters)?;
        if query.by.len() > MANY || query.filters.len() > MANY {
            return Err(malformed(format!(
                "at most {MANY} dimensions, and {MANY} conditions"
            )));
        }
        query.top = call.query_as("top")?.unwrap_or(TOP_DEFAULT);
        if !(1..=TOP_MAX).contains(&query.top) {
            return Err(malformed(format!("`top` is 1 to {TOP_MAX}")));
        }
        query.order = call.query("order").map_or(Ok(Order::Cost), order)?;
        if let Some(name) = call.query("zone") {
            query.zone = zone(name)?;
        }
        query.regions = call.control.serving.regions();
        Ok(Self {
            query,
            until,
            unit: call
                .query("unit")
                .map(|text| filter("unit", text).map(Unit))
                .transpose()?,
            savings: call.query("savings").is_some_and(|text| text != "false"),
        })
    }

    /// The same of this owner's keys only.
    // threat: AGP-E1
    pub fn owned_by(mut self, owner: ActorId) -> Self {
        self.query = self.query.only(Dimension::Owner, [owner.to_string()]);
        self
    }

    /// The same of these teams only.
    // threat: AGP-E1
    pub fn of(mut self, teams: Option<Vec<TeamId>>) -> Self {
        self.query = of_teams(self.query, teams);
        self
    }
}

/// The same of these teams only.
// threat: AGP-E1
pub fn of_teams(query: UsageQuery, teams: Option<Vec<TeamId>>) -> UsageQuery {
    match teams {
        Some(teams) => query.only(Dimension::Team, teams.iter().map(ToString::to_string)),
        None => query,
    }
}

fn grain(word: &str) -> Result<Grain, Problem> {
    Grain::of(word).ok_or_else(|| malformed("`grain` is `hour`, `day`, `week` or `month`"))
}

fn dimension(parameter: &str, word: &str) -> Result<Dimension, Problem> {
    let read = word.parse();
    read.map_err(|error: NotDimension| {
        malformed(format!(
            "`{parameter}`: {error}; or `hour`, `day`, `week`, `month`"
        ))
    })
}

/// `model:gpt-4o,gpt-4o-mini;label:outcome:resolved`.
fn filters(text: &str) -> Result<Vec<Filter>, Problem> {
    text.split(';').map(|one| filter("where", one)).collect()
}

fn filter(parameter: &str, text: &str) -> Result<Filter, Problem> {
    let wrong = || {
        malformed(format!(
            "`{parameter}` is like `model:gpt-4o` or `label:outcome:resolved`"
        ))
    };
    let place = match text.strip_prefix("label:") {
        Some(rest) => rest.find(':').map(|at| at + "label:".len()),
        None => text.find(':'),
    };
    let (word, values) = place.and_then(|at| text.split_at_checked(at)).ok_or_else(wrong)?;
    let values = values
        .strip_prefix(':')
        .filter(|values| !values.is_empty())
        .ok_or_else(wrong)?;
    Ok(Filter {
        dimension: dimension(parameter, word)?,
        any_of: values.split(',').map(str::to_owned).collect(),
    })
}

fn order(word: &str) -> Result<Order, Problem> {
    match word {
        "cost" => Ok(Order::Cost),
        "requests" => Ok(Order::Requests),
        "tokens" => Ok(Order::Tokens),
        "name" => Ok(Order::Name),
        _ => Err(malformed("`order` is `cost`, `requests`, `tokens` or `name`")),
    }
}

fn zone(name: &str) -> Result<TimeZone, Problem> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    let detail = "`zone` is a time zone such as `Europe/Berlin`";
    TimeZone::get(name).map_err(|_| malformed(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, Vec<String>)>> {
        let all = filters(text).ok()?.into_iter();
        Some(all.map(|one| (one.dimension.to_string(), one.any_of)).collect())
    }

    fn is(dimension: &str, values: &[&str]) -> (String, Vec<String>) {
        (
            dimension.to_owned(),
            values.iter().map(|value| (*value).to_owned()).collect(),
        )
    }

    #[test]
    fn conditions_are_read_or_refused() {
        let two = [is("model", &["a", "b:c"]), is("label:outcome", &["open"])];
        assert_eq!(read("model:a,b:c;label:outcome:open").unwrap(), two);
        for bad in [
            "",
            "model",
            "model:",
            "label:outcome",
            "label:outcome:",
            "day:1",
            ";model:a",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
