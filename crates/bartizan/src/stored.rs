//! `stored:NAME`: provider credentials in the store, opened with a key derived from the master key. Reads only; what
//! is put there comes through the control plane or `bartizan secrets stored`.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use control::prober::{Probed, Prober};
use credential::{CredentialKeys, MasterKey, SecretRef, StoredCredential, StoredError};
use data::Gate;
use data::probe::Probes;
use domain::{Secret, TenantId, TenantScope};
use secrets::{SecretError, Secrets, Versioned};
use store::{Record, RecordKind, Store, StoreError};

use crate::failure::Failure;

/// The credentials of a store, and the keys to them.
pub struct StoredSecrets {
    store: Arc<dyn Store>,
    keys: CredentialKeys,
}

impl fmt::Debug for StoredSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredSecrets")
    }
}

/// Credentials are the platform's.
pub const fn scope() -> TenantScope {
    TenantScope::operator(TenantId::PLATFORM)
}

/// A stored document, read.
pub fn read(record: &Record) -> Result<StoredCredential, Failure> {
    serde_json::from_str(&record.document)
        .map_err(|_| Failure::new(format!("the stored credential `{}` does not read", record.id)))
}

impl StoredSecrets {
    /// Those in `store`.
    pub fn new(store: Arc<dyn Store>, master: &MasterKey) -> Result<Self, Failure> {
        let keys = CredentialKeys::derive(master).map_err(|e| Failure::new(e.to_string()))?;
        Ok(Self { store, keys })
    }

    /// What seals and opens them.
    pub const fn keys(&self) -> &CredentialKeys {
        &self.keys
    }

    async fn credential(&self, name: &str, at: &SecretRef) -> Result<StoredCredential, SecretError> {
        let found = self.store.record(&scope(), RecordKind::Credential, name).await;
        let record = found.map_err(|error| match error {
            StoreError::NotFound => SecretError::NotFound(at.clone(), "is not in the store".into()),
            _ => SecretError::Unavailable(at.clone(), "cannot be read: the store does not answer".into()),
        })?;
        serde_json::from_str(&record.document)
            .map_err(|_| SecretError::Malformed(at.clone(), "does not read in the store".into()))
    }
}

#[async_trait]
impl Secrets for StoredSecrets {
    // threat: AGP-I1
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        let SecretRef::Stored(name) = reference else {
            return Err(SecretError::unconfigured(reference));
        };
        let credential = self.credential(name.as_str(), reference).await?;
        let (value, number) = credential.value(&self.keys).map_err(|error| match error {
            StoredError::NoneActive => {
                SecretError::NotFound(reference.clone(), "has no version in force in the store".into())
            }
            _ => SecretError::Malformed(reference.clone(), format!("cannot be opened: {error}").into()),
        })?;
        Ok(Versioned {
            value,
            version: Some(number.into()),
        })
    }
}

/// Tries credentials at the providers of a gate that serves.
#[derive(Debug)]
pub struct ByGate(pub Arc<Gate>);

#[async_trait]
impl Prober for ByGate {
    async fn probe(&self, name: &str, value: &Secret) -> Vec<Probed> {
        probed(self.0.probe(&format!("stored:{name}"), value).await)
    }
}

/// As the control plane speaks of it.
pub fn probed(probes: Probes) -> Vec<Probed> {
    let one = |(provider, taken): (String, Result<(), data::probe::NotTaken>)| Probed {
        provider,
        refused: taken.err().map(|why| why.to_string()),
    };
    probes.into_iter().map(one).collect()
}
