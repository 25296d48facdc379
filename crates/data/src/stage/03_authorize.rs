//! Stage 3: what the call is, and whether this caller may make it. Default deny.
//!
//! Only here is the body read, under its limits. What a caller may not see does not exist for it: a
//! forbidden model and an unknown one get the same answer.

use std::sync::Arc;

use bytes::Bytes;
use credential::Grant;
use dialect::{Endpoint, Envelope};
use domain::{Operation, Threat};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use policy::Decision;

use super::accept::{Carried, Forward};
use super::identify::Identified;
use super::{prompted, sending};
use crate::directory::{Arrived, Asked, KeyEntry};
use crate::gate::{Gate, View};
use crate::machine::By;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Bounds, Model, Settings};
use crate::shadow;
use crate::ticket::Ticket;

/// A call that its caller may make.
#[derive(Debug)]
pub struct Authorized {
    pub(super) endpoint: Endpoint,
    pub(super) envelope: Envelope,
    pub(super) body: Bytes,
    pub(super) model: Arc<Model>,
    pub(super) forward: Forward,
    /// Whether the prompt is here, to be counted where its bytes say too much.
    pub(super) is_countable: bool,
}

/// A call, and the body that it stands in.
#[derive(Debug)]
pub struct Understood {
    /// What is asked.
    pub envelope: Envelope,
    /// The call itself, if it is here.
    pub body: Bytes,
    /// Whether the prompt is in it.
    pub is_countable: bool,
}

impl Authorized {
    /// The call: what is known of it, its body, and the model it is for.
    pub fn asked(&self) -> (Envelope, Bytes, Arc<Model>) {
        (self.envelope.clone(), self.body.clone(), self.model.clone())
    }
}

/// A model that may be used in any of these ways is there for its caller.
const MODEL_USES: [Operation; 3] = [Operation::Chat, Operation::TextCompletion, Operation::Embeddings];

/// Reads the body and asks the policies.
pub async fn run(
    gate: &Gate,
    endpoint: Endpoint,
    identified: Identified,
    ticket: &mut Ticket,
) -> Gated<Authorized> {
    let shelf = identified.key().shelf.clone();
    let mut made = None;
    let understand = |endpoint: Endpoint, body: &Bytes, bounds: &Bounds| {
        made = prompted::made(endpoint, body, shelf.as_deref())?;
        let body = made.as_ref().map_or(body, |made| &made.body);
        in_its_dialect(endpoint, body, bounds)
    };
    let authorized = run_as(gate, endpoint, identified, ticket, understand).await;
    if let Some(made) = made {
        if let Some(capture) = &mut ticket.capture {
            capture.asked(&made.body);
        }
        ticket.policies.extend(made.named);
        ticket.values = made.values;
    }
    authorized
}

/// The body is the call.
pub fn in_its_dialect(endpoint: Endpoint, body: &Bytes, bounds: &Bounds) -> Gated<Understood> {
    let envelope = dialect::read_request(endpoint, body, &bounds.body)
        .map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()).against(Threat::Anp0008))?;
    Ok(Understood {
        envelope,
        body: body.clone(),
        is_countable: true,
    })
}

/// The same where the body says in another way what is asked.
// threat: AGP-E1
// threat: ANP-0002
// threat: ANP-0008
pub async fn run_as(
    gate: &Gate,
    endpoint: Endpoint,
    identified: Identified,
    ticket: &mut Ticket,
    understand: impl FnOnce(Endpoint, &Bytes, &Bounds) -> Gated<Understood>,
) -> Gated<Authorized> {
    let Identified {
        accepted,
        view,
        key,
        proof,
        by,
        ..
    } = identified;
    let settings = &view.settings;
    let body = read_body(accepted.body, &settings.bounds).await?;
    if let Some(proof) = proof {
        proof.complete(gate, &body).await?;
    }
    ticket.request_digest = Some(blake3::hash(&body));
    let guard = gate.connectors.caller(&key.record);
    ticket.is_a_guards = guard.is_some();
    // What a guard asks are other tenants' words: none of them is kept with those of its own.
    ticket.capture.take_if(|_| guard.is_some());
    if let Some(capture) = &mut ticket.capture {
        capture.asked(&body);
    }
    if let Some(asked) = &mut ticket.asked {
        asked.body(&body);
    }
    let Understood {
        envelope,
        body,
        is_countable,
    } = understand(endpoint, &body, &settings.bounds)?;
    ticket.prompt = body.clone();
    ticket.streamed = envelope.stream;
    let arrived = Arrived {
        address: accepted.address,
        at: accepted.started,
        data_class: accepted.data_class,
    };
    let plain = Asked::plain(endpoint.operation(), &envelope.model, settings, arrived);
    let asked = Asked {
        stream: envelope.stream,
        tools: envelope.tools,
        images: envelope.images > 0,
        ..plain
    };
    if let By::Token(holder) = &by {
        narrowed(&holder.grant, &asked)?;
    }
    let Some(model) = settings.models.get(&envelope.model) else {
        return Err(no_model(&envelope.model));
    };
    ticket.model = Some(model.name.clone());
    let guarded = guarded(settings, &key, &asked);
    ticket.plan = settings.guards.plan(&guarded, key.guards.as_deref());
    gate.connectors.attach(&guarded, key.consents.as_deref(), ticket);
    let carried = (sending::data_class(settings, &key, &asked), accepted.started);
    let sent = sending::is_asked(settings).then(|| asked.clone());
    let decision = decide(settings, &key, asked);
    ticket.policies.clone_from(&decision.policies);
    if !decision.permit {
        return Err(forbidden(settings, &key, &envelope, (&decision, arrived)));
    }
    output_allowed(model, &envelope)?;
    let model = match sent {
        Some(asked) => sending::narrowed(settings, &key, &asked, model, &mut ticket.policies)?,
        None => model.clone(),
    };
    let model = sending::consented(&key, carried, model, &mut ticket.policies)?;
    if let Some(guard) = guard {
        ticket.policies.push(format!("connector:{}", guard.name));
    }
    if ticket.plan.profiles().next().is_some() {
        // By which version of which profiles its text is judged, for who asks later.
        ticket.policies.push(format!("guards:{}", ticket.plan.version()));
    }
    Ok(Authorized {
        endpoint,
        envelope,
        body,
        model,
        forward: accepted.forward,
        is_countable,
    })
}

/// What is known of the call when it is chosen how its text is guarded.
// threat: ANP-0017
fn guarded<'c>(settings: &Settings, key: &'c KeyEntry, asked: &'c Asked) -> guard::Call<'c> {
    guard::Call {
        tenant: (key.principal.tenant, &key.tenant_name),
        team: (key.principal.team, &key.team_name),
        project: key.principal.project,
        key: (key.record.id, &key.record.name),
        tags: &key.tags,
        model: &asked.model,
        operation: asked.operation,
        data_class: sending::data_class(settings, key, asked),
    }
}

/// A token may do what its key may, and of that what it was given for.
// threat: AGP-E1
fn narrowed(grant: &Grant, asked: &Asked) -> Gated<()> {
    if !grant.has_model(&asked.model) {
        return Err(no_model(&asked.model));
    }
    if !grant.has_operation(asked.operation) {
        let detail = "this token was not given for this operation";
        return Err(Refusal::new(Code::PolicyForbidden, detail).against(Threat::AgpE1));
    }
    Ok(())
}

/// Names of the models this key may chat with, complete with or embed with, and whose calls may then go somewhere.
// threat: ANP-0015
// threat: ANP-0017
pub fn visible_models<'a>(view: &'a View, key: &Arc<KeyEntry>, arrived: Arrived) -> Vec<&'a Arc<Model>> {
    let settings = &view.settings;
    let may_list = Asked::plain(Operation::ListModels, "", settings, arrived);
    if !decide(settings, key, may_list).permit {
        return Vec::new();
    }
    let models = settings.models.values();
    let mut seen: Vec<_> = models
        .filter(|model| {
            uses(settings, key, &model.name, arrived).any(|asked| {
                let carried = (sending::data_class(settings, key, &asked), arrived.at);
                sending::may_go(settings, key, &asked, model) && sending::may_leave(key, carried, model)
            })
        })
        .collect();
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    seen
}

/// The ways in which this key may use the model.
fn uses(
    settings: &Settings,
    key: &Arc<KeyEntry>,
    model: &str,
    arrived: Arrived,
) -> impl Iterator<Item = Asked> {
    let ways = MODEL_USES.iter();
    ways.map(move |operation| Asked::plain(*operation, model, settings, arrived))
        .filter(|asked| decide(settings, key, asked.clone()).permit)
}

/// The same sentence for what is not there and for what may not be seen.
pub fn no_model(name: &str) -> Box<Refusal> {
    let shown: String = name.chars().take(80).collect();
    Refusal::new(
        Code::ModelNotFound,
        format!("there is no model `{shown}` for this key: GET /v1/models lists yours"),
    )
    .against(Threat::AgpE1)
}

/// Remembered or asked. What is asked anew is asked of the policies that are tried out too, if any are.
pub(super) fn decide(settings: &Settings, key: &Arc<KeyEntry>, asked: Asked) -> Arc<Decision> {
    key.decision(asked, |asked| {
        let decision = settings.policy.decide(&shadow::question(key, asked));
        if let Some(shadow) = &settings.shadow {
            shadow.compare(key, asked, &decision);
        }
        decision
    })
}

/// 403 with the policy's reason where that is all that stands in the way, and 403 where the model itself may be
/// used and only this use of it may not; else it does not exist.
fn forbidden(
    settings: &Settings,
    key: &Arc<KeyEntry>,
    envelope: &Envelope,
    (decision, arrived): (&Decision, Arrived),
) -> Box<Refusal> {
    if let Some(reason) = &decision.reason {
        return Refusal::new(Code::PolicyForbidden, reason.clone())
            .against(Threat::AgpE1)
            .internally(format!("policies: {}", decision.policies.join(", ")));
    }
    let visible = uses(settings, key, &envelope.model, arrived).next().is_some();
    let why = decision
        .error
        .clone()
        .unwrap_or_else(|| format!("policies: {}", decision.policies.join(", ")));
    if !visible {
        return no_model(&envelope.model).internally(why);
    }
    Refusal::new(Code::PolicyForbidden, "policy forbids this use of the model")
        .against(Threat::AgpE1)
        .internally(why)
}

fn output_allowed(model: &Model, envelope: &Envelope) -> Gated<()> {
    let (Some(max), Some(asked)) = (model.output_tokens_max, envelope.max_output_tokens) else {
        return Ok(());
    };
    if asked <= max {
        return Ok(());
    }
    let detail = format!(
        "`{}` may generate at most {max} tokens here, {asked} were asked for",
        model.name
    );
    Err(Refusal::new(Code::OutputTooLong, detail).against(Threat::Anp0008))
}

/// The whole body, no larger and no slower than allowed.
// threat: CTX-T5
pub(super) async fn read_body(body: Carried, bounds: &Bounds) -> Gated<Bytes> {
    let body = match body {
        Carried::Wire(body) => body,
        Carried::Read(body) => return Ok(body),
    };
    let declared = hyper::body::Body::size_hint(&body).lower();
    if declared > bounds.body_bytes_max as u64 {
        return Err(too_large(bounds));
    }
    match tokio::time::timeout(bounds.body_timeout, gather(body, bounds)).await {
        Ok(read) => read,
        Err(_) => {
            Err(Refusal::new(Code::BodyTimeout, "the body did not arrive in time").against(Threat::CtxT5))
        }
    }
}

/// Most bodies arrive in one piece and are not copied.
async fn gather(mut body: Incoming, bounds: &Bounds) -> Gated<Bytes> {
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| {
            Refusal::new(Code::BodyIncomplete, "the body broke off").internally(e.to_string())
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > bounds.body_bytes_max {
            return Err(too_large(bounds));
        }
        if rest.is_empty() && first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(first.len() * 2 + data.len());
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

fn too_large(bounds: &Bounds) -> Box<Refusal> {
    let detail = format!("the body may hold at most {} bytes", bounds.body_bytes_max);
    Refusal::new(Code::BodyTooLarge, detail).against(Threat::Anp0008)
}
