//! Streets with a house number, and what follows them: a part of the house, a town, a code of its post. Never takes a
//! street without a number, unless a post code proves it.

use std::sync::LazyLock;

use crate::personal::near::Near;
use crate::personal::text::{Text, Word, word_at};
use crate::personal::words::{Known, Words, about, part};

/// A street's name has no more words than this.
const WORDS_MAX: usize = 6;

/// Ends of words that are streets in German and Dutch, and Scandinavian languages.
const ENDS: [&str; 23] = [
    "straße",
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "gasse",
    "ring",
    "damm",
    "ufer",
    "steig",
    "chaussee",
    "straat",
    "laan",
    "plein",
    "gracht",
    "kade",
    "singel",
    "steeg",
    "gatan",
    "vägen",
    "vej",
    "boulevard",
];
/// The same, but other things too.
const WEAK_ENDS: [&str; 14] = [
    "pad", "hof", "baan", "dreef", "dijk", "gade", "gata", "gate", "markt", "berg", "graben", "park", "katu",
    "tie",
];
/// First words of streets that are English words, or too short to say so.
const WEAK_FIRST: [&[u8]; 12] = [
    b"place", b"square", b"route", b"passage", b"cours", b"via", b"c", b"al", b"camino", b"strada", b"corso",
    b"plaza",
];

/// A street found: where it ends, and how sure it is.
type Street = Option<(usize, u8)>;

fn read(text: &Text<'_>, words: &Words, at: usize) -> (Word, Known) {
    let word = word_at(text, at, |_, _| ());
    (word, words.get(word.hash))
}

/// The street that begins with the house number at `at`: `12 Main Street`, `12 bis, rue de la Paix`.
pub(crate) fn numbered(text: &Text<'_>, words: &Words, at: usize, near: &Near<'_>) -> Street {
    let digits = text.digits(at, 7);
    if digits == 0 || digits > 6 {
        return None;
    }
    let mut next = at + digits;
    if matches!(text.at(next), b'-' | b'/') && text.at(next + 1).is_ascii_digit() {
        next += 1 + text.digits(next + 1, 5);
    } else if text.at(next).is_ascii_alphabetic() && !text.at(next + 1).is_ascii_alphanumeric() {
        next += 1;
    }
    if text.at(next) == b',' {
        next += 1;
    }
    let begin = text.past_blanks(next, 0, 3);
    if begin == next || !(text.at(begin).is_ascii_alphanumeric() || text.at(begin) >= 0xC3) {
        return None;
    }
    let (first, known) = read(text, words, begin);
    let (first, known) = match text.get(first.start..first.end) {
        b"bis" | b"ter" => {
            let comma = usize::from(text.at(first.end) == b',');
            read(text, words, text.past_blanks(first.end + comma, 0, 2))
        }
        _ => (first, known),
    };
    let at_home = near.has(about::ADDRESS);
    if known.does(part::STREET_FIRST)
        && let Some(end) = named(text, words, first.end)
    {
        let (end, coded) = tail(text, words, end);
        let sure = coded || at_home || !is_weak_first(text, &first);
        return sure.then_some((end, if coded || at_home { 90 } else { 75 }));
    }
    let year = digits == 4 && matches!((text.at(at), text.at(at + 1)), (b'1', b'8' | b'9') | (b'2', b'0'));
    let (street, strong) = suffixed_name(text, words, begin, at_home)?;
    let (end, coded) = tail(text, words, street);
    match (coded, strong) {
        (true, _) => Some((end, 92)),
        (false, false) if end > street => Some((end, 72)),
        (false, true) if at_home => Some((end, 85)),
        (false, true) if !year => Some((end, 78)),
        (false, false) if at_home && near.within(about::ADDRESS, 24) && !year => Some((end, 65)),
        _ => None,
    }
}

/// Where a name ends that ends in a word for a street, and whether that word is of nothing else.
fn suffixed_name(text: &Text<'_>, words: &Words, begin: usize, at_home: bool) -> Option<(usize, bool)> {
    let mut next = begin;
    let mut found = None;
    for index in 0..WORDS_MAX {
        let (word, known) = read(text, words, next);
        let capital = word.capital || (word.has_digit() && index < 2);
        if word.len() == 0
            || !(capital
                || known.does(part::STREET | part::STREET_WEAK | part::PARTICLE)
                || (at_home && index < 3))
        {
            break;
        }
        if index > 0 && known.does(part::STREET | part::STREET_WEAK) && (word.capital || at_home) {
            let strong = known.does(part::STREET);
            let dotted = usize::from(text.at(word.end) == b'.');
            found = Some((word.end + if word.len() <= 4 { dotted } else { 0 }, strong));
            if strong {
                found = found.map(|(end, strong)| (direction(text, end), strong));
                break;
            }
        }
        next = word.end + usize::from(matches!(text.at(word.end), b'.' | b'\'' | b'-') && word.len() <= 12);
        let behind = text.past_blanks(next, 0, 2);
        if behind == next && text.at(word.end) != b'\'' && text.at(word.end) != b'-' {
            break;
        }
        next = behind;
    }
    found
}

/// Behind `NW` and the like.
fn direction(text: &Text<'_>, at: usize) -> usize {
    let letters = (1..4)
        .take_while(|offset| text.at(at + offset).is_ascii_uppercase())
        .count();
    let fits = text.at(at) == b' '
        && (1..=2).contains(&letters)
        && !text.at(at + 1 + letters).is_ascii_alphanumeric();
    let compass = (1..=letters).all(|offset| b"NSEW".contains(&text.at(at + offset)));
    if fits && compass { at + 1 + letters } else { at }
}

fn is_weak_first(text: &Text<'_>, word: &Word) -> bool {
    let shown = text.get(word.start..word.end);
    WEAK_FIRST.iter().any(|weak| shown.eq_ignore_ascii_case(weak))
}

/// Where the name behind `rue` or `calle` ends: particles, then words with capitals.
fn named(text: &Text<'_>, words: &Words, at: usize) -> Option<usize> {
    let mut next = at + usize::from(text.at(at) == b'.');
    let mut end = None;
    for _ in 0..WORDS_MAX {
        let begin = text.past_blanks(next, 0, 2);
        if begin == next && !matches!(text.at(begin.wrapping_sub(1)), b'\'' | b'-' | b'.' | b'/') {
            break;
        }
        let (word, known) = read(text, words, begin);
        if word.len() == 0
            || word.is_number()
            || !(word.capital || known.does(part::PARTICLE) || word.len() == 1)
        {
            break;
        }
        if word.capital {
            end = Some(word.end);
        }
        next = word.end + usize::from(matches!(text.at(word.end), b'\'' | b'-'));
        if text.at(word.end) == 0xE2 && text.at(word.end + 1) == 0x80 && text.at(word.end + 2) == 0x99 {
            next = word.end + 3;
        }
    }
    end
}

/// The street that begins with the word for one: `Calle de Alcalá 5`, `rue Lepic, 75018 Paris`, `Via Roma 12`.
pub(crate) fn first(text: &Text<'_>, words: &Words, word: &Word, near: &Near<'_>) -> Street {
    let mut after = word.end;
    if text.at(after) == b'/' {
        after += 1;
    }
    let end = named(text, words, after)?;
    let at_home = near.has(about::ADDRESS);
    let mut next = end + usize::from(text.at(end) == b',');
    next = text.past_blanks(next, 0, 2);
    for sign in [&b"n\xC2\xBA"[..], b"n\xC2\xB0", b"nr", b"no"] {
        if text.has(next, sign) {
            next = text.past_blanks(
                next + sign.len() + usize::from(text.at(next + sign.len()) == b'.'),
                0,
                2,
            );
        }
    }
    let number = house(text, next);
    let (end, coded) = tail(text, words, number.unwrap_or(end));
    let weak = is_weak_first(text, word);
    match (coded, number) {
        (true, _) => Some((end, 90)),
        (false, Some(_)) if at_home => Some((end, 85)),
        (false, Some(_)) if !weak && word.len() > 2 => Some((end, 76)),
        _ => None,
    }
}

/// Where a house number ends: digits, a letter, a range.
fn house(text: &Text<'_>, at: usize) -> Option<usize> {
    let digits = text.digits(at, 5);
    if digits == 0 || digits > 4 {
        return None;
    }
    let mut end = at + digits;
    if matches!(text.at(end), b'-' | b'/') && text.at(end + 1).is_ascii_digit() {
        end += 1 + text.digits(end + 1, 4);
    }
    if text.at(end).is_ascii_alphabetic() && !text.at(end + 1).is_ascii_alphanumeric() {
        end += 1;
    }
    let goes_on = text.at(end).is_ascii_alphanumeric()
        || (matches!(text.at(end), b'.' | b':' | b'%' | b',' | b'-') && text.at(end + 1).is_ascii_digit());
    (!goes_on).then_some(end)
}

/// The street whose name ends in a word for one, with the number behind: `Lange Straße 5`, `Rosa-Parks-Allee 12a`.
pub(crate) fn german(text: &Text<'_>, words: &Words, word: &Word, near: &Near<'_>) -> Street {
    let mut last = *word;
    let mut strong = street_end(text, &last);
    for _ in 0..4 {
        let sign = text.at(last.end);
        let begin = last.end + 1;
        let next = text.at(begin);
        let may = (sign == b'-' || (sign == b' ' && strong.is_none()))
            && (next.is_ascii_uppercase() || next >= 0xC3);
        if !may {
            break;
        }
        let (word, _) = read(text, words, begin);
        let found = street_end(text, &word);
        if sign == b' ' && found.is_none() {
            return None;
        }
        (last, strong) = (word, found);
        if !word.capital {
            return None;
        }
    }
    let strong = strong?;
    let next = last.end + usize::from(text.at(last.end) == b'.');
    let begin = text.past_blanks(next, 0, 2);
    let end = (begin > next || next > last.end)
        .then(|| house(text, begin))
        .flatten()?;
    let (end, coded) = tail(text, words, end);
    let at_home = near.has(about::ADDRESS);
    match (coded, strong) {
        (true, _) => Some((end, 92)),
        (false, true) => Some((end, if at_home { 88 } else { 76 })),
        (false, false) if at_home => Some((end, 70)),
        _ => None,
    }
}

/// Whether the word may end as streets do: one look at its last three bytes, which says yes too often.
#[inline]
pub(crate) fn may_end(word: &[u8]) -> bool {
    static ENDINGS: LazyLock<[bool; ENDINGS_LEN]> = LazyLock::new(|| {
        let mut endings = [false; ENDINGS_LEN];
        for end in ENDS.iter().chain(&WEAK_ENDS) {
            let slot = end.as_bytes().last_chunk().map(|last| ending(*last));
            if let Some(slot) = slot.and_then(|slot| endings.get_mut(slot)) {
                *slot = true;
            }
        }
        endings
    });
    let last = word.last_chunk().map(|last| ending(*last));
    last.is_some_and(|last| ENDINGS.get(last).is_some_and(|is| *is))
}

const ENDINGS_LEN: usize = 1024;

/// A place for three bytes, of either case.
fn ending(last: [u8; 3]) -> usize {
    let [one, two, three] = last.map(|byte| usize::from(byte | 0x20));
    ((one * 7) ^ (two * 43) ^ (three * 5)) % ENDINGS_LEN
}

/// Whether the word ends as streets do, and whether nothing else ends so.
fn street_end(text: &Text<'_>, word: &Word) -> Option<bool> {
    let shown = text.get(word.start..word.end);
    if !word.capital || word.len() < 3 || word.has_digit() {
        return None;
    }
    let last = shown.last().map(u8::to_ascii_lowercase);
    let ends = |ends: &[&str]| {
        ends.iter()
            .filter(|end| end.bytes().next_back() == last)
            .any(|end| {
                let from = shown.len().checked_sub(end.len());
                from.and_then(|from| shown.get(from..))
                    .is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
            })
    };
    match (ends(&ENDS), ends(&WEAK_ENDS)) {
        (true, _) => Some(true),
        (false, true) if word.len() > 5 => Some(false),
        _ => None,
    }
}

/// Where the address of a post of the United States' forces ends: `APO AE 09123`.
pub(crate) fn military(text: &Text<'_>, at: usize) -> Option<usize> {
    let office = [b"apo", b"fpo", b"dpo"]
        .iter()
        .any(|office| text.has(at, *office));
    let area = [b" aa ", b" ae ", b" ap "]
        .iter()
        .any(|area| text.has(at + 3, *area));
    let fits = office && area && text.digits(at + 7, 6) == 5;
    fits.then_some(at + 12)
}

/// Signs between the lines of an address.
fn past_comma(text: &Text<'_>, at: usize) -> usize {
    let mut next = text.past_blanks(at, 1, 3);
    while text.at(next) == b',' && next < at + 5 {
        next = text.past_blanks(next + 1, 1, 3);
    }
    next
}

/// Where the rest of an address ends, and whether a post code is in it.
fn tail(text: &Text<'_>, words: &Words, end: usize) -> (usize, bool) {
    let mut best = end;
    let mut next = past_comma(text, end);
    // Parts of the house, one or two.
    for _ in 0..2 {
        let (word, known) = read(text, words, next);
        let sharp = text.at(next) == b'#';
        if !sharp && !known.does(part::UNIT) {
            break;
        }
        let from = if sharp {
            next + 1
        } else {
            word.end + usize::from(text.at(word.end) == b'.')
        };
        let (number, _) = read(text, words, text.past_blanks(from, 0, 2));
        if number.len() == 0 || number.len() > 5 || (!number.has_digit() && number.len() > 2) {
            break;
        }
        best = number.end;
        next = past_comma(text, number.end);
    }
    match post(text, words, next) {
        Some(end) => (end, true),
        None => (best, false),
    }
}

/// Where `12345 Town`, `1234 AB Town`, `Town, ST 12345`, `Town, 12345` or `Town SW1A 1AA` ends.
fn post(text: &Text<'_>, words: &Words, at: usize) -> Option<usize> {
    if let Some(code) = post_code(text, at) {
        let next = past_comma(text, code);
        return town(text, words, next)
            .map(|(end, _)| end)
            .or(Some(code).filter(|_| next > code));
    }
    let (end, capitals) = town(text, words, at)?;
    let next = past_comma(text, end);
    // A state's two capitals may have been taken for a part of the town.
    let next = if capitals {
        next
    } else {
        state(text, next).unwrap_or(next)
    };
    post_code(text, next)
}

/// Two capitals, and what follows them.
fn state(text: &Text<'_>, at: usize) -> Option<usize> {
    let fits = text.at(at).is_ascii_uppercase()
        && text.at(at + 1).is_ascii_uppercase()
        && !text.at(at + 2).is_ascii_alphanumeric();
    fits.then(|| past_comma(text, at + 2))
}

/// Where a town's name ends, and whether its last word is two capitals.
fn town(text: &Text<'_>, words: &Words, at: usize) -> Option<(usize, bool)> {
    let (mut next, mut end, mut capitals) = (at, None, false);
    for _ in 0..4 {
        let (word, known) = read(text, words, next);
        if word.len() == 0
            || word.has_digit()
            || !(word.capital || (end.is_some() && known.does(part::PARTICLE | part::LINK)))
        {
            break;
        }
        if word.capital {
            (end, capitals) = (Some(word.end), word.len() == 2 && word.is_capitals());
        }
        next = word.end;
        match text.at(next) {
            b' ' | b'-' | b'\'' => next += 1,
            b'.' if word.len() <= 3 && text.at(next + 1) == b' ' => next += 2,
            _ => break,
        }
    }
    end.map(|end| (end, capitals))
}

/// Where a post code ends: five digits, with four more or not; four digits and two capitals; the British form.
fn post_code(text: &Text<'_>, at: usize) -> Option<usize> {
    let digits = text.digits(at, 6);
    let after = text.at(at + digits);
    match digits {
        5 if after == b'-' && text.digits(at + 6, 5) == 4 => Some(at + 10),
        5 if !after.is_ascii_alphanumeric() => Some(at + 5),
        4 => {
            let letters = at + 4 + usize::from(after == b' ');
            let fits = text.at(letters).is_ascii_uppercase()
                && text.at(letters + 1).is_ascii_uppercase()
                && !text.at(letters + 2).is_ascii_alphanumeric();
            fits.then_some(letters + 2)
        }
        0 => {
            let letters = (0..3)
                .take_while(|offset| text.at(at + offset).is_ascii_uppercase())
                .count();
            let outward = at + letters + text.digits(at + letters, 2);
            let outward = outward + usize::from(text.at(outward).is_ascii_uppercase());
            let inward = outward + usize::from(text.at(outward) == b' ');
            let fits = (1..=2).contains(&letters)
                && text.at(at + letters).is_ascii_digit()
                && text.at(inward).is_ascii_digit()
                && text.at(inward + 1).is_ascii_uppercase()
                && text.at(inward + 2).is_ascii_uppercase()
                && !text.at(inward + 3).is_ascii_alphanumeric();
            fits.then_some(inward + 3)
        }
        _ => None,
    }
}
