//! What people write for durations, times, limits, networks and names, and how times are written back.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use credential::Limits;
use domain::{Money, Operation, UnixMillis};
use ipnet::IpNet;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use ledger::Window;

/// No grace and no expiry is further away than this.
const DURATION_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);
/// What people may call a thing.
const NAME_CHARS_MAX: usize = 64;
/// How much of an argument an error repeats.
const QUOTED_CHARS_MAX: usize = 48;

/// A duration such as `90s`, `15m`, `24h`, `30d`, `2w` or `1d12h`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as `90s`, `15m`, `24h` or `30d`";
    let span: Span = text.parse().map_err(|_| expected.to_owned())?;
    let exact = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "months and years have no fixed length: count in days or weeks".to_owned())?;
    let exact = Duration::try_from(exact).map_err(|_| "a duration is not negative".to_owned())?;
    if exact > DURATION_MAX {
        return Err("that is more than a hundred years".to_owned());
    }
    Ok(exact)
}

/// A moment in the past: how long ago (`7d`), a day (`2026-07-01`) or a time (`2026-07-01T12:00:00Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long before now.
    Ago(Duration),
    /// Then.
    At(UnixMillis),
}

impl Since {
    /// As a time.
    pub fn seen_from(self, now: UnixMillis) -> UnixMillis {
        match self {
            Self::Ago(ago) => UnixMillis(
                now.0
                    .saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)),
            ),
            Self::At(time) => time,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(UnixMillis(time.as_millisecond())));
        }
        if let Ok(day) = text.parse::<Date>() {
            let midnight = day
                .to_zoned(TimeZone::UTC)
                .map_err(|_| "there is no such day".to_owned())?;
            return Ok(Self::At(UnixMillis(midnight.timestamp().as_millisecond())));
        }
        let expected =
            "expected how long ago (`24h`, `7d`), a day (`2026-07-01`) or a time (`2026-07-01T12:00:00Z`)";
        duration(text).map(Self::Ago).map_err(|_| expected.to_owned())
    }
}

/// A limit: a number of at least 1, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap(pub Option<u32>);

impl FromStr for Cap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            _ => match text.parse() {
                Ok(0) => Err("a limit of 0 lets nothing pass: revoke the key instead".to_owned()),
                Ok(number) => Ok(Self(Some(number))),
                Err(_) => Err("expected a whole number or `none`".to_owned()),
            },
        }
    }
}

/// An amount of dollars as nano-dollars, or `none`.
#[derive(Debug, Clone, Copy)]
pub struct CostCap(Option<u64>);

impl FromStr for CostCap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let money = super::budgets::amount(text)?;
        Ok(Self(Some(money.nanos().unsigned_abs())))
    }
}

/// Rate and concurrency limits, one flag each.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LimitArgs {
    /// Requests a minute, or `none`
    #[arg(long, value_name = "N")]
    rpm: Option<Cap>,
    /// Tokens a minute, prompt and output, or `none`
    #[arg(long, value_name = "N")]
    tpm: Option<Cap>,
    /// Requests under way at once, or `none`
    #[arg(long, value_name = "N")]
    concurrent: Option<Cap>,
    /// Streams open at once, or `none`
    #[arg(long, value_name = "N")]
    streams: Option<Cap>,
    /// What one request may cost at most, in dollars, or `none`
    #[arg(long, value_name = "DOLLARS")]
    max_cost: Option<CostCap>,
}

impl LimitArgs {
    /// What was said, and `otherwise` where nothing was.
    pub fn or(self, otherwise: Limits) -> Limits {
        let or = |cap: Option<Cap>, otherwise| cap.map_or(otherwise, |cap| cap.0);
        Limits {
            requests_per_minute: or(self.rpm, otherwise.requests_per_minute),
            tokens_per_minute: or(self.tpm, otherwise.tokens_per_minute),
            concurrent_requests: or(self.concurrent, otherwise.concurrent_requests),
            concurrent_streams: or(self.streams, otherwise.concurrent_streams),
            request_cost_nanos_max: self
                .max_cost
                .map_or(otherwise.request_cost_nanos_max, |cap| cap.0),
        }
    }
}

/// A window's name.
pub fn window(text: &str) -> Result<Window, String> {
    let known = ALL_WINDOWS.iter().find(|window| window_name(**window) == text);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = ALL_WINDOWS.iter().map(|window| window_name(*window)).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// All windows, shortest first.
const ALL_WINDOWS: [Window; 7] = [
    Window::Minute,
    Window::Hour,
    Window::Day,
    Window::Week,
    Window::Month,
    Window::Year,
    Window::Total,
];

/// A window's name.
pub const fn window_name(window: Window) -> &'static str {
    match window {
        Window::Total => "total",
        Window::Minute => "minute",
        Window::Hour => "hour",
        Window::Day => "day",
        Window::Week => "week",
        Window::Month => "month",
        Window::Year => "year",
    }
}

/// A limit of money over a window, for people: `$5.00 a month`.
pub fn limit_of(limit: Money, window: Window) -> String {
    match window {
        Window::Total => format!("${limit} in total"),
        Window::Hour => format!("${limit} an hour"),
        window => format!("${limit} a {}", window_name(window)),
    }
}

/// An operation's name.
pub fn operation(text: &str) -> Result<Operation, String> {
    let known = crate::serving::OPERATIONS
        .iter()
        .find(|operation| operation.as_str() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = crate::serving::OPERATIONS
            .iter()
            .map(|operation| operation.as_str())
            .collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// A network, or one address.
pub fn network(text: &str) -> Result<IpNet, String> {
    let one = |_| text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .or_else(one)
        .map_err(|_| "expected a network such as `10.0.0.0/8` or an address such as `192.0.2.7`".to_owned())
}

/// What people may call a tenant, team, key or budget.
pub fn name(text: &str) -> Result<String, String> {
    if text.trim() != text || text.is_empty() || text.chars().any(char::is_control) {
        return Err(
            "a name is not empty, without white space at its ends and without control characters".to_owned(),
        );
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(format!("a name has at most {NAME_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}

/// An argument as an error repeats it: clipped, and without anything that would move a terminal's cursor.
pub fn quoted(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(QUOTED_CHARS_MAX)
        .collect();
    format!("`{kept}`")
}

/// A time for people, to the second, UTC.
pub fn when(time: UnixMillis) -> String {
    timestamp(time).map_or_else(
        || "never".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// A time for programs, RFC 3339.
pub fn rfc3339(time: UnixMillis) -> Option<String> {
    timestamp(time).map(|time| time.to_string())
}

/// `None` past the calendar's ends.
fn timestamp(time: UnixMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("24h", 86_400),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("1d12h", 129_600),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "30",
            "d",
            "-5m",
            "1month",
            "2y",
            "5 minutes ago",
            "200y",
            "99999w",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_distance_a_day_or_a_time() {
        let now = UnixMillis(1_000_000_000_000);
        assert_eq!(
            "1s".parse::<Since>().unwrap().seen_from(now),
            UnixMillis(999_999_999_000)
        );
        assert_eq!(
            "1970-01-02".parse::<Since>().unwrap().seen_from(now),
            UnixMillis(86_400_000)
        );
        assert_eq!(
            "1970-01-01T00:00:01Z".parse::<Since>().unwrap().seen_from(now),
            UnixMillis(1_000)
        );
        for text in ["yesterday", "2026-13-01", "7", "-7d"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }

    #[test]
    fn limits_are_numbers_or_none_and_never_zero() {
        assert_eq!("60".parse(), Ok(Cap(Some(60))));
        assert_eq!("none".parse(), Ok(Cap(None)));
        for text in ["0", "-1", "1.5", "", "4294967296", "None"] {
            assert!(text.parse::<Cap>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_window_and_operation_reads_back_from_its_name() {
        for one in ALL_WINDOWS {
            assert_eq!(window(window_name(one)), Ok(one));
            let stored = serde_json::to_value(one).unwrap();
            assert_eq!(stored, window_name(one), "as stored");
        }
        for one in crate::serving::OPERATIONS {
            assert_eq!(operation(one.as_str()), Ok(one));
        }
        assert!(window("fortnight").unwrap_err().contains("month"));
        assert!(operation("poetry").unwrap_err().contains("embeddings"));
    }

    #[test]
    fn networks_may_be_single_addresses() {
        assert_eq!(network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
        assert_eq!(network("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        assert!(network("10.0.0.0/33").is_err());
        assert!(network("example.org").is_err());
    }

    #[test]
    fn names_are_bounded_and_clean() {
        let longest = "n".repeat(NAME_CHARS_MAX);
        assert_eq!(name(&longest), Ok(longest.clone()));
        for text in ["", " ci", "ci ", "a\u{1b}[2J", &format!("{longest}n")] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_repeated_is_short_and_harmless() {
        assert_eq!(quoted("ci"), "`ci`");
        assert_eq!(quoted("a\u{1b}[2Jb"), "`a[2Jb`");
        assert_eq!(quoted(&"x".repeat(1_000)).len(), QUOTED_CHARS_MAX + 2);
    }

    #[test]
    fn times_are_utc() {
        let time = UnixMillis(1_795_316_650_250);
        assert_eq!(when(time), "2026-11-22 03:04:10");
        assert_eq!(rfc3339(time).as_deref(), Some("2026-11-22T03:04:10.25Z"));
        assert_eq!(when(UnixMillis(i64::MAX)), "never");
    }
}
