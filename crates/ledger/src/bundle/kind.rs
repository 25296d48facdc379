//! Which of a tenant's two logs evidence is of, and what verifying needs of one line of either.

use domain::{Money, TenantId, UnixMillis};

use super::Fault;
use crate::retention::Removal;
use crate::{AuditRecord, Entry, EntryError};

/// Which of a tenant's two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ledger,
    Audit,
}

/// What verifying needs of an entry or record.
pub(super) struct Facts {
    pub(super) id: u128,
    pub(super) tenant: TenantId,
    pub(super) at: UnixMillis,
    pub(super) cost: Money,
    /// What it says was removed before it.
    pub(super) removal: Option<Removal>,
    /// What is wrong if another has its id.
    pub(super) doubled: Fault,
}

impl Kind {
    /// Reads the entry or record at `index`.
    pub(super) fn read(self, bytes: &[u8], index: u64) -> Result<Facts, EntryError> {
        match self {
            Self::Ledger => Entry::from_bytes(bytes).map(|entry| Facts {
                id: entry.id.as_u128(),
                tenant: entry.tenant,
                at: entry.finished,
                cost: entry.cost,
                removal: None,
                doubled: Fault::Doubled(entry.id),
            }),
            Self::Audit => AuditRecord::from_bytes(bytes).map(|record| Facts {
                id: record.id.as_u128(),
                tenant: record.tenant,
                at: record.at,
                cost: Money::ZERO,
                removal: Removal::told_by(&record, index),
                doubled: Fault::DoubledRecord(record.id),
            }),
        }
    }

    /// The log's name without what says that it is of this kind; a log of the other kind has none.
    // threat: ANP-0012
    pub(super) fn stem(self, origin: &str) -> Option<&str> {
        match self {
            Self::Ledger => Some(origin),
            Self::Audit => origin.strip_suffix("/audit"),
        }
    }
}
