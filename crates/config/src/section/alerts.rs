//! Where audit records are pushed.

use std::path::PathBuf;

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where audit records are pushed as they come, by one node at a time.
// threat: AGP-R3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// How often all audit logs are looked through for what is new.
    pub every_ms: u64,
    /// Who is told.
    pub sinks: Vec<Sink>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            every_ms: 2_000,
            sinks: Vec::new(),
        }
    }
}

/// Somebody who is told of acts: a webhook, or a syslog server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// What it is called; how far it has come is kept under this name.
    pub name: String,
    /// `https://host[:port]/path` is a webhook; `tls://host:port`, `tcp://host:port` and `udp://host:port` are syslog
    /// (RFC 5424).
    pub address: String,
    /// What webhooks are signed with, 24 bytes or more each, as they are or as `whsec_` and base64; more than
    /// one while it is being replaced: every one of them signs.
    #[serde(default)]
    pub secrets: Vec<SecretRef>,
    /// Which acts: names, or beginnings with `*` at the end.
    #[serde(default = "all")]
    pub acts: Vec<String>,
    /// PEM file of the only authorities whose certificates are believed for `tls://`. Left out: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Permits plain http, or syslog without TLS, beyond this machine: for private networks.
    #[serde(default)]
    pub allow_plaintext: bool,
}

impl Sink {
    /// Where syslog is spoken, and over what; `None` for a webhook.
    pub fn syslog(&self) -> Option<(&str, Carrier)> {
        match self.address.split_once("://") {
            Some(("tls", place)) => Some((place, Carrier::Tls)),
            Some(("tcp", place)) => Some((place, Carrier::Tcp)),
            Some(("udp", place)) => Some((place, Carrier::Udp)),
            _ => None,
        }
    }
}

/// What carries syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// TLS (RFC 5425).
    Tls,
    /// TCP (RFC 6587).
    Tcp,
    /// UDP (RFC 5426).
    Udp,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}
