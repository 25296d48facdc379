//! Hours, and the days, weeks and months that they fall into in some time zone.
//!
//! Roll-ups are of whole UTC hours. So where a zone's day does not begin on one (India, Nepal, parts of Australia), the hour
//! across midnight counts for the day it began in.

use domain::UnixMillis;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// How finely time is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Seven days, from Monday.
    Week,
    /// A month.
    Month,
}

impl Grain {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The grain of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grain| grain.as_str() == name)
    }
}

/// One hour, day, week or month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    /// When it begins.
    pub from: UnixMillis,
    /// When it is over.
    pub until: UnixMillis,
    /// What people call it: `2026-11-22T13:00Z`, `2026-11-22` (of a week its Monday), `2026-11`.
    pub name: String,
}

/// The UTC hour of a moment, counted since 1970.
pub const fn hour_of(at: UnixMillis) -> i64 {
    at.0.div_euclid(HOUR_MS)
}

/// The period that an hour falls into; nothing for hours beyond the calendar.
pub(super) fn period_of(hour: i64, grain: Grain, zone: &TimeZone) -> Option<Period> {
    let at = Timestamp::from_millisecond(hour.checked_mul(HOUR_MS)?).ok()?;
    let at = at.to_zoned(zone.clone());
    let (from, until, name) = match grain {
        Grain::Hour => {
            let until = at.checked_add(1.hour()).ok()?;
            let name = hour_name(&at);
            (at, until, name)
        }
        Grain::Day => {
            let from = at.start_of_day().ok()?;
            let until = from.checked_add(1.day()).ok()?;
            let name = from.strftime("%F").to_string();
            (from, until, name)
        }
        Grain::Week => {
            let since_monday = i64::from(at.weekday().to_monday_zero_offset());
            let day = at.start_of_day().ok()?;
            let from = day.checked_sub(since_monday.days()).ok()?.start_of_day().ok()?;
            let until = from.checked_add(7.days()).ok()?;
            let name = from.strftime("%F").to_string();
            (from, until, name)
        }
        Grain::Month => {
            let from = at.first_of_month().ok()?.start_of_day().ok()?;
            let until = from.checked_add(1.month()).ok()?;
            let name = from.strftime("%Y-%m").to_string();
            (from, until, name)
        }
    };
    let ms = |zoned: &Zoned| UnixMillis(zoned.timestamp().as_millisecond());
    Some(Period {
        from: ms(&from),
        until: ms(&until),
        name,
    })
}

fn hour_name(at: &Zoned) -> String {
    if *at.time_zone() == TimeZone::UTC {
        return at.strftime("%FT%H:%MZ").to_string();
    }
    at.strftime("%FT%H:%M%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(at: &str, grain: Grain, zone: &TimeZone) -> String {
        let at: Timestamp = at.parse().unwrap();
        let hour = hour_of(UnixMillis(at.as_millisecond()));
        period_of(hour, grain, zone).unwrap().name
    }

    #[test]
    fn hours_fall_into_the_days_weeks_and_months_of_their_zone() {
        let utc = TimeZone::UTC;
        let at = "2026-11-01T00:30:00Z";
        assert_eq!(name(at, Grain::Hour, &utc), "2026-11-01T00:00Z");
        assert_eq!(name(at, Grain::Day, &utc), "2026-11-01");
        assert_eq!(name(at, Grain::Week, &utc), "2026-10-26");
        assert_eq!(name(at, Grain::Month, &utc), "2026-11");
        let west = TimeZone::fixed(jiff::tz::offset(-5));
        assert_eq!(name(at, Grain::Hour, &west), "2026-10-31T19:00-05:00");
        assert_eq!(name(at, Grain::Day, &west), "2026-10-31");
        assert_eq!(name(at, Grain::Month, &west), "2026-10");
    }

    #[test]
    fn periods_follow_each_other_without_a_gap() {
        for grain in Grain::ALL {
            let first = period_of(495_000, grain, &TimeZone::UTC).unwrap();
            assert!(first.from.0 <= 495_000 * HOUR_MS && 495_000 * HOUR_MS < first.until.0);
            let next = period_of(hour_of(first.until), grain, &TimeZone::UTC).unwrap();
            assert_eq!(next.from, first.until, "{grain:?}");
        }
        assert_eq!(period_of(i64::MAX, Grain::Day, &TimeZone::UTC), None);
    }
}
