//! What is left out of requests, and that nothing else is.

use dialect::{Endpoint, Minimise, minimise_request};
use proptest::prelude::*;
use serde_json::{Value, json};

fn left(endpoint: Endpoint, body: &str, drop: &[&str], messages_max: Option<usize>) -> Option<String> {
    let minimise = Minimise { drop, messages_max };
    let left = minimise_request(endpoint, body.as_bytes(), &minimise).unwrap();
    left.map(|left| String::from_utf8(left).unwrap())
}

#[test]
fn anp_0020_members_go_however_they_are_written_and_every_other_byte_stays() {
    let body = r#" {"model" : "m", "us\u0065r":"ada", "messages":[ {"role":"user","content":"\u00e9  user"} ],"n": 1.0e0 , "metadata":{"user":"x"}} "#;
    let expected = r#"{"model" : "m","messages":[ {"role":"user","content":"\u00e9  user"} ],"n": 1.0e0}"#;
    let got = left(Endpoint::ChatCompletions, body, &["user", "metadata"], None);
    assert_eq!(got.as_deref(), Some(expected));
    assert_eq!(left(Endpoint::ChatCompletions, body, &["store"], Some(1)), None);
    assert_eq!(
        left(
            Endpoint::Embeddings,
            r#"{"input":"a","user":"x"}"#,
            &["user"],
            Some(1)
        )
        .as_deref(),
        Some(r#"{"input":"a"}"#)
    );
    for broken in ["{\"a\":", "[]", "{\"messages\":[{]}"] {
        let minimise = Minimise {
            drop: &["user"],
            messages_max: Some(1),
        };
        assert!(
            minimise_request(Endpoint::Messages, broken.as_bytes(), &minimise).is_err(),
            "{broken}"
        );
    }
}

#[test]
fn anp_0020_a_conversation_keeps_its_last_turns_whole() {
    let say = |role: &str, text: &str| json!({"role": role, "content": text});
    let call = json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "c", "content": "4"});
    let all = [
        say("system", "s"),
        say("user", "1"),
        say("assistant", "2"),
        say("developer", "d"),
        say("user", "3"),
        call.clone(),
        result.clone(),
        say("assistant", "5"),
    ];
    let kept = |max: usize| {
        let body = json!({"model": "m", "messages": all}).to_string();
        let left = left(Endpoint::ChatCompletions, &body, &[], Some(max))?;
        let left: Value = serde_json::from_str(&left).unwrap();
        Some(left["messages"].as_array().unwrap().clone())
    };
    let [s, d] = [&all[0], &all[3]].map(Clone::clone);
    let turn = [s, d, say("user", "3"), call, result, say("assistant", "5")].to_vec();
    assert_eq!(kept(6), None);
    assert_eq!(kept(5), Some(turn.clone()));
    // No turn of the user's among the last ones: they stay from the one before on.
    for max in 1..=4 {
        assert_eq!(kept(max), Some(turn.clone()), "{max}");
    }
    // Anthropic's results of tools are said by the user, and begin nothing.
    let results =
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "4"}]});
    let body = json!({"messages": [say("user", "1"), say("assistant", "2"), say("user", "3"), say("assistant", "4"), results]});
    let got: Value =
        serde_json::from_str(&left(Endpoint::Messages, &body.to_string(), &[], Some(1)).unwrap()).unwrap();
    assert_eq!(got["messages"].as_array().unwrap().len(), 3, "{got}");
    assert_eq!(got["messages"][0]["content"], "3");
}

proptest! {
    /// What is left reads, has none of what was to go, all of the rest, and of messages an end that begins with a user.
    #[test]
    fn anp_0020_what_is_left_is_what_was_there_without_what_was_to_go(
        names in prop::collection::vec(prop::sample::select(vec!["user", "metadata", "n", "a\"b", "x"]), 0..5),
        roles in prop::collection::vec(prop::sample::select(vec!["user", "assistant", "system", "tool"]), 0..8),
        max in 1_usize..5,
    ) {
        let mut body = serde_json::Map::new();
        for (at, name) in names.iter().enumerate() {
            body.insert((*name).to_owned(), json!(at));
        }
        let messages: Vec<Value> = roles.iter().enumerate().map(|(at, role)| json!({"role": role, "content": at.to_string()})).collect();
        body.insert("messages".to_owned(), json!(messages));
        let text = Value::Object(body.clone()).to_string();
        let got = left(Endpoint::ChatCompletions, &text, &["user", "metadata"], Some(max)).unwrap_or(text);
        let got: Value = serde_json::from_str(&got).unwrap();
        for (name, value) in &body {
            let expected = (!["user", "metadata"].contains(&name.as_str())).then_some(value);
            if name != "messages" {
                prop_assert_eq!(got.get(name), expected);
            }
        }
        let kept = got["messages"].as_array().unwrap();
        let spoken: Vec<&Value> = kept.iter().filter(|one| one["role"] != "system").collect();
        let before = messages.iter().filter(|one| one["role"] != "system");
        let tail: Vec<&Value> = before.clone().skip(before.count() - spoken.len()).collect();
        prop_assert_eq!(&spoken, &tail, "an end of what was said");
        prop_assert!(kept.len() == messages.len() || spoken[0]["role"] == "user");
        let systems = |all: &[Value]| all.iter().filter(|one| one["role"] == "system").count();
        prop_assert_eq!(systems(kept), systems(&messages));
    }
}
