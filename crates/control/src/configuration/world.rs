//! What a tenant has, under the names a document knows it by: read from the store, and shown as a document.

use std::collections::BTreeMap;

use credential::{KeyRecord, KeyState, ModelAccess};
use domain::{ActorId, KeyId, Reach, ServiceId, TeamId, UserId};
use guard::Profiles;
use ledger::{Budget, BudgetScope};
use policy::Consents;
use store::{Record, Team, Tenant};

use super::document::{
    BudgetOf, BudgetPart, GrantPart, KeyPart, OwnerPart, ProjectPart, REDACTED, ServicePart, TeamPart,
    TenantPart, UserPart,
};
use super::plan::Current;
use super::things::{Name, is_said};
use super::{Kind, Part};
use crate::call::{Call, Entered, Stop};
use crate::documents::{self, Newest};
use crate::problem::{Code, Problem};
use crate::record::{Grant, Project, Service, User};
use crate::resource::budgets::amounts;
use crate::resource::words::time;

/// The most things that fit one document.
const THINGS_MAX: usize = 10_000;

/// What there is.
#[derive(Debug)]
pub struct World {
    /// The tenant.
    pub tenant: Tenant,
    /// By name.
    pub teams: BTreeMap<String, Team>,
    /// By name.
    pub projects: BTreeMap<String, (Record, Project)>,
    /// By name.
    pub services: BTreeMap<String, (Record, Service)>,
    /// By address.
    pub users: BTreeMap<String, (Record, User)>,
    /// As documents know them.
    pub grants: BTreeMap<Name, (Record, Grant)>,
    /// As documents know them; those that are not revoked.
    pub keys: BTreeMap<Name, KeyRecord>,
    /// As documents know them; not those of what is gone.
    pub budgets: BTreeMap<Name, Budget>,
    /// How it guards its own calls.
    pub guards: Newest<Profiles>,
    /// Where it lets their content go.
    pub consents: Newest<Consents>,
    /// As documents say it.
    pub current: Current,
}

/// Lists of a key in the order in which they are compared.
pub fn in_order(key: &mut KeyPart) {
    key.models.sort();
    key.models.dedup();
    key.networks.sort();
    key.networks.dedup();
    if let Some(operations) = &mut key.operations {
        operations.sort_by_key(|operation| operation.as_str());
        operations.dedup();
    }
}

impl World {
    /// Reads it. Two things that a document could not tell apart are a conflict.
    pub async fn read(call: &Call, entered: &Entered, tenant: Tenant) -> Result<Self, Stop> {
        let scope = entered.scope();
        let mut world = Self {
            teams: call
                .names
                .teams(tenant.id)
                .map(|team| (team.name.clone(), team.clone()))
                .collect(),
            projects: named(call.all_of::<Project>(scope, None).await?, |it| it.name.clone()),
            services: named(call.all_of::<Service>(scope, None).await?, |it| it.name.clone()),
            users: named(call.all_of::<User>(scope, None).await?, |it| it.email.clone()),
            grants: BTreeMap::new(),
            keys: BTreeMap::new(),
            budgets: BTreeMap::new(),
            guards: documents::replaced(call.control.store.as_ref(), scope).await?,
            consents: documents::replaced(call.control.store.as_ref(), scope).await?,
            current: Current::default(),
            tenant,
        };
        world.show_accounts();
        let users = world.users.values().map(|(_, user)| user);
        let of_directories = users.filter(|user| user.is_of_directory());
        world.current.people_of_directories = of_directories.map(|user| user.email.clone()).collect();
        for (record, grant) in call.all_of::<Grant>(scope, None).await? {
            // What comes from groups of an identity provider is the provider's to say.
            if grant.by_sso {
                continue;
            }
            if let Some(part) = world.grant_part(&grant) {
                let (_, name) = world.show(Part::Grant(part))?;
                world.grants.insert(name, (record, grant));
            }
        }
        for key in call.names.keys(world.tenant.id) {
            world.add_key(key)?;
        }
        for budget in call.names.budgets(world.tenant.id) {
            if let Some(part) = world.budget_part(budget) {
                let (_, name) = world.show(Part::Budget(part))?;
                world.budgets.insert(name, budget.clone());
            }
        }
        if let Some((_, kept)) = world.guards.as_ref().filter(|(_, kept)| is_said(&kept.document)) {
            let part = Part::Guards(Box::new(kept.document.clone()));
            world.show(part)?;
        }
        if let Some((_, kept)) = world
            .consents
            .as_ref()
            .filter(|(_, kept)| is_said(&kept.document))
        {
            let part = Part::Consents(Box::new(kept.document.clone()));
            world.show(part)?;
        }
        if world.current.things.len() > THINGS_MAX {
            let detail =
                format!("the tenant has more than {THINGS_MAX} things: they do not fit one document");
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        Ok(world)
    }

    fn show(&mut self, part: Part) -> Result<(Kind, Name), Problem> {
        let (place, word, label) = (part.place(), part.kind().word(), part.label());
        if self.current.things.insert(place.clone(), part).is_some() {
            let detail = format!(
                "two of the kind `{word}` are called `{label}`, and a document tells by names: rename one"
            );
            return Err(Problem::new(Code::Conflict, detail));
        }
        Ok(place)
    }

    /// What the store keeps under unique names.
    fn show_accounts(&mut self) {
        let tenant = Part::Tenant(TenantPart {
            name: self.tenant.name.clone(),
            limits: Some(self.tenant.limits.into()),
            history: Some(self.tenant.history.into()),
        });
        let teams = self.teams.values().map(|team| {
            Part::Team(TeamPart {
                name: team.name.clone(),
                limits: team.limits.into(),
            })
        });
        let projects = self.projects.values().map(|(_, project)| {
            Part::Project(ProjectPart {
                name: project.name.clone(),
                team: self.team_name(project.team),
            })
        });
        let services = self.services.values().map(|(_, service)| {
            Part::Service(ServicePart {
                name: service.name.clone(),
                team: self.team_name(service.team),
                state: service.state,
            })
        });
        let users = self.users.values().map(|(_, user)| {
            Part::User(UserPart {
                email: user.email.clone(),
                name: user.name.clone(),
                state: user.state,
            })
        });
        let all = std::iter::once(tenant)
            .chain(teams)
            .chain(projects)
            .chain(services)
            .chain(users);
        self.current.things = all.map(|part| (part.place(), part)).collect();
    }

    fn add_key(&mut self, key: &KeyRecord) -> Result<(), Problem> {
        if let Some(project) = key.project.and_then(|id| self.project_name(&id.to_string())) {
            self.current.lasting_projects.insert(project);
        }
        if key.state == KeyState::Revoked {
            return Ok(());
        }
        let (_, name) = self.show(Part::Key(self.key_part(key)))?;
        self.keys.insert(name, key.clone());
        Ok(())
    }

    fn team_name(&self, id: TeamId) -> String {
        let found = self.teams.values().find(|team| team.id == id);
        found.map_or_else(|| id.to_string(), |team| team.name.clone())
    }

    fn project_name(&self, id: &str) -> Option<String> {
        let mut all = self.projects.values();
        let (_, project) = all.find(|(record, _)| record.id == id)?;
        Some(project.name.clone())
    }

    fn user_name(&self, id: UserId) -> Option<String> {
        let mut all = self.users.values();
        Some(all.find(|(_, user)| user.id == id)?.1.email.clone())
    }

    fn service_name(&self, id: ServiceId) -> Option<String> {
        let mut all = self.services.values();
        Some(all.find(|(_, service)| service.id == id)?.1.name.clone())
    }

    /// `user` and `service` of somebody: one is there, unless they are gone.
    pub fn names_of(&self, id: ActorId) -> (Option<String>, Option<String>) {
        match id {
            ActorId::User(id) => (self.user_name(id), None),
            ActorId::Service(id) => (None, self.service_name(id)),
        }
    }

    /// Roles over the platform are no part of a tenant's document.
    fn grant_part(&self, grant: &Grant) -> Option<GrantPart> {
        let (user, service) = self.names_of(grant.holder);
        let team = match grant.reach {
            Reach::Platform => return None,
            Reach::Tenant(_) => None,
            Reach::Team(_, team) => Some(self.team_name(team)),
        };
        (user.is_some() || service.is_some()).then(|| GrantPart {
            user,
            service,
            role: grant.role.as_str().to_owned(),
            team,
        })
    }

    // threat: CTX-T4
    fn key_part(&self, key: &KeyRecord) -> KeyPart {
        let owner = key.owner.map(|owner| self.names_of(owner));
        let owner = owner.filter(|(user, service)| user.is_some() || service.is_some());
        let (all_models, models) = match &key.models {
            ModelAccess::None => (false, Vec::new()),
            ModelAccess::Some(names) => (false, names.clone()),
            ModelAccess::All => (true, Vec::new()),
        };
        let mut part = KeyPart {
            name: key.name.clone(),
            team: self.team_name(key.team),
            secret: Some(REDACTED.to_owned()),
            owner: owner.map(|(user, service)| OwnerPart { user, service }),
            project: key.project.and_then(|id| self.project_name(&id.to_string())),
            expires: key.expires.map(time),
            all_models,
            models,
            operations: Some(key.operations.clone()),
            networks: key.networks.clone(),
            limits: Some(key.limits.into()),
            tags: key.marks.tags.clone(),
            data_class: key.marks.data_class,
            receipts: key.receipts,
        };
        in_order(&mut part);
        part
    }

    fn key_name(&self, id: KeyId) -> Option<&KeyRecord> {
        self.keys.values().find(|key| key.id == id)
    }

    /// None for the budget of a key that is revoked, or of a project that is gone: it limits nothing.
    fn budget_part(&self, budget: &Budget) -> Option<BudgetPart> {
        let of = |team, project, key| {
            Some(BudgetOf {
                team,
                project,
                key,
                ..BudgetOf::default()
            })
        };
        let of = match budget.scope {
            BudgetScope::Tenant => None,
            BudgetScope::Team(id) => of(Some(self.team_name(id)), None, None),
            BudgetScope::Project(id) => of(None, Some(self.project_name(&id.to_string())?), None),
            BudgetScope::Key(id) => {
                let key = self.key_name(id)?;
                of(Some(self.team_name(key.team)), None, Some(key.name.clone()))
            }
            BudgetScope::User(id) => {
                let (_, user) = self.users.values().find(|(_, user)| user.id == id)?;
                Some(BudgetOf {
                    user: Some(user.email.clone()),
                    ..BudgetOf::default()
                })
            }
            BudgetScope::Service(id) => {
                let (_, service) = self.services.values().find(|(_, service)| service.id == id)?;
                Some(BudgetOf {
                    service: Some(service.name.clone()),
                    ..BudgetOf::default()
                })
            }
        };
        let (limit_nanos, limit_tokens) = amounts::shown(budget.limit, budget.terms.unit);
        Some(BudgetPart {
            name: budget.name.clone(),
            of,
            only: budget.terms.only.clone().into(),
            limit_nanos,
            limit_tokens,
            window: budget.window,
            during: (&budget.terms).into(),
            marks: budget.terms.marks.clone(),
        })
    }
}

fn named<T>(all: Vec<(Record, T)>, name: impl Fn(&T) -> String) -> BTreeMap<String, (Record, T)> {
    all.into_iter()
        .map(|(record, it)| (name(&it), (record, it)))
        .collect()
}
