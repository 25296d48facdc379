//! Why an act is permitted or not, and who may do one. Answers what [`Desk::decide`] answers, policy by
//! policy; never anything else.

use domain::Permission;
use serde::Serialize;

use super::{Act, ActContext, Actor, ActorId, Desk, Resource, Verdict};
use crate::Posture;
use crate::error::clip;
use crate::explain::Applied;

/// How long ago people may have signed in whom a set must not lock out, in milliseconds.
const SIGN_IN_AGES: [u64; 3] = [0, 60_000, 600_000];

/// An answer, and how each policy that is about such acts came to its part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer.
    pub verdict: Verdict,
    /// Every policy whose scope holds the act, by id.
    pub applied: Vec<Applied>,
}

impl Desk {
    /// The answer, and each policy's part in it.
    pub fn explain(&self, act: &Act<'_>) -> Explanation {
        let asked = match self.asked(act) {
            Ok(asked) => asked,
            Err(error) => {
                return Explanation {
                    verdict: Verdict::failed(clip(&error.to_string(), 200)),
                    applied: Vec::new(),
                };
            }
        };
        Explanation {
            applied: self.view(&asked).parts(asked.slice.policies.policies()),
            verdict: self.verdict(&asked),
        }
    }

    /// Who of `actors` may do this, and by which policies, when they come as well signed in as can be.
    pub fn who_can(
        &self,
        permission: Permission,
        resource: Resource,
        actors: &[Actor<'_>],
    ) -> Vec<(ActorId, Vec<String>)> {
        let asked = actors.iter().map(|actor| {
            let verdict = self.decide(&Act {
                actor,
                permission,
                resource,
                context: ActContext::AT_BEST,
            });
            (actor.id, verdict)
        });
        asked
            .filter(|(_, verdict)| verdict.permit)
            .map(|(id, verdict)| (id, verdict.policies))
            .collect()
    }

    /// Whether one of `actors` may do this on an ordinary day, just signed in and some minutes after; or, where
    /// it wants a second person, whether there are two who may.
    // threat: ANP-0014
    // threat: CTX-T2
    pub fn somebody_may(
        &self,
        permission: Permission,
        resource: Resource,
        actors: &[Actor<'_>],
        posture: Posture,
    ) -> bool {
        let may = |actor: &Actor<'_>, approved: bool| {
            SIGN_IN_AGES.iter().all(|age| {
                let context = ActContext {
                    sign_in_age_ms: *age,
                    posture,
                    approved,
                    ..ActContext::AT_BEST
                };
                let act = Act {
                    actor,
                    permission,
                    resource,
                    context,
                };
                self.decide(&act).permit
            })
        };
        let with_another = actors.iter().filter(|actor| may(actor, true)).count();
        with_another > 1 || actors.iter().any(|actor| may(actor, false))
    }
}
