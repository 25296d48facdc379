//! What goes over the wire: bodies and errors as RFC 7644 has them. Reads only what is named here: whatever
//! else a body holds is not looked at, so nothing is set that was not meant to be.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::answer::respond;
use crate::problem::{Code, Problem};

/// How long a text may be.
pub const TEXT_CHARS_MAX: usize = 256;
/// Resources a page.
const COUNT_MAX: usize = 200;

/// A yes.
pub struct Said {
    status: StatusCode,
    body: Option<Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Said {
    /// With a body.
    pub const fn of(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
            headers: Vec::new(),
        }
    }

    /// Done, and there is nothing to say.
    pub const fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
            headers: Vec::new(),
        }
    }

    /// Something that was just made.
    pub fn created(body: Value) -> Self {
        let at = body
            .pointer("/meta/location")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Self {
            headers: at.into_iter().map(|at| (LOCATION, at)).collect(),
            ..Self::of(StatusCode::CREATED, body)
        }
    }

    /// Its body, to be cut to what is wanted.
    pub const fn body_mut(&mut self) -> Option<&mut Value> {
        self.body.as_mut()
    }

    /// As it goes over the wire.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let body = self.body.map(|body| body.to_string()).unwrap_or_default();
        let mut response = respond(self.status, "application/scim+json", body.into());
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A no.
#[derive(Debug)]
pub struct No {
    problem: Problem,
    kind: Option<&'static str>,
    status: Option<StatusCode>,
}

impl From<Problem> for No {
    fn from(problem: Problem) -> Self {
        Self::of(problem)
    }
}

impl No {
    /// A problem of ours.
    pub const fn of(problem: Problem) -> Self {
        Self {
            problem,
            kind: None,
            status: None,
        }
    }

    fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            ..Self::of(Problem::new(Code::Malformed, detail))
        }
    }

    /// It is not there.
    pub fn not_found() -> Self {
        Self::of(Problem::new(Code::NotFound, "there is no such resource"))
    }

    /// The body does not read.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::bad("invalidSyntax", detail)
    }

    /// A value that cannot be.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    /// A filter that is not understood.
    pub fn filter() -> Self {
        Self::bad(
            "invalidFilter",
            "filters are `attribute eq \"value\"`, of the attributes that documentation names",
        )
    }

    /// A path that is not understood.
    pub fn path() -> Self {
        Self::bad("invalidPath", "there is no such path to change")
    }

    /// Something of that name is there.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self {
            kind: Some("uniqueness"),
            ..Self::of(Problem::new(Code::Conflict, detail))
        }
    }

    /// It is there, and not for that.
    pub fn method() -> Self {
        let detail = "there is something here, but not for this method";
        Self::of(Problem::new(Code::MethodNotAllowed, detail))
    }

    /// What the specification has and this service has not.
    pub fn not_implemented(detail: &str) -> Self {
        Self {
            status: Some(StatusCode::NOT_IMPLEMENTED),
            ..Self::of(Problem::new(Code::NotFound, detail))
        }
    }

    /// The body is too long.
    pub fn too_large() -> Self {
        Self::of(Problem::new(Code::TooLarge, "the body is too long"))
    }

    /// It is not for provisioning to change.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of(Problem::new(Code::Forbidden, detail))
    }

    /// As it goes over the wire (section 3.12).
    pub fn said(self) -> Said {
        if let Some(internal) = &self.problem.internal {
            tracing::error!(internal, "a provisioning request failed");
        }
        // What does not read for us is a bad request for SCIM.
        let status = match (self.status, self.problem.code) {
            (Some(status), _) => status,
            (None, Code::Invalid) => StatusCode::BAD_REQUEST,
            (None, code) => code.status(),
        };
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.as_str(),
            "detail": self.problem.detail,
        });
        let kind = self
            .kind
            .or((self.problem.code == Code::Invalid).then_some("invalidValue"));
        if let (Some(kind), Some(members)) = (kind, body.as_object_mut()) {
            members.insert("scimType".to_owned(), kind.into());
        }
        let wait = self
            .problem
            .retry_after_s
            .map(|seconds| (RETRY_AFTER, seconds.to_string()));
        Said {
            headers: wait.into_iter().collect(),
            ..Said::of(status, body)
        }
    }
}

/// The query's parameters.
pub fn query(text: &str) -> Result<HashMap<String, String>, No> {
    let read = |text: &str| {
        let text = text.replace('+', " ");
        let read = percent_encoding::percent_decode_str(&text).decode_utf8();
        read.map(|text| text.into_owned())
            .map_err(|_| No::syntax("the query is no text"))
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((read(name)?, read(value)?))
        })
        .collect()
}

/// One page of what was found, as `startIndex` and `count` want it.
pub fn page(query: &HashMap<String, String>, all: Vec<Value>) -> Result<Said, No> {
    let number = |name: &str, default: i64| match query.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<i64>()
            .map_err(|_| No::value(format!("`{name}` is a number"))),
    };
    let start = usize::try_from(number("startIndex", 1)?.max(1)).unwrap_or(1);
    let count = usize::try_from(number("count", 100)?.max(0))
        .unwrap_or(0)
        .min(COUNT_MAX);
    let total = all.len();
    let resources: Vec<Value> = all.into_iter().skip(start - 1).take(count).collect();
    Ok(Said::of(StatusCode::OK, listed(total, start, resources)))
}

/// A list, or a page of one.
pub fn listed(total: usize, start: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// A member by its name, whatever its case (RFC 7643 section 2.1).
pub fn member<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    let members = of.as_object()?;
    let mut found = members.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found
        .next()
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

/// A text that can be shown and kept.
pub fn text(value: &Value, name: &str) -> Result<String, No> {
    let text = value.as_str().map(str::trim).unwrap_or_default();
    let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| No::value(format!("`{name}` is a text of 1 to {TEXT_CHARS_MAX} characters")))
}

/// A truth, also as those write it who write it as text.
pub fn truth(value: &Value, name: &str) -> Result<bool, No> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(No::value(format!("`{name}` is true or false"))),
    }
}
