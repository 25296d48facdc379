//! The trend of a stretch of days: its later half against its earlier one, and whether that is more than chance.

use domain::Money;
use serde::{Deserialize, Serialize};

use crate::robust::{count, median};
use crate::series::{Series, TooShort, money, nanos};

/// A change of at most so much, in hundredths of a per cent, is none.
pub const FLAT_WITHIN_BP: i64 = 1_000;
/// The fewest days that have two halves worth the name.
const DAYS_MIN: usize = 2;
/// Beyond this the seasonal test by Kendall finds a trend that is chance in one of twenty series without one.
const Z_CLEAR: f64 = 1.96;

/// Where spend goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The later half has more than a tenth more.
    Up,
    /// The later half has more than a tenth less.
    Down,
    /// Neither.
    Flat,
}

impl Direction {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Flat => "flat",
        }
    }
}

/// What a trend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trend {
    /// Of the earlier half. Of an odd number of days the oldest is in neither.
    pub earlier: Money,
    /// Of the later half.
    pub later: Money,
    /// By how much the later half has more, in hundredths of a per cent of the earlier; nothing where that was zero.
    pub change_bp: Option<i64>,
    /// Where it goes.
    pub direction: Direction,
    /// The middle slope between same weekdays: by how much a day differs from the one before it.
    pub per_day: Money,
    /// Whether the seasonal test by Kendall says that it is more than chance. Never of less than four weeks.
    pub is_clear: bool,
}

/// The trend of these days.
pub fn trend(series: &Series) -> Result<Trend, TooShort> {
    let half = series.len() / 2;
    if series.len() < DAYS_MIN {
        return Err(TooShort {
            days: series.len(),
            needs: DAYS_MIN,
        });
    }
    let (both, last) = (series.last(half * 2), series.last(half));
    let (earlier, later) = (both.until_day(last.first()).total(), last.total());
    let change_bp = change(earlier, later);
    let direction = match change_bp {
        None if later > earlier => Direction::Up,
        None => Direction::Flat,
        Some(change) if change > FLAT_WITHIN_BP => Direction::Up,
        Some(change) if change < -FLAT_WITHIN_BP => Direction::Down,
        Some(_) => Direction::Flat,
    };
    let (per_day, is_clear) = slope(series);
    Ok(Trend {
        earlier,
        later,
        change_bp,
        direction,
        per_day,
        is_clear,
    })
}

fn change(earlier: Money, later: Money) -> Option<i64> {
    if earlier.nanos() <= 0 {
        return None;
    }
    let (earlier, later) = (i128::from(earlier.nanos()), i128::from(later.nanos()));
    let change = (later - earlier) * 10_000 / earlier;
    Some(i64::try_from(change).unwrap_or(if change > 0 { i64::MAX } else { i64::MIN }))
}

/// Theil and Sen's slope between same weekdays, and whether Hirsch and Slack's test says that it is no chance.
fn slope(series: &Series) -> (Money, bool) {
    let values: Vec<f64> = series.amounts().iter().copied().map(nanos).collect();
    let (mut slopes, mut score, mut variance) = (Vec::new(), 0.0_f64, 0.0_f64);
    for weekday in 0..7_usize.min(values.len()) {
        let same: Vec<f64> = values.iter().skip(weekday).step_by(7).copied().collect();
        for (at, early) in same.iter().enumerate() {
            for (weeks, late) in same.iter().skip(at + 1).enumerate() {
                slopes.push((late - early) / (7.0 * count(weeks + 1)));
                score += match late.total_cmp(early) {
                    std::cmp::Ordering::Less => -1.0,
                    std::cmp::Ordering::Equal => 0.0,
                    std::cmp::Ordering::Greater => 1.0,
                };
            }
        }
        variance += untied(&same);
    }
    let enough = values.len() >= 28 && variance > 0.0;
    // Continuity: the score moves in steps of two.
    let z = if enough {
        (score.abs() - 1.0).max(0.0) / variance.sqrt()
    } else {
        0.0
    };
    (money(median(slopes)), z > Z_CLEAR)
}

/// The variance of Kendall's score over these values without a trend, ties taken out.
fn untied(values: &[f64]) -> f64 {
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let sorted = crate::robust::sorted(values.to_vec());
    let ties = sorted
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|same| spread(count(same.len())));
    spread(count(values.len())) - ties.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;

    fn series(amounts: &[i64]) -> Series {
        let days = amounts.iter().enumerate();
        let spent = days.map(|(at, nanos)| {
            (
                Day::default().plus(i64::try_from(at).unwrap()),
                Money::from_nanos(*nanos),
            )
        });
        let until = Day::default().plus(i64::try_from(amounts.len()).unwrap());
        Series::filled(Day::default(), until, spent)
    }

    #[test]
    fn halves_are_compared_and_a_tenth_is_no_change() {
        for (amounts, change, direction) in [
            (vec![100, 100, 110, 110], Some(1_000), Direction::Flat),
            (vec![100, 100, 110, 111], Some(1_050), Direction::Up),
            (vec![100, 100, 90, 90], Some(-1_000), Direction::Flat),
            (vec![100, 100, 90, 89], Some(-1_050), Direction::Down),
            // The oldest of an odd number is in neither half.
            (vec![1_000_000, 100, 100], Some(0), Direction::Flat),
            (vec![0, 0, 0, 5], None, Direction::Up),
            (vec![0, 0], None, Direction::Flat),
            (vec![5, 0], Some(-10_000), Direction::Down),
            (vec![1, i64::MAX], Some(i64::MAX), Direction::Up),
        ] {
            let trend = trend(&series(&amounts)).unwrap();
            assert_eq!(
                (trend.change_bp, trend.direction),
                (change, direction),
                "{amounts:?}"
            );
        }
        assert!(trend(&series(&[1])).is_err());
    }

    #[test]
    fn a_trend_is_clear_when_it_is_more_than_chance_and_weekdays_are_no_trend() {
        let at = |n: usize| i64::try_from(n).unwrap();
        let growing: Vec<i64> = (0..56).map(|n| 1_000 + 10 * at(n) + at(n * 7_919 % 50)).collect();
        let weekly: Vec<i64> = (0..56)
            .map(|n| if n % 7 > 4 { 10 } else { 1_000 + at(n * 7_919 % 97) })
            .collect();
        let found = trend(&series(&growing)).unwrap();
        assert!(
            found.is_clear && (8..=12).contains(&found.per_day.nanos()),
            "{found:?}"
        );
        assert!(!trend(&series(&weekly)).unwrap().is_clear);
    }
}
