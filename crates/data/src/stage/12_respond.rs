//! Stage 12: the answer's head. An allow-list of headers, the dialect's own error shape, rate headers
//! as its clients know them. Nothing of the provider's head is passed on.

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
    if let Ok(id) = HeaderValue::from_maybe_shared(Bytes::from(arrival.id.to_string())) {
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

/// What a dialect calls the limit, what is left of it, and when it is whole again.
type RateNames = [HeaderName; 3];

const OPENAI_REQUESTS: RateNames = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const OPENAI_TOKENS: RateNames = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];
const ANTHROPIC_REQUESTS: RateNames = [
    HeaderName::from_static("anthropic-ratelimit-requests-limit"),
    HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
    HeaderName::from_static("anthropic-ratelimit-requests-reset"),
];
const ANTHROPIC_TOKENS: RateNames = [
    HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
    HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
    HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
];

fn put(headers: &mut HeaderMap, left: &Remaining, names: RateNames, reset_at: Option<HeaderValue>) {
    let [limit, remaining, reset] = names;
    headers.insert(limit, HeaderValue::from(left.limit));
    headers.insert(remaining, HeaderValue::from(left.remaining));
    if let Some(at) = reset_at {
        headers.insert(reset, at);
    }
}

/// As OpenAI's clients know them: `x-ratelimit-reset-*` is a duration.
fn openai_rates(headers: &mut HeaderMap, rates: &Rates) {
    let pairs = [(rates.requests, OPENAI_REQUESTS), (rates.tokens, OPENAI_TOKENS)];
    for (left, names) in pairs {
        let Some(left) = left else { continue };
        let reset =
            HeaderValue::from_maybe_shared(Bytes::from(format!("{}ms", left.reset_ns.div_ceil(1_000_000))));
        put(headers, &left, names, reset.ok());
    }
}

/// As Anthropic's clients know them: `…-reset` is an RFC 3339 time.
fn anthropic_rates(headers: &mut HeaderMap, rates: &Rates) {
    let pairs = [
        (rates.requests, ANTHROPIC_REQUESTS),
        (rates.tokens, ANTHROPIC_TOKENS),
    ];
    let now = UnixMillis::now();
    for (left, names) in pairs {
        let Some(left) = left else { continue };
        let at = now.plus(std::time::Duration::from_nanos(left.reset_ns));
        let at = jiff::Timestamp::from_second(at.0.div_euclid(1000).saturating_add(1));
        let reset = at.ok().and_then(|at| HeaderValue::from_str(&at.to_string()).ok());
        put(headers, &left, names, reset);
    }
}
