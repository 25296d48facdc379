//! From one dialect to the other: what can be said is said, what cannot is refused by name.
//!
//! Passed over without a refusal is only what asks for nothing: `null`, empty lists, a default spelled
//! out, and hints that change what a call costs its provider but not its answer (`cache_control`,
//! `prompt_cache_key`, the label of a schema).

mod finish;
mod media;
mod messages_to_anthropic;
mod messages_to_openai;
mod request_to_anthropic;
mod request_to_openai;
mod response_to_anthropic;
mod response_to_openai;
mod usage_out;

use crate::json::Reader;
use crate::request::Rewrite;
use crate::{Dialect, DialectError, Endpoint};

pub(crate) use finish::{FinishReason, StopReason};
pub(crate) use usage_out::{write_anthropic_usage, write_openai_usage};

/// A request in the other dialect. Only conversations have a counterpart there.
pub fn translate_request(
    endpoint: Endpoint,
    body: &[u8],
    to: Dialect,
    rewrite: &Rewrite<'_>,
) -> Result<Vec<u8>, DialectError> {
    let body = whole(body)?;
    match (endpoint, to) {
        (Endpoint::ChatCompletions, Dialect::Anthropic) => request_to_anthropic::translate(body, rewrite),
        (Endpoint::Messages, Dialect::OpenAi) => request_to_openai::translate(body, rewrite),
        _ => Err(DialectError::NoCounterpart {
            path: endpoint.path(),
            to,
        }),
    }
}

/// The upstream's answer in the caller's dialect.
pub fn translate_response(
    caller: Endpoint,
    upstream: Dialect,
    body: &[u8],
    model_shown: &str,
) -> Result<Vec<u8>, DialectError> {
    let text = whole(body).map_err(DialectError::of_upstream)?;
    let translated = match (caller, upstream) {
        (Endpoint::ChatCompletions, Dialect::Anthropic) => response_to_openai::translate(text, model_shown),
        (Endpoint::Messages, Dialect::OpenAi) => response_to_anthropic::translate(text, model_shown),
        _ if caller.dialect() == upstream => return Ok(body.to_vec()),
        _ => {
            return Err(DialectError::NoCounterpart {
                path: caller.path(),
                to: upstream,
            });
        }
    };
    translated.map_err(DialectError::of_upstream)
}

/// The body as text, once it is known to be one JSON value.
fn whole(body: &[u8]) -> Result<&str, DialectError> {
    let mut reader = Reader::new(body)?;
    let raw = reader.skip()?;
    reader.end()?;
    Ok(raw)
}
