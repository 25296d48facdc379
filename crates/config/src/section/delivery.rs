//! What tenants may have delivered by themselves: how far it may reach, and by whose mail server.

use std::path::PathBuf;

use credential::SecretRef;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where sinks and destinations may be that tenants set up for themselves: on the public Internet, over TLS, and where this
/// says. What the file itself names is not bound by it.
// threat: ANP-D0012
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Networks that tenants' addresses may lead to beside the public Internet, such as `10.20.0.0/16`; there also without TLS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// Hosts that tenants may name wherever they are; there also without TLS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The ports of tenants' addresses. Left out: 443 and 80.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// By which server mail for tenants leaves. Left out: tenants have no mail sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<Outbox>,
}

/// A mail server, and who writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// `smtps://host:port` is mail over TLS, `smtp://host:port` with STARTTLS.
    pub address: String,
    /// Whom mail is from: an address, or `Name <address>`.
    pub from: String,
    /// Who signs in with the password in `secrets`; nobody when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password of `user`: one, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretRef>,
    /// Domains that mail for tenants may be to. Left out: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// PEM file of the only authorities whose certificates are believed. Left out: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Permits mail without TLS where the server offers none; then nobody signs in.
    #[serde(default)]
    pub allow_plaintext: bool,
}

impl Outbox {
    /// Where the server is, and whether TLS begins with the first byte; `None` for what is no mail server.
    pub fn smtp(&self) -> Option<(&str, bool)> {
        match self.address.split_once("://") {
            Some(("smtps", place)) => Some((place, true)),
            Some(("smtp", place)) => Some((place, false)),
            _ => None,
        }
    }
}
