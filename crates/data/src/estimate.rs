//! `POST /v1/estimate`: what a call would use at most and cost, and whether its limits and budgets would hold it.
//!
//! The body is that of the call. Identification, policies, limits and budgets judge it as they would the call, with
//! the same answers where they refuse it, and it counts as a request; then everything that it held is given back.
//! Nothing is sent, billed or recorded, and nothing is said that the call's own refusal would not say.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope};
use domain::{Money, UnixMillis, Usage};
use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use ledger::Most;
use serde::Serialize;
use tokenizer::Count;

use crate::body::GateBody;
use crate::directory::charged::{self, Charged};
use crate::gate::Gate;
use crate::pipeline;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Model, Settings};
use crate::stage::accept::Arrival;
use crate::stage::identify::Identified;
use crate::stage::{admit, authorize, holding, respond};
use crate::ticket::Ticket;

/// What a call would use and cost. Its serialised fields are stable: callers read them.
#[derive(Debug, Serialize)]
pub struct Estimate {
    /// The model the caller named.
    pub model: Arc<str>,
    /// Tokens of the prompt.
    pub prompt: Prompt,
    /// The most tokens that would be generated, over all choices.
    pub output_tokens_max: u64,
    /// What it would cost, at the dearest of the model's targets; nothing where one of them has no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The price list.
    pub price_version: Arc<str>,
}

/// Tokens of a prompt.
#[derive(Debug, Serialize)]
pub struct Prompt {
    /// Counted.
    pub tokens: u64,
    /// By what: a vocabulary's name, `bytes/4` for a guess, `none` where there was no text.
    pub tokenizer: &'static str,
    /// Whether that is the model's own. A template's tokens are a guess all the same.
    pub is_exact: bool,
    /// The most that there can be: what is reserved for.
    pub tokens_max: u64,
}

/// What a call would cost, in nano-USD.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// The prompt as counted, all of it out of the provider's cache at the cheapest target; no answer.
    pub least_nanos: i64,
    /// The prompt as counted, none of it cached; no answer.
    pub prompt_nanos: i64,
    /// What is reserved for it: the most that it can cost.
    pub most_nanos: i64,
}

/// What the caller is told.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    estimate: Estimate,
    /// Whether it would be made now.
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by: Option<RefusedBy>,
}

/// The refusal that the call would get.
#[derive(Serialize)]
struct RefusedBy {
    code: &'static str,
    status: u16,
    message: String,
}

impl Estimate {
    /// Estimates a call, at what its tenant is charged. Slow for large prompts: call it off the hot path.
    pub fn of(
        (endpoint, body): (Endpoint, &[u8]),
        envelope: &Envelope,
        model: &Model,
        (charged, settings): (Option<&Charged>, &Settings),
        at: UnixMillis,
    ) -> Self {
        let (most, _) = admit::most(endpoint, envelope, model, settings);
        let upstream = model.targets.first().map(|target| target.model.as_str());
        let count = crate::count::prompt(endpoint, body, upstream.unwrap_or_default());
        Self {
            model: model.name.clone(),
            cost: cost(endpoint, model, (charged, settings), (at, &most), &count),
            output_tokens_max: most.output_tokens,
            price_version: charged::version(charged, settings),
            prompt: Prompt {
                tokens: count.tokens.min(most.prompt_tokens),
                tokenizer: count.tokenizer,
                is_exact: count.exact,
                tokens_max: most.prompt_tokens,
            },
        }
    }
}

fn cost(
    endpoint: Endpoint,
    model: &Model,
    (charged, settings): (Option<&Charged>, &Settings),
    (at, most): (UnixMillis, &Most),
    count: &Count,
) -> Option<Cost> {
    let bound = holding::bound(endpoint, model, (charged, settings), (at, most))
        .ok()?
        .cost;
    let input = count.tokens.min(most.prompt_tokens);
    let usage = Usage {
        input,
        units: most.units,
        ..Usage::default()
    };
    let prices = || {
        let targets = model.targets.iter();
        targets.filter_map(|target| charged::prices(charged, target).at(at).copied())
    };
    let prompt = prices().map(|price| price.cost(&usage)).max();
    let least = prices().map(|price| price.least(input)).min();
    Some(Cost {
        least_nanos: least.unwrap_or(Money::ZERO).nanos(),
        prompt_nanos: prompt.unwrap_or(Money::ZERO).nanos(),
        most_nanos: bound.nanos(),
    })
}

/// Estimates, or refuses as the call would be refused.
// threat: AGP-D1
// threat: AGP-E1
// threat: ANP-0015
pub async fn run(
    gate: &Gate,
    arrival: &Arrival,
    identified: Identified,
    endpoint: Endpoint,
) -> Response<GateBody> {
    let mut ticket = identified.open_ticket(gate, endpoint);
    let (rates, body) = match answer(gate, endpoint, identified, &mut ticket).await {
        Ok(body) => {
            let rates = ticket.rates;
            ticket.withdraw(gate.monotonic_ns(std::time::Instant::now()));
            (rates, body)
        }
        Err(refusal) => return pipeline::refuse(gate, arrival, ticket, refusal).await,
    };
    let mut response = respond::whole(arrival, &rates, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(
    gate: &Gate,
    endpoint: Endpoint,
    identified: Identified,
    ticket: &mut Ticket,
) -> Gated<Bytes> {
    let authorized = authorize::run(gate, endpoint, identified, ticket).await?;
    let (envelope, body, model) = authorized.asked();
    let refused = match admit::held(gate, authorized, ticket).await {
        Ok(_) => None,
        Err(refusal) if is_about_money(refusal.code) => Some(refusal),
        Err(refusal) => return Err(refusal),
    };
    let (key, settings, at) = (ticket.key.clone(), ticket.settings.clone(), ticket.started);
    let counted = tokio::task::spawn_blocking(move || {
        Estimate::of(
            (endpoint, &body),
            &envelope,
            &model,
            (key.charged.as_deref(), &settings),
            at,
        )
    });
    let internal =
        |why: String| Refusal::new(Code::Internal, "the call could not be estimated").internally(why);
    let estimate = counted.await.map_err(|e| internal(e.to_string()))?;
    let answer = Answer {
        estimate,
        allowed: refused.is_none(),
        refused_by: refused.map(|refusal| RefusedBy {
            code: refusal.code.as_str(),
            status: refusal.status,
            message: refusal.detail,
        }),
    };
    let body = serde_json::to_vec(&answer).map_err(|e| internal(e.to_string()))?;
    Ok(body.into())
}

/// What an estimate answers rather than being refused for. Its own request is limited as any other: whoever could ask
/// without end would be told what is left to the cent, for nothing.
// threat: ANP-0004
const fn is_about_money(code: Code) -> bool {
    matches!(
        code,
        Code::BudgetExhausted
            | Code::BudgetPaused
            | Code::BudgetClosed
            | Code::BudgetUnavailable
            | Code::RequestTooCostly
            | Code::ModelUnpriced
    )
}
