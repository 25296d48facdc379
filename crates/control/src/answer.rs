//! What each path answers. Everything but the facts below is a problem document (RFC 9457).

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::Control;

/// Paths and what they say; `GET /` lists them.
const PATHS: [(&str, &str); 3] = [
    ("/", "this text"),
    ("/api/v1/version", "which release and which store engine"),
    (
        "/api/v1/ledger/key",
        "the public key that verifies this instance's ledgers",
    ),
];

#[derive(Debug, Serialize)]
struct Version<'a> {
    name: &'a str,
    version: &'a str,
    store: &'a str,
}

#[derive(Debug, Serialize)]
struct LedgerKey<'a> {
    verifier: &'a str,
}

/// RFC 9457, section 3.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

/// The answer to a request's head; bodies are not read.
pub fn answer(control: &Control, head: &Parts) -> Response<Full<Bytes>> {
    let path = head.uri.path();
    if !PATHS.iter().any(|(known, _)| *known == path) {
        return problem(
            StatusCode::NOT_FOUND,
            "there is nothing here; `GET /` says what there is",
        );
    }
    if head.method != Method::GET && head.method != Method::HEAD {
        let mut refused = problem(StatusCode::METHOD_NOT_ALLOWED, "this is for reading: use GET");
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/api/v1/version" => json(&Version {
            name: "bartizan",
            version: env!("CARGO_PKG_VERSION"),
            store: control.store.engine(),
        }),
        "/api/v1/ledger/key" => json(&LedgerKey {
            verifier: &control.verifier_text,
        }),
        _ => respond(StatusCode::OK, "text/plain; charset=utf-8", index()),
    }
}

fn index() -> String {
    let mut text = String::from(
        "This is the control listener of a Bartizan instance. Model calls go to its data listener.\n\n",
    );
    for (path, says) in PATHS {
        text.push_str(&format!("GET {path:<20} {says}\n"));
    }
    text.push_str(
        "\nThe administration API will live under /api/v1; until then use the `bartizan` command.\n",
    );
    text
}

fn json<T: Serialize>(value: &T) -> Response<Full<Bytes>> {
    match serde_json::to_string(value) {
        Ok(text) => respond(StatusCode::OK, "application/json", text),
        Err(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer could not be written",
        ),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response<Full<Bytes>> {
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = Problem {
        kind: "about:blank",
        title,
        status: status.as_u16(),
        detail,
    };
    // A struct of text and a number serialises; were it ever not so, the status says it all.
    respond(
        status,
        "application/problem+json",
        serde_json::to_string(&problem).unwrap_or_default(),
    )
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
