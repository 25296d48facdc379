//! The documents of the control plane, as they are stored. Secrets in them are hashed or sealed, and kept
//! apart in [`Login`], which no view is made from.

use credential::StoredCredential;
use domain::{
    ActorId, ApprovalId, BreakGlassId, GrantId, ProjectId, Reach, Role, RoleGrant, ServiceId, SessionId,
    TeamId, UnixMillis, UserId,
};
use policy::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Record, RecordKind};

use crate::problem::{Code, Problem};

/// A document that knows where it is kept.
pub trait Document: Serialize + DeserializeOwned {
    /// Its kind.
    const KIND: RecordKind;
    /// Its id.
    fn id(&self) -> String;
    /// What it belongs to.
    fn parent(&self) -> Option<String> {
        None
    }
    /// Its unique name.
    fn name(&self) -> Option<String> {
        None
    }
    /// When it was made.
    fn created(&self) -> UnixMillis;

    /// As the store keeps it.
    fn to_record(&self) -> Result<Record, Problem> {
        Ok(Record {
            kind: Self::KIND,
            id: self.id(),
            parent: self.parent(),
            name: self.name(),
            created: self.created(),
            document: serde_json::to_string(self).map_err(|error| damaged(&error.to_string()))?,
        })
    }
}

/// Reads a stored document.
pub fn read<T: Document>(record: &Record) -> Result<T, Problem> {
    serde_json::from_str(&record.document).map_err(|error| damaged(&error.to_string()))
}

fn damaged(why: &str) -> Problem {
    Problem {
        internal: Some(format!("a stored document does not read: {why}")),
        ..Problem::new(Code::Internal, "something that is stored here does not read")
    }
}

/// A workload of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Which.
    pub id: ProjectId,
    /// The team it is in.
    pub team: TeamId,
    /// What people call it; unique within the tenant.
    pub name: String,
    /// When it was made.
    pub created: UnixMillis,
}

/// Whether somebody may get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// May sign in.
    Active,
    /// May not, until active again.
    Disabled,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// Their address, in lower case; unique within the tenant.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// Whether they may sign in.
    pub state: UserState,
    /// When they were added.
    pub created: UnixMillis,
}

/// How a person signs in. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Whose.
    pub user: UserId,
    /// When it was made.
    pub created: UnixMillis,
    /// The password's hash (PHC string).
    #[serde(default)]
    pub password: Option<String>,
    /// The digest of the one-time token that sets a password, and until when it does.
    #[serde(default)]
    pub setup: Option<Setup>,
    /// The seed of the codes of an authenticator app, sealed.
    #[serde(default)]
    pub totp: Option<Totp>,
    /// Recovery codes that are left, hashed.
    #[serde(default)]
    pub recovery: Option<identity::recovery::RecoverySet>,
}

impl Login {
    /// No way to sign in at all.
    pub const fn empty(user: UserId, created: UnixMillis) -> Self {
        Self {
            user,
            created,
            password: None,
            setup: None,
            totp: None,
            recovery: None,
        }
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A one-time token, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Hex digest.
    pub digest: String,
    /// From this time on it does nothing.
    pub expires: UnixMillis,
}

/// An authenticator app, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// The seed, sealed, base64.
    pub sealed: String,
    /// Whether its owner has shown that it works.
    pub is_confirmed: bool,
    /// The last step that was used: no code is good twice.
    pub last_step: Option<u64>,
}

/// A workload's own identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Which.
    pub id: ServiceId,
    /// The team it is in.
    pub team: TeamId,
    /// What people call it; unique within the tenant.
    pub name: String,
    /// Whether its keys work.
    pub state: UserState,
    /// When it was made.
    pub created: UnixMillis,
}

/// A role that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// Who has it.
    pub holder: ActorId,
    /// The role.
    pub role: Role,
    /// Over what.
    pub reach: Reach,
    /// When it was given.
    pub created: UnixMillis,
}

impl Grant {
    /// What policies need of it.
    pub const fn role_grant(&self) -> RoleGrant {
        RoleGrant {
            role: self.role,
            reach: self.reach,
        }
    }
}

/// Somebody's signed-in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// Hex digest of its token.
    pub digest: String,
    /// Since when, until when, and by what it was proven.
    pub life: identity::session::Session,
    /// When they last showed that it is them: at sign-in, or since.
    pub confirmed: UnixMillis,
    /// From where they signed in.
    pub address: std::net::IpAddr,
}

impl Session {
    /// Whether it still counts.
    pub fn is_alive(&self, now: UnixMillis) -> bool {
        self.life.state(now) == identity::session::State::Active
    }
}

/// The answer to a request that may come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Who asked what under which key, hashed.
    pub id: String,
    /// The request's digest.
    pub request: String,
    /// The answer, sealed, base64: it may hold what is shown only once.
    pub answer: String,
    /// When it was given.
    pub created: UnixMillis,
}

/// How an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has decided.
    Waiting,
    /// The act may be done, once.
    Approved,
    /// It may not.
    Denied,
    /// It was done.
    Used,
}

/// An act that waits for a second person: what would change, and who wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Which.
    pub id: ApprovalId,
    /// Who wants to act.
    pub requester: ActorId,
    /// What they are called.
    pub requester_name: String,
    /// The permission it wants.
    pub act: String,
    /// What is done to what.
    pub resource: Resource,
    /// The digest of the request: it is approved for this one and no other.
    pub request: String,
    /// The id of what it is done to.
    pub target: Option<String>,
    /// What it looks like before, secrets left out.
    pub before: Option<Value>,
    /// What it will look like, secrets left out.
    pub after: Option<Value>,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// How it stands.
    pub state: ApprovalState,
    /// When it was asked for.
    pub created: UnixMillis,
    /// From this time on it is good for nothing.
    pub expires: UnixMillis,
    /// Who decided.
    pub decided: Option<Decided>,
}

/// Who decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Who.
    pub by: ActorId,
    /// What they are called.
    pub name: String,
    /// When.
    pub at: UnixMillis,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// A time in which somebody acts without a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Which.
    pub id: BreakGlassId,
    /// Who.
    pub who: ActorId,
    /// What they are called.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub opened: UnixMillis,
    /// Until when.
    pub until: UnixMillis,
}

macro_rules! documents {
    ($($type:ident, $kind:ident, id: $id:expr, parent: $parent:expr, name: $name:expr, created: $created:expr;)*) => {$(
        impl Document for $type {
            const KIND: RecordKind = RecordKind::$kind;
            fn id(&self) -> String {
                let get: fn(&Self) -> String = $id;
                get(self)
            }
            fn parent(&self) -> Option<String> {
                let get: fn(&Self) -> Option<String> = $parent;
                get(self)
            }
            fn name(&self) -> Option<String> {
                let get: fn(&Self) -> Option<String> = $name;
                get(self)
            }
            fn created(&self) -> UnixMillis {
                let get: fn(&Self) -> UnixMillis = $created;
                get(self)
            }
        }
    )*};
}

documents! {
    Project, Project, id: |it| it.id.to_string(), parent: |it| Some(it.team.to_string()), name: |it| Some(it.name.clone()), created: |it| it.created;
    User, User, id: |it| it.id.to_string(), parent: |_| None, name: |it| Some(it.email.clone()), created: |it| it.created;
    Login, Login, id: |it| it.user.to_string(), parent: |_| None, name: |_| None, created: |it| it.created;
    Service, Service, id: |it| it.id.to_string(), parent: |it| Some(it.team.to_string()), name: |it| Some(it.name.clone()), created: |it| it.created;
    Grant, Grant, id: |it| it.id.to_string(), parent: |it| Some(it.holder.to_string()), name: |_| None, created: |it| it.created;
    Session, Session, id: |it| it.id.to_string(), parent: |it| Some(it.user.to_string()), name: |it| Some(it.digest.clone()), created: |it| it.life.created;
    StoredCredential, Credential, id: |it| it.name.clone(), parent: |_| None, name: |_| None, created: |it| it.created;
    Replay, Replay, id: |it| it.id.clone(), parent: |_| None, name: |_| None, created: |it| it.created;
    Approval, Approval, id: |it| it.id.to_string(), parent: |it| Some(it.requester.to_string()), name: |_| None, created: |it| it.created;
    BreakGlass, BreakGlass, id: |it| it.id.to_string(), parent: |it| Some(it.who.to_string()), name: |_| None, created: |it| it.opened;
}
