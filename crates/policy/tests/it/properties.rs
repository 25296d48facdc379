//! What must hold for any key, any question and any set of policies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use credential::{KeyRecord, ModelAccess};
use domain::{Operation, TenantId};
use policy::{Engine, Moment, Question};
use proptest::prelude::*;

use crate::asking::{ACME, GLOBEX, principal, question, record};

const NAMES: [&str; 4] = ["small", "large", "", "*"];
const OPERATIONS: [Operation; 5] = [
    Operation::Chat,
    Operation::TextCompletion,
    Operation::Embeddings,
    Operation::CountTokens,
    Operation::ListModels,
];

/// A question without its borrowed parts.
#[derive(Debug, Clone)]
struct Asked {
    key: KeyRecord,
    operation: Operation,
    model: Option<&'static str>,
    owner: TenantId,
    flags: [bool; 3],
    local: Option<bool>,
}

fn models() -> impl Strategy<Value = ModelAccess> {
    let listed = proptest::collection::vec(proptest::sample::select(&NAMES[..]), 0..3);
    prop_oneof![
        Just(ModelAccess::None),
        Just(ModelAccess::All),
        listed.prop_map(|names| ModelAccess::Some(names.into_iter().map(str::to_owned).collect())),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let key = (
        models(),
        proptest::sample::subsequence(OPERATIONS.to_vec(), 0..=5),
    );
    let model = proptest::option::weighted(0.8, proptest::sample::select(&NAMES[..]));
    let owner = prop_oneof![3 => Just(ACME), 1 => Just(GLOBEX)];
    (
        key,
        proptest::sample::select(&OPERATIONS[..]),
        model,
        owner,
        any::<[bool; 3]>(),
        any::<Option<bool>>(),
    )
        .prop_map(|((models, operations), operation, model, owner, flags, local)| {
            let key = record(models, &operations);
            Asked {
                key,
                operation,
                model,
                owner,
                flags,
                local,
            }
        })
}

/// Conditions any of which may stand in a policy; the last fails for calls with tools.
const CONDITIONS: [&str; 7] = [
    "true",
    "context.stream",
    "principal.all_models",
    "context has source_ip && context.source_ip.isLoopback()",
    "context.utc_minute < 540 || context.utc_weekday > 5",
    "resource is Model && resource.name == \"small\"",
    "9223372036854775807 + (if context.tools then 1 else 0) > 0",
];

fn policies(effect: &'static str) -> impl Strategy<Value = Vec<String>> {
    let one = proptest::sample::select(&CONDITIONS[..]).prop_map(move |condition| {
        format!("{effect} (principal, action, resource) when {{ {condition} }};\n")
    });
    proptest::collection::vec(one, 0..=1)
}

fn permits(engine: &Engine, asked: &Asked) -> bool {
    permits_at(engine, asked, Moment::ANY)
}

fn permits_at(engine: &Engine, asked: &Asked, moment: Moment) -> bool {
    let principal = principal(&asked.key);
    let address = asked
        .local
        .map(|local| if local { "127.0.0.1" } else { "192.0.2.1" }.parse().unwrap());
    let [stream, tools, images] = asked.flags;
    let question = Question {
        operation: asked.operation,
        model: asked.model,
        owner: asked.owner,
        stream,
        tools,
        images,
        address,
        moment,
        ..question(&principal, &asked.key)
    };
    engine.decide(&question).permit
}

/// Few sets, many questions: each set is made once.
fn engine(policies: &[String], defaults: bool) -> Arc<Engine> {
    static MADE: Mutex<BTreeMap<(String, bool), Arc<Engine>>> = Mutex::new(BTreeMap::new());
    let text = policies.concat();
    let mut made = MADE.lock().unwrap();
    let engine = made
        .entry((text.clone(), defaults))
        .or_insert_with(|| Arc::new(Engine::new(&[("own.cedar", &text)], defaults).unwrap()));
    Arc::clone(engine)
}

/// What the defaults must answer, said a second time in plain Rust.
fn allowed_by_lists(asked: &Asked) -> bool {
    let listed = match (&asked.key.models, asked.model) {
        (_, None) => asked.operation == Operation::ListModels,
        (ModelAccess::None, _) => false,
        (ModelAccess::All, _) => true,
        (ModelAccess::Some(names), Some(model)) => names.iter().any(|name| name == model),
    };
    listed && asked.key.operations.contains(&asked.operation) && asked.owner == asked.key.tenant
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn ctx_t1_what_nothing_permits_is_denied(asked in asked(), forbids in policies("forbid")) {
        prop_assert!(!permits(&engine(&forbids, false), &asked));
    }

    #[test]
    fn agp_e1_no_set_of_policies_opens_another_tenant(asked in asked(), permits_too in policies("permit")) {
        let foreign = Asked { owner: GLOBEX, ..asked };
        prop_assert!(!permits(&engine(&permits_too, true), &foreign));
    }

    #[test]
    fn anp_0002_a_forbid_never_widens(asked in asked(), base in policies("permit"), more in policies("forbid")) {
        let all = [base.clone(), more].concat();
        prop_assert!(permits(&engine(&base, true), &asked) || !permits(&engine(&all, true), &asked));
    }

    #[test]
    fn anp_0002_a_forbid_of_everything_leaves_nothing(asked in asked(), base in policies("permit")) {
        let all = [base, vec!["forbid (principal, action, resource);".to_owned()]].concat();
        prop_assert!(!permits(&engine(&all, true), &asked));
    }

    #[test]
    fn anp_0002_the_defaults_permit_exactly_what_the_lists_allow(asked in asked()) {
        prop_assert_eq!(permits(&engine(&[], true), &asked), allowed_by_lists(&asked));
    }

    #[test]
    fn an_answer_that_does_not_read_the_address_is_the_same_from_everywhere(
        asked in asked(), first in policies("permit"), second in policies("forbid"),
    ) {
        let engine = engine(&[first, second].concat(), true);
        let elsewhere = Asked { local: asked.local.map_or(Some(true), |_| None), ..asked.clone() };
        prop_assert!(engine.reads().address || permits(&engine, &asked) == permits(&engine, &elsewhere));
    }

    #[test]
    fn an_answer_that_does_not_read_the_time_is_the_same_at_all_times(
        asked in asked(), first in policies("permit"), second in policies("forbid"),
        weekday in 1_i64..=7, minute in 0_i64..1440,
    ) {
        let engine = engine(&[first, second].concat(), true);
        let then = permits_at(&engine, &asked, Moment { weekday, minute });
        prop_assert!(engine.reads().time || permits(&engine, &asked) == then);
    }
}
