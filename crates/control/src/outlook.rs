//! What a tenant's spend looks like over time: how it moves, what the month will cost, which days stood out, when
//! budgets are gone. Reads days from the store and has `finops` reckon; asks nobody whether they may: whoever calls has.

mod anomalies;
mod budgets;
mod forecast;
mod history;
mod sweep;
mod trend;

pub use anomalies::{AnomaliesView, AnomalyLine, NewSeries, anomalies};
pub use budgets::{BudgetLine, BudgetsView, Range, budgets};
pub use forecast::{Ahead, ForecastLine, ForecastOf, ForecastView, forecast};
pub use history::{By, DayAhead, DayAmount, History, SERIES_MAX, TooShortView, daily};
pub use sweep::SpendSweeper;
pub use trend::{TrendLine, TrendView, trend};

use domain::{TenantScope, UnixMillis};
use store::{Store, StoreError};

/// The most days that are read of every team, key or model.
pub const DAYS_BY_MAX: u32 = 120;
/// The most days that are read of a whole tenant.
pub const DAYS_MAX: u32 = 400;

/// Which spend.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// One row for each of these.
    pub by: By,
    /// Only the row of this one.
    pub only: Option<&'a str>,
    /// Now.
    pub now: UnixMillis,
}

/// Where it is read.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The tenant.
    pub scope: &'a TenantScope,
}

impl From<'_> {
    async fn rows(
        self,
        asked: &Asked<'_>,
        (first, until): (finops::Day, finops::Day),
    ) -> Result<Vec<(String, History)>, StoreError> {
        let all = daily(self, asked.by, first, until).await?;
        let wanted = |(group, _): &(String, History)| asked.only.is_none_or(|only| only == group);
        let mut rows: Vec<_> = all.into_iter().filter(wanted).collect();
        rows.sort_by_key(|(_, history)| std::cmp::Reverse(history.cost.total()));
        rows.truncate(SERIES_MAX);
        Ok(rows)
    }
}
