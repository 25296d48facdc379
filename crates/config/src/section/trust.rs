//! What the gate shows to what stands behind it, and who that must be.

use std::path::PathBuf;

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS towards one provider. What is named here is looked at every few seconds; new connections use what is new.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderTls {
    /// PEM file of the authorities that alone are trusted for this provider. Left out: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// PEM file of the certificate that is shown, and its chain. Needs `client_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<PathBuf>,
    /// PEM of its private key, as a secret reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<SecretRef>,
    /// SPIFFE ids of which the provider's certificate must carry exactly one, and no other URI. It need not name
    /// the host then, and must chain to `ca`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spiffe_ids: Vec<String>,
    /// The host name to ask for and, without `spiffe_ids`, to find in the certificate. Left out: that of `base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// A token that says for whom a call is made, signed by the gate and bound to the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityToken {
    /// Whom it is for: the backend takes no token that names another.
    pub audience: String,
    /// The header that carries it. In `authorization` it stands behind `Bearer`, where the provider has no
    /// `credential` that goes there.
    #[serde(default = "header")]
    pub header: String,
    /// How long it is good.
    #[serde(default = "lifetime_ms")]
    pub lifetime_ms: u64,
}

fn header() -> String {
    "x-bartizan-identity".to_owned()
}

const fn lifetime_ms() -> u64 {
    60_000
}
