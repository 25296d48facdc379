//! The readings of a text: what a model may make of it although a plain search would not. Never judges.
//!
//! The first reading of every text is the text itself, folded: compatibility forms, lookalike letters,
//! accents, invisible and direction characters are gone. Others exist only where the text shows signs
//! of them: encodings, escapes, spaced-out letters, reversed words, hidden elements of markup.
//!
//! Time is linear: each pass goes over a text once, a reading is made from a reading at most
//! [`DEPTH_MAX`] times, and all readings beside the first together hold no more bytes than
//! [`readings_bytes_max`] says. What did not fit is not silently left out: [`Readings::complete`] is then false.

mod encoded;
mod escapes;
mod fold;
mod letters;
mod map;
mod markup;
mod signs;

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;

use map::Map;

pub(crate) use fold::{fold_char, fold_text, fold_word};

/// How many encodings may be put around each other and still be undone.
pub const DEPTH_MAX: u8 = 3;

/// The most readings that one text can have.
pub const READINGS_MAX: usize = 256;

/// The most bytes that all readings beside the first may hold together, for a text of so many bytes.
#[must_use]
pub const fn readings_bytes_max(text_bytes: usize) -> usize {
    text_bytes.saturating_mul(2).saturating_add(4_096)
}

/// One way in which a reading differs from the text that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Via {
    /// Characters of the tag block, which no screen shows.
    Tags,
    /// Bytes written as variation selectors.
    Selectors,
    /// Base64, in either alphabet.
    Base64,
    /// Base32.
    Base32,
    /// Pairs of hexadecimal digits.
    Hex,
    /// Groups of eight binary digits.
    Binary,
    /// Character codes in decimal.
    Decimal,
    /// Morse code.
    Morse,
    /// Percent, entity, backslash escapes.
    Escapes,
    /// Single letters with something between them.
    Spaced,
    /// Written backwards, as a whole or word by word.
    Reversed,
    /// The alphabet turned by thirteen places.
    Rot13,
    /// In a comment, or in an element that is not shown.
    Hidden,
    /// Tags within words, taken out.
    Tagless,
}

/// One reading of a text, folded.
#[derive(Debug)]
pub struct Reading<'a> {
    text: Cow<'a, str>,
    via: Vec<Via>,
    /// From the folded text to the text that was folded.
    folding: Map,
    /// From that text to the folded text of the reading it was made from.
    making: Map,
    parent: Option<usize>,
}

impl Reading<'_> {
    /// The folded text. Case is as it was.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it was reached, outermost first; nothing for the first reading.
    #[must_use]
    pub fn via(&self) -> &[Via] {
        &self.via
    }
}

/// All readings of one text; the first is the text itself.
#[derive(Debug)]
pub struct Readings<'a> {
    text: &'a str,
    all: Vec<Reading<'a>>,
    complete: bool,
}

impl<'a> Readings<'a> {
    /// Every reading of a text.
    // threat: AGP-T1
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let mut making = Making {
            all: Vec::new(),
            bytes_left: readings_bytes_max(text.len()),
            complete: true,
        };
        making.read(Cow::Borrowed(text), None);
        Self {
            text,
            all: making.all,
            complete: making.complete,
        }
    }

    /// The readings, the text's own first.
    #[must_use]
    pub fn all(&self) -> &[Reading<'a>] {
        &self.all
    }

    /// False when the text holds more encodings, or deeper ones, than were undone.
    #[must_use]
    pub const fn complete(&self) -> bool {
        self.complete
    }

    /// Where in the text a stretch of a reading comes from, in bytes; always whole characters.
    #[must_use]
    pub fn origin(&self, reading: usize, span: Range<usize>) -> Range<usize> {
        let (mut at, mut span) = (Some(reading), span);
        while let Some(reading) = at.and_then(|index| self.all.get(index)) {
            span = reading.making.back(reading.folding.back(span));
            at = reading.parent;
        }
        // A character that became several may be met in its middle: all of it is meant.
        let end = self.text.ceil_char_boundary(span.end);
        self.text.floor_char_boundary(span.start).min(end)..end
    }
}

/// A text found inside a reading.
pub(crate) struct Found {
    text: String,
    via: Via,
    making: Map,
}

impl Found {
    /// All of it stands for one stretch of the reading.
    pub(crate) fn whole(text: String, via: Via, from: Range<usize>) -> Self {
        Self {
            text,
            via,
            making: Map::Whole(from),
        }
    }
}

struct Making<'a> {
    all: Vec<Reading<'a>>,
    bytes_left: usize,
    complete: bool,
}

impl<'a> Making<'a> {
    fn read(&mut self, text: Cow<'a, str>, from: Option<(usize, Via, Map)>) {
        let (parent, making, via) = match from {
            None => (None, Map::Same, Vec::new()),
            Some((parent, via, making)) => {
                let mut path = self
                    .all
                    .get(parent)
                    .map(|reading| reading.via.clone())
                    .unwrap_or_default();
                path.push(via);
                (Some(parent), making, path)
            }
        };
        let fold::Folded { text, map, mut found } = fold::fold(text);
        self.look(&text, &via, &mut found);
        let index = self.all.len();
        self.all.push(Reading {
            text,
            via,
            folding: map,
            making,
            parent,
        });
        for Found { text, via, making } in found {
            self.take(index, text, via, making);
        }
    }

    /// Finds the texts inside a text; the letters of what was turned once are not turned again.
    fn look(&self, text: &str, via: &[Via], found: &mut Vec<Found>) {
        let signs = signs::signs(text);
        if signs.runs {
            encoded::runs(text, found);
        }
        if let Some(range) = signs.groups {
            encoded::groups(text, range, found);
        }
        if signs.escapes {
            escapes::find(text, found);
        }
        if let Some(range) = signs.spaced {
            letters::spaced(text, range, found);
        }
        if signs.markup {
            markup::find(text, via.last() == Some(&Via::Tagless), found);
        }
        let turned = via.iter().any(|step| matches!(step, Via::Reversed | Via::Rot13));
        if signs.reversed && !turned {
            letters::reversed(text, found);
        }
        if signs.rot13 && !turned {
            letters::rot13(text, found);
        }
    }

    fn take(&mut self, parent: usize, text: String, via: Via, making: Map) {
        let depth = self.all.get(parent).map_or(0, |reading| reading.via.len());
        let fits = text.len() <= self.bytes_left && self.all.len() < READINGS_MAX;
        if depth >= usize::from(DEPTH_MAX) || !fits {
            self.complete = false;
            return;
        }
        self.bytes_left -= text.len();
        self.read(Cow::Owned(text), Some((parent, via, making)));
    }
}

#[cfg(test)]
mod tests;
