//! A checked set of control-plane policies, ready to be asked.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::{Authorizer, Context, Decision, Entities, PolicyId, PolicySet, Request, Response, Schema};
use domain::Permission;

use super::actor::InCedar;
use super::names::Names;
use super::slice::Slice;
use super::{Act, Verdict, accept, place};
use crate::entities::{Failure, uid};
use crate::error::clip;
use crate::explain::{self, Places};
use crate::load::Loaded;
use crate::{PolicyError, load};

/// Roles of one actor that are looked at; one with more may do nothing.
const GRANTS_MAX: usize = 256;

/// Control-plane policies that parse, fit the schema and can apply. Immutable: a change makes another desk.
pub struct Desk {
    authorizer: Authorizer,
    schema: Schema,
    names: Names,
    slices: BTreeMap<Permission, Slice>,
    places: Places,
    ids: Vec<String>,
}

/// An act in Cedar's words.
pub(super) struct Asked<'d> {
    pub(super) slice: &'d Slice,
    pub(super) request: Request,
    pub(super) entities: Entities,
}

impl Desk {
    /// The shipped roles and bounds, and `extra` policies (file name and text each) on top: forbids narrow
    /// what roles may do, permits widen it within the bounds.
    pub fn new(extra: &[(&str, &str)]) -> Result<Self, PolicyError> {
        let schema = load::whole_schema()?;
        let files: Vec<_> = crate::ROLES.iter().chain(extra).copied().collect();
        let Loaded {
            set: policies,
            places,
        } = load::policies(&files, &schema)?;
        accept::check(&policies)?;
        let (names, slices) = prepare(&policies, &schema).map_err(|error| PolicyError::Builtin {
            what: "control-plane schema",
            reason: error.to_string(),
        })?;
        let mut ids: Vec<_> = policies
            .policies()
            .map(|policy| policy.id().to_string())
            .collect();
        ids.sort();
        Ok(Self {
            authorizer: Authorizer::new(),
            schema,
            names,
            slices,
            places,
            ids,
        })
    }

    /// Answers by the policies alone. What none permits is denied; one forbid outvotes every permit; and
    /// when a policy cannot be evaluated, or the act makes no sense, the answer is "no".
    // threat: ANP-0002
    // threat: ANP-0014
    // threat: CTX-T2
    pub fn decide(&self, act: &Act<'_>) -> Verdict {
        match self.asked(act) {
            Ok(asked) => self.verdict(&asked),
            Err(error) => Verdict::failed(clip(&error.to_string(), 200)),
        }
    }

    /// How policies name this, as in `Team::"team_…"`.
    pub fn name_of(&self, resource: &super::Resource) -> String {
        place::thing(resource, &self.names).to_string()
    }

    /// The ids of the policies in force, sorted.
    pub fn policy_ids(&self) -> &[String] {
        &self.ids
    }

    pub(super) fn asked(&self, act: &Act<'_>) -> Result<Asked<'_>, Failure> {
        if let Some(nonsense) = nonsense(act) {
            return Err(nonsense.into());
        }
        let slice = self
            .slices
            .get(&act.permission)
            .ok_or("the schema lacks the action")?;
        let request = Request::new(
            act.actor.id.entity(&self.names),
            slice.action.clone(),
            place::thing(&act.resource, &self.names),
            Context::from_pairs(act.context.attributes(&self.names))?,
            Some(&self.schema),
        )?;
        let entities = place::entities(act, &self.names, &slice.actions)?;
        Ok(Asked {
            slice,
            request,
            entities,
        })
    }

    pub(super) fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        let response = self.authorize(asked, &asked.slice.policies);
        let mut ids: Vec<_> = response.diagnostics().reason().collect();
        ids.sort();
        let errors: Vec<_> = response.diagnostics().errors().map(ToString::to_string).collect();
        let permit = response.decision() == Decision::Allow && errors.is_empty();
        let reason = if permit || !errors.is_empty() {
            None
        } else {
            self.reason(asked, &ids)
        };
        Verdict {
            permit,
            reason,
            policies: ids.iter().map(ToString::to_string).collect(),
            error: (!errors.is_empty()).then(|| clip(&errors.join("; "), 300)),
        }
    }

    /// What the actor can do about it, when that is all that stands in the way: whoever may not do the act
    /// anyway learns nothing, not even that the thing is there.
    // threat: ANP-0015
    fn reason(&self, asked: &Asked<'_>, forbidding: &[&PolicyId]) -> Option<String> {
        let texts = forbidding
            .iter()
            .map(|id| asked.slice.policies.annotation(id, "reason"))
            .collect::<Option<Vec<_>>>()?;
        let text = texts.first()?;
        let otherwise = self.authorize(asked, &asked.slice.without_reasons);
        (otherwise.decision() == Decision::Allow).then(|| clip(text, 200))
    }

    /// What explains it.
    pub(super) const fn view<'a>(&'a self, asked: &'a Asked<'_>) -> explain::Asked<'a> {
        explain::Asked {
            authorizer: &self.authorizer,
            request: &asked.request,
            entities: &asked.entities,
            places: &self.places,
        }
    }

    fn authorize(&self, asked: &Asked<'_>, policies: &PolicySet) -> Response {
        self.authorizer
            .is_authorized(&asked.request, policies, &asked.entities)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("policies", &self.ids)
            .finish_non_exhaustive()
    }
}

fn prepare(policies: &PolicySet, schema: &Schema) -> Result<(Names, BTreeMap<Permission, Slice>), Failure> {
    let (names, actions) = (Names::new()?, schema.action_entities()?);
    let slices = Permission::ALL.iter().map(|permission| {
        let action = uid(&names.action, permission);
        Ok((*permission, Slice::new(action, policies, &actions)?))
    });
    let slices = slices.collect::<Result<_, Failure>>()?;
    Ok((names, slices))
}

/// What keeps an act from being asked at all.
fn nonsense(act: &Act<'_>) -> Option<&'static str> {
    let elsewhere = act.resource.somebody();
    let elsewhere = elsewhere.is_some_and(|(id, tenant)| id == act.actor.id && tenant != act.actor.tenant);
    if elsewhere {
        Some("the actor is said to live in two tenants")
    } else if act.actor.grants.len() > GRANTS_MAX {
        Some("the actor has more roles than are looked at; take some away")
    } else {
        None
    }
}
