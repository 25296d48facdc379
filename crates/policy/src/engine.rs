//! A checked set of policies, ready to be asked.

use std::fmt;

use cedar_policy::{
    ActionConstraint, Authorizer, Effect, Entities, Policy, PolicyId, PolicySet, Request, Response, Schema,
};
use serde::Serialize;

use crate::entities::{Failure, Names};
use crate::error::clip;
use crate::explain::{Applied, Asked, Places};
use crate::load::Loaded;
use crate::{Decision, PolicyError, Question, Reads, load};

/// Policies that parse, fit the schema and can apply. Immutable: a change makes another engine.
pub struct Engine {
    authorizer: Authorizer,
    policies: PolicySet,
    /// Those without the forbids that a caller can do something about, where there are any such.
    without_reasons: Option<PolicySet>,
    schema: Schema,
    actions: Entities,
    names: Names,
    places: Places,
    reads: Reads,
    fingerprint: String,
}

/// An answer, and how each policy that is about such calls came to its part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The answer.
    pub decision: Decision,
    /// Every policy whose scope holds the call, by id.
    pub applied: Vec<Applied>,
}

impl Engine {
    /// Parses and checks `policies` (file name and text each). The tenant boundary is always added to
    /// them, the default policies when `use_defaults` says so.
    ///
    /// With no policy that permits anything the engine denies everything; that is not an error.
    pub fn new(policies: &[(&str, &str)], use_defaults: bool) -> Result<Self, PolicyError> {
        let schema = load::schema()?;
        let builtin = std::iter::once(crate::ALWAYS).chain(use_defaults.then_some(crate::DEFAULTS));
        let files: Vec<_> = builtin.chain(policies.iter().copied()).collect();
        let Loaded { set, places } = load::policies(&files, &schema)?;
        let broken = |reason: String| PolicyError::Builtin {
            what: "schema",
            reason,
        };
        Ok(Self {
            authorizer: Authorizer::new(),
            actions: schema
                .action_entities()
                .map_err(|error| broken(error.to_string()))?,
            names: Names::new().map_err(|error| broken(error.to_string()))?,
            reads: Reads::of(&set),
            fingerprint: fingerprint(&files),
            without_reasons: without_reasons(&set).map_err(broken)?,
            policies: set,
            places,
            schema,
        })
    }

    /// Answers by the policies alone. What none permits is denied; one forbid outvotes every permit; and
    /// when a policy cannot be evaluated the answer is "no", whatever the others say.
    // threat: AGP-E1
    // threat: ANP-0002
    // threat: CTX-T1
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        match self.asked(question) {
            Ok((request, entities)) => self.decision(&request, &entities),
            Err(error) => Decision::failed(clip(&error.to_string(), 200)),
        }
    }

    /// The answer, and each policy's part in it.
    pub fn explain(&self, question: &Question<'_>) -> Explained {
        let (request, entities) = match self.asked(question) {
            Ok(asked) => asked,
            Err(error) => {
                return Explained {
                    decision: Decision::failed(clip(&error.to_string(), 200)),
                    applied: Vec::new(),
                };
            }
        };
        let asked = Asked {
            authorizer: &self.authorizer,
            request: &request,
            entities: &entities,
            places: &self.places,
        };
        let concerning = self.policies.policies();
        let concerning = concerning.filter(|policy| self.concerns(policy, &request));
        Explained {
            applied: asked.parts(concerning),
            decision: decision(&self.authorizer.is_authorized(&request, &self.policies, &entities)),
        }
    }

    /// What an answer may depend on beside who asks for what. The rest need not be known to cache it.
    pub const fn reads(&self) -> Reads {
        self.reads
    }

    fn decision(&self, request: &Request, entities: &Entities) -> Decision {
        let answered = decision(&self.authorizer.is_authorized(request, &self.policies, entities));
        Decision {
            reason: self.reason(request, entities, &answered),
            ..answered
        }
    }

    /// What the caller can do about it, when that is all that stands in the way: whoever may not make the call
    /// anyway learns nothing, not even that the model is there.
    // threat: ANP-0015
    fn reason(&self, request: &Request, entities: &Entities, answered: &Decision) -> Option<String> {
        if answered.permit || answered.error.is_some() {
            return None;
        }
        let without = self.without_reasons.as_ref()?;
        let reason = |id: &String| self.policies.annotation(&PolicyId::new(id), "reason");
        let reasons = answered.policies.iter().map(reason).collect::<Option<Vec<_>>>()?;
        let text = reasons.first()?;
        let otherwise = self.authorizer.is_authorized(request, without, entities);
        decision(&otherwise).permit.then(|| clip(text, 200))
    }

    /// The question in Cedar's words.
    fn asked(&self, question: &Question<'_>) -> Result<(Request, Entities), Failure> {
        if let Some(error) = disagreement(question) {
            return Err(error.into());
        }
        let request = self.names.request(question, &self.schema)?;
        Ok((request, self.names.entities(question, &self.actions)?))
    }

    /// Whether the policy's scope holds the action that is asked about.
    fn concerns(&self, policy: &Policy, request: &Request) -> bool {
        let Some(action) = request.action() else {
            return false;
        };
        match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(one) => one == *action,
            ActionConstraint::In(groups) => groups
                .iter()
                .any(|group| group == action || self.actions.is_ancestor_of(group, action)),
        }
    }

    /// A digest of the schema and all policies in force: part of the key of every cached answer.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The ids of the policies in force, sorted.
    pub fn policy_ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self
            .policies
            .policies()
            .map(|policy| policy.id().to_string())
            .collect();
        ids.sort();
        ids
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("policies", &self.policy_ids())
            .finish_non_exhaustive()
    }
}

/// The two descriptions of the caller must be of one key: lists of one and identity of another would
/// be a permission nobody gave.
fn disagreement(question: &Question<'_>) -> Option<&'static str> {
    let (principal, key) = (question.principal, question.key);
    let same = principal.key == key.id
        && principal.tenant == key.tenant
        && principal.team == key.team
        && principal.project == key.project;
    (!same).then_some("the principal and the key's record are not of one key")
}

fn decision(response: &Response) -> Decision {
    let mut policies: Vec<_> = response.diagnostics().reason().map(ToString::to_string).collect();
    policies.sort();
    let errors: Vec<_> = response.diagnostics().errors().map(ToString::to_string).collect();
    let error = (!errors.is_empty()).then(|| clip(&errors.join("; "), 300));
    let permit = response.decision() == cedar_policy::Decision::Allow && error.is_none();
    Decision {
        permit,
        policies,
        reason: None,
        error,
    }
}

/// `None` where no forbid has a reason: then there is never one to tell.
fn without_reasons(set: &PolicySet) -> Result<Option<PolicySet>, String> {
    let has_reason =
        |policy: &&Policy| policy.effect() == Effect::Forbid && policy.annotation("reason").is_some();
    if !set.policies().any(|policy| has_reason(&policy)) {
        return Ok(None);
    }
    let others = set.policies().filter(|policy| !has_reason(policy)).cloned();
    PolicySet::from_policies(others)
        .map(Some)
        .map_err(|error| error.to_string())
}

fn fingerprint(files: &[(&str, &str)]) -> String {
    let mut sorted = files.to_vec();
    sorted.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("bartizan policy set v1");
    for part in std::iter::once(crate::SCHEMA).chain(sorted.into_iter().flat_map(|(file, text)| [file, text]))
    {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
