//! The certificate of an ending: what was revoked, and how the tenant's two logs stand now.

use domain::{TenantScope, UnixMillis};
use ledger::bundle::HexHash;
use ledger::certificate::{Certificate, Head};
use ledger::merkle::Frontier;
use store::{LogKind, Signing, SigningError, SigningNow, Store, StoreError, StoredCheckpoint, Tenant};

use super::{Ending, OffboardError};

/// Leaf hashes read at once.
const LEAVES_AT_ONCE: u64 = 4096;

/// The signed certificate of an ending that is finished.
// threat: ANP-0016
// threat: AGP-R3
pub async fn certificate(
    store: &dyn Store,
    tenant: &Tenant,
    ending: &Ending,
    signing: &Signing,
) -> Result<String, OffboardError> {
    let scope = TenantScope::operator(tenant.id);
    let keys = signing.now().await?;
    let of = |log: LogKind| (log, signing.origin(tenant.id, log));
    let (finished, record) = ending.finished.ok_or(OffboardError::NotBegun)?;
    let certificate = Certificate {
        tenant: tenant.id,
        name: tenant.name.clone(),
        begun: ending.begun,
        finished,
        by: ending.by.clone(),
        reason: ending.reason.clone(),
        revoked: ending.revoked.clone(),
        ledger: head(store, &scope, of(LogKind::Ledger), &keys).await?,
        audit: head(store, &scope, of(LogKind::Audit), &keys).await?,
        record,
    };
    Ok(certificate.sign(keys.signer()?)?)
}

/// How a log stands, reckoned from its leaves. Its head is kept, signed, before a certificate speaks of it: then the key
/// that signs both is not replaced between.
// threat: AGP-R1
async fn head(
    store: &dyn Store,
    scope: &TenantScope,
    (log, origin): (LogKind, String),
    keys: &SigningNow,
) -> Result<Head, OffboardError> {
    let size = store.log_size(scope, log).await?;
    let mut frontier = Frontier::new();
    while frontier.size() < size {
        let (from, end) = (frontier.size(), size.min(frontier.size() + LEAVES_AT_ONCE));
        for leaf in store.log_leaves(scope, log, from, end).await? {
            frontier.push(leaf);
        }
        if frontier.size() < end {
            let what = format!("leaves of the {} are missing", log.as_str());
            return Err(StoreError::Damaged(what).into());
        }
    }
    let head = Head {
        origin,
        size,
        root: HexHash(frontier.root()),
    };
    let note = keys
        .signer()?
        .sign(&head.as_known())
        .map_err(SigningError::Note)?;
    let signed = StoredCheckpoint {
        size,
        signed: UnixMillis::now(),
        note,
    };
    if size > 0 {
        match store.put_log_checkpoint(scope, log, &signed, keys.epoch).await {
            // The key before signed a head of this size: the checkpointer says whether it is the same.
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(head)
}
