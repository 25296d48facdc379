//! Stage 4: rates, concurrency, and the money: nothing goes further without a reservation.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope};
use domain::Threat;
use ledger::Most;
use limit::{Remaining, Wait};

use super::accept::Forward;
use super::asking;
use super::authorize::Authorized;
use super::holding::{Asked, hold};
use crate::directory::ScopeLimits;
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Model, Settings};
use crate::ticket::Ticket;

/// A call that its limits and budgets hold.
#[derive(Debug)]
pub struct Admitted {
    pub(super) endpoint: Endpoint,
    pub(super) envelope: Envelope,
    pub(super) body: Bytes,
    pub(super) model: Arc<Model>,
    pub(super) forward: Forward,
    /// Output tokens to ask for where the caller asked for none and no target's own maximum is known.
    pub(super) output_tokens: Option<u64>,
}

impl Admitted {
    /// The model, with the targets that may serve the call.
    pub const fn model(&self) -> &Arc<Model> {
        &self.model
    }
}

/// What is left of a limit, for the answer's headers: the scarcest of all levels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Requests a minute.
    pub requests: Option<Remaining>,
    /// Tokens a minute.
    pub tokens: Option<Remaining>,
}

/// A call that its limits and budgets hold, and that nobody else was asked about.
#[derive(Debug)]
pub struct Held(Admitted);

/// Takes what the call may need of every limit and budget, all or nothing; then asks whoever else is to be asked.
pub async fn run(gate: &Gate, authorized: Authorized, ticket: &mut Ticket) -> Gated<Admitted> {
    let Held(admitted) = held(gate, authorized, ticket).await?;
    asking::run(gate, ticket, &admitted.model.name).await?;
    Ok(admitted)
}

/// The same without asking anybody else: for estimates, of which nothing is made.
// threat: AGP-D1
// threat: ANP-0004
// threat: ANP-0008
pub async fn held(gate: &Gate, authorized: Authorized, ticket: &mut Ticket) -> Gated<Held> {
    let Authorized {
        endpoint,
        envelope,
        body,
        model,
        forward,
        is_countable,
    } = authorized;
    let settings = ticket.settings.clone();
    let (most, output_tokens) = most(endpoint, &envelope, &model, &settings);
    let output_bound = most.output_tokens;
    ticket.tokens_bound = (most.prompt_tokens, output_bound);
    ticket.units = most.units;
    places(ticket, envelope.stream)?;
    rates(gate, ticket, &envelope, output_bound)?;
    let asked = Asked {
        endpoint,
        body: &body,
        envelope: &envelope,
        most: &most,
        is_countable,
    };
    let model = hold(gate, ticket, &asked, model).await?;
    Ok(Held(Admitted {
        endpoint,
        envelope,
        body,
        model,
        forward,
        output_tokens,
    }))
}

/// Concurrency at every level. The places are free again when the ticket is.
// threat: AGP-D2
// threat: CTX-T5
fn places(ticket: &mut Ticket, stream: bool) -> Gated<()> {
    let key = ticket.key.clone();
    for level in &key.limits {
        let kinds = [
            (&level.concurrent, true, "requests"),
            (&level.streams, stream, "streams"),
        ];
        for (places, wanted, what) in kinds {
            let Some(places) = places.as_ref().filter(|_| wanted) else {
                continue;
            };
            let permit = places.acquire().map_err(|full| {
                let detail = format!(
                    "this {} may have {} {what} under way at once",
                    level.level, full.max
                );
                Refusal::new(Code::TooManyConcurrent, detail)
                    .against(Threat::AgpD2)
                    .retry_after(1)
            })?;
            ticket.permits.push(permit);
        }
    }
    Ok(())
}

/// Requests and tokens a minute. Tokens are taken by estimate and corrected when the call is settled.
fn rates(gate: &Gate, ticket: &mut Ticket, envelope: &Envelope, output_bound: u64) -> Gated<()> {
    let now_ns = gate.monotonic_ns(ticket.clock);
    let key = ticket.key.clone();
    for level in &key.limits {
        if let Some(requests) = &level.requests {
            let remaining = requests.check(1, now_ns).map_err(|wait| {
                let detail = format!("this {} may make {} requests a minute", level.level, wait.limit);
                limited(Code::RateLimited, detail, &wait)
            })?;
            scarcest(&mut ticket.rates.requests, remaining);
        }
        take_tokens(level, ticket, envelope, output_bound, now_ns)?;
    }
    Ok(())
}

fn take_tokens(
    level: &Arc<ScopeLimits>,
    ticket: &mut Ticket,
    envelope: &Envelope,
    output_bound: u64,
    now_ns: u64,
) -> Gated<()> {
    let Some(tokens) = &level.tokens else {
        return Ok(());
    };
    let most = level.tokens_per_minute();
    // A quarter of the bytes is what prose usually comes to; one call may use the whole minute's worth.
    let expected =
        (envelope.text_bytes / 4).saturating_add(envelope.max_output_tokens.unwrap_or(0).min(output_bound));
    let cost = u32::try_from(expected.max(1)).unwrap_or(u32::MAX).min(most);
    let remaining = tokens.check(cost, now_ns).map_err(|wait| {
        let detail = format!(
            "this {} may use {most} tokens a minute, this call may need {cost}",
            level.level
        );
        limited(Code::TokensRateLimited, detail, &wait)
    })?;
    scarcest(&mut ticket.rates.tokens, remaining);
    ticket.tokens_taken.push((level.clone(), remaining));
    Ok(())
}

fn limited(code: Code, detail: String, wait: &Wait) -> Box<Refusal> {
    let refusal = Refusal::new(code, detail).against(Threat::AgpD1);
    if wait.never {
        refusal
    } else {
        refusal.retry_after(wait.retry_after_ns.div_ceil(1_000_000_000))
    }
}

fn scarcest(kept: &mut Option<Remaining>, found: Remaining) {
    if kept.is_none_or(|kept| found.remaining < kept.remaining) {
        *kept = Some(found);
    }
}

/// The most that the call can use; and how many output tokens to ask for, when nobody says.
pub fn most(
    endpoint: Endpoint,
    envelope: &Envelope,
    model: &Model,
    settings: &Settings,
) -> (Most, Option<u64>) {
    let (output_tokens, ask) = output_bound(endpoint, envelope, model, settings);
    let most = Most {
        prompt_tokens: tokenizer::upper_bound(envelope.text_bytes, envelope.messages, envelope.images),
        output_tokens,
        dear_tier: envelope.dear_tier,
        long_cache: envelope.long_cache,
        units: envelope.units(),
    };
    (most, ask)
}

/// The most tokens the call can generate, over all choices; and what to ask for, when nobody says.
fn output_bound(
    endpoint: Endpoint,
    envelope: &Envelope,
    model: &Model,
    settings: &Settings,
) -> (u64, Option<u64>) {
    if matches!(endpoint, Endpoint::Embeddings | Endpoint::CountTokens) {
        return (0, None);
    }
    let choices = u64::from(envelope.choices.max(1));
    if let Some(asked) = envelope.max_output_tokens {
        return (asked.saturating_mul(choices), None);
    }
    let known = model
        .targets
        .iter()
        .map(|t| t.output_tokens_max)
        .try_fold(0, |most, one| one.map(|one| one.max(most)));
    let allowed = model.output_tokens_max.unwrap_or(u64::MAX);
    match known.filter(|known| *known <= allowed && *known <= settings.output_tokens_default) {
        Some(known) => (known.saturating_mul(choices), None),
        None => {
            let ask = settings.output_tokens_default.min(allowed);
            (ask.saturating_mul(choices), Some(ask))
        }
    }
}
