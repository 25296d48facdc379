//! `checks: off`: a plain proxy between the same two HTTP sides, to measure what the checks cost.
//!
//! It asks no one anything and records nothing. Configuration allows it on loopback in posture
//! `development` only, and `serve` says so loudly at every start.

use std::sync::Arc;

use dialect::Envelope;
use domain::Threat;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::body::GateBody;
use crate::gate::{Gate, View};
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Target;
use crate::stage::accept::{Accepted, Arrival, Wanted};
use crate::stage::{authorize, respond, upstream};

/// Forwards the call to its model's first target and the answer back.
pub async fn run(gate: &Gate, view: &Arc<View>, arrival: &Arrival, accepted: Accepted) -> Response<GateBody> {
    match forward(gate, view, accepted).await {
        Ok(response) => response,
        Err(refusal) => respond::refusal(arrival, &Default::default(), &refusal),
    }
}

async fn forward(gate: &Gate, view: &Arc<View>, accepted: Accepted) -> Gated<Response<GateBody>> {
    let Wanted::Call(endpoint) = accepted.wanted().clone() else {
        return Err(
            Refusal::new(Code::UnknownPath, "only calls are served with checks off").against(Threat::CtxT2),
        );
    };
    let (body, headers) = accepted.into_body(&view.settings.bounds).await?;
    let envelope: Envelope = dialect::read_request(endpoint, &body, &view.settings.bounds.body)
        .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
    let target: &Arc<Target> = view
        .settings
        .models
        .get(&envelope.model)
        .and_then(|model| model.targets.first())
        .ok_or_else(|| authorize::no_model(&envelope.model))?;
    let request = upstream::request(&target.provider, endpoint, &headers, envelope.stream, body)?;
    let response = target
        .provider
        .way(&gate.client)
        .send(request, target.provider.deadlines.first_byte)
        .await
        .map_err(|error| {
            Refusal::new(Code::UpstreamUnreachable, "the provider could not be reached")
                .internally(error.to_string())
        })?;
    let (head, body) = response.into_parts();
    let mut answer = Response::new(GateBody::Raw(body));
    *answer.status_mut() = head.status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(
        CONTENT_TYPE,
        head.headers.get(CONTENT_TYPE).cloned().unwrap_or(json),
    );
    Ok(answer)
}
