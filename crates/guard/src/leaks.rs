//! System prompts that come out again in answers: how that is set, and what follows an answer for it. Never keeps text of
//! the prompt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::Gate;
use crate::context::AnswerContext;
use crate::finding::Finding;
use crate::injection::{Canary, CanaryWatch, Injection, LeakWatch};

/// So many marks one document may list.
const CANARIES_MAX: usize = 64;
/// Unless said, this much of the prompt must come out.
const SHARE: u8 = 25;

/// What to do about answers that repeat the system prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LeaksGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Leaks {
    /// In what models answer.
    pub output: Gate,
    /// How much of the request's system texts an answer must repeat, in percent of their runs of six words. Texts of fewer
    /// than seven words are not known again.
    #[schemars(range(min = 1, max = 100))]
    pub share: u8,
    /// Words that stand in system prompts for no other end than to be noticed; letters and digits, at least eight of them.
    /// Case, spaces and signs do not hide them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub canaries: Vec<String>,
}

impl Default for Leaks {
    fn default() -> Self {
        Self {
            output: Gate::Off,
            share: SHARE,
            canaries: Vec::new(),
        }
    }
}

impl Leaks {
    /// Whether these settings ask for a finding; `word` is what was found, `None` where it is not at hand.
    pub(crate) fn asks(&self, finding: &Finding, word: Option<&str>) -> bool {
        if finding.rule != "canary" {
            return finding.score >= self.share;
        }
        let plain = |text: &str| -> String {
            let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
            letters
                .map(|byte| char::from(byte.to_ascii_lowercase()))
                .collect()
        };
        let word = word.map(plain);
        let is_own = |canary: &String| word.as_ref().is_none_or(|word| *word == plain(canary));
        self.canaries.iter().any(is_own)
    }

    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.canaries.len() > CANARIES_MAX {
            problems.push((
                "leaks.canaries",
                format!("are more than {CANARIES_MAX}: one is enough for each prompt"),
            ));
        }
        if self.canaries.iter().any(|word| Canary::word(word).is_none()) {
            let (min, max) = (Canary::WORD_MIN, Canary::WORD_MAX);
            problems.push((
                "leaks.canaries",
                format!("hold a word that is no mark: give each {min} to {max} letters and digits, such as a random code"),
            ));
        }
        problems
    }
}

/// What is looked for in answers for all profiles of a plan.
#[derive(Debug, Default)]
pub(crate) struct LeakEngine {
    canaries: Vec<Canary>,
    steps: Vec<u8>,
}

impl LeakEngine {
    pub(crate) fn new<'l>(settings: impl Iterator<Item = &'l Leaks>) -> Self {
        let mut engine = Self::default();
        for one in settings.filter(|it| it.output != Gate::Off) {
            engine.steps.push(one.share);
            for canary in one.canaries.iter().filter_map(|word| Canary::word(word)) {
                if !engine.canaries.contains(&canary) {
                    engine.canaries.push(canary);
                }
            }
        }
        engine
    }

    pub(crate) fn wants_context(&self) -> bool {
        !self.steps.is_empty()
    }
}

/// Follows one text channel of an answer for leaks. The start of a mark is held back, of repeated words nothing: an answer
/// is ended when it has repeated as much as is set, not before.
#[derive(Debug)]
pub(crate) struct LeakFollow {
    canaries: Vec<CanaryWatch>,
    watch: LeakWatch,
}

impl LeakFollow {
    pub(crate) fn new(engine: &LeakEngine) -> Self {
        Self {
            canaries: engine.canaries.iter().map(CanaryWatch::new).collect(),
            watch: LeakWatch::new(&engine.steps),
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared by it, where it
    /// holds some back.
    // threat: AGP-I3
    pub(crate) fn push(
        &mut self,
        guard: &Injection,
        context: Option<&AnswerContext>,
        piece: &str,
        found: &mut Vec<Finding>,
    ) -> Option<u64> {
        if let Some(leak) = context.and_then(AnswerContext::leak) {
            self.watch.push(leak, guard, piece, found);
        }
        for canary in &mut self.canaries {
            canary.push(piece, found);
        }
        self.canaries.iter().map(|canary| canary.held_from() as u64).min()
    }

    pub(crate) fn finish(
        &mut self,
        guard: &Injection,
        context: Option<&AnswerContext>,
        found: &mut Vec<Finding>,
    ) {
        if let Some(leak) = context.and_then(AnswerContext::leak) {
            self.watch.finish(leak, guard, found);
        }
    }
}
