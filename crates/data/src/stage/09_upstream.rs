//! Stage 9: one attempt at one target. The provider's credential is put on here and nowhere else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dialect::{Endpoint, StreamTranslator};
use domain::Threat;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use limit::Outcome as Health;
use upstream::UpstreamError;

use super::accept::{ANTHROPIC_BETA, ANTHROPIC_VERSION, Forward, TRACEPARENT};
use super::inspect_input::Inspected;
use super::settle::Covered;
use super::translate::Translated;
use crate::gate::Gate;
use crate::live::Parts;
use crate::observe;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Provider, Target};
use crate::ticket::Ticket;
use crate::vouch;

/// A provider's refusal is read so far, for its message.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// And so long.
const ERROR_TIMEOUT: Duration = Duration::from_secs(5);

/// An answer's head, with status 200, and its body still to come.
#[derive(Debug)]
pub struct Answering {
    pub(super) target: Arc<Target>,
    pub(super) endpoint: Endpoint,
    pub(super) response: Response<Incoming>,
    pub(super) health: limit::Ticket,
}

impl Answering {
    /// The parts of a live answer to `call`.
    pub fn live(self, ticket: Box<Ticket>, call: &Inspected) -> Parts {
        let upstream = self.target.provider.dialect;
        let translator = (call.endpoint.dialect() != upstream).then(|| {
            StreamTranslator::new(
                call.endpoint,
                upstream,
                call.model.name.to_string(),
                call.envelope.include_usage,
            )
        });
        Parts {
            ticket,
            health: self.health,
            target: self.target,
            upstream: self.response.into_body(),
            translator,
            usage_wanted: call.envelope.include_usage,
        }
    }
}

/// Why an attempt failed, and whether another may follow.
#[derive(Debug)]
pub struct Failed {
    pub(super) refusal: Box<Refusal>,
    /// The provider has certainly not billed it: another target may be tried.
    pub(super) again: bool,
}

/// Sends the call once. It has no other way out, and this one asks for the money.
// threat: AGP-I1
// threat: AGP-S2
// threat: ANP-D0005
pub async fn run(
    gate: &Gate,
    _paid_for: Covered,
    translated: Translated,
    (forward, stream): (&Forward, bool),
    ticket: &mut Ticket,
) -> Result<Answering, Failed> {
    let Translated {
        target,
        endpoint,
        body,
    } = translated;
    let request = vouched(gate, &target.provider, ticket, (endpoint, forward, stream), body);
    let request = request.map_err(|refusal| Failed {
        again: refusal.code == Code::NoTarget,
        refusal,
    })?;
    let now_ns = gate.monotonic_ns(Instant::now());
    let health = target.breaker.admit(now_ns).map_err(|open| Failed {
        refusal: Refusal::new(Code::NoTarget, "no provider of this model can be called now")
            .against(Threat::Anp0019)
            .retry_after(open.retry_after_ns.div_ceil(1_000_000_000)),
        again: true,
    })?;
    ticket.attempts = ticket.attempts.saturating_add(1);
    ticket.upstream_started = Some(Instant::now());
    let way = target.provider.way(&gate.client);
    match way.send(request, target.provider.deadlines.first_byte).await {
        Ok(response) if response.status() == StatusCode::OK => {
            ticket.may_be_billed = true;
            if stream && !is_event_stream(&response) {
                health.report(Health::Failure, gate.monotonic_ns(Instant::now()));
                let refusal = Refusal::new(
                    Code::UpstreamGarbage,
                    "the provider's answer is not an event stream",
                );
                return Err(Failed {
                    refusal,
                    again: false,
                });
            }
            Ok(Answering {
                target,
                endpoint,
                response,
                health,
            })
        }
        Ok(response) => {
            let failed = refused(response, &ticket.settings.guards, &target.provider).await;
            let sick = failed.again || failed.refusal.code == Code::UpstreamCredential;
            health.report(
                if sick { Health::Failure } else { Health::Success },
                gate.monotonic_ns(Instant::now()),
            );
            observe::attempt_failed(gate, &target, &failed.refusal);
            Err(failed)
        }
        Err(error) => {
            health.report(Health::Failure, gate.monotonic_ns(Instant::now()));
            let failed = unreachable(&error, ticket);
            observe::attempt_failed(gate, &target, &failed.refusal);
            Err(failed)
        }
    }
}

fn is_event_stream(response: &Response<Incoming>) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"text/event-stream"))
}

/// The request, with who calls where the provider wants to know.
fn vouched(
    gate: &Gate,
    provider: &Provider,
    ticket: &Ticket,
    (endpoint, forward, stream): (Endpoint, &Forward, bool),
    body: bytes::Bytes,
) -> Gated<Request<Full<bytes::Bytes>>> {
    let mut request = request(provider, endpoint, forward, stream, body.clone())?;
    vouch::put_on(gate, provider, ticket, &body, &mut request)?;
    Ok(request)
}

/// The request a provider sees: built anew, so nothing of the caller's head leaks into it.
// threat: ANP-0024
pub(crate) fn request(
    provider: &Provider,
    endpoint: Endpoint,
    forward: &Forward,
    stream: bool,
    body: bytes::Bytes,
) -> Gated<Request<Full<bytes::Bytes>>> {
    let uri = provider.address(endpoint);
    let uri = uri.ok_or_else(|| Refusal::new(Code::Internal, "the provider's address is damaged"))?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    if let Some(host) = &provider.host {
        headers.insert(HOST, host.clone());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION"))),
    );
    headers.insert(
        ACCEPT,
        HeaderValue::from_static(if stream {
            "text/event-stream"
        } else {
            "application/json"
        }),
    );
    if provider.dialect == dialect::Dialect::Anthropic {
        let version = forward.anthropic_version.clone();
        let version = version.unwrap_or_else(|| HeaderValue::from_static("2023-06-01"));
        headers.insert(ANTHROPIC_VERSION, version);
        if let Some(beta) = &forward.anthropic_beta {
            headers.insert(ANTHROPIC_BETA, beta.clone());
        }
    }
    if let Some(traceparent) = &forward.traceparent {
        headers.insert(TRACEPARENT, traceparent.clone());
    }
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    match provider.credential() {
        Some(Some((name, value))) => headers.insert(name, value),
        Some(None) => None,
        None => return Err(withheld(provider)),
    };
    Ok(request)
}

/// Where the credential is kept does not answer, or no longer gives it to us: another target may have one.
// threat: AGP-CRED-1.1.3
fn withheld(provider: &Provider) -> Box<Refusal> {
    Refusal::new(Code::NoTarget, "the gate has no credential for this provider now")
        .against(Threat::AgpCred113)
        .internally(format!("the credential of `{}` is withheld", provider.name))
        .retry_after(1)
}

/// No answer's head. Only what was certainly never sent may be sent elsewhere.
// threat: ANP-0018
fn unreachable(error: &UpstreamError, ticket: &mut Ticket) -> Failed {
    let (code, detail) = match error {
        UpstreamError::Connect(_) => (Code::UpstreamUnreachable, "the provider could not be reached"),
        UpstreamError::Broken(_) => (Code::UpstreamBroken, "the connection to the provider broke off"),
        UpstreamError::FirstByte(_) => (Code::UpstreamTimeout, "the provider did not answer in time"),
    };
    ticket.may_be_billed |= !error.unsent();
    Failed {
        refusal: Refusal::new(code, detail).internally(error.to_string()),
        again: error.unsent(),
    }
}

/// The provider said no. Its own words are passed on where they are about the request, never where they
/// are about our credential.
async fn refused(response: Response<Incoming>, guards: &guard::Plans, provider: &Provider) -> Failed {
    let status = response.status();
    let wait = retry_after(&response);
    let message = error_message(response.into_body()).await;
    let message = message
        .as_deref()
        .map(|message| provider.without_credential(message));
    // threat: AGP-I1
    let said = message
        .as_deref()
        .map_or("the provider gave no reason".into(), |m| {
            guards.stock().secrets.scrub(m)
        });
    let passed = |status: StatusCode| {
        Refusal::new(
            Code::UpstreamRefused,
            format!("the provider refused the request: {said}"),
        )
        .with_status(status.as_u16())
    };
    match status.as_u16() {
        401 | 403 => Failed {
            refusal: Refusal::new(
                Code::UpstreamCredential,
                "the provider refused the gate's credential: tell the gate's operator",
            )
            .internally(format!("{status}")),
            again: true,
        },
        429 => Failed {
            refusal: passed(status).retry_after(wait.unwrap_or(1)),
            again: true,
        },
        400..=499 => Failed {
            refusal: passed(status),
            again: false,
        },
        300..=399 => Failed {
            refusal: Refusal::new(
                Code::UpstreamGarbage,
                "the provider redirected, and the gate follows no redirects",
            )
            .against(Threat::AnpD0005),
            again: false,
        },
        500..=599 => {
            let refusal = Refusal::new(
                Code::UpstreamRefused,
                format!("the provider failed with status {}", status.as_u16()),
            );
            // Its words go neither to the caller nor to the log: they may repeat the prompt.
            // threat: ANP-0020
            let refusal = refusal.retry_after(wait.unwrap_or(1));
            Failed {
                refusal: refusal.with_status(if status.as_u16() == 503 || status.as_u16() == 529 {
                    503
                } else {
                    502
                }),
                again: true,
            }
        }
        _ => Failed {
            refusal: Refusal::new(
                Code::UpstreamGarbage,
                "the provider answered with a status that makes no sense",
            )
            .internally(format!("{status}")),
            again: false,
        },
    }
}

fn retry_after(response: &Response<Incoming>) -> Option<u64> {
    response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(|s: u64| s.min(3600))
}

/// `error.message` of either dialect, bounded.
async fn error_message(body: Incoming) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        error: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        message: String,
    }
    let read = tokio::time::timeout(ERROR_TIMEOUT, Limited::new(body, ERROR_BYTES_MAX).collect());
    let bytes = read.await.ok()?.ok()?.to_bytes();
    let body: Body = serde_json::from_slice(&bytes).ok()?;
    Some(body.error.message.chars().take(500).collect())
}
