//! The schema and the code name the same things.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, Schema};
use domain::{Permission, Role};
use policy::{ALWAYS, CONTROL_SCHEMA, DEFAULTS, ROLES, SCHEMA};

fn whole() -> Schema {
    let text = format!("{SCHEMA}\n{CONTROL_SCHEMA}");
    Schema::from_cedarschema_str(&text).unwrap().0
}

fn id(uid: &EntityUid) -> String {
    uid.id().unescaped().to_owned()
}

fn groups(schema: &Schema, action: &str) -> BTreeSet<String> {
    let entities = schema.action_entities().unwrap();
    let action: EntityUid = format!("Action::\"{action}\"").parse().unwrap();
    entities.ancestors(&action).unwrap().map(id).collect()
}

#[test]
fn anp_0002_every_permission_is_an_action_and_every_action_a_permission() {
    let schema = whole();
    let groups_of_actions: BTreeSet<_> = schema.action_groups().map(id).collect();
    let actions: BTreeSet<_> = schema
        .actions()
        .map(id)
        .filter(|action| !groups_of_actions.contains(action) && groups(&schema, action).contains("control"))
        .collect();
    let permissions: BTreeSet<_> = Permission::ALL.iter().map(|it| it.as_str().to_owned()).collect();
    assert_eq!(actions, permissions);
}

#[test]
fn anp_0002_an_act_is_in_the_groups_its_name_says() {
    let schema = whole();
    for permission in Permission::ALL {
        let (thing, _verb) = permission.as_str().split_once('.').unwrap();
        let kind = if permission.is_read() {
            "control.read"
        } else {
            "control.write"
        };
        let expected = ["control", kind, thing].map(str::to_owned);
        assert_eq!(
            groups(&schema, permission.as_str()),
            BTreeSet::from(expected),
            "{permission}"
        );
    }
}

#[test]
fn every_role_can_be_named_in_a_policy() {
    for role in Role::ALL {
        let text = format!(
            "permit (principal, action == Action::\"grants.read\", resource is Grant) when {{ resource.role == Role::\"{role}\" }};"
        );
        policy::Desk::new(&[("own.cedar", &text)]).unwrap();
    }
    let unknown = "permit (principal, action == Action::\"grants.read\", resource is Grant) when { resource.role == Role::\"root\" };";
    policy::Desk::new(&[("own.cedar", unknown)]).unwrap_err();
}

/// Calls are checked against half of it, and the half does not contradict the whole.
#[test]
fn all_shipped_policies_fit_the_whole_schema() {
    let schema = whole();
    let validator = cedar_policy::Validator::new(schema);
    for (file, text) in ROLES.into_iter().chain(ALWAYS).chain([DEFAULTS]) {
        let set: cedar_policy::PolicySet = text.parse().unwrap();
        let result = validator.validate(&set, cedar_policy::ValidationMode::Strict);
        assert!(result.validation_passed_without_warnings(), "{file}: {result}");
    }
}
