//! Times of charges: hours, days and the months they are billed in, all UTC.

use domain::UnixMillis;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

const HOUR_MS: i64 = 3_600_000;

/// How long a charge period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// Not a grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a charge period is an `hour` or a `day`")]
pub struct UnknownGrain;

impl std::str::FromStr for Grain {
    type Err = UnknownGrain;

    fn from_str(text: &str) -> Result<Self, UnknownGrain> {
        match text {
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            _ => Err(UnknownGrain),
        }
    }
}

impl Grain {
    const fn millis(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => 24 * HOUR_MS,
        }
    }

    /// The beginning of the period that has this moment.
    pub const fn start(self, at: UnixMillis) -> UnixMillis {
        UnixMillis(at.0.div_euclid(self.millis()).saturating_mul(self.millis()))
    }

    /// The end of the period that begins then.
    pub const fn end(self, start: UnixMillis) -> UnixMillis {
        UnixMillis(start.0.saturating_add(self.millis()))
    }
}

/// The beginning and end of the month that has this moment.
pub(crate) fn month(at: UnixMillis) -> Option<(UnixMillis, UnixMillis)> {
    let first = date(at)?.first_of_month();
    let next = first.checked_add(1.month()).ok()?;
    Some((midnight(first)?, midnight(next)?))
}

fn zoned(at: UnixMillis) -> Option<Zoned> {
    Some(Timestamp::from_millisecond(at.0).ok()?.to_zoned(TimeZone::UTC))
}

fn date(at: UnixMillis) -> Option<Date> {
    Some(zoned(at)?.date())
}

fn midnight(date: Date) -> Option<UnixMillis> {
    let at = date.to_zoned(TimeZone::UTC).ok()?;
    Some(UnixMillis(at.timestamp().as_millisecond()))
}

/// A moment as FOCUS writes it: `2026-11-22T13:00:00Z`; seconds are cut off.
pub fn rfc3339(at: UnixMillis) -> String {
    zoned(at).map_or_else(String::new, |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The day, `2026-11-22`.
pub(crate) fn day(at: UnixMillis) -> String {
    date(at).map_or_else(String::new, |date| date.to_string())
}

/// A moment as FOCUS writes it, read. `None` for any other spelling, and for days there are not.
pub(crate) fn read(text: &str) -> Option<UnixMillis> {
    const LENGTH: usize = 20;
    let is_form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != LENGTH || !text.bytes().enumerate().all(is_form) {
        return None;
    }
    let at: Timestamp = text.parse().ok()?;
    Some(UnixMillis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis(1_795_316_650_123);

    #[test]
    fn periods_are_whole() {
        assert_eq!(rfc3339(AT), "2026-11-22T03:04:10Z");
        assert_eq!(rfc3339(Grain::Hour.start(AT)), "2026-11-22T03:00:00Z");
        assert_eq!(
            rfc3339(Grain::Day.end(Grain::Day.start(AT))),
            "2026-11-23T00:00:00Z"
        );
        let (from, until) = month(AT).unwrap();
        assert_eq!(
            (rfc3339(from), rfc3339(until)),
            ("2026-11-01T00:00:00Z".into(), "2026-12-01T00:00:00Z".into())
        );
        assert_eq!(day(AT), "2026-11-22");
    }

    #[test]
    fn one_spelling_is_read() {
        assert_eq!(read("2026-11-22T03:04:10Z"), Some(UnixMillis(1_795_316_650_000)));
        for text in [
            "2026-11-22",
            "2026-11-22T03:04:10+00:00",
            "2026-11-22T03:04:10.5Z",
            "2026-02-30T00:00:00Z",
            "2026-11-22 03:04:10Z",
            "2026-11-22T25:00:00Z",
            "２026-11-22T03:04:1Z",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
