//! One port for all references: each goes to the engine of its scheme, and nowhere else.

use std::sync::Arc;

use async_trait::async_trait;
use credential::SecretRef;
use domain::Secret;

use crate::{Environment, Files, SealedFile, SecretError, Secrets, Versioned};

/// The engines of an instance.
#[derive(Debug)]
pub struct ByScheme {
    /// `env:`.
    pub environment: Environment,
    /// `file:`.
    pub files: Files,
    /// `sealed:`, where there is a master key to open it with.
    pub sealed: Option<SealedFile>,
    /// `stored:`, once there is a store.
    pub stored: Option<Arc<dyn Secrets>>,
    /// `vault:`, where a server is configured.
    pub vault: Option<Arc<dyn Secrets>>,
}

#[async_trait]
impl Secrets for ByScheme {
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        let missing = || Err(SecretError::unconfigured(reference));
        match reference {
            SecretRef::Env(_) => self.environment.get(reference).await,
            SecretRef::File(_) => self.files.get(reference).await,
            SecretRef::Sealed(_) => match &self.sealed {
                Some(sealed) => sealed.get(reference).await,
                None => missing(),
            },
            SecretRef::Stored(_) => match &self.stored {
                Some(stored) => stored.get(reference).await,
                None => missing(),
            },
            SecretRef::Vault(_) => match &self.vault {
                Some(vault) => vault.get(reference).await,
                None => missing(),
            },
        }
    }
}
