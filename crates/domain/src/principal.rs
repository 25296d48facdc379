//! Who acts, and for which tenant.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{KeyId, ProjectId, TeamId, TenantId};

/// What kind of principal acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A virtual key presented by a workload.
    VirtualKey,
}

/// Who acts: the outcome of identification, never of a header or body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The isolation boundary.
    pub tenant: TenantId,
    /// The team that owns the credential.
    pub team: TeamId,
    /// The workload, when the key belongs to one.
    pub project: Option<ProjectId>,
    /// The credential that was presented.
    pub key: KeyId,
    /// What it is.
    pub kind: PrincipalKind,
    /// The name people gave the credential. For people: nothing is decided by it.
    pub name: Arc<str>,
}

/// Leave to touch one tenant's rows. Every storage call about a tenant takes one, so a query without a
/// tenant cannot be written.
///
/// Made by [`TenantScope::of`] from an identified principal, or by [`TenantScope::operator`] for the
/// operator's own tools; `xtask floors` lists the files that may call either.
// threat: ANP-0006
// threat: ANP-0007
// threat: AGP-E1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TenantScope(TenantId);

impl TenantScope {
    /// The scope of an identified principal.
    pub const fn of(principal: &Principal) -> Self {
        Self(principal.tenant)
    }

    /// The scope an operator's tool or a background task works in. Never called with anything that came
    /// from a request.
    pub const fn operator(tenant: TenantId) -> Self {
        Self(tenant)
    }

    /// The tenant.
    pub const fn tenant(&self) -> TenantId {
        self.0
    }
}

/// What a caller asks the gate to do: the action of a policy, `gen_ai.operation.name` in telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A conversation, in whichever dialect.
    Chat,
    /// Plain text completion.
    TextCompletion,
    /// Vectors of texts.
    Embeddings,
    /// Counting a prompt's tokens.
    CountTokens,
    /// Listing the models one may use.
    ListModels,
}

impl Operation {
    /// The name in policies, telemetry and entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::CountTokens => "count_tokens",
            Self::ListModels => "list_models",
        }
    }
}
