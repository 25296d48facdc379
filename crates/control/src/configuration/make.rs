//! What a step of a plan does: the act as it is asked for singly, its changes, and the world after it.

mod of_budgets;
mod of_content;
mod of_keys;

use domain::{ActorId, GrantId, Permission, ProjectId, Reach, Role, ServiceId, TeamId, UserId};
use policy::Resource;
use store::{Change, Team, Tenant};

use super::document::{GrantPart, ProjectPart, ServicePart, TeamPart, TenantPart, UserPart};
use super::plan::{Step, Verb};
use super::things::{Name, somebody};
use super::world::World;
use super::{Kind, Part};
use crate::call::{Call, Entered, Stop, Weight};
use crate::problem::{Code, Problem};
use crate::record::{Document, Grant, Login, Project, Service, User, UserState};
use crate::resource::{history, tokens, users};

/// What a step is.
#[derive(Debug)]
pub struct Act {
    /// What policies are asked, each of what and whether it wants a second person: all of it must be permitted. The first
    /// names the act.
    pub asked: Vec<(Permission, Resource, Weight)>,
    /// The id of what it is done to.
    pub target: String,
    /// What changes.
    pub changes: Vec<Change>,
    /// What is shown once.
    pub secret: Option<String>,
}

impl Act {
    fn new(permission: Permission, resource: Resource, target: impl ToString, change: Change) -> Self {
        Self {
            asked: vec![(permission, resource, Weight::Configured)],
            target: target.to_string(),
            changes: vec![change],
            secret: None,
        }
    }
}

/// The one who makes acts of steps: each in the world that those before it left.
#[derive(Debug)]
pub struct Maker<'a> {
    /// The request.
    pub call: &'a Call,
    /// The tenant.
    pub entered: &'a Entered,
    /// What there is.
    pub world: World,
}

fn gone(what: &str) -> Problem {
    Problem::new(
        Code::Conflict,
        format!("a {what} is gone meanwhile: read again, then repeat"),
    )
}

impl Maker<'_> {
    /// The act of a step.
    pub async fn act(&mut self, step: &Step) -> Result<Act, Stop> {
        let made = match (step.verb, step.part()) {
            (_, None) => return Err(gone("thing").into()),
            (_, Some(Part::Tenant(part))) => self.tenant(part)?,
            (_, Some(Part::Team(part))) => self.team(part)?,
            (Verb::Remove, Some(Part::Project(part))) => self.remove_project(part)?,
            (_, Some(Part::Project(part))) => self.make_project(part)?,
            (_, Some(Part::Service(part))) => self.service(part).await?,
            (_, Some(Part::User(part))) => self.user(part).await?,
            (Verb::Remove, Some(part @ Part::Grant(_))) => self.remove_grant(&part.place().1)?,
            (_, Some(Part::Grant(part))) => self.make_grant(part)?,
            (Verb::Remove, Some(part @ Part::Key(_))) => self.revoke_key(&part.place().1)?,
            (Verb::Create, Some(Part::Key(part))) => self.make_key(part)?,
            (_, Some(Part::Key(part))) => self.change_key(part)?,
            (Verb::Remove, Some(part @ Part::Budget(_))) => self.remove_budget(&part.place().1)?,
            (_, Some(Part::Budget(part))) => self.budget(part)?,
            (_, Some(Part::Guards(_))) => self.guards(step)?,
            (_, Some(Part::Consents(_))) => self.consents(step)?,
        };
        Ok(made)
    }

    fn tenant(&mut self, part: &TenantPart) -> Result<Act, Problem> {
        let before = self.world.tenant.clone();
        let after = Tenant {
            name: part.name.clone(),
            limits: part.limits.map_or(before.limits, Into::into),
            history: match part.history {
                Some(history) => history.keeping("/tenant/history")?,
                None => before.history,
            },
            ..before.clone()
        };
        self.world.tenant = after.clone();
        let resource = Resource::Tenant(before.id);
        // What is kept of its calls is the tenant's own to say; the rest of it is set from above.
        let keeps = before.history != after.history;
        let is_all = Tenant {
            history: after.history,
            ..before.clone()
        } == after;
        let change = Change::ReplaceTenant {
            before: before.clone(),
            after,
        };
        let keeping = (
            Permission::HistoryUpdate,
            resource,
            history::weight(&before.history, &self.world.tenant.history),
        );
        let mut act = Act::new(Permission::TenantsUpdate, resource, before.id, change);
        if keeps && is_all {
            act.asked.clear();
        }
        act.asked.extend(keeps.then_some(keeping));
        Ok(act)
    }

    fn team_named(&self, name: &str) -> Result<&Team, Problem> {
        self.world.teams.get(name).ok_or_else(|| gone("team"))
    }

    fn team(&mut self, part: &TeamPart) -> Result<Act, Problem> {
        let tenant = self.entered.tenant();
        let limits = part.limits.into();
        let known = self.world.teams.get(&part.name).cloned();
        let after = Team {
            id: known.as_ref().map_or_else(TeamId::generate, |team| team.id),
            tenant,
            name: part.name.clone(),
            limits,
        };
        self.world.teams.insert(part.name.clone(), after.clone());
        let target = after.id;
        Ok(match known {
            None => {
                let resource = Resource::Tenant(tenant);
                Act::new(
                    Permission::TeamsCreate,
                    resource,
                    target,
                    Change::CreateTeam(after),
                )
            }
            Some(before) => {
                let resource = Resource::Team { tenant, team: target };
                let change = Change::ReplaceTeam { before, after };
                Act::new(Permission::TeamsUpdate, resource, target, change)
            }
        })
    }

    fn make_project(&mut self, part: &ProjectPart) -> Result<Act, Problem> {
        let team = self.team_named(&part.team)?.id;
        let project = Project {
            id: ProjectId::generate(),
            team,
            name: part.name.clone(),
            created: self.call.now,
        };
        let record = project.to_record()?;
        let resource = Resource::Team {
            tenant: self.entered.tenant(),
            team,
        };
        let id = project.id;
        self.world
            .projects
            .insert(part.name.clone(), (record.clone(), project));
        Ok(Act::new(
            Permission::ProjectsCreate,
            resource,
            id,
            Change::Create(record),
        ))
    }

    fn remove_project(&mut self, part: &ProjectPart) -> Result<Act, Problem> {
        let found = self.world.projects.remove(&part.name);
        let (record, project) = found.ok_or_else(|| gone("project"))?;
        let resource = Resource::Project {
            tenant: self.entered.tenant(),
            team: project.team,
            project: project.id,
        };
        let change = Change::Remove(record);
        Ok(Act::new(Permission::ProjectsDelete, resource, project.id, change))
    }

    // threat: ANP-0016
    async fn service(&mut self, part: &ServicePart) -> Result<Act, Stop> {
        let tenant = self.entered.tenant();
        let team = self.team_named(&part.team)?.id;
        let Some((before, known)) = self.world.services.get(&part.name).cloned() else {
            let service = Service {
                id: ServiceId::generate(),
                team,
                name: part.name.clone(),
                state: part.state,
                created: self.call.now,
            };
            let record = service.to_record()?;
            let (id, change) = (service.id, Change::Create(record.clone()));
            self.world.services.insert(part.name.clone(), (record, service));
            let resource = Resource::Team { tenant, team };
            return Ok(Act::new(Permission::ServicesCreate, resource, id, change));
        };
        let service = Service {
            state: part.state,
            ..known
        };
        let after = service.to_record()?;
        let id = service.id;
        let resource = Resource::Service {
            tenant,
            team: service.team,
            service: id,
        };
        let change = Change::Replace {
            before,
            after: after.clone(),
        };
        let mut act = Act::new(Permission::ServicesUpdate, resource, id, change);
        self.world.services.insert(part.name.clone(), (after, service));
        if part.state == UserState::Disabled {
            act.changes.extend(self.keys_end(ActorId::Service(id)));
            act.changes
                .extend(tokens::endings(self.call, self.entered, id).await?);
        }
        Ok(act)
    }

    // threat: ANP-0016
    async fn user(&mut self, part: &UserPart) -> Result<Act, Stop> {
        let tenant = self.entered.tenant();
        let Some((before, known)) = self.world.users.get(&part.email).cloned() else {
            return Ok(self.make_user(part)?);
        };
        let user = User {
            name: part.name.clone(),
            state: part.state,
            ..known
        };
        let after = user.to_record()?;
        let id = user.id;
        let mut held = self.world.grants.values().map(|(_, grant)| grant);
        let tenant_admin =
            held.any(|grant| grant.holder == ActorId::User(id) && grant.role == Role::TenantAdmin);
        let grants =
            crate::caller::grants_of(&self.call.control, self.entered.scope(), ActorId::User(id)).await?;
        let resource = Resource::User {
            tenant,
            user: id,
            platform_role: grants.iter().any(|grant| grant.reach == Reach::Platform),
            tenant_admin: tenant_admin || grants.iter().any(|grant| grant.role == Role::TenantAdmin),
        };
        let change = Change::Replace {
            before,
            after: after.clone(),
        };
        let mut act = Act::new(Permission::UsersUpdate, resource, id, change);
        self.world.users.insert(part.email.clone(), (after, user));
        if part.state == UserState::Disabled {
            act.changes.extend(self.keys_end(ActorId::User(id)));
            act.changes
                .extend(users::endings(self.call, self.entered, id).await?);
        }
        Ok(act)
    }

    /// They set a password with the token that is shown once.
    fn make_user(&mut self, part: &UserPart) -> Result<Act, Problem> {
        let user = User {
            id: UserId::generate(),
            email: part.email.clone(),
            name: part.name.clone(),
            state: part.state,
            created: self.call.now,
            external_id: None,
            left: false,
            by_directory: false,
        };
        let (shown, setup) = users::invite(self.call)?;
        let login = Login {
            setup: Some(setup),
            ..Login::empty(user.id, self.call.now)
        };
        let record = user.to_record()?;
        let resource = Resource::Tenant(self.entered.tenant());
        let change = Change::Create(record.clone());
        let mut act = Act::new(Permission::UsersCreate, resource, user.id, change);
        act.changes.push(Change::Create(login.to_record()?));
        act.secret = Some(shown.0);
        self.world.users.insert(part.email.clone(), (record, user));
        Ok(act)
    }

    fn actor(&self, user: Option<&String>, service: Option<&String>) -> Result<ActorId, Problem> {
        let found = match somebody(user, service) {
            Some((Kind::User, _)) => user
                .and_then(|name| self.world.users.get(name))
                .map(|(_, user)| ActorId::User(user.id)),
            _ => service
                .and_then(|name| self.world.services.get(name))
                .map(|(_, service)| ActorId::Service(service.id)),
        };
        found.ok_or_else(|| gone("user or service account"))
    }

    // threat: ANP-0014
    fn make_grant(&mut self, part: &GrantPart) -> Result<Act, Problem> {
        let tenant = self.entered.tenant();
        let role: Role = part
            .role
            .parse()
            .map_err(|_| Problem::new(Code::Invalid, "there is no such role"))?;
        let reach = match &part.team {
            None => Reach::Tenant(tenant),
            Some(team) => Reach::Team(tenant, self.team_named(team)?.id),
        };
        if !role.fits(&reach) {
            return Err(Problem::new(
                Code::Invalid,
                format!("`{role}` cannot reach that far"),
            ));
        }
        let grant = Grant {
            id: GrantId::generate(),
            holder: self.actor(part.user.as_ref(), part.service.as_ref())?,
            role,
            reach,
            created: self.call.now,
            by_sso: false,
        };
        let record = grant.to_record()?;
        let act = self.of_grant(&grant, Permission::GrantsCreate, Change::Create(record.clone()));
        let name = Part::Grant(part.clone()).place().1;
        self.world.grants.insert(name, (record, grant));
        Ok(act)
    }

    fn of_grant(&self, grant: &Grant, permission: Permission, change: Change) -> Act {
        let resource = Resource::Grant {
            tenant: self.entered.tenant(),
            holder: grant.holder,
            role: grant.role,
            reach: grant.reach,
        };
        Act::new(permission, resource, grant.id, change)
    }

    fn remove_grant(&mut self, name: &Name) -> Result<Act, Problem> {
        let (record, grant) = self.world.grants.remove(name).ok_or_else(|| gone("role"))?;
        Ok(self.of_grant(&grant, Permission::GrantsDelete, Change::Remove(record)))
    }
}
