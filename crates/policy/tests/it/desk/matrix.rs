//! What every role may do, everywhere, as a table that is read when it changes.

use std::fmt::Write as _;

use domain::{Permission, Reach, Role, RoleGrant, TeamId, TenantId};
use policy::{Actor, ActorId, Resource};

use super::cast::{
    ACME, ANN, BOB, CRAWLER, GLOBEX, LEVELS, MAILER, OPS, PLATFORM, SALES, SEARCH, SHIPPED, ann, approval,
    ask, budget, grant, key, project, role_for, service, session, token, user,
};

/// A role as far as it can reach: the head of a column.
struct Column {
    head: &'static str,
    grant: RoleGrant,
}

fn columns() -> Vec<Column> {
    let reaches = [Reach::Platform, Reach::Tenant(ACME), Reach::Team(ACME, SEARCH)];
    let all = Role::ALL
        .into_iter()
        .flat_map(|role| reaches.map(|reach| grant(role, reach)));
    all.filter(|grant| grant.role.fits(&grant.reach))
        .map(|grant| Column {
            head: head(&grant),
            grant,
        })
        .collect()
}

fn head(grant: &RoleGrant) -> &'static str {
    match (grant.role, grant.reach) {
        (Role::PlatformAdmin, _) => "PA",
        (Role::SecurityAdmin, Reach::Platform) => "SA",
        (Role::SecurityAdmin, _) => "SA.t",
        (Role::Finance, Reach::Platform) => "FI",
        (Role::Finance, _) => "FI.t",
        (Role::TenantAdmin, _) => "TA.t",
        (Role::TeamAdmin, _) => "GA.g",
        (Role::Member, _) => "ME.g",
        (Role::Viewer, Reach::Platform) => "VI",
        (Role::Viewer, Reach::Tenant(_)) => "VI.t",
        (Role::Viewer, Reach::Team(..)) => "VI.g",
        (Role::Auditor, Reach::Platform) => "AU",
        (Role::Auditor, _) => "AU.t",
    }
}

const LEGEND: &str = "\
What each role may do: `yes`, or `.` for no. Who asks is Ann, in production, well signed in, with one role.

PA    platform_admin
SA    security_admin over the platform       SA.t  of tenant acme
FI    finance over the platform              FI.t  of tenant acme
TA.t  tenant_admin of tenant acme
GA.g  team_admin of acme's team search
ME.g  member of acme's team search
VI    viewer over the platform               VI.t  of tenant acme     VI.g  of acme's team search
AU    auditor over the platform              AU.t  of tenant acme

Whoever has a role over the platform lives in the platform's tenant, the others in acme.
A line says the act, and what it is asked of.
";

type Thing = (String, Resource);

fn named(name: &str, resource: Resource) -> Thing {
    (name.to_owned(), resource)
}

/// What a tenant has outside of teams.
fn of_tenant(tenant: TenantId) -> Vec<Thing> {
    let mut things = vec![
        named("tenant", Resource::Tenant(tenant)),
        named("user", user(tenant, BOB)),
        named("session", session(tenant, BOB)),
        named("audit log", Resource::AuditLog { tenant }),
        named("usage of tenant", Resource::Usage { tenant, team: None }),
        named("models", Resource::Models { tenant }),
        named("configuration", Resource::Configuration { tenant }),
        named("policies", Resource::Policies { tenant }),
        named("somebody's wish", approval(tenant, ActorId::User(BOB))),
        named("budget of tenant level", budget(tenant, None, LEVELS[0], None)),
    ];
    things.extend(roles(tenant, Reach::Tenant(tenant), "over tenant"));
    things
}

/// What a team has.
fn of_team(tenant: TenantId, team: TeamId) -> Vec<Thing> {
    let owner = Some(ActorId::User(BOB));
    let mut things = vec![
        named("team", Resource::Team { tenant, team }),
        named("project", project(tenant, team)),
        named("service account", service(tenant, team, MAILER)),
        named("token of a service", token(tenant, team, false)),
        named("token that reaches further", token(tenant, team, true)),
        named("somebody's key", key(tenant, team, owner)),
        named("key without owner", key(tenant, team, None)),
        named(
            "usage of team",
            Resource::Usage {
                tenant,
                team: Some(team),
            },
        ),
        named(
            "budget of team level",
            budget(tenant, Some(team), LEVELS[1], None),
        ),
        named(
            "budget of project level",
            budget(tenant, Some(team), LEVELS[2], None),
        ),
        named(
            "budget of key level",
            budget(tenant, Some(team), LEVELS[3], owner),
        ),
    ];
    things.extend(roles(tenant, Reach::Team(tenant, team), "over team"));
    things
}

/// The platform and what belongs to its own tenant.
fn of_platform() -> Vec<Thing> {
    let staff = Resource::User {
        tenant: PLATFORM,
        user: BOB,
        platform_role: true,
        tenant_admin: false,
    };
    let mut things = vec![
        named("platform", Resource::Platform),
        named("settings", Resource::Settings),
        named("user with platform role", staff),
    ];
    things.extend(of_tenant(PLATFORM));
    things.extend(roles(PLATFORM, Reach::Platform, "over platform"));
    things
}

/// Bob gets each role that reaches so far.
fn roles(tenant: TenantId, reach: Reach, words: &str) -> Vec<Thing> {
    let fitting = Role::ALL.into_iter().filter(|role| role.fits(&reach));
    fitting
        .map(|role| {
            (
                format!("{role} {words}"),
                role_for(ActorId::User(BOB), tenant, role, reach),
            )
        })
        .collect()
}

/// Ann herself and what is hers.
fn own(tenant: TenantId) -> Vec<Thing> {
    let (me, team) = (ActorId::User(ANN), Some(SEARCH));
    let mut things = vec![
        named("oneself", user(tenant, ANN)),
        named("own session", session(tenant, ANN)),
        named("own wish", approval(tenant, me)),
        named("own key in search", key(ACME, SEARCH, Some(me))),
        named("own key in ops", key(ACME, OPS, Some(me))),
        named("budget of own key", budget(ACME, team, LEVELS[3], Some(me))),
    ];
    let reaches = [Reach::Platform, Reach::Tenant(tenant), Reach::Team(ACME, SEARCH)];
    let grants = Role::ALL
        .into_iter()
        .flat_map(|role| reaches.map(|reach| grant(role, reach)));
    things.extend(grants.filter(|grant| grant.role.fits(&grant.reach)).map(|grant| {
        let words = ["over platform", "over own tenant", "over search"];
        let far = reaches.iter().position(|reach| *reach == grant.reach).unwrap();
        (
            format!("own {} {}", grant.role, words[far]),
            role_for(me, tenant, grant.role, grant.reach),
        )
    }));
    things
}

fn home(grant: &RoleGrant) -> TenantId {
    if grant.reach == Reach::Platform {
        PLATFORM
    } else {
        ACME
    }
}

/// One line for each permission and each thing it can be asked of.
fn table(title: &str, things: impl Fn(TenantId) -> Vec<Thing>) -> String {
    let columns = columns();
    let heads: String = columns
        .iter()
        .map(|column| format!("{:<5}", column.head))
        .collect();
    let mut lines = format!("\n{title}\n\n{:<58}{}\n", "", heads.trim_end());
    for permission in Permission::ALL {
        for index in 0..things(ACME).len() {
            let cells: Option<String> = columns
                .iter()
                .map(|column| {
                    let (_, resource) = things(home(&column.grant)).remove(index);
                    cell(&ann(home(&column.grant), &[column.grant]), *permission, resource)
                })
                .collect();
            if let Some(cells) = cells {
                let (name, _) = things(ACME).remove(index);
                writeln!(
                    lines,
                    "{:<17} {name:<40}{}",
                    permission.as_str(),
                    cells.trim_end()
                )
                .unwrap();
            }
        }
    }
    lines
}

/// Nothing when the schema has no such question.
fn cell(actor: &Actor<'_>, permission: Permission, resource: Resource) -> Option<String> {
    let verdict = ask(&SHIPPED, actor, permission, resource);
    let word = if verdict.permit { "yes" } else { "." };
    verdict.error.is_none().then(|| format!("{word:<5}"))
}

#[test]
fn anp_0014_what_every_role_may_do() {
    let tables = [
        table("IN THE SAME TENANT", |_| of_tenant(ACME)),
        table("IN THE SAME TEAM", |_| of_team(ACME, SEARCH)),
        table("IN ANOTHER TEAM OF THE SAME TENANT", |_| of_team(ACME, OPS)),
        table("IN ANOTHER TENANT", |_| {
            [of_tenant(GLOBEX), of_team(GLOBEX, SALES)].concat()
        }),
        table("ON THE PLATFORM", |_| of_platform()),
        table("ONESELF AND ONE'S OWN", own),
    ];
    insta::assert_snapshot!("what_every_role_may_do", format!("{LEGEND}{}", tables.concat()));
}

/// The tables leave out no permission.
#[test]
fn anp_0014_every_permission_is_in_the_tables() {
    let things = [of_tenant(ACME), of_team(ACME, SEARCH), of_platform()].concat();
    let admin = [grant(Role::PlatformAdmin, Reach::Platform)];
    for permission in Permission::ALL {
        let asked = things
            .iter()
            .filter_map(|(_, thing)| cell(&ann(PLATFORM, &admin), *permission, *thing));
        assert!(asked.count() > 0, "{permission}");
    }
}

/// A role that cannot reach so far gives nothing, however it came about.
#[test]
fn anp_0014_a_role_that_does_not_fit_its_reach_is_none() {
    let things = [of_tenant(ACME), of_team(ACME, SEARCH), of_platform()].concat();
    let reaches = [Reach::Platform, Reach::Tenant(ACME), Reach::Team(ACME, SEARCH)];
    let all = Role::ALL
        .into_iter()
        .flat_map(|role| reaches.map(|reach| grant(role, reach)));
    let odd: Vec<_> = all.filter(|grant| !grant.role.fits(&grant.reach)).collect();
    assert_eq!(odd.len() + columns().len(), 24);
    for tenant in [ACME, PLATFORM] {
        for permission in Permission::ALL {
            for (name, thing) in &things {
                let verdict = ask(&SHIPPED, &ann(tenant, &odd), *permission, *thing);
                assert!(!verdict.permit, "{permission} {name}");
            }
        }
    }
}

/// Service accounts have roles as people have.
#[test]
fn a_service_account_with_a_role_may_what_a_person_may() {
    for column in columns()
        .iter()
        .filter(|column| column.grant.reach != Reach::Platform)
    {
        let grants = [column.grant];
        let crawler = Actor {
            id: ActorId::Service(CRAWLER),
            ..ann(ACME, &grants)
        };
        // The second person is a person, and so is whoever reviews or makes tokens: one that makes tokens would never end.
        let of_people = [
            Permission::ApprovalsDecide,
            Permission::PromptsReview,
            Permission::TokensCreate,
        ];
        let alike = Permission::ALL.iter().filter(|it| !of_people.contains(it));
        for permission in alike {
            for (name, thing) in [of_tenant(ACME), of_team(ACME, SEARCH)].concat() {
                let (person, service) = (
                    ask(&SHIPPED, &ann(ACME, &grants), *permission, thing),
                    ask(&SHIPPED, &crawler, *permission, thing),
                );
                assert_eq!(person, service, "{} {permission} {name}", column.head);
            }
        }
    }
}

/// What runs by itself has looked at nothing, whatever roles it has.
#[test]
fn anp_b0009_no_service_account_reviews_a_prompt() {
    let mut people = 0;
    for column in columns() {
        let grants = [column.grant];
        let crawler = Actor {
            id: ActorId::Service(CRAWLER),
            ..ann(ACME, &grants)
        };
        for (name, thing) in of_tenant(ACME) {
            let may = |who: &Actor<'_>| ask(&SHIPPED, who, Permission::PromptsReview, thing).permit;
            people += usize::from(may(&ann(ACME, &grants)));
            assert!(!may(&crawler), "{} {name}", column.head);
        }
    }
    assert!(people >= 2, "{people}");
}
