//! The certificate of an ending: what was revoked, and how the tenant's two logs stand now.

use domain::TenantScope;
use ledger::bundle::{HexHash, audit_origin_of, origin_of};
use ledger::certificate::{Certificate, Head};
use ledger::merkle::Frontier;
use ledger::note::Signer;
use store::{LogKind, Store, StoreError, Tenant};

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
    signer: &Signer,
) -> Result<String, OffboardError> {
    let scope = TenantScope::operator(tenant.id);
    let gate = signer.verifier().name();
    let (finished, record) = ending.finished.ok_or(OffboardError::NotBegun)?;
    let certificate = Certificate {
        tenant: tenant.id,
        name: tenant.name.clone(),
        begun: ending.begun,
        finished,
        by: ending.by.clone(),
        reason: ending.reason.clone(),
        revoked: ending.revoked.clone(),
        ledger: head(store, &scope, LogKind::Ledger, origin_of(gate, tenant.id)).await?,
        audit: head(store, &scope, LogKind::Audit, audit_origin_of(gate, tenant.id)).await?,
        record,
    };
    Ok(certificate.sign(signer)?)
}

/// How a log stands, reckoned from its leaves.
async fn head(
    store: &dyn Store,
    scope: &TenantScope,
    log: LogKind,
    origin: String,
) -> Result<Head, StoreError> {
    let size = store.log_size(scope, log).await?;
    let mut frontier = Frontier::new();
    while frontier.size() < size {
        let (from, end) = (frontier.size(), size.min(frontier.size() + LEAVES_AT_ONCE));
        for leaf in store.log_leaves(scope, log, from, end).await? {
            frontier.push(leaf);
        }
        if frontier.size() < end {
            return Err(StoreError::Damaged(format!(
                "leaves of the {} are missing",
                log.as_str()
            )));
        }
    }
    Ok(Head {
        origin,
        size,
        root: HexHash(frontier.root()),
    })
}
