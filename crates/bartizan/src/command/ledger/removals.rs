//! What retention removed from a ledger: the proof that the tenant's audit log tells of it, and what to say of an entry that
//! is not there.

use std::sync::Arc;

use domain::TenantScope;
use ledger::AuditRecord;
use ledger::bundle::Proof;
use ledger::retention::{ENTRIES_ACT, EntriesRemoval};
use store::{AuditQuery, Signing};

use crate::command::audit::proof::of_record;
use crate::command::instance::Instance;
use crate::failure::{Failure, Hint};

/// Records that are looked through for one that tells of all that is gone: the newest does.
const LOOKED_AT: u64 = 10;

/// The proof of the newest record that tells of the entries before `below`. Nothing if there is none: whoever verifies what
/// is left without it finds that somebody else removed them.
// threat: AGP-T4
// threat: ANP-0012
pub(super) async fn told(
    instance: &Instance,
    signing: &Arc<Signing>,
    scope: &TenantScope,
    below: u64,
) -> Result<Option<Proof>, Failure> {
    let query = AuditQuery {
        act: Some(ENTRIES_ACT.to_owned()),
        count: LOOKED_AT,
        ..AuditQuery::default()
    };
    for stored in instance.store.audit(scope, &query).await? {
        let record = AuditRecord::from_bytes(&stored.bytes).ok();
        let told = record.as_ref().and_then(EntriesRemoval::told_by);
        if told.is_some_and(|told| told.below >= below) {
            return of_record(instance, signing, (scope, &stored)).await.map(Some);
        }
    }
    Ok(None)
}

/// An entry that is not there: taken away, or removed by retention just now.
pub(super) async fn missing(instance: &Instance, scope: &TenantScope, index: u64) -> Failure {
    match instance.store.entries_kept(scope).await {
        Ok(kept) if kept.from > index => {
            Failure::new("entries were removed by retention while the ledger was read")
                .hint("export it again")
        }
        _ => Failure::tampered(format!("entry {index} is missing from the ledger")),
    }
}
