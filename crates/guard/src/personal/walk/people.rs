//! Names of people and of accounts, by what stands before them. Never keeps a name, only where one may follow.

use super::{Search, Walk, of};
use crate::personal::kinds::PersonalKind;
use crate::personal::names;
use crate::personal::numbers::Meant;
use crate::personal::text::{Text, Word};
use crate::personal::words::{Known, part};

/// So far behind a field's name its value begins.
const FIELD_BYTES: usize = 6;
/// The score of a name by lists alone: of which all words, or the first is listed.
const LISTED_SCORE: u8 = 55;
const HALF_LISTED_SCORE: u8 = 45;
/// The score of such a name with other data of a person beside it.
const BESIDE_SCORE: u8 = 66;

/// Whether a name is announced, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    No,
    /// "name".
    ByLabel,
    /// "my name is".
    ByIntroduction,
    /// "I am".
    BySelf,
    /// "Mrs".
    ByTitle,
    /// "Dear".
    ByGreeting,
    /// "Sincerely".
    ByClosing,
    /// "Client:", "Hi": what stands before other things as often.
    ByField,
    /// "This is".
    ByThis,
}

impl Walk {
    /// The name that begins with the word, where one is announced, or the lists say so.
    pub(super) fn name(
        &self,
        search: &Search,
        text: &Text<'_>,
        word: &Word,
        known: Known,
    ) -> Option<(Meant, usize)> {
        let announced = match self.announced {
            Announced::ByField if !self.is_field(text, word.start) => Announced::No,
            announced => announced,
        };
        let passed = text.base + word.start < self.no_name_to || !search.lists.is_given(word.hash);
        if announced == Announced::No && passed {
            return None;
        }
        if known.does(part::TITLE) && announced == Announced::No {
            return None;
        }
        let named = names::name(text, &search.words, &search.lists, word, known)?;
        let (whole, listed) = (named.words >= 2, named.listed > 0);
        let given = search.lists.is_given(word.hash);
        let by_list = match () {
            () if !given || !whole => 0,
            () if named.last_listed => LISTED_SCORE,
            () => HALF_LISTED_SCORE,
        };
        let beside = || {
            by_list == LISTED_SCORE
                && (text.base + word.start < self.beside_to || names::is_before_address(text, named.end))
        };
        let score = match announced {
            Announced::ByIntroduction if whole || listed => 82,
            Announced::ByIntroduction => 66,
            Announced::ByLabel if listed => 78,
            Announced::ByLabel if whole => 66,
            Announced::ByLabel => 50,
            Announced::BySelf if listed => 72,
            Announced::ByTitle if whole => 72,
            Announced::ByTitle => 58,
            Announced::ByGreeting if listed => 68,
            Announced::ByGreeting if whole && text.at(named.end) == b',' => 62,
            Announced::ByClosing if listed || whole => 68,
            Announced::ByGreeting | Announced::ByClosing => 45,
            Announced::ByField if whole && listed => 68,
            Announced::ByThis if by_list > 0 => 66,
            _ if beside() => BESIDE_SCORE,
            _ if by_list > 0 => by_list,
            _ => return None,
        };
        Some((of(PersonalKind::Name, "person", score), named.end))
    }

    /// Whether a sign stands between a field's name and the place: `:`, `=`, or the end of a line.
    pub(super) fn is_field(&self, text: &Text<'_>, at: usize) -> bool {
        let apart = (text.base + at).saturating_sub(self.announced_at);
        (1..=apart.min(FIELD_BYTES)).any(|back| matches!(text.before(at, back), b':' | b'=' | b'\n'))
    }

    /// The name of an account, where "username:" or the like is right before it.
    pub(super) fn username(&self, search: &Search, text: &Text<'_>, word: &Word) -> Option<usize> {
        if !search.kinds.has(PersonalKind::Username) {
            return None;
        }
        if text.base + word.start > self.user_to {
            return None;
        }
        let labelled = (1..=4)
            .map(|back| text.before(word.start, back))
            .take_while(|byte| !byte.is_ascii_alphanumeric())
            .any(|byte| matches!(byte, b':' | b'=' | b'@'));
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let mut end = word.start;
        while end < word.start + 40 && is_part(text.at(end)) {
            end += 1;
        }
        while end > word.start && !text.at(end - 1).is_ascii_alphanumeric() {
            end -= 1;
        }
        let shown = text.get(word.start..end);
        let letters = shown.iter().any(u8::is_ascii_alphabetic);
        let digits = shown.iter().any(u8::is_ascii_digit);
        (labelled && letters && digits && shown.len() >= 4 && text.at(end) != b'(').then_some(end)
    }

    /// Notes whether the next word may be a name.
    pub(super) fn announce(&mut self, text: &Text<'_>, word: &Word, known: Known) {
        let base = text.base;
        let follows = text.at(word.end);
        let breaks = matches!(follows, b',' | b'\n' | b'\r' | b'!');
        let next = match () {
            () if known.does(part::TITLE)
                && (word.capital || word.len() > 4 || self.announced == Announced::ByTitle)
                && matches!(follows, b'.' | b' ') =>
            {
                Announced::ByTitle
            }
            () if known.does(part::NAME) => Announced::ByLabel,
            () if known.does(part::GREETING) && word.capital => Announced::ByGreeting,
            () if known.does(part::CLOSING) && (breaks || word.capital && !known.does(part::NO_NAME)) => {
                Announced::ByClosing
            }
            () if known.does(part::SELF) => Announced::BySelf,
            // "is" keeps what was announced, if it follows at once.
            () if known.does(part::LINK) && self.still_announced(text, word.start) => match self.announced {
                Announced::ByLabel => Announced::ByIntroduction,
                Announced::ByField => Announced::ByThis,
                announced => announced,
            },
            () if known.does(part::FIELD) => Announced::ByField,
            () if known.does(part::THIS) => Announced::ByThis,
            () => Announced::No,
        };
        self.announced = next;
        self.announced_at = base + word.end;
    }

    pub(super) fn still_announced(&self, text: &Text<'_>, at: usize) -> bool {
        self.announced != Announced::No && text.base + at <= self.announced_at + 4
    }
}
