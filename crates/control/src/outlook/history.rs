//! Days of spend, from the store: the one place that asks for them.

use std::collections::BTreeMap;

use domain::Money;
use finops::{Day, Series, TooShort};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{StoreError, UsageGroup, UsageQuery, UsageRow};

use super::From;

/// The most series of one answer, those that cost most.
pub const SERIES_MAX: usize = 50;

/// What one row is made for each of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReportBy")]
pub enum By {
    /// The whole tenant; its group is `-`.
    Total,
    /// A team, by its id.
    Team,
    /// A key, by its id.
    Key,
    /// A model, by the name callers use.
    Model,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Total, Self::Team, Self::Key, Self::Model];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Team => "team",
            Self::Key => "key",
            Self::Model => "model",
        }
    }

    /// That of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// What was spent and used, day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Cost.
    pub cost: Series,
    /// LLM tokens, prompt and output.
    pub tokens: Series,
}

impl History {
    /// Both together, over the days of this one.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let both = |a: &Series, b: &Series| Series::filled(a.first(), a.until(), a.days().chain(b.days()));
        Self {
            cost: both(&self.cost, &other.cost),
            tokens: both(&self.tokens, &other.tokens),
        }
    }
}

/// What was spent on each day from `first` up to but not including `until`, of each group that spent anything.
pub async fn daily(
    from: From<'_>,
    by: By,
    first: Day,
    until: Day,
) -> Result<BTreeMap<String, History>, StoreError> {
    let mut spent: BTreeMap<String, Vec<(Day, UsageRow)>> = BTreeMap::new();
    let mut keep = |group: String, day: Day, row: UsageRow| spent.entry(group).or_default().push((day, row));
    match group_of(by) {
        None => {
            for row in usage(from, UsageGroup::Day, (first, until)).await? {
                if let Ok(day) = row.group.parse() {
                    keep("-".to_owned(), day, row);
                }
            }
        }
        // The store sums by one thing at a time: a day is asked for after the other.
        Some(group) => {
            for at in 0..until.since(first).max(0) {
                let day = first.plus(at);
                for row in usage(from, group, (day, day.plus(1))).await? {
                    keep(row.group.clone(), day, row);
                }
            }
        }
    }
    let history = |(group, rows): (String, Vec<(Day, UsageRow)>)| {
        let series = |of: &dyn Fn(&UsageRow) -> Money| {
            Series::filled(first, until, rows.iter().map(|(day, row)| (*day, of(row))))
        };
        let history = History {
            cost: series(&|row| row.cost),
            tokens: series(&tokens),
        };
        (group, history)
    };
    Ok(spent.into_iter().map(history).collect())
}

async fn usage(
    from: From<'_>,
    by: UsageGroup,
    (first, until): (Day, Day),
) -> Result<Vec<UsageRow>, StoreError> {
    let query = UsageQuery {
        from: first.start(),
        until: until.start(),
        by,
    };
    from.store.usage(from.scope, &query).await
}

const fn group_of(by: By) -> Option<UsageGroup> {
    match by {
        By::Total => None,
        By::Team => Some(UsageGroup::Team),
        By::Key => Some(UsageGroup::Key),
        By::Model => Some(UsageGroup::Model),
    }
}

fn tokens(row: &UsageRow) -> Money {
    let both = row.prompt_tokens.saturating_add(row.output_tokens);
    Money::from_nanos(i64::try_from(both).unwrap_or(i64::MAX))
}

/// A day and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DayAmount {
    /// The day, UTC.
    pub day: String,
    /// What it cost, in nano-dollars.
    pub cost_nanos: i64,
}

impl DayAmount {
    /// Each day of a series.
    pub fn all(series: &Series) -> Vec<Self> {
        let amount = |(day, amount): (Day, Money)| Self {
            day: day.to_string(),
            cost_nanos: amount.nanos(),
        };
        series.days().map(amount).collect()
    }
}

/// A day to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DayAhead {
    /// The day, UTC. Of today only what is left of it.
    pub day: String,
    /// On the mean, in nano-dollars.
    pub expected_nanos: i64,
    /// Seldom below this.
    pub lower_nanos: i64,
    /// Seldom above this.
    pub upper_nanos: i64,
}

/// There is too little history to say anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TooShortView {
    /// Days since the first spend.
    pub days: usize,
    /// Days that it takes.
    pub needs: usize,
}

impl std::convert::From<TooShort> for TooShortView {
    fn from(short: TooShort) -> Self {
        Self {
            days: short.days,
            needs: short.needs,
        }
    }
}
