//! Profiles, exceptions and plans: which apply to a call, that the strictest wins, and what passes for a while.

use std::sync::LazyLock;

use domain::{DataClass, KeyId, Operation, TeamId, TenantId, UnixMillis};
use guard::families::{Families, Injection, Personal, Secrets};
use guard::{
    Action, Call, Direction, Exception, Found, Gate, Guards, Mode, Origin, PersonalKind, Plan, Plans,
    Profile, Profiles, Ready, When, exception_digest,
};
use proptest::prelude::*;

/// Built once: it is dear, and every plan shares it.
static GUARDS: LazyLock<Guards> = LazyLock::new(Guards::default);

const NOW: UnixMillis = UnixMillis(1_000);
const TEXT: &str = "write to ada@example.org";

pub(crate) fn call() -> Call<'static> {
    Call {
        tenant: (TenantId::from_u128(1), "acme"),
        team: (TeamId::from_u128(2), "clinic"),
        project: None,
        key: (KeyId::from_u128(3), "robot"),
        tags: &[],
        model: "gpt-large",
        operation: Operation::Chat,
        data_class: DataClass::Internal,
    }
}

fn personal(input: Mode, output: Mode) -> Families {
    Families {
        personal: Some(Personal {
            input,
            output,
            ..Personal::default()
        }),
        ..Families::default()
    }
}

fn profile(name: &str, when: When, guards: Families) -> Profile {
    Profile {
        name: name.to_owned(),
        when,
        shadow: false,
        guards,
    }
}

fn plans(always: Families, profiles: Vec<Profile>, exceptions: Vec<Exception>) -> Plans {
    let document = Profiles { profiles, exceptions };
    assert_eq!(document.problems(), []);
    Plans::new(GUARDS.clone(), always, document)
}

fn scanned(plan: &Plan, direction: Direction, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    plan.scan(direction, (text, Origin::User), NOW, &mut found);
    found
}

fn actions(plan: &Plan, direction: Direction, text: &str) -> Vec<Action> {
    scanned(plan, direction, text)
        .iter()
        .map(|it| it.action)
        .collect()
}

fn exception(rule: &str) -> Exception {
    Exception {
        rule: rule.to_owned(),
        sha256: None,
        direction: None,
        when: When::default(),
        until_ms: UnixMillis(2_000),
        reason: "looked at".to_owned(),
    }
}

#[test]
fn anp_0017_a_call_gets_every_profile_it_meets_and_the_strictest_wins() {
    let clinic = When {
        teams: vec!["clinic".into()],
        ..When::default()
    };
    let restricted = When {
        data_class_from: Some(DataClass::Confidential),
        ..When::default()
    };
    let plans = plans(
        personal(Mode::Observe, Mode::Off),
        vec![
            profile("clinic", clinic, personal(Mode::Mask, Mode::Redact)),
            profile("restricted", restricted, personal(Mode::Block, Mode::Observe)),
        ],
        vec![],
    );
    let other = Call {
        team: (TeamId::from_u128(9), "shop"),
        ..call()
    };
    assert_eq!(
        actions(&plans.plan(&other, None), Direction::Input, TEXT),
        [Action::Observe]
    );
    assert_eq!(actions(&plans.plan(&other, None), Direction::Output, TEXT), []);
    let plan = plans.plan(&call(), None);
    assert_eq!(actions(&plan, Direction::Input, TEXT), [Action::Mask]);
    assert_eq!(actions(&plan, Direction::Output, TEXT), [Action::Redact]);
    let both = Call {
        data_class: DataClass::Restricted,
        ..call()
    };
    let plan = plans.plan(&both, None);
    assert_eq!(actions(&plan, Direction::Input, TEXT), [Action::Block]);
    assert_eq!(actions(&plan, Direction::Output, TEXT), [Action::Redact]);
    let found = scanned(&plan, Direction::Input, TEXT);
    assert_eq!(plan.asked_by(Direction::Input, &found[0].finding), "restricted");
    assert_eq!(plan.asked_by(Direction::Output, &found[0].finding), "clinic");
    assert_ne!(plan.version(), plans.base().version());
}

#[test]
fn every_condition_of_a_profile_counts() {
    let id = KeyId::from_u128(3).to_string();
    let tags = ["beta".to_owned()];
    let tagged = Call {
        tags: &tags,
        ..call()
    };
    let holds = [
        When {
            tenants: vec!["acme".into()],
            ..When::default()
        },
        When {
            keys: vec!["other".into(), id],
            ..When::default()
        },
        When {
            tags: vec!["beta".into()],
            ..When::default()
        },
        When {
            models: vec!["gpt-*".into()],
            ..When::default()
        },
        When {
            models: vec!["gpt-large".into()],
            ..When::default()
        },
        When {
            operations: vec![Operation::Chat],
            ..When::default()
        },
        When {
            data_class_from: Some(DataClass::Internal),
            ..When::default()
        },
        When::default(),
    ];
    for when in &holds {
        assert!(when.means(&tagged), "{when:?}");
    }
    let fails = [
        When {
            tenants: vec!["acm".into()],
            ..When::default()
        },
        When {
            projects: vec![String::new()],
            teams: vec!["nobody".into()],
            ..When::default()
        },
        When {
            projects: vec!["some".into()],
            ..When::default()
        },
        When {
            keys: vec!["other".into()],
            ..When::default()
        },
        When {
            tags: vec!["gamma".into()],
            ..When::default()
        },
        When {
            models: vec!["gpt".into(), "o*".into()],
            ..When::default()
        },
        When {
            operations: vec![Operation::Embeddings],
            ..When::default()
        },
        When {
            data_class_from: Some(DataClass::Restricted),
            ..When::default()
        },
        When {
            tenants: vec!["acme".into()],
            models: vec!["o1".into()],
            ..When::default()
        },
    ];
    for when in &fails {
        assert!(!when.means(&tagged), "{when:?}");
    }
}

#[test]
fn a_profile_in_shadow_says_what_it_would_do_and_does_nothing() {
    let mut shadow = profile("trial", When::default(), personal(Mode::Block, Mode::Off));
    shadow.shadow = true;
    let plans = plans(personal(Mode::Observe, Mode::Off), vec![shadow], vec![]);
    let plan = plans.plan(&call(), None);
    let found = scanned(&plan, Direction::Input, TEXT);
    assert_eq!(
        (found[0].action, found[0].would),
        (Action::Observe, Some(Action::Block))
    );
    assert!(!plan.does_more_than_observe(Direction::Input));
}

#[test]
fn a_profile_of_some_kinds_asks_nothing_of_others() {
    let cards = Families {
        personal: Some(Personal {
            input: Mode::Block,
            kinds: Some(vec![PersonalKind::PaymentCard]),
            ..Personal::default()
        }),
        ..Families::default()
    };
    let plans = plans(
        personal(Mode::Observe, Mode::Off),
        vec![profile("cards", When::default(), cards)],
        vec![],
    );
    let plan = plans.plan(&call(), None);
    assert_eq!(actions(&plan, Direction::Input, TEXT), [Action::Observe]);
    let card = "the card is 4111 1111 1111 1111";
    assert_eq!(actions(&plan, Direction::Input, card), [Action::Block]);
}

#[test]
fn an_exception_lets_a_rule_or_one_text_pass_until_its_day() {
    let blocks = || personal(Mode::Block, Mode::Block);
    let of_rule = plans(blocks(), vec![], vec![exception("email_address")]);
    let plan = of_rule.plan(&call(), None);
    let found = scanned(&plan, Direction::Input, TEXT);
    assert_eq!((found[0].action, found[0].excepted), (Action::Observe, true));
    let mut late = Vec::new();
    plan.scan(
        Direction::Input,
        (TEXT, Origin::User),
        UnixMillis(2_000),
        &mut late,
    );
    assert_eq!((late[0].action, late[0].excepted), (Action::Block, false));

    let one = Exception {
        sha256: Some(exception_digest("ada@example.org")),
        direction: Some(Direction::Input),
        ..exception("email_address")
    };
    let of_text = plans(blocks(), vec![], vec![one]);
    let plan = of_text.plan(&call(), None);
    assert_eq!(actions(&plan, Direction::Input, TEXT), [Action::Observe]);
    assert_eq!(actions(&plan, Direction::Output, TEXT), [Action::Block]);
    assert_eq!(
        actions(&plan, Direction::Input, "write to eve@example.org"),
        [Action::Block]
    );
}

#[test]
fn a_tenant_only_tightens() {
    let plans = plans(personal(Mode::Redact, Mode::Off), vec![], vec![]);
    let own = |modes: Families, exceptions| {
        Ready::own(Profiles {
            profiles: vec![profile("ours", When::default(), modes)],
            exceptions,
        })
    };
    let loose = own(
        personal(Mode::Observe, Mode::Block),
        vec![exception("email_address")],
    );
    let plan = plans.plan(&call(), Some(&loose));
    assert_eq!(
        actions(&plan, Direction::Input, TEXT),
        [Action::Redact],
        "the instance's stands"
    );
    assert_eq!(
        actions(&plan, Direction::Output, TEXT),
        [Action::Observe],
        "its own is excepted"
    );
    let strict = own(personal(Mode::Block, Mode::Off), vec![]);
    assert_eq!(
        actions(&plans.plan(&call(), Some(&strict)), Direction::Input, TEXT),
        [Action::Block]
    );
}

#[test]
fn an_exception_holds_in_a_stream_however_it_is_cut() {
    let one = Exception {
        sha256: Some(exception_digest("ada@example.org")),
        ..exception("email_address")
    };
    let plans = plans(personal(Mode::Off, Mode::Redact), vec![], vec![one]);
    let plan = plans.plan(&call(), None);
    let text = "from ada@example.org to eve@example.org, and so on and on";
    for size in 1..text.len() {
        let (mut follow, mut found) = (plan.follow(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            follow.push(&plan, std::str::from_utf8(piece).unwrap(), NOW, &mut found);
        }
        assert_eq!(follow.finish(&plan, NOW, &mut found), text.len() as u64);
        let told: Vec<_> = found.iter().map(|it| (it.action, it.excepted)).collect();
        assert_eq!(
            told,
            [(Action::Observe, true), (Action::Redact, false)],
            "in pieces of {size}"
        );
    }
}

#[test]
fn what_is_written_wrong_is_named_with_its_place() {
    let document = Profiles {
        profiles: vec![
            profile("a", When::default(), Families::default()),
            profile(
                "a",
                When::default(),
                Families {
                    injection: Some(Injection {
                        input: Gate::Block,
                        sure: 0,
                    }),
                    ..Families::default()
                },
            ),
            profile(" ", When::default(), Families::default()),
        ],
        exceptions: vec![Exception {
            sha256: Some("abc".into()),
            reason: String::new(),
            ..exception("")
        }],
    };
    let places: Vec<_> = document.problems().into_iter().map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "profiles[1].name",
            "profiles[1].guards.injection.sure",
            "profiles[2].name",
            "exceptions[0].rule",
            "exceptions[0].reason",
            "exceptions[0].sha256",
        ]
    );
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![
        Mode::Off,
        Mode::Observe,
        Mode::Mask,
        Mode::Redact,
        Mode::Block,
    ])
}

proptest! {
    #[test]
    fn more_profiles_never_do_less(always in modes(), more in prop::collection::vec(modes(), 0..5)) {
        let named = |(number, mode): (usize, &Mode)| {
            profile(&number.to_string(), When::default(), personal(*mode, Mode::Off))
        };
        let document = |modes: &[Mode]| Profiles {
            profiles: modes.iter().enumerate().map(named).collect(),
            exceptions: vec![],
        };
        let mut last = None;
        for count in 0..=more.len() {
            let plans = Plans::new(GUARDS.clone(), personal(always, Mode::Off), document(&more[..count]));
            let action = actions(&plans.plan(&call(), None), Direction::Input, TEXT).first().copied();
            prop_assert!(action >= last);
            last = action;
        }
        let strictest = more.iter().copied().chain([always]).max().unwrap();
        prop_assert_eq!(last, strictest.action());
    }
}

#[test]
fn agp_i1_secrets_keep_their_mode_beside_others() {
    let always = Families {
        secrets: Some(Secrets::default()),
        ..personal(Mode::Observe, Mode::Off)
    };
    let plan = Plan::of(&GUARDS.clone(), always);
    let text = format!("{TEXT}, key ghp_{}", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5");
    let redacted = plan.redacted(Direction::Input, (&text, Origin::User), NOW);
    assert!(redacted.is_none_or(|it| it.contains("ada@example.org")));
}

/// A finding covers others at its place: what one profile only looks at must not cover what another blocks.
#[test]
fn anp_0017_no_profile_hides_what_another_asks_for() {
    let of = |kind: PersonalKind, input: Mode, output: Mode| Families {
        personal: Some(Personal {
            input,
            output,
            kinds: Some(vec![kind]),
            ..Personal::default()
        }),
        ..Families::default()
    };
    let always = of(PersonalKind::StreetAddress, Mode::Block, Mode::Redact);
    let text = "ship to 03262 2437 Main St Suite 442 today";
    let alone = plans(always.clone(), vec![], vec![]).base();
    assert_eq!(actions(&alone, Direction::Input, text), [Action::Block]);
    for shadow in [false, true] {
        let mut looks = profile(
            "looks",
            When::default(),
            of(PersonalKind::Phone, Mode::Observe, Mode::Observe),
        );
        looks.shadow = shadow;
        let both = plans(always.clone(), vec![looks], vec![]).plan(&call(), None);
        let done = actions(&both, Direction::Input, text);
        assert!(done.contains(&Action::Block), "{done:?}");
        let (mut follow, mut found) = (both.follow(), Vec::new());
        follow.push(&both, text, NOW, &mut found);
        follow.finish(&both, NOW, &mut found);
        assert!(found.iter().any(|it| it.action == Action::Redact), "{found:?}");
    }
}
