//! The keys of identity tokens in the store: made at the first start, the same for all replicas, sealed under a key
//! derived from the root. What they sign is nobody's evidence, so they are not the ledger's.

use credential::{MasterKey, SealingKey, purpose};
use domain::UnixMillis;
use identity::vouch::VouchKeys;
use store::{Change, Record, RecordKind, Store, StoreError};

use crate::failure::{Failure, Hint};
use crate::stored::scope;

/// There is one.
const ID: &str = "identity-keys";

/// What seals and opens them.
// threat: AGP-CRED-2.2
pub fn seal(root: &MasterKey) -> Result<SealingKey, Failure> {
    let key = root.sealing_key(purpose::IDENTITY_KEYS);
    key.map_err(|e| Failure::new(e.to_string()))
}

/// The keys as the store has them, and their record.
pub async fn kept(store: &dyn Store, seal: &SealingKey) -> Result<Option<(Record, VouchKeys)>, Failure> {
    match store.record(&scope(), RecordKind::IdentityKeys, ID).await {
        Err(StoreError::NotFound) => Ok(None),
        found => {
            let record = found?;
            let keys = VouchKeys::from_document(&record.document, seal);
            let keys = keys.map_err(|e| {
                Failure::new(e.to_string()).hint("replace them: bartizan identity-keys rotate --at-once")
            })?;
            Ok(Some((record, keys)))
        }
    }
}

/// The keys, made if there are none. Of two replicas that start at once the first one's count.
pub async fn settle(store: &dyn Store, seal: &SealingKey) -> Result<VouchKeys, Failure> {
    if let Some((_, keys)) = kept(store, seal).await? {
        return Ok(keys);
    }
    let first = VouchKeys::first(UnixMillis::now()).map_err(|e| Failure::new(e.to_string()))?;
    match store.commit(&scope(), &[change(None, &first, seal)?], None).await {
        Ok(()) => Ok(first),
        Err(StoreError::Conflict(_)) => {
            let made = kept(store, seal).await?;
            let made = made.ok_or_else(|| Failure::new("the keys of identity tokens could not be kept"))?;
            Ok(made.1)
        }
        Err(error) => Err(error.into()),
    }
}

/// The record, however it reads: to be replaced.
pub async fn record(store: &dyn Store) -> Result<Option<Record>, Failure> {
    match store.record(&scope(), RecordKind::IdentityKeys, ID).await {
        Err(StoreError::NotFound) => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// What puts these in place of what is kept.
pub fn change(kept: Option<Record>, keys: &VouchKeys, seal: &SealingKey) -> Result<Change, Failure> {
    let document = keys.to_document(seal).map_err(|e| Failure::new(e.to_string()))?;
    Ok(match kept {
        Some(before) => Change::Replace {
            after: Record {
                document,
                ..before.clone()
            },
            before,
        },
        None => Change::Create(Record {
            kind: RecordKind::IdentityKeys,
            id: ID.to_owned(),
            parent: None,
            name: None,
            created: UnixMillis::now(),
            document,
        }),
    })
}
