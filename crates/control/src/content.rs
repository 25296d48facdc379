//! Each tenant's content key: made when it is first needed, kept wrapped, and destroyed with the tenant. What is
//! sealed for a tenant (kept answers, seeds of authenticator apps, cached answers) is sealed under it.
//!
//! Destroyed, its document stays without the key: so that nobody, however late, makes another.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use credential::{ContentKey, SealError, SealingKey};
use domain::{TenantId, TenantScope, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, Store, StoreError};

use crate::offboarding::OffboardError;
use crate::problem::{Code, Problem};
use crate::record::{Document, read};

/// The document's id: a tenant has one.
const ID: &str = "content";
/// How a text begins that was sealed under a content key. Older ones were sealed under a key of the instance's.
const BEGINS: &str = "c1:";

/// A content key as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// When it was made.
    pub created: UnixMillis,
    /// What it is known by.
    pub fingerprint: String,
    /// Wrapped, base64; nothing once it was destroyed.
    pub key: Option<String>,
}

impl Document for Wrapped {
    const KIND: RecordKind = RecordKind::ContentKey;
    fn id(&self) -> String {
        ID.to_owned()
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was destroyed: the tenant has ended.
    #[error("the tenant's content key was destroyed")]
    Destroyed,
    /// What is stored does not read, or sealing failed.
    #[error("a tenant's content key cannot be used: {0}")]
    Unusable(String),
}

impl From<SealError> for ContentError {
    fn from(error: SealError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Store(error) => error.into(),
            ContentError::Destroyed | ContentError::Unusable(_) => Self {
                internal: Some(error.to_string()),
                ..Self::new(Code::Internal, "it could not be sealed, so nothing was changed")
            },
        }
    }
}

/// All tenants' content keys, in their store.
#[derive(Debug, Clone)]
pub struct ContentKeys {
    store: Arc<dyn Store>,
    wrapping: Arc<SealingKey>,
}

impl ContentKeys {
    pub(crate) const fn new(store: Arc<dyn Store>, wrapping: Arc<SealingKey>) -> Self {
        Self { store, wrapping }
    }

    /// The tenant's key; one is made if it never had any. Reads the store: keep what you need often.
    // threat: AGP-I2
    pub async fn get(&self, tenant: TenantId, now: UnixMillis) -> Result<ContentKey, ContentError> {
        match self.find(tenant).await? {
            Some(key) => Ok(key),
            None => match self.make(tenant, now).await {
                // Another replica was first: its key is the one.
                Err(ContentError::Store(StoreError::Conflict(_))) => {
                    let made = self.find(tenant).await?;
                    made.ok_or_else(|| ContentError::Unusable("it was there, and is not".to_owned()))
                }
                made => made,
            },
        }
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<ContentKey>, ContentError> {
        let scope = TenantScope::operator(tenant);
        let record = match self.store.record(&scope, RecordKind::ContentKey, ID).await {
            Err(StoreError::NotFound) => return Ok(None),
            found => found?,
        };
        let unusable = |why: &str| ContentError::Unusable(why.to_owned());
        let wrapped: Wrapped = read(&record).map_err(|_| unusable("its document does not read"))?;
        let sealed = wrapped.key.ok_or(ContentError::Destroyed)?;
        let sealed = STANDARD
            .decode(sealed)
            .map_err(|_| unusable("it is not base64"))?;
        let key = ContentKey::unwrap_from(&sealed, &self.wrapping, &tenant.to_string())?;
        Ok(Some(key))
    }

    async fn make(&self, tenant: TenantId, now: UnixMillis) -> Result<ContentKey, ContentError> {
        let key = ContentKey::generate().map_err(|error| ContentError::Unusable(error.to_string()))?;
        let wrapped = Wrapped {
            created: now,
            fingerprint: key.fingerprint(),
            key: Some(STANDARD.encode(key.wrap(&self.wrapping, &tenant.to_string())?)),
        };
        let record = wrapped
            .to_record()
            .map_err(|_| ContentError::Unusable("it cannot be written".to_owned()))?;
        let scope = TenantScope::operator(tenant);
        self.store.commit(&scope, &[Change::Create(record)], None).await?;
        Ok(key)
    }

    /// Seals a text of the tenant's for one purpose, bound to its place.
    // threat: AGP-I2
    pub(crate) async fn seal(
        &self,
        (tenant, purpose): (TenantId, &str),
        (text, place): (&[u8], &[u8]),
        now: UnixMillis,
    ) -> Result<String, ContentError> {
        let key = self.get(tenant, now).await?.sealing_key(purpose)?;
        Ok(format!("{BEGINS}{}", STANDARD.encode(key.seal(text, place)?)))
    }

    /// What [`ContentKeys::seal`] sealed; and what was sealed under `older`, before tenants had keys of their own.
    pub(crate) async fn open(
        &self,
        (tenant, purpose): (TenantId, &str),
        (sealed, place): (&str, &[u8]),
        older: &SealingKey,
    ) -> Result<Vec<u8>, ContentError> {
        let decoded = |text: &str| {
            STANDARD
                .decode(text)
                .map_err(|_| ContentError::from(SealError::Form))
        };
        match sealed.strip_prefix(BEGINS) {
            None => Ok(older.open(&decoded(sealed)?, place)?),
            Some(rest) => {
                let key = self.find(tenant).await?.ok_or(ContentError::Destroyed)?;
                Ok(key.sealing_key(purpose)?.open(&decoded(rest)?, place)?)
            }
        }
    }
}

impl ContentKeys {
    /// What [`ContentKeys::seal`] sealed for a purpose that is younger than tenants' own keys.
    pub(crate) async fn open_own(
        &self,
        (tenant, purpose): (TenantId, &str),
        (sealed, place): (&str, &[u8]),
    ) -> Result<Vec<u8>, ContentError> {
        let rest = sealed.strip_prefix(BEGINS).ok_or(SealError::Form)?;
        let bytes = STANDARD.decode(rest).map_err(|_| SealError::Form)?;
        let key = self.find(tenant).await?.ok_or(ContentError::Destroyed)?;
        Ok(key.sealing_key(purpose)?.open(&bytes, place)?)
    }
}

/// Whether a text was sealed before tenants had keys of their own.
pub fn is_older(sealed: &str) -> bool {
    !sealed.starts_with(BEGINS)
}

/// The change that destroys a key, and the key's fingerprint; nothing if it was destroyed before.
// threat: ANP-0016
// threat: ANP-0010
pub fn destruction(record: &Record) -> Result<Option<(Change, String)>, Problem> {
    let wrapped: Wrapped = read(record)?;
    if wrapped.key.is_none() {
        return Ok(None);
    }
    let fingerprint = wrapped.fingerprint.clone();
    let after = Wrapped { key: None, ..wrapped }.to_record()?;
    let before = record.clone();
    Ok(Some((Change::Replace { before, after }, fingerprint)))
}

/// The document of a key that never was and never will be, unless there is one.
// threat: ANP-0016
pub async fn never(
    store: &dyn Store,
    scope: &TenantScope,
    now: UnixMillis,
) -> Result<Option<Change>, OffboardError> {
    match store.record(scope, RecordKind::ContentKey, ID).await {
        Ok(_) => Ok(None),
        Err(StoreError::NotFound) => {
            let none = Wrapped {
                created: now,
                fingerprint: String::new(),
                key: None,
            };
            Ok(Some(Change::Create(none.to_record()?)))
        }
        Err(error) => Err(error.into()),
    }
}
