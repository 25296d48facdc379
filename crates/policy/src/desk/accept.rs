//! What a policy for the control plane must look like beyond fitting the schema. A policy that would fail
//! on every question, or that was meant for calls, is refused when it is loaded.

use cedar_policy::{ActionConstraint, Policy, PolicySet};
use serde_json::Value;

use crate::PolicyError;
use crate::error::clip;

/// What the schema knows of calls only.
const OF_CALLS: [&str; 5] = ["name", "models", "all_models", "operations", "tags"];

/// What is known of the one who asks only.
const OF_WHO_ASKS: &str = "roles";

/// Refuses the first policy, by id, that does not belong here.
// threat: ANP-0002
// threat: ANP-B0001
pub fn check(set: &PolicySet) -> Result<(), PolicyError> {
    let mut policies: Vec<_> = set.policies().collect();
    policies.sort_by_key(|policy| policy.id());
    policies.into_iter().try_for_each(objection)
}

fn objection(policy: &Policy) -> Result<(), PolicyError> {
    let misplaced = |reason, advice| PolicyError::Misplaced {
        policy: clip(policy.id().as_ref(), 80),
        reason,
        advice,
    };
    // One written for calls, `permit (principal, action, resource)`, would open the control plane.
    if policy.action_constraint() == ActionConstraint::Any {
        return Err(misplaced(
            "it does not say which acts of the control plane it is about".to_owned(),
            "write `action in Action::\"control\"` for all of them",
        ));
    }
    let json = policy.to_json().unwrap_or(Value::Null);
    match unknown(&json) {
        None => Ok(()),
        Some(OF_WHO_ASKS) => Err(misplaced(
            "roles are known of the one who asks only".to_owned(),
            "write `principal.roles`",
        )),
        Some(attribute) => Err(misplaced(
            format!("the control plane does not know `{attribute}`"),
            "name things by their ids, as in `resource == Team::\"team_…\"`",
        )),
    }
}

/// The first attribute read that the control plane cannot tell.
fn unknown(json: &Value) -> Option<&str> {
    match json {
        Value::Object(fields) => {
            let here = [fields.get("."), fields.get("has")].into_iter().flatten();
            let here = here.filter_map(read).next();
            here.or_else(|| fields.values().find_map(unknown))
        }
        Value::Array(items) => items.iter().find_map(unknown),
        _ => None,
    }
}

fn read(access: &Value) -> Option<&str> {
    let attribute = access.get("attr").and_then(Value::as_str)?;
    let of_who_asks = access.pointer("/left/Var").and_then(Value::as_str) == Some("principal");
    let unknown = OF_CALLS.contains(&attribute) || (attribute == OF_WHO_ASKS && !of_who_asks);
    unknown.then_some(attribute)
}
