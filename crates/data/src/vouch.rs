//! What own backends know the gate by: a token with each call, where a provider wants one, and the keys to check it
//! with, for everybody. Never logs a token, and signs nothing for a provider that does not ask for it.

use bytes::Bytes;
use domain::UnixMillis;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use identity::vouch::Call;

use crate::body::GateBody;
use crate::gate::Gate;
use crate::observe;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{IdentityToken, Provider};
use crate::stage::accept::{self, Arrival};
use crate::stage::admit::Rates;
use crate::stage::respond;
use crate::ticket::Ticket;

/// Half of what a new key is published ahead.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Puts the token on a call, last of all its headers, if the provider wants one. Without a key to sign with the
/// provider is not called.
// threat: ANP-0009
// threat: ANP-0006
// threat: ANP-0024
pub fn put_on(
    gate: &Gate,
    provider: &Provider,
    ticket: &Ticket,
    body: &Bytes,
    request: &mut Request<Full<Bytes>>,
) -> Gated<()> {
    let Some(wanted) = &provider.identity else {
        return Ok(());
    };
    let token = token(gate, wanted, ticket, body, request).ok_or_else(|| {
        Refusal::new(Code::NoTarget, "the gate cannot say who calls this provider now")
            .internally("no identity key signs now")
            .retry_after(1)
    })?;
    request.headers_mut().insert(wanted.header.clone(), token);
    Ok(())
}

fn token(
    gate: &Gate,
    wanted: &IdentityToken,
    ticket: &Ticket,
    body: &Bytes,
    request: &Request<Full<Bytes>>,
) -> Option<HeaderValue> {
    let now = UnixMillis::now();
    let keys = gate.vouch.load();
    let principal = &ticket.key.principal;
    let (subject, tenant, team) = (
        principal.key.to_string(),
        principal.tenant.to_string(),
        principal.team.to_string(),
    );
    let project = principal.project.map(|project| project.to_string());
    // A retry is another token: what backends remember of the first does not refuse it.
    let id = format!("{}.{}", ticket.id, ticket.attempts.saturating_add(1));
    let call = Call {
        issuer: &wanted.issuer,
        audience: &wanted.audience,
        subject: &subject,
        tenant: &tenant,
        team: &team,
        project: project.as_deref(),
        model: ticket.model.as_deref().unwrap_or_default(),
        id: &id,
        method: request.method().as_str(),
        address: &request.uri().to_string(),
        body,
    };
    let token = keys.signing(now)?.token(&call, now, wanted.lifetime);
    let text = if wanted.header == AUTHORIZATION {
        format!("Bearer {token}")
    } else {
        token
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The keys that verifiers need, where some provider is told who calls.
pub fn published(gate: &Gate, arrival: &Arrival) -> Response<GateBody> {
    if !gate.view.load().settings.vouches {
        return observe::turned_away(gate, arrival, &accept::no_such_path());
    }
    let set = gate.vouch.load().key_set(UnixMillis::now());
    let mut response = respond::whole(arrival, &Rates::default(), set.into());
    response.headers_mut().insert(CACHE_CONTROL, KEPT);
    response
}
