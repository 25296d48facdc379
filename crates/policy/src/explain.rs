//! How each policy came to its part in an answer. Asks the very policies that answered, one by one; never
//! anything else, and never decides.

use std::collections::BTreeMap;

use cedar_policy::{
    Authorizer, Effect as CedarEffect, Entities, EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint,
    Request, ResourceConstraint,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::clip;

/// Conditions of one policy that are looked at one by one.
const CONDITIONS_MAX: usize = 16;

/// Where each policy of a set was written, as `file:line`.
pub type Places = BTreeMap<String, String>;

/// One policy's part in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Its `@id`.
    pub policy: String,
    /// Where it was written, as `file:line`.
    pub place: String,
    /// What it says when its conditions hold.
    pub effect: Effect,
    /// Whether they hold.
    pub outcome: Outcome,
    /// Its `@reason`.
    pub reason: Option<String>,
    /// Of one whose conditions do not hold: those that do not, each as it would stand in the policy. Empty
    /// where none can be told apart from the others.
    pub lacks: Vec<String>,
}

/// What a policy says when its conditions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Yes, unless another forbids.
    Permit,
    /// No, whatever permits.
    Forbid,
}

/// Whether a policy's conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They do.
    Satisfied,
    /// They do not.
    NotSatisfied,
    /// They cannot be evaluated, and so the answer is "no".
    Failed(String),
}

/// Of policies that permit nothing, the one that lacks least.
pub fn nearest(applied: &[Applied]) -> Option<&Applied> {
    applied
        .iter()
        .filter(|one| one.effect == Effect::Permit && !one.lacks.is_empty())
        .min_by_key(|one| one.lacks.len())
}

/// A question in Cedar's words, with what answers it.
#[derive(Debug)]
pub struct Asked<'a> {
    pub authorizer: &'a Authorizer,
    pub request: &'a Request,
    pub entities: &'a Entities,
    pub places: &'a Places,
}

impl Asked<'_> {
    /// The part of each policy whose scope holds the question, by id.
    pub fn parts<'p>(&self, policies: impl Iterator<Item = &'p Policy>) -> Vec<Applied> {
        let about = policies.filter(|policy| self.is_about(policy));
        let mut parts: Vec<_> = about.map(|policy| self.part(policy)).collect();
        parts.sort_by(|a, b| a.policy.cmp(&b.policy));
        parts
    }

    fn part(&self, policy: &Policy) -> Applied {
        let id = policy.id().to_string();
        let outcome = self.outcome(policy);
        Applied {
            place: self.places.get(&id).cloned().unwrap_or_default(),
            effect: match policy.effect() {
                CedarEffect::Permit => Effect::Permit,
                CedarEffect::Forbid => Effect::Forbid,
            },
            lacks: match outcome {
                Outcome::NotSatisfied => self.lacks(policy),
                _ => Vec::new(),
            },
            outcome,
            reason: policy.annotation("reason").map(|text| clip(text, 200)),
            policy: id,
        }
    }

    /// Asks one policy alone.
    fn outcome(&self, policy: &Policy) -> Outcome {
        let alone = match PolicySet::from_policies([policy.clone()]) {
            Ok(alone) => alone,
            Err(error) => return Outcome::Failed(clip(&error.to_string(), 200)),
        };
        let response = self.authorizer.is_authorized(self.request, &alone, self.entities);
        let diagnostics = response.diagnostics();
        match (diagnostics.errors().next(), diagnostics.reason().next()) {
            (Some(error), _) => Outcome::Failed(clip(&error.to_string(), 200)),
            (None, Some(_)) => Outcome::Satisfied,
            (None, None) => Outcome::NotSatisfied,
        }
    }

    /// The conditions that do not hold, asked one by one. One that cannot be evaluated without those before
    /// it is left out rather than guessed at.
    fn lacks(&self, policy: &Policy) -> Vec<String> {
        let Ok(whole) = policy.to_json() else {
            return Vec::new();
        };
        let conditions = whole.get("conditions").and_then(Value::as_array);
        let mut single = Vec::new();
        for condition in conditions.into_iter().flatten() {
            let kind = condition.get("kind").and_then(Value::as_str).unwrap_or_default();
            if let Some(body) = condition.get("body") {
                // `when` wants all of `a && b`; `unless` wants none of `a || b`.
                split(body, if kind == "when" { "&&" } else { "||" }, kind, &mut single);
            }
        }
        single.truncate(CONDITIONS_MAX);
        let unmet = single.iter().filter(|condition| self.is_unmet(&whole, condition));
        unmet.filter_map(|(kind, body)| written(kind, body)).collect()
    }

    /// Whether the policy with this condition alone can be evaluated and does not hold.
    fn is_unmet(&self, whole: &Value, (kind, body): &(&str, &Value)) -> bool {
        let mut alone = whole.clone();
        if let Some(conditions) = alone.get_mut("conditions") {
            *conditions = json!([{"kind": kind, "body": body}]);
        }
        let policy = Policy::from_json(Some(PolicyId::new("one")), alone);
        policy.is_ok_and(|policy| self.outcome(&policy) == Outcome::NotSatisfied)
    }

    /// Whether the policy's scope is about such principals and resources. Whoever hands policies in has
    /// looked at the action.
    fn is_about(&self, policy: &Policy) -> bool {
        let (principal, resource) = (self.request.principal(), self.request.resource());
        let principal = match policy.principal_constraint() {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Eq(one) => principal == Some(&one),
            PrincipalConstraint::In(group) => self.is_in(principal, &group),
            PrincipalConstraint::Is(kind) => principal.is_some_and(|uid| *uid.type_name() == kind),
            PrincipalConstraint::IsIn(kind, group) => {
                principal.is_some_and(|uid| *uid.type_name() == kind) && self.is_in(principal, &group)
            }
        };
        let resource = match policy.resource_constraint() {
            ResourceConstraint::Any => true,
            ResourceConstraint::Eq(one) => resource == Some(&one),
            ResourceConstraint::In(group) => self.is_in(resource, &group),
            ResourceConstraint::Is(kind) => resource.is_some_and(|uid| *uid.type_name() == kind),
            ResourceConstraint::IsIn(kind, group) => {
                resource.is_some_and(|uid| *uid.type_name() == kind) && self.is_in(resource, &group)
            }
        };
        principal && resource
    }

    fn is_in(&self, uid: Option<&EntityUid>, group: &EntityUid) -> bool {
        uid.is_some_and(|uid| uid == group || self.entities.is_ancestor_of(group, uid))
    }
}

/// Takes `a && b && c` (or `a || b || c`) apart.
fn split<'v>(body: &'v Value, operator: &str, kind: &'v str, into: &mut Vec<(&'v str, &'v Value)>) {
    let sides = body
        .get(operator)
        .and_then(|sides| Some((sides.get("left")?, sides.get("right")?)));
    match sides {
        Some((left, right)) => {
            split(left, operator, kind, into);
            split(right, operator, kind, into);
        }
        None => into.push((kind, body)),
    }
}

/// The condition as text: `not (…)` for one of an `unless`.
fn written(kind: &str, body: &Value) -> Option<String> {
    let any = json!({"op": "All"});
    let bare = json!({
        "effect": "permit", "principal": any, "action": any, "resource": any,
        "conditions": [{"kind": "when", "body": body}],
    });
    let text = Policy::from_json(None, bare).ok()?.to_cedar()?;
    let inner = text.split_once("when {")?.1.rsplit_once('}')?.0;
    let inner = inner.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if kind == "when" {
        inner
    } else {
        format!("not ({inner})")
    };
    Some(clip(&text, 300))
}
