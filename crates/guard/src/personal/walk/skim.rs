//! The quick way through a text: past signs, and past words that begin nothing and announce nothing. It does to the walk
//! what steps would do; a test compares them. Never reports anything.

use crate::personal::kinds::PersonalKind;
use crate::personal::text::{Text, char_bytes, plain_word};
use crate::personal::words::{about, part};

use super::{Announced, Search, Walk, left_is_free};
use crate::personal::machines;
use crate::personal::numbers::DIGITS_MIN;
use crate::personal::streets;

/// A place is passed only if so many bytes behind it have arrived: the longest word that is passed, or a local part and
/// its `@`, and what is looked at behind them.
const AHEAD_BYTES: usize = machines::LOCAL_BYTES_MAX + 8;
/// So far ahead an `@` is looked for at once.
const SOUGHT_BYTES: usize = 512;

/// What a byte does at the beginning of something: a word in small letters, a word with a capital,
const SMALL: u8 = 0;
const CAPITAL: u8 = 1;
/// nothing, nothing as a sign beyond ASCII, a number if a digit follows, a digit, or what has to be looked at closely.
const SIGN: u8 = 2;
const WIDE: u8 = 3;
const OPENS: u8 = 4;
const DIGIT: u8 = 5;
const ELSE: u8 = 6;

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where iterators cannot be"
)]
const FIRSTS: [u8; 256] = {
    let mut firsts = [SIGN; 256];
    let mut byte = 0;
    while byte < firsts.len() {
        firsts[byte] = match byte as u8 {
            b'a'..=b'z' => SMALL,
            b'A'..=b'Z' => CAPITAL,
            b'+' | b'(' => OPENS,
            0xC2 | 0xE2 => WIDE,
            b'0'..=b'9' => DIGIT,
            0x80.. => ELSE,
            _ => SIGN,
        };
        byte += 1;
    }
    firsts
};

/// What a small word may be that has to be looked at.
const SMALL_PARTS: u32 = part::NAME
    | part::FIELD
    | part::THIS
    | part::TITLE
    | part::CLOSING
    | part::SELF
    | part::MONTH
    | part::STREET_FIRST
    | part::BOX
    | part::CONDITION;
/// What a word with a capital may be.
const CAPITAL_PARTS: u32 = SMALL_PARTS | part::TITLE | part::GREETING | part::CLOSING | part::UNIT;

impl Walk {
    /// From `at` on, where the first thing stands that a step has to look at. Looks at what has arrived alone.
    pub(crate) fn skim(&mut self, search: &Search, text: &Text<'_>, mut at: usize) -> usize {
        let bytes = text.bytes();
        let Some(last) = bytes.len().checked_sub(AHEAD_BYTES) else {
            return at;
        };
        if at >= last || text.before(at, 1).is_ascii_alphanumeric() {
            return at;
        }
        let lists = search.kinds.has(PersonalKind::Name);
        while at < last {
            let Some(byte) = bytes.get(at).copied() else { break };
            let first = FIRSTS.get(usize::from(byte)).copied().unwrap_or(ELSE);
            if first > CAPITAL {
                let passed = match first {
                    SIGN => 1,
                    WIDE => char_bytes(byte),
                    OPENS if !matches!(bytes.get(at + 1), Some(b'0'..=b'9' | b'+' | b'(')) => 1,
                    DIGIT => match self.passes_number(search, text, at) {
                        Some(length) => length,
                        None => break,
                    },
                    _ => break,
                };
                at += passed;
                continue;
            }
            let capital = first == CAPITAL;
            let Some((hash, end)) = plain_word(bytes, at) else {
                break;
            };
            if !self.passes(search, bytes, text.base, (at, end), (hash, capital, lists)) {
                break;
            }
            at = end + usize::from(bytes.get(end) == Some(&b' '));
        }
        at
    }

    /// Takes note of a word of letters, if that is all there is to do.
    #[inline]
    fn passes(
        &mut self,
        search: &Search,
        bytes: &[u8],
        base: usize,
        (at, end): (usize, usize),
        (hash, capital, lists): (u64, bool, bool),
    ) -> bool {
        let known = search.words.get(hash);
        let announced = self.announced != Announced::No;
        let mut cares = if capital { CAPITAL_PARTS } else { SMALL_PARTS };
        cares |= if announced { part::LINK } else { 0 };
        if known.parts & cares != 0
            || known.about & about::USER != 0
            || base + at <= self.user_to
            || capital && (announced || lists && search.lists.is_given(hash))
        {
            return false;
        }
        let follows = bytes.get(end).copied().unwrap_or(0);
        let after = bytes.get(end + 1).copied().unwrap_or(0);
        let shown = bytes.get(at..end).unwrap_or_default();
        let sentence_ends = follows == b'.' && matches!(after, b' ' | b'\n');
        if follows != b' ' && !sentence_ends {
            if machines::may_be_local(follows)
                && !machines::is_of_no_domain(bytes, end)
                && !self.is_free_of_at(bytes, base, (at, end))
            {
                return false;
            }
            // Groups of hexadecimal digits, letters before a number, pages of people.
            let code = matches!(follows, b':' | b'-' | b'.')
                && (shown.len() <= 4 && shown.iter().all(u8::is_ascii_hexdigit)
                    || shown.len() == 1
                    || follows == b'.' && machines::may_be_profile(byte_at(shown)));
            if code {
                return false;
            }
        }
        if capital && matches!(follows, b' ' | b'-' | b'.' | b',') {
            let last = bytes.get(end + 2).copied().unwrap_or(0);
            let number = match follows {
                b' ' | b'-' => after.is_ascii_digit(),
                _ => after == b' ' && last.is_ascii_digit() || after.is_ascii_digit(),
            };
            // Of a run of words with capitals that no number follows, no word begins a street.
            let goes_on = base + end >= self.no_house_to
                && matches!(follows, b' ' | b'-')
                && (after.is_ascii_uppercase() || after >= 0xC3);
            if number || goes_on || streets::may_end(shown) {
                return false;
            }
        }
        if known.about != 0 {
            let about = self.with_id(known.about, base + at);
            self.seen.note(about, base + end);
        }
        self.announced = Announced::No;
        true
    }

    /// How many bytes to go on, past a number that is too short to be anything alone.
    fn passes_number(&mut self, search: &Search, text: &Text<'_>, at: usize) -> Option<usize> {
        let (bytes, base) = (text.bytes(), text.base);
        let shown = bytes.get(at..at + DIGITS_MIN)?;
        let digits = shown.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let end = at + digits;
        let (follows, after) = (*bytes.get(end)?, *bytes.get(end + 1)?);
        let near = self.seen.near(base + at);
        let is_sign = |byte: &u8| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')');
        let behind = bytes.get(end..end + 4)?.iter().position(|byte| !is_sign(byte));
        let goes_on = match behind.and_then(|signs| bytes.get(end + signs)) {
            None | Some(b'0'..=b'9' | 0x80..) => true,
            Some(_) => {
                matches!(follows, b':' | b'-' | b'.') && (after.is_ascii_alphanumeric() || after == b':')
            }
        };
        // "am 12. März 1985 geboren".
        let day = digits <= 2 && follows == b'.' && after == b' ';
        if digits >= DIGITS_MIN
            || day
            || follows.is_ascii_alphabetic()
            || follows >= 0x80
            || goes_on
            || near.has(about::BIRTH | about::ADDRESS)
            || base + at <= self.user_to
            || begins_street(search, bytes, end)
            || machines::may_be_local(follows)
                && !machines::is_of_no_domain(bytes, end)
                && !self.is_free_of_at(bytes, base, (at, end))
        {
            return None;
        }
        if left_is_free(text, at) {
            self.in_row(text, at);
            self.row_to = base + end;
        }
        self.announced = Announced::No;
        Some(digits + usize::from(follows == b' '))
    }

    /// Whether no address can begin with the word from `at` to `end`, since no `@` is near enough.
    pub(super) fn is_free_of_at(&mut self, bytes: &[u8], base: usize, (at, end): (usize, usize)) -> bool {
        let needed = end.max(at + machines::LOCAL_BYTES_MAX) + 2;
        let mut known = self.no_at_to.saturating_sub(base).max(at);
        while known < needed {
            let sought = bytes
                .get(known..bytes.len().min(known + SOUGHT_BYTES))
                .unwrap_or_default();
            let found = sought.iter().position(|byte| *byte == b'@');
            known += found.unwrap_or(sought.len());
            if found.is_some() || sought.is_empty() {
                break;
            }
        }
        self.no_at_to = base + known;
        known >= needed
    }
}

fn byte_at(word: &[u8]) -> u8 {
    word.first().map_or(0, u8::to_ascii_lowercase)
}

/// Whether what follows a house number that ends at `end` may be a street.
fn begins_street(search: &Search, bytes: &[u8], end: usize) -> bool {
    let behind = bytes.get(end..end + 5).unwrap_or_default();
    let blank = |byte: &u8| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n');
    let Some(gap) = behind.iter().position(|byte| !blank(byte)) else {
        return true;
    };
    let at = end + gap;
    match behind.get(gap) {
        _ if gap == 0 => false,
        Some(b'a'..=b'z') => plain_word(bytes, at).is_none_or(|(hash, word_end)| {
            search.words.get(hash).does(STREET_PARTS) || bytes.get(at..word_end) == Some(b"bis")
        }),
        Some(byte) => byte.is_ascii_alphanumeric() || *byte >= 0x80,
        None => true,
    }
}

/// What a small word may be that a street begins with.
const STREET_PARTS: u32 = part::STREET_FIRST | part::STREET | part::STREET_WEAK | part::PARTICLE;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::finding::Finding;
    use crate::personal::{Personal, PersonalKinds};

    /// What is found where every place is looked at closely, and where most are passed.
    fn both(personal: &Personal, text: &str) -> (Vec<Finding>, Vec<Finding>) {
        let (mut closely, mut quickly) = (Vec::new(), Vec::new());
        personal.scan(text, &mut quickly);
        let text = Text::new(text.as_bytes(), 0, true);
        let (mut walk, mut at) = (Walk::new(), 0);
        while at < text.len() {
            at = walk.step(&personal.0, &text, at, &mut closely);
        }
        (closely, quickly)
    }

    fn piece() -> impl Strategy<Value = String> {
        let words = "the of is my name am Anna Dear Miller Dr. Sincerely born May 17 1980 dob phone call number card account id ID passport user \
            username anna99 live at rue de la Paix Lange Straße Hauptstr. 12 Main Street Rosa-Parks-Allee via place dead beef: ab:cd: fe80:: x.com/anna \
            linkedin.com/in/anna a.b@c.de it's e.g. snake_case camelCase HTTP 192.168.7.9 iban DE89 3704 0044 0532 0130 00 +49 (030) 4111 1111 1111 1111 \
            1.5 2024-05-17 51.5074 lat order ssn 536-90-4399 Ünal Müller déjà 漢字";
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let signs = [
            " ", " ", " ", ". ", ", ", ": ", "\n", "-", "_", ".", "@", "/", "(", "+", "=", "'", "\u{a0}",
            "–", "",
        ];
        prop_oneof![
            6 => (prop::sample::select(words), prop::sample::select(signs.to_vec())).prop_map(|(word, sign)| word + sign),
            2 => "[a-z]{1,60} ",
            1 => "[A-Za-z][a-z]{0,9}[ .,:@-]",
            1 => "[ -~]{1,12}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_passed_is_nothing(pieces in prop::collection::vec(piece(), 0..40)) {
            static USUAL: LazyLock<Personal> = LazyLock::new(Personal::new);
            static ALL: LazyLock<Personal> = LazyLock::new(|| Personal::with(PersonalKinds::ALL, 1));
            // Behind the last place that is passed there has to be something.
            let text = [pieces.concat(), " ".repeat(AHEAD_BYTES)].concat();
            for personal in [&*USUAL, &*ALL] {
                let (closely, quickly) = both(personal, &text);
                prop_assert_eq!(closely, quickly, "{}", text);
            }
        }
    }
}
