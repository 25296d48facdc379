//! Stage 12: the answer's head. An allow-list of headers, the dialect's own error shape, rate headers
//! as its clients know them. Nothing of the provider's head is passed on.

use std::fmt::Write;

use bytes::Bytes;
use dialect::Dialect;
use domain::UnixMillis;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Response, StatusCode};
use limit::Remaining;

use super::accept::Arrival;
use super::admit::Rates;
use crate::body::GateBody;
use crate::live::Live;
use crate::refusal::Refusal;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The stable code: Anthropic's error shape has no place for it.
const REFUSAL_CODE: HeaderName = HeaderName::from_static("x-refusal-code");
const REQUEST_ID_ANTHROPIC: HeaderName = HeaderName::from_static("request-id");

/// A whole answer.
pub fn whole(arrival: &Arrival, rates: &Rates, body: Bytes) -> Response<GateBody> {
    let mut response = Response::new(GateBody::whole(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    usual(headers, arrival, rates);
    response
}

/// A live answer.
pub fn live(arrival: &Arrival, rates: &Rates, live: Box<Live>) -> Response<GateBody> {
    let mut response = Response::new(GateBody::Live(live));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENTS);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    usual(headers, arrival, rates);
    response
}

/// A refusal, in the caller's dialect.
// threat: ANP-0024
pub fn refusal(arrival: &Arrival, rates: &Rates, refusal: &Refusal) -> Response<GateBody> {
    let id = arrival.id.to_string();
    let body = dialect::error_body(
        arrival.dialect,
        refusal.status,
        refusal.code.as_str(),
        &refusal.detail,
        &id,
    );
    let mut response = Response::new(GateBody::whole(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(REFUSAL_CODE, HeaderValue::from_static(refusal.code.as_str()));
    if let Some(seconds) = refusal.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if refusal.status == 401 {
        headers.insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"bartizan\""),
        );
    }
    usual(headers, arrival, rates);
    response
}

fn usual(headers: &mut HeaderMap, arrival: &Arrival, rates: &Rates) {
    let mut id = String::with_capacity(36);
    let _ = write!(id, "{}", arrival.id);
    if let Ok(id) = HeaderValue::from_maybe_shared(Bytes::from(id)) {
        if arrival.dialect == Dialect::Anthropic {
            headers.insert(REQUEST_ID_ANTHROPIC, id.clone());
        }
        headers.insert(REQUEST_ID, id);
    }
    if arrival.close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match arrival.dialect {
        Dialect::OpenAi => openai_rates(headers, rates),
        Dialect::Anthropic => anthropic_rates(headers, rates),
    }
}

/// As OpenAI's clients know them: `x-ratelimit-reset-*` is a duration.
fn openai_rates(headers: &mut HeaderMap, rates: &Rates) {
    let mut put = |left: &Option<Remaining>, names: [&'static str; 3]| {
        let Some(left) = left else { return };
        let [limit, remaining, reset] = names;
        headers.insert(limit, HeaderValue::from(left.limit));
        headers.insert(remaining, HeaderValue::from(left.remaining));
        if let Ok(value) = HeaderValue::from_str(&format!("{}ms", left.reset_ns.div_ceil(1_000_000))) {
            headers.insert(reset, value);
        }
    };
    put(
        &rates.requests,
        [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
    );
    put(
        &rates.tokens,
        [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
    );
}

/// As Anthropic's clients know them: `…-reset` is an RFC 3339 time.
fn anthropic_rates(headers: &mut HeaderMap, rates: &Rates) {
    let now = UnixMillis::now();
    let mut put = |left: &Option<Remaining>, names: [&'static str; 3]| {
        let Some(left) = left else { return };
        let [limit, remaining, reset] = names;
        headers.insert(limit, HeaderValue::from(left.limit));
        headers.insert(remaining, HeaderValue::from(left.remaining));
        let at = now.plus(std::time::Duration::from_nanos(left.reset_ns));
        let at = jiff::Timestamp::from_second(at.0.div_euclid(1000).saturating_add(1));
        if let Some(value) = at.ok().and_then(|at| HeaderValue::from_str(&at.to_string()).ok()) {
            headers.insert(reset, value);
        }
    };
    let requests = [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ];
    let tokens = [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ];
    put(&rates.requests, requests);
    put(&rates.tokens, tokens);
}
