//! What a well-behaved provider answers when a test scripts nothing.
//!
//! Correct in shape, constant in words: the same request always gets the same bytes.

mod anthropic;
mod openai;

use serde_json::{Value, json};

use super::reply::Reply;
use super::wire::Received;

/// What the usual answers say.
#[derive(Clone, Debug)]
pub struct UsualWords {
    /// The assistant's text; streamed word by word.
    pub text: String,
    /// Input and output tokens reported; `None` reports nothing.
    pub usage: Option<(u64, u64)>,
    /// How many of the input tokens are reported as read from a cache.
    pub cached: u64,
    /// Tool calls (name, JSON arguments) made instead of stopping.
    pub tools: Vec<(String, String)>,
    /// Milliseconds between two stream events.
    pub every_ms: u64,
}

impl Default for UsualWords {
    fn default() -> Self {
        Self {
            text: "Hello from the scripted provider.".to_owned(),
            usage: Some((11, 7)),
            cached: 0,
            tools: Vec::new(),
            every_ms: 0,
        }
    }
}

impl UsualWords {
    /// The text as pieces that concatenate to it.
    fn pieces(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }
}

/// The answer to this request. A model named `fail-<status>` fails with that status.
pub(crate) fn answer(request: &Received, words: &UsualWords, strict_usage: bool) -> Reply {
    let body = request.json();
    if let Some(status) = asked_failure(&body) {
        return error(request, status, "the model was asked to fail");
    }
    let words = with_forced_tool(words, &body);
    match (request.method.as_str(), request.path_only()) {
        ("POST", "/v1/chat/completions") => openai::chat(&body, &words, strict_usage),
        ("POST", "/v1/completions") => openai::completion(&body, &words, strict_usage),
        ("POST", "/v1/embeddings") => openai::embeddings(&body, &words),
        ("POST", "/v1/messages") => anthropic::message(&body, &words),
        ("POST", "/v1/messages/count_tokens") => {
            Reply::json(200, &json!({"input_tokens": words.usage.unwrap_or((11, 7)).0}))
        }
        ("GET", "/v1/models") if is_anthropic(request) => anthropic::models(),
        ("GET", "/v1/models") => openai::models(),
        ("GET" | "HEAD", "/health" | "/") => Reply::json(200, &json!({"status": "ok"})),
        _ => error(request, 404, "no such path"),
    }
}

/// An error in the dialect the request is in.
pub(crate) fn error(request: &Received, status: u16, message: &str) -> Reply {
    let value = match is_anthropic(request) {
        true => json!({"type": "error", "error": {"type": anthropic::error_type(status), "message": message},
            "request_id": "req_scripted"}),
        false => {
            json!({"error": {"message": message, "type": openai::error_type(status), "param": null, "code": null}})
        }
    };
    Reply::json(status, &value)
}

/// The 401 of a provider that was told to want another key.
pub(crate) fn wrong_key(request: &Received) -> Reply {
    error(request, 401, "incorrect api key provided")
}

fn is_anthropic(request: &Received) -> bool {
    request.path.starts_with("/v1/messages") || request.header("anthropic-version").is_some()
}

fn asked_failure(body: &Value) -> Option<u16> {
    body["model"].as_str()?.strip_prefix("fail-")?.parse().ok()
}

/// A forced tool choice is obeyed, as a real model would.
fn with_forced_tool(words: &UsualWords, body: &Value) -> UsualWords {
    let mut words = words.clone();
    let choice = &body["tool_choice"];
    let forced = choice == "required"
        || choice["type"] == "any"
        || choice["type"] == "tool"
        || choice["type"] == "function";
    if !forced || !words.tools.is_empty() {
        return words;
    }
    let first = &body["tools"][0];
    let asked = [
        &choice["name"],
        &choice["function"]["name"],
        &first["name"],
        &first["function"]["name"],
    ];
    if let Some(name) = asked.into_iter().find_map(Value::as_str) {
        words
            .tools
            .push((name.to_owned(), r#"{"city":"Paris"}"#.to_owned()));
    }
    words
}

/// Cuts JSON arguments into two pieces, neither of them valid JSON alone.
fn halves(arguments: &str) -> (&str, &str) {
    let middle = arguments
        .char_indices()
        .map(|(at, _)| at)
        .nth(arguments.chars().count() / 2)
        .unwrap_or(0);
    arguments.split_at(middle)
}
