//! What acts of the control plane are made of: documents and audit records.

use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord};

use super::fixtures::{Engine, MIDNIGHT};
use crate::{AuditEntry, AuditQuery, Record, RecordKind, RecordQuery};

pub(super) fn audit(tenant: TenantId, minute: i64, act: &str) -> AuditEntry {
    let actor = AuditActor::User("usr_1".to_owned(), "ann\u{0}ü".to_owned());
    let at = UnixMillis(MIDNIGHT.0 + minute * 60_000);
    AuditEntry::from(AuditRecord {
        target: Some("key_1".to_owned()),
        ..AuditRecord::done((AuditId::generate(), tenant), at, actor, act)
    })
}

pub(super) fn record(kind: RecordKind, id: &str, name: Option<&str>) -> Record {
    Record {
        kind,
        id: id.to_owned(),
        parent: None,
        name: name.map(str::to_owned),
        created: MIDNIGHT,
        document: format!("{{\"of\":\"{id}\"}}"),
    }
}

pub(super) fn user(id: &str, name: &str) -> Record {
    record(RecordKind::User, id, Some(name))
}

pub(super) fn all(kind: RecordKind) -> RecordQuery<'static> {
    RecordQuery {
        kind,
        parent: None,
        after: None,
        count: 100,
    }
}

pub(super) async fn audits(store: &Engine, scope: &TenantScope) -> Vec<String> {
    let query = AuditQuery {
        count: 100,
        ..AuditQuery::default()
    };
    let stored = store.audit(scope, &query).await.unwrap();
    let read = |bytes: &[u8]| AuditRecord::from_bytes(bytes).unwrap().act;
    stored.iter().map(|stored| read(&stored.bytes)).collect()
}
