//! An audit record on its way out: the bytes that its log's root is over, and what people are told of it.

use ledger::{AuditOutcome, AuditRecord};
use store::{StoreError, StoredAudit};

use super::alert::{Alert, Around};

/// One record of a log.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its place.
    pub(crate) index: u64,
    pub(crate) record: AuditRecord,
    pub(crate) alert: Alert,
    /// Whose, as people call it.
    pub(crate) tenant: String,
    /// Whether it is asked for, and not only the end of what is.
    pub(crate) is_asked_for: bool,
    /// How often it came again since it was told.
    more: u64,
    bytes: String,
}

impl Message {
    pub(crate) fn of(stored: StoredAudit, around: Around<'_>) -> Result<Self, StoreError> {
        let damaged = |what: String| StoreError::Damaged(format!("audit record {}: {what}", stored.index));
        let record = AuditRecord::from_bytes(&stored.bytes).map_err(|error| damaged(error.to_string()))?;
        let bytes =
            String::from_utf8(stored.bytes).map_err(|_| StoreError::Damaged("not text".to_owned()))?;
        Ok(Self::of_record(stored.index, record, bytes, around))
    }

    pub(crate) fn of_record(index: u64, record: AuditRecord, bytes: String, around: Around<'_>) -> Self {
        Self {
            index,
            alert: Alert::of(&record, around),
            tenant: around.tenant.to_owned(),
            is_asked_for: true,
            more: around.more,
            record,
            bytes,
        }
    }

    /// Its place in the log, and its canonical bytes as they are.
    pub(crate) fn data(&self) -> String {
        let more = match self.more {
            0 => String::new(),
            more => format!(r#","more":{more}"#),
        };
        format!(r#"{{"index":{},"record":{}{more}}}"#, self.index, self.bytes)
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
