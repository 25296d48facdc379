//! Letters that stand apart or turned: spaced out, backwards, thirteen places on. Never looks at meaning.

use std::ops::Range;

use super::map::Map;
use super::signs::{self, rot13 as turn};
use super::{Found, Via};

/// The fewest single letters in a row that make a word of it.
const SINGLES_MIN: usize = 5;

/// So much around the letters that stand apart is looked at too.
const AROUND_BYTES: usize = 64;

/// Joins letters that have one sign between each two; a wider gap ends a word. Looks at a range of the text, in bytes.
pub(super) fn spaced(text: &str, range: Range<usize>, found: &mut Vec<Found>) {
    let start = text.floor_char_boundary(range.start.saturating_sub(AROUND_BYTES));
    let end = text.ceil_char_boundary(range.end + AROUND_BYTES);
    let (head, tail) = (
        text.get(..start).unwrap_or_default(),
        text.get(end..).unwrap_or_default(),
    );
    let mut run = Run::default();
    let inside = text.get(start..end).unwrap_or_default();
    let mut chars = inside.char_indices().map(|(at, c)| (start + at, c)).peekable();
    let mut before = head.chars().next_back();
    while let Some((at, c)) = chars.next() {
        let next = chars
            .peek()
            .map(|(_, next)| *next)
            .or_else(|| tail.chars().next());
        let alone = c.is_alphanumeric()
            && !before.is_some_and(char::is_alphanumeric)
            && !next.is_some_and(char::is_alphanumeric);
        if alone {
            run.letter(c, at);
        } else if c.is_alphanumeric() {
            run.end(found);
        } else {
            run.gap(c);
        }
        before = Some(c);
    }
    run.end(found);
}

/// Single letters met one after the other.
#[derive(Default)]
struct Run {
    text: String,
    /// What stands between the letters of a word.
    usual: Option<String>,
    /// Characters, how many of them are letters, and how many gaps are the usual one.
    letters: usize,
    alphabetic: usize,
    regular: usize,
    start: usize,
    end: usize,
    gap: String,
}

impl Run {
    fn letter(&mut self, c: char, at: usize) {
        if self.letters == 0 {
            self.start = at;
        } else {
            self.space();
        }
        self.gap.clear();
        self.text.push(c);
        self.letters += 1;
        self.alphabetic += usize::from(c.is_alphabetic());
        self.end = at + c.len_utf8();
    }

    /// The first gap is the spacing itself; any other ends a word.
    fn space(&mut self) {
        let usual = self.usual.get_or_insert_with(|| self.gap.clone());
        if usual.len() > self.gap.len() && usual.contains(self.gap.as_str()) {
            // What was taken for the spacing was the gap between words of one letter.
            self.text = self.text.chars().flat_map(|c| [c, ' ']).collect();
            self.text.pop();
            self.regular = 0;
            usual.clone_from(&self.gap);
        }
        if *usual == self.gap {
            self.regular += 1;
        } else {
            let signs = self.gap.trim().chars().filter(|sign| !usual.contains(*sign));
            self.text.extend(signs.take(2));
            self.text.push(' ');
        }
    }

    fn gap(&mut self, c: char) {
        if self.letters > 0 && self.gap.len() < 8 {
            self.gap.push(c);
        }
    }

    fn end(&mut self, found: &mut Vec<Found>) {
        let run = std::mem::take(self);
        // Letters of formulas and lists have other signs between each two, or are digits.
        let spaced = run.regular * 2 >= run.letters && run.alphabetic * 3 >= run.letters * 2;
        if run.letters >= SINGLES_MIN && spaced {
            found.push(Found {
                text: run
                    .text
                    .split(' ')
                    .map(signs::apart)
                    .collect::<Vec<_>>()
                    .join(" "),
                via: Via::Spaced,
                making: Map::Whole(run.start..run.end),
            });
        }
    }
}

/// The text backwards, and the text with each word backwards.
pub(super) fn reversed(text: &str, found: &mut Vec<Found>) {
    let all = 0..text.len();
    found.push(Found::whole(text.chars().rev().collect(), Via::Reversed, all));
    let mut words = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        words.extend(word.chars().rev());
        words.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    found.push(Found {
        text: words,
        via: Via::Reversed,
        making: Map::Same,
    });
}

/// The letters thirteen places on.
pub(super) fn rot13(text: &str, found: &mut Vec<Found>) {
    let turned = text
        .chars()
        .map(|c| u8::try_from(c).map_or(c, |byte| char::from(turn(byte))))
        .collect();
    found.push(Found {
        text: turned,
        via: Via::Rot13,
        making: Map::Same,
    });
}
