//! Stage 10: guards on the way out, over the whole answer here or the live stream in [`crate::live`].

use bytes::Bytes;
use guard::{Action, Direction, Explained, Kind, Mode, Origin};
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Limited};
use ledger::UsageSource;
use limit::Outcome as Health;

use super::inspect_input::Inspected;
use super::upstream::Answering;
use crate::allowance::in_time;
use crate::connectors;
use crate::facts;
use crate::form;
use crate::found::Findings;
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::{Ticket, Used};

/// A whole answer that may go to the caller, in its dialect.
#[derive(Debug)]
pub struct Cleared {
    pub(crate) body: Bytes,
    pub(crate) used: Used,
}

/// Reads, measures and inspects a whole answer.
pub async fn whole(
    gate: &Gate,
    answering: Answering,
    call: &Inspected,
    ticket: &mut Ticket,
) -> Gated<Cleared> {
    let Answering {
        target,
        endpoint,
        response,
        health,
    } = answering;
    let read = read(response, ticket, target.provider.deadlines.total).await;
    let understood = read.and_then(|body| {
        let facts = dialect::read_response(endpoint, &body).map_err(|error| {
            Refusal::new(Code::UpstreamGarbage, "the provider's answer makes no sense")
                .internally(error.to_string())
        })?;
        Ok((body, facts))
    });
    // threat: ANP-0019
    let outcome = if understood.is_ok() {
        Health::Success
    } else {
        Health::Failure
    };
    health.report(outcome, gate.monotonic_ns(std::time::Instant::now()));
    let (body, facts) = understood?;
    ticket.seen.usage = facts.usage;
    ticket.seen.tier = facts.tier;
    ticket.seen.text_bytes = facts.output_text_bytes;
    let body = guarded(endpoint, body, ticket)?;
    let body = connectors::output(gate, endpoint, body, ticket).await?;
    let body = if call.endpoint.dialect() == target.provider.dialect {
        body
    } else {
        let translated =
            dialect::translate_response(call.endpoint, target.provider.dialect, &body, &call.model.name);
        translated
            .map_err(|error| {
                Refusal::new(
                    Code::UpstreamGarbage,
                    "the provider's answer cannot be translated",
                )
                .internally(error.to_string())
            })?
            .into()
    };
    let used = match facts.usage {
        _ if call.endpoint == dialect::Endpoint::CountTokens => Used::NOTHING,
        Some(usage) => Used {
            usage,
            source: UsageSource::Provider,
        },
        None => {
            keep_text(endpoint, &body, ticket);
            super::settle::estimate(ticket).await
        }
    };
    Ok(Cleared { body, used })
}

/// An answer from the cache: it cost nothing, and it is inspected like any other.
pub async fn cached(gate: &Gate, body: Bytes, call: &Inspected, ticket: &mut Ticket) -> Gated<Cleared> {
    ticket.cached = true;
    let body = guarded(call.endpoint, body, ticket)?;
    let body = connectors::output(gate, call.endpoint, body, ticket).await?;
    Ok(Cleared {
        body,
        used: Used::NOTHING,
    })
}

// threat: AGP-I3
// threat: ANP-0010
// threat: ANP-0023
fn guarded(endpoint: dialect::Endpoint, body: Bytes, ticket: &mut Ticket) -> Gated<Bytes> {
    let (plan, now) = (ticket.plan.clone(), ticket.started);
    if plan.is_off(Direction::Output) {
        return Ok(body);
    }
    let mut findings = Findings {
        explained: whole_of(endpoint, &body, ticket)?,
        found: Vec::new(),
    };
    let context = ticket.context.clone();
    if plan.may_match(Direction::Output, &body) {
        let allowance = &mut ticket.allowance;
        dialect::visit_response_text(endpoint, &body, &mut |text| {
            let said = (text, Origin::Assistant);
            allowance.spend(|| {
                plan.scan_with(
                    Direction::Output,
                    said,
                    context.as_deref(),
                    now,
                    &mut findings.found,
                );
            });
        })
        .map_err(|error| uninspected(&error))?;
    }
    ticket.note_findings(Direction::Output, findings.all());
    let strictest = findings.strictest();
    if strictest == Some(Action::Block) {
        return Err(findings.refusal(&plan, Direction::Output));
    }
    in_time(ticket, Direction::Output)?;
    if strictest.is_none_or(|action| action < Action::Mask) {
        return Ok(body);
    }
    let (allowance, is_flagged) = (&mut ticket.allowance, ticket.settings.guarding.is_flagged);
    let redacted = dialect::redact_response(endpoint, &body, &mut |text| {
        let redact = || {
            plan.redacted_with(
                Direction::Output,
                (text, Origin::Assistant),
                context.as_deref(),
                now,
            )
        };
        match is_flagged {
            // What was found is replaced, however late it is.
            true => redact(),
            false => allowance.spend(redact).flatten(),
        }
    });
    in_time(ticket, Direction::Output)?;
    redacted.map(Bytes::from).map_err(|error| uninspected(&error))
}

/// What of an answer is of another form than was asked for, and what of it no guard can read. Asked only where a profile does.
fn whole_of(endpoint: dialect::Endpoint, body: &[u8], ticket: &Ticket) -> Gated<Vec<Explained>> {
    let (plan, now) = (&ticket.plan, ticket.started);
    let looks = |kind: Kind| plan.looks(Direction::Output, kind) != Mode::Off;
    if !looks(Kind::Format) && !looks(Kind::Unread) {
        return Ok(Vec::new());
    }
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(
            Code::UpstreamGarbage,
            "the provider's answer could not be inspected",
        )
        .internally(error.to_string())
    })?;
    let mut found = form::judged(plan, endpoint.dialect(), &value, now);
    found.extend(plan.unread(Direction::Output, &facts::answered(&value), now));
    Ok(found)
}

/// What could not be inspected does not pass.
pub(crate) fn uninspected(error: &dialect::DialectError) -> Box<Refusal> {
    Refusal::new(
        Code::UpstreamGarbage,
        "the provider's answer could not be inspected",
    )
    .internally(error.to_string())
}

fn keep_text(endpoint: dialect::Endpoint, body: &[u8], ticket: &mut Ticket) {
    let seen = &mut ticket.seen;
    seen.text_bytes = 0;
    let _ = dialect::visit_response_text(endpoint, body, &mut |text| seen.text(text));
}

async fn read(
    response: http::Response<hyper::body::Incoming>,
    ticket: &Ticket,
    total: std::time::Duration,
) -> Gated<Bytes> {
    let json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|v| v.as_bytes().starts_with(b"application/json"));
    if !json {
        return Err(Refusal::new(
            Code::UpstreamGarbage,
            "the provider's answer is not JSON",
        ));
    }
    let bytes_max = ticket.settings.bounds.answer_bytes_max;
    let left = total.saturating_sub(ticket.clock.elapsed());
    match tokio::time::timeout(left, Limited::new(response.into_body(), bytes_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Refusal::new(
            Code::UpstreamTooLarge,
            format!("the provider's answer is larger than {bytes_max} bytes"),
        )),
        Ok(Err(error)) => Err(
            Refusal::new(Code::UpstreamBroken, "the provider's answer broke off")
                .internally(error.to_string()),
        ),
        Err(_) => Err(Refusal::new(
            Code::UpstreamTimeout,
            "the provider did not finish in time",
        )),
    }
}
