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
    spent: Cell<usize>,
}

impl<'t> Text<'t> {
    pub(crate) const fn new(bytes: &'t [u8], base: usize, complete: bool) -> Self {
        Self {
            bytes,
            base,
            complete,
            limit: Cell::new(0),
            hungry: Cell::new(false),
            spent: Cell::new(0),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All that has arrived.
    pub(crate) const fn bytes(&self) -> &'t [u8] {
        self.bytes
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

    /// What looking ahead has cost so far, in bytes that were read.
    pub(crate) const fn spent(&self) -> usize {
        self.spent.get()
    }

    /// Counts what looking ahead costs.
    #[inline]
    pub(crate) fn spend(&self, bytes: usize) {
        self.spent.set(self.spent.get() + bytes);
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

    pub(crate) const fn is_small(&self) -> bool {
        self.classes == LOWER
    }

    /// As a name is written: a capital, and then small letters; or all capitals.
    pub(crate) const fn is_name_like(&self) -> bool {
        self.capital && !self.has_digit() && (self.classes & (LOWER | BEYOND) != 0 || self.len() > 1)
    }
}

/// The hash of a word without regard to case, eight bytes at a time.
#[derive(Clone, Copy)]
struct Hash {
    hash: u64,
    /// Bytes that are not yet in it, the first lowest, and how many bits they take.
    open: u64,
    bits: u32,
}

impl Hash {
    const NEW: Self = Self {
        hash: 0xCBF2_9CE4_8422_2325,
        open: 0,
        bits: 0,
    };

    #[inline]
    fn add(&mut self, byte: u8) {
        self.open |= u64::from(byte) << self.bits;
        self.bits += u8::BITS;
        if self.bits == u64::BITS {
            self.close();
        }
    }

    /// Takes up to eight bytes that are small letters, if none are open.
    #[inline]
    fn add_small(&mut self, bytes: u64, count: usize) {
        self.bits = u8::BITS * count as u32;
        self.open = bytes & u64::MAX.checked_shr(u64::BITS - self.bits).unwrap_or(0);
        if count == CHUNK {
            self.close();
        }
    }

    #[inline]
    fn close(&mut self) {
        self.hash = (self.hash ^ self.open)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
        (self.open, self.bits) = (0, 0);
    }

    #[inline]
    fn done(mut self) -> u64 {
        self.close();
        self.hash ^ (self.hash >> 32)
    }
}

/// Bytes that are looked at at once.
const CHUNK: usize = 8;

/// How many small letters these bytes begin with.
#[inline]
const fn small_letters(bytes: u64) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = EACH * 0x80;
    let low = bytes & !HIGH;
    let from_a = low + EACH * (0x80 - b'a' as u64);
    let beyond_z = low + EACH * (0x7F - b'z' as u64);
    let others = !(from_a & !beyond_z & !bytes) & HIGH;
    others.trailing_zeros() as usize / CHUNK
}

/// A letter as a small one: of ASCII, and of Latin-1 and Latin Extended-A in UTF-8.
#[inline]
const fn small(before: u8, byte: u8) -> u8 {
    match (before, byte) {
        (_, b'A'..=b'Z') => byte | 0x20,
        (0xC3, 0x80..=0x9E) => byte | 0x20,
        (0xC4 | 0xC5, 0x80..) if is_capital(before, byte) => byte + 1,
        _ => byte,
    }
}

/// The hash of a word, as [`word_at`] makes it.
pub(crate) fn hash_of(word: &str) -> u64 {
    hash_of_bytes(word.as_bytes())
}

fn hash_of_bytes(word: &[u8]) -> u64 {
    let (mut hash, mut before) = (Hash::NEW, 0);
    for byte in word.iter().copied() {
        hash.add(small(before, byte));
        before = byte;
    }
    hash.done()
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
#[inline]
pub(crate) fn word_at(text: &Text<'_>, at: usize, mut parts: impl FnMut(u64, usize)) -> Word {
    let mut word = Word {
        start: at,
        end: at,
        ..Word::default()
    };
    let bytes = text.ahead(at, WORD_BYTES_MAX);
    let mut hash = Hash::NEW;
    // Where the part began, and the class of the byte before.
    let (mut part, mut was) = (0, 0);
    while let Some(chunk) = bytes.get(word.len()..).and_then(<[u8]>::first_chunk::<CHUNK>) {
        let chunk = u64::from_le_bytes(*chunk);
        let mut count = small_letters(chunk);
        if count == CHUNK {
            hash.add_small(chunk, CHUNK);
            word.classes |= LOWER;
        } else {
            let kinds = Kinds::of(chunk);
            count = kinds.count();
            hash.add_small(kinds.lowered(chunk), count);
            word.classes |= kinds.classes(count);
            let mut begun = kinds.begun(was == LOWER, count);
            while begun != 0 {
                let next = word.len() + begun.trailing_zeros() as usize / CHUNK;
                parts(hash_of_part(bytes, part, next), at + next);
                part = next;
                begun &= begun - 1;
            }
        }
        word.end += count;
        if let Some(last) = word.len().checked_sub(1).and_then(|last| bytes.get(last)) {
            was = class_of(*last);
        }
        if count < CHUNK {
            break;
        }
    }
    word.capital = bytes.first().is_some_and(u8::is_ascii_uppercase);
    if bytes.get(word.len()).is_none_or(|next| class_of(*next) != 0) {
        slow_word(text, bytes, &mut word, &mut hash, (part, was), &mut parts);
    } else if part > 0 {
        parts(hash_of_part(bytes, part, word.len()), word.end);
    }
    word.hash = hash.done();
    word
}

fn class_of(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Which of eight bytes are small letters, capitals and digits of ASCII: the highest bit of each.
struct Kinds {
    small: u64,
    capital: u64,
    digit: u64,
}

impl Kinds {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = Self::EACH * 0x80;

    #[inline]
    fn of(bytes: u64) -> Self {
        let low = bytes & !Self::HIGH;
        let within = |from: u8, to: u8| {
            let reaches = low + Self::EACH * (0x80 - u64::from(from));
            let passes = low + Self::EACH * (0x7F - u64::from(to));
            reaches & !passes & !bytes & Self::HIGH
        };
        Self {
            small: within(b'a', b'z'),
            capital: within(b'A', b'Z'),
            digit: within(b'0', b'9'),
        }
    }

    /// How many there are before any other byte.
    const fn count(&self) -> usize {
        let others = !(self.small | self.capital | self.digit) & Self::HIGH;
        others.trailing_zeros() as usize / CHUNK
    }

    /// The bytes with small letters for capitals.
    const fn lowered(&self, bytes: u64) -> u64 {
        bytes | self.capital >> 2
    }

    /// The classes of the first bytes.
    fn classes(&self, count: usize) -> u8 {
        let first = first_bytes(count);
        let class = |bits: u64, class: u8| if bits & first != 0 { class } else { 0 };
        class(self.small, LOWER) | class(self.capital, UPPER) | class(self.digit, DIGIT)
    }

    /// Capitals behind small letters, among the first bytes.
    fn begun(&self, behind_small: bool, count: usize) -> u64 {
        let before = self.small << CHUNK | if behind_small { 0x80 } else { 0 };
        self.capital & before & first_bytes(count)
    }
}

/// All bits of the first bytes of eight.
fn first_bytes(count: usize) -> u64 {
    u64::MAX
        .checked_shr(u64::BITS - u8::BITS * count as u32)
        .unwrap_or(0)
}

/// The hash of letters and digits of ASCII, from a place in these bytes to another.
fn hash_of_part(bytes: &[u8], from: usize, to: usize) -> u64 {
    let (mut hash, mut at) = (Hash::NEW, from);
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<CHUNK>) {
        let chunk = u64::from_le_bytes(*chunk);
        let count = (to - at).min(CHUNK);
        hash.add_small(Kinds::of(chunk).lowered(chunk), count);
        at += count;
        if at == to {
            return hash.done();
        }
    }
    hash_of_bytes(bytes.get(from..to).unwrap_or_default())
}

/// The word of letters that begins at `at`, a capital first or none, as [`word_at`] reads it: its hash and where it ends.
/// `None` of other words, of long ones, and where the text ends.
#[inline]
pub(crate) fn plain_word(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let chunk_at = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<CHUNK>).copied();
    // A capital at the beginning is read as the small letter.
    let mut chunk = u64::from_le_bytes(chunk_at(at)?) | 0x20;
    let (mut hash, mut end) = (Hash::NEW, at);
    loop {
        let count = small_letters(chunk);
        hash.add_small(chunk, count);
        end += count;
        if count < CHUNK {
            break;
        }
        if end - at >= PLAIN_BYTES_MAX {
            return None;
        }
        chunk = u64::from_le_bytes(chunk_at(end)?);
    }
    let next = bytes.get(end).copied()?;
    (class_of(next) == 0).then(|| (hash.done(), end))
}

/// Longer words are not plain.
const PLAIN_BYTES_MAX: usize = 48;

/// The rest of a word that is not of ASCII alone, or at the end of what has arrived.
fn slow_word(
    text: &Text<'_>,
    bytes: &[u8],
    word: &mut Word,
    hash: &mut Hash,
    (part, mut was): (usize, u8),
    parts: &mut impl FnMut(u64, usize),
) {
    let first = bytes.first().copied().unwrap_or(0);
    let wide = first >= 0xE3;
    if word.end == word.start {
        word.capital |= is_capital(first, bytes.get(1).copied().unwrap_or(0));
    }
    let (mut before, mut part) = (0, word.start + part);
    for byte in bytes.iter().skip(word.len()).copied() {
        let class = class_of(byte);
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
                parts(hash_of_bytes(text.get(part..word.end)), word.end);
                part = word.end;
            }
            _ => {}
        }
        word.classes |= class;
        was = class;
        hash.add(small(before, byte));
        before = byte;
        word.end += 1;
    }
    // What stands behind the word is asked for, so that a word that has not arrived whole is none yet.
    if word.len() < WORD_BYTES_MAX {
        text.at(word.end);
    }
    if part > word.start {
        parts(hash_of_bytes(text.get(part..word.end)), word.end);
    }
}

/// Whether a character beyond ASCII is a capital, by its first two bytes: Latin-1, Latin Extended-A, Greek, Cyrillic.
const fn is_capital(lead: u8, next: u8) -> bool {
    match lead {
        0xC3 => next < 0xA0,
        0xC4 => next.is_multiple_of(2) && next < 0xB8,
        0xC5 => matches!((next, next % 2), (..=0x88 | 0xB9.., 1) | (0x8A..=0xB8, 0)),
        0xCE => next >= 0x86 && next <= 0xAB,
        0xD0 => next < 0xB0,
        _ => false,
    }
}
