//! Samples and prompt templates in the store: versions that are written once and never changed, and beside them what calls are
//! answered by, which every gate reads again when it changes. Each carries a mark that only an instance with the master key
//! can make, of the document, its place and its tenant: one that was changed, moved or put there by somebody else is known as
//! such. Decides nothing about what stands in them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use apps::{Sample, Shelf, Standing, Template};
use credential::{Pepper, same_digest};
use domain::{TenantId, TenantScope, UnixMillis};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Change, Record, RecordKind, RecordQuery, Store, StoreError};

use crate::documents::Kept;

/// Records read at once.
const PAGE: u64 = 500;

/// Makes marks, and knows them again. Clones share the key.
#[derive(Clone)]
pub struct Marks(Arc<Pepper>);

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[marks of samples and prompts]")
    }
}

/// A document with its mark.
#[derive(Serialize, Deserialize)]
struct Marked<'d> {
    mark: String,
    #[serde(borrow)]
    document: &'d RawValue,
}

/// Where a document stands.
type At<'a> = (TenantId, RecordKind, &'a str);

impl Marks {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Arc::new(Pepper::new(key)))
    }

    /// Nothing of a place can be taken for a part of the document: it has no line ends, and comes first.
    fn mark(&self, (tenant, kind, id): At<'_>, document: &str) -> [u8; 32] {
        let text = format!("{tenant}\n{}\n{id}\n{document}", kind.as_str());
        self.0.digest(text.as_bytes())
    }

    /// A record of this document.
    pub fn record<T: Serialize>(
        &self,
        at: At<'_>,
        (parent, created): (Option<&str>, UnixMillis),
        document: &T,
    ) -> Result<Record, StoreError> {
        let damaged = |error: serde_json::Error| StoreError::Damaged(error.to_string());
        let raw = serde_json::value::to_raw_value(document).map_err(damaged)?;
        let marked = Marked {
            mark: hex::encode(self.mark(at, raw.get())),
            document: &raw,
        };
        let (_, kind, id) = at;
        Ok(Record {
            kind,
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            name: None,
            created,
            document: serde_json::to_string(&marked).map_err(damaged)?,
        })
    }

    /// What a record says, if it is as it was written and stands where it was written.
    // threat: ANP-0011 ANP-0021
    pub fn read<T: DeserializeOwned>(&self, tenant: TenantId, record: &Record) -> Result<T, StoreError> {
        let changed =
            || StoreError::Damaged(format!("the {} is not as it was written", record.kind.as_str()));
        let marked: Marked<'_> = serde_json::from_str(&record.document).map_err(|_| changed())?;
        let mut mark = [0; 32];
        hex::decode_to_slice(&marked.mark, &mut mark).map_err(|_| changed())?;
        let raw = marked.document.get();
        if !same_digest(&mark, &self.mark((tenant, record.kind, &record.id), raw)) {
            return Err(changed());
        }
        serde_json::from_str(raw).map_err(|error| StoreError::Damaged(error.to_string()))
    }
}

/// How far each version of a prompt has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The number of the newest; numbers are never given twice.
    pub last: u64,
    /// By number.
    pub versions: BTreeMap<u64, Standing>,
}

impl Prompt {
    /// Numbers of the versions that calls may use.
    pub fn published(&self) -> impl Iterator<Item = u64> {
        let all = self.versions.iter();
        all.filter(|(_, standing)| standing.state() == apps::State::Published)
            .map(|(number, _)| *number)
    }
}

/// Published versions of a prompt, by number.
pub type InUse = BTreeMap<u64, Template>;

/// The id of a version: digits that sort as the numbers do.
pub fn version_id(name: &str, number: u64) -> String {
    format!("{name}@{number:010}")
}

/// A record that may not be there.
pub async fn found(
    store: &dyn Store,
    scope: &TenantScope,
    (kind, id): (RecordKind, &str),
) -> Result<Option<Record>, StoreError> {
    match store.record(scope, kind, id).await {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All records of a kind, in the order of their ids.
pub async fn all(
    store: &dyn Store,
    scope: &TenantScope,
    (kind, parent): (RecordKind, Option<&str>),
) -> Result<Vec<Record>, StoreError> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let after = all.last().map(|last| last.id.clone());
        let query = RecordQuery {
            kind,
            parent,
            after: after.as_deref(),
            count: PAGE,
        };
        let page = store.records(scope, &query).await?;
        let is_last = (page.len() as u64) < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The change from one record to another: made only if nobody else made one meanwhile.
pub fn put(before: Option<Record>, after: Record) -> Change {
    match before {
        Some(before) => Change::Replace { before, after },
        None => Change::Create(after),
    }
}

/// What calls of all tenants may take up. What is not as it was written is there, and is none.
// threat: ANP-0021 AGP-E1
pub async fn shelves(store: &dyn Store, marks: &Marks) -> Result<HashMap<TenantId, Shelf>, StoreError> {
    let mut all: HashMap<TenantId, Shelf> = HashMap::new();
    for (tenant, record) in store.documents(RecordKind::Sample).await? {
        let kept = marks.read::<Kept<Sample>>(tenant, &record).ok();
        if kept.as_ref().is_some_and(|kept| kept.document.is_gone()) {
            continue;
        }
        let kept = kept.map(|kept| (kept.number, kept.document.text));
        all.entry(tenant).or_default().samples.insert(record.id, kept);
    }
    for (tenant, record) in store.documents(RecordKind::PromptInUse).await? {
        let in_use = marks.read::<InUse>(tenant, &record).ok();
        all.entry(tenant).or_default().prompts.insert(record.id, in_use);
    }
    Ok(all)
}

/// What calls of one tenant may take up.
pub async fn shelf(store: &dyn Store, scope: &TenantScope, marks: &Marks) -> Result<Shelf, StoreError> {
    let mut shelf = Shelf::default();
    for record in all(store, scope, (RecordKind::Sample, None)).await? {
        let kept = marks.read::<Kept<Sample>>(scope.tenant(), &record).ok();
        if kept.as_ref().is_some_and(|kept| kept.document.is_gone()) {
            continue;
        }
        let kept = kept.map(|kept| (kept.number, kept.document.text));
        shelf.samples.insert(record.id, kept);
    }
    Ok(shelf)
}
