//! A tenant's whole configuration as one document: read, planned, applied.

use domain::{ActorId, TenantId};
use http::StatusCode;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use store::Tenant;

use super::keys::Shown;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::configuration::document::Configuration;
use crate::configuration::make::{Act, Maker};
use crate::configuration::plan::{Plan, Step, Verb, plan};
use crate::configuration::world::World;
use crate::configuration::{Kind, Part, in_one_spelling, put_together, things};
use crate::problem::{Code, Problem};
use crate::{etag, shapes};

/// The most steps of one plan.
const STEPS_MAX: usize = 1_000;

/// One step of a plan, as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepView {
    /// `create`, `update`, `disable` or `remove`.
    pub verb: Verb,
    /// What it is done to.
    pub kind: Kind,
    /// What people call that.
    pub name: String,
    /// As it is.
    #[schemars(with = "Option<serde_json::Value>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Part>,
    /// As it shall be.
    #[schemars(with = "Option<serde_json::Value>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Part>,
}

/// Something that is shown once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SecretView {
    /// `key`: what callers present; `user`: the one-time token for `POST /api/v1/password`.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The text. Shown now and never again.
    #[schemars(with = "String")]
    pub secret: Shown,
}

/// What was done, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Applied {
    /// The steps, in their order; none when everything was so already.
    pub steps: Vec<StepView>,
    /// What whoever applies it should know.
    pub remarks: Vec<String>,
    /// Secrets of what was made; none in a dry run.
    pub secrets: Vec<SecretView>,
}

shapes! { given: ; shown: Applied }

/// The tenant in the path. The platform's own is no tenant that could be moved.
async fn found(call: &Call) -> Result<(Entered, Tenant), Stop> {
    let entered = call.enter().await?;
    let tenant = call.names.tenant(entered.tenant());
    let tenant = tenant.filter(|tenant| tenant.id != TenantId::PLATFORM);
    Ok((entered, tenant.ok_or_else(Problem::not_found)?))
}

async fn permit(call: &Call, entered: &Entered) -> Result<Permitted, Stop> {
    let tenant = entered.tenant();
    call.permit(entered, Resource::Configuration { tenant }).await
}

/// `GET …/configuration`.
// threat: CTX-T4
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    permit(&call, &entered).await?;
    let world = World::read(&call, &entered, tenant).await?;
    let document = put_together(&world.current.things);
    if !call.wants_yaml() {
        return Ok(Answer::view(&document)?);
    }
    let text = serde_saphyr::to_string(&document).map_err(|error| Problem {
        internal: Some(error.to_string()),
        ..Problem::new(Code::Internal, "the answer could not be written")
    })?;
    Ok(Answer {
        etag: Some(etag::of(&document)),
        ..Answer::text("application/yaml", text)
    })
}

/// `PUT …/configuration`.
// threat: ANP-0014
// threat: ANP-0022
pub async fn apply(call: Call, mut body: Configuration) -> Done {
    let (entered, tenant) = found(&call).await?;
    let permitted = permit(&call, &entered).await?;
    in_one_spelling(&mut body)?;
    let world = World::read(&call, &entered, tenant).await?;
    let current = put_together(&world.current.things);
    call.must_match(&current)?;
    let prune = call.query("prune").is_some_and(|text| text != "false");
    let plan = plan(&world.current, &body, prune)?;
    if plan.steps.len() > STEPS_MAX {
        let detail = format!(
            "that takes {} steps, and at most {STEPS_MAX} are done at once: apply it in parts",
            plan.steps.len()
        );
        return Err(Problem::new(Code::Invalid, detail).into());
    }
    must_stay(&call, &world, &plan)?;
    let mut maker = Maker {
        call: &call,
        entered: &entered,
        world,
    };
    let (mut acts, mut changes, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
    for step in &plan.steps {
        let act = maker.act(step).await.map_err(|stop| placed(stop, step))?;
        let leave = leave(&call, &permitted, &act)
            .await
            .map_err(|stop| placed(stop, step))?;
        acts.push((
            leave,
            Deed::of(&act.target, step.before.as_ref(), step.after.as_ref()),
        ));
        changes.extend(act.changes);
        if let (Some(secret), Some(part)) = (act.secret, step.part()) {
            secrets.push(SecretView {
                kind: part.kind(),
                name: part.label(),
                id: act.target,
                secret: Shown(secret),
            });
        }
    }
    finish(
        &call,
        &permitted,
        (plan, secrets, etag::of(&current)),
        acts,
        changes,
    )
    .await
}

async fn finish(
    call: &Call,
    permitted: &Permitted,
    (plan, secrets, tag): (Plan, Vec<SecretView>, String),
    acts: Vec<(Permitted, Deed)>,
    changes: Vec<store::Change>,
) -> Done {
    let tenant = permitted.scope().tenant();
    let is_same = plan.steps.is_empty();
    // What a second person sees, where one is wanted.
    let labels: Vec<String> = plan.steps.iter().filter_map(label).collect();
    let deed = Deed::changed(tenant, &json!({ "tag": tag }), &json!({ "steps": labels }));
    let shown = Applied {
        steps: plan.steps.into_iter().filter_map(view).collect(),
        remarks: plan.remarks,
        secrets: if call.is_dry_run() { Vec::new() } else { secrets },
    };
    let mut answer = Answer::json(StatusCode::OK, &shown)?;
    // Of a plan: what it was made for. Send it back and nothing else than the plan is done.
    if is_same || call.is_dry_run() {
        answer.etag = Some(tag);
    }
    if is_same && !call.is_dry_run() {
        return Ok(answer);
    }
    call.done_all((permitted, deed), acts, changes, answer).await
}

fn label(step: &Step) -> Option<String> {
    let part = step.part()?;
    let verb = serde_json::to_value(step.verb).ok()?;
    Some(format!(
        "{} {} {}",
        verb.as_str()?,
        part.kind().word(),
        part.label()
    ))
}

fn view(step: Step) -> Option<StepView> {
    let part = step.part()?;
    Some(StepView {
        verb: step.verb,
        kind: part.kind(),
        name: part.label(),
        before: step.before,
        after: step.after,
    })
}

/// Leave for all that an act is.
async fn leave(call: &Call, door: &Permitted, act: &Act) -> Result<Permitted, Stop> {
    let mut named = None;
    for (permission, resource, weight) in &act.asked {
        let permitted = call.permit_also(door, (*permission, *resource), *weight).await?;
        named.get_or_insert(permitted);
    }
    Ok(named.ok_or_else(Problem::not_found)?)
}

/// A "no" to one step says which.
fn placed(stop: Stop, step: &Step) -> Stop {
    match stop {
        Stop::Problem(problem) if problem.pointer.is_none() => {
            let label = step
                .part()
                .map(|part| format!("{} `{}`", part.kind().word(), part.label()));
            Stop::Problem(Box::new(Problem {
                detail: format!("{}: {}", label.unwrap_or_default(), problem.detail),
                pointer: Some(step.pointer.clone()),
                ..*problem
            }))
        }
        stop => stop,
    }
}

/// Nobody shuts themself out by leaving themself out.
// threat: CTX-T2
fn must_stay(call: &Call, world: &World, plan: &Plan) -> Result<(), Problem> {
    let caller = call.caller()?;
    if caller.tenant != world.tenant.id {
        return Ok(());
    }
    let own = own_places(world, caller.id);
    let loses = plan.steps.iter().filter(|step| step.verb != Verb::Update);
    let lost = loses
        .filter_map(|step| step.before.as_ref())
        .find(|part| own.contains(&part.place()));
    match lost {
        None => Ok(()),
        Some(part) => {
            let detail = format!(
                "this would take from you the {} `{}`: put yourself into the document, or let somebody else apply it",
                part.kind().word(),
                part.label()
            );
            Err(Problem::new(Code::Conflict, detail))
        }
    }
}

/// The caller's account and roles, as documents know them.
fn own_places(world: &World, caller: ActorId) -> Vec<(Kind, things::Name)> {
    let (user, service) = world.names_of(caller);
    let account = things::somebody(user.as_ref(), service.as_ref());
    let roles = world
        .grants
        .iter()
        .filter(|(_, (_, grant))| grant.holder == caller);
    let roles = roles.map(|(name, _)| (Kind::Grant, name.clone()));
    account.into_iter().chain(roles).collect()
}
