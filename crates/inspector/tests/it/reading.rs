//! Answers by property: whatever they hold, what is taken from them lies in its text.

use domain::TenantId;
use inspector::{Kind, Own, judged};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::{asking, cases, presidio, user};

/// A number that may be anything a server could write.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0u64..30).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|it| json!(it)),
        Just(Value::Null),
        Just(json!("3")),
    ]
}

proptest! {
    #[test]
    fn anp_0019_no_bytes_upset_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,20}") {
        for case in cases() {
            let _ = case.kind.read("conn", &[user(&text)], &bytes);
        }
    }

    #[test]
    fn anp_0019_places_are_code_points_of_the_text_or_nothing_is_taken(
        text in any::<String>(), start in number(), end in number(), score in number(),
    ) {
        let said = json!([{"entity_type": "PERSON", "start": start, "end": end, "score": score}]).to_string();
        let own = json!({"findings": [
            {"text": 0, "rule": "r", "kind": "personal", "start": start, "end": end, "score": score}
        ]}).to_string();
        let chars = text.chars().count() as u64;
        let place = start.as_u64().zip(end.as_u64()).filter(|(start, end)| start < end && *end <= chars);
        let sure = score.as_f64().filter(|it| (0.0..=1.0).contains(it));
        for (kind, answer, least, sure) in [
            (presidio(), said, 40.0, sure),
            (Kind::Own(Own { score_min: 0 }), own, 0.0, if score.is_null() { Some(1.0) } else { sure }),
        ] {
            let read = kind.read("conn", &[user(&text)], answer.as_bytes());
            let is_whole = matches!(kind, Kind::Own(_)) && start.is_null() && end.is_null();
            let (Some(sure), true) = (sure, place.is_some() || is_whole) else {
                prop_assert!(read.is_err(), "{:?}", read);
                continue;
            };
            let findings = read.unwrap().findings.remove(0);
            prop_assert_eq!(findings.len(), usize::from((sure * 100.0).round() >= least));
            for finding in findings {
                let expected = match place {
                    Some((start, end)) => text.chars().skip(start as usize).take((end - start) as usize).collect(),
                    None => text.clone(),
                };
                prop_assert_eq!(&text[finding.span], expected);
            }
        }
    }

    #[test]
    fn a_judge_that_says_more_says_nothing(before in "\\PC{0,12}", after in "\\PC{1,12}") {
        let said = format!("{before}safe{after}");
        if said.trim() != "safe" {
            prop_assert!(judged(&said).is_err(), "{}", said);
        }
    }

    #[test]
    fn what_is_written_is_json_that_holds_each_text(texts in prop::collection::vec("\\PC{1,12}", 1..5)) {
        let shown: Vec<_> = texts.iter().map(|text| user(text)).collect();
        let question = asking(TenantId::generate(), &shown);
        for case in cases() {
            let all = if matches!(case.kind, Kind::Presidio(_)) { &shown[..1] } else { &shown[..] };
            let body: Value = serde_json::from_str(&case.kind.write(&question, all).unwrap()).unwrap();
            let mut strings = Vec::new();
            gather(&body, &mut strings);
            for text in all {
                prop_assert!(strings.iter().any(|held| held.contains(text.text)), "{}", body);
            }
        }
    }
}

fn gather(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| gather(one, into)),
        Value::Object(all) => all.values().for_each(|one| gather(one, into)),
        _ => {}
    }
}
