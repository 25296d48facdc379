//! The usual answers in OpenAI's dialect.

use base64::Engine;
use serde_json::{Value, json};

use super::{UsualWords, halves};
use crate::provider::reply::Reply;

const CREATED: u64 = 1_760_000_000;

pub(super) fn chat(body: &Value, words: &UsualWords, strict_usage: bool) -> Reply {
    if body["stream"] == true {
        return chat_stream(body, words, strict_usage);
    }
    let mut message = json!({"role": "assistant", "content": words.text, "refusal": null});
    if !words.tools.is_empty() {
        message["content"] = Value::Null;
        message["tool_calls"] = words
            .tools
            .iter()
            .enumerate()
            .map(|(at, call)| tool_call(at, call))
            .collect();
    }
    let mut answer = json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": CREATED, "model": model(body),
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(words)}],
        "system_fingerprint": "fp_scripted",
    });
    put_usage(&mut answer, words);
    Reply::json(200, &answer)
}

pub(super) fn completion(body: &Value, words: &UsualWords, strict_usage: bool) -> Reply {
    let shape = |text: &str, finish: Value| {
        json!({"id": "cmpl-scripted", "object": "text_completion", "created": CREATED, "model": model(body),
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]})
    };
    if body["stream"] != true {
        let mut answer = shape(&words.text, json!("stop"));
        put_usage(&mut answer, words);
        return Reply::json(200, &answer);
    }
    let mut events: Vec<Value> = words.pieces().map(|piece| shape(piece, Value::Null)).collect();
    events.push(shape("", json!("stop")));
    events.extend(usage_event(body, words, strict_usage, shape("", Value::Null)));
    stream(events, words)
}

pub(super) fn embeddings(body: &Value, words: &UsualWords) -> Reply {
    let count = match &body["input"] {
        Value::Array(items) if !items.first().is_some_and(Value::is_number) => items.len(),
        _ => 1,
    };
    let data: Value = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": vector(body)}))
        .collect();
    let mut answer = json!({"object": "list", "data": data, "model": model(body)});
    if let Some((input, _)) = words.usage {
        answer["usage"] = json!({"prompt_tokens": input, "total_tokens": input});
    }
    Reply::json(200, &answer)
}

pub(super) fn models() -> Reply {
    let data: Value = ["scripted-small", "scripted-large"]
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "testkit"}))
        .collect();
    Reply::json(200, &json!({"object": "list", "data": data}))
}

pub(super) fn error_type(status: u16) -> &'static str {
    match status {
        401 | 403 => "authentication_error",
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        _ => "server_error",
    }
}

fn chat_stream(body: &Value, words: &UsualWords, strict_usage: bool) -> Reply {
    let delta = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": CREATED,
            "model": model(body), "system_fingerprint": "fp_scripted",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    if words.tools.is_empty() {
        events.extend(
            words
                .pieces()
                .map(|piece| delta(json!({"content": piece}), Value::Null)),
        );
    }
    for (at, call) in words.tools.iter().enumerate() {
        let mut first = tool_call(at, call);
        first["index"] = at.into();
        first["function"]["arguments"] = json!("");
        events.push(delta(json!({"tool_calls": [first]}), Value::Null));
        let (left, right) = halves(&call.1);
        for part in [left, right] {
            let part = json!({"index": at, "function": {"arguments": part}});
            events.push(delta(json!({"tool_calls": [part]}), Value::Null));
        }
    }
    events.push(delta(json!({}), json!(finish(words))));
    events.extend(usage_event(
        body,
        words,
        strict_usage,
        delta(json!({}), Value::Null),
    ));
    stream(events, words)
}

fn usage_event(body: &Value, words: &UsualWords, strict_usage: bool, mut shape: Value) -> Option<Value> {
    let asked = body["stream_options"]["include_usage"] == true;
    if words.usage.is_none() || (strict_usage && !asked) {
        return None;
    }
    shape["choices"] = json!([]);
    put_usage(&mut shape, words);
    Some(shape)
}

fn stream(events: Vec<Value>, words: &UsualWords) -> Reply {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    let every_ms = words.every_ms;
    Reply::sse(
        events
            .chain(["data: [DONE]\n\n".to_owned()])
            .map(|event| (every_ms, event))
            .collect::<Vec<_>>(),
    )
}

fn put_usage(answer: &mut Value, words: &UsualWords) {
    if let Some((input, output)) = words.usage {
        answer["usage"] = json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_tokens_details": {"cached_tokens": words.cached},
            "completion_tokens_details": {"reasoning_tokens": 0},
        });
    }
}

fn tool_call(at: usize, (name, arguments): &(String, String)) -> Value {
    json!({"id": format!("call_scripted_{at}"), "type": "function",
        "function": {"name": name, "arguments": arguments}})
}

fn finish(words: &UsualWords) -> &'static str {
    if words.tools.is_empty() {
        "stop"
    } else {
        "tool_calls"
    }
}

fn model(body: &Value) -> &str {
    body["model"].as_str().unwrap_or("scripted-small")
}

/// Eight numbers, as floats or, as the official clients ask by default, as base64.
fn vector(body: &Value) -> Value {
    let numbers: [f32; 8] = [0.5, -0.5, 0.25, -0.25, 0.125, -0.125, 0.0, 1.0];
    if body["encoding_format"] == "base64" {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        return base64::engine::general_purpose::STANDARD.encode(bytes).into();
    }
    json!(numbers)
}
