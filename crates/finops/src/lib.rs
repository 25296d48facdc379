//! Floor 1: what is reckoned from spend over time: trends, forecasts, when a budget runs out, days that stand out,
//! who bears which cost, and what came late. Values and a time in, values out.
//!
//! Amounts go in and come out as integers of nano-dollars. Statistics are reckoned with floats; a sum that somebody is
//! billed by never is. Never reads a clock, never asks a store, and never guesses where there is too little history: it
//! says so.

mod allocation;
mod anomaly;
mod burn;
mod chance;
mod day;
mod forecast;
mod late;
mod robust;
mod season;
mod series;
mod trend;

pub use allocation::{
    Allocation, Basis, Cost, CostLine, Part, Quantities, REST, Rule, RuleError, Rules, Source, Split, split,
};
pub use anomaly::{Anomaly, DAYS_MIN as ANOMALY_DAYS_MIN, EXCESS_MIN, FALSE_ALARMS_IN, judge};
pub use burn::{Burn, Exhaustion, Standing, Utilisation, burn, utilisation};
pub use day::{DAY_MS, Day, NotADay};
pub use forecast::{
    COVERAGE, DAYS_MAX, DAYS_MIN as FORECAST_DAYS_MIN, Forecast, ForecastDay, HORIZON_MAX, Outlook, forecast,
};
pub use late::{Closed, Late, LateItem};
pub use series::{Series, TooShort};
pub use trend::{Direction, FLAT_WITHIN_BP, Trend, trend};
