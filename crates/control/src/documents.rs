//! Documents of a tenant's that calls are answered by, and every version of them: how it guards its calls, and where it lets
//! their content go. A version is written once and never changed; a copy of the newest stands beside them, one a tenant,
//! which every gate reads again when it changes. Decides nothing, and knows nothing of what is in them.

use domain::{TenantId, TenantScope, UnixMillis};
use ledger::AuditActor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, RecordQuery, Store, StoreError};

/// Versions read at once.
const PAGE: u64 = 500;
/// The id of the newest: there is one a tenant.
const NEWEST: &str = "newest";

/// A document of which every version is kept.
pub trait Versioned: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// What the newest is kept as.
    const NEWEST: RecordKind;
    /// What each version is kept as.
    const VERSION: RecordKind;
}

impl Versioned for guard::Profiles {
    const NEWEST: RecordKind = RecordKind::TenantGuards;
    const VERSION: RecordKind = RecordKind::TenantGuardsVersion;
}

impl Versioned for policy::Consents {
    const NEWEST: RecordKind = RecordKind::Consents;
    const VERSION: RecordKind = RecordKind::ConsentsVersion;
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// Which, from 1; numbers are never given twice.
    pub number: u64,
    /// When it was made.
    pub made: UnixMillis,
    /// Who made it.
    pub by: AuditActor,
    /// What it says.
    pub document: T,
}

/// A tenant's newest version, with the record as it must still be when there is another.
pub type Newest<T> = Option<(Record, Kept<T>)>;

fn read<T: DeserializeOwned>(record: &Record) -> Result<Kept<T>, StoreError> {
    serde_json::from_str(&record.document).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The tenant's newest.
pub async fn newest<T: Versioned>(store: &dyn Store, scope: &TenantScope) -> Result<Newest<T>, StoreError> {
    match store.record(scope, T::NEWEST, NEWEST).await {
        Ok(record) => {
            let kept = read(&record)?;
            Ok(Some((record, kept)))
        }
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One version of the tenant's. `NotFound` if there is none of that number.
pub async fn version<T: Versioned>(
    store: &dyn Store,
    scope: &TenantScope,
    number: u64,
) -> Result<Kept<T>, StoreError> {
    read(&store.record(scope, T::VERSION, &version_id(number)).await?)
}

/// Digits that sort as the numbers do.
fn version_id(number: u64) -> String {
    format!("{number:010}")
}

/// All versions of the tenant's, oldest first.
pub async fn history<T: Versioned>(
    store: &dyn Store,
    scope: &TenantScope,
) -> Result<Vec<Kept<T>>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let query = RecordQuery {
            kind: T::VERSION,
            parent: None,
            after: after.as_deref(),
            count: PAGE,
        };
        let page = store.records(scope, &query).await?;
        for record in &page {
            all.push(read(record)?);
        }
        match page.last() {
            Some(last) if page.len() as u64 == PAGE => after = Some(last.id.clone()),
            _ => return Ok(all),
        }
    }
}

/// Every tenant's newest; nothing of one that does not read, which says nothing of the others.
pub async fn in_force<T: Versioned>(
    store: &dyn Store,
) -> Result<Vec<(TenantId, Option<Kept<T>>)>, StoreError> {
    let all = store.documents(T::NEWEST).await?.into_iter();
    Ok(all.map(|(tenant, record)| (tenant, read(&record).ok())).collect())
}

/// The tenant's newest, for whoever puts another in its place. Where the copy that stands beside the versions does not read,
/// the last version speaks for it: so it can be mended.
pub async fn replaced<T: Versioned>(store: &dyn Store, scope: &TenantScope) -> Result<Newest<T>, StoreError> {
    match newest(store, scope).await {
        Err(StoreError::Damaged(_)) => {}
        found => return found,
    }
    let last = history(store, scope).await?.pop();
    let record = store.record(scope, T::NEWEST, NEWEST).await?;
    let lost = || StoreError::Damaged("there is no version of it".to_owned());
    Ok(Some((record, last.ok_or_else(lost)?)))
}

/// The next version, and what is changed when it is put in force. Whoever was first wins: the other's is a conflict.
pub fn next<T: Versioned>(
    before: Newest<T>,
    document: T,
    (by, now): (AuditActor, UnixMillis),
) -> Result<(Kept<T>, Vec<Change>), StoreError> {
    let number = before
        .as_ref()
        .map_or(0, |(_, kept)| kept.number)
        .saturating_add(1);
    let kept = Kept {
        number,
        made: now,
        by,
        document,
    };
    let document = serde_json::to_string(&kept).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let record = |kind: RecordKind, id: String| Record {
        kind,
        id,
        parent: None,
        name: None,
        created: now,
        document: document.clone(),
    };
    let after = record(T::NEWEST, NEWEST.to_owned());
    let changes = vec![
        Change::Create(record(T::VERSION, version_id(number))),
        match before {
            None => Change::Create(after),
            Some((before, _)) => Change::Replace { before, after },
        },
    ];
    Ok((kept, changes))
}
