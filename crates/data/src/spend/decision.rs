//! `POST /webhook/pre-request` and `/webhook/post-request`: the budget decision in the form that gateways' webhooks have.
//!
//! Before a call it is asked whether it may be made, and a reservation is given with the yes; after it, what it used is
//! told. Whatever keeps the answer from being known is a no: nothing here fails open. A cost that somebody else
//! reckoned is not believed, and who a call is for is known by the key alone.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use credential::VirtualKey;
use dialect::{Dialect, Endpoint};
use domain::Threat;
use http::Response;
use http::header::{HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::reserve::{Form, Reserved, hold, keep};
use super::settle::end;
use super::wire::{Reference, Said, Wish, invalid, provider_usage};
use super::{answered, written};
use crate::body::GateBody;
use crate::gate::Gate;
use crate::observe;
use crate::pipeline;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Bounds;
use crate::stage::accept::Arrival;
use crate::stage::authorize::{Understood, in_its_dialect};
use crate::stage::identify::Identified;

/// Where a reservation stands in a call's metadata.
const RESERVATION: &str = "bartizan_reservation";

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Of the data of a call, what this looks at.
#[derive(Deserialize)]
struct Data<'a> {
    api_key: Option<String>,
    #[serde(default)]
    model: Option<String>,
    messages: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    input: Option<IgnoredAny>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    metadata: Option<Map<String, Value>>,
}

/// The answer to "may it be made?".
#[derive(Serialize)]
struct Decision<'a> {
    allow: bool,
    message: Option<&'a str>,
    modified_data: Option<Modified>,
}

#[derive(Serialize)]
struct Modified {
    metadata: Map<String, Value>,
}

#[derive(Serialize)]
struct Recorded {
    status: &'static str,
    #[serde(flatten)]
    ended: super::settle::Ended,
}

fn data(body: &[u8]) -> Gated<(&RawValue, Data<'_>)> {
    let wrong = |error: serde_json::Error| invalid(format!("expected `{{\"data\": {{…}}}}`: {error}"));
    let asked: Asked<'_> = serde_json::from_slice(body).map_err(wrong)?;
    let read = serde_json::from_str(asked.data.get()).map_err(wrong)?;
    Ok((asked.data, read))
}

/// The key in the body, if there is one.
pub fn api_key(body: &[u8]) -> Option<String> {
    data(body).ok()?.1.api_key.filter(|key| !key.is_empty())
}

/// A key in the body beside a credential in the head must be the same, if it is one of ours; others' own keys are
/// theirs.
// threat: AGP-S1
fn must_agree(gate: &Gate, identified: &Identified, said: Option<&str>) -> Gated<()> {
    let Some(key) = said.and_then(|text| VirtualKey::parse(text).ok()) else {
        return Ok(());
    };
    let (digest, record) = (key.digest(&gate.pepper), &identified.key().record);
    let is_same = record.digest == digest || record.predecessor.is_some_and(|old| old.digest == digest);
    if is_same {
        return Ok(());
    }
    let detail = "the head and `data.api_key` hold different keys";
    Err(Refusal::new(Code::CredentialAmbiguous, detail).against(Threat::AgpS1))
}

/// The kind of call, by what it brings.
const fn endpoint(data: &Data<'_>) -> Endpoint {
    match (&data.messages, &data.prompt, &data.input) {
        (None, Some(_), _) => Endpoint::Completions,
        (None, None, Some(_)) => Endpoint::Embeddings,
        _ => Endpoint::ChatCompletions,
    }
}

fn call_within(endpoint: Endpoint, body: &Bytes, bounds: &Bounds) -> Gated<(Understood, Wish)> {
    let (raw, _) = data(body)?;
    let call = Bytes::copy_from_slice(raw.get().as_bytes());
    Ok((in_its_dialect(endpoint, &call, bounds)?, Wish::default()))
}

/// Says yes with a reservation, or no.
// threat: AGP-D1
// threat: AGP-BUDGET-3.1
pub(super) async fn before(
    gate: &Arc<Gate>,
    arrival: &Arrival,
    mut identified: Identified,
) -> Response<GateBody> {
    let read = match identified.read().await {
        Ok(body) => asked(gate, &identified, &body),
        Err(refusal) => Err(refusal),
    };
    let (endpoint, metadata) = match read {
        Ok(read) => read,
        Err(refusal) => {
            observe::turned_away(gate, arrival, &refusal);
            return no(arrival, refusal.code.as_str(), &refusal.detail);
        }
    };
    let form = Form {
        understand: call_within,
        is_by_webhook: true,
    };
    let mut ticket = identified.open_ticket(gate, endpoint);
    let held = hold(gate, identified, &mut ticket, form).await;
    let rates = ticket.rates;
    let refusal = match held.and_then(|held| keep(gate, &mut ticket, held)) {
        Ok(Reserved::Now(which, _)) => return yes(arrival, &rates, which, metadata),
        Ok(Reserved::Before(_)) => {
            ticket.withdraw(gate.monotonic_ns(Instant::now()));
            return no(arrival, "internal", "nothing was reserved");
        }
        Err(refusal) => refusal,
    };
    let (code, message) = (refusal.code.as_str(), refusal.detail.clone());
    pipeline::refuse(gate, arrival, ticket, refusal).await;
    no(arrival, code, &message)
}

fn asked(gate: &Gate, identified: &Identified, body: &[u8]) -> Gated<(Endpoint, Map<String, Value>)> {
    let (_, data) = data(body)?;
    must_agree(gate, identified, data.api_key.as_deref())?;
    Ok((endpoint(&data), data.metadata.unwrap_or_default()))
}

fn yes(
    arrival: &Arrival,
    rates: &crate::stage::admit::Rates,
    which: Reference,
    mut metadata: Map<String, Value>,
) -> Response<GateBody> {
    metadata.insert(RESERVATION.to_owned(), which.to_string().into());
    let decision = Decision {
        allow: true,
        message: None,
        modified_data: Some(Modified { metadata }),
    };
    match written(&decision) {
        Ok(body) => answered(arrival, rates, body),
        Err(refusal) => no(arrival, refusal.code.as_str(), &refusal.detail),
    }
}

/// A no is an answer, with status 200: callers of this form take any other for a fault, and may go on.
// threat: AGP-D1
fn no(arrival: &Arrival, code: &'static str, message: &str) -> Response<GateBody> {
    let decision = Decision {
        allow: false,
        message: Some(message),
        modified_data: None,
    };
    let body = serde_json::to_vec(&decision).unwrap_or_else(|_| br#"{"allow":false}"#.to_vec());
    let mut response = answered(arrival, &Default::default(), body.into());
    let code = HeaderValue::from_static(code);
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-refusal-code"), code);
    response
}

/// What a call used, told afterwards.
// threat: AGP-R1
pub(super) async fn after(gate: &Arc<Gate>, mut identified: Identified) -> Gated<Bytes> {
    let body = identified.read().await?;
    let (_, data) = data(&body)?;
    must_agree(gate, &identified, data.api_key.as_deref())?;
    let usage = data
        .usage
        .ok_or_else(|| invalid("`data.usage` is missing: what did the call use?"))?;
    let usage = provider_usage(usage, Dialect::OpenAi)?;
    let (key, _) = identified.into_body(gate).await?;
    let named = data
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.get(RESERVATION));
    let which = match named {
        Some(named) => named.as_str().and_then(Reference::read),
        None => data
            .model
            .and_then(|model| gate.spend.oldest(key.principal.key, &model))
            .map(|request| Reference {
                request,
                node: gate.node,
            }),
    };
    let said = Said {
        which: which.ok_or_else(super::settle::not_found)?,
        how: "completed",
        usage: Some(usage),
        target: None,
        digest: blake3::hash(&body),
    };
    let ended = end(gate, &key, said).await?;
    written(&Recorded {
        status: "recorded",
        ended,
    })
}
