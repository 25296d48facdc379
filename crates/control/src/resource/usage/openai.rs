//! Usage and costs in the shapes of OpenAI's administration API, for programs that read those. Buckets are whole UTC hours or
//! days; `project_id` is a project, `user_id` an owner, `api_key_id` a virtual key, `line_item` the model that was named.

use std::collections::BTreeMap;

use domain::{Operation, UnixMillis};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use store::usage::{Dimension, Grain, Sums, UsageQuery, UsageReport, UsageRow};

use super::asked::of_teams;
use super::whose;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done, Stop};
use crate::problem::{Code, Problem};
use crate::shapes;

const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;
/// How many groups a bucket tells apart at most.
const GROUPS_MAX: usize = 2_000;

/// Buckets, one after another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Buckets<T> {
    /// `page`.
    pub object: &'static str,
    /// The buckets.
    pub data: Vec<Bucket<T>>,
    /// Whether there are more.
    pub has_more: bool,
    /// Where they go on: send it as `page`.
    pub next_page: Option<String>,
}

/// A time and what was used in it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bucket<T> {
    /// `bucket`.
    pub object: &'static str,
    /// Unix seconds.
    pub start_time: i64,
    /// Unix seconds.
    pub end_time: i64,
    /// One for each group; none where nothing was called.
    pub results: Vec<T>,
}

/// What was spent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CostResult {
    /// `organization.costs.result`.
    pub object: &'static str,
    /// How much.
    pub amount: Amount,
    /// The model that was named, where asked for.
    pub line_item: Option<String>,
    /// The project, where asked for.
    pub project_id: Option<String>,
    /// Whose the key is, where asked for.
    pub user_id: Option<String>,
    /// The virtual key, where asked for.
    pub api_key_id: Option<String>,
}

/// An amount, exact to the nano-dollar.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Amount {
    /// In dollars.
    #[schemars(with = "f64")]
    pub value: Box<RawValue>,
    /// `usd`.
    pub currency: &'static str,
}

/// What calls used.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CompletionsResult {
    /// `organization.usage.completions.result`.
    pub object: &'static str,
    /// Prompt tokens of all kinds, read from and written to the provider's cache included.
    pub input_tokens: u64,
    /// Output tokens of all kinds, reasoning included.
    pub output_tokens: u64,
    /// Of the prompt tokens, those read from the provider's cache.
    pub input_cached_tokens: u64,
    /// Of the prompt tokens, those written to the provider's cache, for however long.
    pub input_cache_write_tokens: u64,
    /// Of the prompt tokens, sound.
    pub input_audio_tokens: u64,
    /// Of the output tokens, sound.
    pub output_audio_tokens: u64,
    /// Calls.
    pub num_model_requests: u64,
    /// The project, where asked for.
    pub project_id: Option<String>,
    /// Whose the key is, where asked for.
    pub user_id: Option<String>,
    /// The virtual key, where asked for.
    pub api_key_id: Option<String>,
    /// The model that was named, where asked for.
    pub model: Option<String>,
    /// Never said here.
    pub batch: Option<bool>,
    /// Never said here.
    pub service_tier: Option<String>,
}

/// What embeddings used.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EmbeddingsResult {
    /// `organization.usage.embeddings.result`.
    pub object: &'static str,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Calls.
    pub num_model_requests: u64,
    /// The project, where asked for.
    pub project_id: Option<String>,
    /// Whose the key is, where asked for.
    pub user_id: Option<String>,
    /// The virtual key, where asked for.
    pub api_key_id: Option<String>,
    /// The model that was named, where asked for.
    pub model: Option<String>,
}

shapes! { given: ; shown: Buckets<CostResult>, Buckets<CompletionsResult>, Buckets<EmbeddingsResult> }

/// A group's values by OpenAI's words; `-` is none.
struct Named(BTreeMap<&'static str, String>);

impl Named {
    fn take(&mut self, word: &str) -> Option<String> {
        self.0.remove(word).filter(|value| value != "-")
    }
}

/// A question in OpenAI's words.
struct Asked {
    start: i64,
    end: i64,
    width: i64,
    limit: i64,
    words: Vec<&'static str>,
    query: UsageQuery,
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Malformed, detail)
}

/// What OpenAI calls it, and what it is here.
const WORDS: [(&str, Dimension); 5] = [
    ("project_id", Dimension::Project),
    ("user_id", Dimension::Owner),
    ("api_key_id", Dimension::Key),
    ("model", Dimension::Model),
    ("line_item", Dimension::Model),
];

/// Filters, and what each is of.
const FILTERS: [(&str, Dimension); 5] = [
    ("project_ids", Dimension::Project),
    ("user_ids", Dimension::Owner),
    ("api_key_ids", Dimension::Key),
    ("models", Dimension::Model),
    ("line_items", Dimension::Model),
];

/// A list: `name=a,b`, or `name[]=a,b`.
fn list<'a>(call: &'a Call, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let said = call.query(name).or_else(|| call.query(&format!("{name}[]")));
    said.into_iter()
        .flat_map(|text| text.split(','))
        .filter(|one| !one.is_empty())
}

impl Asked {
    // threat: ANP-0008
    fn read(call: &Call, allowed: &[&str], hours: bool) -> Result<Self, Problem> {
        let width = match call.query("bucket_width").unwrap_or("1d") {
            "1d" => DAY_S,
            "1h" if hours => HOUR_S,
            _ if hours => return Err(malformed("`bucket_width` is `1d` or `1h`: minutes are not kept")),
            _ => return Err(malformed("`bucket_width` is `1d`")),
        };
        let (usual, most) = match (width, hours) {
            (HOUR_S, _) => (24, 168),
            (_, true) => (7, 31),
            _ => (7, 180),
        };
        let limit = call.query_as("limit")?.unwrap_or(usual);
        if !(1..=most).contains(&limit) {
            return Err(malformed(format!("`limit` is 1 to {most}")));
        }
        let usual: i64 = (call.now.0 / 1000 - limit * width).max(0);
        let start = call.query_as("start_time")?.unwrap_or(usual);
        let start = call.query_as("page")?.unwrap_or(start);
        let end = call.query_as("end_time")?.unwrap_or(call.now.0 / 1000 + 1);
        let far = 253_402_300_799; // The end of the year 9999.
        if !(0..=far).contains(&start) || !(0..=far).contains(&end) || start >= end {
            return Err(malformed(
                "`start_time` is before `end_time`, both in Unix seconds",
            ));
        }
        let mut words = Vec::new();
        let mut by = Vec::new();
        for word in list(call, "group_by") {
            let known = WORDS
                .iter()
                .find(|(known, _)| *known == word && allowed.contains(known));
            let Some((word, dimension)) = known else {
                return Err(malformed(format!("`group_by` is of `{}`", allowed.join("`, `"))));
            };
            words.push(*word);
            by.push(dimension.clone());
        }
        let mut query = UsageQuery::over(UnixMillis(0), UnixMillis(0)).by(by);
        query.top = GROUPS_MAX;
        for (name, dimension) in FILTERS {
            let values: Vec<String> = list(call, name).map(str::to_owned).collect();
            if !values.is_empty() {
                query = query.only(dimension, values);
            }
        }
        Ok(Self {
            start: start.div_euclid(width) * width,
            end,
            width,
            limit,
            words,
            query,
        })
    }

    /// The buckets of the page, and where the next begins.
    fn page(&self) -> (Vec<(i64, i64)>, Option<i64>) {
        let starts = (0..self.limit).map(|n| self.start + n * self.width);
        let buckets = starts.take_while(|start| *start < self.end);
        let buckets: Vec<_> = buckets.map(|start| (start, start + self.width)).collect();
        let next = buckets.last().map_or(self.end, |(_, end)| *end);
        (buckets, (next < self.end).then_some(next))
    }
}

async fn answer<T: Serialize>(
    call: &Call,
    read: impl FnOnce(&Call) -> Result<Asked, Problem>,
    make: impl Fn(&Sums, &mut Named) -> T,
) -> Result<Buckets<T>, Stop> {
    let entered = call.enter().await?;
    let teams = whose::teams(call, &entered).await?;
    let mut asked = read(call)?;
    let (buckets, next) = asked.page();
    let (first, last) = (asked.start, buckets.last().map_or(asked.start, |(_, end)| *end));
    asked.query.from = UnixMillis(first * 1000);
    asked.query.until = UnixMillis(last * 1000);
    asked.query.grain = Some(if asked.width == DAY_S {
        Grain::Day
    } else {
        Grain::Hour
    });
    let query = of_teams(asked.query, teams);
    let report = call.control.store.usage(entered.scope(), &query).await?;
    let mut found = by_start(report);
    let data = buckets.into_iter().map(|(start, end)| Bucket {
        object: "bucket",
        start_time: start,
        end_time: end,
        results: found
            .remove(&start)
            .unwrap_or_default()
            .into_iter()
            .map(|row| make(&row.sums, &mut named(&asked.words, row.group)))
            .collect(),
    });
    Ok(Buckets {
        object: "page",
        data: data.collect(),
        has_more: next.is_some(),
        next_page: next.map(|at| at.to_string()),
    })
}

fn by_start(report: UsageReport) -> BTreeMap<i64, Vec<UsageRow>> {
    let mut all: BTreeMap<i64, Vec<UsageRow>> = BTreeMap::new();
    for row in report.rows {
        let start = row.period.as_ref().map_or(0, |period| period.from.0 / 1000);
        all.entry(start).or_default().push(row);
    }
    all
}

/// The rest has no values.
fn named(words: &[&'static str], group: Vec<String>) -> Named {
    Named(words.iter().copied().zip(group).collect())
}

/// `GET …/openai/organization/costs`.
pub async fn costs(call: Call, _: Nothing) -> Done {
    let asked = |call: &Call| Asked::read(call, &SPENDING, false);
    let page = answer(&call, asked, |sums, named| CostResult {
        object: "organization.costs.result",
        amount: Amount {
            value: dollars(sums.cost.nanos()),
            currency: "usd",
        },
        line_item: named.take("line_item"),
        project_id: named.take("project_id"),
        user_id: named.take("user_id"),
        api_key_id: named.take("api_key_id"),
    });
    Ok(Answer::view(&page.await?)?)
}

/// Conversations are told from embeddings by operation.
const GENERATING: [Operation; 2] = [Operation::Chat, Operation::TextCompletion];
const SPENDING: [&str; 4] = ["project_id", "user_id", "line_item", "api_key_id"];
const GROUPS: [&str; 4] = ["project_id", "user_id", "api_key_id", "model"];

fn only_operations(mut asked: Asked, operations: &[Operation]) -> Asked {
    let names = operations.iter().map(|operation| operation.as_str().to_owned());
    asked.query = asked.query.only(Dimension::Operation, names);
    asked
}

/// `GET …/openai/organization/usage/completions`.
pub async fn completions(call: Call, _: Nothing) -> Done {
    let asked = |call: &Call| Ok(only_operations(Asked::read(call, &GROUPS, true)?, &GENERATING));
    let page = answer(&call, asked, |sums, named| CompletionsResult {
        object: "organization.usage.completions.result",
        input_tokens: sums.tokens.prompt(),
        output_tokens: sums.tokens.output,
        input_cached_tokens: sums.tokens.cache_read,
        input_cache_write_tokens: sums
            .tokens
            .cache_write
            .saturating_add(sums.tokens.cache_write_long),
        input_audio_tokens: sums.tokens.audio_input,
        output_audio_tokens: sums.tokens.audio_output,
        num_model_requests: sums.requests.saturating_sub(sums.refused),
        project_id: named.take("project_id"),
        user_id: named.take("user_id"),
        api_key_id: named.take("api_key_id"),
        model: named.take("model"),
        batch: None,
        service_tier: None,
    });
    Ok(Answer::view(&page.await?)?)
}

/// `GET …/openai/organization/usage/embeddings`.
pub async fn embeddings(call: Call, _: Nothing) -> Done {
    let asked = |call: &Call| {
        Ok(only_operations(
            Asked::read(call, &GROUPS, true)?,
            &[Operation::Embeddings],
        ))
    };
    let page = answer(&call, asked, |sums, named| EmbeddingsResult {
        object: "organization.usage.embeddings.result",
        input_tokens: sums.tokens.prompt(),
        num_model_requests: sums.requests.saturating_sub(sums.refused),
        project_id: named.take("project_id"),
        user_id: named.take("user_id"),
        api_key_id: named.take("api_key_id"),
        model: named.take("model"),
    });
    Ok(Answer::view(&page.await?)?)
}

/// Nano-dollars as a JSON number of dollars: written, not reckoned.
fn dollars(nanos: i64) -> Box<RawValue> {
    let sign = if nanos < 0 { "-" } else { "" };
    let whole = nanos.unsigned_abs();
    let text = format!("{sign}{}.{:09}", whole / 1_000_000_000, whole % 1_000_000_000);
    let short = text.trim_end_matches('0');
    let short = match short.strip_suffix('.') {
        Some(_) => format!("{short}0"),
        None => short.to_owned(),
    };
    RawValue::from_string(short).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_written_to_the_last_nano() {
        let said = |nanos| dollars(nanos).get().to_owned();
        assert_eq!(said(0), "0.0");
        assert_eq!(said(1), "0.000000001");
        assert_eq!(said(-1_500_000_000), "-1.5");
        assert_eq!(said(i64::MAX), "9223372036.854775807");
        assert_eq!(said(20_000_000_000), "20.0");
    }
}
