//! The wire formats. Pure: texts in, a body out; a body in, findings out. What is not of the very form is [`Malformed`].

mod judge;
mod moderation;
mod own;
mod presidio;

use guard::Finding;

pub use judge::{Form, JUDGED_TOKENS_MAX, Judge, judged};
pub use moderation::Moderation;
pub use own::Own;
pub use presidio::Presidio;

use crate::question::{Question, Text};

/// Findings in one answer at most.
const FINDINGS_MAX: usize = 10_000;
/// Letters of a rule at most.
const RULE_BYTES_MAX: usize = 64;

/// What a guard outside speaks. Its `Debug` is what verdicts depend on beside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The gate's own small contract.
    Own(Own),
    /// Microsoft Presidio's analyzer.
    Presidio(Presidio),
    /// OpenAI's moderation endpoint.
    Moderation(Moderation),
    /// A model that judges, behind OpenAI's chat completions.
    Judge(Judge),
}

/// LLM tokens: of prompts, and generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Of prompts.
    pub input: u64,
    /// Generated.
    pub output: u64,
}

impl Spent {
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }
}

/// An answer, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// For each text, in their order.
    pub findings: Vec<Vec<Finding>>,
    /// What it took, where it says so.
    pub spent: Spent,
}

/// What is wrong with an answer. Never a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON of the expected form.
    #[error("not JSON of the expected form")]
    Form,
    /// Of another number of texts than were asked about.
    #[error("it is about another number of texts")]
    Texts,
    /// A finding lies outside its text, or is empty.
    #[error("a finding lies outside its text")]
    Place,
    /// A rule or kind has a name that is none.
    #[error("a rule or kind has a name that is none")]
    Name,
    /// A score is not between 0 and 1.
    #[error("a score is not between 0 and 1")]
    Score,
    /// More findings than are read.
    #[error("there are more than {FINDINGS_MAX} findings")]
    Many,
    /// A judge said something else than `safe`, or `unsafe` and known categories.
    #[error("it is neither `safe` nor `unsafe` with known categories")]
    Verdict,
}

impl Kind {
    /// Where below the base it is asked; `None` where the address is the whole of it.
    pub(crate) const fn path(&self) -> Option<&'static str> {
        match self {
            Self::Own(_) => None,
            Self::Presidio(_) => Some("/analyze"),
            Self::Moderation(_) => Some("/v1/moderations"),
            Self::Judge(_) => Some("/v1/chat/completions"),
        }
    }

    /// How many texts one request may carry.
    pub(crate) const fn together_max(&self) -> usize {
        match self {
            Self::Own(_) => 256,
            Self::Moderation(_) => 32,
            Self::Presidio(_) | Self::Judge(_) => 1,
        }
    }

    /// Whether the whole conversation is one question.
    pub(crate) const fn judges_all_as_one(&self) -> bool {
        matches!(self, Self::Judge(_))
    }

    /// The request's body.
    pub fn write(&self, question: &Question<'_>, texts: &[Text<'_>]) -> serde_json::Result<String> {
        match self {
            Self::Own(own) => own.write(question, texts),
            Self::Presidio(presidio) => presidio.write(texts),
            Self::Moderation(moderation) => moderation.write(texts),
            Self::Judge(judge) => judge.write(question, texts),
        }
    }

    /// What the answer says of these texts.
    // threat: ANP-0019
    pub fn read(&self, name: &str, texts: &[Text<'_>], answer: &[u8]) -> Result<Read, Malformed> {
        match self {
            Self::Own(own) => own.read(name, texts, answer),
            Self::Presidio(presidio) => presidio.read(texts, answer),
            Self::Moderation(moderation) => moderation.read(texts, answer),
            Self::Judge(judge) => judge.read(texts, answer),
        }
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(answer: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(answer).map_err(|_| Malformed::Form)
}

/// A share as a percentage.
fn percent(score: f64) -> Result<u8, Malformed> {
    if !(0.0..=1.0).contains(&score) {
        return Err(Malformed::Score);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 100"
    )]
    Ok((score * 100.0).round() as u8)
}

/// A rule's name that can stand in records, refusals and texts: nothing that could be taken for more than a name.
fn rule(prefix: &str, name: &str) -> Result<String, Malformed> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    if name.is_empty() || name.len() > RULE_BYTES_MAX || !name.bytes().all(is_plain) {
        return Err(Malformed::Name);
    }
    Ok(format!("{prefix}:{name}"))
}
