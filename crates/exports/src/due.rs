//! Which times reports are of: days, weeks and months of a zone, one after another without a gap, and which of them are
//! over. Their names are the same whoever asks, so that a report that is made again has the same name.

use domain::UnixMillis;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ledger::{Window, zone};

/// How long the time of a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
}

/// The time of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// It begins.
    pub from: UnixMillis,
    /// The next begins.
    pub until: UnixMillis,
    /// `2026-10-01`, `2026-W40` or `2026-10`.
    pub name: String,
}

impl Every {
    const fn window(self) -> Window {
        match self {
            Self::Day => Window::Day,
            Self::Week => Window::Week,
            Self::Month => Window::Month,
        }
    }

    /// The one that has this moment. `None` where calendars end.
    pub fn with(self, at: UnixMillis, zone: &TimeZone) -> Option<Time> {
        let (from, until) = zone::period(self.window(), zone, at);
        let until = until.filter(|until| *until > at)?;
        let day = Timestamp::from_millisecond(from.0)
            .ok()?
            .to_zoned(zone.clone())
            .date();
        Some(Time {
            from,
            until,
            name: self.name(day),
        })
    }

    /// The last one that was over at this moment.
    pub fn over_at(self, at: UnixMillis, zone: &TimeZone) -> Option<Time> {
        let now = self.with(at, zone)?;
        self.with(UnixMillis(now.from.0.checked_sub(1)?), zone)
    }

    fn name(self, day: Date) -> String {
        match self {
            Self::Day => day.to_string(),
            Self::Week => {
                let week = day.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => format!("{:04}-{:02}", day.year(), day.month()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn zone(name: &str) -> TimeZone {
        zone::named(name).unwrap().0
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let berlin = zone("Europe/Berlin");
        let day = Every::Day.with(at("2026-10-25T12:00:00Z"), &berlin).unwrap();
        assert_eq!(
            (day.from, day.until, day.name.as_str()),
            (
                at("2026-10-24T22:00:00Z"),
                at("2026-10-25T23:00:00Z"),
                "2026-10-25"
            ),
            "25 hours"
        );
        let month = Every::Month.with(at("2026-10-31T23:30:00Z"), &berlin).unwrap();
        assert_eq!(
            (month.name.as_str(), month.from),
            ("2026-11", at("2026-10-31T23:00:00Z"))
        );
        let week = Every::Week
            .with(at("2027-01-01T00:00:00Z"), &TimeZone::UTC)
            .unwrap();
        assert_eq!(
            (week.name.as_str(), week.from),
            ("2026-W53", at("2026-12-28T00:00:00Z"))
        );
    }

    #[test]
    fn they_follow_each_other_and_the_last_that_is_over_ends_where_the_present_begins() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Pacific/Apia",
            "Australia/Lord_Howe",
        ] {
            let zone = zone(name);
            for every in [Every::Day, Every::Week, Every::Month] {
                let mut time = every.with(at("2011-12-01T00:00:00Z"), &zone).unwrap();
                for _ in 0..60 {
                    let next = every.with(time.until, &zone).unwrap();
                    assert_eq!(next.from, time.until, "{name}");
                    assert!(next.until > next.from && next.name > time.name, "{name} {next:?}");
                    assert_eq!(every.over_at(next.from, &zone), Some(time.clone()), "{name}");
                    time = next;
                }
            }
        }
    }
}
