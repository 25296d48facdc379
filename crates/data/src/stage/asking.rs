//! Asks a system outside whether a call that our own budgets hold may be made. Belongs to stage 4; where none is
//! configured, nothing is done.
//!
//! It is told who calls what and for how much at most, never what is said in the call. What it does not answer in
//! time, or not understandably, is decided as the configuration says in so many words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use domain::{KeyId, Money, RequestId, TeamId, TenantId, Threat, UnixMillis};
use http_body_util::{BodyExt, Limited};
use limit::{Breaker, BreakerSettings, BreakerState, Outcome};
use serde::{Deserialize, Serialize};
use telemetry::Metrics;
use tokio::sync::Semaphore;
use upstream::{Client, Hook, HookKeys};

use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::Ticket;

/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// What is passed on of its words.
const MESSAGE_CHARS_MAX: usize = 300;
/// Answers that are remembered, and for how long at most.
const REMEMBERED_MAX: u64 = 10_000;
const REMEMBERED_FOR_MAX: Duration = Duration::from_secs(300);

/// What a call is when nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Not made.
    Refuse,
    /// Made, and marked in the ledger.
    Permit,
}

/// How it is asked.
#[derive(Debug)]
pub struct AskerOptions {
    /// Where it is.
    pub hook: Hook,
    /// The way there.
    pub client: Client,
    /// How long an answer may take, turns and connections included.
    pub timeout: Duration,
    /// When there is none.
    pub on_failure: OnFailure,
    /// How many are asked at the same time.
    pub at_once_max: usize,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// Asks.
#[derive(Debug)]
pub struct Asker {
    options: AskerOptions,
    keys: ArcSwapOption<HookKeys>,
    turns: Semaphore,
    breaker: Breaker,
    remembered: moka::sync::Cache<(KeyId, Arc<str>), (Instant, Arc<Answer>)>,
}

/// What it says.
#[derive(Debug, Clone, Deserialize)]
struct Answer {
    allow: bool,
    #[serde(default)]
    message: Option<String>,
    /// The most that the call may cost.
    #[serde(default)]
    cost_nanos_max: Option<u64>,
    /// For how long it says the same to this key of this model.
    #[serde(default)]
    remember_s: Option<u64>,
}

/// What it is told. Ids and numbers; tags are the key's own.
#[derive(Serialize)]
struct Question<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Asked<'a>,
}

#[derive(Serialize)]
struct Asked<'a> {
    request: RequestId,
    tenant: TenantId,
    team: TeamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<domain::ProjectId>,
    key: KeyId,
    tags: &'a [String],
    operation: &'static str,
    model: &'a str,
    bound: Bound,
}

#[derive(Serialize)]
struct Bound {
    cost_nanos: i64,
    tokens: u64,
}

impl Asker {
    /// One that has no secrets yet, and asks nobody before it has.
    pub fn new(options: AskerOptions) -> Self {
        Self {
            keys: ArcSwapOption::empty(),
            turns: Semaphore::new(options.at_once_max),
            breaker: Breaker::new(BreakerSettings::default()),
            remembered: moka::sync::Cache::builder()
                .max_capacity(REMEMBERED_MAX)
                .time_to_live(REMEMBERED_FOR_MAX)
                .build(),
            options,
        }
    }

    /// What questions are signed with from now on.
    pub fn set_keys(&self, keys: HookKeys) {
        self.keys.store(Some(Arc::new(keys)));
    }

    async fn answer(
        &self,
        ticket: &Ticket,
        model: &Arc<str>,
        now_ns: impl Fn() -> u64,
    ) -> Result<Arc<Answer>, String> {
        let about = (ticket.key.principal.key, model.clone());
        if let Some((until, answer)) = self.remembered.get(&about)
            && Instant::now() < until
        {
            return Ok(answer);
        }
        let leave = self.breaker.admit(now_ns()).map_err(|_| RESTING.to_owned())?;
        let asked = tokio::time::timeout(self.options.timeout, self.ask(ticket, model)).await;
        let asked = asked.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        leave.report(
            if asked.is_ok() {
                Outcome::Success
            } else {
                Outcome::Failure
            },
            now_ns(),
        );
        let is_resting = !matches!(self.breaker.state(now_ns()), BreakerState::Closed);
        self.options
            .metrics
            .gauges()
            .budget_webhook_resting
            .set(i64::from(is_resting));
        let answer = Arc::new(asked?);
        if let Some(seconds) = answer.remember_s.filter(|seconds| *seconds > 0) {
            let lasts = Duration::from_secs(seconds).min(REMEMBERED_FOR_MAX);
            self.remembered
                .insert(about, (Instant::now() + lasts, answer.clone()));
        }
        Ok(answer)
    }

    // threat: ANP-0018
    // threat: AGP-D2
    async fn ask(&self, ticket: &Ticket, model: &str) -> Result<Answer, String> {
        let _turn = self.turns.acquire().await.map_err(|error| error.to_string())?;
        let keys = self.keys.load_full().ok_or("there is no secret to sign with")?;
        let body = question(ticket, model).map_err(|error| error.to_string())?;
        let id = ticket.id.to_string();
        let request = self.options.hook.request((&id, body), &keys, UnixMillis::now());
        let request = request.ok_or("the question cannot be written")?;
        let answer = self.options.client.send(request, self.options.timeout).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status() != http::StatusCode::OK {
            return Err(format!("answered with {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body: Bytes = body.map_err(|error| error.to_string())?.to_bytes();
        serde_json::from_slice(&body).map_err(|_| "its answer makes no sense".to_owned())
    }
}

/// Why nobody is asked while the breaker is open.
const RESTING: &str = "it rests after failures";

fn question(ticket: &Ticket, model: &str) -> serde_json::Result<String> {
    let principal = &ticket.key.principal;
    let at = jiff::Timestamp::from_millisecond(ticket.started.0).unwrap_or_default();
    serde_json::to_string(&Question {
        r#type: "budget.ask",
        timestamp: format!("{at:.3}"),
        data: Asked {
            request: ticket.id,
            tenant: principal.tenant,
            team: principal.team,
            project: principal.project,
            key: principal.key,
            tags: &ticket.key.record.marks.tags,
            operation: ticket.operation.as_str(),
            model,
            bound: Bound {
                cost_nanos: ticket.bound.cost.nanos(),
                tokens: ticket.bound.tokens,
            },
        },
    })
}

/// Asks, if somebody is to be asked.
// threat: AGP-D1
pub async fn run(gate: &Gate, ticket: &mut Ticket, model: &Arc<str>) -> Gated<()> {
    match &gate.asker {
        Some(asker) => Box::pin(asked(gate, asker, ticket, model)).await,
        None => Ok(()),
    }
}

async fn asked(gate: &Gate, asker: &Asker, ticket: &mut Ticket, model: &Arc<str>) -> Gated<()> {
    let gauges = gate.metrics.gauges();
    gauges.budget_webhook_asked.inc();
    let now_ns = || gate.monotonic_ns(Instant::now());
    let answer = match asker.answer(ticket, model, now_ns).await {
        Ok(answer) => answer,
        Err(why) => {
            gauges.budget_webhook_failures.inc();
            return unanswered(asker.options.on_failure, ticket, why);
        }
    };
    let most = answer
        .cost_nanos_max
        .map(|nanos| Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)));
    let is_within = most.is_none_or(|most| ticket.bound.cost <= most);
    if answer.allow && is_within {
        return Ok(());
    }
    gauges.budget_webhook_refused.inc();
    let said = answer
        .message
        .as_deref()
        .map(clipped)
        .filter(|said| !said.is_empty());
    let detail = match (answer.allow, said, most) {
        (true, _, Some(most)) => {
            let cost = ticket.bound.cost;
            format!("the budget webhook permits ${most}, this call may cost up to ${cost}")
        }
        (_, Some(said), _) => format!("the budget webhook refuses this call: {said}"),
        _ => "the budget webhook refuses this call".to_owned(),
    };
    Err(Refusal::new(Code::BudgetWebhookRefused, detail).against(Threat::AgpD1))
}

/// Nobody answered: as is written.
fn unanswered(on_failure: OnFailure, ticket: &mut Ticket, why: String) -> Gated<()> {
    match on_failure {
        OnFailure::Permit => {
            tracing::warn!(request = %ticket.id, why, "the budget webhook did not answer: the call is permitted, as configured");
            ticket.note("webhook:unavailable:permit".to_owned());
            Ok(())
        }
        OnFailure::Refuse => {
            let detail = "the budget webhook cannot be asked now, so the call is not made";
            Err(Refusal::new(Code::BudgetWebhookUnavailable, detail)
                .against(Threat::AgpD1)
                .internally(why)
                .retry_after(1))
        }
    }
}

/// Another's words, for our caller: no control characters, and no book.
fn clipped(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain
        .take(MESSAGE_CHARS_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}
