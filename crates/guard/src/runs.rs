//! Finds long unbroken words. Never knows what they mean.
//!
//! Bytes are told apart 64 at a time, and long runs of bits are found by shifting. That test is loose, so
//! that it takes few instructions; where it sees a long run, the bytes are looked at one by one.

use std::ops::Range;

use wide::u8x16;

use crate::bits::{CHUNK_BYTES, bits_where, filled_up};
use crate::class::Class;

/// What runs are made of.
pub(crate) const WORD: Class = Class::of("A-Za-z0-9+/=_.~-");

/// The shortest run that counts.
pub(crate) const RUN_BYTES_MIN: usize = 15;

/// The runs of a text of at least [`RUN_BYTES_MIN`] bytes, each whole, in order.
pub(crate) struct Runs<'t> {
    text: &'t [u8],
    /// Where the next chunk starts.
    next_at: usize,
    long: Long,
    /// Ends of long runs, if the loose test is right, in the chunk before `next_at`.
    ends: u64,
    /// Before this there is no run that is not known.
    done: usize,
}

impl<'t> Runs<'t> {
    pub(crate) fn of(text: &'t [u8]) -> Self {
        Self {
            text,
            next_at: 0,
            long: Long::default(),
            ends: 0,
            done: 0,
        }
    }

    /// Takes chunks until one may hold the end of a long run.
    fn next_chunk(&mut self) {
        let (chunks, rest) = self.text.get(self.next_at..).unwrap_or_default().as_chunks();
        for chunk in chunks {
            self.next_at += CHUNK_BYTES;
            self.ends = self.long.ends(bits_where(chunk, is_loosely_word));
            if self.ends != 0 {
                return;
            }
        }
        self.next_at += CHUNK_BYTES;
        self.ends = self.long.ends(bits_where(&filled_up(rest), is_loosely_word));
    }

    /// Where the next long run can end at the earliest, by the loose test; forgets what is before.
    fn next_end(&mut self) -> Option<usize> {
        let chunk_at = self.next_at.saturating_sub(CHUNK_BYTES);
        let known = (self.done + RUN_BYTES_MIN - 1).saturating_sub(chunk_at);
        let unknown = u32::try_from(known)
            .ok()
            .and_then(|known| u64::MAX.checked_shl(known));
        self.ends &= unknown.unwrap_or(0);
        (self.ends != 0).then(|| chunk_at + self.ends.trailing_zeros() as usize)
    }

    /// The run that has been long since the byte at `end`, unless the loose test is wrong. Then none is
    /// before the last byte that made it so.
    fn run_to(&mut self, end: usize) -> Option<Range<usize>> {
        let (seen, ahead) = self.text.split_at_checked(end + 1)?;
        let start = seen.len().checked_sub(RUN_BYTES_MIN)?;
        let gap = seen.get(start..)?.iter().rposition(|&byte| !is_word(byte));
        if let Some(gap) = gap {
            self.done = start + gap + 1;
            return None;
        }
        self.done = seen.len() + ahead.iter().take_while(|&&byte| is_word(byte)).count();
        Some(start..self.done)
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(end) = self.next_end() {
                if let Some(run) = self.run_to(end) {
                    return Some(run);
                }
            }
            if self.next_at >= self.text.len() {
                return None;
            }
            self.next_chunk();
        }
    }
}

/// One look-up, for where bytes are looked at one by one.
fn is_word(byte: u8) -> bool {
    static WORDS: [bool; 256] = WORD.table();
    WORDS.get(usize::from(byte)).is_some_and(|word| *word)
}

/// True of every word byte, and of others that seldom stand next to one. As few tests as can be: ASCII
/// from `+` on, but for the signs that JSON puts between words.
fn is_loosely_word(bytes: u8x16) -> u8x16 {
    let within = bytes.max(u8x16::splat(b'+')).simd_eq(bytes) & bytes.min(u8x16::splat(0x7f)).simd_eq(bytes);
    within & !(bytes.simd_eq(u8x16::splat(b',')) | bytes.simd_eq(u8x16::splat(b':')))
}

/// Finds where runs of bits get long, over one chunk after another: the bits that end a run of two,
/// of four, eight and [`RUN_BYTES_MIN`], each found from those before.
#[derive(Default)]
struct Long {
    before: [u64; 4],
}

impl Long {
    /// The bits that have as many set bits before them, in this chunk or the last one, as make a run.
    fn ends(&mut self, bits: u64) -> u64 {
        const STEPS: [u32; 4] = [1, 2, 4, RUN_BYTES_MIN as u32 - 8];
        self.before
            .iter_mut()
            .zip(STEPS)
            .fold(bits, |ends, (before, step)| {
                let earlier = (ends << step) | (*before >> (u64::BITS - step));
                *before = ends;
                ends & earlier
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(text: &[u8]) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut at = 0;
        for part in text.chunk_by(|a, b| WORD.has(*a) == WORD.has(*b)) {
            if WORD.has(part[0]) && part.len() >= RUN_BYTES_MIN {
                runs.push(at..at + part.len());
            }
            at += part.len();
        }
        runs
    }

    #[test]
    fn the_loose_test_lets_no_word_byte_out() {
        let word: Vec<u8> = (0..=u8::MAX).filter(|&byte| WORD.has(byte)).collect();
        assert!(
            word.iter()
                .all(|&byte| is_loosely_word(u8x16::splat(byte)).to_bitmask() == 0xFFFF)
        );
    }

    #[test]
    fn runs_of_every_length_are_found_at_every_offset() {
        for offset in 0..140 {
            for bytes in [1, 8, RUN_BYTES_MIN - 1, RUN_BYTES_MIN, 16, 63, 64, 65, 130] {
                for (sign, behind) in [
                    (" ", " no more"),
                    (";", ";@[nor this;kkkkkkkkkkkkkkk;"),
                    ("é", ""),
                ] {
                    let text = [sign.repeat(offset), "k".repeat(bytes), behind.to_owned()].concat();
                    let found: Vec<_> = Runs::of(text.as_bytes()).collect();
                    assert_eq!(found, naive(text.as_bytes()), "{offset} {bytes} `{text}`");
                }
            }
        }
    }
}
