//! Tables that the providers' consoles give out as CSV. Columns are known by their names, whichever of them there are.

use super::amount::Amount;
use super::report::{Report, ReportError, clipped, day_of};

const DAYS: &[&str] = &["usage_date_utc", "date", "start_time_iso", "start_time"];
const MODELS: &[&str] = &["model_version", "model", "line_item"];
const COSTS: &[&str] = &["cost_usd", "amount_value", "amount_in_usd", "cost"];
const CURRENCIES: &[&str] = &["amount_currency", "currency"];
const PROMPTS: &[&str] = &[
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
    "input_tokens",
];
const OUTPUTS: &[&str] = &["usage_output_tokens", "output_tokens"];

/// Where what is.
struct Places {
    day: usize,
    model: usize,
    cost: Option<usize>,
    currency: Option<usize>,
    prompts: Vec<usize>,
    output: Option<usize>,
}

impl Places {
    fn of(header: &csv::StringRecord) -> Result<Self, ReportError> {
        let at = |names: &[&str]| {
            names.iter().find_map(|name| {
                header
                    .iter()
                    .position(|column| column.trim().eq_ignore_ascii_case(name))
            })
        };
        let missing = |what: &str, names: &[&str]| {
            ReportError::Shape(format!("there is no column of {what}: {}", names.join(", ")))
        };
        let places = Self {
            day: at(DAYS).ok_or_else(|| missing("days", DAYS))?,
            model: at(MODELS).ok_or_else(|| missing("models", MODELS))?,
            cost: at(COSTS),
            currency: at(CURRENCIES),
            prompts: PROMPTS.iter().filter_map(|name| at(&[name])).collect(),
            output: at(OUTPUTS),
        };
        if places.cost.is_none() && places.output.is_none() {
            return Err(missing("costs or tokens", COSTS));
        }
        Ok(places)
    }
}

/// Reads a table.
pub(super) fn read(report: &mut Report, text: &str) -> Result<(), ReportError> {
    let shape = |error: csv::Error| ReportError::Shape(error.to_string());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let places = Places::of(reader.headers().map_err(shape)?)?;
    for (number, record) in (2u64..).zip(reader.records()) {
        let record = record.map_err(shape)?;
        report.once(format!("the row {}", record.iter().collect::<Vec<_>>().join(",")))?;
        row(report, &places, &record, number)?;
    }
    report.page(None);
    Ok(())
}

fn row(
    report: &mut Report,
    places: &Places,
    record: &csv::StringRecord,
    number: u64,
) -> Result<(), ReportError> {
    let get = |at: usize| record.get(at).unwrap_or_default().trim();
    let place = format!("line {number}");
    let figure = |text: &str, what, rule| ReportError::Figure {
        place: place.clone(),
        text: clipped(text),
        what,
        rule,
    };
    let day =
        day_of(get(places.day)).ok_or_else(|| figure(get(places.day), "day", "a date, or a time in UTC"))?;
    let model = get(places.model).split(", ").next().unwrap_or_default();
    if model.is_empty() {
        return Err(figure("", "model", "a name"));
    }
    if let Some(at) = places.cost {
        let currency = places.currency.map_or("USD", get);
        if !currency.eq_ignore_ascii_case("usd") {
            return Err(ReportError::Currency {
                place,
                currency: clipped(currency),
            });
        }
        let amount = Amount::read(get(at), false).ok_or_else(|| ReportError::amount(&place, get(at)))?;
        report.cost(&day, model, amount)?;
    }
    if let Some(output) = places.output {
        let count = |at: usize| match get(at) {
            "" => Ok(0u64),
            text => text
                .parse()
                .map_err(|_| figure(text, "number of tokens", "a whole number, not below nothing")),
        };
        let mut prompt = 0u64;
        for at in &places.prompts {
            prompt = prompt.saturating_add(count(*at)?);
        }
        report.tokens(&day, model, (prompt, count(output)?))?;
    }
    Ok(())
}
