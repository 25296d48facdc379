//! What is stored of a virtual key: never the key itself.

use domain::{ActorId, KeyId, Operation, ProjectId, TeamId, TenantId, UnixMillis};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Binding, Marks, PublicKey};

/// Which models a key may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelAccess {
    /// None at all: what an empty list means.
    #[default]
    None,
    /// These, by the name a caller asks for.
    Some(Vec<String>),
    /// Every model the tenant has, also those added later.
    All,
}

/// Rates, concurrency, and what one request may cost. `None` is no limit of that kind at this level; limits of all levels apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// LLM tokens a minute, prompt and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// Requests under way at once, streams included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<u32>,
    /// Streams open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_streams: Option<u32>,
    /// What one request may cost at most, in nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_cost_nanos_max: Option<u64>,
}

/// Whether a credential may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// In use.
    Active,
    /// Revoked for ever.
    Revoked,
}

/// The digest of a key that rotation has replaced, good until its grace ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    /// Keyed hash of the old key.
    pub digest: [u8; 32],
    /// From this time on it is refused.
    pub valid_until: UnixMillis,
}

/// Why a key does not work for the time being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: UnixMillis,
    /// `by_hand`, or the name of the signal that stood out.
    pub why: String,
}

impl Suspension {
    /// What it is called when somebody did it.
    pub const BY_HAND: &str = "by_hand";

    /// Somebody's.
    pub fn by_hand(since: UnixMillis) -> Self {
        Self {
            since,
            why: Self::BY_HAND.to_owned(),
        }
    }
}

/// One virtual key as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Stable across rotations.
    pub id: KeyId,
    /// Whose.
    pub tenant: TenantId,
    /// The owning team.
    pub team: TeamId,
    /// The workload, if it belongs to one.
    #[serde(default)]
    pub project: Option<ProjectId>,
    /// Who it was made for, when it is somebody's: a person's own key, or a service account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ActorId>,
    /// What people call it.
    pub name: String,
    /// Keyed hash (HMAC-SHA-256 under the instance's pepper) of the key.
    pub digest: [u8; 32],
    /// The first characters, for people to recognise it by: `btz_3fQ9…`.
    pub hint: String,
    /// The key it replaced, while its grace lasts.
    #[serde(default)]
    pub predecessor: Option<Predecessor>,
    /// Whether it may be used.
    pub state: KeyState,
    /// When it was made.
    pub created: UnixMillis,
    /// From this time on it is refused.
    #[serde(default)]
    pub expires: Option<UnixMillis>,
    /// Models it may use.
    pub models: ModelAccess,
    /// Operations it may ask for; empty means none.
    pub operations: Vec<Operation>,
    /// Addresses it may be used from; empty means any.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// Its own limits.
    #[serde(default)]
    pub limits: Limits,
    /// When there is one, every call with this key is signed with the other half of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<PublicKey>,
    /// Other credentials that stand for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// A bait: it opens nothing, and its use raises an alarm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub honey: bool,
    /// Whether its answers carry the gate's signature, and their receipts may be had.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub receipts: bool,
    /// While there is one, everything that stands for the key is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
    /// What policies are told of it beside its name and lists.
    #[serde(default, skip_serializing_if = "Marks::is_none")]
    pub marks: Marks,
}

impl KeyRecord {
    /// The other credentials that stand for it now: a revoked key holds none, so another may have them.
    // threat: CTX-T3
    pub fn live_bindings(&self) -> &[Binding] {
        match self.state {
            KeyState::Active => &self.bindings,
            KeyState::Revoked => &[],
        }
    }
}
