//! The small model: a weight for each of many hashed traits of a text. Never learns here; the weights are
//! data that `scripts/guard/train.py` makes (docs/guard-model.md).
//!
//! Text is judged in windows of words, so that a sentence in a long document weighs as much as one alone,
//! and the worst window speaks for the text.

use std::ops::Range;

use super::lexicon::Classes;
use super::rules::Hit;
use super::tokens::Token;
use crate::linear;

/// The traits of each block of words; a window is two blocks beside each other.
pub(crate) type Block = Vec<u32>;

/// Words of a block.
const BLOCK_WORDS: usize = 24;
/// Weights, as a power of two.
pub(crate) const BITS: u32 = 18;
/// How far apart two classes may be to make a pair.
const PAIR_REACH: u32 = 8;

static DATA: &[u8] = include_bytes!("../../data/injection.bin");

/// Weights and how they are read.
pub(crate) struct Model {
    weights: &'static [u8],
    scale: f32,
    bias: f32,
    /// Of the probability: slope and offset of the window's sum.
    slope: f32,
    offset: f32,
}

/// What a model file begins with: name and version of its form.
const MAGIC: [u8; 4] = *b"BGI1";

impl Model {
    /// The model that is part of the program; `None` when its form is not the one expected.
    pub(crate) fn new() -> Option<Self> {
        Self::read(DATA)
    }

    fn read(data: &'static [u8]) -> Option<Self> {
        let ([scale, bias, slope, offset], weights) = linear::read(data, MAGIC, 1 << BITS)?;
        Some(Self {
            weights,
            scale,
            bias,
            slope,
            offset,
        })
    }

    fn weight(&self, found: u32) -> i32 {
        let mask = (1_u32 << BITS) - 1;
        self.weights
            .get((found & mask) as usize)
            .map_or(0, |weight| i32::from(weight.cast_signed()))
    }

    /// How probable an attack is, for the worst window, and which block that window begins with.
    #[expect(clippy::cast_precision_loss, reason = "sums of a few thousand small weights")]
    pub(crate) fn judge(&self, tokens: &[Token], hits: &[Hit]) -> (f32, usize) {
        let mut sums = vec![(0_i32, 0_u32); tokens.len().div_ceil(BLOCK_WORDS)];
        walk(tokens, hits, |block, found| {
            if let Some((sum, count)) = sums.get_mut(block) {
                *sum += self.weight(found);
                *count += 1;
            }
        });
        let mut worst = (0.0_f32, 0_usize);
        let windows = sums.windows(sums.len().clamp(1, 2)).enumerate();
        for (index, window) in windows {
            let (sum, count) = window
                .iter()
                .fold((0, 0), |all, block| (all.0 + block.0, all.1 + block.1));
            if count == 0 {
                continue;
            }
            let raw = sum as f32 * self.scale / (count as f32).sqrt() + self.bias;
            let probability = linear::probability(raw, self.slope, self.offset);
            if probability > worst.0 {
                worst = (probability, index);
            }
        }
        worst
    }
}

/// The kinds of traits, so that those of different kinds do not meet.
#[derive(Clone, Copy)]
enum Trait {
    Word = 1,
    Stem,
    Pair,
    Classes,
    Rule,
    Class,
    Row,
}

/// Of a word so many of its classes are told; the rest of a word in many lists says little more.
const CLASSES_MAX: usize = 4;

/// The classes of a word by number.
fn numbers(classes: Classes) -> impl Iterator<Item = u32> {
    let mut left = classes;
    std::iter::from_fn(move || {
        let number = (left != 0).then(|| left.trailing_zeros())?;
        left &= left - 1;
        Some(number)
    })
    .take(CLASSES_MAX)
}

fn trait_of(kind: Trait, a: u32, b: u32) -> u32 {
    linear::trait_of(kind as u32, a, b)
}

/// The traits of a text, block by block.
pub(crate) fn blocks(tokens: &[Token], hits: &[Hit]) -> Vec<Block> {
    let mut blocks = vec![Block::new(); tokens.len().div_ceil(BLOCK_WORDS)];
    walk(tokens, hits, |block, found| {
        if let Some(block) = blocks.get_mut(block) {
            block.push(found);
        }
    });
    blocks
}

/// Tells every trait of a text, and in which block it is.
///
/// Letters that stand alone tell nothing but beside a word: in a row they are spelt-out words, which have a reading of their
/// own, or formulas. Nor does what is coded.
fn walk(tokens: &[Token], hits: &[Hit], mut tell: impl FnMut(usize, u32)) {
    let mut hits = hits.iter().peekable();
    let mut one: Option<&Token> = None;
    let mut classed: Option<&Token> = None;
    let mut earlier: Option<&Token> = None;
    for (block, words) in tokens.chunks(BLOCK_WORDS).enumerate() {
        for token in words {
            while let Some(hit) = hits.next_if(|hit| hit.place <= token.place) {
                tell(block, trait_of(Trait::Rule, u32::from(hit.rule), 0));
            }
            if token.coded {
                one = None;
                continue;
            }
            let before = one.replace(token);
            if token.length > 1 {
                tell(block, trait_of(Trait::Word, token.shape, 0));
            } else if before.is_none_or(|before| before.length == 1) {
                continue;
            }
            if token.length > 5 {
                tell(block, trait_of(Trait::Stem, token.stem, 0));
            }
            if let Some(before) = before {
                tell(block, trait_of(Trait::Pair, before.shape, token.shape));
            }
            if token.classes != 0 {
                numbers(token.classes).for_each(|class| tell(block, trait_of(Trait::Class, class, 0)));
                let near = |before: &&Token| token.place.saturating_sub(before.place) <= PAIR_REACH;
                if let Some(before) = classed.filter(near) {
                    for a in numbers(before.classes) {
                        numbers(token.classes).for_each(|b| tell(block, trait_of(Trait::Classes, a, b)));
                    }
                    if let Some(first) = earlier.filter(near) {
                        let row = [first, before].map(|token| token.classes.trailing_zeros());
                        let [first, second] = row;
                        tell(
                            block,
                            trait_of(Trait::Row, first << 8 | second, token.classes.trailing_zeros()),
                        );
                    }
                }
                earlier = classed.replace(token);
            }
        }
    }
}

/// The bytes of the text that the window beginning with a block stands for.
pub(crate) fn window(tokens: &[Token], block: usize) -> Range<usize> {
    let from = block * BLOCK_WORDS;
    let words = tokens
        .get(from..(from + 2 * BLOCK_WORDS).min(tokens.len()))
        .unwrap_or_default();
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => first.start as usize..last.end as usize,
        _ => 0..0,
    }
}

/// The sum over all weights, by which a file is told from another.
pub(crate) fn checksum() -> u32 {
    linear::checksum(DATA)
}
