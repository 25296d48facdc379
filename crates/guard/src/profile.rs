//! For which calls guards are set how: profiles, and exceptions from them. Never looks at text.

use domain::{DataClass, KeyId, Operation, ProjectId, TeamId, TenantId, UnixMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::Direction;
use crate::families::Families;

/// So many profiles one document may have.
pub const PROFILES_MAX: usize = 64;
/// So many exceptions one document may have.
pub const EXCEPTIONS_MAX: usize = 256;

/// Guards for some calls. All profiles that a call meets apply to it, and the strictest wins: a profile never loosens
/// what another asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardProfile")]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is called in records and refusals.
    pub name: String,
    /// For which calls; for all unless said.
    #[serde(default)]
    pub when: When,
    /// Tries it out: what it would do is recorded (`would_block`), and not done.
    #[serde(default)]
    pub shadow: bool,
    /// What is looked for and what is done about it.
    #[serde(default)]
    pub guards: Families,
}

/// For which calls. All that is given must hold, and of a list one; nothing given is every call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardedCalls")]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Names or ids of tenants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Names or ids of teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// Ids of projects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// Names or ids of virtual keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Tags that a virtual key may carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Models, as callers name them; a `*` at the end stands for any rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Routes: `chat`, `text_completion`, `embeddings`, `count_tokens`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub operations: Vec<Operation>,
    /// Calls that carry data of this class or one above it: `public`, `internal`, `confidential` or `restricted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub data_class_from: Option<DataClass>,
}

/// What is known of a call when its guards are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// Whose.
    pub tenant: (TenantId, &'c str),
    /// Whose in it.
    pub team: (TeamId, &'c str),
    /// For what.
    pub project: Option<ProjectId>,
    /// By which virtual key.
    pub key: (KeyId, &'c str),
    /// The key's tags.
    pub tags: &'c [String],
    /// The model's name as the caller gave it.
    pub model: &'c str,
    /// The route.
    pub operation: Operation,
    /// What it carries.
    pub data_class: DataClass,
}

/// A finding that is let pass for a while: a false alarm somebody looked at, a rule that does not fit.
///
/// What an instance excepts is excepted from everything; what a tenant excepts, from the tenant's own profiles alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardException")]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The rule that found it, such as `aws_access_key_id`.
    pub rule: String,
    /// One text alone: the SHA-256 of what was found, in hex, as `bartizan guard test --digests` prints it. Everything the
    /// rule finds unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// One direction alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// For which calls; for all unless said.
    #[serde(default)]
    pub when: When,
    /// Until when, in milliseconds since 1970.
    #[schemars(with = "i64")]
    pub until_ms: UnixMillis,
    /// Why, for who comes after.
    pub reason: String,
}

impl When {
    /// Whether a call is meant.
    #[must_use]
    pub fn means(&self, call: &Call<'_>) -> bool {
        let any = |list: &[String], id: &dyn Fn() -> String, name: &str| {
            list.is_empty() || list.iter().any(|one| one == name) || {
                let id = id();
                list.contains(&id)
            }
        };
        let project = || call.project.map(|id| id.to_string()).unwrap_or_default();
        let is_model = |one: &String| match one.strip_suffix('*') {
            Some(head) => call.model.starts_with(head),
            None => one == call.model,
        };
        any(&self.tenants, &|| call.tenant.0.to_string(), call.tenant.1)
            && any(&self.teams, &|| call.team.0.to_string(), call.team.1)
            && (self.projects.is_empty() || self.projects.contains(&project()))
            && any(&self.keys, &|| call.key.0.to_string(), call.key.1)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| call.tags.contains(tag)))
            && (self.models.is_empty() || self.models.iter().any(is_model))
            && (self.operations.is_empty() || self.operations.contains(&call.operation))
            && self.data_class_from.is_none_or(|least| call.data_class >= least)
    }
}

impl When {
    /// Whether some call of this tenant may be meant.
    pub(crate) fn may_mean(&self, (id, name): (TenantId, &str)) -> bool {
        self.tenants.is_empty()
            || self
                .tenants
                .iter()
                .any(|one| one == name || *one == id.to_string())
    }

    /// Whether every call of this tenant is meant.
    pub(crate) fn means_all_of(&self, tenant: (TenantId, &str)) -> bool {
        let narrowed = Self {
            tenants: Vec::new(),
            ..self.clone()
        };
        narrowed == Self::default() && self.may_mean(tenant)
    }
}

/// A document of profiles and exceptions: an instance's, or a tenant's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardProfiles")]
#[serde(default, deny_unknown_fields)]
pub struct Profiles {
    /// Guards for some calls.
    pub profiles: Vec<Profile>,
    /// What is let pass for a while.
    pub exceptions: Vec<Exception>,
}

impl Profiles {
    /// What of it cannot be done, with where it stands; empty where all can.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.profiles.len() > PROFILES_MAX {
            problems.push((
                "profiles".into(),
                format!("are more than {PROFILES_MAX}: join some"),
            ));
        }
        if self.exceptions.len() > EXCEPTIONS_MAX {
            problems.push((
                "exceptions".into(),
                format!("are more than {EXCEPTIONS_MAX}: drop what is over"),
            ));
        }
        for (number, profile) in self.profiles.iter().enumerate() {
            let at = |place: &str| format!("profiles[{number}].{place}");
            let earlier = self.profiles.iter().take(number);
            if profile.name.trim().is_empty() {
                problems.push((at("name"), "is empty: records and refusals show it".into()));
            } else if earlier.into_iter().any(|other| other.name == profile.name) {
                problems.push((at("name"), format!("`{}` is another one's", profile.name)));
            }
            let found = profile.guards.problems().into_iter();
            problems.extend(found.map(|(place, what)| (at(&format!("guards.{place}")), what)));
        }
        for (number, exception) in self.exceptions.iter().enumerate() {
            let at = |place: &str| format!("exceptions[{number}].{place}");
            if exception.rule.trim().is_empty() {
                problems.push((at("rule"), "is empty: name the rule that found it".into()));
            }
            if exception.reason.trim().is_empty() {
                problems.push((at("reason"), "is empty: say why, for who comes after".into()));
            }
            let is_digest = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            if exception.sha256.as_ref().is_some_and(|text| !is_digest(text)) {
                problems.push((at("sha256"), "is no SHA-256 in hex: 64 digits".into()));
            }
        }
        problems
    }
}
