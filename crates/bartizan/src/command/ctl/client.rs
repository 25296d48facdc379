//! One request to the control plane, and its answer. A problem becomes a failure with its sentence.

use std::time::Duration;

use bytes::Bytes;
use domain::Secret;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;

use crate::failure::{Failure, Hint};

const TIMEOUT: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What to ask.
#[derive(Debug)]
pub struct Asked {
    /// How.
    pub method: Method,
    /// Where, with its query.
    pub path: String,
    /// JSON.
    pub body: Option<Value>,
    /// `If-Match`, `Idempotency-Key` and the like.
    pub headers: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answered {
    /// JSON; null for nothing.
    pub body: Value,
    /// Nothing was done.
    pub is_dry_run: bool,
    /// It was written down for a second person to approve.
    pub waits: bool,
    /// Its tag.
    pub etag: Option<String>,
}

/// A "no" of the gate's.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    problem: Value,
}

impl Refused {
    /// Where in the body.
    pub fn pointer(&self) -> Option<&str> {
        self.problem.get("pointer").and_then(Value::as_str)
    }

    /// As a person reads it.
    pub fn failure(&self) -> Failure {
        failure(self.status, &self.problem, None)
    }

    /// The same, about that place.
    pub fn failure_at(&self, place: &str) -> Failure {
        failure(self.status, &self.problem, Some(place))
    }
}

/// Who asks, and where.
#[derive(Debug)]
pub struct Client {
    base: String,
    token: Option<Secret>,
    client: upstream::Client,
}

impl Client {
    /// A client of the control plane at `base`.
    pub fn new(base: String, token: Option<Secret>) -> Self {
        Self {
            base,
            token,
            client: upstream::Client::new(&upstream::ClientOptions::default()),
        }
    }

    /// Asks once; a "no" is a failure.
    pub async fn send(&self, asked: Asked) -> Result<Answered, Failure> {
        self.ask(asked).await?.map_err(|refused| refused.failure())
    }

    /// Asks once.
    pub async fn ask(&self, asked: Asked) -> Result<Result<Answered, Refused>, Failure> {
        let request = self.request(asked)?;
        let answer = self.client.send(request, TIMEOUT).await.map_err(|error| {
            Failure::new(format!("`{}` does not answer: {error}", self.base))
                .hint("is `bartizan serve` running there? `--url` names another control listener")
        })?;
        let (head, body) = answer.into_parts();
        let broken = |why: String| Failure::new(format!("the answer of `{}` broke off: {why}", self.base));
        let bytes = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|e| broken(e.to_string()))?;
        let kind = head.headers.get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()?.split(';').next());
        let body: Value = match kind {
            Some("text/csv" | "text/plain" | "application/jsonl") => {
                String::from_utf8_lossy(&bytes.to_bytes()).into_owned().into()
            }
            _ => serde_json::from_slice(&bytes.to_bytes()).unwrap_or_default(),
        };
        if head.status.is_success() {
            let etag = head.headers.get("etag").and_then(|tag| tag.to_str().ok());
            return Ok(Ok(Answered {
                body,
                is_dry_run: head.headers.contains_key("dry-run"),
                waits: head.status == StatusCode::ACCEPTED,
                etag: etag.map(str::to_owned),
            }));
        }
        Ok(Err(Refused {
            status: head.status,
            problem: body,
        }))
    }

    fn request(&self, asked: Asked) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(asked.method)
            .uri(format!("{}{}", self.base, asked.path))
            .header("accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        let body = match asked.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        request
            .body(Full::new(body))
            .map_err(|error| Failure::usage(format!("that cannot be asked: {error}")))
    }
}

/// A problem document as a person reads it.
fn failure(status: StatusCode, problem: &Value, place: Option<&str>) -> Failure {
    let text = |name: &str| problem.get(name).and_then(Value::as_str);
    let detail = text("detail")
        .or_else(|| status.canonical_reason())
        .unwrap_or("it failed");
    let at = text("pointer").map(|at| at.trim_start_matches('/'));
    let at = place.or(at).filter(|at| !at.is_empty());
    let at = at.map(|at| format!("{at}: "));
    let what = format!("{}{detail}", at.unwrap_or_default());
    let failure = match status.as_u16() {
        400 | 422 | 428 => Failure::usage(what),
        404 => Failure::not_found(what),
        _ => Failure::new(what),
    };
    match text("code") {
        Some("unauthenticated") => {
            failure.hint("`bartizan ctl sessions sign-in --email …`, or a token in BARTIZAN_TOKEN")
        }
        Some(code) => failure.hint(format!("the problem's code is `{code}`")),
        None => failure,
    }
}
