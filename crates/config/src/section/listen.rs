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
    /// Whether callers present certificates.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
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
