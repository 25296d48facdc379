//! What is kept of a text, and what is not.

use apps::{LABELS_MAX, SAMPLE_BYTES_MAX, Sample, sha256};
use serde_json::json;

fn places(sample: &serde_json::Value) -> Vec<String> {
    let sample: Sample = serde_json::from_value(sample.clone()).unwrap();
    match sample.normal() {
        Err((place, _)) => vec![place],
        Ok(sample) => sample.problems().into_iter().map(|(place, _)| place).collect(),
    }
}

#[test]
fn anp_0021_anp_0011_a_sample_is_whole_normal_bounded_and_what_it_says_it_is() {
    let id = format!("tnt_{}", "0123456789abcdef".repeat(2));
    for (sample, expected) in [
        (json!({"text": "We are kind.\r\n\tAlways."}), vec![]),
        (json!({"text": "x".repeat(SAMPLE_BYTES_MAX)}), vec![]),
        (json!({"text": "x".repeat(SAMPLE_BYTES_MAX + 1)}), vec!["text"]),
        (json!({"text": " \n"}), vec!["text"]),
        (json!({"text": "a\u{0}b"}), vec!["text"]),
        (json!({"text": "a\u{1b}[31m"}), vec!["text"]),
        (json!({"text": "a\u{202e}b"}), vec!["text"]),
        (json!({"text": "a\u{e0041}b"}), vec!["text"]),
        (json!({"text": format!("see {id}.")}), vec!["text"]),
        (
            json!({"text": "{\"a\": [1]}", "media": "application/json"}),
            vec![],
        ),
        (
            json!({"text": "{\"a\": [1}", "media": "application/json"}),
            vec!["text"],
        ),
        (
            json!({"text": format!("{}{}", "[".repeat(100), "]".repeat(100)), "media": "application/json"}),
            vec!["text"],
        ),
        (
            json!({"text": "{\"a\": \"x\"}", "media": "application/json",
                   "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}),
            vec!["text"],
        ),
        (
            json!({"text": "{\"a\": 3}", "media": "application/json",
                   "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}),
            vec![],
        ),
        (json!({"text": "a", "schema": {}}), vec!["schema"]),
        (
            json!({"text": "a", "labels": ["tone", "Not So"]}),
            vec!["labels[1]"],
        ),
        (
            json!({"text": "a", "labels": vec!["a"; LABELS_MAX + 1]}),
            vec!["labels"],
        ),
    ] {
        assert_eq!(places(&sample), expected, "{sample}");
    }
    for wrong in [
        json!({"text": "a", "media": "text/html"}),
        json!({"text": "a", "owner": "b"}),
        json!({}),
    ] {
        assert!(
            serde_json::from_value::<Sample>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_sample_is_kept_in_one_form_whatever_way_it_was_typed() {
    let typed = |text: &str| {
        let sample: Sample = serde_json::from_value(json!({ "text": text })).unwrap();
        sha256(sample.normal().unwrap().text.as_bytes())
    };
    assert_eq!(typed("cafe\u{301}"), typed("caf\u{e9}"));
    assert_ne!(typed("cafe"), typed("caf\u{e9}"));
}
