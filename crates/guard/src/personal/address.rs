//! What stands around a street: parts of the house, boxes of the post, towns, codes of the post, countries. Never
//! begins an address by a town or a country.

use crate::personal::text::{Text, Word, word_at};
use crate::personal::words::{Known, Words, part};

/// What of an address proves that it is one, one bit each: a part of a house, a code of the post, a country or state, and a
/// town behind a comma with nothing behind it, which proves little.
pub(crate) const UNIT: u8 = 1;
pub(crate) const CODE: u8 = 2;
pub(crate) const LAND: u8 = 4;
pub(crate) const TOWN: u8 = 8;

/// An address has no more parts behind its street.
const PARTS_MAX: usize = 8;
/// Towns, districts and counties.
const TOWNS_MAX: usize = 3;
/// A town's name has no more words.
const TOWN_WORDS_MAX: usize = 5;
/// Two parts are no further apart.
const GAP_BYTES_MAX: usize = 24;

/// What stands between two parts of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    None,
    Blank,
    Comma,
    Line,
}

/// What follows a street.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) end: usize,
    pub(crate) proof: u8,
}

impl Tail {
    pub(crate) const fn proves(self, any: u8) -> bool {
        self.proof & any != 0
    }
}

/// What reading a word of an address costs beside its bytes.
const WORD_COST: usize = 8;

/// The word of an address that begins at `at`. Its cost is counted.
pub(crate) fn read(text: &Text<'_>, words: &Words, at: usize) -> (Word, Known) {
    let word = word_at(text, at, |_, _| ());
    text.spend(word.len() + WORD_COST);
    (word, words.get(word.hash))
}

/// What stands between the part that ends at `at` and the next one, and where that begins. Lines may be indented, or
/// quoted.
pub(crate) fn gap(text: &Text<'_>, at: usize) -> (usize, Gap) {
    let (mut next, mut gap, mut lines, mut comma) = (at, Gap::None, 0, false);
    while next < at + GAP_BYTES_MAX {
        let (length, found) = match (text.at(next), text.at(next + 1)) {
            (b' ' | b'\t' | b'\r', _) => (1, Gap::Blank),
            (b'\n', _) if lines < 2 => {
                lines += 1;
                (1, Gap::Line)
            }
            (b',', _) if !comma => {
                comma = true;
                (1, Gap::Comma)
            }
            (b'.', b' ' | b'\n') if next == at => (1, Gap::Blank),
            (b'>' | b'?' | b'|' | b'*', _) if gap == Gap::Line => (1, Gap::Line),
            (b'-', b' ' | b'0'..=b'9') => (1, Gap::Comma),
            (0xC2, 0xA0) => (2, Gap::Blank),
            (0xE2, 0x80) if matches!(text.at(next + 2), 0x93 | 0x94) => (3, Gap::Comma),
            _ => break,
        };
        next += length;
        gap = gap.max(found);
    }
    (next, gap)
}

/// Where the part of a house ends: `Apt. 4`, `# 12`, `3rd floor`, `3º B`.
pub(crate) fn unit(text: &Text<'_>, words: &Words, at: usize) -> Option<usize> {
    if text.at(at).is_ascii_digit() {
        return storey(text, at);
    }
    if text.has(at, b"m. ") || text.has(at, b"m.") && text.at(at + 2).is_ascii_digit() {
        let from = text.past_blanks(at + 2, 0, 1);
        let digits = text.digits(from, 4);
        return (digits > 0).then_some(from + digits);
    }
    let sharp = text.at(at) == b'#';
    let (word, known) = read(text, words, at);
    if !sharp && !known.does(part::UNIT) {
        return None;
    }
    let from = if sharp { at + 1 } else { word.end };
    let from = from + usize::from(matches!(text.at(from), b'.' | b':'));
    let (number, _) = read(text, words, text.past_blanks(from, 0, 2));
    let fits = (1..=6).contains(&number.len())
        && (number.has_digit() || number.len() == 1 || number.len() == 2 && number.is_capitals());
    if !fits || number.start == word.end && !sharp && !number.is_number() {
        return None;
    }
    let more = number.end + 1;
    let ranged = matches!(text.at(number.end), b'-' | b'/') && text.at(more).is_ascii_alphanumeric();
    let (second, _) = read(text, words, more);
    Some(match ranged && second.len() <= 4 {
        true => second.end,
        false => number.end,
    })
}

/// `3rd floor`, `2. OG`, `3º izq`, `3ème étage`.
fn storey(text: &Text<'_>, at: usize) -> Option<usize> {
    let digits = text.digits(at, 3);
    let mut next = at + digits;
    if digits > 2 {
        return None;
    }
    let raised = text.at(next) == 0xC2 && matches!(text.at(next + 1), 0xBA | 0xB0 | 0xAA);
    if raised {
        next = text.past_blanks(next + 2, 0, 1);
        let letters = (0..6)
            .take_while(|offset| text.at(next + offset).is_ascii_alphabetic())
            .count();
        let side = [&b"izq"[..], b"dcha", b"esq", b"dto", b"andar"]
            .iter()
            .any(|side| text.has(next, side));
        return Some(if letters == 1 || side {
            next + letters
        } else {
            at + digits + 2
        });
    }
    for order in [
        &b"st"[..],
        b"nd",
        b"rd",
        b"th",
        "ème".as_bytes(),
        b"e",
        b"er",
        b".",
    ] {
        let behind = next + order.len();
        if text.has(next, order) && text.at(behind) == b' ' {
            return [
                &b"floor"[..],
                b"fl",
                "étage".as_bytes(),
                b"etage",
                b"og",
                b"stock",
                b"piso",
                b"andar",
                b"tr",
                b"tv",
                b"th",
                b"mf",
                b"sal",
            ]
            .iter()
            .find(|floor| {
                text.has(behind + 1, floor) && !text.at(behind + 1 + floor.len()).is_ascii_alphanumeric()
            })
            .map(|floor| behind + 1 + floor.len());
        }
    }
    (text.has(next, b" tr") && !text.at(next + 3).is_ascii_alphanumeric()).then_some(next + 3)
}

/// A code of the post: where it ends, and whether its form alone says so.
fn post_code(text: &Text<'_>, at: usize) -> Option<(usize, bool)> {
    let letters = (0..3)
        .take_while(|offset| text.at(at + offset).is_ascii_uppercase())
        .count();
    if letters > 0 {
        // `D-10115`, `LV-1010`.
        if letters <= 2 && text.at(at + letters) == b'-' {
            let digits = text.digits(at + letters + 1, 6);
            let end = at + letters + 1 + digits;
            return ((4..=5).contains(&digits) && !text.at(end).is_ascii_alphanumeric())
                .then_some((end, true));
        }
        return lettered_code(text, at, letters).map(|end| (end, true));
    }
    let digits = text.digits(at, 9);
    let end = at + digits;
    let after = text.at(end);
    let group = |from: usize, most: usize| {
        let digits = text.digits(from, most + 1);
        (digits == most && !text.at(from + digits).is_ascii_alphanumeric()).then_some(from + digits)
    };
    let free = !after.is_ascii_alphanumeric();
    match (digits, after) {
        (5, b'-') => group(end + 1, 4)
            .or_else(|| group(end + 1, 3))
            .or(Some(end))
            .map(|end| (end, true)),
        (5, _) if free => Some((end, true)),
        (2, b'-') => group(end + 1, 3).map(|end| (end, true)),
        (4, b'-') => group(end + 1, 3).map(|end| (end, true)),
        (3, b'-') => group(end + 1, 4).map(|end| (end, true)),
        (3, b' ') => group(end + 1, 2)
            .or_else(|| group(end + 1, 3))
            .map(|end| (end, false)),
        (4, _) => {
            let letters = end + usize::from(after == b' ');
            let dutch = text.at(letters).is_ascii_uppercase()
                && text.at(letters + 1).is_ascii_uppercase()
                && !text.at(letters + 2).is_ascii_alphanumeric();
            match dutch {
                true => Some((letters + 2, true)),
                false => free.then_some((end, false)),
            }
        }
        (6 | 8, _) if free => Some((end, false)),
        _ => None,
    }
}

/// The British, Canadian and Irish forms: `SW1A 1AA`, `K1A 0B1`, `D02 X285`.
fn lettered_code(text: &Text<'_>, at: usize, letters: usize) -> Option<usize> {
    let outward = at + letters + text.digits(at + letters, 2);
    let outward = outward + usize::from(text.at(outward).is_ascii_uppercase());
    let inward = outward + usize::from(matches!(text.at(outward), b' ' | b'-'));
    let is = |form: &[u8], from: usize| {
        form.iter().enumerate().all(|(offset, class)| {
            let byte = text.at(from + offset);
            match class {
                b'9' => byte.is_ascii_digit(),
                b'A' => byte.is_ascii_uppercase(),
                _ => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            }
        }) && !text.at(from + form.len()).is_ascii_alphanumeric()
    };
    if letters > 2 || !text.at(at + letters).is_ascii_digit() {
        return None;
    }
    [&b"9AA"[..], b"9A9", b"XXXX"]
        .iter()
        .filter(|form| form.len() == 3 || (letters == 1 && outward == at + 3 && inward > outward))
        .find(|form| is(form, inward))
        .map(|form| inward + form.len())
}

/// Where a line of a code that says so by its form and its town ends: `10115 Berlin`, `1234 AB Ede`.
pub(crate) fn line(text: &Text<'_>, words: &Words, at: usize) -> Option<usize> {
    let (end, _) = post_code(text, at).filter(|(_, sure)| *sure)?;
    let (begin, apart) = gap(text, end);
    town(text, words, begin)
        .filter(|_| apart == Gap::Blank)
        .map(|town| town.end)
}

/// A town's name, or a country's.
struct Town {
    end: usize,
    /// Its last word is two or three capitals: a state.
    capitals: bool,
    /// Its last word is a country's or a state's.
    land: bool,
}

fn town(text: &Text<'_>, words: &Words, at: usize) -> Option<Town> {
    let (mut next, mut found) = (at, None);
    for _ in 0..TOWN_WORDS_MAX {
        let (word, known) = read(text, words, next);
        let inside = found.is_some() && known.does(part::PARTICLE | part::IN_TOWN);
        if word.len() == 0
            || word.has_digit()
            || !(word.capital || inside)
            || (known.does(part::NO_NAME)
                && !known.does(part::PARTICLE | part::LAND | part::IN_TOWN)
                && !word.is_capitals())
        {
            break;
        }
        if word.capital {
            found = Some(Town {
                end: word.end,
                capitals: (2..=3).contains(&word.len()) && word.is_capitals(),
                land: known.does(part::LAND),
            });
        }
        next = word.end;
        match text.at(next) {
            b' ' | b'-' | b'\'' | b'/' => next += 1,
            b'.' if word.len() <= 3 && text.at(next + 1) == b' ' => next += 2,
            _ => break,
        }
    }
    found
}

/// What follows the street that ends at `at`.
pub(crate) fn tail(text: &Text<'_>, words: &Words, at: usize) -> Tail {
    let mut tail = Tail { end: at, proof: 0 };
    let (mut next, mut towns, mut stated, mut alone) = (at, 0, false, None);
    for _ in 0..PARTS_MAX {
        let (begin, apart) = gap(text, next);
        if apart == Gap::None {
            break;
        }
        if towns == 0
            && !tail.proves(CODE | LAND)
            && let Some(end) = unit(text, words, begin)
        {
            (tail.end, next) = (end, end);
            tail.proof |= UNIT;
            continue;
        }
        if !tail.proves(CODE)
            && let Some((end, sure)) = post_code(text, begin)
        {
            let behind = match towns {
                0 => {
                    let (begin, apart) = gap(text, end);
                    town(text, words, begin)
                        .filter(|_| apart != Gap::None && (sure || apart == Gap::Blank))
                        .map(|town| (town.end, town.land))
                }
                _ => None,
            };
            let six = matches!(text.digits(begin, 9), 6 | 8);
            if !(behind.is_some() || sure || stated || towns > 0 && six) {
                break;
            }
            let (end, land) = behind.unwrap_or((end, false));
            (tail.end, next) = (end, end);
            tail.proof |= CODE | if land { LAND } else { 0 };
            // A province: `(MI)`.
            let open = text.past_blanks(end, 0, 1);
            if text.at(open) == b'(' && text.at(open + 3) == b')' && text.at(open + 1).is_ascii_uppercase() {
                (tail.end, next) = (open + 4, open + 4);
            }
            continue;
        }
        let Some(town) = town(text, words, begin) else {
            break;
        };
        if town.land && (apart > Gap::Blank || towns > 0 || tail.proves(CODE | UNIT)) {
            tail.end = town.end;
            tail.proof |= LAND;
            stated = true;
        } else if tail.proves(CODE) || towns == TOWNS_MAX {
            break;
        }
        if towns == 0 && apart == Gap::Comma && ends(text, town.end) {
            alone = Some(town.end);
        }
        towns += 1;
        stated |= town.capitals;
        next = town.end;
    }
    if let Some(end) = alone.filter(|end| *end > tail.end) {
        tail.end = end;
        tail.proof |= TOWN;
    }
    tail
}

/// Whether nothing of a sentence follows.
fn ends(text: &Text<'_>, at: usize) -> bool {
    matches!(
        text.at(at),
        0 | b'.' | b',' | b';' | b'\n' | b'\r' | b'"' | b')' | b'<' | b'!' | b'?'
    )
}

/// What stands before a box's number, by its first word.
const BOXES: [&[u8]; 24] = [
    b"p.o. box",
    b"p.o.box",
    b"p. o. box",
    b"p o box",
    b"po box",
    b"pobox",
    b"post office box",
    b"gpo box",
    b"locked bag",
    b"private bag",
    b"postfach",
    b"postbus",
    b"postboks",
    b"postbox",
    b"apartado de correos",
    b"apartado postal",
    b"apartado",
    b"apdo",
    b"caixa postal",
    b"casella postale",
    b"skrytka pocztowa",
    "boîte postale".as_bytes(),
    b"bp",
    b"psc",
];

/// Where the address at a box of the post ends: `P.O. Box 12, Springfield`, `Postfach 10 02 11`, `PSC 1, Box 2, APO AE 09123`.
pub(crate) fn boxed(text: &Text<'_>, words: &Words, at: usize, at_home: bool) -> Option<(usize, u8)> {
    let named = BOXES.iter().find(|named| text.has(at, named))?;
    let mut from = at + named.len();
    from += usize::from(matches!(text.at(from), b'.' | b':' | b'#'));
    from = text.past_blanks(from, 0, 2);
    from += usize::from(text.at(from) == b'#');
    let mut end = from + text.digits(from, 8);
    if end == from || end == at + named.len() || text.at(end).is_ascii_alphabetic() {
        return None;
    }
    for _ in 0..3 {
        let grouped =
            text.at(end) == b' ' && text.digits(end + 1, 3) == 2 && !text.at(end + 3).is_ascii_alphanumeric();
        end += if grouped { 3 } else { 0 };
    }
    if *named == b"psc" {
        let (begin, _) = gap(text, end);
        if text.has(begin, b"box ") {
            end = begin + 4 + text.digits(begin + 4, 6);
        }
        let (begin, _) = gap(text, end);
        return military(text, begin).map(|end| (end, 90));
    }
    let tail = tail(text, words, end);
    let unsure = matches!(*named, b"bp" | b"apartado" | b"apdo" | b"postbox");
    match tail.proves(CODE | LAND | UNIT) || at_home {
        true => Some((tail.end, 90)),
        false => (!unsure).then_some((tail.end, 80)),
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
