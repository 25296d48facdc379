//! Stage 5: guards on the way in. Every text the model would see goes through them.

use std::sync::Arc;

use bytes::Bytes;
use dialect::{Endpoint, Envelope};
use domain::Threat;
use guard::Mode;

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
    let (body, envelope) = match settings.guards.input {
        Mode::Off => (body, envelope),
        mode => guarded(
            endpoint,
            envelope,
            body,
            (&settings.guards, &settings.bounds, mode),
            ticket,
        )?,
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
    (guards, bounds, mode): (&Guards, &Bounds, Mode),
    ticket: &mut Ticket,
) -> Gated<(Bytes, Envelope)> {
    if envelope.token_ids && mode != Mode::Observe {
        let detail = "the prompt is given as token ids, which no guard can read: send text";
        return Err(Refusal::new(Code::InputBlocked, detail).against(Threat::Anp0003));
    }
    if !guards.secrets.may_match(&body) {
        return Ok((body, envelope));
    }
    let mut found = Vec::new();
    dialect::visit_request_text(endpoint, &body, &mut |part| {
        guards.secrets.scan(&part.text, &mut found)
    })
    .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
    if found.is_empty() {
        return Ok((body, envelope));
    }
    ticket.note_findings("input", mode, &found);
    match mode {
        Mode::Block => {
            let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
            let detail = format!(
                "the request holds a secret ({}): remove it",
                unique(rules).join(", ")
            );
            Err(Refusal::new(Code::InputBlocked, detail).against(Threat::AgpI1))
        }
        Mode::Redact => {
            let redacted = dialect::redact_request(endpoint, &body, &mut |text| redact(guards, text))
                .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()))?;
            let body = Bytes::from(redacted);
            let envelope = dialect::read_request(endpoint, &body, &bounds.body).map_err(|error| {
                Refusal::new(Code::Internal, "the redacted request is damaged").internally(error.to_string())
            })?;
            ticket.prompt = body.clone();
            Ok((body, envelope))
        }
        Mode::Observe | Mode::Off => Ok((body, envelope)),
    }
}

/// The text with what was found replaced; `None` when nothing was.
pub(super) fn redact(guards: &Guards, text: &str) -> Option<String> {
    let mut found = Vec::new();
    guards.secrets.scan(text, &mut found);
    (!found.is_empty()).then(|| guard::redact(text, &found))
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
