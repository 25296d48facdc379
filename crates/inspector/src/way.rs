//! The way to a guard outside: one POST of JSON, one bounded answer. Never follows a redirect.

use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use domain::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use std::sync::Arc;
use upstream::{Base, Client, UpstreamError};

use crate::unanswered::Unanswered;

/// What is read of an answer, in bytes.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Where it is and what it is shown.
#[derive(Debug)]
pub struct Way {
    client: Client,
    uri: Uri,
    host: Option<HeaderValue>,
    /// Whether it is called with a credential at all.
    wants_credential: bool,
    credential: ArcSwapOption<HeaderValue>,
}

impl Way {
    /// To `path` below a base address, or to the very address where there is no path.
    pub fn new(
        (address, allow_plaintext): (&str, bool),
        path: Option<&str>,
        client: Client,
        wants_credential: bool,
    ) -> Result<Self, String> {
        let (base, path) = match path {
            Some(path) => (Base::parse(address, allow_plaintext), path.to_owned()),
            None => match Base::split(address, allow_plaintext) {
                Ok((base, path)) => (Ok(base), path),
                Err(error) => (Err(error), String::new()),
            },
        };
        let base = base.map_err(|error| error.to_string())?;
        Ok(Self {
            uri: base.uri(&path).ok_or("no address")?,
            host: (!base.is_tls()).then(|| base.host()).flatten(),
            client,
            wants_credential,
            credential: ArcSwapOption::empty(),
        })
    }

    /// What it is shown from now on; `None` while that cannot be had.
    // threat: AGP-I1
    pub fn set_credential(&self, credential: Option<&Secret>) {
        let value = credential.and_then(|secret| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.expose())).ok()?;
            value.set_sensitive(true);
            Some(Arc::new(value))
        });
        self.credential.store(value);
    }

    // threat: ANP-D0005
    // threat: ANP-0018
    pub async fn post(&self, body: String, within: Duration) -> Result<Bytes, Unanswered> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "bartizan");
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        if self.wants_credential {
            let credential = self.credential.load_full().ok_or(Unanswered::Withheld)?;
            request = request.header(AUTHORIZATION, &*credential);
        }
        let unreached = |why: String| Unanswered::Unreached(why);
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| unreached(error.to_string()))?;
        let answer = self.client.send(request, within).await;
        let answer = answer.map_err(|error| match error {
            UpstreamError::FirstByte(_) => Unanswered::Late,
            other => unreached(other.to_string()),
        })?;
        if answer.status() != StatusCode::OK {
            return Err(Unanswered::Status(answer.status().as_u16()));
        }
        match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Unanswered::TooLarge),
            Err(error) => Err(unreached(error.to_string())),
        }
    }
}
