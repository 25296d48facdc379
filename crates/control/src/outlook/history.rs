//! Days of spend, from the store: the one place that asks for them.

use std::collections::BTreeMap;

use domain::Money;
use finops::{Day, Series, TooShort};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::usage::{Dimension, Grain, Sums, UsageQuery};

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

    const fn dimension(self) -> Option<Dimension> {
        match self {
            Self::Total => None,
            Self::Team => Some(Dimension::Team),
            Self::Key => Some(Dimension::Key),
            Self::Model => Some(Dimension::Model),
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
    let query = UsageQuery::over(first.start(), until.start())
        .by(by.dimension())
        .each(Grain::Day);
    let mut spent: BTreeMap<String, Vec<(Day, Sums)>> = BTreeMap::new();
    for row in from.store.usage(from.scope, &query).await?.rows {
        let group = row.group.into_iter().next().unwrap_or_else(|| "-".to_owned());
        if let Some(period) = row.period {
            spent
                .entry(group)
                .or_default()
                .push((Day::of(period.from), row.sums));
        }
    }
    let history = |(group, days): (String, Vec<(Day, Sums)>)| {
        let series = |of: &dyn Fn(&Sums) -> Money| {
            Series::filled(first, until, days.iter().map(|(day, sums)| (*day, of(sums))))
        };
        let history = History {
            cost: series(&|sums| sums.cost),
            tokens: series(&tokens),
        };
        (group, history)
    };
    Ok(spent.into_iter().map(history).collect())
}

fn tokens(sums: &Sums) -> Money {
    Money::from_nanos(i64::try_from(sums.all_tokens()).unwrap_or(i64::MAX))
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
