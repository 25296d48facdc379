//! The documents of how audit records are pushed: how far a log has come at a sink, and what was given up there. The
//! worker writes them, the control plane shows them.

use std::collections::BTreeMap;

use domain::{AuditId, Money, NodeId, TenantScope, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{LogKind, Record, RecordKind, RecordQuery, Store, StoreError};

/// How one log stands at one sink: a document of kind [`RecordKind::Delivery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The first record that has neither been taken nor given up.
    pub next: u64,
    /// Which node pushes.
    pub holder: NodeId,
    /// Until when no other does.
    pub until: UnixMillis,
    /// When it took something last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<UnixMillis>,
    /// What is the matter with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
    /// What was told lately, so that it is counted when it comes again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    /// What was said to be amiss and is not over yet, by what it is about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open: BTreeMap<String, Open>,
    /// How far what was given up is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
}

/// Since when a sink takes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The first time.
    pub since: UnixMillis,
    /// The last time.
    pub at: UnixMillis,
    /// Why, that time.
    pub why: String,
}

/// Something that was told, and how often it came again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What is the same each time.
    pub what: String,
    /// When it was told.
    pub since: UnixMillis,
    /// How often it came since.
    pub more: u64,
    /// The last record of it.
    pub last: u64,
}

/// Something that is amiss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// What it was called when it was said.
    pub key: String,
    /// Of a budget: the limit then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Money>,
}

/// How far what was given up is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The record that asked for it.
    pub asked: u64,
    /// The last dead letter that was tried.
    pub tried: Option<String>,
    /// Whether all were.
    pub done: bool,
}

/// An audit record that a sink did not take: a document of kind [`RecordKind::DeadLetter`], whose parent is the sink.
/// What the record says stays in the log, which keeps it as long as this is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its place in the log.
    pub index: u64,
    /// Its id.
    pub record: AuditId,
    /// What it tells of.
    pub act: String,
    /// When it was given up.
    pub at: UnixMillis,
    /// Why.
    pub why: String,
}

impl Standing {
    /// Reads a document.
    pub fn of(record: &Record) -> Result<Self, StoreError> {
        serde_json::from_str(&record.document).map_err(damaged)
    }

    /// As a document.
    pub fn document(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(damaged)
    }
}

impl DeadLetter {
    /// Its id at a sink; ids are in the order of the log.
    pub fn id(sink: &str, index: u64) -> String {
        format!("{sink}:{index:020}")
    }

    /// Reads a document.
    pub fn of(record: &Record) -> Result<Self, StoreError> {
        serde_json::from_str(&record.document).map_err(damaged)
    }

    /// As a document.
    pub fn to_record(&self, sink: &str) -> Result<Record, StoreError> {
        Ok(Record {
            kind: RecordKind::DeadLetter,
            id: Self::id(sink, self.index),
            parent: Some(sink.to_owned()),
            name: None,
            created: self.at,
            document: serde_json::to_string(self).map_err(damaged)?,
        })
    }
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// How a sink stands, over all logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records that it has not taken yet, those among them that it does not want too.
    pub waiting: u64,
    /// What was given up and not sent again.
    pub dead: u64,
    /// When it took something last.
    pub taken: Option<UnixMillis>,
    /// What is the matter with it: the longest trouble of any log.
    pub failing: Option<Failing>,
}

/// Letters that are read at once.
const READ_AT_ONCE: u64 = 500;

/// How a sink stands in these logs.
pub async fn summary(store: &dyn Store, logs: &[TenantScope], sink: &str) -> Result<Summary, StoreError> {
    let mut all = Summary::default();
    for scope in logs {
        let size = store.log_size(scope, LogKind::Audit).await?;
        let standing = match store.record(scope, RecordKind::Delivery, sink).await {
            Ok(record) => Some(Standing::of(&record)?),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let next = standing.as_ref().map_or(0, |standing| standing.next);
        all.waiting += size.saturating_sub(next.max(store.audits_kept_from(scope).await?));
        all.dead += dead_letters(store, scope, Some(sink)).await?.len() as u64;
        let Some(standing) = standing else {
            continue;
        };
        all.taken = all.taken.max(standing.taken);
        let is_longer = |new: &Failing| all.failing.as_ref().is_none_or(|known| new.since < known.since);
        if let Some(failing) = standing.failing.filter(is_longer) {
            all.failing = Some(failing);
        }
    }
    Ok(all)
}

/// What was given up of one log, by sink and place.
pub async fn dead_letters(
    store: &dyn Store,
    scope: &TenantScope,
    sink: Option<&str>,
) -> Result<Vec<(String, DeadLetter)>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let query = RecordQuery {
            kind: RecordKind::DeadLetter,
            parent: sink,
            after: after.as_deref(),
            count: READ_AT_ONCE,
        };
        let found = store.records(scope, &query).await?;
        let Some(last) = found.last() else {
            return Ok(all);
        };
        let next = Some(last.id.clone());
        for record in &found {
            all.push((record.parent.clone().unwrap_or_default(), DeadLetter::of(record)?));
        }
        after = next;
    }
}
