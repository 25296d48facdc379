//! Finds what nobody should be helped with, or be told: hate, harassment, self-harm, sex, violence, crime. Never keeps what it
//! reads; a [`Judgement`] says which harm, where and how sure, never what.
//!
//! Two layers look at windows of a few dozen words: rules over classes of words, which know harm that is asked for from harm
//! that is studied or prevented, and a small model. A text is cut into blocks at places that depend on the text alone, each
//! folded for itself, and two blocks beside each other make a window: a stream is judged exactly as the whole is.

mod harm;
mod model;
mod rules;
mod settings;
mod watch;
mod words;

use std::ops::Range;
use std::sync::LazyLock;

use serde::Serialize;

use crate::finding::{Finding, Kind};
use crate::injection::lexicon::Lexicon;
use crate::injection::tokens;
use crate::normal::{Readings, fold_text};
pub use harm::Harm;
pub(crate) use harm::PerHarm;
use model::{Model, Sums};
use rules::{Index, Mark};
pub use settings::{Moderation as ModerationSettings, Off, Sure};
use watch::Windows;
pub use watch::{MODERATION_BLOCK_BYTES_MAX, ModerationStream};

/// At this score and above a text is taken for harm; about one harmless text in a hundred reaches it.
pub const MODERATION_FLAG: u8 = 80;

/// What the layers say of one text, in percent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The worst of all harms.
    pub score: u8,
    /// For each harm, in the order of [`Harm::ALL`], its worst window.
    pub scores: [u8; Harm::ALL.len()],
    /// Where each harm is that is as sure as was asked for; places are in the text that was handed in.
    pub findings: Vec<Finding>,
}

/// What is looked with, shared by all; made when it is first needed, for it takes memory.
struct Core {
    lexicon: Lexicon,
    index: Index,
    model: Option<Model>,
}

static CORE: LazyLock<Core> = LazyLock::new(|| Core {
    lexicon: Lexicon::new(words::WORDS),
    index: Index::new(),
    model: Model::new(),
});

/// The guard that moderates. Made once, shared; cheap to clone.
#[derive(Clone)]
pub struct Moderation {
    core: &'static LazyLock<Core>,
    /// How sure each harm must be to be told; over 100 it is not looked for.
    least: PerHarm<u8>,
}

impl Default for Moderation {
    fn default() -> Self {
        Self::new()
    }
}

/// One block, read.
#[derive(Clone, Debug, Default)]
struct Block {
    marks: Vec<Mark>,
    places: u32,
    sums: Sums,
}

impl Moderation {
    /// The guard with its lists and model, telling what is as sure as [`MODERATION_FLAG`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            core: &CORE,
            least: [MODERATION_FLAG; Harm::ALL.len()],
        }
    }

    /// The same, telling each harm from this score on; over 100 never.
    #[must_use]
    pub fn telling(&self, least: [u8; Harm::ALL.len()]) -> Self {
        Self {
            core: self.core,
            least,
        }
    }

    /// Judges one text as it stands. Encodings in it are not undone: see [`Moderation::judge_readings`].
    #[must_use]
    pub fn judge(&self, text: &str) -> Judgement {
        let mut judgement = Judgement::default();
        let mut windows = Windows::default();
        windows.whole(self, text, &mut judgement.findings);
        judgement.scores = windows.worst();
        judgement.score = judgement.scores.into_iter().max().unwrap_or_default();
        judgement
    }

    /// Judges one text, and what it hides: encodings, escapes, spaced letters, comments.
    // threat: AGP-T1
    #[must_use]
    pub fn judge_readings(&self, text: &str) -> Judgement {
        let mut judgement = self.judge(text);
        let readings = Readings::of(text);
        for (number, reading) in readings.all().iter().enumerate().skip(1) {
            let hidden = self.judge(reading.text());
            for (worst, score) in judgement.scores.iter_mut().zip(hidden.scores) {
                *worst = score.max(*worst);
            }
            judgement.score = judgement.score.max(hidden.score);
            let found = hidden.findings.into_iter();
            judgement.findings.extend(found.map(|finding| Finding {
                span: readings.origin(number, finding.span),
                ..finding
            }));
        }
        judgement
    }

    /// What the model is trained on: for every window the traits, hashed to where their weights stand, and what the rules alone
    /// say of each harm.
    #[must_use]
    pub fn traits(text: &str) -> Vec<(Vec<u32>, [u8; Harm::ALL.len()])> {
        let core = &*CORE;
        let (mut out, mut before): (Vec<_>, Option<(Block, Vec<u32>)>) = (Vec::new(), None);
        watch::blocks(text, |block| {
            let mut own = Vec::new();
            let read = core.read(block, |found| own.push(model::bucket(found)));
            let mut traits = own.clone();
            traits.extend(before.iter().flat_map(|(_, traits)| traits));
            let said = core.said(before.as_ref().map(|(block, _)| block), &read, |number| {
                traits.push(model::bucket(model::of_rule(number)));
            });
            out.push((traits, said));
            before = Some((read, own));
        });
        out
    }

    /// Tells the model's data from another's.
    #[must_use]
    pub fn model_checksum() -> u32 {
        model::checksum()
    }
}

impl Core {
    /// Reads the words of a block, and tells the model's traits of them.
    fn read(&self, block: &str, tell: impl FnMut(u32)) -> Block {
        let text = fold_text(block);
        let tokens = tokens::tokens(&text, &self.lexicon);
        model::walk(&text, &tokens, tell);
        let classed = tokens.iter().filter(|token| token.classes != 0);
        Block {
            marks: classed
                .map(|token| Mark {
                    place: token.place,
                    classes: token.classes,
                })
                .collect(),
            places: tokens.last().map_or(0, |token| token.place),
            sums: Sums::default(),
        }
    }

    /// A block and what the model makes of it.
    fn block(&self, block: &str) -> Block {
        let mut sums = Sums::default();
        let read = self.read(block, |found| {
            if let Some(model) = &self.model {
                model.add(found, &mut sums);
            }
        });
        Block { sums, ..read }
    }

    /// What rules say of a window, and which.
    fn said(&self, before: Option<&Block>, block: &Block, mut tell: impl FnMut(u32)) -> PerHarm<u8> {
        let mut said = [0; Harm::ALL.len()];
        let mut marks: Vec<Mark> = before.map_or_else(Vec::new, |before| before.marks.clone());
        let shift = before.map_or(0, |before| before.places);
        marks.extend(block.marks.iter().map(|mark| Mark {
            place: mark.place + shift,
            ..*mark
        }));
        rules::soften(&mut marks);
        self.index.hits(&marks, |number, says| {
            tell(number);
            for (harm, score) in says {
                if let Some(said) = said.get_mut(*harm as usize) {
                    *said = (*said).max(*score);
                }
            }
        });
        said
    }

    /// What both layers say of a window.
    fn judge(&self, before: Option<&Block>, block: &Block) -> PerHarm<u8> {
        let mut sums = before.map_or(block.sums, |before| before.sums.and(&block.sums));
        let mut said = self.said(before, block, |number| {
            if let Some(model) = &self.model {
                model.add(model::of_rule(number), &mut sums);
            }
        });
        if let Some(model) = &self.model {
            for (said, sure) in said.iter_mut().zip(model.judge(&sums)) {
                *said = together(*said, sure);
            }
        }
        said
    }
}

/// Two witnesses: what the rules say in percent, and the model between 0 and 1.
fn together(said: u8, sure: f32) -> u8 {
    let doubt = (1.0 - f32::from(said) / 100.0) * (1.0 - sure);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    {
        ((1.0 - doubt).clamp(0.0, 1.0) * 100.0) as u8
    }
}

fn finding(harm: Harm, span: Range<usize>, score: u8) -> Finding {
    Finding {
        span,
        rule: harm.rule().into(),
        kind: Kind::Moderation,
        category: harm.as_str(),
        score,
    }
}

impl std::fmt::Debug for Moderation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moderation")
            .field("least", &self.least)
            .finish_non_exhaustive()
    }
}
