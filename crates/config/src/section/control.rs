//! The control plane.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The control plane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// How tenants are changed.
    pub mode: ControlMode,
    /// Where browsers find the control plane, such as `https://bartizan.example.com`: scheme, host by name
    /// and port, and nothing more. Passkeys are for this host alone, and identity providers send people back
    /// to it. `http://localhost` and the port of `listen.control` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Other host names under which the control plane is asked, such as that of a service in a cluster. Under
    /// any name but these, that of `public_url` and `localhost` it refuses to answer.
    pub hosts: Vec<String>,
    /// PEM file of authorities whose certificates are believed of identity providers, beside the system's:
    /// for single sign-on with a provider of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso_ca_file: Option<PathBuf>,
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
