//! Changing what the gate must change in a request that stays in its dialect.

use std::ops::Range;

use bytes::Bytes;

use super::Envelope;
use super::envelope::StreamOptions;
use crate::json::push_text;
use crate::splice::{Edit, splice};
use crate::{Dialect, DialectError, Endpoint};

/// What to change in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewrite<'a> {
    /// The upstream's name of the model.
    pub model: Option<&'a str>,
    /// The output's length to ask for, where the caller asked for none.
    pub max_output_tokens: Option<u64>,
    /// Makes sure that an OpenAI stream ends with its usage.
    pub include_usage: bool,
}

/// The request with what must change spliced in; every other byte stays. The very same bytes when
/// nothing changes.
pub fn rewrite_request(
    endpoint: Endpoint,
    body: &Bytes,
    envelope: &Envelope,
    rewrite: &Rewrite<'_>,
) -> Result<Bytes, DialectError> {
    if envelope.spans.body_bytes != body.len() {
        return Err(DialectError::Stale);
    }
    let edits: Vec<Edit> = [
        rewrite.model.and_then(|model| edit_model(envelope, model)),
        rewrite
            .max_output_tokens
            .and_then(|max| edit_max(endpoint, envelope, rewrite.model, max)),
        rewrite
            .include_usage
            .then(|| edit_usage(endpoint, envelope))
            .flatten(),
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(if edits.is_empty() {
        body.clone()
    } else {
        splice(body, edits).into()
    })
}

fn edit_model(envelope: &Envelope, model: &str) -> Option<Edit> {
    let mut with = Vec::with_capacity(model.len() + 2);
    push_text(&mut with, model);
    (envelope.model != model).then(|| Edit {
        span: envelope.spans.model.clone(),
        with,
    })
}

fn edit_max(endpoint: Endpoint, envelope: &Envelope, model: Option<&str>, max: u64) -> Option<Edit> {
    let speaks = matches!(
        endpoint,
        Endpoint::ChatCompletions | Endpoint::Completions | Endpoint::Messages
    );
    if !speaks || envelope.max_output_tokens.is_some() {
        return None;
    }
    if let Some(null) = &envelope.spans.max_tokens_null {
        return Some(Edit {
            span: null.clone(),
            with: max.to_string().into_bytes(),
        });
    }
    let field = match endpoint {
        Endpoint::ChatCompletions => output_limit_field(model.unwrap_or(&envelope.model)),
        _ => "max_tokens",
    };
    Some(insert(
        envelope.spans.object_at + 1,
        format!("\"{field}\":{max},"),
    ))
}

/// OpenAI's own models take `max_completion_tokens` and refuse `max_tokens`; engines that speak its
/// dialect all take `max_tokens`, and some pass over the newer name without a word.
pub(crate) fn output_limit_field(model: &str) -> &'static str {
    if is_openai_model(model) {
        "max_completion_tokens"
    } else {
        "max_tokens"
    }
}

/// A model of OpenAI's own service, told by its name.
pub(crate) fn is_openai_model(model: &str) -> bool {
    let name = model.strip_prefix("openai/").unwrap_or(model);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let series = name
        .strip_prefix('o')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    series || name.starts_with("chatgpt-") || (name.starts_with("gpt-") && !name.starts_with("gpt-oss"))
}

fn edit_usage(endpoint: Endpoint, envelope: &Envelope) -> Option<Edit> {
    let speaks = endpoint.dialect() == Dialect::OpenAi && endpoint != Endpoint::Embeddings;
    if !speaks || !envelope.stream || envelope.include_usage {
        return None;
    }
    Some(match &envelope.spans.stream_options {
        StreamOptions::Absent => insert(
            envelope.spans.object_at + 1,
            r#""stream_options":{"include_usage":true},"#.to_owned(),
        ),
        StreamOptions::Null(span) | StreamOptions::Empty(span) => put(span, r#"{"include_usage":true}"#),
        StreamOptions::Without(at) => insert(*at, r#""include_usage":true,"#.to_owned()),
        StreamOptions::With(span) => put(span, "true"),
    })
}

fn insert(at: usize, text: String) -> Edit {
    Edit {
        span: at..at,
        with: text.into_bytes(),
    }
}

fn put(span: &Range<usize>, text: &str) -> Edit {
    Edit {
        span: span.clone(),
        with: text.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openais_own_models_are_told_by_their_names() {
        for own in [
            "gpt-4o",
            "gpt-5.1",
            "o3-mini",
            "openai/o1",
            "chatgpt-4o-latest",
            "ft:gpt-4o-mini:org::x",
        ] {
            assert!(is_openai_model(own), "{own}");
        }
        for other in ["gpt-oss-120b", "llama-3", "olmo", "o", "mistral", "claude-x", ""] {
            assert!(!is_openai_model(other), "{other}");
        }
    }
}
