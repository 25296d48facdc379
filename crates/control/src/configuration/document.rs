//! What a document holds. Nothing in it is secret, and nothing in it is an id.

use domain::{DataClass, Operation};
use guard::Profiles;
use ipnet::IpNet;
use ledger::Window;
use policy::Consents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::UserState;
use crate::resource::budgets::{DuringView, OnlyView};
use crate::resource::history::HistoryView;
use crate::resource::words::LimitsView;

/// What stands where a secret would.
pub const REDACTED: &str = "redacted";

/// A tenant's whole configuration. A section that is left out is not touched; an empty one says that there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The tenant itself.
    pub tenant: TenantPart,
    /// Its teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<TeamPart>>,
    /// Workloads of its teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projects: Option<Vec<ProjectPart>>,
    /// Service accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<ServicePart>>,
    /// People; how they sign in is not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<UserPart>>,
    /// Who has which role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<GrantPart>>,
    /// Virtual keys that are not revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<KeyPart>>,
    /// How much may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Vec<BudgetPart>>,
    /// How it guards its own calls, beyond what the instance asks; all of it at once. Empty says that there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<Profiles>,
    /// Where it lets the content of its calls go; all of it at once. Only who may consent for the tenant changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consents: Option<Consents>,
}

/// The tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantPart {
    /// What people call it.
    pub name: String,
    /// Over all its keys together; they stay when left out, for they are set from above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsView>,
    /// What is kept of its exchanges; it stays when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryView>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamPart {
    /// What people call it.
    pub name: String,
    /// Over all its keys together; none when left out.
    #[serde(default, skip_serializing_if = "LimitsView::is_none")]
    pub limits: LimitsView,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPart {
    /// What people call it.
    pub name: String,
    /// The team it is in.
    pub team: String,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicePart {
    /// What people call it.
    pub name: String,
    /// The team it is in.
    pub team: String,
    /// Whether it works; `active` when left out.
    #[serde(default = "active", skip_serializing_if = "is_active")]
    pub state: UserState,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPart {
    /// Their address.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// Whether they may sign in; `active` when left out.
    #[serde(default = "active", skip_serializing_if = "is_active")]
    pub state: UserState,
}

const fn active() -> UserState {
    UserState::Active
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_active(state: &UserState) -> bool {
    matches!(state, UserState::Active)
}

/// A role that somebody has: one of `user` and `service`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantPart {
    /// A person's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A service account's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The role.
    pub role: String,
    /// The team it reaches over; the tenant when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// Somebody: one of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerPart {
    /// A person's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A service account's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A virtual key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPart {
    /// What people call it; unique among the team's keys.
    pub name: String,
    /// The team it is in.
    pub team: String,
    /// `redacted`, always: a secret is made, shown once, and is in no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whom it is for; whoever applies the document, when left out of a key that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerPart>,
    /// The project it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it ends, RFC 3339; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// It may use every model, also those added later.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all_models: bool,
    /// The models it may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// What it may ask for; when left out it stays, and is what new keys get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub operations: Option<Vec<Operation>>,
    /// Networks it may be used from; anywhere when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// Its own limits; when left out they stay, and are what new keys get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsView>,
    /// Words of the house's own, which policies may decide by; none when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What its calls carry at least; what `bartizan.yaml` says when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub data_class: Option<DataClass>,
    /// Whether its answers carry the gate's signature; they do not when left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub receipts: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What a budget limits: a team, a project, a key of a team, or the keys of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetOf {
    /// The team, or the key's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The user, by e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetPart {
    /// What people call it; unique among those that limit the same.
    pub name: String,
    /// What it limits; the whole tenant when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<BudgetOf>,
    /// Which calls of those it counts; all when left out.
    #[serde(default, skip_serializing_if = "OnlyView::is_everything")]
    pub only: OnlyView,
    /// How much may be spent in a window, in nano-dollars. Either this or `limit_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_nanos: Option<i64>,
    /// How many LLM tokens, prompt and output, may be used in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_tokens: Option<i64>,
    /// `total`, `minute`, `hour`, `day`, `week`, `month` or `year`.
    #[schemars(with = "String")]
    pub window: Window,
    /// What else is to be said of its time. Never changes.
    #[serde(default, skip_serializing_if = "DuringView::is_usual")]
    pub during: DuringView,
    /// Percentages of the limit at which it is told that so much is spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<u8>,
}

crate::shapes! { given: Configuration ; shown: }
