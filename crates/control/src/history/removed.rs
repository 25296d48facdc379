//! Removals of kept exchanges, as the tenant's audit log tells them: why an exchange is not there that the ledger says was
//! kept. A removal is believed once its record is proved to be under a signed head, and explains nothing before.

use std::collections::HashMap;

use domain::{DataClass, TenantScope, UnixMillis};
use ledger::AuditRecord;
use ledger::bundle::{prove_audit_along, verify_audit_proof};
use ledger::exchange::removal::{EXPIRE, PURGE, Removal, Why};
use store::{AuditQuery, LogKind, StoredAudit};

use super::{Histories, HistoryError, READ_AT_ONCE};
use crate::resource::audit::who;
use crate::resource::words::time;

/// Why exchanges are not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody had them removed.
    Purged,
    /// Their tenant's days were over.
    Expired,
}

/// A removal that explains why exchanges are not there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Removed {
    /// Why they went.
    pub reason: Reason,
    /// By whom.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// All that began before this went, RFC 3339.
    pub before: String,
    /// And carried data of this class or of a graver one, where not all went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_class: Option<&'static str>,
    /// The audit record that says so.
    pub record: String,
}

impl From<&Removal> for Removed {
    fn from(removal: &Removal) -> Self {
        Self {
            reason: match removal.why {
                Why::Purged => Reason::Purged,
                Why::Expired => Reason::Expired,
            },
            by: who(&removal.by),
            at: time(removal.at),
            before: time(removal.before),
            data_class: (removal.data_class > DataClass::Public).then(|| removal.data_class.as_str()),
            record: removal.record.to_string(),
        }
    }
}

/// What a record is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It is under a signed head.
    Proved,
    /// No signed head covers it yet.
    Unsigned,
    /// It is not what the audit log has.
    Nothing,
}

/// A tenant's removals of some time, each proved when it is first needed.
pub struct Removals {
    /// The oldest first.
    all: Vec<(StoredAudit, Removal)>,
    worth: HashMap<usize, Worth>,
}

impl Removals {
    /// All since a time: earlier ones removed nothing that began in it.
    pub async fn since(
        histories: &Histories,
        scope: &TenantScope,
        from: UnixMillis,
    ) -> Result<Self, HistoryError> {
        let mut all = Vec::new();
        for act in [PURGE, EXPIRE] {
            let mut query = AuditQuery {
                from: Some(from),
                act: Some(act.to_owned()),
                count: READ_AT_ONCE,
                ..AuditQuery::default()
            };
            loop {
                let page = histories.store.audit(scope, &query).await?;
                let Some(last) = page.last() else { break };
                query.before = Some(last.index);
                // What does not read says nothing.
                all.extend(page.into_iter().filter_map(|stored| {
                    let record = AuditRecord::from_bytes(&stored.bytes).ok()?;
                    let removal = Removal::told_by(&record).filter(|_| record.tenant == scope.tenant())?;
                    Some((stored, removal))
                }));
            }
        }
        all.sort_by_key(|(stored, removal)| (removal.at, stored.index));
        Ok(Self {
            all,
            worth: HashMap::new(),
        })
    }

    /// The first removal that explains why this call's exchange is not there, and what its record is worth; its place among
    /// all of them names it.
    // threat: ANP-0012
    pub async fn explain(
        &mut self,
        histories: &Histories,
        scope: &TenantScope,
        (started, finished): (UnixMillis, UnixMillis),
        class: DataClass,
    ) -> Result<Option<(usize, Worth)>, HistoryError> {
        let begin = self.all.partition_point(|(_, removal)| removal.at < finished);
        let mut unsigned = None;
        for (place, (stored, removal)) in self.all.iter().enumerate().skip(begin) {
            if !removal.explains((started, finished), class) {
                continue;
            }
            let worth = match self.worth.get(&place) {
                Some(worth) => *worth,
                None => histories.worth(scope, stored).await?,
            };
            self.worth.insert(place, worth);
            match worth {
                Worth::Proved => return Ok(Some((place, worth))),
                Worth::Unsigned => unsigned = unsigned.or(Some((place, worth))),
                Worth::Nothing => {}
            }
        }
        Ok(unsigned)
    }

    /// The removal at a place.
    pub fn get(&self, place: usize) -> Option<&Removal> {
        self.all.get(place).map(|(_, removal)| removal)
    }
}

impl Histories {
    /// What an audit record is worth: whether it stands where it says under the newest signed head.
    // threat: ANP-0012
    // threat: AGP-R3
    async fn worth(&self, scope: &TenantScope, stored: &StoredAudit) -> Result<Worth, HistoryError> {
        let head = self.store.log_checkpoint(scope, LogKind::Audit).await?;
        let Some(head) = head.filter(|head| head.size > stored.index) else {
            return Ok(Worth::Unsigned);
        };
        let place = (stored.index, head.size);
        let path = self.paths.inclusion(scope, LogKind::Audit, place).await?;
        let keys = self.signing.now().await?;
        let proof = prove_audit_along(&stored.bytes, place, path, &head.note);
        let holds = proof.zip(keys.keys().last()).is_some_and(|(mut proof, newest)| {
            proof.successions = keys.handovers(&self.signing.origin(scope.tenant(), LogKind::Audit));
            verify_audit_proof(&proof, newest).is_ok()
        });
        if !holds {
            self.paths.forget(scope.tenant(), LogKind::Audit);
        }
        Ok(if holds { Worth::Proved } else { Worth::Nothing })
    }
}
