//! Stage 5: guards on the way in. Every text the model would see goes through them.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope, Role};
use domain::Threat;
use guard::{Action, Direction, Found, Kind, Masker, Origin, Plan};

use super::accept::Forward;
use super::admit::Admitted;
use crate::allowance::in_time;
use crate::connectors;
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Model, Target};
use crate::ticket::Ticket;

/// A call whose text may go out.
#[derive(Debug)]
pub struct Inspected {
    pub(super) endpoint: Endpoint,
    pub(super) envelope: Envelope,
    pub(super) body: Bytes,
    pub(super) model: Arc<Model>,
    pub(super) forward: Forward,
    pub(super) output_tokens: Option<u64>,
}

impl Inspected {
    /// Whether the answer is to be streamed.
    pub const fn is_stream(&self) -> bool {
        self.envelope.stream
    }

    /// The body and who could serve it.
    pub fn prompt(&self) -> (Bytes, &[Arc<Target>]) {
        (self.body.clone(), &self.model.targets)
    }
}

/// Permits, masks, redacts or blocks.
// threat: AGP-I1
// threat: ANP-0017
// threat: ANP-0020
pub async fn run(gate: &Gate, admitted: Admitted, ticket: &mut Ticket) -> Gated<Inspected> {
    let Admitted {
        endpoint,
        envelope,
        body,
        model,
        forward,
        output_tokens,
    } = admitted;
    let (body, envelope) = minimised(endpoint, envelope, body, ticket)?;
    let (body, envelope) = if ticket.plan.is_off(Direction::Input) {
        (body, envelope)
    } else {
        guarded(endpoint, envelope, body, ticket)?
    };
    let (body, envelope) = connectors::input(gate, endpoint, (body, envelope), ticket).await?;
    Ok(Inspected {
        endpoint,
        envelope,
        body,
        model,
        forward,
        output_tokens,
    })
}

/// The call without what its tenant lets leave nowhere.
// threat: ANP-0020
fn minimised(
    endpoint: Endpoint,
    envelope: Envelope,
    body: Bytes,
    ticket: &mut Ticket,
) -> Gated<(Bytes, Envelope)> {
    let Some(own) = &ticket.key.consents else {
        return Ok((body, envelope));
    };
    let wanted = &own.consents.minimise;
    let dropped: Vec<&str> = wanted.drop.iter().map(|one| one.as_str()).collect();
    let messages_max = wanted.history_messages_max;
    let wanted = dialect::Minimise {
        drop: &dropped,
        messages_max: messages_max.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
    };
    if wanted == dialect::Minimise::default() {
        return Ok((body, envelope));
    }
    let left = dialect::minimise_request(endpoint, &body, &wanted)
        .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
    let Some(left) = left else {
        return Ok((body, envelope));
    };
    let body = Bytes::from(left);
    let envelope = read_again(endpoint, &body, ticket)?;
    ticket.note_finding(Direction::Input, "minimised", "redact");
    ticket.prompt = body.clone();
    Ok((body, envelope))
}

/// What a body says that the gate has changed.
fn read_again(endpoint: Endpoint, body: &Bytes, ticket: &Ticket) -> Gated<Envelope> {
    let bounds = &ticket.settings.bounds.body;
    dialect::read_request(endpoint, body, bounds).map_err(|error| {
        Refusal::new(Code::Internal, "the changed request is damaged").internally(error.to_string())
    })
}

fn guarded(
    endpoint: Endpoint,
    envelope: Envelope,
    body: Bytes,
    ticket: &mut Ticket,
) -> Gated<(Bytes, Envelope)> {
    let (plan, now) = (ticket.plan.clone(), ticket.started);
    if envelope.token_ids && plan.does_more_than_observe(Direction::Input) {
        let detail = "the prompt is given as token ids, which no guard can read: send text";
        return Err(Refusal::new(Code::InputBlocked, detail).against(Threat::Anp0003));
    }
    if !plan.may_match(Direction::Input, &body) {
        return Ok((body, envelope));
    }
    let (mut found, mut masker) = (Vec::new(), Masker::new());
    let masks = plan.masks(Direction::Input);
    let allowance = &mut ticket.allowance;
    dialect::visit_request_text(endpoint, &body, &mut |part| {
        allowance.spend(|| {
            let known = found.len();
            plan.scan(Direction::Input, (&part.text, origin(part.role)), now, &mut found);
            if masks {
                masker.learn(&part.text, found.get(known..).unwrap_or_default());
            }
        });
    })
    .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
    ticket.note_findings(Direction::Input, &found);
    let strictest = found.iter().map(|it| it.action).max();
    if strictest == Some(Action::Block) {
        found.retain(|it| it.action == Action::Block);
        return Err(refused(&plan, &found));
    }
    in_time(ticket, Direction::Input)?;
    match strictest {
        Some(Action::Redact | Action::Mask) => replaced(endpoint, &body, masker, ticket),
        Some(Action::Block | Action::Observe) | None => Ok((body, envelope)),
    }
}

/// The request with placeholders and markers where something was found. What the placeholders stand for goes into the
/// ticket, and nowhere else.
// threat: ANP-0010
// threat: ANP-0017
fn replaced(
    endpoint: Endpoint,
    body: &[u8],
    mut masker: Masker,
    ticket: &mut Ticket,
) -> Gated<(Bytes, Envelope)> {
    let (plan, now) = (ticket.plan.clone(), ticket.started);
    let is_flagged = ticket.settings.guarding.is_flagged;
    let allowance = &mut ticket.allowance;
    let replaced = dialect::redact_request(endpoint, body, &mut |text| {
        // What is replaced does not depend on who wrote it.
        let mut replace = || plan.replaced((text, Origin::User), now, &mut masker);
        match is_flagged {
            // What was found is replaced, however late it is.
            true => replace(),
            false => allowance.spend(replace).flatten(),
        }
    })
    .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
    in_time(ticket, Direction::Input)?;
    let body = Bytes::from(replaced);
    let bounds = &ticket.settings.bounds.body;
    let envelope = dialect::read_request(endpoint, &body, bounds).map_err(|error| {
        Refusal::new(Code::Internal, "the redacted request is damaged").internally(error.to_string())
    })?;
    ticket.prompt = body.clone();
    if let Some(capture) = &mut ticket.capture {
        capture.guarded(&body);
    }
    ticket.unmasker = (!masker.is_empty()).then(|| masker.into_unmasker());
    Ok((body, envelope))
}

/// The refusal of a request that holds what it must not: for what weighs most of it.
fn refused(plan: &Plan, found: &[Found]) -> Box<Refusal> {
    let is = |kind: Kind| found.iter().any(|it| it.finding.kind == kind);
    let (what, do_next, threat) = if is(Kind::Secret) {
        ("a secret", "remove it", Threat::AgpI1)
    } else if is(Kind::Personal) {
        ("personal data", "remove it", Threat::Anp0017)
    } else {
        (
            "text that reads as an attack on its instructions",
            "say it otherwise, or leave out what you did not write",
            Threat::AgpT1,
        )
    };
    let detail = format!(
        "the request holds {what} ({}){}: {do_next}",
        rules(found),
        by(plan, Direction::Input, found)
    );
    Refusal::new(Code::InputBlocked, detail).against(threat)
}

/// The rules, each once, in order of appearance.
pub(super) fn rules(found: &[Found]) -> String {
    unique(found.iter().map(|it| &*it.finding.rule).collect()).join(", ")
}

/// Which profiles ask for it, where it is not the instance for every call.
pub(super) fn by(plan: &Plan, direction: Direction, found: &[Found]) -> String {
    let asked_by = found.iter().map(|it| plan.asked_by(direction, &it.finding));
    match unique(asked_by.filter(|name| *name != guard::INSTANCE).collect()).as_slice() {
        [] => String::new(),
        [one] => format!(" by guard profile `{one}`"),
        some => format!(" by guard profiles `{}`", some.join("`, `")),
    }
}

/// Who wrote a text, as far as guards care.
pub const fn origin(role: Role) -> Origin {
    match role {
        Role::System => Origin::System,
        Role::User | Role::Other => Origin::User,
        Role::Assistant => Origin::Assistant,
        Role::Tool => Origin::ToolResult,
        Role::Definition => Origin::ToolDescription,
    }
}

/// Each name once, in order of appearance.
fn unique(names: Vec<&str>) -> Vec<&str> {
    let mut seen = Vec::with_capacity(names.len());
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
