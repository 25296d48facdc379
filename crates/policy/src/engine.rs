//! A checked set of policies, ready to be asked.

use domain::DataClass;
use std::fmt;

use cedar_policy::{
    ActionConstraint, Authorizer, Effect, Entities, EntityUid, Policy, PolicyId, PolicySet, Request,
    Response, Schema,
};
use serde::Serialize;

use crate::entities::{Failure, Names};
use crate::error::clip;
use crate::explain::{Applied, Asked, Places};
use crate::load::Loaded;
use crate::thing::SEND;
use crate::{Decision, Ground, PolicyError, Question, Reads, load};

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
    asks_targets: bool,
    ground: Ground,
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
    /// Parses and checks `policies` (file name and text each). Those that are always in force are added to
    /// them, the default policies when `use_defaults` says so.
    ///
    /// With no policy that permits anything the engine denies every call; that is not an error.
    pub fn new(policies: &[(&str, &str)], use_defaults: bool) -> Result<Self, PolicyError> {
        Self::standing(policies, use_defaults, Ground::default())
    }

    /// The same, for an instance that says this of itself.
    pub fn standing(
        policies: &[(&str, &str)],
        use_defaults: bool,
        ground: Ground,
    ) -> Result<Self, PolicyError> {
        let schema = load::schema()?;
        let builtin = crate::ALWAYS
            .into_iter()
            .chain(use_defaults.then_some(crate::DEFAULTS));
        let files: Vec<_> = builtin.chain(policies.iter().copied()).collect();
        let Loaded { set, places } = load::policies(&files, &schema)?;
        let broken = |reason: String| PolicyError::Builtin {
            what: "schema",
            reason,
        };
        let actions = schema
            .action_entities()
            .map_err(|error| broken(error.to_string()))?;
        let names = Names::new().map_err(|error| broken(error.to_string()))?;
        Ok(Self {
            authorizer: Authorizer::new(),
            reads: Reads::of(&set),
            asks_targets: may_hold_back(&set, &names.action(SEND), &actions),
            fingerprint: fingerprint(&files, &ground),
            ground,
            actions,
            names,
            without_reasons: without_reasons(&set).map_err(broken)?,
            policies: set,
            places,
            schema,
        })
    }

    /// What a call carries, by what its key and its caller say.
    #[must_use]
    pub fn data_class(&self, key: Option<DataClass>, said: Option<DataClass>) -> DataClass {
        self.ground.data_class(key, said)
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

    /// Whether some policy may keep a call's content from a target. Where none may, none needs to be asked:
    /// what is always in force permits it.
    pub const fn asks_targets(&self) -> bool {
        self.asks_targets
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
        let request = self.names.request(question, &self.ground, &self.schema)?;
        Ok((request, self.names.entities(question, &self.actions)?))
    }

    /// Whether the policy's scope holds the action that is asked about.
    fn concerns(&self, policy: &Policy, request: &Request) -> bool {
        let Some(action) = request.action() else {
            return false;
        };
        is_about(policy, action, &self.actions)
    }

    /// A digest of the schema, all policies in force and what the instance says of itself: part of the key of
    /// every cached answer.
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

/// Whether the policy's scope holds the action.
fn is_about(policy: &Policy, action: &EntityUid, actions: &Entities) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *action,
        ActionConstraint::In(groups) => groups
            .iter()
            .any(|group| group == action || actions.is_ancestor_of(group, action)),
    }
}

/// Whether anything but what is always in force is about sending: that permits it, and keeps tenants apart, where
/// every target is asked about as the tenant's own. A permit counts too: one that cannot be evaluated is a "no".
// threat: ANP-0017
fn may_hold_back(set: &PolicySet, send: &EntityUid, actions: &Entities) -> bool {
    let mut own = set
        .policies()
        .filter(|policy| !crate::is_in(policy.id().as_ref(), &crate::ALWAYS));
    own.any(|policy| is_about(policy, send, actions))
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

fn fingerprint(files: &[(&str, &str)], ground: &Ground) -> String {
    let mut sorted = files.to_vec();
    sorted.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("bartizan policy set v2");
    let region = ground.region.as_deref().unwrap_or_default();
    let own = [crate::SCHEMA, ground.data_class.as_str(), region];
    for part in own
        .into_iter()
        .chain(sorted.into_iter().flat_map(|(file, text)| [file, text]))
    {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
