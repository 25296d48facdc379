//! What will be spent.

use finops::{DAY_MS, DAYS_MAX, Day, Forecast, ForecastDay, Outlook, Series};
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

use super::{Asked, By, DayAhead, DayAmount, From, History, TooShortView};

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// To the end of the month, and together with what it has cost so far.
    Month,
    /// So many days, today's rest being the first.
    Days(u32),
}

/// What history makes likely.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastOf {
    /// What the time will have cost at its end, on the mean, in nano-dollars.
    pub expected_nanos: i64,
    /// Seldom below this.
    pub lower_nanos: i64,
    /// Seldom above this.
    pub upper_nanos: i64,
    /// Whether weekdays differ.
    pub is_seasonal: bool,
    /// Whether a growth, up or down, is drawn forward.
    pub is_growing: bool,
    /// Each day ahead; their bounds are of the day alone, and do not add up to those of the whole.
    pub days: Vec<DayAhead>,
}

/// One row.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastLine {
    /// The team, key or model; `-` for the whole tenant.
    pub group: String,
    /// What the time has cost so far, in nano-dollars.
    pub spent_nanos: i64,
    /// What it will have cost; not there if there is too little history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastOf>,
    /// Why there is no forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_short: Option<TooShortView>,
    /// The days before today.
    pub history: Vec<DayAmount>,
}

/// Forecasts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastView {
    /// The first day of the time: of the month, or today.
    pub from: String,
    /// The day after its last.
    pub until: String,
    /// What the rows are of.
    pub by: By,
    /// How often in a hundred the bounds shall hold.
    pub coverage_percent: u8,
    /// Largest cost first, at most 50.
    pub rows: Vec<ForecastLine>,
}

/// Forecasts of what is asked for.
pub async fn forecast(
    from: From<'_>,
    asked: &Asked<'_>,
    (ahead, coverage): (Ahead, u8),
) -> Result<ForecastView, StoreError> {
    let today = Day::of(asked.now);
    let (begins, ends) = match ahead {
        Ahead::Month => (today.month_start(), today.next_month()),
        Ahead::Days(days) => (today, today.plus(i64::from(days))),
    };
    let earliest = today.plus(-i64::try_from(DAYS_MAX).unwrap_or(91)).min(begins);
    let over = asked.now.0.saturating_sub(today.start().0).clamp(0, DAY_MS);
    let left_bp = u16::try_from(10_000 - over * 10_000 / DAY_MS).unwrap_or(0);
    let horizon = usize::try_from(ends.since(today)).unwrap_or(0);
    let line = |(group, history): (String, History)| {
        let before = history.cost.until_day(today);
        let spent = match ahead {
            Ahead::Month => Series::filled(begins, today.plus(1), history.cost.days()).total(),
            Ahead::Days(_) => domain::Money::ZERO,
        };
        let said = Outlook::of(&before, horizon, left_bp).map(|outlook| outlook.forecast(coverage));
        ForecastLine {
            group,
            spent_nanos: spent.nanos(),
            too_short: said.as_ref().err().map(|short| (*short).into()),
            forecast: said.ok().map(|said| shown(said, spent)),
            history: DayAmount::all(&before),
        }
    };
    let mut rows = Vec::new();
    for row in from.rows(asked, (earliest, today.plus(1))).await? {
        rows.push(line(row));
        // Calls are served by the same threads.
        tokio::task::yield_now().await;
    }
    Ok(ForecastView {
        from: begins.to_string(),
        until: ends.to_string(),
        by: asked.by,
        coverage_percent: coverage,
        rows,
    })
}

fn shown(said: Forecast, spent: domain::Money) -> ForecastOf {
    let with = |more: domain::Money| spent.plus(more).nanos();
    let day = |day: ForecastDay| DayAhead {
        day: day.day.to_string(),
        expected_nanos: day.expected.nanos(),
        lower_nanos: day.lower.nanos(),
        upper_nanos: day.upper.nanos(),
    };
    ForecastOf {
        expected_nanos: with(said.expected),
        lower_nanos: with(said.lower),
        upper_nanos: with(said.upper),
        is_seasonal: said.is_seasonal,
        is_growing: said.is_growing,
        days: said.days.into_iter().map(day).collect(),
    }
}
