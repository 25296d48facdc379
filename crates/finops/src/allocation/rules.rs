//! Rules: whose cost goes where. They are checked before they are kept; an order is part of their meaning.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Quantities};

/// What the rest is called unless somebody names it.
pub const REST: &str = "unallocated";
/// The most rules of a tenant.
const RULES_MAX: usize = 200;
/// The most sources or parts of a rule.
const PARTS_MAX: usize = 100;
/// The longest name of a rule or cost centre.
const NAME_CHARS_MAX: usize = 120;
/// All of it, in hundredths of a per cent.
const WHOLE_BP: u64 = 10_000;

/// Whose cost a rule takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id", deny_unknown_fields)]
#[schemars(rename = "CostSource")]
pub enum Source {
    /// All keys of a team.
    Team(String),
    /// All keys of a project.
    Project(String),
    /// A key.
    Key(String),
    /// Whatever no rule before has taken.
    Everything,
}

/// A cost centre and its weight: hundredths of a per cent, or parts of whatever the weights sum to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CostPart")]
pub struct Part {
    /// The cost centre.
    pub to: String,
    /// How much.
    pub weight: u64,
}

/// By what usage is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "UsageBasis")]
pub enum Basis {
    /// Cost.
    Cost,
    /// Calls.
    Requests,
    /// LLM tokens.
    Tokens,
}

/// How a rule splits what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
#[schemars(rename = "CostSplit")]
pub enum Split {
    /// All of it goes to one.
    Whole {
        /// Which.
        to: String,
    },
    /// In equal parts.
    Even {
        /// Among these.
        to: Vec<String>,
    },
    /// In hundredths of a per cent; what they leave goes to the rest.
    Percent {
        /// To whom, and how much.
        parts: Vec<Part>,
    },
    /// In proportion to weights.
    Weights {
        /// To whom, and how much.
        parts: Vec<Part>,
    },
    /// In proportion to what the other rules have sent to each of these.
    Usage {
        /// Among these.
        to: Vec<String>,
        /// Measured by this.
        by: Basis,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CostRule")]
pub struct Rule {
    /// What people call it; unique.
    pub name: String,
    /// It takes what any of these has spent.
    pub takes: Vec<Source>,
    /// And splits it so.
    pub split: Split,
}

/// All rules of a tenant. The first that takes a cost has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CostRules")]
pub struct Rules {
    /// In their order.
    pub rules: Vec<Rule>,
    /// The cost centre of what no rule takes.
    pub rest: String,
}

/// Rules that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Too many.
    #[error("at most {RULES_MAX} rules, and {PARTS_MAX} sources or cost centres in each")]
    TooMany,
    /// A name that is none.
    #[error("`{0}` is no name: 1 to {NAME_CHARS_MAX} characters on one line, with no space at its ends")]
    Name(String),
    /// Two rules of one name.
    #[error("two rules are called `{0}`")]
    Twice(String),
    /// A rule that takes nothing.
    #[error("rule `{0}` takes nothing: name a team, project or key, or everything")]
    TakesNothing(String),
    /// A split without centres, or with one twice.
    #[error("rule `{0}` names no cost centre, or one twice")]
    Centres(String),
    /// Percentages above a hundred, or nothing at all.
    #[error("rule `{0}`: percentages sum to 0.01 up to 100, in hundredths of a per cent 1 up to 10000")]
    Percent(String),
    /// Weights of nothing.
    #[error("rule `{0}`: weights are 1 up to 1000000000 each")]
    Weights(String),
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            rest: REST.to_owned(),
        }
    }
}

impl Rule {
    /// Whether this cost is one of its.
    pub(super) fn takes(&self, cost: &Cost) -> bool {
        self.takes.iter().any(|source| match source {
            Source::Team(id) => cost.team.as_ref() == Some(id),
            Source::Project(id) => cost.project.as_ref() == Some(id),
            Source::Key(id) => cost.key.as_ref() == Some(id),
            Source::Everything => true,
        })
    }

    fn check(&self) -> Result<(), RuleError> {
        let named = |error: fn(String) -> RuleError| error(self.name.clone());
        must_be_name(&self.name)?;
        if self.takes.is_empty() {
            return Err(named(RuleError::TakesNothing));
        }
        let centres = self.split.centres();
        if self.takes.len().max(centres.len()) > PARTS_MAX {
            return Err(RuleError::TooMany);
        }
        centres.iter().try_for_each(|centre| must_be_name(centre))?;
        if centres.is_empty() || centres.iter().collect::<BTreeSet<_>>().len() < centres.len() {
            return Err(named(RuleError::Centres));
        }
        match &self.split {
            Split::Percent { parts } => {
                let sum = parts
                    .iter()
                    .fold(0_u64, |sum, part| sum.saturating_add(part.weight));
                let fits = parts.iter().all(|part| part.weight > 0) && sum <= WHOLE_BP;
                fits.then_some(()).ok_or_else(|| named(RuleError::Percent))
            }
            Split::Weights { parts } => {
                let fits = parts
                    .iter()
                    .all(|part| (1..=1_000_000_000).contains(&part.weight));
                fits.then_some(()).ok_or_else(|| named(RuleError::Weights))
            }
            Split::Whole { .. } | Split::Even { .. } | Split::Usage { .. } => Ok(()),
        }
    }
}

impl Split {
    /// Its name on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Whole { .. } => "whole",
            Self::Even { .. } => "even",
            Self::Percent { .. } => "percent",
            Self::Weights { .. } => "weights",
            Self::Usage { .. } => "usage",
        }
    }

    fn centres(&self) -> Vec<&str> {
        match self {
            Self::Whole { to } => vec![to],
            Self::Even { to } | Self::Usage { to, .. } => to.iter().map(String::as_str).collect(),
            Self::Percent { parts } | Self::Weights { parts } => {
                parts.iter().map(|part| part.to.as_str()).collect()
            }
        }
    }

    /// Each centre and its weight, given what the centres have used.
    pub(super) fn parts(&self, rest: &str, usage: &BTreeMap<&str, Quantities>) -> Vec<(String, u64)> {
        let weighed = |parts: &[Part]| -> Vec<(String, u64)> {
            parts.iter().map(|part| (part.to.clone(), part.weight)).collect()
        };
        match self {
            Self::Whole { to } => vec![(to.clone(), 1)],
            Self::Even { to } => to.iter().map(|to| (to.clone(), 1)).collect(),
            Self::Weights { parts } => weighed(parts),
            Self::Percent { parts } => {
                let mut all = weighed(parts);
                let sum = all
                    .iter()
                    .fold(0_u64, |sum, (_, weight)| sum.saturating_add(*weight));
                if sum < WHOLE_BP {
                    all.push((rest.to_owned(), WHOLE_BP - sum));
                }
                all
            }
            Self::Usage { to, by } => {
                let used = |to: &String| usage.get(to.as_str()).copied().unwrap_or_default();
                let weight = |of: Quantities| match by {
                    Basis::Cost => of.cost.nanos().max(0).unsigned_abs(),
                    Basis::Requests => of.requests,
                    Basis::Tokens => of.tokens,
                };
                to.iter().map(|to| (to.clone(), weight(used(to)))).collect()
            }
        }
    }
}

impl Rules {
    /// Whether they can be meant.
    pub fn check(&self) -> Result<(), RuleError> {
        if self.rules.len() > RULES_MAX {
            return Err(RuleError::TooMany);
        }
        must_be_name(&self.rest)?;
        let mut seen = BTreeSet::new();
        for rule in &self.rules {
            rule.check()?;
            if !seen.insert(&rule.name) {
                return Err(RuleError::Twice(rule.name.clone()));
            }
        }
        Ok(())
    }
}

fn must_be_name(text: &str) -> Result<(), RuleError> {
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control);
    fits.then_some(())
        .ok_or_else(|| RuleError::Name(text.chars().take(NAME_CHARS_MAX).collect()))
}
