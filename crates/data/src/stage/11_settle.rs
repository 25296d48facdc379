//! Stage 11: actual usage, price, reservation, record. The one exit: refusals pass here too.
//!
//! The record is in the journal before the last byte of an answer leaves; where it cannot be, the
//! answer does not leave either.

use std::time::Instant;

use domain::{Threat, UnixMillis, Usage};
use habit::Use;
use journal::Record;
use ledger::{Charge, Digest, Entry, Exchange, Outcome, Unit, UsageSource, exchange};

use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::{Ticket, Used};
use crate::{history, observe};

/// How a call ended.
#[derive(Debug, Clone)]
pub struct End {
    /// In the ledger's words.
    pub outcome: Outcome,
    /// The status the caller got.
    pub status: u16,
    /// What was used.
    pub used: Used,
}

impl End {
    /// Answered to the last byte.
    pub const fn completed(used: Used) -> Self {
        Self {
            outcome: Outcome::Completed,
            status: 200,
            used,
        }
    }

    /// Refused, by us or by the provider.
    pub fn refused(refusal: &Refusal, used: Used) -> Self {
        let code = refusal.code.as_str().into();
        let billed = used.source != UsageSource::None;
        let outcome = if billed {
            Outcome::UpstreamFailed(code)
        } else {
            Outcome::Refused(code)
        };
        Self {
            outcome,
            status: refusal.status,
            used,
        }
    }
}

/// That every budget holds a call's bound and no crash can hide what it may cost. Sending it takes one.
#[derive(Debug)]
pub struct Covered {
    _by_intend: (),
}

/// Writes what a call may cost into the journal before it is sent, so that no crash can hide it. Only what is reserved
/// may be sent.
// threat: AGP-BUDGET-3.1
// threat: AGP-R1
// threat: AGP-D1
pub async fn intend(gate: &Gate, ticket: &mut Ticket) -> Gated<Covered> {
    if ticket.reservation.is_none() {
        return Err(Refusal::new(Code::Internal, "the call's money is not held"));
    }
    let covered = Covered { _by_intend: () };
    if ticket.intent_written || !ticket.may_take() {
        return Ok(covered);
    }
    let bytes = ticket.intent(gate.node).to_bytes();
    let written = gate
        .journal_append(Record::Intent {
            id: ticket.id,
            bytes: &bytes,
        })
        .await;
    written.map_err(unrecorded)?;
    ticket.intent_written = true;
    Ok(covered)
}

/// Settles a call and writes its entry. Exactly once: the ticket is consumed.
// threat: AGP-R1
// threat: AGP-R2
// threat: ANP-0012
pub async fn run(gate: &Gate, ticket: Box<Ticket>, end: End) -> Gated<()> {
    recorded(gate, ticket, end).await.map(drop)
}

/// The same, for who has to tell what was written.
pub async fn recorded(gate: &Gate, mut ticket: Box<Ticket>, end: End) -> Gated<Entry> {
    let mut closed = close(gate, &mut ticket, end);
    let written = gate
        .journal_append(Record::Entry {
            id: ticket.id,
            bytes: &closed.record,
        })
        .await;
    closed.told(gate, &ticket, written.is_ok());
    written.map(|()| closed.entry).map_err(unrecorded)
}

/// The same where nothing may be waited for; only when the journal's promise is the kernel's.
pub fn run_now(gate: &Gate, mut ticket: Box<Ticket>, end: End) -> Gated<()> {
    let mut closed = close(gate, &mut ticket, end);
    let written = gate.journal.append(Record::Entry {
        id: ticket.id,
        bytes: &closed.record,
    });
    closed.told(gate, &ticket, written.is_ok());
    written.map(|_| ()).map_err(unrecorded)
}

/// Settles a call whose caller left: for what the provider has done, as far as that is known.
pub async fn abandoned(gate: &Gate, ticket: Box<Ticket>) {
    let used = estimate(&ticket).await;
    let end = End {
        outcome: Outcome::ClientGone,
        status: 499,
        used,
    };
    if let Err(refusal) = run(gate, ticket, end).await {
        tracing::error!(
            internal = refusal.internal,
            "an abandoned call could not be recorded"
        );
    }
}

/// What a call used whose provider did not say, or did not say in full: counted by tokenizer.
///
/// The bound: what the provider generated between its last byte that reached the gate and its noticing
/// that the gate had gone. A call that may not have been billed at all uses nothing.
pub async fn estimate(ticket: &Ticket) -> Used {
    if !ticket.may_be_billed {
        return Used::NOTHING;
    }
    let said = ticket.seen.usage.unwrap_or_default();
    let model = ticket
        .target
        .as_ref()
        .map(|t| t.model.clone())
        .unwrap_or_default();
    let (endpoint, prompt) = (ticket.endpoint, ticket.prompt.clone());
    let (text, all) = (ticket.seen.text.clone(), ticket.seen.text_bytes);
    let (input_max, output_max) = ticket.tokens_bound;
    let counted = tokio::task::spawn_blocking(move || {
        let input = match said.prompt() {
            0 => within(crate::count::prompt(endpoint, &prompt, &model), input_max),
            _ => 0,
        };
        let output = tokenizer::count(&model, &text);
        let tokens = scaled(output.tokens, text.len() as u64, all);
        (input, within(tokenizer::Count { tokens, ..output }, output_max))
    });
    let Ok((input, output)) = counted.await else {
        return Used {
            usage: said,
            source: UsageSource::Bound,
        };
    };
    let usage = Usage {
        input: said.input.saturating_add(input),
        output: said.output.max(output),
        tier: ticket.seen.tier,
        ..said
    };
    Used {
        usage,
        source: UsageSource::Estimated,
    }
}

/// A guess never says more than the call could have used; what was counted exactly is believed, also where a
/// provider did not keep to what it was asked.
fn within(count: tokenizer::Count, most: u64) -> u64 {
    if count.exact {
        count.tokens
    } else {
        count.tokens.min(most)
    }
}

/// Tokens of the whole, counted on a part of it.
fn scaled(tokens: u64, part: u64, all: u64) -> u64 {
    if part == 0 || all <= part {
        return tokens;
    }
    u64::try_from(u128::from(tokens) * u128::from(all) / u128::from(part)).unwrap_or(u64::MAX)
}

/// What a call took from its budgets, by what they count.
#[derive(Debug, Default)]
struct Charges {
    money: Vec<Charge>,
    tokens: Vec<Charge>,
}

/// A call that is closed: its entry, also as the journal holds it, and what its tenant keeps of it.
struct Closed {
    record: Vec<u8>,
    entry: Entry,
    kept: Option<(Exchange, Vec<u8>)>,
}

impl Closed {
    /// Counts it, and hands on what is kept of it: of a call whose record stands, and of no other.
    fn told(&mut self, gate: &Gate, ticket: &Ticket, is_written: bool) {
        observe::settled(gate, ticket, &self.entry);
        if let Some((exchange, bytes)) = self.kept.take().filter(|_| is_written) {
            gate.keep(exchange, bytes);
        }
    }
}

/// The money and the limits; then the entry.
fn close(gate: &Gate, ticket: &mut Ticket, mut end: End) -> Closed {
    ticket.closed = true;
    end.used = ticket.counted(end.used);
    let end = &end;
    let spend = ticket.spend(&end.used);
    let mut charges = Charges::default();
    if let Some(reservation) = ticket.reservation.take() {
        charges.money = reservation.charges(Unit::Money, spend, ticket.served(&end.used));
        charges.tokens = reservation.charges(Unit::Tokens, spend, ticket.served(&end.used));
        if end.used.source == UsageSource::None {
            reservation.void();
        } else {
            reservation.settle(spend, ticket.served(&end.used));
        }
    }
    let now_ns = gate.monotonic_ns(Instant::now());
    let tokens = u32::try_from(end.used.usage.total()).unwrap_or(u32::MAX);
    for (level, taken) in std::mem::take(&mut ticket.tokens_taken) {
        if let Some(limit) = &level.tokens {
            limit.settle(&taken, tokens, now_ns);
        }
    }
    ticket.permits.clear();
    noticed(gate, ticket, end);
    let finished = UnixMillis::now();
    let kept = history::compose(ticket, end.status, finished).map(|exchange| {
        let bytes = exchange.to_bytes();
        (exchange, bytes)
    });
    let entry = Entry {
        finished,
        exchange: kept.as_ref().map(|(_, bytes)| exchange::digest(bytes)),
        data_class: kept.as_ref().and_then(|(exchange, _)| exchange.data_class),
        ..entry(gate, ticket, end, (spend.cost, charges))
    };
    Closed {
        record: entry.to_record(),
        entry,
        kept,
    }
}

/// What the key was used for; where from was seen when the call began.
// threat: ANP-0001
fn noticed(gate: &Gate, ticket: &Ticket, end: &End) {
    let tokens = end.used.usage.total();
    if ticket.model.is_none() && tokens == 0 {
        return;
    }
    gate.notice(&ticket.settings, || Use {
        tenant: ticket.key.principal.tenant,
        key: ticket.key.principal.key,
        at: UnixMillis::now(),
        address: None,
        model: ticket.model.clone(),
        calls: 0,
        tokens,
    });
}

/// Who spent is said by the credential alone: nothing that a request claims of a user gets here.
// threat: AGP-BUDGET-2.2
fn entry(gate: &Gate, ticket: &mut Ticket, end: &End, (cost, charges): (domain::Money, Charges)) -> Entry {
    let principal = &ticket.key.principal;
    let digest = |hash: Option<blake3::Hash>| hash.map(|hash| Digest(hash.into()));
    Entry {
        id: ticket.id,
        tenant: principal.tenant,
        team: principal.team,
        project: principal.project,
        key: principal.key,
        node: gate.node,
        started: ticket.started,
        finished: UnixMillis::now(),
        operation: ticket.operation,
        dialect: ticket.dialect().as_str().into(),
        model: ticket.model.clone(),
        target: ticket.target.as_ref().map(|t| t.label.clone()),
        outcome: end.outcome.clone(),
        status: end.status,
        attempts: ticket.attempts,
        cached: ticket.cached,
        usage: end.used.usage,
        usage_source: end.used.source,
        cost,
        price_version: ticket.price_version(),
        charges: charges.money,
        policies: std::mem::take(&mut ticket.policies),
        findings: std::mem::take(&mut ticket.findings),
        request_digest: digest(ticket.request_digest),
        response_digest: digest(ticket.response_digest),
        credential: ticket.shown.credential.map(Into::into),
        signature_digest: digest(ticket.shown.signature),
        token_charges: charges.tokens,
        owner: ticket.key.record.owner,
        tags: ticket.key.tags.clone(),
        labels: std::mem::take(&mut ticket.labels),
        session: ticket.session.take(),
        exchange: None,
        adjusts: None,
        data_class: None,
    }
}

/// No record, no answer.
// threat: AGP-BUDGET-3.2
fn unrecorded(error: journal::JournalError) -> Box<Refusal> {
    Refusal::new(
        Code::JournalUnavailable,
        "the call cannot be recorded now, so it is not made",
    )
    .against(Threat::AgpR1)
    .internally(error.to_string())
    .retry_after(5)
}
