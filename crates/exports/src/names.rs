//! What people call the things that entries know by id.

use std::collections::BTreeMap;

use domain::{KeyId, ProjectId, TeamId, TenantId};

/// What is known of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyNames {
    /// What people call it.
    pub name: String,
    /// The id of whoever it was made for.
    pub owner: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// Names at the time of the export. What has none any more goes by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Whose data it is.
    pub tenant: TenantId,
    /// What people call it.
    pub tenant_name: String,
    /// Who charges the tenant: what this instance calls itself.
    pub issuer: String,
    /// Teams.
    pub teams: BTreeMap<TeamId, String>,
    /// Projects.
    pub projects: BTreeMap<ProjectId, String>,
    /// Keys.
    pub keys: BTreeMap<KeyId, KeyNames>,
}

impl Names {
    pub(crate) fn team(&self, id: TeamId) -> String {
        self.teams.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(crate) fn project(&self, id: ProjectId) -> String {
        self.projects.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(crate) fn key(&self, id: KeyId) -> String {
        let known = self.keys.get(&id);
        known.map_or_else(|| id.to_string(), |key| key.name.clone())
    }
}
