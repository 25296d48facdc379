//! Cuts a folded text into words, and says which classes each belongs to. Never keeps text: a word is a
//! hash, a place and classes.
//!
//! Digits and signs that stand for letters (`1gn0r3`, `p@ssw0rd`) are read as those letters where that
//! makes a word of the lists. Han and Kana, which have no spaces, become pairs of characters.

use super::lexicon::{Classes, Lexicon, ROLE_LINE, ROLE_NAME};

/// One word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    /// Of the whole word in lower case.
    pub(crate) hash: u32,
    /// The same with letters that look alike made one, and what stands for letters read as them.
    pub(crate) shape: u32,
    /// Of the first letters of that, for forms of one word.
    pub(crate) stem: u32,
    /// Bytes of the word, up to 255.
    pub(crate) length: u8,
    /// No word but a number, a key, a hash, a piece of an encoding.
    pub(crate) coded: bool,
    /// The classes of the lists that the word belongs to, as bits.
    pub(crate) classes: Classes,
    /// Bytes of the text.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Its number among the words, where the end of a sentence counts as words too.
    pub(crate) place: u32,
}

/// What the end of a sentence or line counts, in words.
const STOP_WORDS: u32 = 2;
/// The longest word with signs for letters in it.
const SIGNED_BYTES_MAX: usize = 32;
/// Longer ones are no words: keys, hashes, encodings.
const PLAIN_BYTES_MAX: usize = 24;
/// With digits in them words are between these long: `m4ke` may be one, `6e` and `aGVsbG8gd29y` are not.
const DIGIT_BYTES: std::ops::RangeInclusive<usize> = 3..=12;
/// Letters that make a stem.
const STEM_BYTES: usize = 5;

pub(crate) const SEED: u32 = 0x811C_9DC5;

/// One more byte of a word.
pub(crate) const fn mix(hash: u32, byte: u8) -> u32 {
    (hash ^ (byte as u32)).wrapping_mul(0x0100_0193)
}

/// The hash of a whole word.
pub(crate) fn hash(word: &[u8]) -> u32 {
    word.iter().fold(SEED, |hash, byte| mix(hash, *byte))
}

const SPACE: u8 = 0;
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SIGN: u8 = 3;
const STOP: u8 = 4;
const WIDE: u8 = 5;
const BACKSLASH: u8 = 6;

/// In the table: the class in the low bits of the first, the letter in lower case in the second.
static BYTES: [(u8, u8); 256] = bytes();

const fn bytes() -> [(u8, u8); 256] {
    let mut table = [(SPACE, 0); 256];
    let mut byte = 0;
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    while byte < 256 {
        let value = byte as u8;
        table[byte] = match value {
            b'a'..=b'z' => (LETTER, value),
            b'A'..=b'Z' => (LETTER, value + 32),
            b'0'..=b'9' => (DIGIT, value),
            b'@' | b'$' | b'!' | b'|' | b'+' => (SIGN, value),
            b'.' | b'?' | b';' | b'\n' => (STOP, value),
            b'\\' => (BACKSLASH, value),
            0x80.. => (WIDE, value),
            _ => (SPACE, value),
        };
        byte += 1;
    }
    table
}

/// The letter that a digit or sign stands for; letters that look alike become one.
pub(crate) const fn plain(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'l' | b'!' | b'|' => b'i',
        b'2' => b'z',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'6' | b'9' => b'g',
        b'7' | b'+' => b't',
        b'8' => b'b',
        other => other,
    }
}

/// [`plain`] of every byte.
static SHAPES: [u8; 256] = shapes();

const fn shapes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    while byte < 256 {
        table[byte] = plain(byte as u8);
        byte += 1;
    }
    table
}

/// The word at hand.
struct Word {
    hash: u32,
    stem: u32,
    plain: u32,
    classes: Classes,
    length: usize,
    start: usize,
    letters: bool,
    digits: bool,
    signs: bool,
}

impl Word {
    const fn at(start: usize) -> Self {
        Self {
            hash: SEED,
            stem: SEED,
            plain: SEED,
            classes: 0,
            length: 0,
            start,
            letters: false,
            digits: false,
            signs: false,
        }
    }

    fn coded(&self) -> bool {
        let numbered = self.digits && !(self.letters && DIGIT_BYTES.contains(&self.length));
        self.classes == 0 && (numbered || self.length > PLAIN_BYTES_MAX)
    }

    fn push(&mut self, byte: u8, lexicon: &Lexicon) {
        self.hash = mix(self.hash, byte);
        let shape = SHAPES.get(usize::from(byte)).copied().unwrap_or(byte);
        self.plain = mix(self.plain, shape);
        self.length += 1;
        if self.length <= STEM_BYTES {
            self.stem = self.plain;
        }
        if self.length >= 4 {
            self.classes |= lexicon.stem(self.hash);
        }
    }
}

/// The words of a text, in order.
pub(crate) fn tokens(text: &str, lexicon: &Lexicon) -> Vec<Token> {
    let mut cut = Cut {
        lexicon,
        text,
        out: Vec::with_capacity(text.len() / 5 + 8),
        place: 0,
        line_start: true,
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (class, _) = class_of(*byte);
        at = match class {
            LETTER | DIGIT | SIGN => cut.word(bytes, at),
            WIDE => cut.wide(at),
            STOP => {
                cut.place += STOP_WORDS;
                cut.line_start |= *byte == b'\n';
                at + 1
            }
            // `\n` in a JSON string is a line end, not the letter n.
            BACKSLASH if matches!(bytes.get(at + 1), Some(b'n' | b'r' | b't')) => {
                cut.line_start = true;
                at + 2
            }
            _ => at + 1,
        };
    }
    cut.out
}

fn class_of(byte: u8) -> (u8, u8) {
    BYTES.get(usize::from(byte)).copied().unwrap_or((SPACE, 0))
}

struct Cut<'a> {
    lexicon: &'a Lexicon,
    text: &'a str,
    out: Vec<Token>,
    place: u32,
    line_start: bool,
}

impl Cut<'_> {
    /// Takes a word of ASCII, or of letters of other scripts; returns where it ends.
    fn word(&mut self, bytes: &[u8], start: usize) -> usize {
        let mut word = Word::at(start);
        let mut at = start;
        let mut first_sign = false;
        while let Some(byte) = bytes.get(at) {
            // A run with a sign in it is looked at twice.
            if first_sign && at - start >= SIGNED_BYTES_MAX {
                break;
            }
            let (class, lower) = class_of(*byte);
            match class {
                LETTER => word.letters = true,
                DIGIT => word.digits = true,
                SIGN => {
                    // A sign ends most words; it is a letter's stand-in only before another letter or digit.
                    let next = bytes.get(at + 1).map_or(SPACE, |next| class_of(*next).0);
                    if !matches!(next, LETTER | DIGIT | SIGN) && at > start && !self.stands_in(&word, *byte) {
                        break;
                    }
                    word.signs = true;
                    first_sign = true;
                }
                WIDE if self.wide_letter(at).is_some() => {
                    let length = self.wide_letter(at).unwrap_or(1);
                    word.letters = true;
                    for byte in bytes.get(at..at + length).unwrap_or_default() {
                        word.push(*byte, self.lexicon);
                    }
                    at += length;
                    continue;
                }
                _ => break,
            }
            word.push(lower, self.lexicon);
            at += 1;
        }
        self.end(&word, at, first_sign, bytes)
    }

    /// Whether a word with this sign at its end is one of the lists.
    fn stands_in(&self, word: &Word, sign: u8) -> bool {
        self.lexicon.plain(mix(word.plain, plain(sign))).is_some() && self.lexicon.plain(word.plain).is_none()
    }

    fn end(&mut self, word: &Word, end: usize, first_sign: bool, bytes: &[u8]) -> usize {
        // Two characters of which one is a digit are a code, not a word.
        let mixed = word.signs || (word.digits && word.letters && word.length > 2);
        if mixed && let Some((hash, classes)) = self.lexicon.plain(word.plain) {
            self.push((hash, classes), word, end);
            return end;
        }
        if first_sign {
            // No word of the lists: signs are signs, and what stands between them words of their own.
            self.pieces(word.start, end, bytes);
            return end;
        }
        let classes = word.classes | self.lexicon.exact(word.hash);
        self.push((word.hash, classes), word, end);
        end
    }

    /// Takes the words between the signs of a run.
    fn pieces(&mut self, start: usize, end: usize, bytes: &[u8]) {
        let mut from = start;
        for piece in bytes
            .get(start..end)
            .unwrap_or_default()
            .split(|byte| class_of(*byte).0 == SIGN)
        {
            let mut word = Word::at(from);
            for byte in piece {
                word.letters |= byte.is_ascii_alphabetic();
                word.digits |= byte.is_ascii_digit();
                word.push(class_of(*byte).1, self.lexicon);
            }
            let to = from + piece.len();
            if !piece.is_empty() {
                let classes = word.classes | self.lexicon.exact(word.hash);
                self.push((word.hash, classes), &word, to);
            }
            from = to + 1;
        }
    }

    fn push(&mut self, (hash, classes): (u32, Classes), word: &Word, end: usize) {
        let mut classes = classes;
        let bytes = self.text.as_bytes();
        if self.line_start && classes & ROLE_NAME != 0 {
            let behind = bytes.get(end..).unwrap_or_default();
            let colon = behind
                .iter()
                .take(3)
                .take_while(|byte| !byte.is_ascii_whitespace())
                .any(|byte| *byte == b':');
            if colon {
                classes |= ROLE_LINE;
            }
        }
        self.line_start = false;
        self.place += 1;
        self.out.push(Token {
            hash,
            shape: word.plain,
            stem: word.stem,
            length: u8::try_from(end - word.start).unwrap_or(u8::MAX),
            coded: classes == 0 && word.coded(),
            classes,
            start: u32::try_from(word.start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            place: self.place,
        });
    }

    /// The length of the letter here, when it is one of a script with spaces.
    fn wide_letter(&self, at: usize) -> Option<usize> {
        let c = self.text.get(at..)?.chars().next()?;
        (c.is_alphanumeric() && !unspaced(c)).then(|| c.len_utf8())
    }

    /// Takes a character beyond ASCII that does not go on a word.
    fn wide(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { return at + 1 };
        let end = at + c.len_utf8();
        if !c.is_alphanumeric() {
            return end;
        }
        if !unspaced(c) {
            return self.word(self.text.as_bytes(), at);
        }
        let pair = chars
            .next()
            .filter(|next| unspaced(*next))
            .map_or(c.len_utf8(), |next| c.len_utf8() + next.len_utf8());
        let mut word = Word::at(at);
        for byte in rest.as_bytes().get(..pair).unwrap_or_default() {
            word.push(*byte, self.lexicon);
        }
        let classes = self.lexicon.exact(word.hash);
        self.push((word.hash, classes), &word, at + pair);
        end
    }
}

/// Of a script that writes words without spaces.
const fn unspaced(c: char) -> bool {
    matches!(c as u32, 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0x20000..=0x3FFFF)
}
