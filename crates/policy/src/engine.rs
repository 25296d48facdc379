//! A checked set of policies, ready to be asked.

use std::fmt;

use cedar_policy::{Authorizer, Entities, PolicySet, Response, Schema};

use crate::entities::Names;
use crate::error::clip;
use crate::{Decision, PolicyError, Question, address, load};

/// Policies that parse, fit the schema and can apply. Immutable: a change makes another engine.
pub struct Engine {
    authorizer: Authorizer,
    policies: PolicySet,
    schema: Schema,
    actions: Entities,
    names: Names,
    reads_address: bool,
    fingerprint: String,
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
        let policies = load::policies(&files, &schema)?;
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
            reads_address: address::is_read_by(&policies),
            fingerprint: fingerprint(&files),
            policies,
            schema,
        })
    }

    /// Answers by the policies alone. What none permits is denied; one forbid outvotes every permit; and
    /// when a policy cannot be evaluated the answer is "no", whatever the others say.
    // threat: AGP-E1
    // threat: ANP-0002
    // threat: CTX-T1
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        if let Some(error) = disagreement(question) {
            return Decision::failed(error.to_owned());
        }
        let asked = self.names.request(question, &self.schema);
        let asked = asked.and_then(|request| Ok((request, self.names.entities(question, &self.actions)?)));
        match asked {
            Ok((request, entities)) => {
                decision(&self.authorizer.is_authorized(&request, &self.policies, &entities))
            }
            Err(error) => Decision::failed(clip(&error.to_string(), 200)),
        }
    }

    /// Whether an answer may depend on the caller's address. If not, it may be cached without it.
    pub const fn reads_address(&self) -> bool {
        self.reads_address
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
        error,
    }
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
