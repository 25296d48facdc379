//! What goes back: a status, a JSON body, and few headers. Nothing here decides anything.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};

use crate::etag;
use crate::problem::{Code, Problem};

/// Said of an answer that was given before, to the same idempotency key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Said of an answer to a dry run.
const DRY_RUN: HeaderName = HeaderName::from_static("dry-run");

/// An answer that is no problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON; empty for none.
    pub body: String,
    /// The view's tag.
    pub etag: Option<String>,
    /// Where the thing just made is.
    pub location: Option<String>,
    /// What the body is, when it is no JSON. Never part of an answer that may be given again.
    #[serde(skip)]
    pub kind: Option<&'static str>,
    /// What the browser shall keep. Never part of an answer that may be given again.
    #[serde(skip)]
    pub cookie: Option<String>,
    /// Whether it was given before.
    #[serde(skip)]
    pub is_replay: bool,
    /// Whether nothing was done.
    #[serde(skip)]
    pub is_dry_run: bool,
}

impl Answer {
    /// A view of something, with its tag.
    pub fn view<T: Serialize>(view: &T) -> Result<Self, Problem> {
        Ok(Self {
            etag: Some(etag::of(view)),
            ..Self::json(StatusCode::OK, view)?
        })
    }

    /// JSON without a tag: a list, say.
    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(value).map_err(|error| Problem {
            internal: Some(error.to_string()),
            ..Problem::new(Code::Internal, "the answer could not be written")
        })?;
        Ok(Self {
            status: status.as_u16(),
            body,
            etag: None,
            location: None,
            kind: None,
            cookie: None,
            is_replay: false,
            is_dry_run: false,
        })
    }

    /// Text of that kind.
    pub fn text(kind: &'static str, body: String) -> Self {
        Self {
            status: 200,
            body,
            kind: Some(kind),
            ..Self::nothing()
        }
    }

    /// Something that was just made, `at` this path.
    pub fn created<T: Serialize>(view: &T, at: String) -> Result<Self, Problem> {
        Ok(Self {
            status: StatusCode::CREATED.as_u16(),
            location: Some(at),
            ..Self::view(view)?
        })
    }

    /// Done, and there is nothing to say.
    pub const fn nothing() -> Self {
        Self {
            status: 204,
            body: String::new(),
            etag: None,
            location: None,
            kind: None,
            cookie: None,
            is_replay: false,
            is_dry_run: false,
        }
    }

    /// As it goes over the wire.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = respond(status, self.kind.unwrap_or("application/json"), self.body.into());
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: Option<String>| {
            if let Some(value) = value.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        };
        set(ETAG, self.etag);
        set(LOCATION, self.location);
        set(SET_COOKIE, self.cookie);
        set(REPLAYED, self.is_replay.then(|| "true".to_owned()));
        set(DRY_RUN, self.is_dry_run.then(|| "true".to_owned()));
        response
    }
}

/// A problem as it goes over the wire. What is for the log goes to the log.
pub fn refuse(problem: &Problem) -> Response<Full<Bytes>> {
    if let Some(internal) = &problem.internal {
        tracing::error!(code = problem.code.as_str(), internal, "a control request failed");
    }
    let mut response = respond(
        problem.code.status(),
        "application/problem+json",
        problem.to_json().into(),
    );
    if let Some(seconds) = problem.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Headers that every answer of this listener has.
// threat: ANP-0013
pub fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
