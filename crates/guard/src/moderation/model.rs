//! The small model: for each of many hashed traits of a text a weight for each kind of harm. Never learns here; the weights
//! are data that `scripts/guard/train_moderation.py` makes (docs/guard-moderation.md).

use super::harm::{Harm, PerHarm};
use super::words::MAKE;
use crate::injection::tokens::Token;
use crate::linear;

/// Traits that are told apart: with a weight of one byte for each harm just under 512 KiB.
pub(super) const BUCKETS: u32 = 65_000;
const HEADS: usize = Harm::ALL.len();
/// Longer ones are no words: keys, hashes, encodings.
const WORD_BYTES_MAX: u8 = 24;
/// Bytes of a word that are read together.
const GRAM_BYTES: usize = 4;
/// How far apart two classes may be to make a pair.
const PAIR_REACH: u32 = 8;
const WEIGHTS: usize = BUCKETS as usize * HEADS;
/// What a file begins with: name and version of its form.
const MAGIC: [u8; 4] = *b"BGM1";

static DATA: &[u8] = include_bytes!("../../data/moderation.bin");

/// Weights and how they are read.
pub(super) struct Model {
    weights: &'static [[u8; HEADS]],
    scale: PerHarm<f32>,
    bias: PerHarm<f32>,
    slope: PerHarm<f32>,
    offset: PerHarm<f32>,
}

/// The weights of some traits together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    sums: PerHarm<i32>,
    count: u32,
}

impl Sums {
    pub(super) fn and(mut self, other: &Self) -> Self {
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        self.count += other.count;
        self
    }
}

impl Model {
    /// The model that is part of the program; `None` when its form is not the one expected.
    pub(super) fn new() -> Option<Self> {
        let (numbers, weights) = linear::read::<{ 4 * HEADS }>(DATA, MAGIC, WEIGHTS)?;
        let part = |index: usize| -> Option<PerHarm<f32>> {
            numbers.get(index * HEADS..(index + 1) * HEADS)?.try_into().ok()
        };
        Some(Self {
            weights: weights.as_chunks().0,
            scale: part(0)?,
            bias: part(1)?,
            slope: part(2)?,
            offset: part(3)?,
        })
    }

    pub(super) fn add(&self, found: u32, to: &mut Sums) {
        let row = self.weights.get(bucket(found) as usize);
        for (sum, weight) in to.sums.iter_mut().zip(row.into_iter().flatten()) {
            *sum += i32::from(weight.cast_signed());
        }
        to.count += 1;
    }

    /// How sure each harm is, between 0 and 1.
    #[expect(clippy::cast_precision_loss, reason = "sums of a few thousand small weights")]
    pub(super) fn judge(&self, sums: &Sums) -> PerHarm<f32> {
        let mut out = [0.0; HEADS];
        if sums.count == 0 {
            return out;
        }
        let norm = (sums.count as f32).sqrt();
        let heads = self
            .scale
            .iter()
            .zip(&self.bias)
            .zip(&self.slope)
            .zip(&self.offset);
        for ((sum, (((scale, bias), slope), offset)), out) in sums.sums.iter().zip(heads).zip(&mut out) {
            *out = linear::probability(*sum as f32 * scale / norm + bias, *slope, *offset);
        }
        out
    }
}

/// Where the weights of a trait stand.
pub(super) const fn bucket(found: u32) -> u32 {
    ((found as u64 * BUCKETS as u64) >> 32) as u32
}

/// The kinds of traits, so that those of different kinds do not meet.
#[derive(Clone, Copy)]
enum Trait {
    Word = 0x61,
    Stem = 0x62,
    Pair = 0x63,
    Skip = 0x64,
    Class = 0x65,
    Classes = 0x66,
    Rule = 0x67,
    Gram = 0x68,
}

/// The trait of a rule that holds in a window.
pub(super) fn of_rule(number: u32) -> u32 {
    linear::trait_of(Trait::Rule as u32, number, 0)
}

/// Tells every trait of the words of a block, which are those of `text`.
pub(super) fn walk(text: &str, tokens: &[Token], mut tell: impl FnMut(u32)) {
    let mut tell = |kind: Trait, a: u32, b: u32| tell(linear::trait_of(kind as u32, a, b));
    let (mut one, mut two): (Option<&Token>, Option<&Token>) = (None, None);
    let mut classed: Option<&Token> = None;
    for token in tokens {
        if token.length > WORD_BYTES_MAX && token.classes == 0 {
            (two, one) = (one, None);
            continue;
        }
        tell(Trait::Word, token.hash, 0);
        if token.length > 5 {
            tell(Trait::Stem, token.stem, 0);
        }
        if let Some(one) = one {
            tell(Trait::Pair, one.hash, token.hash);
        }
        if let Some(two) = two {
            tell(Trait::Skip, two.stem, token.stem);
        }
        if token.classes != 0 {
            let class = token.classes.trailing_zeros();
            if token.classes & (MAKE - 1) != 0 {
                tell(Trait::Class, class, 0);
            }
            let near = |before: &&Token| token.place.saturating_sub(before.place) <= PAIR_REACH;
            if let Some(before) = classed.filter(near) {
                tell(Trait::Classes, before.classes.trailing_zeros(), class);
            }
            classed = Some(token);
        }
        let word = text.as_bytes().get(token.start as usize..token.end as usize);
        grams(word.unwrap_or_default(), |gram| tell(Trait::Gram, gram, 0));
        (two, one) = (one, Some(token));
    }
}

/// Tells each few letters of a word that is longer than they are.
fn grams(word: &[u8], mut tell: impl FnMut(u32)) {
    if word.len() <= GRAM_BYTES {
        return;
    }
    for gram in word.array_windows::<GRAM_BYTES>() {
        tell(u32::from_le_bytes(gram.map(|byte| byte.to_ascii_lowercase())));
    }
}

/// The sum over the whole file, by which it is told from another.
pub(super) fn checksum() -> u32 {
    linear::checksum(DATA)
}
