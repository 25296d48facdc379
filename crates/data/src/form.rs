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
        Dialect::OpenAi => list("choices").iter().filter_map(openai).collect(),
        Dialect::Anthropic => texts(list("content")).into_iter().collect(),
    }
}

/// The texts among parts; none where there is no such part.
fn texts(parts: &[Value]) -> Option<Vec<&str>> {
    let is_text = |part: &&Value| part.get("type").is_some_and(|kind| kind == "text");
    let texts = parts.iter().filter(is_text);
    let texts: Vec<_> = texts.filter_map(|part| part.get("text")?.as_str()).collect();
    (!texts.is_empty()).then_some(texts)
}

/// A choice without text, a call of a tool alone, has no form. Some engines give content in parts.
fn openai(choice: &Value) -> Option<Vec<&str>> {
    let places = [choice.pointer("/message/content"), choice.get("text")];
    places.into_iter().flatten().find_map(|content| match content {
        Value::String(text) => Some(vec![text.as_str()]),
        Value::Array(parts) => texts(parts),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn anp_0023_content_in_parts_has_a_form_too() {
        let of = |content: Value| {
            let body = json!({"choices": [{"message": {"content": content}}]});
            let answers = answers(Dialect::OpenAi, &body).into_iter();
            answers.map(|texts| texts.concat()).collect::<Vec<_>>()
        };
        let part = |text: &str| json!({"type": "text", "text": text});
        assert_eq!(of(json!("{}")), ["{}"]);
        let thinking = json!({"type": "thinking", "thinking": [part("hm")]});
        assert_eq!(of(json!([thinking, part("{"), part("}")])), ["{}"]);
        assert_eq!(of(json!(null)), [""; 0]);
        let body = json!({"content": [part("a"), {"type": "tool_use"}, part("b")]});
        assert_eq!(answers(Dialect::Anthropic, &body), [["a", "b"]]);
    }
}
