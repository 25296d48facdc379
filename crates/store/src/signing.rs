//! Which key signs the logs: the first is derived from the root, those after it were made when it was replaced and are
//! sealed in the store. Every replica looks how often the key was replaced before it signs, and the store keeps no head
//! that comes under another key: so a replacement holds at once, everywhere, and nobody has to be told.
//!
//! A key that was replaced is forgotten: what it signed can be verified for ever, and signed anew by nobody.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credential::{MasterKey, SealingKey, purpose};
use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::bundle::{Handover, HexHash, LogKeys, audit_origin_of, origin_of};
use ledger::merkle::{leaf_hash, root_of};
use ledger::note::{Checkpoint, NoteError, Signer, Verifier, claimed};
use ledger::succession::{Chain, SUCCESSIONS_MAX, Succession, SuccessionError};
use serde::{Deserialize, Serialize};

use crate::{AuditEntry, Change, Hold, LogKind, Record, RecordKind, RecordQuery, Store, StoreError};

/// How long nobody signs at most, should whoever replaces the key die meanwhile.
const HOLD: Duration = Duration::from_secs(60);
/// How often the keys are read while they are being replaced.
const TRIES: u32 = 4;

/// Why it is not known which key signs, or the key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store has of keys is not what was signed.
    #[error("the keys of the logs do not follow each other: {0}")]
    Succession(#[from] SuccessionError),
    /// The newest key does not open.
    #[error("the key that signs the logs does not open: it was changed, or sealed under another root")]
    Unusable,
    /// The logs had another name when their key was replaced.
    #[error(
        "the key of the logs was replaced under the name `{0}`: `ledger.origin` cannot be another any more"
    )]
    Renamed(String),
    /// A log is not as it was signed.
    #[error("the newest signed head of `{0}` does not verify: the key is not replaced over it")]
    Tampered(String),
    /// No randomness, or a document does not write.
    #[error("no new key could be made")]
    Making,
    /// Signing.
    #[error("the succession could not be signed: {0}")]
    Note(#[from] NoteError),
}

/// What a record of a succession holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    note: String,
    heads: Vec<Head>,
    /// The new key's seed, sealed, hex; nothing once it was replaced.
    seed: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    origin: String,
    size: u64,
    root: HexHash,
}

/// One succession, with how every log stood, by their names.
#[derive(Debug)]
struct Followed {
    note: String,
    heads: Vec<Checkpoint>,
}

/// The keys at one moment.
#[derive(Debug)]
pub struct SigningNow {
    /// How often the key was replaced.
    pub epoch: u64,
    signer: Option<Arc<Signer>>,
    chain: Chain,
    followed: Vec<Followed>,
    newest: Option<Record>,
}

impl SigningNow {
    /// Who signs.
    pub fn signer(&self) -> Result<&Arc<Signer>, SigningError> {
        self.signer.as_ref().ok_or(SigningError::Unusable)
    }

    /// All keys, the oldest first.
    pub fn keys(&self) -> &[Verifier] {
        self.chain.keys()
    }

    /// The signed statements, the oldest first: what is published.
    pub fn successions(&self) -> Vec<String> {
        self.followed.iter().map(|one| one.note.clone()).collect()
    }

    /// How the log of that name went from key to key, for evidence.
    pub fn handovers(&self, origin: &str) -> Vec<Handover> {
        let of = |one: &Followed| Handover::of(&one.note, &one.heads, origin);
        self.followed.iter().map(of).collect()
    }

    /// Which key may have signed what of the log of that name.
    pub fn of_log(&self, origin: &str) -> LogKeys {
        let stood = |one: &Followed| {
            let at = one
                .heads
                .binary_search_by(|head| head.origin.as_str().cmp(origin));
            at.ok().and_then(|at| one.heads.get(at).cloned())
        };
        LogKeys::own(self.chain.clone(), origin, self.followed.iter().map(stood))
    }
}

/// What replaces the key.
#[derive(Debug)]
pub struct Rotation<'a> {
    /// Now.
    pub now: UnixMillis,
    /// Whether the key that goes was lost or stolen: then it says nothing about the one that comes.
    pub is_lost: bool,
    /// Who does so.
    pub audit: &'a AuditEntry,
}

/// The keys of an instance's logs.
pub struct Signing {
    store: Arc<dyn Store>,
    first: Arc<Signer>,
    sealing: SealingKey,
    known: Mutex<Option<Arc<SigningNow>>>,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signing({})", self.name())
    }
}

const fn scope() -> TenantScope {
    TenantScope::operator(TenantId::PLATFORM)
}

/// A sealed seed opens in its own place only.
fn place(number: u64, key: &Verifier) -> String {
    format!("bartizan ledger key 1 {number} {key}")
}

impl Signing {
    /// Those of an instance with this root, whose logs have this name.
    pub fn new(store: Arc<dyn Store>, name: &str, root: &MasterKey) -> Result<Self, SigningError> {
        let first = Signer::from_seed(name, &root.derive(purpose::LEDGER_SIGNER))?;
        let sealing = root.sealing_key(purpose::LEDGER_KEYS);
        Ok(Self::with(
            store,
            first,
            sealing.map_err(|_| SigningError::Making)?,
        ))
    }

    /// Those that begin with this key; later ones are sealed under `sealing`.
    pub fn with(store: Arc<dyn Store>, first: Signer, sealing: SealingKey) -> Self {
        Self {
            store,
            first: Arc::new(first),
            sealing,
            known: Mutex::new(None),
        }
    }

    /// The logs' name.
    pub fn name(&self) -> &str {
        self.first.verifier().name()
    }

    /// What a tenant's log is called.
    pub fn origin(&self, tenant: TenantId, log: LogKind) -> String {
        match log {
            LogKind::Ledger => origin_of(self.name(), tenant),
            LogKind::Audit => audit_origin_of(self.name(), tenant),
        }
    }

    /// The keys now.
    // threat: AGP-R1
    pub async fn now(&self) -> Result<Arc<SigningNow>, SigningError> {
        for _ in 0..TRIES {
            let epoch = self.store.log_epoch().await?;
            if let Some(known) = self.known().filter(|known| known.epoch == epoch) {
                return Ok(known);
            }
            let query = RecordQuery {
                kind: RecordKind::Succession,
                parent: None,
                after: None,
                count: SUCCESSIONS_MAX as u64 + 1,
            };
            let records = self.store.records(&scope(), &query).await?;
            // Replaced while it was read: look again.
            if records.len() as u64 == epoch {
                let read = Arc::new(self.read(epoch, records)?);
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
                return Ok(read);
            }
        }
        Err(StoreError::Damaged("successions of the logs' keys are missing".to_owned()).into())
    }

    fn known(&self) -> Option<Arc<SigningNow>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self, epoch: u64, mut records: Vec<Record>) -> Result<SigningNow, SigningError> {
        let damaged = |why: &str| StoreError::Damaged(format!("a succession of the logs' keys {why}"));
        let (mut followed, mut newest_seed) = (Vec::with_capacity(records.len()), None);
        for record in &records {
            let read: Document =
                serde_json::from_str(&record.document).map_err(|_| damaged("does not read"))?;
            let heads = read.heads.into_iter().map(|head| Checkpoint {
                origin: head.origin,
                size: head.size,
                root: head.root.0,
            });
            newest_seed = read.seed;
            followed.push(Followed {
                note: read.note,
                heads: heads.collect(),
            });
        }
        let signer = self.signer(epoch, newest_seed.as_deref(), followed.last())?;
        let notes: Vec<&str> = followed.iter().map(|one| one.note.as_str()).collect();
        let pinned = match (&signer, notes.last()) {
            (Some(signer), _) => signer.verifier().clone(),
            // It does not open: what it says of itself is all there is, and enough only to give it up.
            (None, Some(note)) => ledger::succession::newest_of(note)?,
            (None, None) => self.first.verifier().clone(),
        };
        let chain = Chain::establish(&pinned, &notes)?;
        for (one, statement) in followed.iter().zip(chain.statements()) {
            let leaves: Vec<_> = one
                .heads
                .iter()
                .map(|head| leaf_hash(head.to_string().as_bytes()))
                .collect();
            if root_of(&leaves) != statement.heads.0 {
                return Err(damaged("was changed").into());
            }
        }
        Ok(SigningNow {
            epoch,
            signer,
            chain,
            followed,
            newest: records.pop(),
        })
    }

    /// The newest key, if it opens.
    fn signer(
        &self,
        epoch: u64,
        seed: Option<&str>,
        newest: Option<&Followed>,
    ) -> Result<Option<Arc<Signer>>, SigningError> {
        let Some(newest) = newest else {
            return Ok(Some(self.first.clone()));
        };
        let key = ledger::succession::newest_of(&newest.note)?;
        if key.name() != self.name() {
            return Err(SigningError::Renamed(key.name().to_owned()));
        }
        let sealed = seed.and_then(|seed| hex::decode(seed).ok());
        let opened = sealed.and_then(|sealed| self.sealing.open(&sealed, place(epoch, &key).as_bytes()).ok());
        let seed = opened.and_then(|opened| <[u8; 32]>::try_from(opened.as_slice()).ok());
        let signer = seed
            .map(|seed| Signer::from_seed(self.name(), &seed))
            .transpose()?;
        Ok(signer.filter(|signer| *signer.verifier() == key).map(Arc::new))
    }

    /// Replaces the key. Replicas wait with signing while the logs' heads are read; what they signed until then stays,
    /// and what they sign afterwards is signed with the new key.
    // threat: AGP-R1
    // threat: ANP-0012
    pub async fn rotate(&self, rotation: &Rotation<'_>) -> Result<Arc<SigningNow>, SigningError> {
        let before = self.now().await?;
        if !rotation.is_lost {
            before.signer()?;
        }
        let by = AuditId::generate().to_string();
        let (now, epoch) = (rotation.now, before.epoch);
        let hold = Hold {
            epoch,
            by: by.clone(),
            now,
            until: now.plus(HOLD),
        };
        self.store.hold_log_keys(&hold).await?;
        let heads = self.heads(&before).await?;
        let (created, forgotten) = self.next(&before, rotation, &heads)?;
        let mut changes = vec![Change::NextEpoch { epoch, by }, Change::Create(created)];
        changes.extend(forgotten);
        self.store
            .commit(&scope(), &changes, Some(rotation.audit))
            .await?;
        self.now().await
    }

    /// How every log stands that has a signed head, by their names.
    async fn heads(&self, before: &SigningNow) -> Result<Vec<Checkpoint>, SigningError> {
        let tenants = self.store.load().await?.tenants;
        let mut heads = Vec::new();
        for tenant in tenants.iter().map(|tenant| tenant.id).chain([TenantId::PLATFORM]) {
            for log in LogKind::ALL {
                let kept = self
                    .store
                    .log_checkpoint(&TenantScope::operator(tenant), log)
                    .await?;
                let Some(kept) = kept else {
                    continue;
                };
                let origin = self.origin(tenant, log);
                // A head of the time when the logs had another name is no head of this log.
                if claimed(&kept.note).is_ok_and(|head| head.origin != origin) {
                    continue;
                }
                let head = before.of_log(&origin).believed(&kept.note);
                heads.push(head.map_err(|_| SigningError::Tampered(origin))?);
            }
        }
        heads.sort_unstable_by(|a, b| a.origin.cmp(&b.origin));
        Ok(heads)
    }

    /// The new key's record, and the change that forgets the old key.
    fn next(
        &self,
        before: &SigningNow,
        rotation: &Rotation<'_>,
        heads: &[Checkpoint],
    ) -> Result<(Record, Option<Change>), SigningError> {
        let number = before.epoch + 1;
        let seed = MasterKey::generate().map_err(|_| SigningError::Making)?;
        let seed = seed.derive(purpose::LEDGER_SIGNER);
        let new = Signer::from_seed(self.name(), &seed)?;
        let old = match rotation.is_lost {
            true => None,
            false => Some(before.signer()?.as_ref()),
        };
        let from = before.keys().last().ok_or(SigningError::Making)?;
        let succession = Succession {
            number,
            from,
            old,
            new: &new,
            at: rotation.now,
            heads,
        };
        let sealed = self
            .sealing
            .seal(seed.as_slice(), place(number, new.verifier()).as_bytes());
        let kept = heads.iter().map(|head| Head {
            origin: head.origin.clone(),
            size: head.size,
            root: HexHash(head.root),
        });
        let document = Document {
            note: succession.sign()?,
            heads: kept.collect(),
            seed: Some(hex::encode(sealed.map_err(|_| SigningError::Making)?)),
        };
        let created = Record {
            kind: RecordKind::Succession,
            id: format!("{number:06}"),
            parent: None,
            name: None,
            created: rotation.now,
            document: serde_json::to_string(&document).map_err(|_| SigningError::Making)?,
        };
        Ok((created, before.newest.clone().map(forgetting).transpose()?))
    }
}

/// The record without its key.
fn forgetting(before: Record) -> Result<Change, SigningError> {
    let mut document: Document =
        serde_json::from_str(&before.document).map_err(|_| SigningError::Unusable)?;
    document.seed = None;
    let document = serde_json::to_string(&document).map_err(|_| SigningError::Making)?;
    let after = Record {
        document,
        ..before.clone()
    };
    Ok(Change::Replace { before, after })
}
