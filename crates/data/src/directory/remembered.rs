//! What is remembered is what would be answered: for any policies and any questions in any order, permit or not,
//! by which policies, and with which reason.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use domain::{DataClass, Operation, UnixMillis};
use policy::{Engine, Place, Posture};
use proptest::prelude::*;

use super::tests::entry;
use super::{Arrived, Asked, KeyEntry};
use crate::shadow::question;

/// Policies any of which may stand in a set; some fail for some questions.
const POLICIES: [&str; 10] = [
    "@id(\"a\") forbid (principal, action, resource) when { context.utc_minute > 1 };",
    "@id(\"b\") @reason(\"at night\") forbid (principal, action in Action::\"invoke\", resource) when { context.utc_weekday == 4 };",
    "@id(\"c\") @reason(\"at home\") forbid (principal, action, resource) unless { context has source_ip && context.source_ip.isLoopback() };",
    "@id(\"d\") forbid (principal, action, resource) when { context == context && context.utc_minute == 1 };",
    "@id(\"e\") @reason(\"no streams\") forbid (principal, action == Action::\"chat\", resource) when { context.stream };",
    "@id(\"f\") @reason(\"in the EU\") forbid (principal, action == Action::\"send\", resource) when { context.data_class.rank > 1 } unless { resource has region && resource.region == \"eu\" };",
    "@id(\"g\") forbid (principal, action, resource) when { 9223372036854775807 + context.data_class.rank > 0 && context.tools };",
    "@id(\"h\") permit (principal, action, resource) when { context.data_class.name == \"public\" };",
    "@id(\"i\") forbid (principal, action == Action::\"send\", resource) unless { resource.self_hosted || context.utc_minute < 2 };",
    "@id(\"j\") forbid (principal, action, resource) when { if context.stream then context has source_ip else context.tools };",
];

/// Few sets, many questions: each set is made once.
fn engine(chosen: &[usize]) -> Arc<Engine> {
    static MADE: Mutex<BTreeMap<Vec<usize>, Arc<Engine>>> = Mutex::new(BTreeMap::new());
    let text: String = chosen.iter().map(|at| POLICIES[*at]).collect();
    let mut made = MADE.lock().unwrap();
    let engine = made
        .entry(chosen.to_vec())
        .or_insert_with(|| Arc::new(Engine::new(&[("own.cedar", &text)], true).unwrap()));
    Arc::clone(engine)
}

/// A question with everything in it that policies may read.
fn asked() -> impl Strategy<Value = Asked> {
    let address = proptest::sample::select(&["127.0.0.1", "192.0.2.1"][..]);
    let minute = proptest::sample::select(&[0_i64, 1, 2, 1440][..]);
    let class = proptest::option::of(proptest::sample::select(&DataClass::ALL[..]));
    let place = proptest::option::of((any::<bool>(), proptest::option::of(Just("eu".to_owned()))));
    (any::<(bool, bool)>(), address, minute, class, place).prop_map(
        |((stream, tools), address, minute, data_class, place)| {
            let arrived = Arrived {
                address: address.parse::<IpAddr>().unwrap(),
                at: UnixMillis(minute * 60_000),
                data_class,
            };
            let place = place.map(|(self_hosted, region)| {
                Arc::new(Place {
                    provider: "one".into(),
                    model: "large".to_owned(),
                    region,
                    self_hosted,
                })
            });
            Asked {
                operation: Operation::Chat,
                model: "m".to_owned(),
                stream,
                tools,
                images: false,
                data_class,
                place,
                address: Some(arrived.address),
                moment: Some(policy::Moment::of(arrived.at)),
                posture: Posture::Production,
                policies: "".into(),
                shadow: None,
            }
        },
    )
}

/// As the gate asks: with what the set may read, and no more.
fn as_the_gate_asks(engine: &Engine, whole: &Asked) -> Asked {
    let reads = engine.reads();
    Asked {
        address: whole.address.filter(|_| reads.address),
        moment: whole.moment.filter(|_| reads.time),
        policies: engine.fingerprint().into(),
        ..whole.clone()
    }
}

fn remembered(entry: &KeyEntry, engine: &Engine, whole: &Asked) -> Arc<policy::Decision> {
    let known = as_the_gate_asks(engine, whole);
    entry.decision(known, |asked| engine.decide(&question(entry, asked)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of two sets in turn, as when one is activated: what one has answered is never the other's answer.
    #[test]
    fn anp_0002_whatever_the_policies_what_is_remembered_is_what_would_be_answered(
        first in proptest::sample::subsequence((0..POLICIES.len()).collect::<Vec<_>>(), 0..3),
        second in proptest::sample::subsequence((0..POLICIES.len()).collect::<Vec<_>>(), 0..3),
        questions in proptest::collection::vec((any::<bool>(), asked()), 1..40),
    ) {
        let (entry, engines) = (entry(), [engine(&first), engine(&second)]);
        for (which, whole) in &questions {
            let engine = &engines[usize::from(*which)];
            let fresh = engine.decide(&question(&entry, whole));
            prop_assert_eq!(&*remembered(&entry, engine, whole), &fresh);
        }
    }

    /// Where nobody asks about targets, every target would have been permitted.
    #[test]
    fn anp_0017_what_is_not_asked_about_is_permitted(
        chosen in proptest::sample::subsequence((0..POLICIES.len()).collect::<Vec<_>>(), 0..3),
        whole in asked(),
    ) {
        let (entry, engine) = (entry(), engine(&chosen));
        let asks_of_a_target = whole.place.is_some();
        prop_assert!(
            !asks_of_a_target || engine.asks_targets() || engine.decide(&question(&entry, &whole)).permit
        );
    }
}
