//! The roles people and services have, and how far each reaches. What a role may do is not said here but in
//! `policies/roles.cedar`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{TeamId, TenantId};

/// A role on the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the instance: tenants and all in them.
    PlatformAdmin,
    /// Looks after people, roles, keys and policies; never money.
    SecurityAdmin,
    /// Looks after budgets and what was spent.
    Finance,
    /// Runs one tenant.
    TenantAdmin,
    /// Runs one team.
    TeamAdmin,
    /// Works in a team with keys of their own.
    Member,
    /// Sees, and changes nothing.
    Viewer,
    /// Sees everything there is to see, audit records too, and changes nothing.
    Auditor,
}

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such role: the roles are {}", Role::ALL.map(Role::as_str).join(", "))]
pub struct UnknownRole;

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::PlatformAdmin,
        Self::SecurityAdmin,
        Self::Finance,
        Self::TenantAdmin,
        Self::TeamAdmin,
        Self::Member,
        Self::Viewer,
        Self::Auditor,
    ];

    /// Its name on the wire, in policies and in audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlatformAdmin => "platform_admin",
            Self::SecurityAdmin => "security_admin",
            Self::Finance => "finance",
            Self::TenantAdmin => "tenant_admin",
            Self::TeamAdmin => "team_admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
        }
    }

    /// Whether the role can be given that far: nobody is admin of a tenant in one of its teams only.
    pub const fn fits(self, reach: &Reach) -> bool {
        match self {
            Self::PlatformAdmin => matches!(reach, Reach::Platform),
            Self::TenantAdmin => matches!(reach, Reach::Tenant(_)),
            Self::TeamAdmin | Self::Member => matches!(reach, Reach::Team(..)),
            Self::SecurityAdmin | Self::Finance | Self::Auditor => !matches!(reach, Reach::Team(..)),
            Self::Viewer => true,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// How far a role reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The instance and all its tenants. Only staff of the platform's own tenant.
    Platform,
    /// One tenant and all in it.
    Tenant(TenantId),
    /// One team of a tenant and all in it.
    Team(TenantId, TeamId),
}

/// A role somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoleGrant {
    /// Which.
    pub role: Role,
    /// Over what.
    pub reach: Reach,
}
