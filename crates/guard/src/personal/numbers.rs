//! What a number in a text is: a telephone number, a card, an id, a date of birth, or a thing's. Never looks further than
//! one number, and the words before it that the walk has noted.

use crate::personal::checks;
use crate::personal::ids::{card_issued, of_digits};
use crate::personal::kinds::PersonalKind;
use crate::personal::near::Near;
use crate::personal::plans;
use crate::personal::text::Text;
use crate::personal::words::about as a;

/// The most digits and groups of one number.
const DIGITS_MAX: usize = 24;
/// Fewer are no number that says anything.
pub(crate) const DIGITS_MIN: usize = 5;
const GROUPS_MAX: usize = 9;

/// What stands before an extension.
const EXTENSIONS: [&[u8]; 6] = [b"extension", b"ext", b"durchwahl", b"poste", b"dw", b"x"];

/// What stands behind a telephone number in lists of contacts.
const TOLD_BEHIND: [&[u8]; 7] = [
    b"office", b"fax", b"mobile", b"mobil", b"cell", b"phone", b"home)",
];
/// How sure that makes it.
const TOLD_SCORE: u8 = 80;

/// What a number was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meant {
    pub(crate) kind: PersonalKind,
    pub(crate) rule: &'static str,
    pub(crate) score: u8,
}

const fn meant(kind: PersonalKind, rule: &'static str, score: u8) -> Option<Meant> {
    Some(Meant { kind, rule, score })
}

/// One group of digits, and what stands before it.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    end: usize,
    /// How many digits there are up to its end.
    sum: usize,
    length: u8,
    /// The sign before it: a blank, `-`, `.`, `/`, `(` or `)`; zero before the first.
    sign: u8,
}

/// Digits with signs between them, as they stand in a text.
pub(crate) struct Number {
    start: usize,
    digits: [u8; DIGITS_MAX],
    groups: [Group; GROUPS_MAX],
    count: usize,
    plus: bool,
    paren: bool,
}

impl Number {
    /// The number that begins at `at` with a digit, `+` or `(`.
    pub(crate) fn read(text: &Text<'_>, at: usize) -> Option<Self> {
        let mut number = Self {
            start: at,
            digits: [0; DIGITS_MAX],
            groups: [Group::default(); GROUPS_MAX],
            count: 0,
            plus: false,
            paren: false,
        };
        let mut next = at;
        if text.at(next) == b'(' {
            (number.paren, next) = (true, next + 1);
        }
        if text.at(next) == b'+' {
            (number.plus, next) = (true, next + 1);
            if text.at(next) == b'(' {
                next += 1;
            }
        }
        let (mut sum, mut sign) = (0, 0);
        while number.count < GROUPS_MAX {
            let length = text.digits(next, DIGITS_MAX + 1);
            if length == 0 || sum + length > DIGITS_MAX {
                break;
            }
            for offset in 0..length {
                if let Some(slot) = number.digits.get_mut(sum + offset) {
                    *slot = text.at(next + offset).wrapping_sub(b'0');
                }
            }
            sum += length;
            next += length;
            if let Some(slot) = number.groups.get_mut(number.count) {
                *slot = Group {
                    end: next,
                    sum,
                    length: u8::try_from(length).unwrap_or(u8::MAX),
                    sign,
                };
            }
            number.count += 1;
            let Some((behind, found)) = signs(text, next) else {
                break;
            };
            (next, sign) = (behind, found);
        }
        text.spend(number.count * GROUP_COST);
        (number.count > 0).then_some(number)
    }

    fn taken(&self, count: usize) -> Taken<'_> {
        let groups = self.groups.get(..count).unwrap_or_default();
        let sum = groups.last().map_or(0, |group| group.sum);
        Taken {
            digits: self.digits.get(..sum).unwrap_or_default(),
            groups,
            plus: self.plus,
            paren: self.paren,
        }
    }

    /// What it is, surest first, and where it ends. A number with an extension ends behind that.
    pub(crate) fn judge(&self, text: &Text<'_>, near: &Near<'_>) -> Option<(Meant, usize)> {
        let mut best: Option<(Meant, usize)> = None;
        for count in (1..=self.count).rev() {
            let taken = self.taken(count);
            if taken.digits.len() < DIGITS_MIN {
                break;
            }
            let end = taken.groups.last().map_or(self.start, |group| group.end);
            let extended = extension(text, end);
            let next = extended.unwrap_or(end);
            let told = is_told_behind(text, next);
            if !ends(text, next) && !told {
                continue;
            }
            let mut found = taken
                .meant(near)
                .filter(|found| extended.is_none() || found.kind == PersonalKind::Phone);
            if told && taken.is_dialled() && found.is_none_or(|found| found.score < TOLD_SCORE) {
                found = meant(PersonalKind::Phone, "telephone_number", TOLD_SCORE);
            }
            // Where more groups follow, this form is often an accident.
            let goes_on =
                self.groups.get(count).is_some_and(|group| group.sign == b' ') && count < self.count;
            if let Some(found) = found.as_mut().filter(|found| goes_on && found.score < 90) {
                found.score = found.score.saturating_sub(15);
            }
            if let Some(found) = found.filter(|found| best.is_none_or(|(best, _)| found.score > best.score)) {
                best = Some((found, next));
            }
        }
        best
    }

    /// Whether it was opened by a sign, not a digit.
    pub(crate) const fn is_signed(&self) -> bool {
        self.plus || self.paren
    }
}

/// The signs between two groups at `at`, and where the next digits are. At most three: `) - `.
fn signs(text: &Text<'_>, at: usize) -> Option<(usize, u8)> {
    let (mut next, mut sign) = (at, 0);
    for _ in 0..3 {
        let byte = text.at(next);
        let found = match byte {
            b'0'..=b'9' => break,
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => byte,
            // No-break space, hyphens and dashes.
            0xC2 if text.at(next + 1) == 0xA0 => {
                next += 1;
                b' '
            }
            0xE2 if text.at(next + 1) == 0x80 && matches!(text.at(next + 2), 0x90..=0x94 | 0xAF) => {
                next += 2;
                b'-'
            }
            _ => return None,
        };
        // A parenthesis says most, then anything that is no blank.
        if sign == 0 || sign == b' ' || matches!(found, b'(' | b')') {
            sign = found;
        }
        next += 1;
    }
    (next > at && text.at(next).is_ascii_digit()).then_some((next, sign))
}

/// Whether more digits follow the group that ends at `at`.
pub(crate) fn goes_on(text: &Text<'_>, at: usize) -> bool {
    signs(text, at).is_some()
}

/// Where `x123`, `ext. 123` or `#123` at `at` ends.
fn extension(text: &Text<'_>, at: usize) -> Option<usize> {
    let mut next = at;
    if text.at(next) == b',' {
        next += 1;
    }
    while text.at(next) == b' ' && next < at + 2 {
        next += 1;
    }
    let named = EXTENSIONS.iter().find(|word| text.has(next, word))?;
    next += named.len();
    while matches!(text.at(next), b'.' | b' ' | b':') && next < at + 16 {
        next += 1;
    }
    let digits = text.digits(next, 7);
    ((1..=6).contains(&digits)).then_some(next + digits)
}

/// Whether what stands behind `at` says that a telephone number ended there: `-Fax`, ` (mobile)`.
fn is_told_behind(text: &Text<'_>, at: usize) -> bool {
    let mut next = at;
    while next < at + 3 && matches!(text.at(next), b' ' | b'-' | b'(' | b',') {
        next += 1;
    }
    next > at
        && text.at(next).is_ascii_alphabetic()
        && TOLD_BEHIND
            .iter()
            .any(|word| text.has(next, word) && !text.at(next + word.len()).is_ascii_alphanumeric())
}

/// Whether a number may end at `at`: nothing goes on there that it would be a part of.
fn ends(text: &Text<'_>, at: usize) -> bool {
    let (next, after) = (text.at(at), text.at(at + 1));
    match next {
        b'.' | b',' | b':' => !after.is_ascii_digit(),
        b'-' | b'/' | b'=' | b'+' => !after.is_ascii_alphanumeric(),
        b'_' | b'@' | b'%' => false,
        // Letters of Latin, Greek and Cyrillic go on; signs and Chinese do not.
        0xC3..=0xDF => false,
        _ => !next.is_ascii_alphanumeric(),
    }
}

/// What reading and judging each group of a number costs, as bytes.
const GROUP_COST: usize = 6;
/// So near its word a patient's number is.
const RECORD_BYTES: usize = 24;

/// Some of a number's groups.
struct Taken<'n> {
    digits: &'n [u8],
    groups: &'n [Group],
    plus: bool,
    paren: bool,
}

impl Taken<'_> {
    fn is_form(&self, form: &[u8]) -> bool {
        self.groups.len() == form.len()
            && self
                .groups
                .iter()
                .zip(form)
                .all(|(group, length)| group.length == *length)
    }

    fn length(&self, at: usize) -> u8 {
        self.groups.get(at).map_or(0, |group| group.length)
    }

    /// All signs are one of these.
    fn signed(&self, signs: &[u8]) -> bool {
        self.groups
            .iter()
            .skip(1)
            .all(|group| signs.contains(&group.sign))
    }

    /// The same sign everywhere.
    fn uniform(&self) -> bool {
        let second = self.groups.get(1).map_or(0, |group| group.sign);
        self.groups.iter().skip(1).all(|group| group.sign == second)
    }

    fn meant(&self, near: &Near<'_>) -> Option<Meant> {
        if self.plus {
            return self.international(near);
        }
        if self.is_date() || self.is_zero() {
            return None;
        }
        let candidates = [
            self.id(near),
            self.card(near),
            self.phone(near),
            self.labelled(near),
        ];
        candidates
            .into_iter()
            .flatten()
            .reduce(|best, next| match next.score > best.score {
                true => next,
                false => best,
            })
    }

    /// Whether it may be a telephone number, by nothing but its length.
    fn is_dialled(&self) -> bool {
        (6..=15).contains(&self.digits.len()) && !self.is_date() && !self.is_zero()
            || (self.plus && (7..=15).contains(&self.digits.len()))
    }

    fn is_zero(&self) -> bool {
        self.digits.windows(2).all(|pair| pair.first() == pair.last())
    }

    /// A date, or one with a time behind it.
    pub(crate) fn is_date(&self) -> bool {
        let (first, second, third) = (self.length(0), self.length(1), self.length(2));
        let value = |at: usize| {
            let from = at
                .checked_sub(1)
                .and_then(|at| self.groups.get(at))
                .map_or(0, |group| group.sum);
            let to = self.groups.get(at).map_or(0, |group| group.sum);
            checks::value(self.digits.get(from..to).unwrap_or_default())
        };
        let year = |year: u64| (1000..2200).contains(&year);
        match (first, second, third) {
            (4, 1..=2, 1..=2) => year(value(0)) && value(1) <= 12 && value(2) <= 31,
            (1..=2, 1..=2, 4) => year(value(2)) && value(0) <= 31 && value(1) <= 31,
            (4, 4, 0) => year(value(0)) && year(value(1)),
            _ => false,
        }
    }

    fn international(&self, near: &Near<'_>) -> Option<Meant> {
        let length = self.digits.len();
        let lengths_fit = self.groups.iter().all(|group| group.length <= 12);
        let score = match plans::international(self.digits) {
            true if (7..=17).contains(&length) => 95,
            _ if (7..=15).contains(&length) && near.has(a::PHONE) => 80,
            _ if (8..=15).contains(&length) && lengths_fit => 62,
            _ => return None,
        };
        meant(PersonalKind::Phone, "telephone_number", score)
    }

    fn card(&self, near: &Near<'_>) -> Option<Meant> {
        if !(12..=19).contains(&self.digits.len()) || !self.signed(b" -.") || !self.uniform() {
            return None;
        }
        let grouped = self.groups.len() > 1;
        let form_fits = !grouped
            || (self.length(0) == 4
                && self.groups.len() <= 5
                && self.groups.iter().all(|group| (1..=7).contains(&group.length)));
        if !form_fits {
            return None;
        }
        let about = near.has(a::CARD) && near.closest(a::CARD, a::THING | a::ANY_ID | a::BANK);
        let usual = matches!(self.digits.len(), 14..=16);
        let score = match (checks::luhn(self.digits), card_issued(self.digits)) {
            (true, true) if about => 100,
            (true, true) if near.has(a::THING) && !near.closest(a::CARD, a::THING) => 40,
            (true, true) if grouped && usual => 90,
            (true, true) if usual => 75,
            (true, true) => 45,
            (true, false) if about => 65,
            (false, issued) if about && (issued || grouped) && self.digits.len() >= 13 => 65,
            _ => return None,
        };
        meant(PersonalKind::PaymentCard, "payment_card", score)
    }

    fn id(&self, near: &Near<'_>) -> Option<Meant> {
        let mut best: Option<Meant> = None;
        for scheme in of_digits(self.digits.len()) {
            let alone = self.groups.len() == 1;
            let formed = self.is_form(scheme.form) && self.signed(b"-./ ");
            let about = near.has(scheme.about);
            if !(alone || formed || (about && self.groups.len() <= 7)) || !(scheme.check)(self.digits) {
                continue;
            }
            // Blanks stand between any numbers; other signs are the id's own.
            let tight = self.signed(b"-./");
            let by_form = match (formed && !alone, tight) {
                (true, true) => scheme.formed,
                (true, false) => scheme.formed.saturating_sub(10),
                _ => scheme.plain,
            };
            let other = near.has(a::THING) && !near.closest(a::ANY_ID | a::WHOSE | a::NUMBER, a::THING);
            // What is said to be a patient's is the patient's record, whatever its form.
            let record =
                near.within(a::PATIENT, RECORD_BYTES) && near.closest(a::PATIENT, a::NATIONAL | a::TAX);
            let score = match (about, near.has(a::NATIONAL | a::TAX | a::PATIENT)) {
                (true, _) => by_form.max(96),
                (false, _) if record && scheme.about & (a::US | a::TAX) != 0 => by_form.min(60),
                (false, true) => by_form.max(if scheme.plain >= 35 { 82 } else { 72 }),
                (false, false) if other || checks::is_book(self.digits) => by_form.saturating_sub(30),
                (false, false) if near.closest(a::PHONE, a::ANY_ID) => by_form.saturating_sub(30),
                (false, false) => by_form,
            };
            if best.is_none_or(|best| score > best.score) {
                best = meant(PersonalKind::NationalId, scheme.rule, score);
            }
        }
        best
    }

    fn phone(&self, near: &Near<'_>) -> Option<Meant> {
        let length = self.digits.len();
        let first = self.digits.first().copied().unwrap_or(0);
        let second = self.digits.get(1).copied().unwrap_or(0);
        let count = self.groups.len();
        let abroad = match (first, second) {
            (0, 0) => self.digits.get(2..),
            (0, 1) if self.digits.get(2) == Some(&1) => self.digits.get(3..),
            _ => None,
        };
        let american = |digits: &[u8]| plans::north_america(digits);
        let rest = self.digits.get(1..).unwrap_or_default();
        let by_form = match (first, length) {
            _ if abroad
                .is_some_and(|digits| (8..=15).contains(&digits.len()) && plans::international(digits)) =>
            {
                if count > 1 {
                    85
                } else {
                    55
                }
            }
            (_, 10) if self.is_form(&[3, 3, 4]) && first >= 2 => {
                let tight = self.paren || self.signed(b"-.)");
                match (american(self.digits), tight) {
                    (true, true) => 85,
                    (true, false) => 62,
                    (false, true) => 62,
                    (false, false) => 45,
                }
            }
            (_, 10) if self.is_form(&[3, 7]) && american(self.digits) => 45,
            (1, 11) if self.is_form(&[1, 3, 3, 4]) && american(rest) => 85,
            // Brazil: area and subscriber.
            (1..=9, 10..=11) if count == 3 && self.length(0) == 2 && self.length(2) == 4 => {
                match self.signed(b") -") {
                    true if self.paren => 85,
                    true => 70,
                    false => 40,
                }
            }
            // A trunk zero: Europe, Asia, Australia.
            (0, 9..=11) if second != 0 && self.is_pairs() => 85,
            (0, 8..=12) if second != 0 && self.paren => 85,
            (0, 9..=12) if second != 0 && (2..=5).contains(&count) && self.length(0) <= 6 => {
                match self.signed(b" -/)") {
                    true => 68,
                    false => 62,
                }
            }
            (0, 10..=11) if second != 0 && count == 1 => 45,
            (2..=9, 8..=9) if self.paren && count >= 2 => 72,
            // Spain: 6xx xx xx xx.
            (6..=9, 9) if self.is_form(&[3, 2, 2, 2]) => 66,
            (6..=9, 9) if self.is_form(&[3, 3, 3]) => 45,
            _ if self.paren && (8..=12).contains(&length) && count >= 2 => 62,
            _ => 0,
        };
        let plausible = (6..=13).contains(&length) && self.groups.iter().all(|group| group.length <= 11);
        let other = near.closest(
            a::THING | a::CARD | a::BANK | a::ANY_ID | a::BIRTH,
            a::PHONE | a::NUMBER,
        );
        let score: u8 = match near.closest(a::PHONE, a::THING | a::CARD | a::ANY_ID | a::BANK) {
            true if by_form > 0 => by_form.max(90),
            true if plausible && (length >= 7 || count > 1) && !self.signed(b".") => 75,
            true if plausible && count == 1 && length >= 7 => 75,
            true => return None,
            false if by_form > 0 && other => by_form.saturating_sub(25),
            false if by_form >= 40 && near.closest(a::NUMBER, a::THING | a::CARD | a::ANY_ID | a::BANK) => {
                by_form.max(75)
            }
            false if by_form > 0 => by_form,
            // "My number is".
            false
                if plausible
                    && length >= 8
                    && count <= 5
                    && near.within(a::NUMBER, 12)
                    && near.has(a::WHOSE)
                    && !other =>
            {
                62
            }
            false => return None,
        };
        meant(PersonalKind::Phone, "telephone_number", score)
    }

    /// `01 23 45 67 89`.
    fn is_pairs(&self) -> bool {
        self.groups.len() >= 4 && self.groups.iter().all(|group| group.length == 2) && self.uniform()
    }

    /// A number of which the words before it say whose id it is, whatever its check digit.
    fn labelled(&self, near: &Near<'_>) -> Option<Meant> {
        let length = self.digits.len();
        if !(6..=20).contains(&length) || !self.signed(b"-. /") || self.groups.len() > 7 {
            return None;
        }
        near.label()
    }
}
