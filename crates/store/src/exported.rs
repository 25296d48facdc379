//! The documents of reports that were delivered by themselves, or were given up. The worker writes them, the control plane
//! and the command line show them.

use domain::{TenantScope, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{Record, RecordKind, RecordQuery, Store, StoreError};

/// Documents read at once.
const READ_AT_ONCE: u64 = 500;

/// What became of the report of one time: a document of kind [`RecordKind::Exported`], whose parent is the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Which schedule.
    pub schedule: String,
    /// What the time is called.
    pub name: String,
    /// It began.
    pub from: UnixMillis,
    /// It ended.
    pub until: UnixMillis,
    /// When it was delivered or given up.
    pub at: UnixMillis,
    /// Where it went: the destination's name.
    pub to: String,
    /// What was delivered; nothing if it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Delivered>,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A file that was delivered. Its manifest is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// What it is called there.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Its manifest's.
    pub manifest_sha256: String,
}

impl Exported {
    /// Its id; those of a schedule are in the order of their times.
    pub fn id(schedule: &str, from: UnixMillis) -> String {
        format!("{schedule}:{:020}", from.0.max(0))
    }

    /// Reads a document.
    pub fn of(record: &Record) -> Result<Self, StoreError> {
        serde_json::from_str(&record.document).map_err(damaged)
    }

    /// As a document.
    pub fn to_record(&self, created: UnixMillis) -> Result<Record, StoreError> {
        Ok(Record {
            kind: RecordKind::Exported,
            id: Self::id(&self.schedule, self.from),
            parent: Some(self.schedule.clone()),
            name: None,
            created,
            document: serde_json::to_string(self).map_err(damaged)?,
        })
    }
}

/// The name under which it is kept how far a schedule has come, as a document of kind [`RecordKind::Delivery`]: no sink can
/// have it.
pub fn kept_as(schedule: &str) -> String {
    format!("export {schedule}")
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// What was delivered or given up of one tenant's, by schedule and time.
pub async fn exported(
    store: &dyn Store,
    scope: &TenantScope,
    schedule: Option<&str>,
) -> Result<Vec<Exported>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let query = RecordQuery {
            kind: RecordKind::Exported,
            parent: schedule,
            after: after.as_deref(),
            count: READ_AT_ONCE,
        };
        let found = store.records(scope, &query).await?;
        let Some(last) = found.last() else {
            return Ok(all);
        };
        let next = Some(last.id.clone());
        for record in &found {
            all.push(Exported::of(record)?);
        }
        after = next;
    }
}
