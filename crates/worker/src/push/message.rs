//! What leaves: a record as it stands in its log, so that whoever gets it can hold it against the log.

use domain::UnixMillis;
use ledger::{AuditOutcome, AuditRecord, Entry};
use serde_json::Value;
use store::{StoreError, StoredAudit, StoredEntry};

/// What an entry of a ledger is told as.
const SPENT: &str = "budget.spent";

/// One record on its way to a sink.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) index: u64,
    /// The record's own.
    pub(crate) id: String,
    /// What happened: an act, or that something was spent.
    pub(crate) act: String,
    at: UnixMillis,
    is_grave: bool,
    /// What the record is called in what leaves.
    field: &'static str,
    bytes: String,
}

impl Message {
    /// Of an audit record.
    pub(crate) fn of(stored: StoredAudit) -> Result<Self, StoreError> {
        let index = stored.index;
        let damaged = |what: String| StoreError::Damaged(format!("audit record {index}: {what}"));
        let record = AuditRecord::from_bytes(&stored.bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(Self {
            index,
            id: record.id.to_string(),
            at: record.at,
            // Somebody was told no, or something is amiss.
            is_grave: record.threat.is_some() || matches!(record.outcome, AuditOutcome::Refused(_)),
            act: record.act.to_string(),
            field: "record",
            bytes: text(stored.bytes)?,
        })
    }

    /// Of an entry of a ledger.
    pub(crate) fn of_entry(stored: StoredEntry) -> Result<Self, StoreError> {
        let index = stored.index;
        let damaged = |what: String| StoreError::Damaged(format!("entry {index}: {what}"));
        let entry = Entry::from_bytes(&stored.bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(Self {
            index,
            id: entry.id.to_string(),
            at: entry.finished,
            is_grave: false,
            act: SPENT.to_owned(),
            field: "entry",
            bytes: text(stored.bytes)?,
        })
    }

    /// Its place in the log, and its canonical bytes as they are.
    pub(crate) fn data(&self) -> String {
        format!(r#"{{"index":{},"{}":{}}}"#, self.index, self.field, self.bytes)
    }

    /// The body of a webhook's request.
    pub(crate) fn body(&self) -> String {
        let act = Value::from(self.act.as_str());
        format!(
            r#"{{"type":{act},"timestamp":"{}","data":{}}}"#,
            self.time(),
            self.data()
        )
    }

    /// When it was, as RFC 3339 has it.
    pub(crate) fn time(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.at.0).unwrap_or_default();
        format!("{at:.3}")
    }

    /// Whether somebody was told no, or something is amiss.
    pub(crate) const fn is_grave(&self) -> bool {
        self.is_grave
    }
}

fn text(bytes: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(bytes).map_err(|_| StoreError::Damaged("not text".to_owned()))
}

/// Whether one of the patterns means the act.
pub(crate) fn is_meant(act: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => act.starts_with(beginning),
        None => act == pattern,
    })
}
