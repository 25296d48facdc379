//! Where the content of a call may go: the policies and then the tenant's consents are asked of each target of its model,
//! and the rest of the stages see a model with those alone. Belongs to stage 3; where no policy and no consent is about
//! sending, nothing is asked.

use std::sync::Arc;

use domain::{DataClass, Threat, UnixMillis};
use policy::Decision;

use super::authorize::decide;
use crate::directory::{Asked, KeyEntry};
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Model, Settings, Target};
use crate::shadow::Shadow;

/// Whether some policy, in force or tried out, may keep a call from a target.
pub fn is_asked(settings: &Settings) -> bool {
    let shadow = settings.shadow.as_deref();
    settings.policy.asks_targets() || shadow.is_some_and(Shadow::asks_targets)
}

/// Whether `asked` may be sent to any target of the model.
// threat: ANP-0015
pub fn may_go(settings: &Settings, key: &Arc<KeyEntry>, asked: &Asked, model: &Model) -> bool {
    let mut targets = model.targets.iter();
    !is_asked(settings) || targets.any(|target| to_target(settings, key, asked, target).permit)
}

fn to_target(settings: &Settings, key: &Arc<KeyEntry>, asked: &Asked, target: &Target) -> Arc<Decision> {
    let asked = Asked {
        place: Some(target.place.clone()),
        ..asked.clone()
    };
    decide(settings, key, asked)
}

/// The model with the targets that `asked` may be sent to. What is left out here is never tried, whatever else
/// fails. `policies` gets those that decided.
// threat: ANP-0017
// threat: ANP-0002
pub fn narrowed(
    settings: &Settings,
    key: &Arc<KeyEntry>,
    asked: &Asked,
    model: &Arc<Model>,
    policies: &mut Vec<String>,
) -> Gated<Arc<Model>> {
    let mut targets = Vec::with_capacity(model.targets.len());
    let mut first_no = None;
    for target in &model.targets {
        let decision = to_target(settings, key, asked, target);
        policies.extend_from_slice(&decision.policies);
        if decision.permit {
            targets.push(target.clone());
        } else {
            first_no.get_or_insert(decision);
        }
    }
    policies.sort();
    policies.dedup();
    let Some(no) = first_no else {
        return Ok(model.clone());
    };
    if targets.is_empty() {
        let detail = "policy forbids sending this call to any provider of the model";
        let detail = no.reason.clone().unwrap_or_else(|| detail.to_owned());
        let why = no.error.clone().unwrap_or_else(|| no.policies.join(", "));
        return Err(Refusal::new(Code::PolicyForbidden, detail)
            .against(Threat::Anp0017)
            .internally(format!("policies: {why}")));
    }
    Ok(Arc::new(Model {
        targets,
        ..Model::clone(model)
    }))
}

/// What a call carries, as it is asked about here.
pub fn data_class(settings: &Settings, key: &KeyEntry, asked: &Asked) -> DataClass {
    settings
        .policy
        .data_class(key.record.marks.data_class, asked.data_class)
}

/// Whether the tenant lets data of this class go to any target of the model now.
// threat: ANP-0017
pub fn may_leave(key: &KeyEntry, (class, now): (DataClass, UnixMillis), model: &Model) -> bool {
    let consents = key.consents.as_ref().map(|it| &it.consents);
    consents.is_none_or(|it| {
        let mut targets = model.targets.iter();
        !it.concerns(class) || targets.any(|target| it.permits(class, &target.place, now))
    })
}

/// The model with the targets that the tenant lets data of this class go to. What is left out here is never tried,
/// whatever else fails. `policies` gets the version that decided, where there is one that is about such data.
// threat: ANP-0017
pub fn consented(
    key: &KeyEntry,
    (class, now): (DataClass, UnixMillis),
    model: Arc<Model>,
    policies: &mut Vec<String>,
) -> Gated<Arc<Model>> {
    let Some(own) = key.consents.as_ref().filter(|own| own.consents.concerns(class)) else {
        return Ok(model);
    };
    policies.push(own.named());
    let may = |target: &&Arc<Target>| own.consents.permits(class, &target.place, now);
    let targets: Vec<Arc<Target>> = model.targets.iter().filter(may).cloned().collect();
    if targets.is_empty() {
        return Err(Refusal::new(
            Code::ConsentMissing,
            missing(class, own.consents.content_leaves, &model),
        )
        .against(Threat::Anp0017)
        .internally(own.named()));
    }
    if targets.len() == model.targets.len() {
        return Ok(model);
    }
    Ok(Arc::new(Model {
        targets,
        ..Model::clone(&model)
    }))
}

/// So many places are named to whoever was refused.
const NAMED_MAX: usize = 8;

/// Which consent is missing: for what, and for where.
fn missing(class: DataClass, content_leaves: bool, model: &Model) -> String {
    if !content_leaves {
        return format!(
            "your tenant lets no content leave the house's own machines (`content_leaves: false`), and `{}` is served by none",
            model.name
        );
    }
    let place = |target: &Arc<Target>| match &target.place.region {
        Some(region) => format!("provider `{}` in region `{region}`", target.place.provider),
        None => format!("provider `{}`, of which no region is said", target.place.provider),
    };
    let mut places: Vec<String> = model.targets.iter().map(place).collect();
    places.dedup();
    places.truncate(NAMED_MAX);
    format!(
        "no consent of your tenant lets {class} data go where `{}` is served: it takes one for {}",
        model.name,
        places.join(", or for ")
    )
}
