//! Who and what the tests are about.

use std::sync::LazyLock;

use domain::{
    ApprovalId, BudgetId, KeyId, Permission, ProjectId, Reach, Role, RoleGrant, ServiceId, SessionId, TeamId,
    TenantId, TokenId, UserId,
};
use policy::{Act, ActContext, Actor, ActorId, BudgetLevel, Desk, Resource, Verdict};

pub use crate::asking::{ACME, GLOBEX};

pub const PLATFORM: TenantId = TenantId::PLATFORM;
/// A team of ACME.
pub const SEARCH: TeamId = TeamId::from_u128(20);
/// Another team of ACME.
pub const OPS: TeamId = TeamId::from_u128(21);
/// A team of GLOBEX.
pub const SALES: TeamId = TeamId::from_u128(22);

/// Whoever acts.
pub const ANN: UserId = UserId::from_u128(50);
/// Somebody else.
pub const BOB: UserId = UserId::from_u128(51);
/// A service account that acts.
pub const CRAWLER: ServiceId = ServiceId::from_u128(60);
/// Another one.
pub const MAILER: ServiceId = ServiceId::from_u128(61);

/// The shipped policies.
pub static SHIPPED: LazyLock<Desk> = LazyLock::new(|| Desk::new(&[]).unwrap());

pub const LEVELS: [BudgetLevel; 4] = [
    BudgetLevel::Tenant,
    BudgetLevel::Team,
    BudgetLevel::Project,
    BudgetLevel::Key,
];

pub fn grant(role: Role, reach: Reach) -> RoleGrant {
    RoleGrant { role, reach }
}

/// Ann, of that tenant.
pub fn ann(tenant: TenantId, grants: &[RoleGrant]) -> Actor<'_> {
    Actor {
        id: ActorId::User(ANN),
        tenant,
        grants,
    }
}

/// The answer to somebody who signed in as well as can be.
pub fn ask(desk: &Desk, actor: &Actor<'_>, permission: Permission, resource: Resource) -> Verdict {
    ask_in(desk, actor, permission, resource, ActContext::AT_BEST)
}

pub fn ask_in(
    desk: &Desk,
    actor: &Actor<'_>,
    permission: Permission,
    resource: Resource,
    context: ActContext,
) -> Verdict {
    desk.decide(&Act {
        actor,
        permission,
        resource,
        context,
    })
}

pub fn user(tenant: TenantId, user: UserId) -> Resource {
    Resource::User {
        tenant,
        user,
        platform_role: false,
        tenant_admin: false,
    }
}

pub fn session(tenant: TenantId, user: UserId) -> Resource {
    Resource::Session {
        tenant,
        session: SessionId::from_u128(70),
        user,
    }
}

pub fn approval(tenant: TenantId, requester: ActorId) -> Resource {
    Resource::Approval {
        tenant,
        approval: ApprovalId::from_u128(71),
        requester,
    }
}

pub fn service(tenant: TenantId, team: TeamId, service: ServiceId) -> Resource {
    Resource::Service {
        tenant,
        team,
        service,
    }
}

pub fn token(tenant: TenantId, team: TeamId, leaves_team: bool) -> Resource {
    Resource::Token {
        tenant,
        team,
        token: TokenId::from_u128(75),
        platform_role: false,
        leaves_team,
    }
}

pub fn key(tenant: TenantId, team: TeamId, owner: Option<ActorId>) -> Resource {
    Resource::Key {
        tenant,
        team,
        key: KeyId::from_u128(30),
        owner,
    }
}

pub fn project(tenant: TenantId, team: TeamId) -> Resource {
    Resource::Project {
        tenant,
        team,
        project: ProjectId::from_u128(80),
    }
}

pub fn budget(
    tenant: TenantId,
    team: Option<TeamId>,
    level: BudgetLevel,
    owner: Option<ActorId>,
) -> Resource {
    Resource::Budget {
        tenant,
        budget: BudgetId::from_u128(90),
        level,
        team: team.filter(|_| level != BudgetLevel::Tenant),
        owner,
    }
}

/// That role for somebody.
pub fn role_for(holder: ActorId, tenant: TenantId, role: Role, reach: Reach) -> Resource {
    Resource::Grant {
        tenant,
        holder,
        role,
        reach,
    }
}
