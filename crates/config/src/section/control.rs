//! The control plane, as people's browsers see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The control plane, as people's browsers see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// Where browsers find the control plane, such as `https://bartizan.example.com`: scheme, host by name
    /// and port, and nothing more. Passkeys are for this host alone, and identity providers send people back
    /// to it. `http://localhost` and the port of `listen.control` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
}
