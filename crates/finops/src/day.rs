//! Days of UTC, counted from 1970-01-01. Never a time zone: a report means the same wherever it is read.

use std::fmt;
use std::str::FromStr;

use domain::UnixMillis;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 3600 * 1000;
/// 1970-01-01 was a Thursday, three days after a Monday.
const EPOCH_WEEKDAY: i64 = 3;
/// The calendar's ends, in days: the years 1 and 9999.
const RANGE: (i64, i64) = (-719_162, 2_932_896);

/// One day, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

/// A text that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a day looks like `2026-11-22`")]
pub struct NotADay;

impl Day {
    /// The day that holds this time; the calendar's ends hold what is beyond them.
    pub fn of(at: UnixMillis) -> Self {
        Self(at.0.div_euclid(DAY_MS).clamp(RANGE.0, RANGE.1))
    }

    /// When it begins.
    pub const fn start(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(DAY_MS))
    }

    /// So many days later, or earlier.
    #[must_use]
    pub fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days).clamp(RANGE.0, RANGE.1))
    }

    /// How many days after `earlier` it is.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// 0 is Monday, 6 Sunday.
    pub fn weekday(self) -> usize {
        usize::try_from((self.0 + EPOCH_WEEKDAY).rem_euclid(7)).unwrap_or(0)
    }

    /// The first day of its month.
    #[must_use]
    pub fn month_start(self) -> Self {
        Self::on(self.date().first_of_month())
    }

    /// The first day of the month after it.
    #[must_use]
    pub fn next_month(self) -> Self {
        let first = self.date().first_of_month();
        first.checked_add(1.month()).map_or(self.plus(31), Self::on)
    }

    fn date(self) -> Date {
        Date::constant(1970, 1, 1)
            .checked_add(self.0.days())
            .unwrap_or(Date::MAX)
    }

    fn on(date: Date) -> Self {
        let since = date.since(Date::constant(1970, 1, 1));
        Self(since.map_or(0, |span| i64::from(span.get_days())))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.date().to_string())
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let date: Date = text.parse().map_err(|_| NotADay)?;
        let day = Self::on(date);
        // Other spellings of a day are none, so that nothing has two names.
        if text == day.to_string() {
            Ok(day)
        } else {
            Err(NotADay)
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let day: Day = "2026-11-22".parse().unwrap();
        assert_eq!((day.weekday(), day.to_string().as_str()), (6, "2026-11-22"));
        assert_eq!(day.month_start().to_string(), "2026-11-01");
        assert_eq!(day.next_month().to_string(), "2026-12-01");
        assert_eq!(
            "2024-02-29".parse::<Day>().unwrap().plus(1).to_string(),
            "2024-03-01"
        );
        assert_eq!(Day::of(UnixMillis(-1)).to_string(), "1969-12-31");
        for no in [
            "",
            "2026-11-31",
            "2026-11",
            "22.11.2026",
            "2026-11-22T00:00",
            "20261122",
        ] {
            assert!(no.parse::<Day>().is_err(), "{no}");
        }
        let _ = (
            Day::of(UnixMillis(i64::MIN)).to_string(),
            Day::of(UnixMillis(i64::MAX)).next_month(),
        );
    }

    proptest! {
        #[test]
        fn a_day_holds_its_times_and_reads_back(ms in -60_000_000_000_000_i64..200_000_000_000_000) {
            let day = Day::of(UnixMillis(ms));
            prop_assert!(day.start().0 <= ms && ms < day.plus(1).start().0);
            prop_assert_eq!(day.to_string().parse::<Day>().unwrap(), day);
            prop_assert_eq!((day.weekday() + 1) % 7, day.plus(1).weekday());
            prop_assert!(day.month_start() <= day && day < day.next_month());
        }
    }
}
