//! Where secret references lead: the sealed file and the Vault server.

use std::path::PathBuf;

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where secret references lead. `env:` and `file:` need nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Where the master key is, if not in the data folder: an environment variable or a file. Left out: what systemd
    /// hands over as `bartizan-master-key`, or the data folder's `master.key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key: Option<SecretRef>,
    /// A master key for the file of `sealed:` values, other than the data folder's own; an environment
    /// variable or a file, such as a systemd credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed_under: Option<SecretRef>,
    /// The server that `vault:` references are read from. Left out: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<Vault>,
}

/// A HashiCorp Vault or OpenBao server, read through KV version 2.
// threat: ANP-D0007
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// `https://host[:port]`; plain http on loopback only.
    pub address: String,
    /// The namespace, where the server has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// PEM file of the only authorities whose certificates are believed. Left out: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How the gate logs in.
    pub auth: VaultAuth,
    /// How long one request to the server may take.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// How long the last known value is used while the server does not answer; then calls that need it are
    /// refused.
    #[serde(default = "remember_ms")]
    pub remember_ms: u64,
    /// How often values are asked for anew: a rotated one is used within this and one request.
    #[serde(default = "refresh_ms")]
    pub refresh_ms: u64,
    /// Whether a changed credential of a provider is tried with a cheap call before it takes the place of the
    /// one in force; while the provider refuses it, the old one stays.
    #[serde(default = "probe")]
    pub probe: bool,
}

const fn probe() -> bool {
    true
}

const fn timeout_ms() -> u64 {
    2_000
}

const fn remember_ms() -> u64 {
    600_000
}

const fn refresh_ms() -> u64 {
    10_000
}

/// How the gate logs in to the Vault server: exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VaultAuth {
    /// With a role's id and a secret id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approle: Option<AppRole>,
    /// With the token of a Kubernetes service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesRole>,
    /// With a token in a file that somebody else keeps valid, such as an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

/// A role's id and a secret id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppRole {
    /// Where the method is mounted.
    #[serde(default = "approle")]
    pub mount: String,
    /// The role's id; a name rather than a secret.
    pub role_id: String,
    /// The secret id, or the token it is wrapped in, as a secret reference; not `vault:`.
    pub secret_id: SecretRef,
    /// Whether it is wrapped in a token that opens once.
    #[serde(default)]
    pub wrapped: bool,
}

fn approle() -> String {
    "approle".to_owned()
}

/// A role for a Kubernetes service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesRole {
    /// Where the method is mounted.
    #[serde(default = "kubernetes")]
    pub mount: String,
    /// The role.
    pub role: String,
    /// The service account's token; read at every login.
    #[serde(default = "service_account")]
    pub token_file: PathBuf,
}

fn kubernetes() -> String {
    "kubernetes".to_owned()
}

fn service_account() -> PathBuf {
    PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token")
}
