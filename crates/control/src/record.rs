//! The documents of the control plane, as they are stored. Secrets in them are hashed or sealed, and kept
//! apart in [`Login`], which no view is made from.

use std::net::IpAddr;

use credential::StoredCredential;
use domain::{
    ActorId, ApprovalId, BreakGlassId, GrantId, GroupId, PasskeyId, ProjectId, Reach, Role, RoleGrant,
    ServiceId, SessionId, TeamId, TokenId, UnixMillis, UserId,
};
use ipnet::IpNet;
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
    /// What whoever provisions them calls them.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Whoever provisions them took them away: they are disabled, and not there for it.
    #[serde(default)]
    pub left: bool,
    /// A directory added them: by provisioning, or at their first single sign-on.
    #[serde(default)]
    pub by_directory: bool,
}

impl User {
    /// Whether a directory says who they are. Whoever was provisioned before that was written down has a name there.
    pub const fn is_of_directory(&self) -> bool {
        self.by_directory || self.external_id.is_some()
    }
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
    /// Passkeys.
    #[serde(default)]
    pub passkeys: Vec<StoredPasskey>,
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
            passkeys: Vec::new(),
        }
    }

    /// Whether there is anything beside a password.
    pub fn has_second_factor(&self) -> bool {
        self.totp.as_ref().is_some_and(|totp| totp.is_confirmed) || !self.passkeys.is_empty()
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A passkey, as stored. Public keys and counts: nothing that signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPasskey {
    /// Which.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created: UnixMillis,
    /// When it was shown last.
    #[serde(default)]
    pub last_used: Option<UnixMillis>,
    /// What verifies it.
    pub key: passkey::Passkey,
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
    /// It comes from a group of the identity provider's, and goes with it.
    #[serde(default)]
    pub by_sso: bool,
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
    pub address: IpAddr,
}

impl Session {
    /// Whether it still counts.
    pub fn is_alive(&self, now: UnixMillis) -> bool {
        self.life.state(now) == identity::session::State::Active
    }
}

/// What a service account shows here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Which.
    pub id: TokenId,
    /// Whose.
    pub service: ServiceId,
    /// The team the account is in.
    pub team: TeamId,
    /// What people call it.
    pub name: String,
    /// Hex digest of its text.
    pub digest: String,
    /// Where it may come from; anywhere when empty.
    pub networks: Vec<IpNet>,
    /// When it was made.
    pub created: UnixMillis,
    /// From this time on it shows nothing.
    pub expires: UnixMillis,
}

impl Token {
    /// Whether it shows who its account is, now and from there.
    // threat: CTX-T3
    pub fn counts(&self, now: UnixMillis, from: IpAddr) -> bool {
        let from = from.to_canonical();
        let is_near = self.networks.is_empty() || self.networks.iter().any(|net| net.contains(&from));
        now < self.expires && is_near
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

/// How a tenant's people sign in by single sign-on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sso {
    /// When it was set up.
    pub created: UnixMillis,
    /// The provider's name for itself, which is also where it is found.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// How we show it, sealed, base64; a public client has none.
    pub client_secret: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Whose addresses are believed, in lower case.
    pub domains: Vec<String>,
    /// Where groups stand in the identity token.
    pub groups_claim: Option<String>,
    /// What groups give.
    pub roles: Vec<GroupRole>,
    /// Whoever the provider knows and we do not gets an account.
    pub create_users: bool,
    /// People may go on using passwords.
    pub passwords: bool,
    /// Values of `amr` or `acr` that count as a second factor.
    pub second_factor: Vec<String>,
}

/// A role for whoever is in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRole {
    /// As the provider names it.
    pub group: String,
    /// The role.
    pub role: Role,
    /// Over what.
    pub reach: Reach,
}

impl Sso {
    /// Its one id in a tenant.
    pub const ID: &'static str = "sso";
}

/// The token with which a tenant's people are provisioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scim {
    /// Hex digest.
    pub digest: String,
    /// Since when.
    pub created: UnixMillis,
}

impl Scim {
    /// Its one id in a tenant.
    pub const ID: &'static str = "scim";
}

/// A group that is provisioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Which.
    pub id: GroupId,
    /// What it is called; roles of groups name it so.
    pub name: String,
    /// What whoever provisions it calls it.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Who is in it.
    pub members: Vec<UserId>,
    /// Since when.
    pub created: UnixMillis,
}

/// Whom an identity provider means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// A digest of issuer and subject.
    pub id: String,
    /// Our user.
    pub user: UserId,
    /// The provider.
    pub issuer: String,
    /// Its name for them.
    pub subject: String,
    /// Since when.
    pub created: UnixMillis,
}

impl Link {
    /// The id under which the subject of an issuer is found.
    pub fn id_of(issuer: &str, subject: &str) -> String {
        let whole = serde_json::to_vec(&("openid", issuer, subject)).unwrap_or_default();
        blake3::hash(&whole).to_hex().to_string()
    }

    /// The id under which whoever provisions somebody finds them by its own name.
    pub fn id_of_external(name: &str) -> String {
        let whole = serde_json::to_vec(&("scim", name)).unwrap_or_default();
        blake3::hash(&whole).to_hex().to_string()
    }
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
    Sso, Sso, id: |_| Sso::ID.to_owned(), parent: |_| None, name: |_| None, created: |it| it.created;
    Link, Link, id: |it| it.id.clone(), parent: |it| Some(it.user.to_string()), name: |_| None, created: |it| it.created;
    Scim, Scim, id: |_| Scim::ID.to_owned(), parent: |_| None, name: |_| None, created: |it| it.created;
    Group, Group, id: |it| it.id.to_string(), parent: |_| None, name: |it| Some(it.name.clone()), created: |it| it.created;
    Token, ServiceToken, id: |it| it.id.to_string(), parent: |it| Some(it.service.to_string()), name: |it| Some(it.digest.clone()), created: |it| it.created;
    StoredCredential, Credential, id: |it| it.name.clone(), parent: |_| None, name: |_| None, created: |it| it.created;
    Replay, Replay, id: |it| it.id.clone(), parent: |_| None, name: |_| None, created: |it| it.created;
    Approval, Approval, id: |it| it.id.to_string(), parent: |it| Some(it.requester.to_string()), name: |_| None, created: |it| it.created;
    BreakGlass, BreakGlass, id: |it| it.id.to_string(), parent: |it| Some(it.who.to_string()), name: |_| None, created: |it| it.opened;
}
