//! The port through which a provider credential is tried before it is put in force. Whoever calls providers
//! implements it; this crate never calls one.

use async_trait::async_trait;
use domain::Secret;

/// How a provider took a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The provider's name in the configuration.
    pub provider: String,
    /// Why it did not take it: a sentence without the credential; nothing if it did.
    pub refused: Option<String>,
}

/// Tries credentials.
#[async_trait]
pub trait Prober: std::fmt::Debug + Send + Sync {
    /// Makes one cheap call with `value` to every provider that uses the stored credential of that name, in bounded
    /// time. Empty if none uses it.
    async fn probe(&self, name: &str, value: &Secret) -> Vec<Probed>;
}

/// For a control plane beside which nothing calls providers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProviders;

#[async_trait]
impl Prober for NoProviders {
    async fn probe(&self, _: &str, _: &Secret) -> Vec<Probed> {
        Vec::new()
    }
}
