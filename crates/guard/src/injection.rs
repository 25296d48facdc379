//! Finds text that wants to be taken for an instruction where it is none, or that is to undo those that
//! are. Never keeps what it reads; a [`Verdict`] says where and how sure, never what.
//!
//! Three layers look at every reading of a text ([`Readings`]): rules over classes of words, structure
//! (where a text comes from, forged turns, hidden places), and a small model. What is data (results of
//! tools, documents, descriptions) has no business giving instructions, so there the same words weigh more.

mod canary;
mod leak;
pub(crate) mod lexicon;
mod markers;
mod model;
mod parts;
mod retrieved;
mod rules;
mod table;
pub(crate) mod tokens;
mod words;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Kind};
use crate::normal::{Reading, Readings, Via};
pub use canary::{Canary, CanaryWatch};
pub use leak::{Leak, LeakWatch};
pub(crate) use lexicon::Classes;
use lexicon::{Lexicon, MALICE};
use markers::Markers;
use model::Model;
use rules::{Hit, Index};
use tokens::Token;

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The operator of the application: the system or developer message.
    System,
    /// The person who asks.
    User,
    /// A model, in an earlier turn.
    Assistant,
    /// What a tool gave back.
    ToolResult,
    /// A document that was retrieved or attached.
    Document,
    /// What a tool says of itself.
    ToolDescription,
}

impl Origin {
    /// Whether the text is only to be read, never to be obeyed.
    #[must_use]
    pub const fn is_data(self) -> bool {
        matches!(self, Self::ToolResult | Self::Document | Self::ToolDescription)
    }
}

/// So many words make a description.
const DESCRIPTION_WORDS_MIN: usize = 4;

/// The score of what rules alone decide, so that [`RULES_FLAG`] of theirs is [`FLAG`] of all layers.
fn by_rules_alone(rules: u8) -> u8 {
    let (rules, flag, own) = (u32::from(rules.min(100)), u32::from(FLAG), u32::from(RULES_FLAG));
    let score = match rules.checked_sub(own) {
        None => rules * flag / own,
        Some(above) => flag + above * (100 - flag) / (100 - own),
    };
    u8::try_from(score).unwrap_or(100)
}

/// What the layers say of one text, in percent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// All layers together.
    pub score: u8,
    /// Rules and structure alone.
    pub rules: u8,
    /// The model alone, for the worst window of the text as it is read without decoding. Nothing for what tools say of
    /// themselves.
    pub model: u8,
    /// False when the text holds more, or deeper, encodings than were undone.
    pub complete: bool,
    /// What was found, in order; places are in the text that was handed in.
    pub findings: Vec<Finding>,
}

/// At this score and above, rules alone take a text for an attack.
pub const RULES_FLAG: u8 = 50;
/// At this score and above, all layers together do; about one benign text in a hundred reaches it.
pub const FLAG: u8 = 80;
/// At this score and above a text is suspect; about one benign text in twenty reaches it.
pub const SUSPECT: u8 = 50;

/// The name under which the model reports.
const MODEL_RULE: &str = "injection_model";
/// How many words around each other findings speak of one thing.
const NEAR_WORDS: u32 = 160;
/// What an instruction in an encoding or a hidden place weighs more, in percent of what is missing to sure.
const HIDDEN_PERCENT: u32 = 40;

/// The guard against injection and jailbreak. Made once, shared.
pub struct Injection {
    lexicon: Lexicon,
    index: Index,
    markers: Markers,
    model: Option<Model>,
}

impl Default for Injection {
    fn default() -> Self {
        Self::new()
    }
}

/// One reading, judged.
struct Judged {
    rules: u32,
    model: f32,
    /// Where the model's worst window is.
    window: Range<usize>,
    hits: Vec<Hit>,
}

impl Injection {
    /// The guard with its lists and model.
    #[must_use]
    pub fn new() -> Self {
        let lexicon = Lexicon::new(words::WORDS);
        Self {
            index: Index::new(lexicon.sets()),
            markers: Markers::new(),
            model: Model::new(),
            lexicon,
        }
    }

    /// Judges one text. What a person quotes as retrieved, between tags or under headings, is judged once more as the data
    /// that it is.
    // threat: AGP-T1 ANP-0003
    #[must_use]
    pub fn judge(&self, text: &str, origin: Origin) -> Verdict {
        let mut verdict = self.alone(text, origin);
        if origin == Origin::User {
            for span in retrieved::retrieved(text) {
                let quoted = retrieved::unmarked(text.get(span.clone()).unwrap_or_default());
                verdict.take_in(self.alone(&quoted, Origin::Document), span.start);
            }
        }
        verdict
    }

    /// Judges all of a text as one origin's.
    fn alone(&self, text: &str, origin: Origin) -> Verdict {
        let readings = Readings::of(text);
        let mut verdict = Verdict {
            complete: readings.complete(),
            ..Verdict::default()
        };
        let mut model = 0.0_f32;
        for (number, reading) in readings.all().iter().enumerate() {
            let judged = self.reading(reading, origin);
            let rules = lifted(judged.rules, reading.via());
            for hit in &judged.hits {
                let span = readings.origin(number, hit.span());
                verdict.findings.extend(
                    hit.rule()
                        .map(|rule| finding(rule.name, span, weight(rule, origin))),
                );
            }
            if judged.model * 100.0 >= f32::from(FLAG) {
                let span = readings.origin(number, judged.window);
                verdict
                    .findings
                    .push(finding(MODEL_RULE, span, percent(judged.model)));
            }
            verdict.rules = verdict.rules.max(u8::try_from(rules).unwrap_or(100));
            model = model.max(judged.model);
        }
        verdict.model = percent(model);
        verdict.score = together(verdict.rules, verdict.model);
        verdict
            .findings
            .sort_by(|a, b| (a.span.start, a.span.end, &a.rule).cmp(&(b.span.start, b.span.end, &b.rule)));
        verdict.findings.dedup();
        verdict
    }

    /// Judges what a tool says of itself: its name is read too, and what a tool is for. Here rules decide alone: the model
    /// knows few descriptions, and with it more harmless ones were flagged than poisoned ones found.
    // threat: ANP-0003
    #[must_use]
    pub fn poisoned(&self, name: &str, description: &str) -> Verdict {
        let mut verdict = self.judge(description, Origin::ToolDescription);
        let said = |text: &str| {
            tokens::tokens(text, &self.lexicon)
                .into_iter()
                .find(|token| token.classes & MALICE != 0)
        };
        let openly = said(description)
            .map(|token| token.start as usize..token.end as usize)
            .or_else(|| said(name).map(|_| 0..0));
        if let Some(span) = openly {
            verdict
                .findings
                .push(finding("harmful_tool", span, rules::MALICE_SCORE));
            verdict.rules = together(verdict.rules, rules::MALICE_SCORE);
        }
        verdict.score = by_rules_alone(verdict.rules);
        verdict
    }

    /// Judges one text of a tool's definition: its description, its name, or what its parameters are for. What it is for is only
    /// asked of a description; a single word of a schema says nothing of that.
    // threat: ANP-0003
    #[must_use]
    pub fn described(&self, text: &str) -> Verdict {
        if text.split_whitespace().nth(DESCRIPTION_WORDS_MIN - 1).is_some() {
            return self.poisoned("", text);
        }
        let mut verdict = self.judge(text, Origin::ToolDescription);
        verdict.score = by_rules_alone(verdict.rules);
        verdict
    }

    /// Judges one text by who wrote it.
    pub(crate) fn judge_as(&self, text: &str, origin: Origin) -> Verdict {
        match origin {
            Origin::ToolDescription => self.described(text),
            _ => self.judge(text, origin),
        }
    }

    /// What the model is trained on: for every reading, for every block of words, hashed traits.
    #[must_use]
    pub fn traits(&self, text: &str) -> Vec<Vec<Vec<u32>>> {
        let readings = Readings::of(text);
        let plain = readings.all().iter().filter(|reading| !decoded(reading.via()));
        plain
            .map(|reading| {
                let (tokens, hits) = self.words(reading.text());
                model::blocks(&tokens, &hits)
            })
            .collect()
    }

    /// Tells the model's data from another's.
    #[must_use]
    pub fn model_checksum() -> u32 {
        model::checksum()
    }

    fn words(&self, text: &str) -> (Vec<Token>, Vec<Hit>) {
        let mut tokens = tokens::tokens(text, &self.lexicon);
        self.markers.mark(text, &mut tokens);
        let hits = rules::hits(&tokens, &self.index);
        (tokens, hits)
    }

    fn reading(&self, reading: &Reading<'_>, origin: Origin) -> Judged {
        let (tokens, hits) = self.words(reading.text());
        // What came by decoding is never quite the text that was encoded, and a description of a tool is like no text the
        // model knows: with it more harmless ones were flagged. There the rules decide alone.
        let speaks = origin != Origin::ToolDescription && !decoded(reading.via());
        let (model, block) = self
            .model
            .as_ref()
            .filter(|_| speaks)
            .map_or((0.0, 0), |model| model.judge(&tokens, &hits));
        Judged {
            rules: evidence(&hits, origin),
            model,
            window: model::window(&tokens, block),
            hits,
        }
    }
}

impl Verdict {
    /// Takes in what was said of a stretch of the text that begins at `start`.
    fn take_in(&mut self, other: Self, start: usize) {
        self.score = self.score.max(other.score);
        self.rules = self.rules.max(other.rules);
        self.model = self.model.max(other.model);
        self.complete &= other.complete;
        self.findings
            .extend(other.findings.into_iter().map(|finding| Finding {
                span: start + finding.span.start..start + finding.span.end,
                ..finding
            }));
        let order = |it: &Finding| (it.span.start, it.span.end, it.rule.clone());
        self.findings
            .sort_by_key(|it| (order(it), std::cmp::Reverse(it.score)));
        self.findings.dedup_by_key(|it| order(it));
    }
}

impl std::fmt::Debug for Injection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Injection").finish_non_exhaustive()
    }
}

const fn weight(rule: &rules::Rule, origin: Origin) -> u8 {
    if origin.is_data() { rule.data } else { rule.said }
}

/// What different rules say within some hundred words, in percent: as independent witnesses, the
/// strongest stretch of the text counting.
fn evidence(hits: &[Hit], origin: Origin) -> u32 {
    let mut worst = 0;
    let mut first = 0;
    for (last, hit) in hits.iter().enumerate() {
        while hits
            .get(first)
            .is_some_and(|early| hit.place - early.place > NEAR_WORDS)
        {
            first += 1;
        }
        let near = hits.get(first..=last).unwrap_or_default();
        worst = worst.max(witnesses(near, origin));
    }
    worst
}

fn witnesses(near: &[Hit], origin: Origin) -> u32 {
    // The best of each name: two forms of one rule are no two witnesses.
    let mut best: Vec<(&str, u8)> = Vec::with_capacity(8);
    for rule in near.iter().filter_map(Hit::rule) {
        let weight = weight(rule, origin);
        match best.iter_mut().find(|(name, _)| *name == rule.name) {
            Some((_, known)) => *known = weight.max(*known),
            None => best.push((rule.name, weight)),
        }
    }
    let doubt = best.iter().fold(10_000_u32, |doubt, (_, weight)| {
        doubt * (100 - u32::from(*weight)) / 100
    });
    100 - doubt.div_ceil(100)
}

/// Whether a reading is of something else than the text's own characters.
fn decoded(via: &[Via]) -> bool {
    via.iter()
        .any(|step| !matches!(step, Via::Escapes | Via::Tagless))
}

/// The same words weigh more where nobody was to see them; what is no sign of an attack in plain sight is none there.
fn lifted(score: u32, via: &[Via]) -> u32 {
    if decoded(via) && score >= u32::from(RULES_FLAG) {
        score + (100 - score) * HIDDEN_PERCENT / 100
    } else {
        score
    }
}

fn together(a: u8, b: u8) -> u8 {
    let doubt = u32::from(100 - a.min(100)) * u32::from(100 - b.min(100));
    u8::try_from(100 - doubt.div_ceil(100)).unwrap_or(100)
}

fn percent(probability: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    {
        (probability.clamp(0.0, 1.0) * 100.0) as u8
    }
}

fn finding(rule: &'static str, span: Range<usize>, score: u8) -> Finding {
    Finding {
        span,
        rule: rule.into(),
        kind: Kind::Injection,
        category: "",
        score,
    }
}
