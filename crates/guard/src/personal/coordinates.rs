//! Places on Earth by latitude and longitude. Never takes a pair of numbers that could be anything else.

use crate::personal::near::Near;
use crate::personal::text::Text;
use crate::personal::words::about;

/// Where the coordinates end that begin at `at` with a digit, and how sure they are.
pub(crate) fn coordinates(text: &Text<'_>, at: usize, near: &Near<'_>) -> Option<(usize, u8)> {
    let (end, latitude) = decimal(text, at, 90).or_else(|| sexagesimal(text, at))?;
    let (end, lettered) = compass(text, end);
    if !latitude && !lettered {
        return None;
    }
    let mut next = end;
    while matches!(text.at(next), b' ' | b',' | b';') && next < end + 3 {
        next += 1;
    }
    if text.at(next) == b'-' {
        next += 1;
    }
    let pair = (next > end)
        .then(|| decimal(text, next, 180).or_else(|| sexagesimal(text, next)))
        .flatten();
    let about = near.has(about::PLACE);
    match pair {
        Some((second, _)) => {
            let (second, both) = compass(text, second);
            let score = match (lettered && both, about) {
                (true, _) => 88,
                (false, true) => 85,
                (false, false) => 40,
            };
            Some((second, score))
        }
        None if near.within(about::PLACE, 14) => Some((end, 78)),
        None => None,
    }
}

/// `52.5163`, with three digits or more behind the point.
fn decimal(text: &Text<'_>, at: usize, most: u32) -> Option<(usize, bool)> {
    let whole = text.digits(at, 4);
    let behind = text.digits(at + whole + 1, 16);
    if !(1..=3).contains(&whole) || text.at(at + whole) != b'.' || behind < 3 {
        return None;
    }
    let degrees: u32 = std::str::from_utf8(text.get(at..at + whole)).ok()?.parse().ok()?;
    let end = at + whole + 1 + behind;
    let goes_on = text.at(end).is_ascii_alphanumeric() && !b"NSEWO".contains(&text.at(end));
    (degrees <= most.max(180) && !goes_on).then_some((end, true))
}

/// `48°51'24"`, `48° 51.4'`.
fn sexagesimal(text: &Text<'_>, at: usize) -> Option<(usize, bool)> {
    let whole = text.digits(at, 4);
    let mut end = at + whole;
    if !(1..=3).contains(&whole) || (text.at(end), text.at(end + 1)) != (0xC2, 0xB0) {
        return None;
    }
    end += 2;
    let limit = end + 24;
    while end < limit {
        match text.at(end) {
            b'0'..=b'9' | b'\'' | b'"' | b' ' => end += 1,
            b'.' if text.at(end + 1).is_ascii_digit() => end += 1,
            // Primes and quotes.
            0xE2 if text.at(end + 1) == 0x80 => end += 3,
            _ => break,
        }
    }
    Some((end, false))
}

/// Behind a degree sign and a letter of the compass, and whether there was one.
fn compass(text: &Text<'_>, at: usize) -> (usize, bool) {
    let mut next = at;
    if (text.at(next), text.at(next + 1)) == (0xC2, 0xB0) {
        next += 2;
    }
    let degree = next;
    next = text.past_blanks(next, 0, 1);
    let lettered = b"NSEWO".contains(&text.at(next)) && !text.at(next + 1).is_ascii_alphanumeric();
    if lettered {
        (next + 1, true)
    } else {
        (degree, false)
    }
}
