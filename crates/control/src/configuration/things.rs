//! A document taken apart: each thing under its kind and the names it is known by.

use std::collections::BTreeMap;

use guard::Profiles;
use policy::Consents;
use serde::Serialize;

use super::Fault;
use super::document::{
    BudgetOf, BudgetPart, Configuration, GrantPart, KeyPart, ProjectPart, ServicePart, TeamPart, TenantPart,
    UserPart,
};
use crate::record::UserState;

/// What a thing is, in the order in which things are made: none refers to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The tenant.
    Tenant,
    /// A team.
    Team,
    /// A project.
    Project,
    /// A service account.
    Service,
    /// A person.
    User,
    /// A role given.
    Grant,
    /// A virtual key.
    Key,
    /// A budget.
    Budget,
    /// How the tenant guards its own calls.
    Guards,
    /// Where the tenant lets the content of its calls go.
    Consents,
}

impl Kind {
    /// The member of the document that holds it.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Team => "teams",
            Self::Project => "projects",
            Self::Service => "services",
            Self::User => "users",
            Self::Grant => "grants",
            Self::Key => "keys",
            Self::Budget => "budgets",
            Self::Guards => "guards",
            Self::Consents => "consents",
        }
    }

    /// What people call one.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::Project => "project",
            Self::Service => "service account",
            Self::User => "user",
            Self::Grant => "role",
            Self::Key => "key",
            Self::Budget => "budget",
            Self::Guards => "guards",
            Self::Consents => "consents",
        }
    }
}

/// The names that a thing is known by within its kind.
pub type Name = Vec<String>;
/// All things of a document.
pub type Things = BTreeMap<(Kind, Name), Part>;
/// The same, each with its pointer into the document.
pub type Placed = BTreeMap<(Kind, Name), (Part, String)>;

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Part {
    /// The tenant.
    Tenant(TenantPart),
    /// A team.
    Team(TeamPart),
    /// A project.
    Project(ProjectPart),
    /// A service account.
    Service(ServicePart),
    /// A person.
    User(UserPart),
    /// A role given.
    Grant(GrantPart),
    /// A virtual key.
    Key(KeyPart),
    /// A budget.
    Budget(BudgetPart),
    /// How the tenant guards its own calls.
    Guards(Box<Profiles>),
    /// Where the tenant lets the content of its calls go.
    Consents(Box<Consents>),
}

/// What people call that of which a tenant has one.
const OWN: &str = "the tenant's";

/// `user` or `service`, and the name.
pub fn somebody(user: Option<&String>, service: Option<&String>) -> Option<(Kind, Name)> {
    let user = user.map(|name| (Kind::User, vec![name.clone()]));
    user.or_else(|| service.map(|name| (Kind::Service, vec![name.clone()])))
}

impl Part {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Tenant(_) => Kind::Tenant,
            Self::Team(_) => Kind::Team,
            Self::Project(_) => Kind::Project,
            Self::Service(_) => Kind::Service,
            Self::User(_) => Kind::User,
            Self::Grant(_) => Kind::Grant,
            Self::Key(_) => Kind::Key,
            Self::Budget(_) => Kind::Budget,
            Self::Guards(_) => Kind::Guards,
            Self::Consents(_) => Kind::Consents,
        }
    }

    /// What it is known by. There is one tenant, with one word on its guards and one on its consents: those need no name.
    pub fn place(&self) -> (Kind, Name) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let name = match self {
            Self::Tenant(_) | Self::Guards(_) | Self::Consents(_) => Vec::new(),
            Self::Team(part) => vec![part.name.clone()],
            Self::Project(part) => vec![part.name.clone()],
            Self::Service(part) => vec![part.name.clone()],
            Self::User(part) => vec![part.email.clone()],
            Self::Grant(part) => vec![
                text(&part.user),
                text(&part.service),
                part.role.clone(),
                text(&part.team),
            ],
            Self::Key(part) => vec![part.team.clone(), part.name.clone()],
            Self::Budget(part) => match &part.of {
                None => vec![part.name.clone()],
                Some(of) => vec![
                    text(&of.team),
                    text(&of.project),
                    text(&of.key),
                    text(&of.user),
                    text(&of.service),
                    part.name.clone(),
                ],
            },
        };
        (self.kind(), name)
    }

    /// What people call it.
    pub fn label(&self) -> String {
        match self {
            Self::Tenant(part) => part.name.clone(),
            Self::Guards(_) | Self::Consents(_) => OWN.to_owned(),
            Self::Grant(part) => {
                let who = part.user.as_deref().or(part.service.as_deref()).unwrap_or("?");
                match &part.team {
                    Some(team) => format!("{who}: {} of {team}", part.role),
                    None => format!("{who}: {}", part.role),
                }
            }
            Self::Key(part) => format!("{}/{}", part.team, part.name),
            Self::Budget(part) => match &part.of {
                None => part.name.clone(),
                Some(of) => {
                    let over = [&of.team, &of.project, &of.key, &of.user, &of.service];
                    let over = over.into_iter().flatten();
                    let over: Vec<&str> = over.map(String::as_str).collect();
                    format!("{}/{}", over.join("/"), part.name)
                }
            },
            _ => self.place().1.concat(),
        }
    }

    /// What it refers to, and the member that does.
    pub fn references(&self) -> Vec<(&'static str, (Kind, Name))> {
        let one = |name: &String| vec![name.clone()];
        match self {
            // What profiles name is looked for by who checks them.
            Self::Tenant(_) | Self::Team(_) | Self::User(_) | Self::Guards(_) | Self::Consents(_) => {
                Vec::new()
            }
            Self::Project(part) => vec![("team", (Kind::Team, one(&part.team)))],
            Self::Service(part) => vec![("team", (Kind::Team, one(&part.team)))],
            Self::Grant(part) => {
                let holder = somebody(part.user.as_ref(), part.service.as_ref());
                let member = if part.user.is_some() { "user" } else { "service" };
                let team = part.team.as_ref().map(|team| ("team", (Kind::Team, one(team))));
                holder
                    .map(|holder| (member, holder))
                    .into_iter()
                    .chain(team)
                    .collect()
            }
            Self::Key(part) => {
                let owner = part.owner.as_ref();
                let owner = owner.and_then(|owner| somebody(owner.user.as_ref(), owner.service.as_ref()));
                let project = part.project.as_ref();
                let team = ("team", (Kind::Team, one(&part.team)));
                std::iter::once(team)
                    .chain(owner.map(|owner| ("owner", owner)))
                    .chain(project.map(|name| ("project", (Kind::Project, one(name)))))
                    .collect()
            }
            Self::Budget(BudgetPart { of, .. }) => of.iter().flat_map(limited).collect(),
        }
    }

    /// Whether it is somebody who may not act.
    pub const fn is_disabled(&self) -> bool {
        match self {
            Self::Service(part) => matches!(part.state, UserState::Disabled),
            Self::User(part) => matches!(part.state, UserState::Disabled),
            _ => false,
        }
    }

    /// The same, disabled.
    pub fn disabled(&self) -> Self {
        let mut after = self.clone();
        match &mut after {
            Self::Service(part) => part.state = UserState::Disabled,
            Self::User(part) => part.state = UserState::Disabled,
            _ => {}
        }
        after
    }
}

fn limited(of: &BudgetOf) -> Option<(&'static str, (Kind, Name))> {
    let owner = somebody(of.user.as_ref(), of.service.as_ref());
    if let Some(owner) = owner {
        return Some(("of", owner));
    }
    match (&of.team, &of.project, &of.key) {
        (Some(team), None, Some(key)) => Some(("of", (Kind::Key, vec![team.clone(), key.clone()]))),
        (Some(team), None, None) => Some(("of", (Kind::Team, vec![team.clone()]))),
        (None, Some(project), None) => Some(("of", (Kind::Project, vec![project.clone()]))),
        _ => None,
    }
}

/// The document's things with their pointers. Two under one name are a fault.
pub fn taken_apart(document: &Configuration) -> Result<Placed, Fault> {
    let mut all = BTreeMap::new();
    let tenant = Part::Tenant(document.tenant.clone());
    all.insert(tenant.place(), (tenant, "/tenant".to_owned()));
    let own = [
        document
            .guards
            .clone()
            .filter(is_said)
            .map(|it| Part::Guards(Box::new(it))),
        document
            .consents
            .clone()
            .filter(is_said)
            .map(|it| Part::Consents(Box::new(it))),
    ];
    for part in own.into_iter().flatten() {
        let pointer = format!("/{}", part.kind().section());
        all.insert(part.place(), (part, pointer));
    }
    for part in parts(document) {
        let (kind, of_kind) = (part.0, part.1);
        for (index, part) in of_kind.into_iter().enumerate() {
            let pointer = format!("/{}/{index}", kind.section());
            let label = part.label();
            if all.insert(part.place(), (part, pointer.clone())).is_some() {
                let detail = format!("there are two of this name: `{label}`");
                return Err(Fault::new(pointer, detail));
            }
        }
    }
    Ok(all)
}

/// Whether a document says anything.
pub fn is_said<T: Default + PartialEq>(document: &T) -> bool {
    *document != T::default()
}

fn parts(document: &Configuration) -> Vec<(Kind, Vec<Part>)> {
    fn of<T: Clone>(kind: Kind, all: Option<&Vec<T>>, part: fn(T) -> Part) -> (Kind, Vec<Part>) {
        (kind, all.into_iter().flatten().cloned().map(part).collect())
    }
    vec![
        of(Kind::Team, document.teams.as_ref(), Part::Team),
        of(Kind::Project, document.projects.as_ref(), Part::Project),
        of(Kind::Service, document.services.as_ref(), Part::Service),
        of(Kind::User, document.users.as_ref(), Part::User),
        of(Kind::Grant, document.grants.as_ref(), Part::Grant),
        of(Kind::Key, document.keys.as_ref(), Part::Key),
        of(Kind::Budget, document.budgets.as_ref(), Part::Budget),
    ]
}

/// Whether the document says what there is of this kind.
pub const fn speaks_of(document: &Configuration, kind: Kind) -> bool {
    match kind {
        Kind::Tenant => true,
        Kind::Team => document.teams.is_some(),
        Kind::Project => document.projects.is_some(),
        Kind::Service => document.services.is_some(),
        Kind::User => document.users.is_some(),
        Kind::Grant => document.grants.is_some(),
        Kind::Key => document.keys.is_some(),
        Kind::Budget => document.budgets.is_some(),
        Kind::Guards => document.guards.is_some(),
        Kind::Consents => document.consents.is_some(),
    }
}

/// The document of these things: every section, in the order of names.
pub fn put_together(things: &Things) -> Configuration {
    let mut document = Configuration {
        tenant: TenantPart::default(),
        teams: Some(Vec::new()),
        projects: Some(Vec::new()),
        services: Some(Vec::new()),
        users: Some(Vec::new()),
        grants: Some(Vec::new()),
        keys: Some(Vec::new()),
        budgets: Some(Vec::new()),
        guards: Some(Profiles::default()),
        consents: Some(Consents::default()),
    };
    for part in things.values().cloned() {
        match part {
            Part::Tenant(part) => document.tenant = part,
            Part::Team(part) => document.teams.get_or_insert_default().push(part),
            Part::Project(part) => document.projects.get_or_insert_default().push(part),
            Part::Service(part) => document.services.get_or_insert_default().push(part),
            Part::User(part) => document.users.get_or_insert_default().push(part),
            Part::Grant(part) => document.grants.get_or_insert_default().push(part),
            Part::Key(part) => document.keys.get_or_insert_default().push(part),
            Part::Budget(part) => document.budgets.get_or_insert_default().push(part),
            Part::Guards(part) => document.guards = Some(*part),
            Part::Consents(part) => document.consents = Some(*part),
        }
    }
    document
}
