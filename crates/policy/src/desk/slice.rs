//! The policies that can have a say about one act, put together once so that the others are not asked.

use std::collections::BTreeSet;

use cedar_policy::{ActionConstraint, Effect, Entities, Entity, EntityUid, Policy, PolicySet};

use crate::entities::Failure;

/// What is asked about one act.
#[derive(Debug)]
pub struct Slice {
    /// The action.
    pub action: EntityUid,
    /// The action with the groups it is in.
    pub actions: Entities,
    /// Every policy whose scope holds the action.
    pub policies: PolicySet,
    /// Those without the forbids that an actor can do something about.
    pub without_reasons: PolicySet,
}

impl Slice {
    /// The slice of `policies` for `action`; `actions` are all of the schema's.
    pub fn new(action: EntityUid, policies: &PolicySet, actions: &Entities) -> Result<Self, Failure> {
        let groups: BTreeSet<EntityUid> = actions
            .ancestors(&action)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let concerning: Vec<_> = policies
            .policies()
            .filter(|policy| concerns(policy, &action, &groups))
            .collect();
        let without = concerning.iter().filter(|policy| !has_reason(policy));
        let own = Entity::new_no_attrs(action.clone(), groups.iter().cloned().collect());
        let parents = groups
            .into_iter()
            .map(|group| Entity::new_no_attrs(group, [].into()));
        Ok(Self {
            actions: Entities::from_entities(parents.chain([own]), None)?,
            without_reasons: PolicySet::from_policies(without.map(|policy| (*policy).clone()))?,
            policies: PolicySet::from_policies(concerning.into_iter().cloned())?,
            action,
        })
    }
}

/// Whether the policy's scope holds the action. One whose scope does not could neither decide nor fail.
fn concerns(policy: &Policy, action: &EntityUid, groups: &BTreeSet<EntityUid>) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *action,
        ActionConstraint::In(some) => some.iter().any(|one| one == action || groups.contains(one)),
    }
}

fn has_reason(policy: &Policy) -> bool {
    policy.effect() == Effect::Forbid && policy.annotation("reason").is_some()
}
