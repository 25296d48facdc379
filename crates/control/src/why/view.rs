//! Answers to why and who, as they are shown.

use policy::{Applied, Effect, Outcome, nearest};
use schemars::JsonSchema;
use serde::Serialize;

use super::guarded::GuardedView;

/// Why something is permitted or not.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct WhyView {
    /// `calls` or `control`.
    pub plane: &'static str,
    /// Whether it is permitted.
    pub permit: bool,
    /// Who was asked about.
    pub principal: String,
    /// What they would do.
    pub action: String,
    /// To what.
    pub resource: String,
    /// The policies that decided.
    pub decided_by: Vec<PartView>,
    /// The other policies about such acts, whose conditions do not hold.
    pub others: Vec<PartView>,
    /// Where nothing permits it: what the nearest policy lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// What the caller is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong while deciding; the answer is then no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was recorded, when a recorded call is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
    /// What the answer could not take into account.
    pub not_known: Vec<String>,
}

/// What an entry of the ledger says.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Recorded {
    /// How the call ended.
    pub outcome: String,
    /// The policies that decided then.
    pub policies: Vec<String>,
    /// What guards and consents had to do with it.
    pub guarded: GuardedView,
}

/// One policy's part.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PartView {
    /// Its id.
    pub policy: String,
    /// Where it was written, as `file:line`.
    pub place: String,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// `satisfied`, `not satisfied`, or how it failed.
    pub outcome: String,
    /// Its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its conditions that do not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

/// Who may do something.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct WhoView {
    /// Those who may.
    pub items: Vec<Can>,
    /// How many were asked about.
    pub asked: usize,
    /// Whether there are more that were not.
    pub is_cut: bool,
}

/// Somebody who may.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Can {
    /// Their id.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// The policies that permit it.
    pub policies: Vec<String>,
}

impl WhyView {
    /// With each policy's part.
    pub(super) fn of(decided_by: &[String], applied: Vec<Applied>) -> Self {
        let missing = decided_by.is_empty().then(|| missing(&applied));
        let (decided, others): (Vec<_>, Vec<_>) = applied
            .iter()
            .partition(|one| decided_by.contains(&one.policy) || matches!(one.outcome, Outcome::Failed(_)));
        Self {
            decided_by: decided.into_iter().map(part).collect(),
            others: others.into_iter().map(part).collect(),
            missing,
            ..Self::default()
        }
    }
}

fn missing(applied: &[Applied]) -> String {
    match nearest(applied) {
        Some(near) => format!(
            "no policy permits it; nearest: `{}` ({}) lacks {}",
            near.policy,
            near.place,
            near.lacks.join(" and ")
        ),
        None => "no policy permits it, and none is near enough to say what it lacks".to_owned(),
    }
}

/// One policy's part as it is shown.
pub fn part(applied: &Applied) -> PartView {
    PartView {
        policy: applied.policy.clone(),
        place: applied.place.clone(),
        effect: match applied.effect {
            Effect::Permit => "permit",
            Effect::Forbid => "forbid",
        },
        outcome: match &applied.outcome {
            Outcome::Satisfied => "satisfied".to_owned(),
            Outcome::NotSatisfied => "not satisfied".to_owned(),
            Outcome::Failed(error) => format!("failed: {error}"),
        },
        reason: applied.reason.clone(),
        lacks: applied.lacks.clone(),
    }
}
