//! Days that stood out.

use finops::{Day, judge};
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

use super::{By, From, daily};

/// Days before a judged one that it is judged against.
const BEFORE: i64 = 91;

/// A day of a series that stood out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AnomalyLine {
    /// What the series is of.
    pub by: By,
    /// The team, key or model; `-` for the whole tenant.
    pub group: String,
    /// The day, UTC.
    pub day: String,
    /// What it cost, in nano-dollars.
    pub spent_nanos: i64,
    /// What would have been usual.
    pub expected_nanos: i64,
    /// Up to this nothing would have been said.
    pub upper_nanos: i64,
    /// How far above the usual, in thousandths of a robust standard deviation of the logarithm.
    pub score_milli: i64,
}

/// A series that is too new to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NewSeries {
    /// What the series is of.
    pub by: By,
    /// The team, key or model; `-` for the whole tenant.
    pub group: String,
    /// Days since its first spend.
    pub days: usize,
    /// Days that it takes.
    pub needs: usize,
}

/// What stood out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AnomaliesView {
    /// From this day on.
    pub from: String,
    /// Until before this day. Today is judged by what it has cost so far.
    pub until: String,
    /// Days of series that were judged.
    pub judged: u64,
    /// Of ordinary days of a series at most one in so many is said to stand out.
    pub false_alarms_in: u32,
    /// Newest first, and of one day the furthest above the usual.
    pub anomalies: Vec<AnomalyLine>,
    /// What could not be judged.
    pub too_new: Vec<NewSeries>,
}

/// Judges each day from `first` up to but not including `until`, of each series.
pub async fn anomalies(
    from: From<'_>,
    of: &[By],
    (first, until): (Day, Day),
) -> Result<AnomaliesView, StoreError> {
    let mut view = AnomaliesView {
        from: first.to_string(),
        until: until.to_string(),
        judged: 0,
        false_alarms_in: finops::FALSE_ALARMS_IN,
        anomalies: Vec::new(),
        too_new: Vec::new(),
    };
    for by in of {
        for (group, history) in daily(from, *by, first.plus(-BEFORE), until).await? {
            view.judge(*by, &group, &history.cost, (first, until));
            // Calls are served by the same threads.
            tokio::task::yield_now().await;
        }
    }
    view.anomalies
        .sort_by(|a, b| (&b.day, b.score_milli).cmp(&(&a.day, a.score_milli)));
    Ok(view)
}

impl AnomaliesView {
    fn judge(&mut self, by: By, group: &str, cost: &finops::Series, (first, until): (Day, Day)) {
        let mut short = None;
        for at in 0..until.since(first).max(0) {
            let day = first.plus(at);
            let judged = match judge(&cost.until_day(day), cost.at(day)) {
                Ok(judged) => judged,
                Err(too_short) => {
                    short = Some(too_short);
                    continue;
                }
            };
            short = None;
            self.judged += 1;
            if judged.is_anomaly {
                self.anomalies.push(AnomalyLine {
                    by,
                    group: group.to_owned(),
                    day: day.to_string(),
                    spent_nanos: judged.spent.nanos(),
                    expected_nanos: judged.expected.nanos(),
                    upper_nanos: judged.upper.nanos(),
                    score_milli: judged.score_milli,
                });
            }
        }
        self.too_new.extend(short.map(|short| NewSeries {
            by,
            group: group.to_owned(),
            days: short.days,
            needs: short.needs,
        }));
    }
}
