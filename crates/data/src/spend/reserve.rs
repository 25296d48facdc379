//! `POST /v1/spend/reserve`: what a call may cost is held as if it were made here; the caller makes it elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialect::Endpoint;
use domain::{RequestId, Threat, UnixMillis};
use http::Response;
use serde::Serialize;

use super::table::{Full, Known, Most, Named, Open, Place};
use super::wire::{Reference, Wish};
use super::{answered, written};
use crate::body::GateBody;
use crate::gate::Gate;
use crate::pipeline;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Bounds, Model};
use crate::stage::accept::Arrival;
use crate::stage::authorize::Understood;
use crate::stage::identify::Identified;
use crate::stage::{admit, authorize, settle};
use crate::ticket::Ticket;

/// What the caller is told. Its fields are stable: callers read them.
#[derive(Debug, Serialize)]
struct Given<'a> {
    reservation: Reference,
    request: RequestId,
    model: &'a str,
    /// Those that may serve the call: money is held for no other.
    targets: Vec<&'a str>,
    bound: Bound,
    price_version: Arc<str>,
    expires: String,
    expires_in_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    settle_at: Option<&'a str>,
}

/// The most that the call may use. Whoever makes it must ask for no more output than this.
#[derive(Debug, Serialize)]
struct Bound {
    cost_nanos: i64,
    prompt_tokens: u64,
    output_tokens: u64,
}

/// How a body says what is wanted, and how the reservation is kept.
pub(super) struct Form<F> {
    /// Understands the call.
    pub(super) understand: F,
    /// Whether it came by the webhook's form.
    pub(super) is_by_webhook: bool,
}

/// What was given, or what was given before under the same name.
pub(super) enum Reserved {
    Now(Reference, Bytes),
    Before(Bytes),
}

pub(super) async fn run(
    gate: &Arc<Gate>,
    arrival: &Arrival,
    identified: Identified,
    endpoint: Endpoint,
) -> Response<GateBody> {
    let form = Form {
        understand: own_form,
        is_by_webhook: false,
    };
    let mut ticket = identified.open_ticket(gate, endpoint);
    let held = hold(gate, identified, &mut ticket, form).await;
    let rates = ticket.rates;
    match held.and_then(|held| keep(gate, &mut ticket, held)) {
        Ok(Reserved::Now(_, body)) => answered(arrival, &rates, body),
        Ok(Reserved::Before(body)) => {
            ticket.withdraw(gate.monotonic_ns(Instant::now()));
            answered(arrival, &rates, body)
        }
        Err(refusal) => pipeline::refuse(gate, arrival, ticket, refusal).await,
    }
}

fn own_form(endpoint: Endpoint, body: &Bytes, bounds: &Bounds) -> Gated<(Understood, Wish)> {
    let wish = Wish::read(body)?;
    Ok((wish.understand(endpoint, body, bounds)?, wish))
}

/// What is held, before it is kept.
pub(super) enum Held {
    Now {
        model: Arc<Model>,
        place: Place,
        name: Option<String>,
        lasts: Duration,
        is_by_webhook: bool,
    },
    Before(Bytes),
}

/// Stages 3 and 4, and the intent.
// threat: AGP-D1
// threat: ANP-0004
pub(super) async fn hold<F>(
    gate: &Gate,
    identified: Identified,
    ticket: &mut Ticket,
    form: Form<F>,
) -> Gated<Held>
where
    F: FnOnce(Endpoint, &Bytes, &Bounds) -> Gated<(Understood, Wish)>,
{
    let key = identified.key().principal.key;
    let own = ticket.settings.reservations.clone();
    let mut wish = Wish::default();
    let understand = |endpoint, body: &Bytes, bounds: &Bounds| {
        let (understood, wished) = (form.understand)(endpoint, body, bounds)?;
        wish = wished;
        Ok(understood)
    };
    let endpoint = ticket.endpoint;
    let authorized = authorize::run_as(gate, endpoint, identified, ticket, understand).await?;
    let lasts = wish.lasts(own.lasts)?;
    if let (Some(name), Some(asked)) = (&wish.request_id, ticket.request_digest) {
        match gate.spend.known(key, name, asked) {
            Known::New => {}
            Known::Same(answer) => return Ok(Held::Before(answer)),
            Known::Other => return Err(taken(name)),
        }
    }
    let place = gate.spend.place(&ticket.key.principal, own.most);
    let place = place.map_err(|who| full(gate, who, own.most))?;
    let admitted = admit::run(gate, authorized, ticket).await?;
    settle::intend(gate, ticket).await?;
    ticket.prompt = Bytes::new();
    Ok(Held::Now {
        model: admitted.model().clone(),
        place,
        name: wish.request_id,
        lasts,
        is_by_webhook: form.is_by_webhook,
    })
}

/// Keeps what is held. The ticket is in the table then, and another, closed, in its place.
pub(super) fn keep(gate: &Gate, ticket: &mut Box<Ticket>, held: Held) -> Gated<Reserved> {
    let (model, place, name, lasts, is_by_webhook) = match held {
        Held::Before(answer) => return Ok(Reserved::Before(answer)),
        Held::Now {
            model,
            place,
            name,
            lasts,
            is_by_webhook,
        } => (model, place, name, lasts, is_by_webhook),
    };
    let which = Reference {
        request: ticket.id,
        node: gate.node,
    };
    let answer = written(&given(which, ticket, &model, lasts))?;
    let named = Named {
        asked: ticket.request_digest.unwrap_or_else(|| blake3::hash(b"")),
        answer: answer.clone(),
        name: name.clone(),
    };
    let open = Box::new(Open {
        ticket: ticket.salvage(),
        model,
        place,
    });
    let until = Instant::now() + lasts;
    if let Err(open) = gate.spend.keep(open, named, (until, is_by_webhook)) {
        *ticket = open.ticket;
        return Err(taken(&name.unwrap_or_default()));
    }
    gate.metrics.gauges().reservations_open.set(gate.spend.open());
    Ok(Reserved::Now(which, answer))
}

fn given<'a>(which: Reference, ticket: &'a Ticket, model: &'a Model, lasts: Duration) -> Given<'a> {
    let expires = UnixMillis::now().plus(lasts);
    let expires = jiff::Timestamp::from_millisecond(expires.0).unwrap_or_default();
    let (prompt_tokens, output_tokens) = ticket.tokens_bound;
    Given {
        reservation: which,
        request: which.request,
        model: &model.name,
        targets: model.targets.iter().map(|target| &*target.label).collect(),
        bound: Bound {
            cost_nanos: ticket.bound.cost.nanos(),
            prompt_tokens,
            output_tokens,
        },
        price_version: ticket.price_version(),
        expires: format!("{expires:.3}"),
        expires_in_s: lasts.as_secs(),
        settle_at: ticket.settings.reservations.settle_at.as_deref(),
    }
}

// threat: ANP-0008
fn full(gate: &Gate, who: Full, most: Most) -> Box<Refusal> {
    gate.metrics.gauges().reservations_refused.inc();
    let detail = match who {
        Full::Key => format!(
            "this key may have {} reservations open: settle or void some",
            most.per_key
        ),
        Full::Tenant => format!(
            "all keys of your tenant together may have {} reservations open: settle or void some",
            most.per_tenant
        ),
        Full::Node => "too many reservations are open here: settle or void what you do not need".to_owned(),
    };
    Refusal::new(Code::TooManyConcurrent, detail)
        .against(Threat::Anp0008)
        .retry_after(1)
}

fn taken(name: &str) -> Box<Refusal> {
    let detail = format!("`{name}` stands for another reservation of this key");
    Refusal::new(Code::ReservationConflict, detail)
}
