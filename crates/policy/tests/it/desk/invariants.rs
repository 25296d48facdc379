//! What must hold whatever the policies say: written from what the roles are for, not from the policies.

use std::sync::LazyLock;

use domain::{Permission, Reach, Role, RoleGrant, TeamId, TenantId};
use policy::{Act, ActContext, Actor, ActorId, Desk, Effect, Outcome, Posture, Resource};
use proptest::prelude::*;
use proptest::sample::select;

use super::cast::{
    ACME, ANN, BOB, CRAWLER, GLOBEX, LEVELS, MAILER, OPS, PLATFORM, SALES, SEARCH, SHIPPED, approval, budget,
    grant, key, project, role_for, service, session, token, user,
};

static WIDE: LazyLock<Desk> = LazyLock::new(|| {
    let permit = "permit (principal, action in Action::\"control\", resource);";
    Desk::new(&[("wide.cedar", permit)]).unwrap()
});

const TENANTS: [TenantId; 3] = [ACME, GLOBEX, PLATFORM];
const TEAMS: [(TenantId, TeamId); 3] = [(ACME, SEARCH), (ACME, OPS), (GLOBEX, SALES)];
const SOMEBODY: [ActorId; 4] = [
    ActorId::User(ANN),
    ActorId::User(BOB),
    ActorId::Service(CRAWLER),
    ActorId::Service(MAILER),
];

fn reach() -> impl Strategy<Value = Reach> {
    prop_oneof![
        Just(Reach::Platform),
        select(&TENANTS[..]).prop_map(Reach::Tenant),
        select(&TEAMS[..]).prop_map(|(tenant, team)| Reach::Team(tenant, team)),
    ]
}

/// Any role over anything, sensible or not.
fn any_grant() -> impl Strategy<Value = RoleGrant> {
    (select(&Role::ALL[..]), reach()).prop_map(|(role, reach)| grant(role, reach))
}

/// A role that fits, over that tenant (or, for staff, over the platform).
fn grant_at(home: TenantId) -> impl Strategy<Value = RoleGrant> {
    any_grant().prop_filter_map("out of reach", move |given| {
        let here = match given.reach {
            Reach::Platform => home == PLATFORM,
            Reach::Tenant(tenant) | Reach::Team(tenant, _) => tenant == home,
        };
        (here && given.role.fits(&given.reach)).then_some(given)
    })
}

#[derive(Debug, Clone)]
struct Somebody {
    id: ActorId,
    tenant: TenantId,
    grants: Vec<RoleGrant>,
}

impl Somebody {
    fn actor(&self) -> Actor<'_> {
        Actor {
            id: self.id,
            tenant: self.tenant,
            grants: &self.grants,
        }
    }
}

fn somebody(grants: impl Strategy<Value = Vec<RoleGrant>>) -> impl Strategy<Value = Somebody> {
    (
        select(vec![SOMEBODY[0], SOMEBODY[2]]),
        select(&TENANTS[..]),
        grants,
    )
        .prop_map(|(id, tenant, grants)| Somebody { id, tenant, grants })
}

/// Somebody with the roles one can come by.
fn proper() -> impl Strategy<Value = Somebody> {
    select(&TENANTS[..]).prop_flat_map(|home| {
        let grants = proptest::collection::vec(grant_at(home), 0..4);
        somebody(grants).prop_map(move |somebody| Somebody {
            tenant: home,
            ..somebody
        })
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    let teams = (
        select(&TEAMS[..]),
        proptest::option::of(select(&SOMEBODY[..])),
        0..9_usize,
    );
    let in_team = teams.prop_map(|((tenant, team), owner, kind)| match kind {
        0 => Resource::Team { tenant, team },
        1 => project(tenant, team),
        2 => service(tenant, team, CRAWLER),
        3 => service(tenant, team, MAILER),
        4 => key(tenant, team, owner),
        5 => Resource::Usage {
            tenant,
            team: Some(team),
        },
        6 => token(tenant, team, owner.is_some()),
        _ => budget(tenant, Some(team), LEVELS[kind % 4], owner),
    });
    let tenants = (select(&TENANTS[..]), any::<bool>(), 0..10_usize);
    let in_tenant = tenants.prop_map(|(tenant, platform_role, kind)| match kind {
        0 => Resource::Tenant(tenant),
        1 => Resource::User {
            tenant,
            user: BOB,
            platform_role,
            tenant_admin: false,
        },
        2 => user(tenant, ANN),
        3 => session(tenant, if platform_role { ANN } else { BOB }),
        4 => Resource::AuditLog { tenant },
        5 => Resource::Models { tenant },
        6 => budget(tenant, None, LEVELS[0], None),
        7 => approval(tenant, ActorId::User(if platform_role { ANN } else { BOB })),
        8 => Resource::Configuration { tenant },
        _ => Resource::Policies { tenant },
    });
    let grants = (select(&SOMEBODY[..]), select(&TENANTS[..]), any_grant());
    let a_grant =
        grants.prop_map(|(holder, tenant, given)| role_for(holder, tenant, given.role, given.reach));
    prop_oneof![
        3 => in_team,
        3 => in_tenant,
        2 => a_grant,
        1 => select(vec![Resource::Platform, Resource::Settings]),
    ]
}

fn permission() -> impl Strategy<Value = Permission> {
    select(Permission::ALL)
}

fn context() -> impl Strategy<Value = ActContext> {
    let posture = select(vec![Posture::Development, Posture::Staging, Posture::Production]);
    let two_people = any::<[bool; 3]>();
    let all = (any::<bool>(), any::<u64>(), posture, two_people);
    all.prop_map(|(second_factor, sign_in_age_ms, posture, two_people)| {
        let [wants_second_person, approved, break_glass] = two_people;
        ActContext {
            second_factor,
            sign_in_age_ms,
            posture,
            wants_second_person,
            approved,
            break_glass,
        }
    })
}

fn act<'a>(actor: &'a Actor<'a>, permission: Permission, resource: Resource, context: ActContext) -> Act<'a> {
    Act {
        actor,
        permission,
        resource,
        context,
    }
}

fn permits(desk: &Desk, somebody: &Somebody, permission: Permission, resource: Resource) -> bool {
    desk.decide(&act(&somebody.actor(), permission, resource, ActContext::AT_BEST))
        .permit
}

/// The tenant it is in; none for what belongs to the instance.
fn tenant_of(resource: &Resource) -> Option<TenantId> {
    match *resource {
        Resource::Platform | Resource::Settings => None,
        Resource::Grant {
            reach: Reach::Platform,
            ..
        } => None,
        Resource::Grant {
            reach: Reach::Tenant(tenant) | Reach::Team(tenant, _),
            ..
        } => Some(tenant),
        Resource::Tenant(tenant)
        | Resource::Team { tenant, .. }
        | Resource::Project { tenant, .. }
        | Resource::User { tenant, .. }
        | Resource::Service { tenant, .. }
        | Resource::Key { tenant, .. }
        | Resource::Budget { tenant, .. }
        | Resource::Session { tenant, .. }
        | Resource::AuditLog { tenant }
        | Resource::Usage { tenant, .. }
        | Resource::Models { tenant }
        | Resource::Token { tenant, .. }
        | Resource::Configuration { tenant }
        | Resource::Policies { tenant }
        | Resource::Approval { tenant, .. } => Some(tenant),
    }
}

/// Looking after oneself, in one's own tenant.
fn is_about_oneself(somebody: &Somebody, permission: Permission, resource: &Resource) -> bool {
    use Permission::{ServicesRead, SessionsRead, SessionsRevoke, UsersRead, UsersUpdate};
    let own = |id: ActorId, tenant| somebody.id == id && somebody.tenant == tenant;
    match *resource {
        Resource::User { tenant, user, .. } => {
            own(ActorId::User(user), tenant)
                && matches!(
                    permission,
                    UsersRead | UsersUpdate | SessionsRead | SessionsRevoke
                )
        }
        Resource::Session { tenant, user, .. } => {
            own(ActorId::User(user), tenant) && matches!(permission, SessionsRead | SessionsRevoke)
        }
        Resource::Service { tenant, service, .. } => {
            own(ActorId::Service(service), tenant) && permission == ServicesRead
        }
        _ => false,
    }
}

/// How much power a role is.
fn rank(given: &RoleGrant) -> u8 {
    match (given.reach, given.role) {
        (Reach::Platform, Role::PlatformAdmin) => 9,
        (Reach::Platform, _) => 8,
        (Reach::Tenant(_), Role::TenantAdmin) => 7,
        (Reach::Tenant(_), _) => 6,
        (Reach::Team(..), Role::TeamAdmin) => 5,
        (Reach::Team(..), _) => 4,
    }
}

fn covers(wide: Reach, narrow: Reach) -> bool {
    match (wide, narrow) {
        (Reach::Platform, _) => true,
        (Reach::Tenant(own), Reach::Tenant(other) | Reach::Team(other, _)) => own == other,
        (wide, narrow) => wide == narrow,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agp_e1_nobody_but_staff_ever_reaches_another_tenant(
        somebody in somebody(proptest::collection::vec(any_grant(), 0..4)), permission in permission(), resource in resource(),
    ) {
        let home = if somebody.tenant == PLATFORM { ACME } else { somebody.tenant };
        let somebody = Somebody { tenant: home, ..somebody };
        let elsewhere = tenant_of(&resource) != Some(home);
        prop_assert!(!elsewhere || !permits(&SHIPPED, &somebody, permission, resource));
        prop_assert!(!elsewhere || !permits(&WIDE, &somebody, permission, resource));
    }

    #[test]
    fn agp_e1_staff_without_a_platform_role_is_at_home_only(
        somebody in somebody(proptest::collection::vec(any_grant(), 0..4)), permission in permission(), resource in resource(),
    ) {
        let grants = somebody.grants.iter().filter(|given| given.reach != Reach::Platform).copied().collect();
        let somebody = Somebody { tenant: PLATFORM, grants, ..somebody };
        prop_assert!(tenant_of(&resource) == Some(PLATFORM) || !permits(&WIDE, &somebody, permission, resource));
    }

    #[test]
    fn anp_0014_whoever_only_sees_changes_nothing(
        somebody in proper(), permission in permission(), resource in resource(),
    ) {
        let grants = somebody.grants.iter().map(|given| RoleGrant {
            role: if Role::Auditor.fits(&given.reach) && given.role != Role::Viewer { Role::Auditor } else { Role::Viewer },
            ..*given
        }).collect();
        let somebody = Somebody { grants, ..somebody };
        let harmless = permission.is_read() || is_about_oneself(&somebody, permission, &resource);
        prop_assert!(harmless || !permits(&SHIPPED, &somebody, permission, resource));
    }

    #[test]
    fn anp_0014_nobody_gives_a_role_above_their_own(somebody in proper(), given in any_grant(), home in select(&TENANTS[..])) {
        let gives = role_for(ActorId::User(BOB), home, given.role, given.reach);
        let above = |own: &RoleGrant| covers(own.reach, given.reach) && rank(own) >= rank(&given);
        prop_assert!(!permits(&SHIPPED, &somebody, Permission::GrantsCreate, gives) || somebody.grants.iter().any(above));
    }

    #[test]
    fn anp_0014_nobody_gives_themself_anything(somebody in proper(), given in any_grant()) {
        let own = role_for(somebody.id, somebody.tenant, given.role, given.reach);
        prop_assert!(!permits(&WIDE, &somebody, Permission::GrantsCreate, own));
        if let ActorId::User(id) = somebody.id {
            prop_assert!(!permits(&WIDE, &somebody, Permission::UsersReset, user(somebody.tenant, id)));
        }
    }

    #[test]
    fn anp_0002_a_role_more_takes_away_by_forbids_only(
        somebody in proper(), more in any_grant(), permission in permission(), resource in resource(), context in context(),
    ) {
        let grants = somebody.grants.iter().copied().chain([more]).collect();
        let richer = Somebody { grants, ..somebody.clone() };
        for desk in [&SHIPPED, &WIDE] {
            let before = desk.decide(&act(&somebody.actor(), permission, resource, context));
            let after = desk.explain(&act(&richer.actor(), permission, resource, context));
            let forbids = after.applied.iter().filter(|one| one.effect == Effect::Forbid && one.outcome == Outcome::Satisfied);
            let forbids: Vec<_> = forbids.map(|one| one.policy.clone()).collect();
            let by_forbids = !forbids.is_empty() && forbids == after.verdict.policies;
            prop_assert!(!before.permit || after.verdict.permit || by_forbids, "{:?}", after);
        }
    }

    #[test]
    fn anp_0002_without_a_role_one_looks_after_oneself_only(
        somebody in somebody(Just(Vec::new())), permission in permission(), resource in resource(),
    ) {
        let may = permits(&SHIPPED, &somebody, permission, resource);
        prop_assert_eq!(may, is_about_oneself(&somebody, permission, &resource));
    }

    /// Roles elsewhere are as good as none.
    #[test]
    fn anp_0014_roles_in_another_tenant_give_nothing_at_home(
        somebody in somebody(Just(Vec::new())), grants in proptest::collection::vec(grant_at(GLOBEX), 1..4),
        permission in permission(), resource in resource(),
    ) {
        let somebody = Somebody { tenant: ACME, grants, ..somebody };
        prop_assert!(!permits(&SHIPPED, &somebody, permission, resource) || is_about_oneself(&somebody, permission, &resource));
    }

    #[test]
    fn an_explanation_says_what_was_decided(
        somebody in somebody(proptest::collection::vec(any_grant(), 0..4)), permission in permission(), resource in resource(), context in context(),
    ) {
        let actor = somebody.actor();
        let asked = act(&actor, permission, resource, context);
        let explained = SHIPPED.explain(&asked);
        prop_assert_eq!(&explained.verdict, &SHIPPED.decide(&asked));
        let holds = |effect| explained.applied.iter().any(|one| one.effect == effect && one.outcome == Outcome::Satisfied);
        prop_assert_eq!(explained.verdict.permit, holds(Effect::Permit) && !holds(Effect::Forbid));
    }
}
