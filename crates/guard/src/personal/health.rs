//! Conditions of health, where the words before them say that somebody has one. Never takes the name of an illness alone.

use crate::personal::near::Near;
use crate::personal::text::{Text, Word, word_at};
use crate::personal::words::{Words, about, part};

/// So far behind who it is about, or what says that somebody is ill, a condition is theirs.
const WHOSE_BYTES: usize = 24;
const ILL_BYTES: usize = 40;

/// Where the condition that begins with `word` ends, and how sure it is: `hepatitis C`, `bipolar disorder`.
pub(crate) fn condition(text: &Text<'_>, words: &Words, word: &Word, near: &Near<'_>) -> Option<(usize, u8)> {
    let score = match () {
        () if near.within(about::ILL, ILL_BYTES) => 72,
        () if near.within(about::WHOSE, WHOSE_BYTES) => 64,
        () => return None,
    };
    let behind = match text.at(word.end) {
        b' ' => word_at(text, word.end + 1, |_, _| ()),
        _ => return Some((word.end, score)),
    };
    let type_of = behind.len() == 1 && behind.capital;
    let more = words.get(behind.hash).does(part::CONDITION);
    Some((if type_of || more { behind.end } else { word.end }, score))
}
