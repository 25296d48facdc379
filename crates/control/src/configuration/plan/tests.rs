//! What must hold of every plan, whatever the two documents.

use std::collections::BTreeSet;

use ledger::Window;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::document::{
    BudgetOf, BudgetPart, GrantPart, KeyPart, OwnerPart, ProjectPart, REDACTED, ServicePart, TeamPart,
    TenantPart, UserPart,
};
use super::super::things::put_together;
use super::*;
use crate::record::UserState;
use crate::resource::words::LimitsView;

const NAMES: [&str; 3] = ["a", "b", "c"];

fn state() -> impl Strategy<Value = UserState> {
    prop_oneof![3 => Just(UserState::Active), 1 => Just(UserState::Disabled)]
}

fn limits() -> impl Strategy<Value = LimitsView> {
    proptest::option::of(1..4_u32).prop_map(|requests_per_minute| LimitsView {
        requests_per_minute,
        ..LimitsView::default()
    })
}

fn some_names() -> impl Strategy<Value = Vec<String>> {
    subsequence(NAMES.map(str::to_owned).to_vec(), 0..=3)
}

fn profile(name: &str) -> guard::Profile {
    guard::Profile {
        name: name.to_owned(),
        ..guard::Profile::default()
    }
}

/// A document whose references lead somewhere in it: things keep the team that their name says.
fn document() -> impl Strategy<Value = Configuration> {
    let team = |name: &str| format!("team {name}");
    let accounts = (
        some_names(),
        some_names(),
        some_names(),
        state(),
        limits(),
        any::<bool>(),
    );
    (accounts, some_names(), 0..4_i64, select(vec!["x", "y"])).prop_map(
        move |(accounts, names, number, model)| {
            let (projects, services, users, state, limits, wide) = accounts;
            let teams = NAMES.map(|name| TeamPart {
                name: team(name),
                limits,
            });
            let of_team = |name: &String| (name.clone(), team(name));
            let keys = names
                .iter()
                .filter(|_| state == UserState::Active)
                .map(|name| KeyPart {
                    name: format!("key {name}"),
                    team: team(name),
                    secret: Some(REDACTED.to_owned()),
                    owner: services.contains(name).then(|| OwnerPart {
                        user: None,
                        service: Some(name.clone()),
                    }),
                    project: None,
                    expires: None,
                    all_models: false,
                    models: vec![model.to_owned()],
                    operations: Some(Vec::new()),
                    networks: Vec::new(),
                    limits: Some(limits),
                    tags: vec![model.to_owned()],
                    data_class: None,
                    receipts: false,
                });
            let keys: Vec<_> = keys.filter(|key| key.owner.is_some()).collect();
            let grants = users.iter().map(|user| GrantPart {
                user: Some(user.clone()),
                service: None,
                role: if wide { "viewer" } else { "member" }.to_owned(),
                team: (!wide).then(|| team(user)),
            });
            let budget = |of| BudgetPart {
                name: "cap".to_owned(),
                of,
                only: Default::default(),
                limit_nanos: Some(number),
                limit_tokens: None,
                window: Window::Day,
                during: Default::default(),
                marks: Vec::new(),
            };
            let of = |team, project, key| {
                Some(BudgetOf {
                    team,
                    project,
                    key,
                    ..BudgetOf::default()
                })
            };
            let budgets = keys
                .iter()
                .map(|key| budget(of(Some(key.team.clone()), None, Some(key.name.clone()))));
            let budgets = budgets.chain(
                projects
                    .iter()
                    .map(|name| budget(of(None, Some(name.clone()), None))),
            );
            Configuration {
                tenant: TenantPart {
                    name: "acme".to_owned(),
                    limits: Some(limits),
                    history: None,
                },
                grants: Some(grants.collect()),
                budgets: Some(budgets.chain([budget(None)]).collect()),
                keys: Some(keys),
                teams: Some(teams.to_vec()),
                projects: Some(
                    projects
                        .iter()
                        .map(of_team)
                        .map(|(name, team)| ProjectPart { name, team })
                        .collect(),
                ),
                services: Some(
                    services
                        .iter()
                        .map(of_team)
                        .map(|(name, team)| ServicePart { name, team, state })
                        .collect(),
                ),
                users: Some(
                    users
                        .iter()
                        .map(|email| UserPart {
                            email: email.clone(),
                            name: model.to_owned(),
                            state: UserState::Active,
                        })
                        .collect(),
                ),
                guards: Some(guard::Profiles {
                    profiles: names.iter().map(|name| profile(name)).collect(),
                    ..guard::Profiles::default()
                }),
                consents: Some(policy::Consents {
                    content_leaves: wide,
                    ..policy::Consents::default()
                }),
            }
        },
    )
}

fn things_of(document: &Configuration) -> Things {
    let apart = things::taken_apart(document).unwrap();
    apart
        .into_iter()
        .map(|(place, (part, _))| (place, part))
        .collect()
}

fn now(document: &Configuration) -> Current {
    Current {
        things: things_of(document),
        ..Current::default()
    }
}

/// All but what stays though nobody names it: the disabled.
fn without_disabled(things: Things) -> Things {
    things
        .into_iter()
        .filter(|(_, part)| !part.is_disabled())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_document_taken_apart_and_put_together_is_the_same(document in document()) {
        let things = things_of(&document);
        prop_assert_eq!(things_of(&put_together(&things)), things);
    }

    #[test]
    fn what_is_applied_to_nothing_is_there(document in document()) {
        let current = Current::default();
        let plan = plan(&current, &document, false).unwrap();
        prop_assert!(plan.steps.iter().all(|step| step.verb == Verb::Create));
        prop_assert_eq!(applied(&current.things, &plan.steps), things_of(&document));
    }

    #[test]
    fn after_a_plan_nothing_is_left_to_do(from in document(), to in document(), prune: bool) {
        let Ok(first) = plan(&now(&from), &to, prune) else { return Ok(()) };
        let then = Current { things: applied(&now(&from).things, &first.steps), ..Current::default() };
        let second = plan(&then, &to, prune).unwrap();
        prop_assert_eq!(second.steps, vec![]);
    }

    #[test]
    fn with_pruning_there_is_what_was_asked_for_and_no_more(from in document(), to in document()) {
        let Ok(plan) = plan(&now(&from), &to, true) else { return Ok(()) };
        let after = without_disabled(applied(&now(&from).things, &plan.steps));
        let teams = |things: Things| -> Things { things.into_iter().filter(|((kind, _), _)| *kind != Kind::Team).collect() };
        prop_assert_eq!(teams(after), teams(without_disabled(things_of(&to))));
    }

    #[test]
    fn agp_t3_without_pruning_nothing_ends_that_the_document_does_not_name(from in document(), to in document()) {
        let Ok(plan) = plan(&now(&from), &to, false) else { return Ok(()) };
        for step in &plan.steps {
            prop_assert!(step.verb != Verb::Remove);
            prop_assert!(!step.pointer.is_empty());
        }
    }

    #[test]
    fn agp_t3_a_section_that_is_left_out_is_not_touched(from in document(), mut to in document()) {
        to.users = None;
        to.grants = None;
        to.guards = None;
        to.consents = None;
        let Ok(plan) = plan(&now(&from), &to, true) else { return Ok(()) };
        let touched = |step: &Step| matches!(step.part().map(Part::kind), Some(Kind::User | Kind::Grant | Kind::Guards | Kind::Consents));
        prop_assert!(!plan.steps.iter().any(touched));
    }

    #[test]
    fn what_is_pruned_is_absent_from_the_document(from in document(), to in document()) {
        let Ok(plan) = plan(&now(&from), &to, true) else { return Ok(()) };
        let wanted = things_of(&to);
        for step in plan.steps.iter().filter(|step| step.pointer.is_empty()) {
            prop_assert!(!wanted.contains_key(&step.part().unwrap().place()));
        }
    }

    #[test]
    fn nothing_is_made_before_what_it_refers_to(from in document(), to in document(), prune: bool) {
        let Ok(plan) = plan(&now(&from), &to, prune) else { return Ok(()) };
        for at in 0..plan.steps.len() {
            let before = applied(&now(&from).things, &plan.steps[..at]);
            let step = &plan.steps[at];
            if step.verb == Verb::Create {
                for (_, reference) in step.after.as_ref().unwrap().references() {
                    prop_assert!(before.contains_key(&reference), "{:?}", reference);
                }
            }
        }
    }
}

fn whole() -> Configuration {
    put_together(&Things::new())
}

fn project(name: &str) -> ProjectPart {
    ProjectPart {
        name: name.to_owned(),
        team: "t".to_owned(),
    }
}

fn team() -> TeamPart {
    TeamPart {
        name: "t".to_owned(),
        limits: LimitsView::default(),
    }
}

#[test]
fn another_name_is_another_thing_and_the_plan_says_so() {
    let with = |name| Configuration {
        teams: Some(vec![team()]),
        projects: Some(vec![project(name)]),
        ..whole()
    };
    let plan = plan(&now(&with("old")), &with("new"), true).unwrap();
    let verbs: Vec<_> = plan.steps.iter().map(|step| step.verb).collect();
    assert_eq!(verbs, [Verb::Create, Verb::Remove]);
    assert_eq!(
        plan.remarks,
        ["projects: a thing under another name is a new one; the old one ends"]
    );
}

/// There is one of each: what its section says is all of it, and an empty one ends it, where things end.
#[test]
fn anp_0017_guards_and_consents_are_replaced_as_a_whole_and_end_with_pruning_alone() {
    let with = |names: &[&str], content_leaves| Configuration {
        guards: Some(guard::Profiles {
            profiles: names.iter().map(|name| profile(name)).collect(),
            ..guard::Profiles::default()
        }),
        consents: Some(policy::Consents {
            content_leaves,
            ..policy::Consents::default()
        }),
        ..whole()
    };
    let said = |from: &Configuration, to: &Configuration, prune| {
        let plan = plan(&now(from), to, prune).unwrap();
        let steps = plan.steps.into_iter();
        steps
            .map(|step| (step.verb, step.part().unwrap().kind(), step.pointer))
            .collect::<Vec<_>>()
    };
    let (from, to) = (with(&["a", "b"], false), with(&["b"], false));
    assert_eq!(
        said(&from, &to, false),
        [(Verb::Update, Kind::Guards, "/guards".to_owned())]
    );
    assert_eq!(said(&from, &with(&[], true), false), []);
    assert_eq!(
        said(&from, &with(&[], true), true),
        [
            (Verb::Remove, Kind::Consents, String::new()),
            (Verb::Remove, Kind::Guards, String::new())
        ]
    );
    assert_eq!(
        said(&whole(), &from, false),
        [
            (Verb::Create, Kind::Guards, "/guards".to_owned()),
            (Verb::Create, Kind::Consents, "/consents".to_owned())
        ]
    );
}

#[test]
fn what_stays_is_said_to_stay() {
    let from = Configuration {
        teams: Some(vec![team()]),
        projects: Some(vec![project("p")]),
        ..whole()
    };
    let current = Current {
        lasting_projects: BTreeSet::from(["p".to_owned()]),
        ..now(&from)
    };
    let plan = plan(&current, &whole(), true).unwrap();
    assert!(plan.steps.is_empty());
    assert_eq!(plan.remarks.len(), 2, "{:?}", plan.remarks);
}

#[test]
fn faults_have_their_place() {
    let twice = Configuration {
        teams: Some(vec![team(), team()]),
        ..whole()
    };
    assert_eq!(
        plan(&Current::default(), &twice, false).unwrap_err().pointer,
        "/teams/1"
    );
    let nowhere = Configuration {
        projects: Some(vec![project("p")]),
        ..whole()
    };
    let fault = plan(&Current::default(), &nowhere, false).unwrap_err();
    assert_eq!(
        (fault.pointer.as_str(), fault.detail.as_str()),
        ("/projects/0/team", "there is no team `t`, nor will there be")
    );
    let other = TeamPart {
        name: "u".to_owned(),
        ..team()
    };
    let moved = ProjectPart {
        team: "u".to_owned(),
        ..project("p")
    };
    let from = Configuration {
        teams: Some(vec![team(), other.clone()]),
        projects: Some(vec![project("p")]),
        ..whole()
    };
    let to = Configuration {
        projects: Some(vec![moved]),
        ..from.clone()
    };
    assert_eq!(
        plan(&now(&from), &to, false).unwrap_err().pointer,
        "/projects/0/team"
    );
}
