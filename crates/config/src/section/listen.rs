//! Where the gate listens.

use std::net::SocketAddr;
use std::path::PathBuf;

use credential::SecretRef;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Addresses to listen on. The three planes never share one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// The data plane: what applications call.
    pub data: SocketAddr,
    /// The control plane.
    pub control: SocketAddr,
    /// Health (`/livez`, `/readyz`) and `/metrics`.
    pub health: SocketAddr,
    /// TLS for the data plane; without it the data plane speaks plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// How callers address the data plane, such as `https://gate.example.com`: signed requests and proofs must be
    /// for this address. Without it what each request says of its host is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Declares that a proxy in front of the data plane ends TLS.
    pub behind_tls_proxy: bool,
    /// Networks of proxies whose `X-Forwarded-For` and PROXY protocol are believed; nobody else's are.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the data plane is reached through proxies that say by the PROXY protocol who calls.
    pub proxy_protocol: ProxyProtocol,
}

/// Whether connections begin with a header of the PROXY protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyProtocol {
    /// They do not; one that does is refused.
    #[default]
    Off,
    /// All do, in version 1 or 2, and come from `trusted_proxies`; others are refused.
    Required,
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            data: loopback(8080),
            control: loopback(8081),
            health: loopback(8082),
            tls: None,
            public_url: None,
            behind_tls_proxy: false,
            trusted_proxies: Vec::new(),
            proxy_protocol: ProxyProtocol::default(),
        }
    }
}

/// TLS 1.2 with forward secrecy, or 1.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM of the private key, as a secret reference.
    pub private_key: SecretRef,
    /// PEM file of the authorities that client certificates are verified against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// Instead of `client_ca`: authorities that each name their own callers and nobody else's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_cas: Vec<ClientAuthority>,
    /// Files (PEM or DER) with lists of revoked client certificates. With any, every authority in a certificate's
    /// chain needs one, and one that has expired ends all that its authority has issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_crl: Vec<PathBuf>,
    /// Whether callers present certificates.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
}

/// An authority, and whom it may name. No two may name the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientAuthority {
    /// What logs call it.
    pub name: String,
    /// PEM file with its certificate.
    pub certificate: PathBuf,
    /// Trust domains whose SPIFFE ids it gives, such as `example.org`.
    #[serde(default)]
    pub trust_domains: Vec<String>,
    /// Hosts that it names; `*.example.org` is every host below `example.org`.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl ClientAuthority {
    /// Whether it may say that somebody is `name`: a SPIFFE id, or a host in lower case.
    // threat: AGP-S1
    pub fn may_name(&self, name: &str) -> bool {
        match name.strip_prefix("spiffe://") {
            Some(rest) => {
                let domain = rest.split('/').next();
                self.trust_domains.iter().any(|own| Some(own.as_str()) == domain)
            }
            None => self.hosts.iter().any(|host| covers(host, name)),
        }
    }

    /// What both may name, if there is anything.
    pub(crate) fn shares(&self, other: &Self) -> Option<&str> {
        let domain = self
            .trust_domains
            .iter()
            .find(|own| other.trust_domains.contains(own));
        let meet = |one: &String, other: &String| one == other || holds(one, other) || holds(other, one);
        let host = || {
            self.hosts
                .iter()
                .find(|own| other.hosts.iter().any(|its| meet(own, its)))
        };
        domain.or_else(host).map(String::as_str)
    }
}

/// Whether a name for many is one for all that `other` is for.
fn holds(many: &str, other: &str) -> bool {
    many.starts_with("*.") && covers(many, other.strip_prefix("*.").unwrap_or(other))
}

fn covers(host: &str, name: &str) -> bool {
    match host.strip_prefix("*.") {
        Some(domain) => name
            .strip_suffix(domain)
            .is_some_and(|below| below.ends_with('.')),
        None => host == name,
    }
}

/// Whether callers present certificates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// They are not asked for.
    #[default]
    None,
    /// Verified when presented.
    Optional,
    /// Without a valid one there is no connection.
    Required,
}
