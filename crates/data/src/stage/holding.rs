//! The money and tokens of a call: its bound, the ceilings it must keep under, and what is held of each budget.
//! Belongs to stage 4.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope};
use domain::{Money, Threat, UnixMillis};
use ledger::{Most, Shut, Spend, Unit, Untold};

use crate::book::{Because, Call, Cell, Reservation, Unreserved};
use crate::directory::charged::{self, Charged};
use crate::directory::{Covering, Serving};
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Model, Settings, Target, Unpriced};
use crate::telling;
use crate::ticket::Ticket;

/// What is asked for, as far as it costs.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The body.
    pub body: &'a Bytes,
    /// What was understood of it.
    pub envelope: &'a Envelope,
    /// The most that it can use.
    pub most: &'a Most,
    /// Whether the prompt is in the body.
    pub is_countable: bool,
}

/// Why nothing is held.
enum Refused {
    /// The bound is above what one request may cost.
    TooCostly { level: &'static str, ceiling: Money },
    /// A budget does not hold it.
    Unreserved(Unreserved),
}

impl Refused {
    /// Whether a lower bound could help.
    const fn is_too_much(&self) -> bool {
        matches!(
            self,
            Self::TooCostly { .. } | Self::Unreserved(Unreserved::Exhausted { .. })
        )
    }
}

/// Holds the call's bound in every budget that counts it. Returns the model with the targets that may serve the
/// call: those for which a budget does not hold it are not among them.
// threat: AGP-D1
// threat: AGP-BUDGET-3.1
pub async fn hold(
    gate: &Gate,
    ticket: &mut Ticket,
    asked: &Asked<'_>,
    model: Arc<Model>,
) -> Gated<Arc<Model>> {
    let settings = ticket.settings.clone();
    let key = ticket.key.clone();
    let whose = (key.charged.as_deref(), &*settings);
    ticket.bound = bound(asked.endpoint, &model, whose, (ticket.started, asked.most))?;
    match reserve(gate, ticket, &model).await {
        Ok(model) => {
            telling::admitted(gate, ticket, &model);
            return Ok(model);
        }
        // Near the limit the bound by bytes would refuse money that is there: count exactly.
        Err(refused) if refused.is_too_much() && asked.is_countable => {}
        Err(refused) => return Err(refusal(refused, ticket.bound)),
    }
    let counted = counted_bound(asked, &model, whose, ticket.started).await?;
    ticket.bound = Spend {
        cost: counted.cost.min(ticket.bound.cost),
        tokens: counted.tokens.min(ticket.bound.tokens),
    };
    let reserved = reserve(gate, ticket, &model).await;
    let model = reserved.map_err(|refused| refusal(refused, ticket.bound))?;
    telling::admitted(gate, ticket, &model);
    Ok(model)
}

/// All of the bound, or nothing of it.
async fn reserve(gate: &Gate, ticket: &mut Ticket, model: &Arc<Model>) -> Result<Arc<Model>, Refused> {
    let key = ticket.key.clone();
    for level in &key.limits {
        if let Some(ceiling) = level
            .request_cost_max()
            .filter(|ceiling| ticket.bound.cost > *ceiling)
        {
            let level = level.level;
            return Err(Refused::TooCostly { level, ceiling });
        }
    }
    let session = ticket.session.as_deref();
    let cells = key.budgets.of_call(&model.name, session);
    let reserved = gate.book.reserve(cells, call(ticket), ticket.started).await;
    let mut reservation = reserved.map_err(Refused::Unreserved)?;
    if !key.budgets.asks_targets(session) {
        ticket.reservation = Some(reservation);
        return Ok(model.clone());
    }
    match affordable(gate, ticket, model, &mut reservation).await {
        Ok(model) => {
            ticket.reservation = Some(reservation);
            Ok(model)
        }
        Err(refused) => {
            reservation.void();
            Err(Refused::Unreserved(refused))
        }
    }
}

/// What budgets ask of a call.
fn call(ticket: &Ticket) -> Call<'_> {
    Call {
        spend: ticket.bound,
        session: ticket.session.as_deref(),
    }
}

/// The model with the targets that may be paid for. Whatever only counts calls that some targets serve holds the
/// call as well, once: for nobody knows yet which will serve.
// threat: AGP-D1
async fn affordable(
    gate: &Gate,
    ticket: &Ticket,
    model: &Arc<Model>,
    reservation: &mut Reservation,
) -> Result<Arc<Model>, Unreserved> {
    let (mut dropped, mut first_no): (Vec<Arc<str>>, _) = (Vec::new(), None);
    for (cell, targets) in counting(&ticket.key.budgets, model, ticket.session.as_deref()) {
        let reserved = gate
            .book
            .reserve_for(reservation, (cell, &targets), call(ticket), ticket.started);
        if let Err(no) = reserved.await {
            dropped.extend(targets);
            first_no.get_or_insert(no);
        }
    }
    let Some(no) = first_no else {
        return Ok(model.clone());
    };
    let stays = |target: &&Arc<Target>| !dropped.contains(&target.label);
    let targets: Vec<_> = model.targets.iter().filter(stays).cloned().collect();
    if targets.is_empty() {
        return Err(no);
    }
    Ok(Arc::new(Model {
        targets,
        ..Model::clone(model)
    }))
}

/// Each budget that counts only calls that some targets serve, once, and the labels of these targets.
fn counting<'a>(
    budgets: &'a Covering,
    model: &'a Model,
    session: Option<&str>,
) -> Vec<(&'a Arc<Cell>, Vec<Arc<str>>)> {
    let mut all: Vec<(&Arc<Cell>, Vec<Arc<str>>)> = Vec::new();
    for target in &model.targets {
        let served = Serving {
            provider: &target.provider.name,
            model: &target.model,
            label: &target.label,
        };
        for cell in budgets.of_target((&model.name, session), &served) {
            match all.iter_mut().find(|(known, _)| Arc::ptr_eq(known, cell)) {
                Some((_, targets)) if targets.contains(&target.label) => {}
                Some((_, targets)) => targets.push(target.label.clone()),
                None => all.push((cell, vec![target.label.clone()])),
            }
        }
    }
    all
}

/// The dearest target's price for the bound; a model with an unpriced target is refused unless allowed.
pub fn bound(
    endpoint: Endpoint,
    model: &Model,
    (charged, settings): (Option<&Charged>, &Settings),
    (at, most): (UnixMillis, &Most),
) -> Gated<Spend> {
    if endpoint == Endpoint::CountTokens {
        return Ok(Spend::default());
    }
    let mut cost = Money::ZERO;
    for target in &model.targets {
        match charged::prices(charged, target).at(at) {
            Some(price) => cost = cost.max(price.bound(most).map_err(|untold| untellable(target, untold))?),
            None if settings.unpriced == Unpriced::AllowFree => {}
            None => return Err(unpriced(target)),
        }
    }
    Ok(Spend {
        cost,
        tokens: most.prompt_tokens.saturating_add(most.output_tokens),
    })
}

fn unpriced(target: &Target) -> Box<Refusal> {
    Refusal::new(
        Code::ModelUnpriced,
        "the model has no price, so no budget can hold it: add one under `prices.overrides`",
    )
    .against(Threat::AgpD1)
    .internally(format!("unpriced target {}", target.label))
}

/// What is not told cannot be held, and is never nothing.
// threat: AGP-D1
fn untellable(target: &Target, untold: Untold) -> Box<Refusal> {
    let detail = format!(
        "no budget can hold the call: {untold}. Calls that are made elsewhere say it under `units`, others are not served of this model"
    );
    Refusal::new(Code::ModelUnpriced, detail)
        .against(Threat::AgpD1)
        .internally(format!("target {}", target.label))
}

/// The bound with the prompt counted by the model's tokenizer, where it has one we know.
async fn counted_bound(
    asked: &Asked<'_>,
    model: &Arc<Model>,
    whose: (Option<&Charged>, &Settings),
    at: UnixMillis,
) -> Gated<Spend> {
    let Asked {
        endpoint,
        body,
        envelope,
        most,
        ..
    } = *asked;
    let (body, name) = (
        body.clone(),
        model.targets.first().map(|t| t.model.clone()).unwrap_or_default(),
    );
    let counted = tokio::task::spawn_blocking(move || crate::count::prompt(endpoint, &body, &name)).await;
    let count = counted.map_err(|e| {
        Refusal::new(Code::Internal, "the prompt could not be counted").internally(e.to_string())
    })?;
    let overhead = tokenizer::upper_bound(0, envelope.messages, envelope.images);
    let prompt = if count.exact {
        count.tokens.saturating_add(overhead)
    } else {
        u64::MAX
    };
    let most = Most {
        prompt_tokens: prompt.min(most.prompt_tokens),
        ..*most
    };
    bound(endpoint, model, whose, (at, &most))
}

fn refusal(refused: Refused, bound: Spend) -> Box<Refusal> {
    match refused {
        Refused::TooCostly { level, ceiling } => {
            let cost = bound.cost;
            let detail =
                format!("one request of this {level} may cost ${ceiling}, this one may cost up to ${cost}");
            Refusal::new(Code::RequestTooCostly, detail).against(Threat::AgpD1)
        }
        Refused::Unreserved(refused) => unreserved(refused, bound),
    }
}

fn at(time: UnixMillis) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0);
    time.map_or_else(|_| "a time nobody can name".to_owned(), |time| time.to_string())
}

fn unreserved(refused: Unreserved, bound: Spend) -> Box<Refusal> {
    match refused {
        Unreserved::Exhausted {
            cell,
            budget,
            unit,
            remaining,
            elsewhere,
            because,
        } => {
            let mut detail = match unit {
                Unit::Money => {
                    let bound = bound.cost;
                    format!("budget `{budget}` has ${remaining} left, this call may cost up to ${bound}")
                }
                Unit::Tokens => {
                    let (left, bound) = (remaining.nanos(), bound.tokens);
                    format!("budget `{budget}` has {left} tokens left, this call may use up to {bound}")
                }
            };
            if elsewhere > Money::ZERO {
                let what = if unit == Unit::Money { "money" } else { "tokens" };
                detail.push_str("; ");
                detail.push_str(what);
                detail.push_str(" held for other calls may come back, try again");
            }
            match because {
                Because::Spent => {}
                Because::Rolling(minutes) => {
                    let comes = format!("; what was spent is free again {minutes} minutes later");
                    detail.push_str(&comes);
                }
                Because::OfSession(limit) => {
                    let each = match unit {
                        Unit::Money => format!("${limit}"),
                        Unit::Tokens => format!("{} tokens", limit.nanos()),
                    };
                    detail.push_str("; one session may take ");
                    detail.push_str(&each);
                    detail.push_str(" of it, and that is what is left for this one");
                }
                Because::Increased(until) => {
                    let ended = format!("; it held more until {}", at(until));
                    detail.push_str(&ended);
                }
            }
            let mut refusal = Refusal::new(Code::BudgetExhausted, detail).against(Threat::AgpD1);
            refusal.exhausted = Some(cell);
            refusal
        }
        Unreserved::Paused(budget) => {
            let detail =
                format!("budget `{budget}` is paused: nothing is spent from it until somebody resumes it");
            Refusal::new(Code::BudgetPaused, detail).against(Threat::AgpD1)
        }
        Unreserved::Shut(budget, shut) => {
            let detail = match shut {
                Shut::Until(from) => {
                    let from = at(from);
                    format!("budget `{budget}` begins at {from}: nothing is spent from it before")
                }
                Shut::Since(until) => {
                    let until = at(until);
                    format!("budget `{budget}` ended at {until}: nothing is spent from it any more")
                }
            };
            Refusal::new(Code::BudgetClosed, detail).against(Threat::AgpD1)
        }
        Unreserved::NoSession(budget) => {
            let detail = format!(
                "budget `{budget}` counts by session: name the session of the call in `bartizan-session`"
            );
            Refusal::new(Code::SessionRequired, detail).against(Threat::AgpD1)
        }
        Unreserved::ManySessions(budget) => {
            let detail = format!("too many sessions spend from budget `{budget}` at once, try again");
            let refusal = Refusal::new(Code::BudgetUnavailable, detail).against(Threat::Anp0008);
            refusal.retry_after(1)
        }
        Unreserved::Unavailable(internal) => Refusal::new(
            Code::BudgetUnavailable,
            "the budget cannot be read now, so nothing is spent from it",
        )
        .internally(internal)
        .retry_after(1),
    }
}
