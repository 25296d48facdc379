//! The ledger entry: what one call was, what it used, what it cost, and digests that pin its contents.
//!
//! An entry never holds a prompt, an answer or a credential.

use domain::{KeyId, Money, NodeId, Operation, ProjectId, RequestId, TeamId, TenantId, UnixMillis, Usage};
use serde::{Deserialize, Serialize};

use crate::Charge;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered to the last byte.
    Completed,
    /// The gate said no; the refusal's stable code.
    Refused(String),
    /// The caller left before the last byte.
    ClientGone,
    /// The provider failed after the call was sent; the refusal's stable code.
    UpstreamFailed(String),
    /// The gate's process died; billed at the reserved bound.
    Interrupted,
}

/// Where an entry's token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider said so.
    Provider,
    /// Counted here by tokenizer, for want of a provider's figure.
    Estimated,
    /// The upper bound that was reserved, for want of anything better.
    Bound,
    /// Nothing was used.
    None,
}

/// One line of a tenant's ledger. Its canonical bytes are [`Entry::to_bytes`]; the Merkle leaf is hashed
/// over exactly those, and they are stored as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The request, and the entry's own id.
    pub id: RequestId,
    /// Whose ledger.
    pub tenant: TenantId,
    /// The credential's team.
    pub team: TeamId,
    /// The credential's project.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project: Option<ProjectId>,
    /// The credential.
    pub key: KeyId,
    /// Which node served it.
    pub node: NodeId,
    /// When the request's head had been read.
    pub started: UnixMillis,
    /// When it was settled.
    pub finished: UnixMillis,
    /// What was asked.
    pub operation: Operation,
    /// The caller's dialect: `openai` or `anthropic`.
    pub dialect: String,
    /// The model the caller named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// `provider/upstream-model` that served it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status the caller got.
    pub status: u16,
    /// Calls made upstream: 0 for a refusal or cache hit, more than 1 after retries and fallbacks.
    pub attempts: u16,
    /// Whether the answer came from the cache.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cached: bool,
    /// What was used.
    pub usage: Usage,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// What it cost.
    pub cost: Money,
    /// The price list the cost was reckoned by.
    pub price_version: String,
    /// What it took from each budget.
    pub charges: Vec<Charge>,
    /// Ids of the Cedar policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub policies: Vec<String>,
    /// Rules of guards that fired, with the verdict; never what they matched.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<String>,
    /// BLAKE3 of the request body as received, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_digest: Option<String>,
    /// BLAKE3 of the response body as sent, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response_digest: Option<String>,
}

impl Entry {
    /// The canonical bytes: compact JSON in field order.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
