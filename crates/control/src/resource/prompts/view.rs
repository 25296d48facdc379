//! How prompt templates look over HTTP. Decides nothing.

use apps::{Difference, Outcome, State, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;
use crate::texts::Prompt;

/// A prompt template, in a line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PromptLine {
    /// Its name: what calls give as the `id` of their `prompt`.
    pub name: String,
    /// The number of its newest version, whatever that is.
    pub last: u64,
    /// Versions that calls may use; one that names none gets the highest.
    pub published: Vec<u64>,
    /// Versions that wait for somebody else.
    pub in_review: Vec<u64>,
    /// Whether what is stored is not as it was written.
    pub damaged: bool,
}

/// A step of a version.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PromptStep {
    /// What it was from then on.
    pub state: State,
    /// Who did it.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// Why, where somebody said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How far a version has come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PromptVersionLine {
    /// Which, from 1; numbers are never given twice.
    pub number: u64,
    /// How far it has come.
    pub state: State,
    /// By whom, step by step.
    pub steps: Vec<PromptStep>,
}

/// A prompt template.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PromptView {
    /// What is known of it.
    #[serde(flatten)]
    pub line: PromptLine,
    /// Its versions, oldest first.
    pub versions: Vec<PromptVersionLine>,
}

/// One version of a prompt template.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PromptVersionView {
    /// The prompt's name.
    pub name: String,
    /// How far it has come.
    #[serde(flatten)]
    pub line: PromptVersionLine,
    /// SHA-256 of the template as it is stored, in hex.
    pub sha256: String,
    /// Variables that stand where a model obeys: what a reviewer looks at first.
    pub trusted: Vec<String>,
    /// What came of its test cases, now that it was handed in or published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
    /// What it says.
    pub template: Template,
}

/// What a version says otherwise than another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PromptDifferences {
    /// The other; 0 is none.
    pub from: u64,
    /// The version.
    pub to: u64,
    /// All lines of both.
    pub lines: Vec<Difference>,
}

/// What a reviewer says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PromptReview")]
pub struct Review {
    /// Why, for who comes after.
    pub note: String,
}

shapes! { given: Template, Review ; shown: PromptLine, PromptView, PromptVersionView, PromptDifferences }

/// A prompt in a line; one that is not as it was written, where nothing is known of it.
pub(super) fn line(name: &str, prompt: Option<&Prompt>) -> PromptLine {
    let of = |state: State| {
        let all = prompt.into_iter().flat_map(|prompt| &prompt.versions);
        all.filter(|(_, standing)| standing.state() == state)
            .map(|(number, _)| *number)
            .collect()
    };
    PromptLine {
        name: name.to_owned(),
        last: prompt.map_or(0, |prompt| prompt.last),
        published: of(State::Published),
        in_review: of(State::InReview),
        damaged: prompt.is_none(),
    }
}
