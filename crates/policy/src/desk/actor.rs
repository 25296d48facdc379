//! Who acts, with the roles it has, in Cedar's words. Never says what a role may do.

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use domain::{ActorId, Reach, Role, RoleGrant, TeamId, TenantId};

use super::names::Names;
use crate::entities::{Attribute, Failure, entity, flag, link, uid};

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// Its id.
    pub id: ActorId,
    /// Where it lives.
    pub tenant: TenantId,
    /// The roles it has.
    pub grants: &'a [RoleGrant],
}

impl Actor<'_> {
    /// Whether any of its roles reaches over the platform.
    pub(super) fn has_platform_role(&self) -> bool {
        self.fitting().any(|grant| grant.reach == Reach::Platform)
    }

    /// A role that cannot reach so far is none.
    fn fitting(&self) -> impl Iterator<Item = &RoleGrant> {
        self.grants.iter().filter(|grant| grant.role.fits(&grant.reach))
    }

    /// The entity, as the one who asks.
    pub(super) fn entity(&self, names: &Names, parents: Vec<EntityUid>) -> Result<Entity, Failure> {
        let roles = RestrictedExpression::new_record(self.roles(names))?;
        let high = (
            self.has_platform_role(),
            self.tenants(Role::TenantAdmin).next().is_some(),
        );
        let mut attributes = described(self.id, self.tenant, high, names).to_vec();
        attributes.push(("roles".to_owned(), roles));
        entity(self.id.entity(names), attributes, parents)
    }

    /// The schema's `Roles`.
    fn roles(&self, names: &Names) -> Vec<Attribute> {
        let platform = PLATFORM.iter().map(|(name, role)| {
            let has = |grant: &RoleGrant| grant.role == *role && grant.reach == Reach::Platform;
            flag(name, self.fitting().any(has))
        });
        let tenants = TENANTS
            .iter()
            .map(|(name, role)| set(name, self.tenants(*role).map(|id| uid(&names.tenant, id))));
        let teams = TEAMS.iter().map(|(name, role)| {
            let ids = self.teams(*role).map(|(_, id)| uid(&names.team, id));
            set(name, ids)
        });
        let working = [Role::TeamAdmin, Role::Member].into_iter();
        let working = working
            .flat_map(|role| self.teams(role))
            .map(|(tenant, _)| tenant);
        let working = set("working_in", working.map(|id| uid(&names.tenant, id)));
        platform.chain(tenants).chain(teams).chain([working]).collect()
    }

    fn tenants(&self, role: Role) -> impl Iterator<Item = TenantId> {
        self.fitting().filter_map(move |grant| match grant.reach {
            Reach::Tenant(tenant) if grant.role == role => Some(tenant),
            _ => None,
        })
    }

    fn teams(&self, role: Role) -> impl Iterator<Item = (TenantId, TeamId)> {
        self.fitting().filter_map(move |grant| match grant.reach {
            Reach::Team(tenant, team) if grant.role == role => Some((tenant, team)),
            _ => None,
        })
    }
}

/// Attributes of the schema's `Roles` that say: over the platform.
const PLATFORM: [(&str, Role); 5] = [
    ("platform_admin", Role::PlatformAdmin),
    ("security_admin", Role::SecurityAdmin),
    ("finance", Role::Finance),
    ("auditor", Role::Auditor),
    ("viewer", Role::Viewer),
];

/// Those that say: over these tenants.
const TENANTS: [(&str, Role); 5] = [
    ("security_admin_of", Role::SecurityAdmin),
    ("finance_of", Role::Finance),
    ("auditor_of", Role::Auditor),
    ("viewer_of", Role::Viewer),
    ("tenant_admin_of", Role::TenantAdmin),
];

/// Those that say: over these teams.
const TEAMS: [(&str, Role); 3] = [
    ("viewer_in", Role::Viewer),
    ("team_admin_of", Role::TeamAdmin),
    ("member_of", Role::Member),
];

fn set(name: &str, of: impl Iterator<Item = EntityUid>) -> Attribute {
    let of = of.map(RestrictedExpression::new_entity_uid);
    (name.to_owned(), RestrictedExpression::new_set(of))
}

/// Somebody's id in Cedar's words.
pub(super) trait InCedar {
    /// The entity it is as one who asks, or is asked about.
    fn entity(self, names: &Names) -> EntityUid;
    /// An attribute that says: this one.
    fn link(self, name: &str, names: &Names) -> Attribute;
}

impl InCedar for ActorId {
    fn entity(self, names: &Names) -> EntityUid {
        match self {
            Self::User(id) => uid(&names.user, id),
            Self::Service(id) => uid(&names.service, id),
        }
    }

    fn link(self, name: &str, names: &Names) -> Attribute {
        link(name, uid(&names.actor, self))
    }
}

/// What is known of a user or service account, whether it asks or is asked about. `high`: whether it has a
/// role over the platform, and whether it is admin of a tenant.
pub(super) fn described(id: ActorId, tenant: TenantId, high: (bool, bool), names: &Names) -> [Attribute; 4] {
    [
        link("tenant", uid(&names.tenant, tenant)),
        id.link("actor", names),
        flag("platform_role", high.0),
        flag("tenant_admin", high.1),
    ]
}
