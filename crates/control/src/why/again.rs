//! A recorded act as the question it was: as far as its record tells, and with what the store holds now. What the
//! record does not tell is said and counted, never made up.

use domain::{Permission, TenantId};
use ledger::{AuditActor, AuditRecord};
use policy::{Act, ActContext, Desk, Resource, Verdict};

use super::{Person, Scene, people, thing};
use crate::problem::{Code, Problem};

/// An act that can be asked again.
#[derive(Debug, Clone)]
pub struct Again {
    /// Who acted, with their roles of today.
    pub person: Person,
    /// What was done.
    pub permission: Permission,
    /// To what; of what was made, in what.
    pub resource: Resource,
    approved: bool,
    break_glass: bool,
}

/// Why a record cannot be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untold {
    /// A sign-in, a command on the machine, a task of the gate.
    NoPolicy,
    /// It was refused, or read: the record does not name what it was asked of.
    NoTarget,
    /// Whoever acted is not there any more.
    NoActor,
    /// What it was done to is not there any more, or no kind of thing that is found by its id.
    Gone,
}

impl Untold {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPolicy => "no policy was asked",
            Self::NoTarget => "the record does not name what it was asked of",
            Self::NoActor => "whoever acted is gone",
            Self::Gone => "what it was done to is gone, or is not found by its id",
        }
    }
}

impl Scene<'_> {
    /// The question behind a record of this tenant's audit log.
    pub async fn again(&self, record: &AuditRecord) -> Result<Result<Again, Untold>, Problem> {
        let Some(permission) = Permission::named(&record.act) else {
            return Ok(Err(Untold::NoPolicy));
        };
        let (AuditActor::User(id, _) | AuditActor::Service(id, _)) = &record.actor else {
            return Ok(Err(Untold::NoPolicy));
        };
        let Some(person) = self.whoever(id).await? else {
            return Ok(Err(Untold::NoActor));
        };
        let resource = match self.asked_of(permission, record.target.as_deref()).await? {
            Ok(resource) => resource,
            Err(untold) => return Ok(Err(untold)),
        };
        Ok(Ok(Again {
            person,
            permission,
            resource,
            approved: record.approval.is_some(),
            break_glass: record.break_glass.is_some(),
        }))
    }

    /// Here, or among those whose roles reach over the platform.
    async fn whoever(&self, id: &str) -> Result<Option<Person>, Problem> {
        let platform = Scene {
            tenant: TenantId::PLATFORM,
            ..self.clone()
        };
        match there(people::find(self, id).await)? {
            None if self.tenant != TenantId::PLATFORM => there(people::find(&platform, id).await),
            found => Ok(found),
        }
    }

    /// What the policies were asked of: what was changed, or what something was made in.
    async fn asked_of(
        &self,
        permission: Permission,
        target: Option<&str>,
    ) -> Result<Result<Resource, Untold>, Problem> {
        let tenant = self.tenant;
        if let Some(resource) = always_of(permission, tenant) {
            return Ok(Ok(resource));
        }
        let Some(target) = target else {
            return Ok(Err(Untold::NoTarget));
        };
        if kind_of(permission) == "tenants" {
            let id: Option<TenantId> = target.parse().ok();
            return Ok(id.map(Resource::Tenant).ok_or(Untold::Gone));
        }
        let found = there(thing::find(self, target).await)?;
        let Some(found) = found.filter(|found| is_kind(permission, found)) else {
            return Ok(Err(Untold::Gone));
        };
        Ok(Ok(match (permission, found) {
            (
                Permission::ProjectsCreate | Permission::ServicesCreate | Permission::KeysCreate,
                Resource::Project { team, .. } | Resource::Service { team, .. } | Resource::Key { team, .. },
            ) => Resource::Team { tenant, team },
            (Permission::BudgetsCreate, Resource::Budget { team: None, .. }) => Resource::Tenant(tenant),
            (_, found) => found,
        }))
    }
}

impl Again {
    /// Asks this desk, as whoever acted came: with all that can be given of a sign-in, and with a second person
    /// only if there was one.
    pub fn ask(&self, desk: &Desk, scene: &Scene<'_>, wants_second_person: bool) -> Verdict {
        desk.decide(&Act {
            actor: &self.person.actor(),
            permission: self.permission,
            resource: self.resource,
            context: ActContext {
                posture: scene.posture,
                wants_second_person: wants_second_person || self.approved,
                approved: self.approved,
                break_glass: self.break_glass,
                ..ActContext::AT_BEST
            },
        })
    }
}

/// Acts that are asked of one thing only, whatever they are about.
const fn always_of(permission: Permission, tenant: TenantId) -> Option<Resource> {
    Some(match permission {
        Permission::TenantsCreate
        | Permission::CredentialsRead
        | Permission::CredentialsUpdate
        | Permission::CredentialsRotate
        | Permission::CredentialsRevoke => Resource::Platform,
        Permission::TeamsCreate | Permission::UsersCreate => Resource::Tenant(tenant),
        Permission::PoliciesCreate | Permission::PoliciesActivate => Resource::Policies {
            tenant: TenantId::PLATFORM,
        },
        Permission::PoliciesRead => Resource::Policies { tenant },
        Permission::AuditRead | Permission::AuditExport => Resource::AuditLog { tenant },
        Permission::ModelsRead => Resource::Models { tenant },
        Permission::ConfigurationRead | Permission::ConfigurationApply => Resource::Configuration { tenant },
        Permission::SettingsRead => Resource::Settings,
        _ => return None,
    })
}

/// Whether acts of this permission are done to such things: an id alone may lead to another kind.
fn is_kind(permission: Permission, found: &Resource) -> bool {
    let kind = match found {
        Resource::Team { .. } => "teams",
        Resource::Project { .. } => "projects",
        Resource::User { .. } => "users",
        Resource::Service { .. } => "services",
        Resource::Key { .. } => "keys",
        Resource::Budget { .. } => "budgets",
        Resource::Grant { .. } => "grants",
        Resource::Session { .. } => "sessions",
        _ => return false,
    };
    kind == kind_of(permission)
}

/// `keys` of `keys.create`.
fn kind_of(permission: Permission) -> &'static str {
    let name = permission.as_str();
    name.split_once('.').map_or(name, |(kind, _)| kind)
}

fn there<T>(found: Result<T, Problem>) -> Result<Option<T>, Problem> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}
