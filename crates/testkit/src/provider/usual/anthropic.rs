//! The usual answers in Anthropic's dialect.

use serde_json::{Value, json};

use super::{UsualWords, halves};
use crate::provider::reply::Reply;

pub(super) fn message(body: &Value, words: &UsualWords) -> Reply {
    if body["stream"] == true {
        return message_stream(body, words);
    }
    let content: Value = match words.tools.is_empty() {
        true => json!([{"type": "text", "text": words.text}]),
        false => words
            .tools
            .iter()
            .enumerate()
            .map(|(at, call)| tool_use(at, call))
            .collect(),
    };
    let mut answer = shape(body, content, json!(stop_reason(words)));
    if let Some((input, output)) = words.usage {
        answer["usage"] = usage(input, output, words);
    }
    Reply::json(200, &answer)
}

pub(super) fn models() -> Reply {
    let data: Value = ["scripted-small", "scripted-large"]
        .iter()
        .map(
            |id| json!({"type": "model", "id": id, "display_name": id, "created_at": "2025-10-09T00:00:00Z"}),
        )
        .collect();
    let answer =
        json!({"data": data, "has_more": false, "first_id": "scripted-small", "last_id": "scripted-large"});
    Reply::json(200, &answer)
}

pub(super) fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    }
}

fn message_stream(body: &Value, words: &UsualWords) -> Reply {
    let mut start = shape(body, json!([]), Value::Null);
    if let Some((input, _)) = words.usage {
        start["usage"] = usage(input, 1, words);
    }
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "ping"}),
    ];
    match words.tools.is_empty() {
        true => text_block(&mut events, words),
        false => tool_blocks(&mut events, words),
    }
    let mut end =
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason(words), "stop_sequence": null}});
    if let Some((_, output)) = words.usage {
        end["usage"] = json!({"output_tokens": output});
    }
    events.extend([end, json!({"type": "message_stop"})]);
    let every_ms = words.every_ms;
    let named = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap_or_default();
        (every_ms, format!("event: {name}\ndata: {event}\n\n"))
    });
    Reply::sse(named.collect::<Vec<_>>())
}

fn text_block(events: &mut Vec<Value>, words: &UsualWords) {
    events.push(
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    );
    events.extend(words.pieces().map(|piece| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
    }));
    events.push(json!({"type": "content_block_stop", "index": 0}));
}

fn tool_blocks(events: &mut Vec<Value>, words: &UsualWords) {
    for (at, call) in words.tools.iter().enumerate() {
        let mut block = tool_use(at, call);
        block["input"] = json!({});
        events.push(json!({"type": "content_block_start", "index": at, "content_block": block}));
        let (left, right) = halves(&call.1);
        for part in [left, right] {
            let delta = json!({"type": "input_json_delta", "partial_json": part});
            events.push(json!({"type": "content_block_delta", "index": at, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": at}));
    }
}

fn shape(body: &Value, content: Value, stop_reason: Value) -> Value {
    let model = body["model"].as_str().unwrap_or("scripted-small");
    json!({"id": "msg_scripted", "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": stop_reason, "stop_sequence": null})
}

fn tool_use(at: usize, (name, arguments): &(String, String)) -> Value {
    let input: Value = serde_json::from_str(arguments).expect("tool arguments are JSON");
    json!({"type": "tool_use", "id": format!("toolu_scripted_{at}"), "name": name, "input": input})
}

fn usage(input: u64, output: u64, words: &UsualWords) -> Value {
    json!({"input_tokens": input, "output_tokens": output,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": words.cached})
}

fn stop_reason(words: &UsualWords) -> &'static str {
    if words.tools.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}
