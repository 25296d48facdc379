//! Policy tests of the control plane as data: an act and the answer it must get. Names stand for ids, as in
//! tests of calls; `platform` is the instance's own tenant. Never asks but through [`Desk::decide`].
// threat: ANP-B0001

use domain::{
    ApprovalId, BudgetId, KeyId, Permission, ProjectId, Reach, Role, RoleGrant, ServiceId, SessionId, TeamId,
    TenantId, TokenId, UserId,
};
use serde::Deserialize;

use super::{Act, ActContext, Actor, ActorId, BudgetLevel, Desk, Resource};
use crate::testing::{self, Expect, TestFailure, id, run_file};
use crate::{Decision, Posture, Verdict};

/// Runs the tests of one JSON file against control-plane policies. An empty answer means that all passed; a
/// file that cannot be read, or that tests nothing, is a failure too.
pub fn run_control_tests(desk: &Desk, json: &str) -> Vec<TestFailure> {
    run_file(json, |test: &Test| test.run(desk))
}

/// One act and what must be answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    actor: Asker,
    permission: String,
    resource: Thing,
    /// Signed in as well as can be, when left out.
    #[serde(default)]
    context: Sitting,
    expect: Expect,
    /// The policies that must have decided; not looked at when left out.
    #[serde(default)]
    policies: Option<Vec<String>>,
    /// What must be told to the caller; not looked at when left out.
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asker {
    who: Who,
    tenant: String,
    #[serde(default)]
    roles: Vec<Given>,
}

/// `{"user": "ann"}` or `{"service": "crawler"}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    User(String),
    Service(String),
}

/// A role over a tenant, over a team of it, or (without both) over the platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    role: Role,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    team: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sitting {
    second_factor: bool,
    sign_in_age_ms: u64,
    posture: Posture,
    wants_second_person: bool,
    approved: bool,
    break_glass: bool,
}

impl Default for Sitting {
    fn default() -> Self {
        let ActContext {
            second_factor,
            sign_in_age_ms,
            posture,
            wants_second_person,
            approved,
            break_glass,
        } = ActContext::AT_BEST;
        Self {
            second_factor,
            sign_in_age_ms,
            posture,
            wants_second_person,
            approved,
            break_glass,
        }
    }
}

/// A resource, by names.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Thing {
    Platform,
    Settings,
    Tenant {
        tenant: String,
    },
    Team {
        tenant: String,
        team: String,
    },
    Project {
        tenant: String,
        team: String,
        project: String,
    },
    User {
        tenant: String,
        user: String,
        #[serde(default)]
        platform_role: bool,
        #[serde(default)]
        tenant_admin: bool,
    },
    Service {
        tenant: String,
        team: String,
        service: String,
    },
    Key {
        tenant: String,
        team: String,
        key: String,
        #[serde(default)]
        owner: Option<Who>,
    },
    Budget {
        tenant: String,
        budget: String,
        level: BudgetLevel,
        #[serde(default)]
        team: Option<String>,
        #[serde(default)]
        owner: Option<Who>,
    },
    Grant {
        tenant: String,
        holder: Who,
        gives: Given,
    },
    Session {
        tenant: String,
        session: String,
        user: String,
    },
    AuditLog {
        tenant: String,
    },
    Usage {
        tenant: String,
        #[serde(default)]
        team: Option<String>,
    },
    Models {
        tenant: String,
    },
    Configuration {
        tenant: String,
    },
    Token {
        tenant: String,
        team: String,
        token: String,
        #[serde(default)]
        platform_role: bool,
        #[serde(default)]
        leaves_team: bool,
    },
    Policies {
        tenant: String,
    },
    Approval {
        tenant: String,
        approval: String,
        requester: Who,
    },
}

impl Test {
    fn run(&self, desk: &Desk) -> Option<TestFailure> {
        let Some(permission) = Permission::named(&self.permission) else {
            let reason = format!("there is no permission `{}`", self.permission);
            return Some(TestFailure::of(&self.name, reason));
        };
        let grants: Vec<_> = self.actor.roles.iter().map(Given::grant).collect();
        let verdict = desk.decide(&Act {
            actor: &Actor {
                id: self.actor.who.id(),
                tenant: tenant(&self.actor.tenant),
                grants: &grants,
            },
            permission,
            resource: self.resource.resource(),
            context: self.context.context(),
        });
        let reason = self.objection(verdict)?;
        Some(TestFailure::of(&self.name, reason))
    }

    fn objection(&self, verdict: Verdict) -> Option<String> {
        let told = verdict.reason.unwrap_or_default();
        let decision = Decision {
            permit: verdict.permit,
            policies: verdict.policies,
            reason: None,
            error: verdict.error,
        };
        testing::objection(self.expect, self.policies.as_deref(), &decision).or_else(|| {
            let expected = self.reason.as_deref()?;
            (told != expected).then(|| format!("expected the reason `{expected}`, got `{told}`"))
        })
    }
}

fn tenant(name: &str) -> TenantId {
    if name == "platform" {
        TenantId::PLATFORM
    } else {
        testing::tenant(name)
    }
}

fn team(name: &str) -> TeamId {
    id(TeamId::PREFIX, name, TeamId::from_u128)
}

fn user(name: &str) -> UserId {
    id(UserId::PREFIX, name, UserId::from_u128)
}

fn service(name: &str) -> ServiceId {
    id(ServiceId::PREFIX, name, ServiceId::from_u128)
}

impl Who {
    fn id(&self) -> ActorId {
        match self {
            Self::User(name) => ActorId::User(user(name)),
            Self::Service(name) => ActorId::Service(service(name)),
        }
    }
}

impl Given {
    fn grant(&self) -> RoleGrant {
        let reach = match (&self.tenant, &self.team) {
            (Some(of), Some(name)) => Reach::Team(tenant(of), team(name)),
            (Some(of), None) => Reach::Tenant(tenant(of)),
            (None, _) => Reach::Platform,
        };
        RoleGrant {
            role: self.role,
            reach,
        }
    }
}

impl Sitting {
    const fn context(&self) -> ActContext {
        ActContext {
            second_factor: self.second_factor,
            sign_in_age_ms: self.sign_in_age_ms,
            posture: self.posture,
            wants_second_person: self.wants_second_person,
            approved: self.approved,
            break_glass: self.break_glass,
        }
    }
}

impl Thing {
    fn resource(&self) -> Resource {
        match self {
            Self::Platform => Resource::Platform,
            Self::Settings => Resource::Settings,
            Self::Tenant { tenant: of } => Resource::Tenant(tenant(of)),
            Self::Team {
                tenant: of,
                team: name,
            } => Resource::Team {
                tenant: tenant(of),
                team: team(name),
            },
            Self::User {
                tenant: of,
                user: name,
                platform_role,
                tenant_admin,
            } => Resource::User {
                tenant: tenant(of),
                user: user(name),
                platform_role: *platform_role,
                tenant_admin: *tenant_admin,
            },
            Self::Session {
                tenant: of,
                session,
                user: name,
            } => Resource::Session {
                tenant: tenant(of),
                session: id(SessionId::PREFIX, session, SessionId::from_u128),
                user: user(name),
            },
            Self::Grant {
                tenant: of,
                holder,
                gives,
            } => {
                let RoleGrant { role, reach } = gives.grant();
                Resource::Grant {
                    tenant: tenant(of),
                    holder: holder.id(),
                    role,
                    reach,
                }
            }
            Self::AuditLog { tenant: of } => Resource::AuditLog { tenant: tenant(of) },
            Self::Configuration { tenant: of } => Resource::Configuration { tenant: tenant(of) },
            Self::Models { tenant: of } => Resource::Models { tenant: tenant(of) },
            Self::Policies { tenant: of } => Resource::Policies { tenant: tenant(of) },
            Self::Approval {
                tenant: of,
                approval,
                requester,
            } => Resource::Approval {
                tenant: tenant(of),
                approval: id(ApprovalId::PREFIX, approval, ApprovalId::from_u128),
                requester: requester.id(),
            },
            Self::Usage {
                tenant: of,
                team: name,
            } => Resource::Usage {
                tenant: tenant(of),
                team: name.as_deref().map(team),
            },
            Self::Project { .. }
            | Self::Service { .. }
            | Self::Key { .. }
            | Self::Token { .. }
            | Self::Budget { .. } => self.of_a_team(),
        }
    }

    /// Those that can be in a team.
    fn of_a_team(&self) -> Resource {
        match self {
            Self::Project {
                tenant: of,
                team: name,
                project,
            } => Resource::Project {
                tenant: tenant(of),
                team: team(name),
                project: id(ProjectId::PREFIX, project, ProjectId::from_u128),
            },
            Self::Service {
                tenant: of,
                team: name,
                service: own,
            } => Resource::Service {
                tenant: tenant(of),
                team: team(name),
                service: service(own),
            },
            Self::Key {
                tenant: of,
                team: name,
                key,
                owner,
            } => Resource::Key {
                tenant: tenant(of),
                team: team(name),
                key: id(KeyId::PREFIX, key, KeyId::from_u128),
                owner: owner.as_ref().map(Who::id),
            },
            Self::Budget {
                tenant: of,
                budget,
                level,
                team: name,
                owner,
            } => Resource::Budget {
                tenant: tenant(of),
                budget: id(BudgetId::PREFIX, budget, BudgetId::from_u128),
                level: *level,
                team: name.as_deref().map(team),
                owner: owner.as_ref().map(Who::id),
            },
            Self::Token {
                tenant: of,
                team: name,
                token,
                platform_role,
                leaves_team,
            } => Resource::Token {
                tenant: tenant(of),
                team: team(name),
                token: id(TokenId::PREFIX, token, TokenId::from_u128),
                platform_role: *platform_role,
                leaves_team: *leaves_team,
            },
            _ => Resource::Platform,
        }
    }
}
