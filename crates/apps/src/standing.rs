//! How far a version of a template has come, step by step, by whom, and by whom not. What stands in a version never changes
//! with it.

use domain::{ActorId, UnixMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest note of a step, in characters.
pub const NOTE_CHARS_MAX: usize = 500;

/// So many steps a version may have: whoever hands in the same again and again writes another.
const STEPS_MAX: usize = 40;

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromptState")]
pub enum State {
    /// Written down; no call can use it.
    Draft,
    /// Somebody else is to look at it.
    InReview,
    /// Calls may use it.
    Published,
    /// Somebody else has looked at it and said no.
    Rejected,
    /// Calls may use it no more.
    Retired,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Published => "published",
            Self::Rejected => "rejected",
            Self::Retired => "retired",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What the version was from then on.
    pub state: State,
    /// Who did it.
    pub by: ActorId,
    /// What that one was called.
    pub name: String,
    /// When.
    pub at: UnixMillis,
    /// Why, where somebody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How far a version has come: never without a first step, which is its author's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    author: Step,
    steps: Vec<Step>,
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSo {
    /// From where it is there is no such step.
    #[error("the version is {}, and only {} can become {}", .0.as_str(), .1, .2.as_str())]
    From(State, &'static str, State),
    /// It went back and forth too often.
    #[error("the version was handed in and decided about too often: write another")]
    TooOften,
    /// It takes two.
    #[error("whoever wrote a version or handed it in does not decide about it: somebody else does")]
    Own,
}

/// Which step begins where, for people.
pub const REASONS: &[(State, &str)] = &[
    (State::InReview, "a draft or what was rejected"),
    (State::Published, "what is in review"),
    (State::Rejected, "what is in review"),
    (State::Retired, "what is not retired yet"),
];

impl Standing {
    /// Of a new version.
    #[must_use]
    pub fn draft(by: ActorId, name: String, at: UnixMillis) -> Self {
        let author = Step {
            state: State::Draft,
            by,
            name,
            at,
            note: String::new(),
        };
        Self {
            author,
            steps: Vec::new(),
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> State {
        self.steps.last().unwrap_or(&self.author).state
    }

    /// Who wrote it.
    #[must_use]
    pub const fn author(&self) -> &Step {
        &self.author
    }

    /// All steps, the author's first.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        std::iter::once(&self.author).chain(&self.steps)
    }

    /// Takes a step, if it can be taken by this one. Whoever wrote a version, or handed it in, never decides about it.
    // threat: ANP-B0009
    pub fn take(&mut self, step: Step) -> Result<(), NotSo> {
        use State::{Draft, InReview, Published, Rejected, Retired};
        let now = self.state();
        let can = match step.state {
            Draft => false,
            InReview => matches!(now, Draft | Rejected),
            Published | Rejected => now == InReview,
            Retired => now != Retired,
        };
        if !can {
            let from = REASONS.iter().find(|(state, _)| *state == step.state);
            return Err(NotSo::From(
                now,
                from.map_or("nothing", |(_, from)| from),
                step.state,
            ));
        }
        if step.state == InReview && self.steps.len() >= STEPS_MAX {
            return Err(NotSo::TooOften);
        }
        let decides = matches!(step.state, Published | Rejected);
        let handed_in = |one: &&Step| matches!(one.state, Draft | InReview);
        if decides && self.steps().filter(handed_in).any(|one| one.by == step.by) {
            return Err(NotSo::Own);
        }
        self.steps.push(step);
        Ok(())
    }
}
