//! Who bears which cost: rules that send what teams, projects and keys have spent to cost centres, whole or in parts.
//! The parts of a sum are that sum, to the nano-dollar, the request and the token: what does not divide goes to those
//! who lack most (largest remainders). No float is anywhere near.

mod rules;
mod split;

use std::collections::BTreeMap;

use domain::Money;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use rules::{Basis, Part, REST, Rule, RuleError, Rules, Source, Split};
pub use split::split;

use split::{money_split, shares_ppm};

/// What is borne: money, and what it was spent for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CostQuantities")]
pub struct Quantities {
    /// Cost.
    #[serde(rename = "cost_nanos")]
    #[schemars(with = "i64")]
    pub cost: Money,
    /// Calls.
    pub requests: u64,
    /// LLM tokens, prompt and output.
    pub tokens: u64,
}

impl Quantities {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost.plus(other.cost),
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }
}

/// What one key has spent. Where an id is not known it is nothing, and only [`Source::Everything`] takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// The key's team.
    pub team: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// How much.
    pub of: Quantities,
}

/// What one cost centre bears of what one team has spent under one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostLine {
    /// The team that spent it.
    pub team: Option<String>,
    /// The rule that took it; none did of what goes to the rest.
    pub rule: Option<String>,
    /// The cost centre.
    pub target: String,
    /// How the rule splits: `whole`, `even`, `percent`, `weights`, `usage`, or `rest`.
    pub kind: String,
    /// All that the team spent under this rule.
    #[serde(rename = "original_nanos")]
    #[schemars(with = "i64")]
    pub original: Money,
    /// The centre's share of it, in millionths.
    pub share_ppm: u64,
    /// What the centre bears.
    pub bears: Quantities,
}

/// Who bears what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allocation {
    /// In the order of rules, teams and cost centres.
    pub lines: Vec<CostLine>,
    /// All that was to be borne. The lines sum to it.
    pub total: Quantities,
}

impl Allocation {
    /// What each cost centre bears.
    pub fn targets(&self) -> BTreeMap<&str, Quantities> {
        let mut all = BTreeMap::<&str, Quantities>::new();
        for line in &self.lines {
            let sum = all.entry(line.target.as_str()).or_default();
            *sum = sum.plus(line.bears);
        }
        all
    }
}

/// What a rule took of a team's.
type Taken = BTreeMap<(usize, Option<String>), Quantities>;

impl Rules {
    /// Sends every cost to where the first rule that takes it says, and what none takes to the rest. Rules that split by
    /// usage come after all others: they go by what those have sent to each centre.
    pub fn allocate(&self, costs: &[Cost]) -> Allocation {
        let mut taken = Taken::new();
        let mut total = Quantities::default();
        for cost in costs {
            let rule = self.rules.iter().position(|rule| rule.takes(cost));
            let place = (rule.unwrap_or(self.rules.len()), cost.team.clone());
            let sum = taken.entry(place).or_default();
            *sum = sum.plus(cost.of);
            total = total.plus(cost.of);
        }
        let mut direct = Allocation::default();
        let by_usage = |at: &usize| {
            self.rules
                .get(*at)
                .is_some_and(|rule| matches!(rule.split, Split::Usage { .. }))
        };
        for ((at, team), of) in taken.iter().filter(|((at, _), _)| !by_usage(at)) {
            direct
                .lines
                .extend(self.lines(*at, team.as_deref(), *of, &BTreeMap::new()));
        }
        let usage = direct.targets();
        let mut placed = Vec::new();
        for ((at, team), of) in &taken {
            placed.extend(self.lines(*at, team.as_deref(), *of, &usage));
        }
        Allocation { lines: placed, total }
    }

    fn lines(
        &self,
        at: usize,
        team: Option<&str>,
        of: Quantities,
        usage: &BTreeMap<&str, Quantities>,
    ) -> Vec<CostLine> {
        let rule = self.rules.get(at);
        let parts = rule.map_or_else(
            || vec![(self.rest.clone(), 1)],
            |rule| rule.split.parts(&self.rest, usage),
        );
        let weights: Vec<u64> = parts.iter().map(|(_, weight)| *weight).collect();
        let (costs, requests, tokens) = (
            money_split(of.cost, &weights),
            split(of.requests, &weights),
            split(of.tokens, &weights),
        );
        let shares = shares_ppm(&weights);
        let borne = costs.into_iter().zip(requests).zip(tokens).zip(shares);
        let line = |((target, _), (((cost, requests), tokens), share_ppm)): ((String, u64), _)| CostLine {
            team: team.map(str::to_owned),
            rule: rule.map(|rule| rule.name.clone()),
            kind: rule.map_or("rest", |rule| rule.split.kind()).to_owned(),
            target,
            original: of.cost,
            share_ppm,
            bears: Quantities {
                cost,
                requests,
                tokens,
            },
        };
        parts.into_iter().zip(borne).map(line).collect()
    }
}
