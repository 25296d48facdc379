//! What wants a second person on the control plane.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Dollars;

/// Acts of the control plane that wait for a second person. Policies can ask for one as well: by a `forbid`
/// `unless { context.approved }`.
// threat: ANP-0014
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approvals {
    /// Permissions, by name: `tenants.offboard`, `grants.create`, ….
    pub acts: Vec<String>,
    /// Making a budget above so many dollars, or raising one to more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budgets_above: Option<Dollars>,
    /// Making a budget of more LLM tokens than this, or raising one to more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_budgets_above: Option<u64>,
    /// How long an act waits for its decision, and after it for being done.
    pub lasts_ms: u64,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            acts: Vec::new(),
            budgets_above: None,
            token_budgets_above: None,
            lasts_ms: 24 * 60 * 60 * 1000,
        }
    }
}
