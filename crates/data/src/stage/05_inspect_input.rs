//! Stage 5: guards on the way in. Every text the model would see goes through them.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope, Role};
use domain::Threat;
use guard::{Action, Finding, Kind, Modes, Origin};

use super::accept::Forward;
use super::admit::Admitted;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Bounds, Guards, Model, Target};
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

/// Permits, redacts or blocks.
// threat: AGP-I1
// threat: ANP-0017
// threat: ANP-0020
pub fn run(admitted: Admitted, ticket: &mut Ticket) -> Gated<Inspected> {
    let Admitted {
        endpoint,
        envelope,
        body,
        model,
        forward,
        output_tokens,
    } = admitted;
    let settings = ticket.settings.clone();
    let (body, envelope) = if settings.guards.input.is_off() {
        (body, envelope)
    } else {
        guarded(
            endpoint,
            envelope,
            body,
            (&settings.guards, &settings.bounds),
            ticket,
        )?
    };
    Ok(Inspected {
        endpoint,
        envelope,
        body,
        model,
        forward,
        output_tokens,
    })
}

fn guarded(
    endpoint: Endpoint,
    envelope: Envelope,
    body: Bytes,
    (guards, bounds): (&Guards, &Bounds),
    ticket: &mut Ticket,
) -> Gated<(Bytes, Envelope)> {
    let (engines, modes) = (&guards.engines, &guards.input);
    if envelope.token_ids && modes.does_more_than_observe() {
        let detail = "the prompt is given as token ids, which no guard can read: send text";
        return Err(Refusal::new(Code::InputBlocked, detail).against(Threat::Anp0003));
    }
    if !engines.may_match(modes, &body) {
        return Ok((body, envelope));
    }
    let mut found = Vec::new();
    dialect::visit_request_text(endpoint, &body, &mut |part| {
        engines.scan(modes, &part.text, origin(part.role), &mut found)
    })
    .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
    if found.is_empty() {
        return Ok((body, envelope));
    }
    ticket.note_findings("input", modes, &found);
    match modes.verdict(&found) {
        Some(Action::Block) => {
            found.retain(|it| modes.of(it.kind).action() == Some(Action::Block));
            Err(refused(&found))
        }
        Some(Action::Redact) => {
            let redacted = dialect::redact_request(endpoint, &body, &mut |text| redact(guards, modes, text))
                .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
            let body = Bytes::from(redacted);
            let envelope = dialect::read_request(endpoint, &body, &bounds.body).map_err(|error| {
                Refusal::new(Code::Internal, "the redacted request is damaged").internally(error.to_string())
            })?;
            ticket.prompt = body.clone();
            Ok((body, envelope))
        }
        Some(Action::Observe) | None => Ok((body, envelope)),
    }
}

/// The refusal of a request that holds what it must not: for what weighs most of it.
fn refused(found: &[Finding]) -> Box<Refusal> {
    let is = |kind: Kind| found.iter().any(|finding| finding.kind == kind);
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
    let rules = unique(found.iter().map(|finding| finding.rule).collect()).join(", ");
    Refusal::new(
        Code::InputBlocked,
        format!("the request holds {what} ({rules}): {do_next}"),
    )
    .against(threat)
}

/// Who wrote a text, as far as guards care.
const fn origin(role: Role) -> Origin {
    match role {
        Role::System => Origin::System,
        Role::User | Role::Other => Origin::User,
        Role::Assistant => Origin::Assistant,
        Role::Tool => Origin::ToolResult,
        Role::Definition => Origin::ToolDescription,
    }
}

/// The text with what is to be replaced replaced; `None` where nothing is.
pub(super) fn redact(guards: &Guards, modes: &Modes, text: &str) -> Option<String> {
    // What is replaced does not depend on who wrote it.
    guards.engines.redacted(modes, text, Origin::User)
}

/// Each name once, in order of appearance.
pub(super) fn unique(names: Vec<&str>) -> Vec<&str> {
    let mut seen = Vec::with_capacity(names.len());
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
