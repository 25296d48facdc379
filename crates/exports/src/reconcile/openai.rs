//! OpenAI's pages: `/v1/organization/costs` and `/v1/organization/usage/completions`, as its API reference has them
//! (developers.openai.com/api/reference, read in November 2026).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::amount::Amount;
use super::report::{Report, ReportError, clipped, day_of_seconds};

#[derive(Deserialize)]
struct Page {
    data: Vec<Bucket>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    next_page: Option<String>,
}

#[derive(Deserialize)]
struct Bucket {
    start_time: i64,
    /// The reference calls it `result` in one place and `results` in the others.
    #[serde(alias = "result")]
    results: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    object: String,
    #[serde(default)]
    amount: Option<Worth>,
    #[serde(default)]
    line_item: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Worth {
    value: Box<RawValue>,
    currency: String,
}

/// Reads a page.
pub(super) fn read(report: &mut Report, text: &str) -> Result<(), ReportError> {
    let page: Page = serde_json::from_str(text).map_err(|error| ReportError::Shape(error.to_string()))?;
    for bucket in &page.data {
        let day = day_of_seconds(bucket.start_time).ok_or_else(|| ReportError::Figure {
            place: "`start_time`".to_owned(),
            text: bucket.start_time.to_string(),
            what: "time",
            rule: "seconds since 1970",
        })?;
        let kind = bucket.results.first().map(|item| item.object.clone());
        if let Some(kind) = kind {
            report.once(format!(
                "the bucket of {} at {}",
                clipped(&kind),
                bucket.start_time
            ))?;
        }
        report.day(&day);
        for item in &bucket.results {
            add(report, &day, item)?;
        }
    }
    let next = page.next_page.unwrap_or_else(|| "without a name".to_owned());
    report.page(page.has_more.then_some(next.as_str()));
    Ok(())
}

fn add(report: &mut Report, day: &str, item: &Item) -> Result<(), ReportError> {
    match item.object.as_str() {
        "organization.costs.result" => {
            let worth = item
                .amount
                .as_ref()
                .ok_or_else(|| ReportError::Shape("a cost without an amount".to_owned()))?;
            // `gpt-4o-2024-08-06, input`: the model, and what of it.
            let line = item.line_item.as_deref().ok_or_else(|| {
                ReportError::Shape(
                    "costs are not by model: ask for them with `group_by=line_item`".to_owned(),
                )
            })?;
            let model = line.split(", ").next().unwrap_or(line);
            report.cost(day, model, worth.read(day)?)
        }
        "organization.usage.completions.result" | "organization.usage.embeddings.result" => {
            let model = item.model.as_deref().ok_or_else(|| {
                ReportError::Shape("usage is not by model: ask for it with `group_by=model`".to_owned())
            })?;
            report.tokens(
                day,
                model,
                (item.input_tokens.unwrap_or(0), item.output_tokens.unwrap_or(0)),
            )
        }
        other => Err(ReportError::Shape(format!("it has `{}`", clipped(other)))),
    }
}

impl Worth {
    fn read(&self, day: &str) -> Result<Amount, ReportError> {
        if !self.currency.eq_ignore_ascii_case("usd") {
            return Err(ReportError::Currency {
                place: day.to_owned(),
                currency: clipped(&self.currency),
            });
        }
        let text = self.value.get();
        let text = text.trim_matches('"');
        Amount::read(text, false).ok_or_else(|| ReportError::amount(day, text))
    }
}

impl ReportError {
    pub(super) fn amount(place: &str, text: &str) -> Self {
        Self::Figure {
            place: place.to_owned(),
            text: clipped(text),
            what: "amount",
            rule: "a number, not below nothing and not above a billion dollars; credits are taken out first",
        }
    }
}
