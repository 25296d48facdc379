//! Counts, spans and log lines of calls. Nothing here decides anything, and nothing holds content.

use std::time::{Instant, SystemTime};

use dialect::Dialect;
use domain::{Money, Operation};
use http::Response;
use ledger::{Entry, Outcome};
use telemetry::metrics::{BreakerState, Dialect as Spoken, Ended};
use telemetry::trace::{CallSpan, TraceParent};

use crate::body::GateBody;
use crate::gate::Gate;
use crate::refusal::{Fault, Refusal};
use crate::settings::Target;
use crate::stage::accept::Arrival;
use crate::stage::admit::Rates;
use crate::stage::respond;
use crate::telling;
use crate::ticket::Ticket;

/// Refuses a request of nobody we know: no tenant, so no ledger; a count and a log line.
pub fn turned_away(gate: &Gate, arrival: &Arrival, refusal: &Refusal) -> Response<GateBody> {
    gate.metrics.refusal(refusal.code.as_str());
    tracing::info!(
        request = %arrival.id,
        code = refusal.code.as_str(),
        threat = refusal.threat.map(|t| t.id()),
        internal = refusal.internal,
        "turned away"
    );
    respond::refusal(arrival, &Rates::default(), refusal)
}

/// A refusal of a known caller's call. It is settled and recorded like any answer.
pub fn refused(gate: &Gate, ticket: &Ticket, refusal: &Refusal) {
    gate.metrics.refusal(refusal.code.as_str());
    telling::refused(gate, ticket, refusal);
    let (request, key, code) = (ticket.id, ticket.key.principal.key, refusal.code.as_str());
    let threat = refusal.threat.map(|t| t.id());
    match refusal.code.fault() {
        Fault::Downstream => {
            tracing::info!(%request, %key, code, threat, internal = refusal.internal, "refused");
        }
        Fault::Upstream | Fault::Ours => {
            tracing::warn!(%request, %key, code, threat, internal = refusal.internal, "refused");
        }
    }
}

/// One attempt at a target failed.
pub fn attempt_failed(gate: &Gate, target: &Target, refusal: &Refusal) {
    breaker(gate, target);
    target.metrics.attempt();
    target.metrics.failure(refusal.code.as_str());
    tracing::warn!(
        target = %target.label,
        code = refusal.code.as_str(),
        internal = refusal.internal,
        "an attempt failed"
    );
}

/// Shows whether a target is called now.
fn breaker(gate: &Gate, target: &Target) {
    let (state, turned) = target.breaker.look(gate.monotonic_ns(Instant::now()));
    target.metrics.breaker(match state {
        limit::BreakerState::Closed => BreakerState::Closed,
        limit::BreakerState::Open { .. } => BreakerState::Open,
        limit::BreakerState::HalfOpen => BreakerState::HalfOpen,
    });
    if let Some(turned) = turned {
        telling::turned(gate, target, turned);
    }
}

/// A list of models was given.
pub fn listed(gate: &Gate, openai: bool) {
    let dialect = if openai { Spoken::OpenAi } else { Spoken::Anthropic };
    gate.metrics
        .request(Operation::ListModels, dialect, Ended::Completed, 200);
}

/// A call was settled.
pub fn settled(gate: &Gate, ticket: &Ticket, entry: &Entry) {
    let dialect = match ticket.dialect() {
        Dialect::OpenAi => Spoken::OpenAi,
        Dialect::Anthropic => Spoken::Anthropic,
    };
    let ended = match &entry.outcome {
        Outcome::Completed => Ended::Completed,
        Outcome::Refused(_) => Ended::Refused,
        Outcome::ClientGone => Ended::ClientGone,
        Outcome::UpstreamFailed(_) | Outcome::Interrupted => Ended::UpstreamFailed,
        Outcome::Reported(how) => reported(how),
        // Corrections are made elsewhere.
        Outcome::Adjusted => Ended::Completed,
    };
    gate.metrics
        .request(entry.operation, dialect, ended, entry.status);
    let took = ticket.clock.elapsed();
    if let Some(target) = &ticket.target {
        breaker(gate, target);
        if matches!(entry.outcome, Outcome::Completed | Outcome::ClientGone) {
            target.metrics.attempt();
        }
        target.model_metrics.settled(&entry.usage, entry.cost);
        target.model_metrics.duration(took);
        if let Some(first) = ticket.first_byte {
            target
                .model_metrics
                .first_token(first.saturating_duration_since(ticket.clock));
        }
    }
    if let Some(called) = ticket.upstream_started.filter(|_| !ticket.streamed) {
        gate.metrics
            .added_latency(called.saturating_duration_since(ticket.clock));
    }
    if gate.tracer.is_on() {
        span(gate, ticket, entry);
    }
}

/// How a call that was made elsewhere counts.
fn reported(how: &str) -> Ended {
    match how {
        "completed" => Ended::Completed,
        "voided" => Ended::ClientGone,
        _ => Ended::UpstreamFailed,
    }
}

fn span(gate: &Gate, ticket: &Ticket, entry: &Entry) {
    let parent = ticket
        .traceparent
        .as_ref()
        .and_then(|v| v.to_str().ok())
        .and_then(TraceParent::parse);
    let now = SystemTime::now();
    let at = |then: Instant| now.checked_sub(then.elapsed()).unwrap_or(now);
    let code = match &entry.outcome {
        Outcome::Refused(code) | Outcome::UpstreamFailed(code) => crate::refusal::Code::ALL
            .iter()
            .map(|c| c.as_str())
            .find(|known| known == code),
        Outcome::ClientGone => Some("client_gone"),
        Outcome::Completed | Outcome::Interrupted | Outcome::Reported(_) | Outcome::Adjusted => None,
    };
    gate.tracer.record(&CallSpan {
        parent,
        started: at(ticket.clock),
        ended: now,
        request: entry.id,
        operation: entry.operation,
        model: entry.model.as_deref(),
        response_model: ticket.target.as_ref().map(|t| t.model.as_str()),
        provider: ticket.target.as_ref().map(|t| &*t.provider.name),
        usage: entry.usage,
        cost: entry.cost.max(Money::ZERO),
        status: entry.status,
        error: code,
        attempts: entry.attempts,
        streamed: ticket.streamed,
        first_token: ticket.first_byte.map(at),
        stages: &[],
    });
}
