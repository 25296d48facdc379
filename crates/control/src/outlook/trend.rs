//! How spend moves.

use finops::Day;
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

use super::{Asked, By, DayAmount, From};

/// One row.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TrendLine {
    /// The team, key or model; `-` for the whole tenant.
    pub group: String,
    /// What the earlier half of the days cost, in nano-dollars.
    pub earlier_nanos: i64,
    /// What the later half cost.
    pub later_nanos: i64,
    /// By how much the later half cost more, in hundredths of a per cent of the earlier; not there if that cost nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_bp: Option<i64>,
    /// `up` or `down` by more than a tenth, or `flat`.
    pub direction: &'static str,
    /// By how much a day differs from the one before it, in nano-dollars: the middle slope between same weekdays.
    pub per_day_nanos: i64,
    /// Whether the trend is more than chance.
    pub is_clear: bool,
    /// Each day.
    pub days: Vec<DayAmount>,
}

/// Trends.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TrendView {
    /// From this day on.
    pub from: String,
    /// Until before this day, which is today: it is not over.
    pub until: String,
    /// What the rows are of.
    pub by: By,
    /// Largest cost first, at most 50.
    pub rows: Vec<TrendLine>,
}

/// The trends of so many days up to yesterday.
pub async fn trend(from: From<'_>, asked: &Asked<'_>, days: u32) -> Result<TrendView, StoreError> {
    let until = Day::of(asked.now);
    let first = until.plus(-i64::from(days));
    let rows = from.rows(asked, (first, until)).await?;
    let line = |(group, history): (String, super::History)| {
        let found = finops::trend(&history.cost).ok()?;
        Some(TrendLine {
            group,
            earlier_nanos: found.earlier.nanos(),
            later_nanos: found.later.nanos(),
            change_bp: found.change_bp,
            direction: found.direction.as_str(),
            per_day_nanos: found.per_day.nanos(),
            is_clear: found.is_clear,
            days: DayAmount::all(&history.cost),
        })
    };
    Ok(TrendView {
        from: first.to_string(),
        until: until.to_string(),
        by: asked.by,
        rows: rows.into_iter().filter_map(line).collect(),
    })
}
