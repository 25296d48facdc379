//! Control-plane policies that are tried out beside those in force: asked what those were asked, off the
//! request's path. Never changes an answer.

use std::sync::Arc;

use domain::{ActorId, Permission, RoleGrant, TenantId, UnixMillis};
use policy::{
    Act, ActContext, Actor, Answered, Compared, Desk, Difference, Differences, Plane, Resource, Verdict,
};
use tokio::sync::Semaphore;

/// Comparisons at once; what comes while so many are under way is counted as skipped.
const AT_ONCE_MAX: usize = 16;

/// A version that is tried out.
#[derive(Debug)]
pub struct Shadow {
    version: u64,
    desk: Desk,
    differences: Arc<Differences>,
    places: Arc<Semaphore>,
}

/// An act that outlives its request.
#[derive(Debug)]
pub struct Asked {
    /// Who.
    pub actor: ActorId,
    /// What they are called.
    pub name: String,
    /// Where they live.
    pub tenant: TenantId,
    /// Their roles.
    pub grants: Vec<RoleGrant>,
    /// What.
    pub permission: Permission,
    /// To what.
    pub resource: Resource,
    /// How they come.
    pub context: ActContext,
}

impl Shadow {
    /// Tries `desk`, which is that version of the policies, out.
    pub fn new(version: u64, desk: Desk, differences: Arc<Differences>) -> Self {
        Self {
            version,
            desk,
            differences,
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }

    /// Asks it the same, later and elsewhere; a panic ends there.
    // threat: ANP-0014
    pub fn compare(self: &Arc<Self>, asked: Asked, answered: &Verdict) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.note(Compared::Skipped);
            return;
        };
        let (shadow, answered) = (self.clone(), answered.clone());
        let comparing = tokio::task::spawn_blocking({
            let shadow = shadow.clone();
            move || shadow.compared(&asked, &answered)
        });
        tokio::spawn(async move {
            shadow.note(comparing.await.unwrap_or(Compared::Failed));
            drop(place);
        });
    }

    fn compared(&self, asked: &Asked, answered: &Verdict) -> Compared {
        let other = self.desk.decide(&Act {
            actor: &Actor {
                id: asked.actor,
                tenant: asked.tenant,
                grants: &asked.grants,
            },
            permission: asked.permission,
            resource: asked.resource,
            context: asked.context,
        });
        if other.error.is_some() && answered.error.is_none() {
            return Compared::Failed;
        }
        if other.permit == answered.permit {
            return Compared::Same;
        }
        Compared::Differs(Box::new(Difference {
            question: format!(
                "{} by {} ({}) on {}",
                asked.permission,
                asked.name,
                asked.actor,
                self.desk.name_of(&asked.resource)
            ),
            tenant: asked.tenant.to_string(),
            active: short(answered),
            shadow: short(&other),
            count: 1,
            last: UnixMillis::now(),
        }))
    }

    fn note(&self, compared: Compared) {
        self.differences.note(Plane::Control, self.version, compared);
    }
}

fn short(verdict: &Verdict) -> Answered {
    Answered {
        permit: verdict.permit,
        policies: verdict.policies.clone(),
    }
}
