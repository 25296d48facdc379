//! Where the content of a call may go: the policies are asked of each target of its model, and the rest of the
//! stages see a model with those alone. Belongs to stage 3; where no policy is about sending, nothing is asked.

use std::sync::Arc;

use domain::Threat;
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
