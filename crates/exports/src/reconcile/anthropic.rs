//! Anthropic's pages: `/v1/organizations/cost_report` and `/v1/organizations/usage_report/messages`, as its API reference
//! has them (platform.claude.com/docs/en/api/admin, read in November 2026). Amounts are decimal texts of cents.

use serde::Deserialize;

use super::amount::Amount;
use super::report::{Report, ReportError, clipped, day_of};

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
    starting_at: String,
    results: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    amount: Option<String>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    uncached_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation: Option<Written>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    ephemeral_1h_input_tokens: u64,
    #[serde(default)]
    ephemeral_5m_input_tokens: u64,
}

/// Reads a page.
pub(super) fn read(report: &mut Report, text: &str) -> Result<(), ReportError> {
    let page: Page = serde_json::from_str(text).map_err(|error| ReportError::Shape(error.to_string()))?;
    for bucket in &page.data {
        let day = day_of(&bucket.starting_at).ok_or_else(|| ReportError::Figure {
            place: "`starting_at`".to_owned(),
            text: clipped(&bucket.starting_at),
            what: "time",
            rule: "RFC 3339, UTC",
        })?;
        let is_costs = bucket.results.first().map(|item| item.amount.is_some());
        if let Some(is_costs) = is_costs {
            let kind = if is_costs { "costs" } else { "usage" };
            report.once(format!("the bucket of {kind} at {}", bucket.starting_at))?;
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
    if let Some(text) = &item.amount {
        let currency = item.currency.as_deref().unwrap_or_default();
        if currency != "USD" {
            return Err(ReportError::Currency {
                place: day.to_owned(),
                currency: clipped(currency),
            });
        }
        let model = item
            .model
            .as_deref()
            .or(item.description.as_deref())
            .ok_or_else(|| {
                ReportError::Shape(
                    "costs are not by model: ask for them with `group_by[]=description`".to_owned(),
                )
            })?;
        let amount = Amount::read(text, true).ok_or_else(|| ReportError::amount(day, text))?;
        return report.cost(day, model, amount);
    }
    let model = item.model.as_deref().ok_or_else(|| {
        ReportError::Shape("usage is not by model: ask for it with `group_by[]=model`".to_owned())
    })?;
    let uncached = item
        .uncached_input_tokens
        .ok_or_else(|| ReportError::Shape("it has neither amounts nor tokens".to_owned()))?;
    let written = item.cache_creation.as_ref().map_or(0, |written| {
        written
            .ephemeral_1h_input_tokens
            .saturating_add(written.ephemeral_5m_input_tokens)
    });
    let prompt = uncached
        .saturating_add(item.cache_read_input_tokens.unwrap_or(0))
        .saturating_add(written);
    report.tokens(day, model, (prompt, item.output_tokens.unwrap_or(0)))
}
