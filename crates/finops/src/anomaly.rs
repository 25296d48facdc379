//! Days that stand out upwards: a robust score on the logarithm of spend, weekdays taken out, against the two weeks
//! before. Of ordinary days it raises an alarm for at most one in [`FALSE_ALARMS_IN`], which `tests/it/alarms.rs` counts.
//!
//! Says nothing of spend that falls, and nothing of a series that is too new to know what is usual.

use domain::Money;

use crate::day::Day;
use crate::robust::{count, median, sorted, spread};
use crate::season::Season;
use crate::series::{Series, TooShort, money, nanos};

/// The fewest days since the first spend, before the one that is judged.
pub const DAYS_MIN: usize = 28;
/// Of ordinary days of a series at most one in so many is said to stand out.
pub const FALSE_ALARMS_IN: u32 = 100;
/// What is above the usual by less than ten cents is nobody's concern.
pub const EXCESS_MIN: Money = Money::from_nanos(100_000_000);
/// Days that are looked back at, at most: a quarter.
const DAYS_MAX: usize = 91;
/// The level is the middle of so many days.
const LEVEL_DAYS: usize = 14;
/// The score that stands out of a long history; of a short one, whose spread is less sure, it is more.
const SCORE_MIN: f64 = 3.1;
const SCORE_SHORT: f64 = 14.0;
/// The least spread that is believed, in logarithms: a series that hardly moves is not alarmed at by a twentieth.
const SPREAD_MIN: f64 = 0.05;
/// Added to every day before the logarithm, in parts of the middle day with spend: a zero has none.
const FLOOR: f64 = 0.05;

/// How a day stands against those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    /// Which day.
    pub day: Day,
    /// What was spent on it.
    pub spent: Money,
    /// What would have been usual.
    pub expected: Money,
    /// Up to this nothing is said.
    pub upper: Money,
    /// The robust score, in thousandths.
    pub score_milli: i64,
    /// Whether it stands out.
    pub is_anomaly: bool,
}

/// Judges the day after this history.
pub fn judge(history: &Series, spent: Money) -> Result<Anomaly, TooShort> {
    let day = history.until();
    let history = history.since_first_spend().last(DAYS_MAX);
    if history.len() < DAYS_MIN {
        return Err(TooShort {
            days: history.len(),
            needs: DAYS_MIN,
        });
    }
    let usual = Usual::of(&history);
    let factor = usual.season.at(day.weekday());
    let score = (usual.log(nanos(spent), factor) - usual.level - usual.middle) / usual.spread;
    let bound = usual.bound();
    let amount = |score: f64| {
        let log = usual.level + usual.middle + score * usual.spread;
        money(((log.exp() - usual.floor) * factor).max(0.0))
    };
    let expected = amount(0.0);
    Ok(Anomaly {
        day,
        spent,
        expected,
        upper: amount(bound),
        score_milli: money(score.clamp(-1e6, 1e6) * 1_000.0).nanos(),
        is_anomaly: score > bound && spent.minus(expected) >= EXCESS_MIN,
    })
}

/// What is usual of a series.
struct Usual {
    season: Season,
    floor: f64,
    /// The level that the next day is compared with.
    level: f64,
    /// The middle of what days differ from their level by, and how widely they do.
    middle: f64,
    spread: f64,
    /// By how much each did.
    rests: Vec<f64>,
}

impl Usual {
    fn of(history: &Series) -> Self {
        let days = history.floats();
        let season = Season::of(&days);
        let floor = FLOOR * median(days.iter().map(|(_, value)| *value).filter(|value| *value > 0.0));
        let mut usual = Self {
            season,
            floor: floor.max(1.0),
            level: 0.0,
            middle: 0.0,
            spread: 0.0,
            rests: Vec::new(),
        };
        let logs = days
            .iter()
            .map(|(weekday, value)| usual.log(*value, usual.season.at(*weekday)));
        let logs: Vec<f64> = logs.collect();
        let levels = logs
            .windows(LEVEL_DAYS)
            .map(|before| median(before.iter().copied()));
        let levels: Vec<f64> = levels.collect();
        usual.rests = logs
            .iter()
            .skip(LEVEL_DAYS)
            .zip(&levels)
            .map(|(log, level)| log - level)
            .collect();
        usual.level = levels.last().copied().unwrap_or(0.0);
        usual.middle = median(usual.rests.iter().copied());
        usual.spread = spread(&usual.rests, usual.middle).max(SPREAD_MIN);
        usual
    }

    fn log(&self, value: f64, factor: f64) -> f64 {
        (value / factor + self.floor).ln()
    }

    /// The score up to which nothing is said: the fixed one, or the highest that an ordinary day of this history had.
    /// Days that stood out three times as much were none.
    fn bound(&self) -> f64 {
        let fixed = SCORE_MIN + SCORE_SHORT / count(self.rests.len().max(1));
        let scores = self.rests.iter().map(|rest| (rest - self.middle) / self.spread);
        let ordinary = sorted(scores.filter(|score| *score <= 3.0 * fixed).collect());
        ordinary.last().copied().unwrap_or(fixed).max(fixed)
    }
}
