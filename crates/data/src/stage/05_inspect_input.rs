//! Stage 5: guards on the way in. Every text the model would see goes through them.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope, Role};
use domain::Threat;
use guard::{Action, Direction, Explained, Found, Kind, Masker, Mode, Origin};

use super::accept::Forward;
use super::admit::Admitted;
use crate::allowance::in_time;
use crate::connectors;
use crate::facts;
use crate::found::Findings;
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
        mut envelope,
        mut body,
        model,
        forward,
        output_tokens,
    } = admitted;
    let (ids, mut masker) = (envelope.token_ids, Masker::new());
    let minimised = minimised(endpoint, &body, ticket)?;
    let asked = minimised.as_ref().unwrap_or(&body);
    let mut replaced = None;
    if !ticket.plan.is_off(Direction::Input) {
        replaced = guarded((endpoint, ids), asked, &mut masker, ticket)?;
        kept(replaced.as_ref(), ticket);
    }
    let asked = replaced.as_ref().unwrap_or(asked);
    let outside = connectors::input(gate, (endpoint, ids), asked, &mut masker, ticket).await?;
    kept(outside.as_ref(), ticket);
    if let Some(left) = outside.or(replaced).or(minimised) {
        envelope = read_again(endpoint, &left, ticket)?;
        ticket.prompt = left.clone();
        body = left;
    }
    ticket.unmasker = (!masker.is_empty()).then(|| masker.into_unmasker());
    said(endpoint, &body, ticket)?;
    Ok(Inspected {
        endpoint,
        envelope,
        body,
        model,
        forward,
        output_tokens,
    })
}

/// What is kept of the call is what guards left of it.
fn kept(replaced: Option<&Bytes>, ticket: &mut Ticket) {
    if let (Some(capture), Some(replaced)) = (&mut ticket.capture, replaced) {
        capture.guarded(replaced);
    }
}

/// The call without what its tenant lets leave nowhere; nothing where that is all of it.
// threat: ANP-0020
fn minimised(endpoint: Endpoint, body: &Bytes, ticket: &mut Ticket) -> Gated<Option<Bytes>> {
    let Some(own) = &ticket.key.consents else {
        return Ok(None);
    };
    let wanted = &own.consents.minimise;
    let dropped: Vec<&str> = wanted.drop.iter().map(|one| one.as_str()).collect();
    let messages_max = wanted.history_messages_max;
    let wanted = dialect::Minimise {
        drop: &dropped,
        messages_max: messages_max.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
    };
    if wanted == dialect::Minimise::default() {
        return Ok(None);
    }
    let left = dialect::minimise_request(endpoint, body, &wanted).map_err(|error| invalid(&error))?;
    if left.is_some() {
        ticket.note_finding(Direction::Input, "minimised", "redact");
    }
    Ok(left.map(Bytes::from))
}

/// A body that cannot be walked.
pub(crate) fn invalid(error: &dialect::DialectError) -> Box<Refusal> {
    Refusal::new(Code::RequestInvalid, error.to_string())
}

/// A prompt of token ids, where somebody would do more than look at its text.
pub(crate) fn unreadable() -> Box<Refusal> {
    let detail = "the prompt is given as token ids, which no guard can read: send text";
    Refusal::new(Code::InputBlocked, detail).against(Threat::Anp0003)
}

/// What a body says that the gate has changed.
fn read_again(endpoint: Endpoint, body: &Bytes, ticket: &Ticket) -> Gated<Envelope> {
    let bounds = &ticket.settings.bounds.body;
    dialect::read_request(endpoint, body, bounds).map_err(|error| {
        Refusal::new(Code::Internal, "the changed request is damaged").internally(error.to_string())
    })
}

/// The call as the gate's own guards leave it, where they change anything.
fn guarded(
    (endpoint, ids): (Endpoint, bool),
    body: &Bytes,
    masker: &mut Masker,
    ticket: &mut Ticket,
) -> Gated<Option<Bytes>> {
    let plan = ticket.plan.clone();
    if ids && plan.does_more_than_observe(Direction::Input) {
        return Err(unreadable());
    }
    let mut findings = Findings {
        explained: counted(endpoint, body, ticket)?,
        found: Vec::new(),
    };
    if plan.may_match(Direction::Input, body) {
        findings.found = read(endpoint, body, masker, ticket)?;
        if ticket.is_a_guards {
            findings.found.iter_mut().for_each(asked_about);
        }
    }
    ticket.note_findings(Direction::Input, findings.all());
    let strictest = findings.strictest();
    if strictest == Some(Action::Block) {
        return Err(findings.refusal(&plan, Direction::Input));
    }
    in_time(ticket, Direction::Input)?;
    match strictest {
        Some(Action::Redact | Action::Mask) => replaced(endpoint, body, masker, ticket).map(Some),
        Some(Action::Block | Action::Observe) | None => Ok(None),
    }
}

/// What a text is, is what a guard outside asks a model here: that it is so keeps no verdict from being given. The call that the
/// text is of was judged by the same guards.
fn asked_about(it: &mut Found) {
    if matches!(it.finding.kind, Kind::Injection | Kind::Moderation | Kind::Topic) {
        it.action = it.action.min(Action::Observe);
    }
}

/// What the request says, as it leaves, where its answer is judged by it: whether or not guards look at requests.
// threat: AGP-I3
fn said(endpoint: Endpoint, body: &[u8], ticket: &mut Ticket) -> Gated<()> {
    let Some(mut context) = ticket.plan.context() else {
        return Ok(());
    };
    let plan = &ticket.plan;
    dialect::visit_request_text(endpoint, body, &mut |part| {
        context.add(plan, &part.text, origin(part.role));
    })
    .map_err(|error| invalid(&error))?;
    ticket.context = Some(Arc::new(context));
    Ok(())
}

/// What of a request is beyond its bounds, and what of it no guard can read. Counted only where a profile asks.
// threat: ANP-0008
// threat: AGP-T1
fn counted(endpoint: Endpoint, body: &Bytes, ticket: &Ticket) -> Gated<Vec<Explained>> {
    let (plan, now) = (&ticket.plan, ticket.started);
    let looks = |kind: Kind| plan.looks(Direction::Input, kind) != Mode::Off;
    if !looks(Kind::Bounds) && !looks(Kind::Unread) {
        return Ok(Vec::new());
    }
    // What cannot be counted is beyond every bound: a number out of range would hide the rest otherwise.
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the request cannot be counted as its guards ask ({error})");
        Refusal::new(Code::RequestInvalid, detail).against(Threat::Anp0008)
    })?;
    let facts = facts::of(endpoint, body, &value);
    let mut found = plan.bounds(&facts, Some(&value), now);
    found.extend(plan.unread(Direction::Input, &facts.media, now));
    Ok(found)
}

/// What is found in the request's texts. An attack is looked for in all of them together, for it may be split.
// threat: AGP-T1
// threat: ANP-0003
// threat: ANP-0021
fn read(endpoint: Endpoint, body: &[u8], masker: &mut Masker, ticket: &mut Ticket) -> Gated<Vec<Found>> {
    let (plan, now) = (ticket.plan.clone(), ticket.started);
    let masks = plan.masks(Direction::Input);
    let (allowance, values) = (&mut ticket.allowance, &ticket.values);
    let mut found = Vec::new();
    if plan.looks(Direction::Input, Kind::Injection) == Mode::Off {
        dialect::visit_request_text(endpoint, body, &mut |part| {
            allowance.spend(|| {
                let known = found.len();
                plan.scan(Direction::Input, (&part.text, origin(part.role)), now, &mut found);
                if masks {
                    masker.learn(&part.text, found.get(known..).unwrap_or_default());
                }
            });
        })
        .map_err(|error| invalid(&error))?;
        return Ok(found);
    }
    let mut texts: Vec<(String, Origin)> = Vec::new();
    dialect::visit_request_text(endpoint, body, &mut |part| {
        texts.push((part.text.into_owned(), origin(part.role)));
    })
    .map_err(|error| invalid(&error))?;
    allowance.spend(|| {
        let parts: Vec<(&str, Origin)> = texts
            .iter()
            .map(|(text, origin)| (text.as_str(), *origin))
            .collect();
        let mut numbered = Vec::new();
        plan.scan_conversation(Direction::Input, &parts, now, &mut numbered);
        if masks {
            // They come part by part.
            let mut rest = numbered.iter().peekable();
            for (number, (text, _)) in texts.iter().enumerate() {
                let own = std::iter::from_fn(|| rest.next_if(|(of, _)| *of == number));
                let own: Vec<Found> = own.map(|(_, it)| it.clone()).collect();
                masker.learn(text, &own);
            }
        }
        found.extend(numbered.into_iter().map(|(_, it)| it));
        // Values in a template stand in its author's messages, and are nobody's instructions.
        for value in values {
            let mut as_data = Vec::new();
            plan.scan(Direction::Input, (value, Origin::Document), now, &mut as_data);
            found.extend(
                as_data
                    .into_iter()
                    .filter(|it| it.finding.kind == Kind::Injection),
            );
        }
    });
    Ok(found)
}

/// The request with placeholders and markers where something was found. What the placeholders stand for is in the masker, and
/// nowhere else.
// threat: ANP-0010
// threat: ANP-0017
fn replaced(endpoint: Endpoint, body: &[u8], masker: &mut Masker, ticket: &mut Ticket) -> Gated<Bytes> {
    let (plan, now) = (ticket.plan.clone(), ticket.started);
    let is_flagged = ticket.settings.guarding.is_flagged;
    let allowance = &mut ticket.allowance;
    let replaced = dialect::redact_request(endpoint, body, &mut |role, text| {
        let mut replace = || plan.replaced((text, origin(role)), now, masker);
        match is_flagged {
            // What was found is replaced, however late it is.
            true => replace(),
            false => allowance.spend(replace).flatten(),
        }
    });
    in_time(ticket, Direction::Input)?;
    replaced.map(Bytes::from).map_err(|error| invalid(&error))
}

/// Who wrote a text, as far as guards care.
pub const fn origin(role: Role) -> Origin {
    match role {
        Role::System => Origin::System,
        Role::User | Role::Other => Origin::User,
        Role::Assistant => Origin::Assistant,
        Role::Tool => Origin::ToolResult,
        Role::Document => Origin::Document,
        Role::Definition => Origin::ToolDescription,
    }
}
