//! `bartizan usage`: what was used and what it cost, as a table, a chart, JSON or CSV.

mod chart;
mod csv;

use std::io::{self, Write};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use domain::{Money, TenantId, TenantScope, UnixMillis};
use jiff::tz::TimeZone;
use serde::Serialize;
use store::Store;
use store::usage::{
    Dimension, Filter, Grain, HOUR_MS, NotDimension, Order, Sums, UsageQuery, UsageReport, UsageRow,
};

use crate::failure::Failure;

use super::arguments::{Since, quoted, rfc3339};
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, Shown, finish};
use super::table::{Column, Table};

/// What to sum up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan usage                              the last seven days, by model
  bartizan usage --by key --since 24h
  bartizan usage --by day --since 2026-07-01 --tenant acme --chart
  bartizan usage --by team,model --grain week --top 5
  bartizan usage --by label:outcome --where model:gpt-4o --csv
  bartizan usage --by team --json | jq .total.cost_nanos

By: team, project, key, owner, model, provider, target, tag, label:NAME, operation, outcome, cached, price_version;
and hour, day, week or month. Counts what is in the ledger; a call gets there within a second of its end. Amounts in JSON
and CSV are nano-dollars. What each figure means: docs/reports.md.")]
pub struct UsageArgs {
    /// One row for each combination of these
    #[arg(long, value_delimiter = ',', value_name = "WHAT", default_value = "model")]
    by: Vec<By>,
    /// One row for each hour, day, week or month
    #[arg(long, value_name = "GRAIN", value_parser = grain)]
    grain: Option<Grain>,
    /// Only calls that have one of these values (repeatable)
    #[arg(long = "where", value_name = "WHAT:VALUE[,VALUE]", value_parser = filter)]
    filters: Vec<Filter>,
    /// How many groups are told apart; the others are one row
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    top: u16,
    /// Which groups come first
    #[arg(long, value_enum, default_value_t = Sorted::Cost)]
    order: Sorted,
    /// Where days begin
    #[arg(long, value_name = "ZONE", value_parser = zone, default_value = "UTC")]
    zone: TimeZone,
    /// From when on: how long ago (24h, 7d), a day (2026-07-01) or a time (2026-07-01T12:00:00Z)
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: Since,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Draw what it cost
    #[arg(long, conflicts_with = "csv")]
    chart: bool,
    /// Comma-separated values (RFC 4180)
    #[arg(long)]
    csv: bool,
}

/// What rows are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    What(Dimension),
    When(Grain),
}

impl FromStr for By {
    type Err = NotDimension;

    fn from_str(text: &str) -> Result<Self, NotDimension> {
        match Grain::of(text) {
            Some(grain) => Ok(Self::When(grain)),
            None => text.parse().map(Self::What),
        }
    }
}

/// Which groups come first.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sorted {
    /// The largest cost
    Cost,
    /// The most calls
    Requests,
    /// The most tokens
    Tokens,
    /// Names
    Name,
}

fn grain(text: &str) -> Result<Grain, String> {
    Grain::of(text).ok_or_else(|| format!("{} is none: hour, day, week or month", quoted(text)))
}

fn zone(text: &str) -> Result<TimeZone, String> {
    if text == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(text).map_err(|_| format!("{} is no time zone that this machine knows", quoted(text)))
}

fn filter(text: &str) -> Result<Filter, String> {
    let wrong = || {
        format!(
            "{} is not like `model:gpt-4o` or `label:outcome:resolved`",
            quoted(text)
        )
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
        dimension: word.parse().map_err(|error: NotDimension| error.to_string())?,
        any_of: values.split(',').map(str::to_owned).collect(),
    })
}

/// Sums as programs read them.
#[derive(Debug, Serialize)]
struct SumsView {
    requests: u64,
    refused: u64,
    failed: u64,
    cached: u64,
    prompt_tokens: u64,
    output_tokens: u64,
    #[serde(rename = "cost_nanos")]
    cost: Money,
    #[serde(rename = "wasted_nanos")]
    wasted: Money,
}

impl From<&Sums> for SumsView {
    fn from(sums: &Sums) -> Self {
        Self {
            requests: sums.requests,
            refused: sums.refused,
            failed: sums.failed,
            cached: sums.cached,
            prompt_tokens: sums.tokens.prompt(),
            output_tokens: sums.tokens.output,
            cost: sums.cost,
            wasted: sums.wasted,
        }
    }
}

impl SumsView {
    fn cells(&self) -> [String; 7] {
        [
            self.requests.to_string(),
            self.refused.to_string(),
            self.failed.to_string(),
            self.prompt_tokens.to_string(),
            self.output_tokens.to_string(),
            self.cost.to_string(),
            self.wasted.to_string(),
        ]
    }
}

#[derive(Debug, Serialize)]
struct Group {
    /// Ids and names as the ledger has them.
    group: String,
    /// What people call it.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
    #[serde(skip)]
    values: Vec<String>,
    #[serde(flatten)]
    sums: SumsView,
}

#[derive(Debug, Serialize)]
struct UsageView {
    tenant: String,
    tenant_id: TenantId,
    from: Option<String>,
    until: Option<String>,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grain: Option<&'static str>,
    groups: usize,
    rows: Vec<Group>,
    total: SumsView,
    #[serde(skip)]
    is_chart: bool,
}

/// What people call a value.
fn name(dimension: &Dimension, value: &str, names: &Names) -> String {
    match dimension {
        Dimension::Key => value
            .parse()
            .map_or_else(|_| value.to_owned(), |id| names.key_name(id)),
        Dimension::Team => value
            .parse()
            .map_or_else(|_| value.to_owned(), |id| names.team_name(id)),
        _ => value.to_owned(),
    }
}

impl Group {
    fn of(row: UsageRow, by: &[Dimension], names: &Names) -> Self {
        let period = row.period.map(|period| period.name);
        let called = by
            .iter()
            .zip(&row.group)
            .map(|(dimension, value)| name(dimension, value, names));
        let mut called = called.collect::<Vec<_>>();
        let mut group = row.group.join(" / ");
        if row.is_rest {
            "(rest)".clone_into(&mut group);
            called = by.iter().map(|_| "(rest)".to_owned()).collect();
        } else if by.is_empty() {
            group = period.clone().unwrap_or_else(|| "(all)".to_owned());
        }
        let name = if by.is_empty() || row.is_rest {
            group.clone()
        } else {
            called.join(" / ")
        };
        Self {
            group,
            name,
            period,
            rest: row.is_rest,
            values: called,
            sums: SumsView::from(&row.sums),
        }
    }
}

impl UsageView {
    fn new(query: &UsageQuery, report: UsageReport, tenant: TenantId, names: &Names) -> Self {
        let rows = report.rows.into_iter();
        let words = query.by.iter().map(ToString::to_string);
        let words = words.chain(query.grain.map(|grain| grain.as_str().to_owned()));
        Self {
            tenant: names.tenant_name(tenant),
            tenant_id: tenant,
            from: rfc3339(query.from),
            until: rfc3339(query.until),
            by: words.collect::<Vec<_>>().join(","),
            grain: query.grain.map(Grain::as_str),
            groups: report.groups,
            total: SumsView::from(&report.total),
            rows: rows.map(|row| Group::of(row, &query.by, names)).collect(),
            is_chart: false,
        }
    }

    /// Titles of what rows are told apart by: the period first.
    fn titles(&self) -> Vec<&str> {
        let what = self
            .by
            .split(',')
            .filter(|word| Some(*word) != self.grain && !word.is_empty());
        self.grain.into_iter().chain(what).collect()
    }
}

/// The same as a file, CSV or JSON: what a tenant used in a time, by team, key and model.
pub async fn file(
    store: &dyn Store,
    tenant: TenantId,
    (from, until, zone): (UnixMillis, UnixMillis, TimeZone),
    as_csv: bool,
) -> Result<Vec<u8>, Failure> {
    let by = [Dimension::Team, Dimension::Key, Dimension::Model];
    let mut query = UsageQuery::over(from, until).by(by);
    query.zone = zone;
    let report = store.usage(&TenantScope::operator(tenant), &query).await?;
    let view = UsageView::new(&query, report, tenant, &Names::read(store).await?);
    if !as_csv {
        return serde_json::to_vec_pretty(&view).map_err(|error| Failure::new(error.to_string()));
    }
    let mut file = Vec::new();
    let written = csv::write(&view, &mut file);
    written
        .map(|()| file)
        .map_err(|error| Failure::new(error.to_string()))
}

impl Shown for UsageView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() {
            let from = self.from.as_deref().unwrap_or("ever");
            return writeln!(out, "no calls of tenant {} since {from}", self.tenant);
        }
        if self.is_chart {
            return chart::draw(&self.rows, out);
        }
        let titles = self.titles();
        let numbers = [
            "requests", "refused", "failed", "prompt", "output", "cost $", "wasted $",
        ];
        let text = titles.iter().map(|_| Column::Text(""));
        let columns: Vec<Column> = text.chain(numbers.map(Column::Number)).collect();
        let mut table = Table::new(&columns);
        table.titles(&titles.iter().copied().chain(numbers).collect::<Vec<_>>());
        for row in &self.rows {
            let names = row.period.iter().cloned().chain(row.values.iter().cloned());
            table.row(names.chain(row.sums.cells()));
        }
        if self.rows.len() > 1 {
            let blank = titles.iter().enumerate();
            let names = blank.map(|(place, _)| {
                if place == 0 {
                    "total".to_owned()
                } else {
                    String::new()
                }
            });
            table.row(names.chain(self.total.cells()));
        }
        table.write(out)
    }
}

/// The question that the arguments ask.
fn query(args: &UsageArgs, tenant: TenantId, now: UnixMillis, names: &Names) -> Result<UsageQuery, Failure> {
    // What is yet to come is nothing: the hour is filled up, so that roll-ups answer.
    let until = now
        .0
        .div_euclid(HOUR_MS)
        .saturating_add(1)
        .saturating_mul(HOUR_MS);
    let mut query = UsageQuery::over(args.since.seen_from(now), UnixMillis(until));
    query.grain = args.grain;
    for by in &args.by {
        match by {
            By::What(dimension) => query.by.push(dimension.clone()),
            By::When(grain) => query.grain = Some(*grain),
        }
    }
    query.top = usize::from(args.top);
    query.zone = args.zone.clone();
    query.order = match args.order {
        Sorted::Cost => Order::Cost,
        Sorted::Requests => Order::Requests,
        Sorted::Tokens => Order::Tokens,
        Sorted::Name => Order::Name,
    };
    for filter in &args.filters {
        let mut filter = filter.clone();
        for value in &mut filter.any_of {
            match filter.dimension {
                Dimension::Team => *value = names.team(tenant, value)?.id.to_string(),
                Dimension::Key => *value = names.key(Some(tenant), value)?.id.to_string(),
                _ => {}
            }
        }
        query.filters.push(filter);
    }
    Ok(query)
}

/// Sums it up.
pub async fn run(args: UsageArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let tenant = names.tenant(args.tenant.as_deref())?.id;
    let query = query(&args, tenant, UnixMillis::now(), &names)?;
    let report = instance
        .store
        .usage(&TenantScope::operator(tenant), &query)
        .await?;
    let mut view = UsageView::new(&query, report, tenant, &names);
    view.is_chart = args.chart;
    if args.csv {
        return finish(csv::write(&view, &mut io::stdout().lock()));
    }
    show.say(&view)
}

#[cfg(test)]
mod tests;
