//! Dates, in digits or with a month's name. Never says whose they are.

use crate::personal::text::{Text, word_at};
use crate::personal::words::{Words, part};

/// Where the date ends that begins at `at`.
pub(crate) fn date(text: &Text<'_>, words: &Words, at: usize) -> Option<usize> {
    in_digits(text, at).or_else(|| with_month(text, words, at))
}

fn number(text: &Text<'_>, at: usize, most: usize) -> Option<(usize, usize)> {
    let digits = text.digits(at, most + 1);
    let shown = std::str::from_utf8(text.get(at..at + digits)).ok()?;
    (digits > 0 && digits <= most).then_some((shown.parse().ok()?, at + digits))
}

/// `1980-05-17`, `17.5.1980`, `05/17/80`.
fn in_digits(text: &Text<'_>, at: usize) -> Option<usize> {
    let (first, end) = number(text, at, 4)?;
    let sign = text.at(end);
    let gap = |at: usize| at + usize::from(sign == b'.' && text.at(at) == b' ');
    if !matches!(sign, b'-' | b'/' | b'.') {
        return None;
    }
    let (second, end) = number(text, gap(end + 1), 2)?;
    if text.at(end) != sign {
        return None;
    }
    let (third, end) = number(text, gap(end + 1), 4)?;
    let is_year = |year: usize| (1880..2100).contains(&year);
    let days = |one: usize, other: usize| {
        (1..=31).contains(&one) && (1..=31).contains(&other) && one.min(other) <= 12
    };
    let fits =
        (is_year(first) && days(second, third)) || (days(first, second) && (is_year(third) || third < 100));
    (fits && !text.at(end).is_ascii_digit()).then_some(end)
}

/// `17 May 1980`, `May 17th, 1980`, `17. Mai 1980`, `17 de mayo de 1980`.
fn with_month(text: &Text<'_>, words: &Words, at: usize) -> Option<usize> {
    let is_month = |at: usize| {
        let word = word_at(text, at, |_, _| ());
        (!word.has_digit() && words.get(word.hash).does(part::MONTH)).then_some(word.end)
    };
    let past = |mut at: usize| {
        for filler in [&b"de "[..], b"of "] {
            at = text.past_blanks(at, 0, 2);
            if text.has(at, filler) {
                at += filler.len();
            }
        }
        at
    };
    let day = |at: usize| {
        let (day, end) = number(text, at, 2)?;
        let suffixed = [&b"st"[..], b"nd", b"rd", b"th", b"er"]
            .iter()
            .any(|suffix| text.has(end, suffix));
        let end = end + if suffixed { 2 } else { 0 };
        (1..=31)
            .contains(&day)
            .then_some(end + usize::from(matches!(text.at(end), b'.' | b',')))
    };
    let behind_day = if text.at(at).is_ascii_digit() {
        let begin = text.past_blanks(day(at)?, 0, 2);
        is_month(past(if text.at(begin) == b'-' { begin + 1 } else { begin }))?
    } else {
        let end = is_month(at)?;
        day(past(end + usize::from(text.at(end) == b'.')))?
    };
    let next = behind_day + usize::from(matches!(text.at(behind_day), b'.' | b',' | b'-'));
    let (year, end) = number(text, past(next), 4)?;
    (1880..2100).contains(&year).then_some(end)
}
