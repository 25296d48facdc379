//! A text as the walk reads it: byte by byte, forward within a bound, and a little backward. Never keeps text.

use std::cell::Cell;
use std::ops::Range;

/// So far ahead of where a finding may start is looked, whatever comes.
pub(crate) const AHEAD_BYTES_MAX: usize = 384;
/// So far behind it is looked.
pub(crate) const BEHIND_BYTES_MAX: usize = 32;
/// A word longer than this is no word.
pub(crate) const WORD_BYTES_MAX: usize = 128;

/// A text, or the part of one that has arrived.
pub(crate) struct Text<'t> {
    bytes: &'t [u8],
    /// Where in the channel the bytes start.
    pub(crate) base: usize,
    complete: bool,
    limit: Cell<usize>,
    hungry: Cell<bool>,
}

impl<'t> Text<'t> {
    pub(crate) const fn new(bytes: &'t [u8], base: usize, complete: bool) -> Self {
        Self {
            bytes,
            base,
            complete,
            limit: Cell::new(0),
            hungry: Cell::new(false),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// From here on, what is asked for beyond the bound is not there.
    pub(crate) fn look_from(&self, at: usize) {
        self.limit.set(at + AHEAD_BYTES_MAX);
    }

    /// The byte at `at`; zero where there is none, or none that may be looked at.
    #[inline]
    pub(crate) fn at(&self, at: usize) -> u8 {
        match self.bytes.get(at) {
            Some(byte) if at < self.limit.get() => *byte,
            Some(_) => 0,
            None => {
                if !self.complete && at < self.limit.get() {
                    self.hungry.set(true);
                }
                0
            }
        }
    }

    /// At most so many bytes from `at` on, as far as they have arrived and may be looked at.
    #[inline]
    fn ahead(&self, at: usize, most: usize) -> &'t [u8] {
        let end = (at + most).min(self.limit.get()).min(self.bytes.len());
        self.bytes.get(at..end).unwrap_or_default()
    }

    /// The byte `back` bytes before `at`; zero before the beginning.
    pub(crate) fn before(&self, at: usize, back: usize) -> u8 {
        debug_assert!(back <= BEHIND_BYTES_MAX, "looks no further than is kept");
        at.checked_sub(back)
            .and_then(|at| self.bytes.get(at))
            .copied()
            .unwrap_or(0)
    }

    /// Whether something was asked for that has not arrived yet.
    pub(crate) const fn is_hungry(&self) -> bool {
        self.hungry.get()
    }

    pub(crate) fn get(&self, range: Range<usize>) -> &'t [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Whether `literal`, in lower case, stands at `at` in any case.
    pub(crate) fn has(&self, at: usize, literal: &[u8]) -> bool {
        literal
            .iter()
            .enumerate()
            .all(|(offset, byte)| self.at(at + offset).to_ascii_lowercase() == *byte)
    }

    /// Whether a word begins at `at`: what is before it is none.
    pub(crate) fn begins(&self, at: usize) -> bool {
        let before = self.before(at, 1);
        !before.is_ascii_alphanumeric() && before != b'_'
    }

    /// Behind the blanks at `at`: spaces, and as many line ends as allowed.
    pub(crate) fn past_blanks(&self, mut at: usize, mut lines: usize, most: usize) -> usize {
        let end = at + most;
        while at < end {
            match self.at(at) {
                b' ' | b'\t' | b'\r' => {}
                b'\n' if lines > 0 => lines -= 1,
                0xC2 if self.at(at + 1) == 0xA0 => at += 1,
                _ => break,
            }
            at += 1;
        }
        at
    }

    /// How many digits stand at `at`, counting to `most`.
    pub(crate) fn digits(&self, at: usize, most: usize) -> usize {
        (0..most)
            .take_while(|offset| self.at(at + offset).is_ascii_digit())
            .count()
    }
}

/// A run of letters and digits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Word {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The classes of its bytes, of [`LOWER`], [`UPPER`], [`DIGIT`] and [`BEYOND`].
    classes: u8,
    /// Begins with a capital.
    pub(crate) capital: bool,
    /// Its letters without regard to case.
    pub(crate) hash: u64,
}

/// Classes of bytes in words.
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 4;
/// Beyond ASCII.
const BEYOND: u8 = 8;

/// The class of each byte; zero of those that are in no word.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where iterators cannot be"
)]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            0x80.. => BEYOND,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

impl Word {
    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn has_digit(&self) -> bool {
        self.classes & DIGIT != 0
    }

    pub(crate) const fn is_number(&self) -> bool {
        self.classes == DIGIT
    }

    pub(crate) const fn is_capitals(&self) -> bool {
        self.classes == UPPER
    }

    /// As a name is written: a capital, and then small letters; or all capitals.
    pub(crate) const fn is_name_like(&self) -> bool {
        self.capital && !self.has_digit() && (self.classes & (LOWER | BEYOND) != 0 || self.len() > 1)
    }
}

const HASH_START: u64 = 0xCBF2_9CE4_8422_2325;
const HASH_STEP: u64 = 0x0000_0100_0000_01B3;

/// FNV-1a, one byte more, without regard to case; of Latin-1 letters in UTF-8 too.
#[inline]
const fn hashed(hash: u64, before: u8, byte: u8) -> u64 {
    let small = match (before, byte) {
        (_, b'A'..=b'Z') => byte | 0x20,
        (0xC3, 0x80..=0x9E) => byte | 0x20,
        _ => byte,
    };
    (hash ^ small as u64).wrapping_mul(HASH_STEP)
}

/// The hash of a word, as [`word_at`] makes it.
pub(crate) fn hash_of(word: &str) -> u64 {
    let mut before = 0;
    word.bytes().fold(HASH_START, |hash, byte| {
        let next = hashed(hash, before, byte);
        before = byte;
        next
    })
}

/// Whether the byte begins a character that is no letter, although it is beyond ASCII: signs of Latin-1, general
/// punctuation, signs of Chinese and full-width texts.
const fn begins_sign(byte: u8, next: u8) -> bool {
    matches!((byte, next), (0xC2, _) | (0xE2, _) | (0xE3, 0x80) | (0xEF, 0xBC))
}

/// The length of the character that begins with this byte.
pub(crate) const fn char_bytes(lead: u8) -> usize {
    match lead {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0.. => 4,
        _ => 1,
    }
}

/// The word that begins at `at`; `parts` gets hash and end of its parts where `aWordIsWrittenSo`. Stops at the longest
/// a word may be.
pub(crate) fn word_at(text: &Text<'_>, at: usize, mut parts: impl FnMut(u64, usize)) -> Word {
    let mut word = Word {
        start: at,
        end: at,
        hash: HASH_START,
        ..Word::default()
    };
    let bytes = text.ahead(at, WORD_BYTES_MAX);
    let first = bytes.first().copied().unwrap_or(0);
    let wide = first >= 0xE3;
    word.capital = first.is_ascii_uppercase() || is_capital(first, bytes.get(1).copied().unwrap_or(0));
    let (mut before, mut part, mut was) = (0, None, 0);
    for (offset, byte) in bytes.iter().copied().enumerate() {
        let class = CLASSES.get(usize::from(byte)).copied().unwrap_or(0);
        match class {
            0 => break,
            BEYOND => {
                let next = if byte >= 0xC0 { text.at(word.end + 1) } else { 0 };
                if begins_sign(byte, next) || (byte >= 0xE3 && !wide) {
                    break;
                }
            }
            _ if wide => break,
            UPPER if was == LOWER => {
                parts(part.unwrap_or(word.hash), word.end);
                part = Some(HASH_START);
            }
            _ => {}
        }
        word.classes |= class;
        was = class;
        word.hash = hashed(word.hash, before, byte);
        part = part.map(|part| hashed(part, before, byte));
        before = byte;
        word.end = at + offset + 1;
    }
    // What stands behind the word is asked for, so that a word that has not arrived whole is none yet.
    if word.len() < WORD_BYTES_MAX {
        text.at(word.end);
    }
    if let Some(part) = part {
        parts(part, word.end);
    }
    word
}

/// Whether a character beyond ASCII is a capital, by its first two bytes: Latin-1, Latin Extended-A, Greek, Cyrillic.
const fn is_capital(lead: u8, next: u8) -> bool {
    match lead {
        0xC3 => next < 0xA0,
        0xC4 => next.is_multiple_of(2) && next < 0xB8,
        0xC5 => matches!((next, next % 2), (..=0x88 | 0xB9.., 1) | (0x8A..=0xB8, 0)),
        0xCE => next >= 0x91 && next <= 0xAB,
        0xD0 => next < 0xB0,
        _ => false,
    }
}
