//! Why an act is permitted or not, and who may do one. Answers what [`Desk::decide`] answers, policy by
//! policy; never anything else.

use cedar_policy::{
    Effect as CedarEffect, EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint,
};
use domain::Permission;
use serde::Serialize;

use super::decide::Asked;
use super::{Act, ActContext, Actor, ActorId, Desk, Resource, Verdict};
use crate::error::clip;

/// An answer, and how each policy that is about such acts came to its part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer.
    pub verdict: Verdict,
    /// Every policy whose scope holds the act, by id.
    pub applied: Vec<Applied>,
}

/// One policy's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Its `@id`.
    pub policy: String,
    /// What it says when its conditions hold.
    pub effect: Effect,
    /// Whether they hold.
    pub outcome: Outcome,
    /// Its `@reason`.
    pub reason: Option<String>,
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

impl Desk {
    /// The answer, and each policy's part in it.
    pub fn explain(&self, act: &Act<'_>) -> Explanation {
        let asked = match self.asked(act) {
            Ok(asked) => asked,
            Err(error) => {
                return Explanation {
                    verdict: Verdict::failed(clip(&error.to_string(), 200)),
                    applied: Vec::new(),
                };
            }
        };
        let policies = asked
            .slice
            .policies
            .policies()
            .filter(|policy| is_about(policy, &asked));
        let mut applied: Vec<_> = policies.map(|policy| self.applied(policy, &asked)).collect();
        applied.sort_by(|a, b| a.policy.cmp(&b.policy));
        Explanation {
            verdict: self.verdict(&asked),
            applied,
        }
    }

    /// Who of `actors` may do this, and by which policies, when they come as well signed in as can be.
    pub fn who_can(
        &self,
        permission: Permission,
        resource: Resource,
        actors: &[Actor<'_>],
    ) -> Vec<(ActorId, Vec<String>)> {
        let asked = actors.iter().map(|actor| {
            let verdict = self.decide(&Act {
                actor,
                permission,
                resource,
                context: ActContext::AT_BEST,
            });
            (actor.id, verdict)
        });
        asked
            .filter(|(_, verdict)| verdict.permit)
            .map(|(id, verdict)| (id, verdict.policies))
            .collect()
    }

    fn applied(&self, policy: &Policy, asked: &Asked<'_>) -> Applied {
        Applied {
            policy: policy.id().to_string(),
            effect: match policy.effect() {
                CedarEffect::Permit => Effect::Permit,
                CedarEffect::Forbid => Effect::Forbid,
            },
            outcome: self.outcome(policy, asked),
            reason: policy.annotation("reason").map(|text| clip(text, 200)),
        }
    }

    /// Asks one policy alone.
    fn outcome(&self, policy: &Policy, asked: &Asked<'_>) -> Outcome {
        let alone = match PolicySet::from_policies([policy.clone()]) {
            Ok(alone) => alone,
            Err(error) => return Outcome::Failed(clip(&error.to_string(), 200)),
        };
        let response = self.authorize(asked, &alone);
        let diagnostics = response.diagnostics();
        match (diagnostics.errors().next(), diagnostics.reason().next()) {
            (Some(error), _) => Outcome::Failed(clip(&error.to_string(), 200)),
            (None, Some(_)) => Outcome::Satisfied,
            (None, None) => Outcome::NotSatisfied,
        }
    }
}

/// Whether the policy's scope is about such principals and resources. The slice has looked at the action.
fn is_about(policy: &Policy, asked: &Asked<'_>) -> bool {
    let (principal, resource) = (asked.request.principal(), asked.request.resource());
    let principal = match policy.principal_constraint() {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(one) => principal == Some(&one),
        PrincipalConstraint::In(group) => is_in(principal, &group, asked),
        PrincipalConstraint::Is(kind) => principal.is_some_and(|uid| *uid.type_name() == kind),
        PrincipalConstraint::IsIn(kind, group) => {
            principal.is_some_and(|uid| *uid.type_name() == kind) && is_in(principal, &group, asked)
        }
    };
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Eq(one) => resource == Some(&one),
        ResourceConstraint::In(group) => is_in(resource, &group, asked),
        ResourceConstraint::Is(kind) => resource.is_some_and(|uid| *uid.type_name() == kind),
        ResourceConstraint::IsIn(kind, group) => {
            resource.is_some_and(|uid| *uid.type_name() == kind) && is_in(resource, &group, asked)
        }
    };
    principal && resource
}

fn is_in(uid: Option<&EntityUid>, group: &EntityUid, asked: &Asked<'_>) -> bool {
    uid.is_some_and(|uid| uid == group || asked.entities.is_ancestor_of(group, uid))
}
