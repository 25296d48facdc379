//! When a budget's window begins and ends. UTC only: a budget means the same on every node, wherever it stands.

use domain::UnixMillis;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::Window;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// 1970-01-05 was the first Monday of Unix time.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;

impl Window {
    /// When the window that holds `now` began. [`Window::Total`] began at 0.
    ///
    /// Times before the year −9999 or after 9999 count as the calendar's first or last day.
    pub fn start(self, now: UnixMillis) -> UnixMillis {
        match self {
            Self::Total => UnixMillis(0),
            Self::Minute => grid(now, MINUTE_MS, 0),
            Self::Hour => grid(now, HOUR_MS, 0),
            Self::Day => grid(now, DAY_MS, 0),
            Self::Week => grid(now, WEEK_MS, FIRST_MONDAY_MS),
            Self::Month => midnight(date_of(now).first_of_month()),
            Self::Year => midnight(date_of(now).first_of_year()),
        }
    }

    /// When the window that holds `now` ends, which is when the next begins; `None` for [`Window::Total`].
    pub fn end(self, now: UnixMillis) -> Option<UnixMillis> {
        let start = self.start(now);
        let after = |ms: i64| UnixMillis(start.0.saturating_add(ms));
        match self {
            Self::Total => None,
            Self::Minute => Some(after(MINUTE_MS)),
            Self::Hour => Some(after(HOUR_MS)),
            Self::Day => Some(after(DAY_MS)),
            Self::Week => Some(after(WEEK_MS)),
            Self::Month => Some(first_day_after(
                date_of(now).first_of_month().checked_add(1.month()),
            )),
            Self::Year => Some(first_day_after(
                date_of(now).first_of_year().checked_add(1.year()),
            )),
        }
    }
}

/// The latest point at or before `now` on a grid of `step`s through `origin`.
fn grid(now: UnixMillis, step: i64, origin: i64) -> UnixMillis {
    let into = now.0.saturating_sub(origin).rem_euclid(step);
    UnixMillis(now.0.saturating_sub(into))
}

fn date_of(now: UnixMillis) -> Date {
    let held = now
        .0
        .clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(held)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::UTC)
        .date()
}

fn midnight(day: Date) -> UnixMillis {
    let zoned = day.to_zoned(TimeZone::UTC);
    UnixMillis(
        zoned
            .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
            .as_millisecond(),
    )
}

/// The calendar stops with the year 9999: what would begin after it never does.
fn first_day_after(day: Result<Date, jiff::Error>) -> UnixMillis {
    day.map_or(UnixMillis(i64::MAX), midnight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Window; 6] = [
        Window::Minute,
        Window::Hour,
        Window::Day,
        Window::Week,
        Window::Month,
        Window::Year,
    ];

    fn at(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn windows_begin_and_end_where_the_calendar_says() {
        use Window::*;
        for (window, now, start, end) in [
            (
                Minute,
                "2026-11-22T03:04:10.999Z",
                "2026-11-22T03:04:00Z",
                "2026-11-22T03:05:00Z",
            ),
            (
                Hour,
                "2026-11-22T23:59:59Z",
                "2026-11-22T23:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                Day,
                "2024-02-29T12:00:00Z",
                "2024-02-29T00:00:00Z",
                "2024-03-01T00:00:00Z",
            ),
            // 2026-11-22 is a Sunday, 2024-12-30 a Monday whose ISO week belongs to 2025.
            (
                Week,
                "2026-11-22T23:59:59.999Z",
                "2026-11-16T00:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                Week,
                "2026-11-23T00:00:00Z",
                "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z",
            ),
            (
                Week,
                "2025-01-01T00:00:00Z",
                "2024-12-30T00:00:00Z",
                "2025-01-06T00:00:00Z",
            ),
            (
                Month,
                "2024-02-29T23:59:59.999Z",
                "2024-02-01T00:00:00Z",
                "2024-03-01T00:00:00Z",
            ),
            (
                Month,
                "2023-02-28T23:59:59.999Z",
                "2023-02-01T00:00:00Z",
                "2023-03-01T00:00:00Z",
            ),
            (
                Month,
                "2026-12-31T23:59:59.999Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                Year,
                "2024-12-31T23:59:59.999Z",
                "2024-01-01T00:00:00Z",
                "2025-01-01T00:00:00Z",
            ),
            (
                Year,
                "2000-02-29T00:00:00Z",
                "2000-01-01T00:00:00Z",
                "2001-01-01T00:00:00Z",
            ),
            (
                Month,
                "1969-12-31T23:59:59.999Z",
                "1969-12-01T00:00:00Z",
                "1970-01-01T00:00:00Z",
            ),
        ] {
            assert_eq!(window.start(at(now)), at(start), "{window:?} {now}");
            assert_eq!(window.end(at(now)), Some(at(end)), "{window:?} {now}");
        }
    }

    #[test]
    fn leap_years_have_366_days_and_leap_februaries_29() {
        let days =
            |window: Window, now: &str| (window.end(at(now)).unwrap().0 - window.start(at(now)).0) / DAY_MS;
        for (year, length) in [
            (1900, 365),
            (2000, 366),
            (2023, 365),
            (2024, 366),
            (2100, 365),
            (2400, 366),
        ] {
            assert_eq!(
                days(Window::Year, &format!("{year}-07-01T00:00:00Z")),
                length,
                "{year}"
            );
            assert_eq!(
                days(Window::Month, &format!("{year}-02-10T00:00:00Z")),
                length - 337,
                "{year}"
            );
        }
    }

    #[test]
    fn the_total_window_is_one() {
        assert_eq!(Window::Total.start(UnixMillis(i64::MAX)), UnixMillis(0));
        assert_eq!(Window::Total.end(UnixMillis(0)), None);
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for window in ALL {
            for now in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
                let _ = (window.start(UnixMillis(now)), window.end(UnixMillis(now)));
            }
        }
    }

    proptest! {
        #[test]
        fn a_window_holds_its_moment_and_touches_its_neighbours(
            now in at("0001-01-08T00:00:00Z").0..at("9998-12-01T00:00:00Z").0,
        ) {
            for window in ALL {
                let (start, end) = (window.start(UnixMillis(now)), window.end(UnixMillis(now)).unwrap());
                prop_assert!(start.0 <= now && now < end.0);
                // Every moment of a window names the same window; the one after it names the next.
                prop_assert_eq!(window.start(start), start);
                prop_assert_eq!(window.start(UnixMillis(end.0 - 1)), start);
                prop_assert_eq!(window.start(end), end);
                prop_assert_eq!(window.end(UnixMillis(start.0 - 1)), Some(start));
            }
        }

        #[test]
        fn windows_agree_with_the_calendar(now in at("0001-01-08T00:00:00Z").0..at("9998-12-01T00:00:00Z").0) {
            let zoned = |ms: UnixMillis| Timestamp::from_millisecond(ms.0).unwrap().to_zoned(TimeZone::UTC);
            let here = zoned(UnixMillis(now));
            let week = zoned(Window::Week.start(UnixMillis(now)));
            prop_assert_eq!(week.weekday(), jiff::civil::Weekday::Monday);
            prop_assert_eq!(week.date().iso_week_date().week(), here.date().iso_week_date().week());
            prop_assert_eq!(zoned(Window::Day.start(UnixMillis(now))), here.start_of_day().unwrap());
            let month = zoned(Window::Month.start(UnixMillis(now)));
            prop_assert_eq!((month.year(), month.month(), month.day(), month.hour()), (here.year(), here.month(), 1, 0));
            let year = zoned(Window::Year.start(UnixMillis(now)));
            prop_assert_eq!((year.year(), year.day_of_year(), year.hour()), (here.year(), 1, 0));
        }
    }
}
