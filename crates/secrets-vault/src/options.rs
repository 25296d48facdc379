//! Which server, and how the gate identifies itself to it.

use std::sync::Arc;
use std::time::Duration;

use credential::SecretRef;
use rustls_pki_types::CertificateDer;
use secrets::Secrets;

/// Which server, and how to ask it.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    /// `https://host[:port]`; plain http on loopback only.
    pub address: String,
    /// Sent with every request, where the server has namespaces.
    pub namespace: Option<String>,
    /// The only authorities whose certificates are believed. Empty: the system's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// How the gate logs in.
    pub auth: Auth,
    /// Where what it logs in with is read.
    pub bootstrap: Arc<dyn Secrets>,
    /// How long one request may take, to the end of its answer.
    pub timeout: Duration,
}

/// How the gate logs in. Mounts and roles are single words.
#[derive(Debug, Clone)]
pub enum Auth {
    /// With a role's id and a secret id.
    AppRole {
        /// Where the method is mounted.
        mount: String,
        /// The role's id.
        role_id: String,
        /// Where the secret id is, or the token it is wrapped in.
        secret_id: SecretRef,
        /// Whether it is wrapped: such a token opens once.
        wrapped: bool,
    },
    /// With the token of a Kubernetes service account.
    Kubernetes {
        /// Where the method is mounted.
        mount: String,
        /// The role.
        role: String,
        /// Where the service account's token is; read at every login, for it is renewed in place.
        token: SecretRef,
    },
    /// With a token that somebody else looks after, such as an agent.
    Token {
        /// Where it is; read anew when it stops working.
        token: SecretRef,
    },
}

impl Auth {
    /// The method's name, for the log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::AppRole { .. } => "approle",
            Self::Kubernetes { .. } => "kubernetes",
            Self::Token { .. } => "token",
        }
    }
}

/// Why there can be no such engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The server's address is not one, or not permitted.
    #[error(transparent)]
    Address(#[from] upstream::BaseError),
    /// The namespace cannot be sent in a header.
    #[error("the namespace cannot be sent in a header")]
    Namespace,
}
