//! Why, and who.

use domain::{Permission, Reach, Role};
use policy::{Act, ActContext, ActorId, Desk, Effect, Outcome, Resource};

use super::cast::{ACME, ANN, BOB, GLOBEX, PLATFORM, SEARCH, SHIPPED, ann, grant, key, user};

fn act<'a>(actor: &'a policy::Actor<'a>, permission: Permission, resource: Resource) -> Act<'a> {
    Act {
        actor,
        permission,
        resource,
        context: ActContext::AT_BEST,
    }
}

#[test]
fn an_explanation_names_every_policy_about_the_act_and_its_part() {
    let member = [grant(Role::Member, Reach::Team(ACME, SEARCH))];
    let asked = key(ACME, SEARCH, Some(ActorId::User(ANN)));
    let explained = SHIPPED.explain(&act(&ann(ACME, &member), Permission::KeysRotate, asked));
    assert!(explained.verdict.permit);
    assert_eq!(explained.verdict.policies, ["members-tend-their-own-keys"]);
    let parts: Vec<_> = explained
        .applied
        .iter()
        .map(|one| (one.policy.as_str(), one.effect, one.outcome == Outcome::Satisfied))
        .collect();
    assert_eq!(
        parts,
        [
            ("admins-act-with-a-second-factor", Effect::Forbid, false),
            ("broken-glass-opens-everything", Effect::Permit, false),
            ("members-tend-their-own-keys", Effect::Permit, true),
            ("people-stay-in-their-tenant", Effect::Forbid, false),
            ("platform-admins-do-everything", Effect::Permit, false),
            ("platform-roles-are-for-staff", Effect::Forbid, false),
            ("team-admins-run-their-team", Effect::Permit, false),
            ("tenant-admins-run-their-tenant", Effect::Permit, false),
            ("two-people-act", Effect::Forbid, false),
        ]
    );
    let told = serde_json::to_value(&explained.applied[2]).unwrap();
    assert_eq!(told["effect"], "permit");
    assert_eq!(told["outcome"], "satisfied");
}

#[test]
fn policies_about_other_things_are_left_out() {
    let own = format!(
        "@id(\"others\") forbid (principal in Tenant::\"{GLOBEX}\", action in Action::\"users\", resource);
         @id(\"bob\") forbid (principal, action in Action::\"users\", resource == User::\"{BOB}\");
         @id(\"acme\") forbid (principal is User in Tenant::\"{ACME}\", action in Action::\"users\", resource is User in Tenant::\"{ACME}\")
           when {{ context.sign_in_age_ms > 1 }};"
    );
    let desk = Desk::new(&[("own.cedar", &own)]).unwrap();
    let explained = desk.explain(&act(&ann(ACME, &[]), Permission::UsersRead, user(ACME, ANN)));
    let names: Vec<_> = explained.applied.iter().map(|one| one.policy.as_str()).collect();
    assert!(names.contains(&"acme"), "{names:?}");
    assert!(!names.contains(&"bob") && !names.contains(&"others"), "{names:?}");
}

#[test]
fn anp_0002_a_policy_that_cannot_be_evaluated_denies_and_is_named() {
    let own = "@id(\"sum\") forbid (principal, action in Action::\"control\", resource)
        when { 9223372036854775807 + context.sign_in_age_ms == 0 };";
    let desk = Desk::new(&[("own.cedar", own)]).unwrap();
    let me = ann(ACME, &[]);
    let mut asked = act(&me, Permission::UsersRead, user(ACME, ANN));
    assert!(desk.decide(&asked).permit);
    asked.context.sign_in_age_ms = 1;
    let explained = desk.explain(&asked);
    assert!(!explained.verdict.permit);
    assert_eq!(explained.verdict, desk.decide(&asked));
    assert!(explained.verdict.error.unwrap().contains("sum"));
    let sum = explained.applied.iter().find(|one| one.policy == "sum").unwrap();
    assert!(matches!(sum.outcome, Outcome::Failed(_)));
}

#[test]
fn an_act_that_makes_no_sense_is_denied_with_an_error() {
    let admin = [grant(Role::PlatformAdmin, Reach::Platform)];
    let asked = ann(PLATFORM, &admin);
    for (permission, thing) in [
        (Permission::KeysRotate, Resource::Platform),
        (Permission::UsersCreate, user(ACME, BOB)),
        (Permission::SettingsRead, Resource::Tenant(ACME)),
    ] {
        let explained = SHIPPED.explain(&act(&asked, permission, thing));
        assert!(
            !explained.verdict.permit && explained.applied.is_empty(),
            "{permission}"
        );
        assert!(explained.verdict.error.unwrap().contains(permission.as_str()));
    }
}

#[test]
fn who_can_names_those_who_may_and_by_what() {
    let (admin, viewer) = (
        [grant(Role::TenantAdmin, Reach::Tenant(ACME))],
        [grant(Role::Viewer, Reach::Tenant(ACME))],
    );
    let bob = policy::Actor {
        id: ActorId::User(BOB),
        ..ann(ACME, &viewer)
    };
    let all = [ann(ACME, &admin), bob, ann(GLOBEX, &admin)];
    let who = |permission| SHIPPED.who_can(permission, Resource::Tenant(ACME), &all);
    let (ann, by) = (
        ActorId::User(ANN),
        vec!["tenant-admins-run-their-tenant".to_owned()],
    );
    assert_eq!(who(Permission::TeamsCreate), [(ann, by.clone())]);
    assert_eq!(
        who(Permission::TeamsRead),
        [(ann, by), (bob.id, vec!["viewers-see".to_owned()])]
    );
    assert_eq!(who(Permission::TenantsOffboard), []);
}
