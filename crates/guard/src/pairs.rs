//! Searches for many literals at once by pairs of bytes. Never knows what the literals mean.
//!
//! Every literal has three neighbouring bytes that ordinary text seldom has, so two overlapping pairs;
//! whatever its alignment, one of the two stands at an even distance from where the search starts. So
//! it is enough to look at every other pair, in one table, and to compare literals where it says so.

use std::ops::Range;

/// Where a literal stands around its first pair.
struct Candidate {
    literal: usize,
    bytes: &'static [u8],
    offset: usize,
}

/// A set of literals to search for, each at least three bytes long.
pub(crate) struct Pairs {
    /// Whether a pair of bytes is some literal's first or second; zero for most.
    entries: Box<[u8; 65_536]>,
    /// The literals by their rare bytes. Some share a bucket: the literals are compared anyway.
    candidates: Vec<Vec<Candidate>>,
    /// The greatest offset of a first pair in its literal.
    offset_max: usize,
}

/// The pair is the first, or the second, of some literal's two.
const FIRST: u8 = 0x80;
const SECOND: u8 = 0x40;

/// Bytes that are looked up before a branch is taken.
const STRIDE: usize = 8;

impl Pairs {
    /// The literals are numbered in their order.
    pub(crate) fn of(literals: impl Iterator<Item = &'static str>) -> Self {
        let candidates = (0..=u8::MAX).map(|_| Vec::new()).collect();
        let mut pairs = Self {
            entries: Box::new([0; 65_536]),
            candidates,
            offset_max: 0,
        };
        for (number, text) in literals.enumerate() {
            let bytes = text.as_bytes();
            let offset = rarest_window(bytes);
            pairs.add(Candidate {
                literal: number,
                bytes,
                offset,
            });
        }
        pairs
    }

    fn add(&mut self, candidate: Candidate) {
        let Some([a, b, c, ..]) = candidate.bytes.get(candidate.offset..) else {
            return;
        };
        for (mark, first, second) in [(FIRST, a, b), (SECOND, b, c)] {
            if let Some(entry) = self.entries.get_mut(key(*first, *second)) {
                *entry |= mark;
            }
        }
        self.offset_max = self.offset_max.max(candidate.offset);
        if let Some(list) = self.candidates.get_mut(usize::from(bucket(*a, *b, *c))) {
            list.push(candidate);
        }
    }

    /// The first literal that stands in a stretch of the text: where, and its number.
    pub(crate) fn find(&self, text: &[u8], stretch: Range<usize>) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        let mut at = stretch.start;
        while at < stretch.end {
            at += self.quiet_bytes(text.get(at..)?, stretch.end - at);
            // A literal that starts earlier can only be seen a little later.
            if at >= stretch.end || best.is_some_and(|(start, _)| at > start + self.offset_max) {
                break;
            }
            best = best.into_iter().chain(self.in_stride(text, at, &stretch)).min();
            at += STRIDE;
        }
        best
    }

    /// How many whole strides hold no pair of any literal, looking at `most` bytes or a little more.
    fn quiet_bytes(&self, text: &[u8], most: usize) -> usize {
        let (strides, _) = text.as_chunks::<STRIDE>();
        let quiet = |stride: &[u8; STRIDE]| {
            let word = u64::from_be_bytes(*stride);
            self.at(word >> 48) | self.at(word >> 32) | self.at(word >> 16) | self.at(word) == 0
        };
        let within = strides.iter().take(most.div_ceil(STRIDE));
        within.take_while(|stride| quiet(stride)).count() * STRIDE
    }

    /// The entry of the pair in the lowest two bytes.
    fn at(&self, word: u64) -> u8 {
        let pair = (word & 0xFFFF) as u16;
        self.entries.get(usize::from(pair)).copied().unwrap_or_default()
    }

    /// The earliest literal that has its first pair, or its second, at a place that is looked at here.
    fn in_stride(&self, text: &[u8], at: usize, stretch: &Range<usize>) -> Option<(usize, usize)> {
        let from = at.saturating_sub(1);
        let around = text.get(from..text.len().min(at + STRIDE + 1))?;
        let mut marked = self.marked(around);
        let mut first: Option<(usize, usize)> = None;
        while marked != 0 {
            let nth = marked.trailing_zeros() as usize;
            marked &= marked - 1;
            if let Some([a, b, c]) = around.get(nth..).and_then(<[u8]>::first_chunk) {
                let found = self.compare(bucket(*a, *b, *c), text, from + nth, stretch);
                first = first.into_iter().chain(found).min();
            }
        }
        first
    }

    /// Where in these few bytes a literal's first pair and its second follow each other, a bit each.
    fn marked(&self, around: &[u8]) -> u32 {
        let Ok(&[a, b, c, d, e, f, g, h, i, j]) = <&[u8; STRIDE + 2]>::try_from(around) else {
            let triples = around.windows(3).zip(0..);
            return triples.fold(0, |marked, (triple, nth)| match triple {
                [a, b, c] => marked | self.both(*a, *b, *c) << nth,
                _ => marked,
            });
        };
        // No branch: one that is guessed wrong costs more than all these look-ups.
        let low = self.both(a, b, c) | self.both(b, c, d) << 1 | self.both(c, d, e) << 2;
        let mid = self.both(d, e, f) << 3 | self.both(e, f, g) << 4 | self.both(f, g, h) << 5;
        low | mid | self.both(g, h, i) << 6 | self.both(h, i, j) << 7
    }

    /// 1 if the first two bytes are some literal's first pair and the last two some literal's second.
    fn both(&self, a: u8, b: u8, c: u8) -> u32 {
        u32::from(
            (self.entry(a, b) >> FIRST.trailing_zeros()) & (self.entry(b, c) >> SECOND.trailing_zeros()) & 1,
        )
    }

    fn entry(&self, first: u8, second: u8) -> u8 {
        self.entries.get(key(first, second)).copied().unwrap_or_default()
    }

    /// The earliest literal of the bucket that stands around its first pair, which is here.
    fn compare(
        &self,
        bucket: u8,
        text: &[u8],
        pair_at: usize,
        stretch: &Range<usize>,
    ) -> Option<(usize, usize)> {
        let stands = |candidate: &Candidate| {
            let start = pair_at
                .checked_sub(candidate.offset)
                .filter(|&start| start >= stretch.start)?;
            let here = text.get(start..stretch.end)?;
            // Most of those that share the bucket differ in the first byte already.
            let alike = here.first() == candidate.bytes.first() && here.starts_with(candidate.bytes);
            alike.then_some((start, candidate.literal))
        };
        self.candidates
            .get(usize::from(bucket))?
            .iter()
            .filter_map(stands)
            .min()
    }
}

fn bucket(a: u8, b: u8, c: u8) -> u8 {
    let hashed = |before: u8, byte| before.wrapping_mul(31).wrapping_add(byte);
    hashed(hashed(a, b), c)
}

fn key(first: u8, second: u8) -> usize {
    usize::from(u16::from_be_bytes([first, second]))
}

/// Where in a literal the three neighbouring bytes stand that text has least often.
fn rarest_window(literal: &[u8]) -> usize {
    let cost = |window: &[u8]| match window {
        [a, b, c] => commonness(*a, *b) + commonness(*b, *c),
        _ => u32::MAX,
    };
    literal
        .windows(3)
        .enumerate()
        .min_by_key(|(_, window)| cost(window))
        .map_or(0, |(at, _)| at)
}

/// Pairs that prose and code are full of.
const COMMON_PAIRS: &[u8] = b"thheineranreonatndstesenofteedortihiasitetngalarsederavelemeceionsneeaecromacosaliriicuttraipaelouhossgekewispshplfounlodiidbeadctmontotsuurcaamvisdtanaagoppoapsocrlailuschistohae s d t n y r o f g ";

/// Small letters by how common they are in prose and code.
const COMMON_FIRST: &[u8] = b"etaoinsrhldcumfpgwybvkxjqz";

/// Whether prose and code are full of this pair of small letters.
pub(crate) fn is_common_pair(first: u8, second: u8) -> bool {
    let seconds = COMMON.get(usize::from(first)).copied().unwrap_or(0);
    (second.is_ascii_lowercase() || second == b' ') && (seconds >> (second % 32)) & 1 == 1
}

/// By the first byte, which second ones are common: small letters and the blank, a bit each.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where iterators cannot be"
)]
const COMMON: [u32; 256] = {
    let mut common = [0; 256];
    let mut at = 0;
    while at + 1 < COMMON_PAIRS.len() {
        common[COMMON_PAIRS[at] as usize] |= 1 << (COMMON_PAIRS[at + 1] % 32);
        at += 2;
    }
    common
};

/// Roughly how common a pair is; only the order matters.
fn commonness(first: u8, second: u8) -> u32 {
    let usual = is_common_pair(first, second);
    letter(first) * letter(second) + if usual { 1_000 } else { 0 }
}

fn letter(byte: u8) -> u32 {
    match byte {
        b' ' => 40,
        b'a'..=b'z' => COMMON_FIRST
            .iter()
            .rev()
            .zip(6..)
            .find(|(letter, _)| **letter == byte)
            .map_or(6, |(_, rank)| rank),
        b'-' | b'.' | b'/' => 5,
        b'0'..=b'9' | b'_' => 4,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_overlapping_literals_wins_whatever_its_pairs() {
        let pairs = Pairs::of(["eeee_key", "ee_"].into_iter());
        assert_eq!(pairs.find(b"  eeee_key", 0..10), Some((2, 0)));
        assert_eq!(pairs.find(b"  eeee_key", 3..10), Some((4, 1)));
        assert_eq!(pairs.find(b"  eeee_kex", 5..10), None);
    }

    #[test]
    fn rare_bytes_are_preferred() {
        assert_eq!(rarest_window(b"secret_key"), 5);
    }
}
