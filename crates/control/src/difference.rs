//! What differs between two documents, member by member, for people to read. Pure: two values in, differences out.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A member that is not the same in both.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Where it stands: `profiles[strict].guards.personal.input`. What has a name stands under it, the rest of a list under its
    /// number from 0.
    pub place: String,
    /// As it was; left out of what was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// As it is; left out of what is not there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// All that differs, in the order of places. None where both say the same.
pub fn between(before: &Value, after: &Value) -> Vec<Difference> {
    let mut all = Vec::new();
    walk(String::new(), (Some(before), Some(after)), &mut all);
    all
}

fn walk(place: String, both: (Option<&Value>, Option<&Value>), all: &mut Vec<Difference>) {
    match both {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let members: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for member in members {
                let within = match place.is_empty() {
                    true => member.clone(),
                    false => format!("{place}.{member}"),
                };
                walk(within, (before.get(member), after.get(member)), all);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => match (named(before), named(after)) {
            (Some(before), Some(after)) => {
                let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
                for name in names {
                    let both = (before.get(name).copied(), after.get(name).copied());
                    walk(format!("{place}[{name}]"), both, all);
                }
            }
            _ => unnamed(&place, (before, after), all),
        },
        (before, after) => all.push(Difference {
            place,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// A list of things that each have a name of their own. In another order they say the same.
fn named(list: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let by_name = list
        .iter()
        .filter_map(|value| Some((value.get("name")?.as_str()?, value)));
    let by_name: BTreeMap<&str, &Value> = by_name.collect();
    (by_name.len() == list.len()).then_some(by_name)
}

/// What stands in both is the same; as many tables or lists on either side were changed, one after the other.
fn unnamed(place: &str, (before, after): (&[Value], &[Value]), all: &mut Vec<Difference>) {
    let gone: Vec<_> = (before.iter().enumerate())
        .filter(|(_, value)| !after.contains(value))
        .collect();
    let come: Vec<_> = (after.iter().enumerate())
        .filter(|(_, value)| !before.contains(value))
        .collect();
    let have_members = gone
        .iter()
        .chain(&come)
        .all(|(_, value)| value.is_object() || value.is_array());
    if gone.is_empty() && come.is_empty() {
        // Another order, or the same more often.
        return all.push(Difference {
            place: place.to_owned(),
            before: Some(before.to_vec().into()),
            after: Some(after.to_vec().into()),
        });
    }
    if have_members && gone.len() == come.len() {
        for ((_, before), (at, after)) in gone.into_iter().zip(come) {
            walk(format!("{place}[{at}]"), (Some(before), Some(after)), all);
        }
        return;
    }
    for (at, value) in gone {
        walk(format!("{place}[{at}]"), (Some(value), None), all);
    }
    for (at, value) in come {
        walk(format!("{place}[{at}]"), (None, Some(value)), all);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn said(before: &Value, after: &Value) -> Vec<String> {
        let show = |value: Option<Value>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        between(before, after)
            .into_iter()
            .map(|one| format!("{}: {} > {}", one.place, show(one.before), show(one.after)))
            .collect()
    }

    #[test]
    fn what_has_a_name_is_followed_by_it_and_what_has_none_by_its_place() {
        let before = json!({"profiles": [
            {"name": "strict", "guards": {"personal": {"input": "redact", "kinds": ["email", "iban"]}}},
            {"name": "old"}],
            "consents": [{"by": "ann", "on": "2026-01-01"}, {"by": "bob"}]});
        let after = json!({"profiles": [
            {"name": "new", "shadow": true},
            {"name": "strict", "guards": {"personal": {"input": "block", "kinds": ["email", "phone"]}}}],
            "consents": [{"by": "bob"}, {"by": "ann", "on": "2026-01-01", "withdrawn": "2026-05-01"}]});
        assert_eq!(
            said(&before, &after),
            [
                "consents[1].withdrawn: - > \"2026-05-01\"",
                "profiles[new]: - > {\"name\":\"new\",\"shadow\":true}",
                "profiles[old]: {\"name\":\"old\"} > -",
                "profiles[strict].guards.personal.input: \"redact\" > \"block\"",
                "profiles[strict].guards.personal.kinds[1]: \"iban\" > -",
                "profiles[strict].guards.personal.kinds[1]: - > \"phone\"",
            ]
        );
        assert_eq!(
            said(&json!({"a": [1, 2]}), &json!({"a": [2, 1]})),
            ["a: [1,2] > [2,1]"]
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            (0..3_i32).prop_map(|n| json!(n)),
            "[ab]".prop_map(|s| json!(s))
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            let members = proptest::collection::btree_map("[abn]|name", inner.clone(), 0..3);
            prop_oneof![
                proptest::collection::vec(inner, 0..3).prop_map(Value::Array),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same but for the order of what has names.
    fn likened(value: &Value) -> Value {
        match value {
            Value::Array(list) => {
                let mut list: Vec<Value> = list.iter().map(likened).collect();
                if named(&list).is_some() {
                    list.sort_by_key(|one| one.get("name").map(ToString::to_string));
                }
                Value::Array(list)
            }
            Value::Object(members) => members
                .iter()
                .map(|(name, one)| (name.clone(), likened(one)))
                .collect(),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn whatever_differs_is_told_and_told_alike_both_ways(a in value(), b in value()) {
            prop_assert_eq!(between(&a, &a), vec![]);
            prop_assert!(!between(&a, &b).is_empty() || likened(&a) == likened(&b), "{} {}", a, b);
            let back: Vec<_> = between(&b, &a).into_iter().map(|one| (one.after, one.before)).collect();
            for one in between(&a, &b) {
                prop_assert!(back.contains(&(one.before, one.after)));
            }
        }
    }
}
