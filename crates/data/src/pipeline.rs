//! The life of a request, top to bottom. New behaviour is an engine that a stage calls, never an `if` here.

use std::sync::Arc;

use dialect::Endpoint;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::body::GateBody;
use crate::gate::Gate;
use crate::history::Capture;
use crate::live::Live;
use crate::peer::Peer;
use crate::refusal::{Gated, Refusal};
use crate::stage::accept::{Arrival, Wanted};
use crate::stage::cache::Cached;
use crate::stage::identify::Identified;
use crate::stage::inspect_output::Cleared;
use crate::stage::settle::End;
use crate::stage::{
    accept, admit, attempts, authorize, cache, identify, inspect_input, inspect_output, respond, settle,
};
use crate::ticket::{Ticket, Used};
use crate::{bypass, count, estimate, models, observe, receipt, spend, token, unmask, usage, vouch};

/// What a call brings before it is settled.
enum Answer {
    Whole(Cleared),
    Live(Box<LiveAnswer>),
}

type LiveAnswer = (crate::stage::upstream::Answering, inspect_input::Inspected);

/// Answers one request. `is_ambiguous`: its head came over the wire in two framings.
pub async fn run(
    gate: &Arc<Gate>,
    peer: Peer,
    request: Request<Incoming>,
    is_ambiguous: bool,
) -> Response<GateBody> {
    let arrival = Arrival::of(gate, &request, is_ambiguous);
    let accepted = accept::run(gate, &arrival, peer, request);
    let accepted = match (accepted, gate.bypassed()) {
        (Ok((accepted, _)), Some(view)) => return bypass::run(gate, &view, &arrival, accepted).await,
        (accepted, _) => accepted,
    };
    if let Ok((accepted, _)) = &accepted
        && *accepted.wanted() == Wanted::Keys
    {
        return vouch::published(gate, &arrival);
    }
    let identified = match accepted {
        Ok((accepted, head)) if spend::may_name_its_key(accepted.wanted()) => {
            Box::pin(identify::by_body(gate, accepted, &head)).await
        }
        accepted => accepted.and_then(|(accepted, head)| identify::run(gate, accepted, &head)),
    };
    let mut identified = match identified {
        Ok(identified) => identified,
        Err(refusal) => return observe::turned_away(gate, &arrival, &refusal),
    };
    let endpoint = match identified.wanted() {
        Wanted::Call(endpoint) => *endpoint,
        Wanted::Estimate(endpoint) => {
            let endpoint = *endpoint;
            return estimate::run(gate, &arrival, identified, endpoint).await;
        }
        Wanted::Token => return token::run(gate, &arrival, identified).await,
        Wanted::Usage(_) => return usage::told(gate, &arrival, identified).await,
        Wanted::Receipt(_) => return receipt::given(gate, &arrival, identified).await,
        Wanted::Spend(what) => {
            let what = *what;
            return Box::pin(spend::run(gate, &arrival, identified, what)).await;
        }
        Wanted::Models(_) => return models::run(gate, &arrival, &mut identified).await,
        Wanted::Keys => return vouch::published(gate, &arrival),
    };
    let mut ticket = identified.open_ticket(gate, endpoint);
    ticket.data_class = identified.data_class();
    ticket.capture = Capture::of(
        &ticket.key.history,
        ticket.data_class,
        &ticket.settings.history_days_max,
    );
    match call(gate, endpoint, identified, &mut ticket).await {
        Ok(Answer::Whole(cleared)) => finish(gate, &arrival, ticket, cleared).await,
        Ok(Answer::Live(answer)) => {
            let rates = ticket.rates;
            respond::live(
                &arrival,
                &rates,
                Live::new(gate.clone(), answer.0.live(ticket, &answer.1)),
            )
        }
        Err(refusal) => refuse(gate, &arrival, ticket, refusal).await,
    }
}

/// Stages 3 to 10.
async fn call(
    gate: &Arc<Gate>,
    endpoint: Endpoint,
    identified: Identified,
    ticket: &mut Ticket,
) -> Gated<Answer> {
    let authorized = authorize::run(gate, endpoint, identified, ticket).await?;
    let admitted = admit::run(gate, authorized, ticket).await?;
    let inspected = inspect_input::run(gate, admitted, ticket).await?;
    let missed = match cache::run(gate, inspected, ticket)? {
        Cached::Hit(body, call) => {
            let cleared = inspect_output::cached(gate, body, &call, ticket).await;
            return cleared.map(Answer::Whole);
        }
        Cached::Miss(missed) => missed,
    };
    let (inspected, keep) = missed.into_parts();
    if let Some(counted) = count::answer(endpoint, &inspected).await {
        return Ok(Answer::Whole(counted));
    }
    let (answering, call) = attempts::run(gate, inspected, ticket).await?;
    if call.is_stream() {
        return Ok(Answer::Live(Box::new((answering, call))));
    }
    let cleared = inspect_output::whole(gate, answering, &call, ticket).await?;
    cache::keep(gate, keep, &cleared.body);
    Ok(Answer::Whole(cleared))
}

/// Stages 11 and 12 of a whole answer.
async fn finish(
    gate: &Gate,
    arrival: &Arrival,
    mut ticket: Box<Ticket>,
    cleared: Cleared,
) -> Response<GateBody> {
    let rates = ticket.rates;
    let sent = match unmask::whole(ticket.endpoint, &cleared.body, &ticket) {
        Ok(sent) => sent,
        Err(refusal) => return refuse(gate, arrival, ticket, refusal).await,
    };
    ticket.response_digest = Some(blake3::hash(&sent));
    if let Some(capture) = &mut ticket.capture {
        capture.answered(&sent, &cleared.body);
    }
    let promise = receipt::promised(&mut ticket);
    match settle::run(gate, ticket, End::completed(cleared.used)).await {
        Ok(()) => receipt::signed(gate, promise, respond::whole(arrival, &rates, sent)),
        Err(refusal) => respond::refusal(arrival, &rates, &refusal),
    }
}

/// Stages 11 and 12 of a refusal: it is an answer too.
pub(crate) async fn refuse(
    gate: &Gate,
    arrival: &Arrival,
    mut ticket: Box<Ticket>,
    refusal: Box<Refusal>,
) -> Response<GateBody> {
    let rates = ticket.rates;
    observe::refused(gate, &ticket, &refusal);
    let used = if ticket.may_be_billed {
        settle::estimate(&ticket).await
    } else {
        Used::NOTHING
    };
    let response = respond::refusal(arrival, &rates, &refusal);
    let promise = receipt::promised(&mut ticket);
    if let (Some(capture), GateBody::Whole(Some(body))) = (&mut ticket.capture, response.body()) {
        capture.answered(body, body);
    }
    if let (Some(_), GateBody::Whole(Some(body))) = (&promise, response.body()) {
        ticket.response_digest = Some(blake3::hash(body));
    }
    match settle::run(gate, ticket, End::refused(&refusal, used)).await {
        Ok(()) => receipt::signed(gate, promise, response),
        Err(unrecorded) => {
            tracing::error!(internal = unrecorded.internal, "a refusal could not be recorded");
            response
        }
    }
}
