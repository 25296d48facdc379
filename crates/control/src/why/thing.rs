//! What an act is done to, from its id. Everything but the id comes from the store.

use domain::{ActorId, BudgetId, KeyId, Reach, Role, TeamId};
use ledger::{Budget, BudgetScope};
use policy::{BudgetLevel, Resource};
use store::StoreError;

use super::{Person, Scene, people};
use crate::problem::Problem;
use crate::record::{Document, Grant, Project, Service, Session, read};

/// The thing of that id, or that a word names.
pub async fn find(scene: &Scene<'_>, wanted: &str) -> Result<Resource, Problem> {
    let tenant = scene.tenant;
    if let Some(named) = word(scene, wanted) {
        return Ok(named);
    }
    let (prefix, _) = wanted.split_once('_').ok_or_else(Problem::not_found)?;
    match prefix {
        "team" => {
            let id: TeamId = id(wanted)?;
            scene.names.team(tenant, id).ok_or_else(Problem::not_found)?;
            Ok(Resource::Team { tenant, team: id })
        }
        "key" => {
            let id: KeyId = id(wanted)?;
            let key = scene.names.key(tenant, id).ok_or_else(Problem::not_found)?;
            Ok(Resource::Key {
                tenant,
                team: key.team,
                key: id,
                owner: key.owner,
            })
        }
        _ => stored(scene, wanted).await,
    }
}

fn word(scene: &Scene<'_>, wanted: &str) -> Option<Resource> {
    let tenant = scene.tenant;
    Some(match wanted {
        "platform" => Resource::Platform,
        "settings" => Resource::Settings,
        "tenant" => Resource::Tenant(tenant),
        "audit" => Resource::AuditLog { tenant },
        "models" => Resource::Models { tenant },
        "policies" => Resource::Policies { tenant },
        "usage" => Resource::Usage { tenant, team: None },
        id if id == tenant.to_string() => Resource::Tenant(tenant),
        _ => return None,
    })
}

fn id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// What is kept as a document, or is a budget.
async fn stored(scene: &Scene<'_>, wanted: &str) -> Result<Resource, Problem> {
    if let Ok(id) = wanted.parse::<BudgetId>() {
        let budget = scene
            .names
            .budget(scene.tenant, id)
            .ok_or_else(Problem::not_found)?;
        return budget_of(scene, budget).await;
    }
    let tenant = scene.tenant;
    if let Some(project) = document::<Project>(scene, wanted).await? {
        return Ok(Resource::Project {
            tenant,
            team: project.team,
            project: project.id,
        });
    }
    if let Some(grant) = document::<Grant>(scene, wanted).await? {
        return Ok(Resource::Grant {
            tenant,
            holder: grant.holder,
            role: grant.role,
            reach: grant.reach,
        });
    }
    if let Some(session) = document::<Session>(scene, wanted).await? {
        return Ok(Resource::Session {
            tenant,
            session: session.id,
            user: session.user,
        });
    }
    people::find(scene, wanted).await.map(|person| somebody(&person))
}

/// A person or service account as what an act is done to.
pub fn somebody(person: &Person) -> Resource {
    let tenant = person.tenant;
    match (person.id, &person.service) {
        (ActorId::User(user), _) => Resource::User {
            tenant,
            user,
            platform_role: person.grants.iter().any(|grant| grant.reach == Reach::Platform),
            tenant_admin: person.grants.iter().any(|grant| grant.role == Role::TenantAdmin),
        },
        (ActorId::Service(service), Some(described)) => Resource::Service {
            tenant,
            team: described.team,
            service,
        },
        // Services are always read with what describes them.
        (ActorId::Service(_), None) => Resource::Tenant(tenant),
    }
}

async fn document<T: Document>(scene: &Scene<'_>, wanted: &str) -> Result<Option<T>, Problem> {
    match scene.store.record(&scene.scope(), T::KIND, wanted).await {
        Err(StoreError::NotFound) => Ok(None),
        found => read(&found?).map(Some),
    }
}

async fn budget_of(scene: &Scene<'_>, budget: &Budget) -> Result<Resource, Problem> {
    let tenant = scene.tenant;
    let (level, team, owner) = match budget.scope {
        BudgetScope::Tenant => (BudgetLevel::Tenant, None, None),
        BudgetScope::Team(team) => (BudgetLevel::Team, Some(team), None),
        BudgetScope::Project(id) => {
            let project = document::<Project>(scene, &id.to_string()).await?;
            (BudgetLevel::Project, project.map(|project| project.team), None)
        }
        BudgetScope::Key(id) => {
            let key = scene.names.key(tenant, id);
            (
                BudgetLevel::Key,
                key.map(|key| key.team),
                key.and_then(|key| key.owner),
            )
        }
        BudgetScope::User(id) => (BudgetLevel::User, None, Some(ActorId::User(id))),
        BudgetScope::Service(id) => {
            let service = document::<Service>(scene, &id.to_string()).await?;
            let team = service.map(|service| service.team);
            (BudgetLevel::Service, team, Some(ActorId::Service(id)))
        }
    };
    Ok(Resource::Budget {
        tenant,
        budget: budget.id,
        level,
        team,
        owner,
    })
}
