//! Stage 8: the caller's dialect into the target's, loss-free or refused by name.
//!
//! Where both speak the same, the bytes stay as they came but for what must be spliced in.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Dialect, Endpoint, Rewrite};

use super::inspect_input::Inspected;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Target;

/// A body in its target's dialect.
#[derive(Debug)]
pub struct Translated {
    pub(super) target: Arc<Target>,
    /// The provider's endpoint.
    pub(super) endpoint: Endpoint,
    pub(super) body: Bytes,
}

/// Translates for one target.
pub fn run(call: &Inspected, target: &Arc<Target>) -> Gated<Translated> {
    let to = target.provider.dialect;
    let model = (*target.model != *call.model.name).then_some(target.model.as_str());
    let rewrite = Rewrite {
        model,
        max_output_tokens: call.output_tokens,
        include_usage: call.envelope.stream && to == Dialect::OpenAi && target.provider.inject_stream_usage,
    };
    let refused = |error: dialect::DialectError| Refusal::new(Code::NotTranslatable, error.to_string());
    if call.endpoint.dialect() == to {
        let body =
            dialect::rewrite_request(call.endpoint, &call.body, &call.envelope, &rewrite).map_err(refused)?;
        return Ok(Translated {
            target: target.clone(),
            endpoint: call.endpoint,
            body,
        });
    }
    let rewrite = Rewrite {
        model: Some(&target.model),
        ..rewrite
    };
    let body = dialect::translate_request(call.endpoint, &call.body, to, &rewrite).map_err(refused)?;
    let endpoint = match to {
        Dialect::OpenAi => Endpoint::ChatCompletions,
        Dialect::Anthropic => Endpoint::Messages,
    };
    Ok(Translated {
        target: target.clone(),
        endpoint,
        body: body.into(),
    })
}
