//! The form of whole answers: their main text, choice by choice, through what profiles ask of it. Thoughts and calls of tools
//! are none of it. Live answers are followed in [`crate::watch`].

use dialect::Dialect;
use domain::UnixMillis;
use guard::{Explained, Plan};
use serde_json::Value;

/// What the answers of this body lack; nothing where no profile asks for a form.
// threat: ANP-0023
pub fn judged(plan: &Plan, dialect: Dialect, body: &Value, now: UnixMillis) -> Vec<Explained> {
    let mut found = Vec::new();
    for answer in answers(dialect, body) {
        let Some(mut form) = plan.form() else { break };
        for text in answer {
            form.push(plan, text, now, &mut found);
        }
        form.finish(plan, now, &mut found);
    }
    found
}

/// The texts of each answer.
fn answers(dialect: Dialect, body: &Value) -> Vec<Vec<&str>> {
    let list = |name: &str| {
        body.get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    match dialect {
        Dialect::OpenAi => list("choices")
            .iter()
            .filter_map(openai)
            .map(|text| vec![text])
            .collect(),
        Dialect::Anthropic => {
            let is_text = |block: &&Value| block.get("type").is_some_and(|kind| kind == "text");
            let blocks = list("content").iter().filter(is_text);
            let texts: Vec<_> = blocks.filter_map(|block| block.get("text")?.as_str()).collect();
            if texts.is_empty() { Vec::new() } else { vec![texts] }
        }
    }
}

/// A choice without text, a call of a tool alone, has no form.
fn openai(choice: &Value) -> Option<&str> {
    let places = [choice.pointer("/message/content"), choice.get("text")];
    places.into_iter().flatten().find_map(Value::as_str)
}
