//! What nobody may do, attacked with an extra policy that permits everything.

use std::sync::LazyLock;

use domain::{Permission, Reach, Role, RoleGrant};
use policy::{ActContext, Actor, ActorId, Desk, Posture, Resource, Verdict};

use super::cast::{
    ACME, ANN, BOB, CRAWLER, GLOBEX, LEVELS, PLATFORM, SALES, SEARCH, SHIPPED, ann, approval, ask, ask_in,
    budget, grant, key, role_for, service, session, user,
};

const ADMIN: RoleGrant = RoleGrant {
    role: Role::PlatformAdmin,
    reach: Reach::Platform,
};

/// The shipped policies and a permit of everything.
static WIDE: LazyLock<Desk> = LazyLock::new(|| {
    let permit = "@id(\"wide\") permit (principal, action in Action::\"control\", resource);";
    Desk::new(&[("wide.cedar", permit)]).unwrap()
});

fn refused_by(verdict: &Verdict, policy: &str) {
    assert!(!verdict.permit, "{verdict:?}");
    assert!(verdict.policies.iter().any(|id| id == policy), "{verdict:?}");
}

#[test]
fn agp_e1_no_permit_reaches_another_tenant() {
    let things = [
        (Permission::TenantsRead, Resource::Tenant(GLOBEX)),
        (Permission::UsersUpdate, user(GLOBEX, BOB)),
        (Permission::KeysRead, key(GLOBEX, SALES, Some(ActorId::User(ANN)))),
        (Permission::SessionsRevoke, session(GLOBEX, ANN)),
        (Permission::AuditRead, Resource::AuditLog { tenant: GLOBEX }),
        (Permission::AuditRead, Resource::AuditLog { tenant: PLATFORM }),
        (Permission::TenantsCreate, Resource::Platform),
        (Permission::SettingsRead, Resource::Settings),
    ];
    for (permission, thing) in things {
        let verdict = ask(&WIDE, &ann(ACME, &[]), permission, thing);
        refused_by(&verdict, "people-stay-in-their-tenant");
        let staff = ask(&WIDE, &ann(PLATFORM, &[ADMIN]), permission, thing);
        assert!(staff.permit, "{permission} {staff:?}");
    }
}

/// Staff without a role over the platform is in its own tenant like everybody.
#[test]
fn agp_e1_staff_reaches_out_by_a_platform_role_only() {
    let grants = [grant(Role::TenantAdmin, Reach::Tenant(ACME))];
    let verdict = ask(
        &WIDE,
        &ann(PLATFORM, &grants),
        Permission::UsersRead,
        user(ACME, BOB),
    );
    refused_by(&verdict, "people-stay-in-their-tenant");
}

#[test]
fn anp_0014_a_platform_role_outside_the_platforms_tenant_opens_nothing() {
    for (permission, thing) in [
        (Permission::UsersRead, user(GLOBEX, BOB)),
        (Permission::TenantsSuspend, Resource::Tenant(ACME)),
        (Permission::UsersRead, user(ACME, ANN)),
    ] {
        let verdict = ask(&WIDE, &ann(ACME, &[ADMIN]), permission, thing);
        refused_by(&verdict, "platform-roles-are-for-staff");
    }
}

/// The same id cannot be here and there.
#[test]
fn agp_e1_an_actor_that_is_said_to_live_in_two_tenants_is_refused() {
    let me = ann(ACME, &[]);
    let verdict = ask(&WIDE, &me, Permission::UsersRead, user(GLOBEX, ANN));
    assert!(verdict.error.unwrap().contains("two tenants"));
    let crawler = Actor {
        id: ActorId::Service(CRAWLER),
        ..me
    };
    let verdict = ask(
        &WIDE,
        &crawler,
        Permission::ServicesRead,
        service(GLOBEX, SALES, CRAWLER),
    );
    assert!(!verdict.permit && verdict.error.is_some());
    assert!(
        ask(
            &SHIPPED,
            &crawler,
            Permission::ServicesRead,
            service(ACME, SEARCH, CRAWLER)
        )
        .permit
    );
}

#[test]
fn anp_0014_nobody_gives_themself_a_role() {
    let own = role_for(ActorId::User(ANN), PLATFORM, Role::Viewer, Reach::Platform);
    let verdict = ask(&WIDE, &ann(PLATFORM, &[ADMIN]), Permission::GrantsCreate, own);
    refused_by(&verdict, "nobody-gives-themself-a-role");
    let crawler = Actor {
        id: ActorId::Service(CRAWLER),
        ..ann(ACME, &[])
    };
    let own = role_for(crawler.id, ACME, Role::TenantAdmin, Reach::Tenant(ACME));
    refused_by(
        &ask(&WIDE, &crawler, Permission::GrantsCreate, own),
        "nobody-gives-themself-a-role",
    );
}

#[test]
fn anp_0014_platform_roles_come_from_platform_admins_only() {
    let others = [Role::SecurityAdmin, Role::Finance, Role::Auditor, Role::Viewer]
        .map(|role| grant(role, Reach::Platform));
    for role in [Role::PlatformAdmin, Role::Viewer] {
        let gives = role_for(ActorId::User(BOB), PLATFORM, role, Reach::Platform);
        for permission in [Permission::GrantsCreate, Permission::GrantsDelete] {
            let verdict = ask(&WIDE, &ann(PLATFORM, &others), permission, gives);
            refused_by(&verdict, "platform-roles-come-from-platform-admins");
            assert!(ask(&SHIPPED, &ann(PLATFORM, &[ADMIN]), permission, gives).permit);
        }
    }
}

#[test]
fn anp_0002_a_role_reaches_where_its_holder_lives_or_it_is_not_given() {
    let bob = ActorId::User(BOB);
    let odd = [
        (ACME, Role::Viewer, Reach::Tenant(GLOBEX)),
        (ACME, Role::Member, Reach::Team(GLOBEX, SALES)),
        (ACME, Role::Viewer, Reach::Platform),
        (PLATFORM, Role::Viewer, Reach::Tenant(ACME)),
        (ACME, Role::Finance, Reach::Team(ACME, SEARCH)),
        (ACME, Role::PlatformAdmin, Reach::Tenant(ACME)),
    ];
    for (home, role, reach) in odd {
        let gives = role_for(bob, home, role, reach);
        let verdict = ask(&WIDE, &ann(PLATFORM, &[ADMIN]), Permission::GrantsCreate, gives);
        refused_by(&verdict, "roles-stay-at-home");
        // What should not be there can be taken away.
        assert!(
            ask(
                &SHIPPED,
                &ann(PLATFORM, &[ADMIN]),
                Permission::GrantsDelete,
                gives
            )
            .permit
        );
    }
}

#[test]
fn ctx_t2_a_reset_is_for_others() {
    for (tenant, grants) in [
        (ACME, vec![grant(Role::TenantAdmin, Reach::Tenant(ACME))]),
        (PLATFORM, vec![ADMIN]),
    ] {
        let verdict = ask(
            &WIDE,
            &ann(tenant, &grants),
            Permission::UsersReset,
            user(tenant, ANN),
        );
        refused_by(&verdict, "nobody-resets-themself");
    }
}

#[test]
fn ctx_t2_whoever_can_reset_a_platform_admin_is_one() {
    let staff = |user| Resource::User {
        tenant: PLATFORM,
        user,
        platform_role: true,
        tenant_admin: false,
    };
    let security = [grant(Role::SecurityAdmin, Reach::Platform)];
    for permission in [Permission::UsersUpdate, Permission::UsersReset] {
        let verdict = ask(&WIDE, &ann(PLATFORM, &security), permission, staff(BOB));
        refused_by(&verdict, "platform-people-are-changed-by-platform-admins");
        assert!(ask(&SHIPPED, &ann(PLATFORM, &[ADMIN]), permission, staff(BOB)).permit);
    }
    assert!(
        ask(
            &SHIPPED,
            &ann(PLATFORM, &security),
            Permission::UsersUpdate,
            staff(ANN)
        )
        .permit
    );
}

#[test]
fn agp_d1_a_tenant_does_not_set_its_own_budget() {
    let roles =
        [Role::TenantAdmin, Role::Finance, Role::SecurityAdmin].map(|role| grant(role, Reach::Tenant(ACME)));
    let own = budget(ACME, None, LEVELS[0], None);
    for permission in [
        Permission::BudgetsCreate,
        Permission::BudgetsUpdate,
        Permission::BudgetsDelete,
    ] {
        assert!(
            !ask(&SHIPPED, &ann(ACME, &roles), permission, own).permit,
            "{permission}"
        );
        let above = [grant(Role::Finance, Reach::Platform)];
        assert!(
            ask(&SHIPPED, &ann(PLATFORM, &above), permission, own).permit,
            "{permission}"
        );
    }
    assert!(
        !ask(
            &SHIPPED,
            &ann(ACME, &roles),
            Permission::BudgetsCreate,
            Resource::Tenant(ACME)
        )
        .permit
    );
}

#[test]
fn ctx_t3_a_member_touches_no_key_but_its_own() {
    let member = [grant(Role::Member, Reach::Team(ACME, SEARCH))];
    for permission in [
        Permission::KeysRead,
        Permission::KeysUpdate,
        Permission::KeysRotate,
        Permission::KeysRevoke,
    ] {
        let may = |owner| {
            ask(
                &SHIPPED,
                &ann(ACME, &member),
                permission,
                key(ACME, SEARCH, owner),
            )
            .permit
        };
        assert!(may(Some(ActorId::User(ANN))), "{permission}");
        assert!(!may(Some(ActorId::User(BOB))) && !may(None), "{permission}");
    }
}

#[test]
fn the_platforms_own_tenant_is_not_closed() {
    for permission in [Permission::TenantsSuspend, Permission::TenantsOffboard] {
        let verdict = ask(
            &WIDE,
            &ann(PLATFORM, &[ADMIN]),
            permission,
            Resource::Tenant(PLATFORM),
        );
        refused_by(&verdict, "the-platforms-own-tenant-stays");
    }
}

const WITHOUT: ActContext = ActContext {
    second_factor: false,
    ..ActContext::AT_BEST
};
const SECOND_FACTOR: &str = "sign in with a second factor first";

#[test]
fn ctx_t2_admins_change_nothing_in_production_without_a_second_factor() {
    let acting = [
        (PLATFORM, ADMIN, Permission::TenantsCreate, Resource::Platform),
        (
            PLATFORM,
            grant(Role::SecurityAdmin, Reach::Platform),
            Permission::UsersCreate,
            Resource::Tenant(ACME),
        ),
        (
            PLATFORM,
            grant(Role::Finance, Reach::Platform),
            Permission::BudgetsCreate,
            Resource::Tenant(ACME),
        ),
        (
            ACME,
            grant(Role::SecurityAdmin, Reach::Tenant(ACME)),
            Permission::UsersCreate,
            Resource::Tenant(ACME),
        ),
        (
            ACME,
            grant(Role::TenantAdmin, Reach::Tenant(ACME)),
            Permission::TeamsCreate,
            Resource::Tenant(ACME),
        ),
        (
            ACME,
            grant(Role::Finance, Reach::Tenant(ACME)),
            Permission::BudgetsCreate,
            budget(ACME, Some(SEARCH), LEVELS[1], None),
        ),
    ];
    for (tenant, role, permission, thing) in acting {
        let grants = [role];
        let at = |context| ask_in(&SHIPPED, &ann(tenant, &grants), permission, thing, context);
        assert!(at(ActContext::AT_BEST).permit, "{role:?}");
        let refused = at(WITHOUT);
        refused_by(&refused, "admins-act-with-a-second-factor");
        assert_eq!(refused.reason.as_deref(), Some(SECOND_FACTOR));
        refused_by(
            &ask_in(&WIDE, &ann(tenant, &grants), permission, thing, WITHOUT),
            "admins-act-with-a-second-factor",
        );
        for posture in [Posture::Development, Posture::Staging] {
            assert!(at(ActContext { posture, ..WITHOUT }).permit, "{posture:?}");
        }
    }
}

#[test]
fn ctx_t2_reading_and_signing_out_need_no_second_factor() {
    let grants = [grant(Role::TenantAdmin, Reach::Tenant(ACME))];
    let me = ann(ACME, &grants);
    for (permission, thing) in [
        (Permission::UsersRead, Resource::Tenant(ACME)),
        (Permission::SessionsRevoke, session(ACME, ANN)),
    ] {
        assert!(
            ask_in(&SHIPPED, &me, permission, thing, WITHOUT).permit,
            "{permission}"
        );
    }
    assert!(
        !ask_in(
            &SHIPPED,
            &me,
            Permission::SessionsRevoke,
            session(ACME, BOB),
            WITHOUT
        )
        .permit
    );
    let member = [grant(Role::Member, Reach::Team(ACME, SEARCH))];
    let team = Resource::Team {
        tenant: ACME,
        team: SEARCH,
    };
    assert!(
        ask_in(
            &SHIPPED,
            &ann(ACME, &member),
            Permission::KeysCreate,
            team,
            WITHOUT
        )
        .permit
    );
}

#[test]
fn ctx_t2_grave_acts_want_a_fresh_sign_in() {
    let stale = |sign_in_age_ms| ActContext {
        sign_in_age_ms,
        ..ActContext::AT_BEST
    };
    let grave = [
        (Permission::UsersReset, user(ACME, BOB)),
        (Permission::TenantsSuspend, Resource::Tenant(ACME)),
        (Permission::TenantsOffboard, Resource::Tenant(ACME)),
        (
            Permission::GrantsCreate,
            role_for(ActorId::User(BOB), ACME, Role::Viewer, Reach::Tenant(ACME)),
        ),
    ];
    let grants = [ADMIN];
    for (permission, thing) in grave {
        let at = |context| ask_in(&SHIPPED, &ann(PLATFORM, &grants), permission, thing, context);
        assert!(at(stale(900_000)).permit, "{permission}");
        for late in [900_001, u64::MAX] {
            let refused = at(stale(late));
            refused_by(&refused, "grave-acts-want-a-fresh-sign-in");
            assert!(refused.reason.unwrap().starts_with("sign in again first"));
        }
        let posture = Posture::Staging;
        assert!(
            at(ActContext {
                posture,
                ..stale(u64::MAX)
            })
            .permit
        );
    }
}

/// What a tenant alone may say of the content of its calls is no less grave than what is said of the tenant.
#[test]
fn ctx_t2_anp_0017_giving_consent_wants_a_fresh_sign_in() {
    let grants = [grant(Role::TenantAdmin, Reach::Tenant(ACME))];
    let stale = |sign_in_age_ms| ActContext {
        sign_in_age_ms,
        ..ActContext::AT_BEST
    };
    let own = [
        Permission::ConsentsUpdate,
        Permission::HistoryUpdate,
        Permission::HistoryPurge,
    ];
    for permission in own {
        let at = |age| {
            let thing = Resource::Tenant(ACME);
            ask_in(&SHIPPED, &ann(ACME, &grants), permission, thing, stale(age))
        };
        assert!(at(900_000).permit, "{permission}");
        refused_by(&at(900_001), "grave-acts-want-a-fresh-sign-in");
    }
    let thing = Resource::Tenant(ACME);
    let read = ask_in(
        &SHIPPED,
        &ann(ACME, &grants),
        Permission::ConsentsRead,
        thing,
        stale(u64::MAX),
    );
    assert!(read.permit, "reading is not grave");
}

/// A reason says that the thing is there, and that one would be let in.
#[test]
fn anp_0015_a_reason_is_told_to_nobody_who_may_not_do_it_anyway() {
    let grants = [grant(Role::SecurityAdmin, Reach::Tenant(ACME))];
    let untold = [
        (Permission::UsersUpdate, user(GLOBEX, BOB)),
        (Permission::BudgetsUpdate, budget(ACME, None, LEVELS[0], None)),
        (Permission::UsersReset, user(ACME, ANN)),
    ];
    for (permission, thing) in untold {
        let verdict = ask_in(&SHIPPED, &ann(ACME, &grants), permission, thing, WITHOUT);
        refused_by(&verdict, "admins-act-with-a-second-factor");
        assert_eq!(verdict.reason, None, "{permission}");
    }
}

#[test]
fn anp_0002_more_roles_than_are_looked_at_deny() {
    let many = |count| vec![grant(Role::TenantAdmin, Reach::Tenant(ACME)); count];
    let may = |grants: &[_]| {
        ask(
            &SHIPPED,
            &ann(ACME, grants),
            Permission::UsersRead,
            user(ACME, BOB),
        )
    };
    assert!(may(&many(256)).permit);
    let verdict = may(&many(257));
    assert!(!verdict.permit && verdict.error.unwrap().contains("more roles than"));
}

/// An act that wants a second person, at a given moment.
const ALONE: ActContext = ActContext {
    wants_second_person: true,
    approved: false,
    ..ActContext::AT_BEST
};

#[test]
fn anp_0014_what_wants_a_second_person_waits_for_one() {
    let (grants, tenant) = ([ADMIN], Resource::Tenant(ACME));
    let at = |context| {
        ask_in(
            &WIDE,
            &ann(PLATFORM, &grants),
            Permission::TenantsOffboard,
            tenant,
            context,
        )
    };
    refused_by(&at(ALONE), "two-people-act");
    let approved = ActContext {
        approved: true,
        ..ALONE
    };
    assert!(at(approved).permit);
    let broken = ActContext {
        break_glass: true,
        ..ALONE
    };
    assert!(at(broken).permit);
}

#[test]
fn anp_0014_nobody_approves_their_own_act() {
    let grants = [ADMIN];
    let decide = |requester| {
        let wish = approval(ACME, requester);
        ask(&WIDE, &ann(PLATFORM, &grants), Permission::ApprovalsDecide, wish)
    };
    refused_by(&decide(ActorId::User(ANN)), "nobody-approves-their-own");
    assert!(decide(ActorId::User(BOB)).permit);
}

#[test]
fn ctx_t2_broken_glass_opens_to_the_platforms_security_and_not_past_the_bounds() {
    let broken = ActContext {
        break_glass: true,
        ..ActContext::AT_BEST
    };
    let may = |grants: &[RoleGrant], permission, resource, context| {
        ask_in(&SHIPPED, &ann(PLATFORM, grants), permission, resource, context).permit
    };
    let security = [grant(Role::SecurityAdmin, Reach::Platform)];
    let money = budget(ACME, None, LEVELS[0], None);
    let raise = Permission::BudgetsUpdate;
    assert!(!may(&security, raise, money, ActContext::AT_BEST));
    assert!(may(&security, raise, money, broken));
    assert!(!may(
        &[grant(Role::Auditor, Reach::Platform)],
        raise,
        money,
        broken
    ));
    let own = role_for(ActorId::User(ANN), PLATFORM, Role::PlatformAdmin, Reach::Platform);
    assert!(!may(&security, Permission::GrantsCreate, own, broken));
    let closed = Resource::Tenant(PLATFORM);
    assert!(!may(&security, Permission::TenantsOffboard, closed, broken));
}
