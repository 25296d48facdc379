//! A provider's report, read: what it billed by day and model, however many files it came in.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::UnixMillis;

use super::amount::Amount;
use super::compare::model_name;

/// The longest file that is read.
pub(super) const FILE_BYTES_MAX: usize = 64 << 20;
/// The longest time one report is of.
const DAYS_MAX: i64 = 400;
const DAY_MS: i64 = 86_400_000;
/// Days and models of one report.
const LINES_MAX: usize = 100_000;

/// A report that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The file is too long.
    #[error("it is longer than {FILE_BYTES_MAX} bytes: split it")]
    Long,
    /// Not such a report.
    #[error("it is no report that is known here: {0}")]
    Shape(String),
    /// A figure that no bill has.
    #[error("{place}: `{text}` is no {what}: {rule}")]
    Figure {
        /// Where.
        place: String,
        /// What stands there.
        text: String,
        /// What should.
        what: &'static str,
        /// What such a figure is.
        rule: &'static str,
    },
    /// Not dollars.
    #[error("{place}: `{currency}` is not the ledger's currency, which is USD")]
    Currency {
        /// Where.
        place: String,
        /// The currency.
        currency: String,
    },
    /// Something is there twice.
    #[error("{0} is there twice: was a page or file given again?")]
    Twice(String),
    /// Pages are missing.
    #[error("the last page is missing: the newest says that there is another, `{0}`")]
    Unfinished(String),
    /// Years apart.
    #[error("it goes from {from} to {until}: at most {DAYS_MAX} days at once")]
    Span {
        /// The first day.
        from: String,
        /// The last.
        until: String,
    },
    /// Too many lines.
    #[error("it has more than {LINES_MAX} days and models")]
    Many,
}

/// What a provider says of one day and model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct There {
    /// What it billed, where the report is of costs.
    pub cost: Option<Amount>,
    /// Prompt and output tokens, where the report is of usage.
    pub tokens: Option<(u64, u64)>,
}

/// A report under way.
#[derive(Debug, Clone, Default)]
pub struct Report {
    lines: BTreeMap<(String, String), There>,
    /// Days that it is of, those without any usage included.
    days: BTreeSet<String>,
    /// Buckets and rows that were read.
    seen: HashSet<String>,
    pages: u64,
    /// Tokens of further pages that pages named.
    further: Vec<String>,
}

/// A whole report.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    /// What was billed, by day and model.
    pub lines: BTreeMap<(String, String), There>,
    /// The time that it is of: from the beginning of its first day to the end of its last.
    pub span: Option<(UnixMillis, UnixMillis)>,
}

impl Report {
    /// It is of this day, whether anything was billed or not.
    pub(super) fn day(&mut self, day: &str) {
        self.days.insert(day.to_owned());
    }

    /// A bucket of one kind of report, or a whole row: each is there once.
    pub(super) fn once(&mut self, what: String) -> Result<(), ReportError> {
        if self.seen.contains(&what) {
            return Err(ReportError::Twice(clipped(&what)));
        }
        self.seen.insert(what);
        Ok(())
    }

    /// A page was read, after which there is another.
    pub(super) fn page(&mut self, next: Option<&str>) {
        self.pages += 1;
        self.further.extend(next.map(clipped));
    }

    pub(super) fn cost(&mut self, day: &str, model: &str, cost: Amount) -> Result<(), ReportError> {
        let line = self.line(day, model)?;
        line.cost = Some(line.cost.unwrap_or_default().plus(cost));
        Ok(())
    }

    pub(super) fn tokens(&mut self, day: &str, model: &str, more: (u64, u64)) -> Result<(), ReportError> {
        let line = self.line(day, model)?;
        let (prompt, output) = line.tokens.unwrap_or_default();
        line.tokens = Some((prompt.saturating_add(more.0), output.saturating_add(more.1)));
        Ok(())
    }

    fn line(&mut self, day: &str, model: &str) -> Result<&mut There, ReportError> {
        let place = (day.to_owned(), model_name(model));
        self.days.insert(day.to_owned());
        if self.lines.len() >= LINES_MAX && !self.lines.contains_key(&place) {
            return Err(ReportError::Many);
        }
        Ok(self.lines.entry(place).or_default())
    }

    /// Whether it is whole: all pages, and days that belong together.
    pub fn finish(self) -> Result<Whole, ReportError> {
        if let (true, Some(next)) = (self.further.len() as u64 >= self.pages, self.further.last()) {
            return Err(ReportError::Unfinished(next.clone()));
        }
        let (Some(from), Some(until)) = (self.days.first(), self.days.last()) else {
            return Ok(Whole::default());
        };
        let (first, last) = (
            midnight(from),
            midnight(until).map(|at| UnixMillis(at.0.saturating_add(DAY_MS))),
        );
        let span = first
            .zip(last)
            .filter(|(first, last)| last.0.saturating_sub(first.0) <= DAYS_MAX * DAY_MS);
        let span = span.ok_or_else(|| ReportError::Span {
            from: from.clone(),
            until: until.clone(),
        })?;
        Ok(Whole {
            lines: self.lines,
            span: Some(span),
        })
    }
}

/// When a day begins.
fn midnight(day: &str) -> Option<UnixMillis> {
    let date: jiff::civil::Date = day.parse().ok()?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(UnixMillis(at.timestamp().as_millisecond()))
}

/// The beginning of what a file says, for messages.
pub(super) fn clipped(text: &str) -> String {
    crate::focus::clipped(text)
}

/// The day of a Unix time in seconds.
pub(super) fn day_of_seconds(seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}

/// The day of a date, or of a time in UTC.
pub(super) fn day_of(text: &str) -> Option<String> {
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return Some(date.to_string());
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return day_of_seconds(seconds);
    }
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}
