//! `bartizan usage`: what was used and what it cost.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use domain::{Money, TenantId, TenantScope, UnixMillis};
use serde::Serialize;
use store::{UsageGroup, UsageQuery, UsageRow};

use crate::failure::Failure;

use super::arguments::{Since, rfc3339};
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, Shown};
use super::table::{Column, Table};

/// What to sum up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan usage                              the last seven days, by model
  bartizan usage --by key --since 24h
  bartizan usage --by day --since 2026-07-01 --tenant acme
  bartizan usage --by team --json | jq .total.cost_nanos

Counts what is in the ledger; a call gets there within a second of its end. Amounts in JSON are nano-dollars.")]
pub struct UsageArgs {
    /// One row for each of these
    #[arg(long, value_enum, default_value_t = By::Model)]
    by: By,
    /// From when on: how long ago (24h, 7d), a day (2026-07-01) or a time (2026-07-01T12:00:00Z)
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: Since,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// What usage is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The model the caller named
    Model,
    /// The virtual key
    Key,
    /// The team that owns the key
    Team,
    /// The day, UTC
    Day,
}

impl By {
    const fn group(self) -> UsageGroup {
        match self {
            Self::Model => UsageGroup::Model,
            Self::Key => UsageGroup::Key,
            Self::Team => UsageGroup::Team,
            Self::Day => UsageGroup::Day,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Key => "key",
            Self::Team => "team",
            Self::Day => "day",
        }
    }

    /// What people call a group.
    fn name(self, group: &str, names: &Names) -> String {
        match self {
            Self::Key => group
                .parse()
                .map_or_else(|_| group.to_owned(), |id| names.key_name(id)),
            Self::Team => group
                .parse()
                .map_or_else(|_| group.to_owned(), |id| names.team_name(id)),
            Self::Model | Self::Day => group.to_owned(),
        }
    }
}

#[derive(Debug, Default, Serialize)]
struct Sums {
    requests: u64,
    refused: u64,
    prompt_tokens: u64,
    output_tokens: u64,
    #[serde(rename = "cost_nanos")]
    cost: Money,
}

impl Sums {
    fn add(&mut self, row: &UsageRow) {
        self.requests = self.requests.saturating_add(row.requests);
        self.refused = self.refused.saturating_add(row.refused);
        self.prompt_tokens = self.prompt_tokens.saturating_add(row.prompt_tokens);
        self.output_tokens = self.output_tokens.saturating_add(row.output_tokens);
        self.cost = self.cost.plus(row.cost);
    }

    fn cells(&self) -> [String; 5] {
        [
            self.requests.to_string(),
            self.refused.to_string(),
            self.prompt_tokens.to_string(),
            self.output_tokens.to_string(),
            self.cost.to_string(),
        ]
    }
}

#[derive(Debug, Serialize)]
struct Group {
    group: String,
    name: String,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Debug, Serialize)]
struct UsageView {
    tenant: String,
    tenant_id: TenantId,
    from: Option<String>,
    until: Option<String>,
    by: By,
    rows: Vec<Group>,
    total: Sums,
}

impl UsageView {
    fn new(query: &UsageQuery, by: By, rows: &[UsageRow], tenant: TenantId, names: &Names) -> Self {
        let mut total = Sums::default();
        rows.iter().for_each(|row| total.add(row));
        let group = |row: &UsageRow| {
            let mut sums = Sums::default();
            sums.add(row);
            Group {
                group: row.group.clone(),
                name: by.name(&row.group, names),
                sums,
            }
        };
        Self {
            tenant: names.tenant_name(tenant),
            tenant_id: tenant,
            from: rfc3339(query.from),
            until: rfc3339(query.until),
            by,
            rows: rows.iter().map(group).collect(),
            total,
        }
    }
}

impl Shown for UsageView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() {
            let from = self.from.as_deref().unwrap_or("ever");
            return writeln!(out, "no calls of tenant {} since {from}", self.tenant);
        }
        let mut table = Table::new(&[
            Column::Text(self.by.title()),
            Column::Number("requests"),
            Column::Number("refused"),
            Column::Number("prompt"),
            Column::Number("output"),
            Column::Number("cost $"),
        ]);
        for row in &self.rows {
            table.row(std::iter::once(row.name.clone()).chain(row.sums.cells()));
        }
        if self.rows.len() > 1 {
            table.row(std::iter::once("total".to_owned()).chain(self.total.cells()));
        }
        table.write(out)
    }
}

/// Sums it up.
pub async fn run(args: UsageArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let tenant = names.tenant(args.tenant.as_deref())?.id;
    let now = UnixMillis::now();
    let query = UsageQuery {
        from: args.since.seen_from(now),
        until: UnixMillis(now.0.saturating_add(1)),
        by: args.by.group(),
    };
    let mut rows = instance
        .store
        .usage(&TenantScope::operator(tenant), &query)
        .await?;
    if args.by == By::Day {
        rows.sort_by(|a, b| a.group.cmp(&b.group));
    }
    show.say(&UsageView::new(&query, args.by, &rows, tenant, &names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::MemoryStore;

    fn row(group: &str, requests: u64, cost: i64) -> UsageRow {
        UsageRow {
            group: group.to_owned(),
            requests,
            refused: 1,
            prompt_tokens: 100,
            output_tokens: 20,
            cost: Money::from_nanos(cost),
        }
    }

    async fn view(by: By, rows: &[UsageRow]) -> UsageView {
        let names = Names::read(&MemoryStore::new()).await.unwrap();
        let query = UsageQuery {
            from: UnixMillis(0),
            until: UnixMillis(1_000),
            by: by.group(),
        };
        UsageView::new(&query, by, rows, TenantId::from_u128(1), &names)
    }

    #[tokio::test]
    async fn rows_are_totalled_and_never_wrap() {
        let view = view(By::Model, &[row("a", 3, 40), row("b", u64::MAX, i64::MAX)]).await;
        assert_eq!(
            (view.total.requests, view.total.refused, view.total.cost),
            (u64::MAX, 2, Money::MAX)
        );
    }

    #[tokio::test]
    async fn usage_is_shown_as_reviewed() {
        let view = view(By::Model, &[row("gpt-4o", 3, 42_000), row("-", 1, 0)]).await;
        let mut out = Vec::new();
        Show::new(false).write(&view, &mut out).unwrap();
        Show::new(true).write(&view, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[tokio::test]
    async fn a_deleted_key_is_shown_by_its_id() {
        let id = domain::KeyId::from_u128(9).to_string();
        let view = view(By::Key, &[row(&id, 1, 1)]).await;
        assert_eq!(view.rows.first().map(|row| row.name.as_str()), Some(id.as_str()));
    }
}
