//! Price sheets as they are stored, in the platform's scope: a tenant's own rows hold nothing that it is charged by.
//! Each version is written once and never changed; a copy of the newest stands beside them, one a tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{TenantId, TenantScope, UnixMillis};
use exports::Pricing;
use ledger::{Dated, Entry, Price, Sheet, split_version};
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, RecordQuery, Store, StoreError, Tenant};

use crate::record::Document;

/// Documents read at once.
const PAGE: u64 = 500;

/// One version of a tenant's sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    pub tenant: TenantId,
    /// Which version, from 1.
    pub number: u64,
    /// When it was made; it holds for calls that begin later, each line from its own day.
    pub made: UnixMillis,
    /// What it says.
    pub sheet: Sheet,
}

/// The newest, in force.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Newest(Kept);

/// A version as it was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Version(Kept);

impl Document for Newest {
    const KIND: RecordKind = RecordKind::PriceSheet;
    fn id(&self) -> String {
        self.0.tenant.to_string()
    }
    fn created(&self) -> UnixMillis {
        self.0.made
    }
}

impl Document for Version {
    const KIND: RecordKind = RecordKind::PriceSheetVersion;
    fn id(&self) -> String {
        version_id(self.0.tenant, self.0.number)
    }
    fn parent(&self) -> Option<String> {
        Some(self.0.tenant.to_string())
    }
    fn created(&self) -> UnixMillis {
        self.0.made
    }
}

/// Digits that sort as the numbers do.
fn version_id(tenant: TenantId, number: u64) -> String {
    format!("{tenant}/{number:010}")
}

fn scope() -> TenantScope {
    TenantScope::operator(TenantId::PLATFORM)
}

fn read(record: &Record) -> Result<Kept, StoreError> {
    serde_json::from_str(&record.document).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// A tenant's newest, with the record as it must still be when there is another.
pub async fn newest(
    store: &dyn Store,
    tenant: TenantId,
) -> Result<(Option<Record>, Option<Kept>), StoreError> {
    match store
        .record(&scope(), RecordKind::PriceSheet, &tenant.to_string())
        .await
    {
        Ok(record) => {
            let kept = read(&record)?;
            Ok((Some(record), Some(kept)))
        }
        Err(StoreError::NotFound) => Ok((None, None)),
        Err(error) => Err(error),
    }
}

/// One version. `NotFound` if there is none of that number.
pub async fn version(store: &dyn Store, tenant: TenantId, number: u64) -> Result<Kept, StoreError> {
    let id = version_id(tenant, number);
    read(&store.record(&scope(), RecordKind::PriceSheetVersion, &id).await?)
}

/// All versions of a tenant's, oldest first.
pub async fn history(store: &dyn Store, tenant: TenantId) -> Result<Vec<Kept>, StoreError> {
    all(store, RecordKind::PriceSheetVersion, Some(&tenant.to_string())).await
}

/// What a tenant is charged by each target, where `list` is what they cost by the list.
pub async fn charged(
    store: &dyn Store,
    tenant: TenantId,
    list: BTreeMap<String, Dated>,
) -> Result<BTreeMap<String, Dated>, StoreError> {
    let (_, Some(newest)) = newest(store, tenant).await? else {
        return Ok(list);
    };
    let laid = |(target, list): (String, Dated)| {
        let names = target.split_once('/');
        let own = names.map(|names| newest.sheet.laid_over(names, &list));
        (target, own.unwrap_or(list))
    };
    Ok(list.into_iter().map(laid).collect())
}

/// Every tenant's newest; nothing of one that does not read, which says nothing of the others. What does not even say whose it
/// is, is nobody's.
pub async fn in_force(store: &dyn Store) -> Result<Vec<(TenantId, Option<Kept>)>, StoreError> {
    let all = records(store, RecordKind::PriceSheet, None).await?.into_iter();
    let whose = |record: Record| {
        let tenant = record.id.parse().ok()?;
        let kept = read(&record).ok().filter(|kept| kept.tenant == tenant);
        Some((tenant, kept))
    };
    Ok(all.filter_map(whose).collect())
}

async fn all(store: &dyn Store, kind: RecordKind, parent: Option<&str>) -> Result<Vec<Kept>, StoreError> {
    records(store, kind, parent).await?.iter().map(read).collect()
}

async fn records(
    store: &dyn Store,
    kind: RecordKind,
    parent: Option<&str>,
) -> Result<Vec<Record>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let query = RecordQuery {
            kind,
            parent,
            after: after.as_deref(),
            count: PAGE,
        };
        let page = store.records(&scope(), &query).await?;
        after = match page.last() {
            Some(last) if page.len() as u64 == PAGE => Some(last.id.clone()),
            _ => None,
        };
        all.extend(page);
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// The next version, and what is changed when it is put in force: all in the platform's scope. The tenant is written as
/// it is, by which every gate hears of it.
// threat: AGP-R2
pub fn next(
    tenant: &Tenant,
    (before, newest): (Option<Record>, Option<&Kept>),
    sheet: Sheet,
    now: UnixMillis,
) -> Result<(Kept, Vec<Change>), StoreError> {
    let kept = Kept {
        tenant: tenant.id,
        number: newest.map_or(1, |newest| newest.number.saturating_add(1)),
        made: now,
        sheet,
    };
    let record = |document: Result<Record, _>| {
        document.map_err(|problem: crate::problem::Problem| StoreError::Damaged(problem.detail))
    };
    let after = record(Newest(kept.clone()).to_record())?;
    let newest = match before {
        None => Change::Create(after),
        Some(before) => Change::Replace { before, after },
    };
    let changes = vec![
        Change::Create(record(Version(kept.clone()).to_record())?),
        newest,
        Change::ReplaceTenant {
            before: tenant.clone(),
            after: tenant.clone(),
        },
    ];
    Ok((kept, changes))
}

/// Prices of a tenant's entries, also of those that a sheet was laid over.
pub struct Sheeted {
    list: Arc<dyn Pricing>,
    sheets: BTreeMap<u64, Sheet>,
}

impl Sheeted {
    /// With all versions that the tenant ever had.
    pub async fn of(store: &dyn Store, tenant: TenantId, list: Arc<dyn Pricing>) -> Result<Self, StoreError> {
        let all = history(store, tenant).await?.into_iter();
        Ok(Self {
            list,
            sheets: all.map(|kept| (kept.number, kept.sheet)).collect(),
        })
    }
}

impl Pricing for Sheeted {
    fn version(&self) -> &str {
        self.list.version()
    }

    fn listed(&self, target: &str) -> Dated {
        self.list.listed(target)
    }

    fn price(&self, entry: &Entry) -> Option<Price> {
        let (list, sheet) = split_version(&entry.price_version);
        let Some(sheet) = sheet else {
            return self.list.price(entry);
        };
        if list != self.version() {
            return None;
        }
        let target = entry.target.as_deref()?;
        let sheet = self.sheets.get(&sheet)?;
        let prices = sheet.laid_over(target.split_once('/')?, &self.listed(target));
        prices.at(entry.started).copied()
    }
}
