//! The control plane.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The control plane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// How tenants are changed.
    pub mode: ControlMode,
}

/// How tenants are changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlMode {
    /// One by one, or by documents.
    #[default]
    Interactive,
    /// By documents (`bartizan apply`) alone; revocations and other emergency stops always work.
    Declarative,
}
