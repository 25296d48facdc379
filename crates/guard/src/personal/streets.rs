//! Streets with a house number, in front or behind. What follows them is read by `address`. Never takes a street without a
//! number, unless a code of the post proves it.

use std::sync::LazyLock;

use crate::personal::address::{CODE, Gap, LAND, TOWN, UNIT, gap, read, tail, unit};
use crate::personal::near::Near;
use crate::personal::text::{Text, Word, word_at};
use crate::personal::words::{Words, about, part};

/// A street's name has no more words than this.
const WORDS_MAX: usize = 6;
/// Nor one that no word of it says is one.
const RUN_WORDS_MAX: usize = 4;

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
/// What a word in small letters may be behind a house number.
const SMALL_PARTS: u32 = part::STREET_FIRST | part::STREET | part::STREET_WEAK | part::PARTICLE;

/// A street found: where it ends, and how sure it is.
type Street = Option<(usize, u8)>;

/// The street that begins with the house number at `at`: `12 Main Street`, `12 bis, rue de la Paix`; and where something
/// proves it, names without a word for a street: `974 Kesk 53, Suite 343`.
pub(crate) fn numbered(text: &Text<'_>, words: &Words, at: usize, near: &Near<'_>) -> Street {
    let digits = text.digits(at, 7);
    if digits == 0 || digits > 6 {
        return None;
    }
    let mut next = at + digits;
    let ranged = matches!(text.at(next), b'-' | b'/') && text.at(next + 1).is_ascii_digit();
    if ranged {
        next += 1 + text.digits(next + 1, 5);
    }
    if text.at(next).is_ascii_alphabetic() && !text.at(next + 1).is_ascii_alphanumeric() {
        next += 1;
    }
    let comma = text.at(next) == b',';
    next += usize::from(comma);
    // The name may stand on the next line, if what follows proves it.
    let begin = text.past_blanks(next, 1, 3);
    if begin == next || !(text.at(begin).is_ascii_alphanumeric() || text.at(begin) >= 0xC3) {
        return None;
    }
    let broken = text.get(next..begin).contains(&b'\n');
    let at_home = near.has(about::ADDRESS);
    let first = word_at(text, begin, |_, _| ());
    let known = words.get(first.hash);
    let ordinal = [&b"bis"[..], b"ter", b"quater"].contains(&text.get(first.start..first.end));
    // Most numbers are of things. That is seen at no cost, for the quick way through a text counts none.
    if first.is_small() && !known.does(SMALL_PARTS) && !at_home && !ordinal {
        return None;
    }
    let (first, known) = if ordinal {
        let comma = usize::from(text.at(first.end) == b',');
        read(text, words, text.past_blanks(first.end + comma, 0, 2))
    } else {
        (first, known)
    };
    if known.does(part::STREET_FIRST)
        && let Some(end) = named(text, words, first.end)
    {
        let end = number_behind(text, end).unwrap_or(end);
        let tail = tail(text, words, end);
        let sure = tail.proves(CODE | LAND | UNIT) || at_home;
        if if broken {
            tail.proves(CODE)
        } else {
            sure || !known.does(part::FIRST_WEAK)
        } {
            return Some((tail.end, if sure { 90 } else { 75 }));
        }
    }
    let year = digits == 4 && matches!((text.at(at), text.at(at + 1)), (b'1', b'8' | b'9') | (b'2', b'0'));
    if let Some((street, strong)) = suffixed_name(text, words, begin, at_home) {
        let street = number_behind(text, street).unwrap_or(street);
        let tail = tail(text, words, street);
        let alone = || digits >= 3 && !comma && begins_line(text, at) && ends_part(text, street);
        let score = match strong {
            _ if tail.proves(CODE) => 92,
            _ if broken => 0,
            true if at_home || tail.proves(LAND | UNIT) => 85,
            true if !year => 78,
            false if tail.proves(LAND | UNIT) => 72,
            false if at_home && near.within(about::ADDRESS, 24) && !year => 65,
            false if !year && alone() => 64,
            _ => 0,
        };
        if score > 0 {
            return Some((tail.end, score));
        }
    }
    // Names that are of no street by their words.
    let near_home = at_home && near.within(about::ADDRESS, 24);
    let run = run(text, words, &first).filter(|_| !broken)?;
    if let Some(end) = number_behind(text, run.end) {
        let tail = tail(text, words, end);
        let score = match () {
            () if tail.proves(CODE | LAND | UNIT) && digits >= 2 => 80,
            () if run.street && digits >= 2 && !year => 74,
            () if near_home => 68,
            () if tail.proves(TOWN) && digits >= 3 && !year => 62,
            () => return None,
        };
        return Some((tail.end, score));
    }
    let tail = tail(text, words, run.end);
    match () {
        () if tail.proves(CODE) && !comma => Some((tail.end, 78)),
        () if tail.proves(UNIT) && digits >= 2 => Some((tail.end, 74)),
        () if tail.proves(LAND) && near_home => Some((tail.end, 70)),
        () => None,
    }
}

/// Words with capitals that may be a street's name.
struct Run {
    end: usize,
    /// The last word ends as streets do.
    street: bool,
}

fn run(text: &Text<'_>, words: &Words, first: &Word) -> Option<Run> {
    let (mut word, mut known) = (*first, words.get(first.hash));
    let mut run = None;
    for index in 0..RUN_WORDS_MAX {
        let inside = index > 0 && known.does(part::PARTICLE | part::IN_TOWN | part::STREET_LAST);
        let none = known.does(part::MONTH | part::NO_NAME) && !inside;
        if word.len() == 0 || word.has_digit() || none || !(word.capital || inside) {
            break;
        }
        if word.capital || known.does(part::STREET_LAST) {
            let street = street_end(text, &word).is_some() || known.does(part::STREET_LAST);
            run = Some(Run {
                end: word.end,
                street,
            });
        }
        let next = word.end;
        let begin = match (text.at(next), text.at(next + 1)) {
            (b'.', b' ') if word.len() <= 5 => next + 2,
            (b'.', byte) if word.len() <= 5 && byte.is_ascii_uppercase() => next + 1,
            (b' ' | b'-' | b'\'', _) => next + 1,
            _ => break,
        };
        (word, known) = read(text, words, begin);
    }
    run
}

/// Where the house number behind a street's name ends: ` 12a`, `, 5`, ` nº 7`, ` s/n`.
fn number_behind(text: &Text<'_>, at: usize) -> Option<usize> {
    let mut next = at + usize::from(text.at(at) == b'.');
    next += usize::from(text.at(next) == b',');
    let begin = text.past_blanks(next, 0, 2);
    if begin == at {
        return None;
    }
    next = begin;
    for sign in [&b"n\xC2\xBA"[..], b"n\xC2\xB0", b"num", b"nr", b"no", b"n."] {
        if text.has(next, sign) && !text.at(next + sign.len()).is_ascii_alphabetic() {
            let dot = usize::from(text.at(next + sign.len()) == b'.');
            next = text.past_blanks(next + sign.len() + dot, 0, 2);
            break;
        }
    }
    if text.has(next, b"s/n") && !text.at(next + 3).is_ascii_alphanumeric() {
        return Some(next + 3);
    }
    house(text, next)
}

/// Whether a line, or a part of one, begins at `at`: nothing stands before it but a word in small letters, if any.
fn begins_line(text: &Text<'_>, at: usize) -> bool {
    let before = (1..=20)
        .map(|back| text.before(at, back))
        .skip_while(|byte| *byte == b' ');
    let mut last = 0;
    for byte in before {
        if !(byte.is_ascii_alphanumeric() || byte >= 0x80) {
            break;
        }
        last = byte;
    }
    !last.is_ascii_uppercase() && !last.is_ascii_digit()
}

/// Whether nothing of a sentence goes on at `at`.
fn ends_part(text: &Text<'_>, at: usize) -> bool {
    match text.at(at) {
        0 | b',' | b';' | b'\n' | b'\r' | b'"' | b')' | b'<' | b'|' => true,
        b'.' | b'?' | b'!' => !text.at(at + 1).is_ascii_alphanumeric(),
        _ => false,
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
            || !(word.capital
                || known.does(part::PARTICLE)
                || word.len() == 1
                || (end.is_some() && text.at(begin.wrapping_sub(1)) == b'\''))
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
    let number = number_behind(text, end);
    let tail = tail(text, words, number.unwrap_or(end));
    let weak = words.get(word.hash).does(part::FIRST_WEAK);
    match number {
        _ if tail.proves(CODE) => Some((tail.end, 90)),
        Some(_) if at_home || tail.proves(LAND | UNIT) => Some((tail.end, 85)),
        Some(_) if !weak && word.len() > 2 => Some((tail.end, 76)),
        Some(_) if tail.proves(TOWN) => Some((tail.end, 66)),
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
    let sign = usize::from(matches!(text.at(end), b'/' | b'-'));
    let roman = (0..4)
        .take_while(|offset| matches!(text.at(end + sign + offset), b'I' | b'V'))
        .count();
    let letter = end + sign;
    if text.at(letter).is_ascii_alphabetic() && !text.at(letter + 1).is_ascii_alphanumeric() {
        end = letter + 1;
    } else if sign > 0 && roman > 0 && !text.at(letter + roman).is_ascii_alphanumeric() {
        end = letter + roman;
    } else if text.at(end) == b' ' && text.at(end + 1).is_ascii_uppercase() && ends_part(text, end + 2) {
        end += 2;
    }
    let goes_on = text.at(end).is_ascii_alphanumeric()
        || (matches!(text.at(end), b'.' | b':' | b'%' | b',' | b'-') && text.at(end + 1).is_ascii_digit());
    (!goes_on).then_some(end)
}

/// The street with the number behind: `Lange Straße 5`, `Rosa-Parks-Allee 12a`, `Rákóczi út 13`; and where something proves
/// it, names without a word for a street: `Kirchberg 7, 12345 Ort`.
pub(crate) fn german(text: &Text<'_>, words: &Words, word: &Word, near: &Near<'_>) -> Street {
    let (mut last, mut known) = (*word, words.get(word.hash));
    let mut strong = street_end(text, &last);
    for _ in 0..4 {
        let sign = text.at(last.end);
        let begin = last.end + 1;
        let next = text.at(begin);
        if !(sign == b'-' || (sign == b' ' && strong.is_none()))
            || !(next.is_ascii_alphabetic() || next >= 0xC3)
        {
            break;
        }
        let (word, next_known) = read(text, words, begin);
        let kind = next_known.does(part::STREET_LAST);
        if !word.capital && !kind {
            break;
        }
        (last, known) = (word, next_known);
        strong = if kind { Some(true) } else { street_end(text, &word) };
    }
    let at_home = near.has(about::ADDRESS);
    if let Some(strong) = strong
        && let Some(end) = number_behind(text, last.end)
    {
        let tail = tail(text, words, end);
        return match (tail.proves(CODE), strong) {
            (true, _) => Some((tail.end, 92)),
            (false, true) => Some((tail.end, if at_home { 88 } else { 76 })),
            (false, false) if at_home || tail.proves(LAND | UNIT) => Some((tail.end, 70)),
            _ => None,
        };
    }
    if known.does(part::MONTH | part::NO_NAME) {
        return None;
    }
    let run = run(text, words, word)?;
    let end = number_behind(text, run.end)?;
    let (_, apart) = gap(text, end);
    let tail = tail(text, words, end);
    let near_home = at_home && near.within(about::ADDRESS, 24);
    match () {
        () if tail.proves(CODE) && apart > Gap::Blank => Some((tail.end, 78)),
        () if tail.proves(CODE | LAND | UNIT) && at_home => Some((tail.end, 74)),
        () if tail.proves(UNIT) && tail.proves(LAND) => Some((tail.end, 70)),
        () if near_home => Some((tail.end, 64)),
        () => None,
    }
}

/// The address that begins with a part of the house: `Flat 3, 12 High Street`, `Apt. 675 62314 Mellemvej 32`; or that part
/// alone, on a line or behind a comma.
pub(crate) fn within(text: &Text<'_>, words: &Words, word: &Word, near: &Near<'_>) -> Street {
    let end = unit(text, words, word.start)?;
    // `Unit 5/12 George Street`: what is behind the sign is the house.
    let sign = (word.end..end).find(|at| text.at(*at) == b'/');
    if let Some((end, score)) = sign.and_then(|sign| numbered(text, words, sign + 1, near)) {
        return Some((end, score.max(85)));
    }
    let (begin, apart) = gap(text, end);
    if apart > Gap::None {
        let street = match text.at(begin).is_ascii_digit() {
            true => numbered(text, words, begin, near),
            false => {
                let (next, known) = read(text, words, begin);
                let street = match known.does(part::STREET_FIRST) {
                    true => first(text, words, &next, near),
                    false => None,
                };
                street.or_else(|| {
                    if next.capital {
                        german(text, words, &next, near)
                    } else {
                        None
                    }
                })
            }
        };
        if let Some((end, score)) = street {
            return Some((end, score.max(85)));
        }
    }
    let tail = tail(text, words, end);
    let named = [&b"apt"[..], b"apartment", b"suite", b"ste"];
    let shown = text.get(word.start..word.end);
    let alone = named.iter().any(|named| shown.eq_ignore_ascii_case(named))
        && !matches!(text.before(word.start, 1), b'.' | b'-' | b'/')
        && begins_line(text, word.start)
        && end >= word.end + 3;
    match () {
        () if tail.proves(CODE) => Some((tail.end, 84)),
        () if alone => Some((tail.end, 63)),
        () => None,
    }
}

/// A code of the post and its town, where it says that an address follows: `wohnhaft in 10115 Berlin`.
pub(crate) fn coded(text: &Text<'_>, words: &Words, at: usize, near: &Near<'_>) -> Street {
    if near.within(about::POST, 16) && text.digits(at, 6) == 5 {
        let (begin, _) = gap(text, at + 5);
        if !text.at(begin).is_ascii_digit() && !text.at(at + 5).is_ascii_alphanumeric() {
            return Some((at + 5, 66));
        }
    }
    (near.within(about::ADDRESS, 16)).then_some(())?;
    crate::personal::address::line(text, words, at).map(|end| (end, 66))
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
