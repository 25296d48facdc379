//! What is said of a body without its text: how many messages of which role, why the model stopped. Only words that are
//! known are told; any other may be a text in disguise.

use std::collections::BTreeMap;

use serde_json::Value;

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];
const FINISHES: [&str; 11] = [
    "stop",
    "length",
    "tool_calls",
    "function_call",
    "content_filter",
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
];
const OTHER: &str = "other";

fn known(words: &[&'static str], word: &str) -> &'static str {
    let found = words.iter().find(|known| **known == word);
    found.copied().unwrap_or(OTHER)
}

/// How many messages of each role; a prompt or input without any counts as `input`.
pub fn messages(body: &Value) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut count = |word: &str, more: u64| *counts.entry(word.to_owned()).or_default() += more;
    for message in body
        .get("messages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let role = message.get("role").and_then(Value::as_str);
        count(role.map_or(OTHER, |role| known(&ROLES, role)), 1);
    }
    if body.get("messages").is_some() && body.get("system").is_some_and(|system| !system.is_null()) {
        count("system", 1);
    }
    for member in ["prompt", "input"] {
        match body.get(member) {
            Some(Value::Array(all)) if all.iter().all(|one| !one.is_number()) => {
                count("input", all.len() as u64);
            }
            Some(Value::String(_) | Value::Array(_)) => count("input", 1),
            _ => {}
        }
    }
    counts
}

/// Why the model stopped, by an answer or one event of it.
pub fn finish(body: &Value) -> Option<String> {
    let choices = body.get("choices").and_then(Value::as_array);
    let of_choice = choices
        .into_iter()
        .flatten()
        .find_map(|choice| choice.get("finish_reason")?.as_str());
    let of_message = || body.get("stop_reason").and_then(Value::as_str);
    let of_delta = || body.pointer("/delta/stop_reason").and_then(Value::as_str);
    let word = of_choice.or_else(of_message).or_else(of_delta)?;
    Some(known(&FINISHES, word).to_owned())
}
