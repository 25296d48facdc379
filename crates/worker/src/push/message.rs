//! What leaves: an audit record as it stands in the log, so that whoever gets it can hold it against the log.

use ledger::{AuditOutcome, AuditRecord};
use store::{StoreError, StoredAudit};

/// One record on its way to a sink.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) index: u64,
    pub(crate) record: AuditRecord,
    bytes: String,
}

impl Message {
    pub(crate) fn of(stored: StoredAudit) -> Result<Self, StoreError> {
        let damaged = |what: String| StoreError::Damaged(format!("audit record {}: {what}", stored.index));
        let record = AuditRecord::from_bytes(&stored.bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(Self {
            index: stored.index,
            record,
            bytes: String::from_utf8(stored.bytes).map_err(|_| StoreError::Damaged("not text".to_owned()))?,
        })
    }

    /// Its place in the log, and its canonical bytes as they are.
    pub(crate) fn data(&self) -> String {
        format!(r#"{{"index":{},"record":{}}}"#, self.index, self.bytes)
    }

    /// When the act was, as RFC 3339 has it.
    pub(crate) fn time(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.record.at.0).unwrap_or_default();
        format!("{at:.3}")
    }

    /// Whether somebody was told no, or something is amiss.
    pub(crate) const fn is_grave(&self) -> bool {
        self.record.threat.is_some() || matches!(self.record.outcome, AuditOutcome::Refused(_))
    }
}

/// Whether one of the patterns means the act.
pub(crate) fn is_meant(act: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => act.starts_with(beginning),
        None => act == pattern,
    })
}
