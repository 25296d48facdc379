//! Where consents let content go: by example, and what must hold of any document.

use std::sync::Arc;

use domain::{DataClass, UnixMillis};
use policy::{Consent, Consents, Place, Unsaid};
use proptest::prelude::*;
use serde_json::json;

const DAY_MS: i64 = 86_400_000;
/// 2026-11-23T00:00:00Z.
const TODAY: i64 = 20_780 * DAY_MS;

fn place(provider: &str, region: Option<&str>) -> Place {
    Place {
        provider: Arc::from(provider),
        model: "m".to_owned(),
        region: region.map(str::to_owned),
        self_hosted: false,
    }
}

fn document(value: serde_json::Value) -> Consents {
    let read: Consents = serde_json::from_value(value).unwrap();
    assert_eq!(read.problems(), []);
    read
}

#[test]
fn anp_0017_restricted_data_goes_where_a_consent_says_and_what_none_speaks_of_goes_by_default() {
    let consents = document(json!({"consents": [
        {"data_class": "restricted", "providers": ["azure-eu"], "regions": ["eu-*"], "by": "dpo@acme.example", "on": "2026-11-23"},
    ]}));
    let (azure, away, openai) = (
        place("azure-eu", Some("eu-west")),
        place("azure-eu", Some("us-east")),
        place("openai", None),
    );
    let may =
        |consents: &Consents, class, place: &Place, at: i64| consents.permits(class, place, UnixMillis(at));
    assert!(may(&consents, DataClass::Restricted, &azure, TODAY));
    for elsewhere in [&away, &openai] {
        assert!(!may(&consents, DataClass::Restricted, elsewhere, TODAY));
        for class in [DataClass::Public, DataClass::Internal, DataClass::Confidential] {
            assert!(may(&consents, class, elsewhere, TODAY), "{class}");
        }
    }
    // Not before its day, and by its last one no more.
    assert!(!may(&consents, DataClass::Restricted, &azure, TODAY - 1));
    let mut ends = consents.clone();
    ends.consents[0].until = Some("2026-11-23".parse().unwrap());
    assert!(may(&ends, DataClass::Restricted, &azure, TODAY + DAY_MS - 1));
    assert!(!may(&ends, DataClass::Restricted, &azure, TODAY + DAY_MS));
    // Taken back it still speaks: nothing goes anywhere.
    let mut withdrawn = consents.clone();
    withdrawn.consents[0].withdrawn = Some("2026-11-23".parse().unwrap());
    assert!(!may(&withdrawn, DataClass::Restricted, &azure, TODAY));
    assert!(!may(&withdrawn, DataClass::Restricted, &openai, TODAY));
    assert_eq!(
        Consents::default().forgets(&consents),
        Some(DataClass::Restricted)
    );
    assert_eq!(withdrawn.forgets(&consents), None);
    let closed = Consents {
        default: Unsaid::Refuse,
        ..Consents::default()
    };
    assert_eq!(closed.forgets(&consents), None);
    assert!(!may(&closed, DataClass::Public, &azure, TODAY));
    // A consent to graver data is one to what is less grave; and without a region said none is meant.
    let mut both = consents;
    both.default = Unsaid::Refuse;
    assert!(may(&both, DataClass::Public, &azure, TODAY));
    assert!(!may(&both, DataClass::Public, &place("azure-eu", None), TODAY));
}

#[test]
fn what_cannot_be_is_named_with_its_place() {
    let wrong = json!({"minimise": {"history_messages_max": 0}, "consents": [
        {"data_class": "internal", "by": "a", "on": "2026-01-01"},
        {"data_class": "internal", "providers": ["a*b", ""], "by": " ", "on": "2026-01-01", "until": "2025-01-01"},
    ]});
    let read: Consents = serde_json::from_value(wrong).unwrap();
    let places: Vec<String> = read.problems().into_iter().map(|(place, _)| place).collect();
    let expected = [
        "minimise.history_messages_max",
        "consents[0].providers",
        "consents[1].providers",
        "consents[1].by",
        "consents[1].until",
    ];
    assert_eq!(places, expected);
    for unread in [
        json!({"default": "maybe"}),
        json!({"minimise": {"drop": ["messages"]}}),
        json!({"consents": [{"data_class": "secret", "by": "a", "on": "2026-01-01"}]}),
    ] {
        assert!(serde_json::from_value::<Consents>(unread).is_err());
    }
}

fn class() -> impl Strategy<Value = DataClass> {
    prop::sample::select(DataClass::ALL.to_vec())
}

fn consent() -> impl Strategy<Value = Consent> {
    let names = |all: &'static [&'static str]| {
        prop::collection::vec(prop::sample::select(all.to_vec()).prop_map(str::to_owned), 0..3)
    };
    let days = || prop::option::of(20_770_i64..20_790);
    let day = |day: i64| jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day);
    (
        class(),
        names(&["a", "b", "a*", "*"]),
        names(&["eu-1", "eu-*", "us", "*"]),
        20_770_i64..20_790,
        days(),
        days(),
    )
        .prop_map(
            move |(data_class, providers, regions, on, until, withdrawn)| Consent {
                data_class,
                providers,
                regions,
                by: "dpo".to_owned(),
                on: day(on),
                statement: String::new(),
                until: until.map(day),
                withdrawn: withdrawn.map(day),
            },
        )
}

fn consents() -> impl Strategy<Value = Consents> {
    (
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(consent(), 0..4),
    )
        .prop_map(|(closed, leaves, consents)| Consents {
            default: if closed { Unsaid::Refuse } else { Unsaid::Permit },
            content_leaves: leaves,
            consents,
            ..Consents::default()
        })
}

fn anywhere() -> impl Strategy<Value = Place> {
    let names = prop::sample::select(vec!["a", "ab", "b", "c"]);
    let regions = prop::option::of(prop::sample::select(vec!["eu-1", "eu-2", "us"]));
    (names, regions, any::<bool>()).prop_map(|(name, region, own)| Place {
        self_hosted: own,
        ..place(name, region)
    })
}

proptest! {
    /// What is graver goes nowhere that what is less grave may not go; taking a consent back, or forbidding that
    /// content leaves, opens nothing; and what stays in the house wants nobody's word.
    #[test]
    fn anp_0017_taking_back_and_graver_data_never_open_a_way(
        consents in consents(), place in anywhere(), class in class(), at in 0_usize..4, hour in -240_i64..240,
    ) {
        let now = UnixMillis(TODAY + hour * 3_600_000);
        let permits = consents.permits(class, &place, now);
        if permits {
            for lesser in DataClass::ALL.into_iter().filter(|one| *one < class) {
                prop_assert!(consents.permits(lesser, &place, now));
            }
        }
        prop_assert!(!place.self_hosted || permits);
        prop_assert!(permits || consents.concerns(class));
        let mut less = consents.clone();
        if let Some(one) = less.consents.get_mut(at) {
            one.withdrawn = Some(jiff::civil::date(1970, 1, 1));
            prop_assert!(permits || !less.permits(class, &place, now));
            prop_assert_eq!(less.forgets(&consents), None);
        }
        let closed = Consents { default: Unsaid::Refuse, ..consents.clone() };
        prop_assert!(permits || !closed.permits(class, &place, now));
        let stays = Consents { content_leaves: false, ..consents.clone() };
        prop_assert_eq!(stays.permits(class, &place, now), place.self_hosted);
        // And a document that forgets nothing, whatever else it drops, opens no way by what it dropped.
        let mut dropped = consents.clone();
        if at < dropped.consents.len() {
            dropped.consents.remove(at);
            if dropped.forgets(&consents).is_none() {
                prop_assert!(permits || !dropped.permits(class, &place, now));
            }
        }
    }
}
