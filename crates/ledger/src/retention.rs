//! The removal of old audit records and entries: what the record of it says. What was removed leaves its hashes, from the beginning
//! of the log on; a hash without its record that no such record speaks of was removed by somebody else.
//!
//! Removes nothing itself: that is done in a store, together with the appending of this record.

use domain::{AuditId, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{AuditActor, AuditOutcome, AuditRecord};

/// What the act is called in audit records.
pub const ACT: &str = "audit.remove";
/// The task of the gate that does it.
pub const TASK: &str = "audit retention";

/// That the records up to a place were removed, by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// The first that went this time; those before it went earlier.
    pub from: u64,
    /// One past the last.
    pub below: u64,
    /// How many went this time.
    pub records: u64,
    /// The rule: how long records are kept, in milliseconds.
    pub keep_ms: u64,
}

impl Removal {
    /// Of these records, by this rule.
    pub const fn new(from: u64, below: u64, keep_ms: u64) -> Self {
        Self {
            from,
            below,
            records: below.saturating_sub(from),
            keep_ms,
        }
    }

    /// The record of it.
    pub fn record(&self, whose: (AuditId, TenantId), at: UnixMillis) -> AuditRecord {
        AuditRecord {
            after: serde_json::to_value(self).ok(),
            ..AuditRecord::done(whose, at, AuditActor::Gate(TASK.to_owned()), ACT)
        }
    }

    /// What the record at `index` says was removed, if it speaks of that. Only the gate removes, and nothing that
    /// comes after.
    // threat: AGP-R3
    // threat: ANP-0012
    pub fn told_by(record: &AuditRecord, index: u64) -> Option<Self> {
        let by_the_gate = matches!(&record.actor, AuditActor::Gate(task) if task == TASK);
        if record.act != ACT || record.outcome != AuditOutcome::Done || !by_the_gate {
            return None;
        }
        let told: Self = serde_json::from_value(record.after.clone()?).ok()?;
        let adds_up = told.from.checked_add(told.records) == Some(told.below);
        (adds_up && told.records > 0 && told.below <= index).then_some(told)
    }
}

/// What the act is called by which a ledger's entries go.
pub const ENTRIES_ACT: &str = "ledger.remove";
/// The task of the gate that does it.
pub const ENTRIES_TASK: &str = "ledger retention";

/// That the entries of a ledger up to a place were removed, by which rule: told in the audit log of the ledger's tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesRemoval {
    /// The first that went this time; those before it went earlier.
    pub from: u64,
    /// One past the last.
    pub below: u64,
    /// All of them ended before.
    pub until: UnixMillis,
    /// The rule: how long entries are kept, in milliseconds.
    pub keep_ms: u64,
}

impl EntriesRemoval {
    /// The record of it.
    pub fn record(&self, whose: (AuditId, TenantId), at: UnixMillis) -> AuditRecord {
        AuditRecord {
            after: serde_json::to_value(self).ok(),
            ..AuditRecord::done(whose, at, AuditActor::Gate(ENTRIES_TASK.to_owned()), ENTRIES_ACT)
        }
    }

    /// What the record says was removed, if it speaks of that. Only the gate removes.
    // threat: AGP-T4
    // threat: ANP-0012
    pub fn told_by(record: &AuditRecord) -> Option<Self> {
        let by_the_gate = matches!(&record.actor, AuditActor::Gate(task) if task == ENTRIES_TASK);
        if record.act != ENTRIES_ACT || record.outcome != AuditOutcome::Done || !by_the_gate {
            return None;
        }
        let told: Self = serde_json::from_value(record.after.clone()?).ok()?;
        (told.from < told.below).then_some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_r3_only_the_gate_tells_of_removals_and_only_of_what_was_before() {
        let whose = (AuditId::from_u128(1), TenantId::from_u128(2));
        let removal = Removal::new(3, 8, 1_000);
        let record = removal.record(whose, UnixMillis(9));
        assert_eq!(Removal::told_by(&record, 8), Some(removal));
        assert_eq!(Removal::told_by(&record, 7), None, "it would remove itself");
        let users = AuditRecord {
            actor: AuditActor::User("usr_1".to_owned(), TASK.to_owned()),
            ..record.clone()
        };
        let refused = AuditRecord {
            outcome: AuditOutcome::Refused("forbidden".to_owned()),
            ..record.clone()
        };
        let other = AuditRecord {
            act: "keys.create".to_owned(),
            ..record.clone()
        };
        let miscounted = AuditRecord {
            after: serde_json::to_value(Removal {
                records: 4,
                ..removal
            })
            .ok(),
            ..record
        };
        for record in [users, refused, other, miscounted] {
            assert_eq!(Removal::told_by(&record, 8), None, "{record:?}");
        }
    }
}
