//! The removal of kept exchanges: what the audit record of one says. It is written before anything goes; an exchange that is
//! not there and that no such record speaks of was lost, or removed by somebody else.
//!
//! Removes nothing itself.

use domain::{AuditId, DataClass, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{AuditActor, AuditOutcome, AuditRecord};

/// What the act is called when somebody removes: a permission.
pub const PURGE: &str = "history.purge";
/// What the act is called when their days are over.
pub const EXPIRE: &str = "exchanges.expire";
/// The task of the gate that removes what is over.
pub const TASK: &str = "history retention";

/// All that began before a time goes; of what carries data of a class or of a graver one, where one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The time, in milliseconds since 1970.
    pub before_ms: UnixMillis,
    /// The least grave class of what goes; all goes when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
}

/// Why exchanges went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody had them removed.
    Purged,
    /// Their tenant's days were over.
    Expired,
}

/// That exchanges were removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The record that says so.
    pub record: AuditId,
    /// Why.
    pub why: Why,
    /// By whom.
    pub by: AuditActor,
    /// When.
    pub at: UnixMillis,
    /// All that began before this.
    pub before: UnixMillis,
    /// And carried data of this class or of a graver one.
    pub data_class: DataClass,
}

impl Removal {
    /// The record of the gate's own removal of what is over.
    pub fn expiry(
        whose: (AuditId, TenantId),
        at: UnixMillis,
        (class, before_ms): (DataClass, UnixMillis),
    ) -> AuditRecord {
        let before = Before {
            before_ms,
            // The least grave says nothing: everything goes.
            data_class: (class > DataClass::Public).then_some(class),
        };
        AuditRecord {
            target: Some(whose.1.to_string()),
            after: serde_json::to_value(before).ok(),
            ..AuditRecord::done(whose, at, AuditActor::Gate(TASK.to_owned()), EXPIRE)
        }
    }

    /// What a record says was removed, if it speaks of that: what was refused removed nothing, and only the gate says
    /// that days are over.
    // threat: ANP-0012
    pub fn told_by(record: &AuditRecord) -> Option<Self> {
        let is_task = matches!(&record.actor, AuditActor::Gate(task) if task == TASK);
        let why = match record.act.as_str() {
            PURGE => Why::Purged,
            EXPIRE if is_task => Why::Expired,
            _ => return None,
        };
        let told: Before = serde_json::from_value(record.after.clone()?).ok()?;
        (record.outcome == AuditOutcome::Done).then(|| Self {
            record: record.id,
            why,
            by: record.actor.clone(),
            at: record.at,
            before: told.before_ms,
            data_class: told.data_class.unwrap_or(DataClass::Public),
        })
    }

    /// Whether it is why the exchange of a call that began and ended then, and carried data of this class, is not there. What
    /// ended after it was not there to be removed.
    // threat: ANP-0012
    pub fn explains(&self, (started, finished): (UnixMillis, UnixMillis), class: DataClass) -> bool {
        started < self.before && finished <= self.at && class >= self.data_class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(started: i64, finished: i64) -> (UnixMillis, UnixMillis) {
        (UnixMillis(started), UnixMillis(finished))
    }

    #[test]
    fn anp_0012_a_removal_explains_what_was_there_and_began_before_and_nothing_else() {
        let whose = (AuditId::from_u128(1), TenantId::from_u128(2));
        let record = Removal::expiry(whose, UnixMillis(100), (DataClass::Public, UnixMillis(50)));
        let removal = Removal::told_by(&record).unwrap();
        assert_eq!(
            (removal.why, removal.at, removal.before),
            (Why::Expired, UnixMillis(100), UnixMillis(50))
        );
        let public = DataClass::Public;
        assert!(removal.explains(call(49, 100), public));
        assert!(!removal.explains(call(50, 60), public), "it began at the time");
        assert!(!removal.explains(call(49, 101), public), "it ended later");
        let graver = Removal::expiry(whose, UnixMillis(100), (DataClass::Confidential, UnixMillis(50)));
        let graver = Removal::told_by(&graver).unwrap();
        let explained = DataClass::ALL.map(|class| graver.explains(call(49, 100), class));
        assert_eq!(
            explained,
            [false, false, true, true],
            "no less grave call went by it"
        );
        let by_hand = AuditRecord {
            actor: AuditActor::User("usr_1".to_owned(), "ann".to_owned()),
            ..record.clone()
        };
        assert_eq!(
            Removal::told_by(&by_hand),
            None,
            "only the gate says that days are over"
        );
        let purge = AuditRecord {
            act: PURGE.to_owned(),
            ..by_hand
        };
        assert_eq!(Removal::told_by(&purge).unwrap().why, Why::Purged);
        let refused = AuditRecord {
            outcome: AuditOutcome::Refused("forbidden".to_owned()),
            ..purge.clone()
        };
        let vague = AuditRecord { after: None, ..purge };
        let other = AuditRecord {
            act: "history.update".to_owned(),
            ..record
        };
        for record in [refused, vague, other] {
            assert_eq!(Removal::told_by(&record), None, "{record:?}");
        }
    }
}
