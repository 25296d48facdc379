//! When what machines sign is good.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How old signed requests (RFC 9421) and proofs of possession (RFC 9449) may be. Each is good once, whatever stands
/// here. Within `age_max_ms` a signing key makes at most 100 000 of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signatures {
    /// How old one may be: from a second to five minutes.
    pub age_max_ms: u64,
    /// How far the clock of who signs may be ahead: up to a minute.
    pub skew_max_ms: u64,
}

impl Default for Signatures {
    fn default() -> Self {
        Self {
            age_max_ms: 60_000,
            skew_max_ms: 10_000,
        }
    }
}
