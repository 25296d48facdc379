//! What the command line says of a budget's time.

use std::time::Duration;

use clap::Args;
use domain::UnixMillis;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ledger::{Between, PerSession, Rolling, Rollover, Terms};

use super::limit_in;
use crate::command::arguments::duration;

/// More of a budget's time than its window says.
#[derive(Debug, Clone, Default, Args)]
pub struct During {
    /// The zone of its window, such as Europe/Berlin; UTC when left out
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Instead of a window: the limit holds for any stretch this long, such as 90m, 24h or 7d
    #[arg(long, value_name = "DURATION", value_parser = minutes, conflicts_with_all = ["window", "from"])]
    rolling: Option<u32>,
    /// Instead of a window: nothing is spent before this day (UTC) or time
    #[arg(long, value_name = "TIME", value_parser = time, requires = "until", conflicts_with = "window")]
    from: Option<UnixMillis>,
    /// Nothing is spent from this day (UTC) or time on
    #[arg(long, value_name = "TIME", value_parser = time, requires = "from")]
    until: Option<UnixMillis>,
    /// Carry what was not spent into the next window, up to so many per cent of the limit
    #[arg(long, value_name = "PERCENT")]
    rollover: Option<u8>,
    /// The most that the calls of one session may take of it together: dollars, or tokens of a budget of tokens
    #[arg(long, value_name = "AMOUNT")]
    session_max: Option<String>,
    /// Refuse calls that name no session
    #[arg(long, requires = "session_max")]
    session_required: bool,
}

impl During {
    /// Writes it into terms. What is carried over is counted from `since` on.
    pub fn put(&self, terms: &mut Terms, since: UnixMillis) -> Result<(), String> {
        terms.zone.clone_from(&self.zone);
        terms.rolling = self.rolling.map(|minutes| Rolling { minutes });
        terms.between = self
            .from
            .zip(self.until)
            .map(|(from, until)| Between { from, until });
        terms.rollover = self.rollover.map(|percent_max| Rollover { percent_max, since });
        let is_required = self.session_required;
        let limit = self.session_max.as_deref().map(|text| limit_in(terms.unit, text));
        terms.per_session = limit.transpose()?.map(|limit| PerSession { limit, is_required });
        Ok(())
    }
}

/// Whole minutes.
fn minutes(text: &str) -> Result<u32, String> {
    let exact = duration(text)?;
    let minutes = exact.as_secs() / 60;
    if Duration::from_secs(minutes * 60) != exact {
        return Err("expected whole minutes".to_owned());
    }
    u32::try_from(minutes).map_err(|_| "that is too long".to_owned())
}

/// A day, from its beginning in UTC, or a time.
fn time(text: &str) -> Result<UnixMillis, String> {
    let day = || {
        let day: Date = text.parse().ok()?;
        day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    let read = text.parse::<Timestamp>().ok().or_else(day);
    let expected = "expected a day such as `2027-03-01` or a time such as `2027-03-01T09:00:00+01:00`";
    read.map(|time| UnixMillis(time.as_millisecond()))
        .ok_or_else(|| expected.to_owned())
}

/// A budget's window in a few words.
pub fn said(window: &str, terms: &Terms) -> String {
    if let Some(rolling) = terms.rolling {
        return format!("any {}", length(rolling.minutes));
    }
    if terms.between.is_some() {
        return "once".to_owned();
    }
    terms
        .zone
        .as_ref()
        .map_or_else(|| window.to_owned(), |zone| format!("{window} {zone}"))
}

fn length(minutes: u32) -> String {
    match minutes {
        minutes if minutes % 1440 == 0 => format!("{}d", minutes / 1440),
        minutes if minutes % 60 == 0 => format!("{}h", minutes / 60),
        minutes => format!("{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_are_read_and_said() {
        assert_eq!(minutes("24h"), Ok(1440));
        assert!(minutes("90s").is_err() && minutes("10000000d").is_err());
        assert_eq!(time("1970-01-02"), Ok(UnixMillis(86_400_000)));
        assert_eq!(time("1970-01-01T01:00:01+01:00"), Ok(UnixMillis(1000)));
        assert!(time("tomorrow").is_err());
        for (of, text) in [(1440, "1d"), (90, "90m"), (120, "2h")] {
            let rolling = Some(Rolling { minutes: of });
            let terms = Terms {
                rolling,
                ..Terms::default()
            };
            assert_eq!(said("total", &terms), format!("any {text}"));
        }
    }
}
