//! Kept exchanges, opened, held against the ledger, and proved. Whoever asks here was permitted, and what they read was
//! recorded, before: nothing here decides that.

mod removed;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use credential::{SealError, SealingKey, purpose};
use domain::{DataClass, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::bundle::{Proof, prove_along, verify_proof};
use ledger::exchange::{self, Exchange, Exported};
use ledger::{Digest, Entry};
use store::{
    EntrySpan, ExchangeQuery, LogKind, Paths, SealedExchange, Signing, SigningError, Store, StoreError,
    StoredEntry, exchange_place,
};

use crate::content::{ContentError, ContentKeys};

pub use self::removed::{Reason, Removed};
use self::removed::{Removals, Worth};

/// Entries that are read at once.
const READ_AT_ONCE: u64 = 500;
/// How many ids of what is wrong a check names, of each kind.
const NAMED_MAX: usize = 100;

/// Whether a kept exchange is what the ledger says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is the very one.
    Original,
    /// Its entry is not in the ledger yet: ask again in a second.
    Unrecorded,
    /// It was changed, or is another's.
    Changed,
    /// It was removed, by somebody or because its days were over, and the audit log says so.
    Removed,
    /// The ledger says that it was kept, it is not there, and nothing says why.
    Missing,
}

/// One exchange.
#[derive(Debug, Clone)]
pub struct Opened {
    /// How it stands.
    pub standing: Standing,
    /// What is kept, where it opens.
    pub exchange: Option<Exchange>,
    /// What the ledger has of it.
    pub recorded: Option<Digest>,
    /// The ledger's entry, if it is there.
    pub entry: Option<StoredEntry>,
    /// By which removal it went, where it was removed.
    pub removed: Option<Removed>,
}

/// Why it cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no key to open it with.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It is not known which key signs.
    #[error("the ledger's keys cannot be had: {0}")]
    Signing(#[from] SigningError),
    /// The ledger does not read.
    #[error("the ledger does not bear out entry {0}")]
    Ledger(u64),
}

/// What a look at all of a time found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Looked {
    /// Exchanges that are what the ledger says.
    pub original: u64,
    /// Exchanges whose entries are not in the ledger yet, and those that went by a removal whose record no signed head covers
    /// yet.
    pub unrecorded: u64,
    /// Exchanges that were changed, or are of other calls, or of none that the ledger knows to be kept.
    pub changed: u64,
    /// Exchanges that were removed, as the audit log says.
    pub removed: u64,
    /// Exchanges of which the ledger says that they were kept, that are not there, and of which nothing says why.
    pub missing: u64,
    /// Calls of those that were changed; the first hundred.
    #[schemars(with = "Vec<String>")]
    pub changed_requests: Vec<RequestId>,
    /// Calls of those that are missing; the first hundred.
    #[schemars(with = "Vec<String>")]
    pub missing_requests: Vec<RequestId>,
    /// By which removals those that were removed went, the oldest first; the first hundred.
    pub removals: Vec<RemovedBy>,
}

/// How many went by a removal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RemovedBy {
    /// The removal.
    #[serde(flatten)]
    pub removed: Removed,
    /// How many of those looked for.
    pub exchanges: u64,
}

impl Looked {
    fn count(&mut self, id: RequestId, standing: Standing) {
        let (count, named) = match standing {
            Standing::Original => return self.original += 1,
            Standing::Unrecorded => return self.unrecorded += 1,
            Standing::Removed => return self.removed += 1,
            Standing::Changed => (&mut self.changed, &mut self.changed_requests),
            Standing::Missing => (&mut self.missing, &mut self.missing_requests),
        };
        *count += 1;
        if named.len() < NAMED_MAX {
            named.push(id);
        }
    }
}

/// A call whose exchange is not there: when it began and ended, and what it carried.
type Gone = (RequestId, (UnixMillis, UnixMillis), DataClass);

/// What a call carried whose exchange is not there: the gravest where it was not written down, as it is kept.
fn class_of(entry: &Entry) -> DataClass {
    entry.data_class.unwrap_or(DataClass::Restricted)
}

/// All tenants' kept exchanges.
pub struct Histories {
    store: Arc<dyn Store>,
    content: ContentKeys,
    signing: Arc<Signing>,
    paths: Paths,
}

impl fmt::Debug for Histories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histories").finish_non_exhaustive()
    }
}

impl Histories {
    /// Those of this store.
    pub fn new(store: Arc<dyn Store>, content: ContentKeys, signing: Arc<Signing>) -> Self {
        Self {
            paths: Paths::new(store.clone()),
            store,
            content,
            signing,
        }
    }

    /// One call's, opened. `NotFound` if nothing was kept of it.
    // threat: ANP-0012
    pub async fn open(
        &self,
        scope: &TenantScope,
        id: RequestId,
        now: UnixMillis,
    ) -> Result<Opened, HistoryError> {
        let kept = found(self.store.exchange(scope, id).await)?;
        let stored = found(self.store.entry(scope, id).await)?;
        let entry = stored.as_ref().map(read).transpose()?;
        if kept.is_none() && entry.as_ref().is_none_or(|entry| entry.exchange.is_none()) {
            return Err(StoreError::NotFound.into());
        }
        let key = self.key(scope.tenant(), now).await?;
        let (mut standing, exchange) = held(scope.tenant(), kept.as_ref(), entry.as_ref(), &key);
        let mut removed = None;
        if let (Standing::Missing, Some(entry)) = (standing, &entry) {
            let mut removals = Removals::since(self, scope, entry.started).await?;
            let found = removals
                .explain(self, scope, (entry.started, entry.finished), class_of(entry))
                .await?;
            standing = stands(found);
            let found = found.filter(|(_, worth)| *worth == Worth::Proved);
            removed = found
                .and_then(|(place, _)| removals.get(place))
                .map(Removed::from);
        }
        Ok(Opened {
            standing,
            exchange,
            recorded: entry.and_then(|entry| entry.exchange),
            entry: stored,
            removed,
        })
    }

    /// A line of an export; nothing of what is not the original.
    pub async fn exported(
        &self,
        scope: &TenantScope,
        id: RequestId,
        now: UnixMillis,
    ) -> Result<Option<Exported>, HistoryError> {
        let opened = self.open(scope, id, now).await?;
        let is_told = matches!(opened.standing, Standing::Original | Standing::Unrecorded);
        let Some(exchange) = opened.exchange.filter(|_| is_told) else {
            return Ok(None);
        };
        let proof = match &opened.entry {
            Some(stored) => self.prove(scope, stored).await?,
            None => None,
        };
        Ok(Some(Exported::new(exchange, proof)))
    }

    /// The proof that an entry is in the ledger; nothing while no signed head covers it.
    // threat: AGP-R1
    async fn prove(&self, scope: &TenantScope, stored: &StoredEntry) -> Result<Option<Proof>, HistoryError> {
        let head = self.store.log_checkpoint(scope, LogKind::Ledger).await?;
        let Some(head) = head.filter(|head| head.size > stored.index) else {
            return Ok(None);
        };
        let place = (stored.index, head.size);
        let path = self.paths.inclusion(scope, LogKind::Ledger, place).await?;
        let broken = || HistoryError::Ledger(stored.index);
        let mut proof = prove_along(&stored.bytes, place, path, &head.note).ok_or_else(broken)?;
        let keys = self.signing.now().await?;
        proof.successions = keys.handovers(&self.signing.origin(scope.tenant(), LogKind::Ledger));
        // A proof that does not hold is found here and not by whoever gets it.
        let newest = keys.keys().last().ok_or_else(broken)?;
        match verify_proof(&proof, newest) {
            Ok(_) => Ok(Some(proof)),
            Err(_) => {
                self.paths.forget(scope.tenant(), LogKind::Ledger);
                Err(broken())
            }
        }
    }

    /// Holds everything that began in a time against the ledger, both ways: at most `calls` entries and as many exchanges.
    /// `None` if there are more.
    // threat: ANP-0012
    pub async fn look(
        &self,
        scope: &TenantScope,
        (from, until): (UnixMillis, UnixMillis),
        calls: u64,
        now: UnixMillis,
    ) -> Result<Option<Looked>, HistoryError> {
        let key = self.key(scope.tenant(), now).await?;
        let (mut looked, mut gone) = (Looked::default(), Vec::new());
        let is_all = self
            .look_at_kept(scope, (from, until), (calls, &key), &mut looked)
            .await?
            && self
                .look_at_entries(scope, (from, until), (calls, &mut gone))
                .await?;
        self.explain(scope, from, &gone, &mut looked).await?;
        Ok(is_all.then_some(looked))
    }

    /// Counts what is not there by why.
    async fn explain(
        &self,
        scope: &TenantScope,
        from: UnixMillis,
        gone: &[Gone],
        looked: &mut Looked,
    ) -> Result<(), HistoryError> {
        if gone.is_empty() {
            return Ok(());
        }
        // Read after it was seen what is not there: what was removed meanwhile was recorded before.
        let mut removals = Removals::since(self, scope, from).await?;
        let mut by_removal = BTreeMap::<usize, u64>::new();
        for (id, time, class) in gone {
            let found = removals.explain(self, scope, *time, *class).await?;
            looked.count(*id, stands(found));
            if let Some((place, Worth::Proved)) = found {
                *by_removal.entry(place).or_default() += 1;
            }
        }
        let told = by_removal.into_iter().filter_map(|(place, exchanges)| {
            let removed = Removed::from(removals.get(place)?);
            Some(RemovedBy { removed, exchanges })
        });
        looked.removals = told.take(NAMED_MAX).collect();
        Ok(())
    }

    /// Every stored exchange, held against its entry; whether it was all.
    async fn look_at_kept(
        &self,
        scope: &TenantScope,
        (from, until): (UnixMillis, UnixMillis),
        (calls, key): (u64, &SealingKey),
        looked: &mut Looked,
    ) -> Result<bool, HistoryError> {
        let mut query = ExchangeQuery {
            from: Some(from),
            until: Some(until),
            count: READ_AT_ONCE,
            ..ExchangeQuery::default()
        };
        let mut seen = 0;
        loop {
            let page = self.store.exchanges(scope, &query).await?;
            let Some(last) = page.last() else {
                return Ok(true);
            };
            query.after = Some((last.started, last.id));
            seen += page.len() as u64;
            if seen > calls {
                return Ok(false);
            }
            for row in &page {
                let kept = found(self.store.exchange(scope, row.id).await)?;
                let stored = found(self.store.entry(scope, row.id).await)?;
                let entry = stored.as_ref().map(read).transpose()?;
                // Removed meanwhile: that is no loss.
                if kept.is_some() {
                    let (standing, _) = held(scope.tenant(), kept.as_ref(), entry.as_ref(), key);
                    looked.count(row.id, standing);
                }
            }
        }
    }

    /// Every entry that says that something was kept: those of what is not there any more. Whether it was all.
    async fn look_at_entries(
        &self,
        scope: &TenantScope,
        (from, until): (UnixMillis, UnixMillis),
        (calls, gone): (u64, &mut Vec<Gone>),
    ) -> Result<bool, HistoryError> {
        let size = self.store.log_size(scope, LogKind::Ledger).await?;
        // An entry's time is its end: what began in the time may have ended after it.
        let span = EntrySpan {
            from,
            until: UnixMillis(i64::MAX),
            size,
        };
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = self
                .store
                .entries_finished(scope, &span, after, READ_AT_ONCE)
                .await?;
            if page.is_empty() {
                return Ok(true);
            }
            for stored in &page {
                let entry = read(stored)?;
                after = Some((entry.finished, stored.index));
                let is_of_it = from <= entry.started && entry.started < until;
                if entry.exchange.is_none() || !is_of_it {
                    continue;
                }
                seen += 1;
                if found(self.store.exchange(scope, entry.id).await)?.is_none() {
                    gone.push((entry.id, (entry.started, entry.finished), class_of(&entry)));
                }
            }
            if seen > calls {
                return Ok(false);
            }
        }
    }

    async fn key(&self, tenant: TenantId, now: UnixMillis) -> Result<SealingKey, HistoryError> {
        let key = self.content.get(tenant, now).await?;
        let key = key.sealing_key(purpose::EXCHANGES);
        Ok(key.map_err(|error: SealError| ContentError::from(error))?)
    }
}

/// How what is not there stands, by what explains it.
fn stands(found: Option<(usize, Worth)>) -> Standing {
    match found {
        Some((_, Worth::Proved)) => Standing::Removed,
        Some((_, Worth::Unsigned)) => Standing::Unrecorded,
        Some((_, Worth::Nothing)) | None => Standing::Missing,
    }
}

fn found<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Err(StoreError::NotFound) => Ok(None),
        answer => answer.map(Some),
    }
}

fn read(stored: &StoredEntry) -> Result<Entry, HistoryError> {
    Entry::from_bytes(&stored.bytes).map_err(|_| HistoryError::Ledger(stored.index))
}

/// What is kept, opened and held against its entry.
// threat: ANP-0012
fn held(
    tenant: TenantId,
    kept: Option<&SealedExchange>,
    entry: Option<&Entry>,
    key: &SealingKey,
) -> (Standing, Option<Exchange>) {
    let Some(kept) = kept else {
        return (Standing::Missing, None);
    };
    let Some((exchange, digest)) = opened(tenant, kept, key) else {
        return (Standing::Changed, None);
    };
    let standing = match entry {
        None => Standing::Unrecorded,
        Some(entry) if entry.exchange == Some(digest) && exchange.must_be_of(entry).is_ok() => {
            Standing::Original
        }
        Some(_) => Standing::Changed,
    };
    (standing, Some(exchange))
}

/// The exchange in a row, if it is that row's.
fn opened(tenant: TenantId, kept: &SealedExchange, key: &SealingKey) -> Option<(Exchange, Digest)> {
    let bytes = key
        .open(&kept.sealed, &exchange_place(tenant, kept.row.id))
        .ok()?;
    let exchange = Exchange::from_bytes(&bytes).ok()?;
    // What lists and filters say of it must be what it says itself.
    let is_its_own = store::ExchangeRow::from(&exchange) == kept.row && exchange.tenant == tenant;
    is_its_own.then(|| (exchange, exchange::digest(&bytes)))
}
