//! A key is taken out of use: an ordinary change, with its audit record, that every replica hears of.

use credential::{KeyRecord, KeyState, Suspension};
use domain::{AuditId, KeyId, TenantId, TenantScope, Threat, UnixMillis};
use habit::Signal;
use ledger::{AuditActor, AuditRecord};
use serde_json::json;
use store::{AuditEntry, Change, Store, StoreError};

/// The act that is recorded.
const ACT: &str = "keys.suspend";
/// How often somebody else may change the key first.
const TRIES_MAX: usize = 5;

/// Suspends the key. Whether there was anything to do: not if it is gone, revoked or suspended.
// threat: ANP-0001
// threat: AGP-R3
pub(super) async fn suspend(
    store: &dyn Store,
    (tenant, key): (TenantId, KeyId),
    signal: Signal,
) -> Result<bool, StoreError> {
    let scope = TenantScope::operator(tenant);
    for _ in 0..TRIES_MAX {
        let keys = store.keys(&scope).await?;
        let found = keys.into_iter().find(|found| found.id == key);
        let Some(before) = found.filter(|found| found.state == KeyState::Active) else {
            return Ok(false);
        };
        if before.suspended.is_some() {
            return Ok(false);
        }
        let now = UnixMillis::now();
        let after = before.suspend(Suspension {
            since: now,
            why: signal.as_str().to_owned(),
        });
        let entry = AuditEntry::from(record(&before, signal, now));
        let change = Change::ReplaceKey {
            before: Box::new(before),
            after: Box::new(after),
        };
        match store.commit(&scope, &[change], Some(&entry)).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict(_) | StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict("the key changes all the time".to_owned()))
}

fn record(key: &KeyRecord, signal: Signal, now: UnixMillis) -> AuditRecord {
    let actor = AuditActor::Gate(super::TASK.to_owned());
    AuditRecord {
        target: Some(key.id.to_string()),
        threat: Some(Threat::AgpS1),
        before: Some(json!({"state": "active"})),
        after: Some(json!({"state": "suspended", "why": signal.as_str()})),
        ..AuditRecord::done((AuditId::generate(), key.tenant), now, actor, ACT)
    }
}
