//! What an act is done to, with what is needed to place it: no more. Never decides anything.

use domain::{
    ApprovalId, BudgetId, KeyId, ProjectId, Reach, Role, ServiceId, SessionId, TeamId, TenantId, TokenId,
    UserId,
};
use serde::{Deserialize, Serialize};

use super::ActorId;

/// What an act is done to; for what is made or listed, what it is made or listed in.
///
/// All of it comes from the store (or, for what is to be made, from what will be stored), never from the
/// caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The instance and all its tenants.
    Platform,
    /// A tenant.
    Tenant(TenantId),
    /// A team.
    Team {
        /// Whose.
        tenant: TenantId,
        /// Which.
        team: TeamId,
    },
    /// A project.
    Project {
        /// Whose.
        tenant: TenantId,
        /// The team it is in.
        team: TeamId,
        /// Which.
        project: ProjectId,
    },
    /// A user.
    User {
        /// Where the user lives.
        tenant: TenantId,
        /// Who.
        user: UserId,
        /// Whether the user has a role that reaches over the platform.
        platform_role: bool,
        /// Whether the user is admin of a tenant.
        tenant_admin: bool,
    },
    /// A service account.
    Service {
        /// Whose.
        tenant: TenantId,
        /// The team it is in.
        team: TeamId,
        /// Which.
        service: ServiceId,
    },
    /// A virtual key.
    Key {
        /// Whose.
        tenant: TenantId,
        /// The team it is in.
        team: TeamId,
        /// Which.
        key: KeyId,
        /// Who holds it, when anybody does.
        owner: Option<ActorId>,
    },
    /// A budget.
    Budget {
        /// Whose.
        tenant: TenantId,
        /// Which.
        budget: BudgetId,
        /// What it limits.
        level: BudgetLevel,
        /// The team it is in, unless it is of tenant level.
        team: Option<TeamId>,
        /// Who holds the key it limits, when it is of key level.
        owner: Option<ActorId>,
    },
    /// A role that somebody has or is to get.
    Grant {
        /// Where the holder lives.
        tenant: TenantId,
        /// Who.
        holder: ActorId,
        /// Which role.
        role: Role,
        /// Over what.
        reach: Reach,
    },
    /// Somebody's signed-in time.
    Session {
        /// Where the user lives.
        tenant: TenantId,
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserId,
    },
    /// A tenant's audit records; the platform's own tenant has the instance's.
    AuditLog {
        /// Whose.
        tenant: TenantId,
    },
    /// Summed usage and cost.
    Usage {
        /// Whose.
        tenant: TenantId,
        /// Of this team only.
        team: Option<TeamId>,
    },
    /// Providers, models and targets as a tenant sees them.
    Models {
        /// Whose.
        tenant: TenantId,
    },
    /// The policies in force for a tenant.
    Policies {
        /// Whose.
        tenant: TenantId,
    },
    /// What a service account shows on the control plane.
    Token {
        /// Whose.
        tenant: TenantId,
        /// The team the account is in.
        team: TeamId,
        /// Which.
        token: TokenId,
        /// Whether the account has a role that reaches over the platform.
        platform_role: bool,
        /// Whether the account has a role that reaches further than its team.
        leaves_team: bool,
    },
    /// A tenant's whole configuration as one document.
    Configuration {
        /// Whose.
        tenant: TenantId,
    },
    /// The instance's settings.
    Settings,
    /// An act that waits for a second person.
    Approval {
        /// Whose.
        tenant: TenantId,
        /// Which.
        approval: ApprovalId,
        /// Who wants to act.
        requester: ActorId,
    },
}

impl Resource {
    /// What it is in. A grant is in what its role reaches over.
    pub(super) const fn place(&self) -> Reach {
        match *self {
            Self::Platform | Self::Tenant(_) | Self::Settings => Reach::Platform,
            Self::Team { tenant, .. }
            | Self::User { tenant, .. }
            | Self::Session { tenant, .. }
            | Self::AuditLog { tenant }
            | Self::Models { tenant }
            | Self::Configuration { tenant }
            | Self::Policies { tenant }
            | Self::Approval { tenant, .. }
            | Self::Budget {
                tenant, team: None, ..
            }
            | Self::Usage { tenant, team: None } => Reach::Tenant(tenant),
            Self::Project { tenant, team, .. }
            | Self::Service { tenant, team, .. }
            | Self::Key { tenant, team, .. }
            | Self::Token { tenant, team, .. }
            | Self::Budget {
                tenant,
                team: Some(team),
                ..
            }
            | Self::Usage {
                tenant,
                team: Some(team),
            } => Reach::Team(tenant, team),
            Self::Grant { reach, .. } => reach,
        }
    }

    /// The user or service account that it is, and where that lives.
    pub(super) const fn somebody(&self) -> Option<(ActorId, TenantId)> {
        match *self {
            Self::User { tenant, user, .. } => Some((ActorId::User(user), tenant)),
            Self::Service { tenant, service, .. } => Some((ActorId::Service(service), tenant)),
            _ => None,
        }
    }
}

/// What a budget limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetLevel {
    /// A tenant.
    Tenant,
    /// A team.
    Team,
    /// A project.
    Project,
    /// A virtual key.
    Key,
    /// The keys of one person.
    User,
    /// The keys of one service account.
    Service,
}

impl BudgetLevel {
    /// Its name in the schema.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::Project => "project",
            Self::Key => "key",
            Self::User => "user",
            Self::Service => "service",
        }
    }
}
