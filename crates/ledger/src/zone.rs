//! Calendar windows in a named time zone. Windows follow one another without a gap, also where the clock is put
//! forward or back: a day then has 23 or 25 hours, and an hour that comes twice is two windows.
//!
//! Zones come from the data that is built in, never from the machine: replicas of one version agree.

use domain::UnixMillis;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::Window;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The zone of an IANA name, in any case, and its name as it is written; `None` if there is none.
pub fn named(name: &str) -> Option<(TimeZone, String)> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    let written = zone.iana_name()?.to_owned();
    Some((zone, written))
}

/// When the window that holds `now` begins and ends there; `None` if it never ends.
pub fn period(window: Window, zone: &TimeZone, now: UnixMillis) -> (UnixMillis, Option<UnixMillis>) {
    match window {
        Window::Total => (UnixMillis(0), None),
        Window::Minute => by_the_clock(zone, MINUTE_MS, now),
        Window::Hour => by_the_clock(zone, HOUR_MS, now),
        Window::Day | Window::Week | Window::Month | Window::Year => by_the_calendar(window, zone, now),
    }
}

fn timestamp(at: UnixMillis) -> Timestamp {
    let held =
        at.0.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(held).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Minutes and hours as the clock on the wall shows them. Where it is put to another time a window ends.
fn by_the_clock(zone: &TimeZone, step: i64, now: UnixMillis) -> (UnixMillis, Option<UnixMillis>) {
    let at = timestamp(now);
    let offset = i64::from(zone.to_offset(at).seconds()) * SECOND_MS;
    let into = now.0.saturating_add(offset).rem_euclid(step);
    let start = now.0.saturating_sub(into);
    let changed = change_until(zone, at).map_or(start, |change| change.max(start));
    let end = start.saturating_add(step);
    let next = zone.following(at).next();
    let changes = next.map_or(end, |next| next.timestamp().as_millisecond().min(end));
    (UnixMillis(changed), Some(UnixMillis(changes)))
}

/// The last change of the clock at or before `at`.
fn change_until(zone: &TimeZone, at: Timestamp) -> Option<i64> {
    let after = at.checked_add(1.nanosecond()).ok()?;
    let change = zone.preceding(after).next()?;
    Some(change.timestamp().as_millisecond())
}

fn by_the_calendar(window: Window, zone: &TimeZone, now: UnixMillis) -> (UnixMillis, Option<UnixMillis>) {
    let first = first_day(window, zone.to_datetime(timestamp(now)).date());
    let next = day_after(window, first);
    let begins = |day: &Result<Date, jiff::Error>| match day {
        Ok(day) => first_moment(zone, *day),
        // The calendar stops with the year 9999: what would begin after it never does.
        Err(_) => UnixMillis(i64::MAX),
    };
    let end = begins(&next);
    match next {
        // A clock that is put back over midnight shows the day before again; that day has ended all the same.
        Ok(next) if end <= now => (end, Some(begins(&day_after(window, next)))),
        _ => (first_moment(zone, first), Some(end)),
    }
}

fn first_day(window: Window, day: Date) -> Date {
    match window {
        Window::Week => {
            let since = i64::from(day.weekday().to_monday_zero_offset());
            day.checked_sub(since.days()).unwrap_or(Date::MIN)
        }
        Window::Month => day.first_of_month(),
        Window::Year => day.first_of_year(),
        Window::Total | Window::Minute | Window::Hour | Window::Day => day,
    }
}

fn day_after(window: Window, first: Date) -> Result<Date, jiff::Error> {
    match window {
        Window::Week => first.checked_add(1.week()),
        Window::Month => first.checked_add(1.month()),
        Window::Year => first.checked_add(1.year()),
        Window::Total | Window::Minute | Window::Hour | Window::Day => first.tomorrow(),
    }
}

/// The first moment that a clock there shows this day, or a later one: not always midnight.
fn first_moment(zone: &TimeZone, day: Date) -> UnixMillis {
    let midnight = zone.to_ambiguous_zoned(day.at(0, 0, 0, 0));
    let skipped = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
    let Ok(zoned) = midnight.compatible() else {
        return UnixMillis(Timestamp::MIN.as_millisecond());
    };
    let at = zoned.timestamp();
    let change = skipped.then(|| change_until(zone, at)).flatten();
    UnixMillis(change.unwrap_or_else(|| at.as_millisecond()))
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

    fn zone(name: &str) -> TimeZone {
        named(name).unwrap().0
    }

    fn every_zone() -> Vec<String> {
        let all = TimeZoneDatabase::bundled();
        all.available().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn zones_have_one_spelling_and_need_no_files() {
        assert_eq!(named("europe/BERLIN").unwrap().1, "Europe/Berlin");
        for nothing in ["", "Mars/Olympus", "../etc/passwd", "Europe/Berlin\0"] {
            assert!(named(nothing).is_none(), "{nothing:?}");
        }
        assert!(every_zone().len() > 400);
    }

    #[test]
    fn days_have_the_hours_that_the_clock_gives_them() {
        let hours = |name: &str, now: &str| {
            let (start, end) = period(Window::Day, &zone(name), at(now));
            (end.unwrap().0 - start.0) / HOUR_MS
        };
        assert_eq!(hours("Europe/Berlin", "2026-03-29T12:00:00Z"), 23);
        assert_eq!(hours("Europe/Berlin", "2026-10-25T12:00:00Z"), 25);
        assert_eq!(hours("Europe/Berlin", "2026-11-22T12:00:00Z"), 24);
        // Put forward at midnight, and back from midnight to 23:00 the day before.
        assert_eq!(hours("America/Sao_Paulo", "2018-11-04T12:00:00Z"), 23);
        assert_eq!(hours("America/Sao_Paulo", "2018-02-17T12:00:00Z"), 25);
        // The clock was put back from 00:01 over midnight: the new day had begun, and does not begin again.
        assert_eq!(hours("America/St_Johns", "2006-10-29T12:00:00Z"), 25);
        // A day that was left out has no window of its own.
        assert_eq!(hours("Pacific/Apia", "2011-12-30T09:59:59Z"), 24);
    }

    #[test]
    fn windows_begin_where_the_wall_clock_says() {
        for (window, name, now, start, end) in [
            (
                Window::Day,
                "Europe/Berlin",
                "2026-11-22T23:30:00Z",
                "2026-11-22T23:00:00Z",
                "2026-11-23T23:00:00Z",
            ),
            (
                Window::Month,
                "America/New_York",
                "2026-11-01T05:00:00Z",
                "2026-11-01T04:00:00Z",
                "2026-12-01T05:00:00Z",
            ),
            (
                Window::Week,
                "Asia/Tokyo",
                "2026-11-22T15:00:00Z",
                "2026-11-22T15:00:00Z",
                "2026-11-29T15:00:00Z",
            ),
            (
                Window::Year,
                "Pacific/Auckland",
                "2026-12-31T11:00:00Z",
                "2026-12-31T11:00:00Z",
                "2027-12-31T11:00:00Z",
            ),
            (
                Window::Hour,
                "Asia/Kolkata",
                "2026-11-22T10:00:00Z",
                "2026-11-22T09:30:00Z",
                "2026-11-22T10:30:00Z",
            ),
            // 02:00 to 03:00 comes twice in Berlin: two windows of an hour.
            (
                Window::Hour,
                "Europe/Berlin",
                "2026-10-25T00:30:00Z",
                "2026-10-25T00:00:00Z",
                "2026-10-25T01:00:00Z",
            ),
            (
                Window::Hour,
                "Europe/Berlin",
                "2026-10-25T01:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T02:00:00Z",
            ),
            // Lord Howe puts its clock back by half an hour, from 02:00 to 01:30.
            (
                Window::Hour,
                "Australia/Lord_Howe",
                "2026-04-04T15:10:00Z",
                "2026-04-04T15:00:00Z",
                "2026-04-04T15:30:00Z",
            ),
        ] {
            let found = period(window, &zone(name), at(now));
            assert_eq!(found, (at(start), Some(at(end))), "{window:?} {name} {now}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for name in ["Europe/Berlin", "Pacific/Apia", "UTC"] {
            for now in [i64::MIN, i64::MIN + 1, 0, i64::MAX - 1, i64::MAX] {
                let _ = ALL.map(|window| period(window, &zone(name), UnixMillis(now)));
            }
        }
    }

    /// Times near changes of the clock are as likely as all others together.
    fn a_moment(zone: &TimeZone, ms: i64, near: Option<i64>) -> UnixMillis {
        let change = zone.following(timestamp(UnixMillis(ms))).next();
        match (near, change) {
            (Some(near), Some(change)) => UnixMillis(change.timestamp().as_millisecond() + near),
            _ => UnixMillis(ms),
        }
    }

    proptest! {
        #[test]
        fn a_window_of_any_zone_holds_its_moment_and_touches_its_neighbours(
            name in proptest::sample::select(every_zone()),
            ms in at("1890-01-01T00:00:00Z").0..at("2100-01-01T00:00:00Z").0,
            near in proptest::option::of(-100_000_000i64..100_000_000),
        ) {
            let zone = zone(&name);
            let now = a_moment(&zone, ms, near);
            for window in ALL {
                let (start, end) = period(window, &zone, now);
                let end = end.unwrap();
                prop_assert!(start <= now && now < end, "{:?} {:?} {:?} {:?}", window, start, now, end);
                prop_assert_eq!(period(window, &zone, start), (start, Some(end)));
                prop_assert_eq!(period(window, &zone, UnixMillis(end.0 - 1)), (start, Some(end)));
                prop_assert_eq!(period(window, &zone, end).0, end);
                prop_assert_eq!(period(window, &zone, UnixMillis(start.0 - 1)).1, Some(start));
            }
        }

        /// Held against jiff's own calendar, where that has no two answers.
        #[test]
        fn windows_of_a_zone_agree_with_its_calendar(
            name in proptest::sample::select(every_zone()),
            ms in at("1970-01-01T00:00:00Z").0..at("2100-01-01T00:00:00Z").0,
        ) {
            let zone = zone(&name);
            let zoned = |ms: UnixMillis| timestamp(ms).to_zoned(zone.clone());
            let here = zoned(UnixMillis(ms));
            let (day, _) = period(Window::Day, &zone, UnixMillis(ms));
            prop_assert!(zoned(day).date() >= here.date());
            prop_assert!(zoned(UnixMillis(day.0 - 1)).date() < here.date());
            let (month, _) = period(Window::Month, &zone, UnixMillis(ms));
            prop_assert_eq!(zoned(month).date().first_of_month(), here.date().first_of_month());
            let (year, _) = period(Window::Year, &zone, UnixMillis(ms));
            prop_assert_eq!(zoned(year).date().first_of_year(), here.date().first_of_year());
            let utc = TimeZone::UTC;
            for window in ALL {
                let now = UnixMillis(ms);
                prop_assert_eq!(period(window, &utc, now), (window.start(now), window.end(now)));
            }
        }
    }
}
