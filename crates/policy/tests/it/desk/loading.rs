//! What is accepted as a policy for the control plane.

use domain::{Permission, Reach, Role};
use policy::{Desk, PolicyError, Resource};

use super::cast::{ACME, SEARCH, ann, ask, grant};

fn refused(text: &str) -> String {
    Desk::new(&[("own.cedar", text)]).unwrap_err().to_string()
}

/// `permit (principal, action, resource)` is a fair policy for calls. Here it would open everything.
#[test]
fn anp_0002_a_policy_meant_for_calls_does_not_open_the_control_plane() {
    let error = refused("@id(\"all\") permit (principal, action, resource);");
    assert!(
        error.starts_with("policy `all`: it does not say which acts"),
        "{error}"
    );
    assert!(
        error.contains("; write `action in Action::\"control\"`"),
        "{error}"
    );
}

#[test]
fn anp_b0001_what_the_control_plane_cannot_tell_is_refused_when_loaded() {
    for (condition, word) in [
        ("resource is Team && resource.name == \"search\"", "`name`"),
        ("principal.tenant.name == \"acme\"", "`name`"),
        ("resource is VirtualKey && resource.all_models", "`all_models`"),
        ("resource is VirtualKey && resource has models", "`models`"),
        (
            "resource is VirtualKey && [true].contains(resource.operations.isEmpty())",
            "`operations`",
        ),
        (
            "resource is User && resource.roles.platform_admin",
            "roles are known of the one who asks",
        ),
        (
            "resource is User && {who: resource}.who.roles.viewer",
            "roles are known of the one who asks",
        ),
    ] {
        let error = refused(&format!(
            "@id(\"own\") forbid (principal, action in Action::\"control\", resource) when {{ {condition} }};"
        ));
        assert!(
            error.starts_with("policy `own`: ") && error.contains(word),
            "{condition}: {error}"
        );
    }
}

#[test]
fn anp_b0001_words_outside_the_schema_are_refused() {
    for text in [
        "permit (principal, action == Action::\"keys.steal\", resource);",
        "permit (principal, action in Action::\"keys\", resource) when { context.stream };",
        "permit (principal, action in Action::\"keys\", resource) when { resource.team == 3 };",
        "forbid (principal, action in Action::\"control\", resource) when { context.posture == Posture::\"prod\" };",
    ] {
        let error = Desk::new(&[("own.cedar", text)]).unwrap_err();
        assert!(matches!(error, PolicyError::Invalid { .. }), "{text}: {error}");
    }
    assert!(
        refused("@id(\"viewers-see\") permit (principal, action in Action::\"keys\", resource);")
            .contains("already taken by roles.cedar:")
    );
}

/// Calls know nothing of the control plane's acts.
#[test]
fn a_control_plane_policy_is_no_policy_for_calls() {
    let text = "forbid (principal, action in Action::\"control\", resource);";
    policy::Engine::new(&[("own.cedar", text)], true).unwrap_err();
    Desk::new(&[("own.cedar", text)]).unwrap();
}

#[test]
fn a_tenants_own_policies_narrow_and_widen() {
    let team = Resource::Team {
        tenant: ACME,
        team: SEARCH,
    };
    let member = [grant(Role::Member, Reach::Team(ACME, SEARCH))];
    let own = format!(
        "@id(\"no-keys-here\") @reason(\"ask your team's admin for a key\")
         forbid (principal, action == Action::\"keys.create\", resource == Team::\"{SEARCH}\")
         unless {{ principal.roles.team_admin_of.contains(Team::\"{SEARCH}\") }};
         @id(\"members-see-usage\")
         permit (principal, action == Action::\"usage.read\", resource)
         when {{ resource in principal.roles.member_of }};"
    );
    let desk = Desk::new(&[("acme.cedar", &own)]).unwrap();
    let refused = ask(&desk, &ann(ACME, &member), Permission::KeysCreate, team);
    assert_eq!(
        (refused.permit, refused.reason.as_deref()),
        (false, Some("ask your team's admin for a key"))
    );
    let usage = Resource::Usage {
        tenant: ACME,
        team: Some(SEARCH),
    };
    assert_eq!(
        ask(&desk, &ann(ACME, &member), Permission::UsageRead, usage).policies,
        ["members-see-usage"]
    );
    assert_eq!(
        desk.policy_ids()
            .iter()
            .filter(|id| id.as_str() == "no-keys-here")
            .count(),
        1
    );
}
