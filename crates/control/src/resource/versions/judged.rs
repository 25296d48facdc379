//! Whether a set of policies may be stored or put in force: it is put together as it would answer, its tests are
//! run, and nobody may be locked out by it.

use std::sync::Arc;

use domain::{ActorId, Permission, Role, TenantId, TenantScope};
use policy::{Actor, Configured, Desk, Failed, Plane, PolicyTexts};

use super::RESOURCE;
use crate::call::{Call, Stop};
use crate::problem::{Code, Problem};
use crate::record::{User, UserState, read};

/// How many failed tests an error lists.
const FAILED_SHOWN_MAX: usize = 10;

/// Puts a set together as it would answer, on top of what is configured, and runs its tests. Returns the desk
/// of a control-plane set.
// threat: ANP-B0001
// threat: ANP-0002
pub(super) async fn tried(
    call: &Call,
    plane: Plane,
    texts: Option<PolicyTexts>,
) -> Result<Option<Desk>, Problem> {
    let configured = call.control.rules.configured();
    let task = tokio::task::spawn_blocking(move || try_out(&configured, plane, texts.as_ref()));
    task.await.map_err(|error| Problem {
        internal: Some(error.to_string()),
        ..Problem::new(Code::Internal, "the policies could not be checked")
    })?
}

fn try_out(
    configured: &Arc<Configured>,
    plane: Plane,
    texts: Option<&PolicyTexts>,
) -> Result<Option<Desk>, Problem> {
    let refused = |error: policy::PolicyError| Problem::new(Code::Invalid, error.to_string()).at("/files");
    let failed = |run: &dyn Fn(&PolicyTexts) -> Vec<Failed>| match texts.map(run) {
        Some(failed) if !failed.is_empty() => Err(of_tests(&failed)),
        _ => Ok(()),
    };
    match plane {
        Plane::Calls => {
            let engine = configured.engine(texts).map_err(refused)?;
            failed(&|texts| texts.failed_on_calls(&engine))?;
            Ok(None)
        }
        Plane::Control => {
            let desk = configured.desk(texts).map_err(refused)?;
            failed(&|texts| texts.failed_on_control(&desk))?;
            Ok(Some(desk))
        }
    }
}

fn of_tests(failed: &[Failed]) -> Problem {
    let shown: Vec<_> = failed
        .iter()
        .take(FAILED_SHOWN_MAX)
        .map(ToString::to_string)
        .collect();
    let detail = format!("{} policy tests failed: {}", failed.len(), shown.join("; "));
    Problem::new(Code::Invalid, detail).at("/tests")
}

/// That a set leaves a way back: some platform admin who is there may still put another in force. Asked of the
/// very desk that would answer.
// threat: ANP-0014
// threat: CTX-T2
pub(super) async fn leaves_a_way_back(call: &Call, desk: &Desk) -> Result<(), Stop> {
    let scope = TenantScope::operator(TenantId::PLATFORM);
    let mut admins = Vec::new();
    for (record, _) in call.all_of::<User>(&scope, None).await? {
        let user: User = read(&record)?;
        let id = ActorId::User(user.id);
        let grants = crate::caller::grants_of(&call.control, &scope, id).await?;
        let is_admin = grants.iter().any(|grant| grant.role == Role::PlatformAdmin);
        if is_admin && user.state == UserState::Active {
            admins.push((id, grants));
        }
    }
    let actors: Vec<_> = admins
        .iter()
        .map(|(id, grants)| Actor {
            id: *id,
            tenant: TenantId::PLATFORM,
            grants,
        })
        .collect();
    let posture = call.control.posture;
    if desk.somebody_may(Permission::PoliciesActivate, RESOURCE, &actors, posture) {
        return Ok(());
    }
    let detail =
        "with these policies no platform admin could put others in force: nobody could take them back";
    Err(Problem::new(Code::Conflict, detail).into())
}
