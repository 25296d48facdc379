//! Recovery: what was under way when the process died is billed at its bound, the journal is shipped, and only then are
//! the dead process's leases given back. In this order nothing is ever undercounted.

use std::time::Duration;

use domain::{Money, UnixMillis};
use journal::{OpenIntent, Record, Recovered};
use ledger::Intent;

use crate::{Shipper, WorkerError, blocking};

/// What recovery did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Calls that were under way and are now entries.
    pub interrupted: u64,
    /// Intents that could not be read and lie in quarantine.
    pub quarantined: u64,
    /// Leases given back.
    pub leases_closed: u64,
    /// What of them had not been spent.
    pub money_freed: Money,
}

/// Runs recovery; call it before this node takes its first lease. Fails if the store does not answer within `deadline`;
/// nothing is lost then, and it can be called again.
// threat: AGP-R1
// threat: AGP-BUDGET-3.2
// threat: ANP-0012
pub async fn recover(
    shipper: &Shipper,
    recovered: Recovered,
    now: UnixMillis,
    deadline: Duration,
) -> Result<Recovery, WorkerError> {
    let mut recovery = Recovery::default();
    for open in recovered.open_intents {
        close(shipper, open, now, &mut recovery).await?;
    }
    shipper.flush(deadline).await?;
    let leases = shipper.store().close_leases(shipper.node()).await?;
    recovery.leases_closed = leases.len() as u64;
    recovery.money_freed = leases
        .iter()
        .map(|lease| lease.amount.minus_floor_zero(lease.used))
        .sum();
    if recovery != Recovery::default() || recovered.torn_bytes > 0 {
        tracing::warn!(
            interrupted = recovery.interrupted,
            quarantined = recovery.quarantined,
            leases_closed = recovery.leases_closed,
            torn_bytes = recovered.torn_bytes,
            "recovered from a process that ended without warning"
        );
    }
    Ok(recovery)
}

async fn close(
    shipper: &Shipper,
    open: OpenIntent,
    now: UnixMillis,
    recovery: &mut Recovery,
) -> Result<(), WorkerError> {
    let id = open.id;
    match Intent::from_bytes(&open.bytes) {
        Ok(intent) => {
            let record = intent.interrupted(now).to_record();
            let journal = shipper.journal().clone();
            blocking(move || journal.append(Record::Entry { id, bytes: &record })).await?;
            recovery.interrupted += 1;
        }
        Err(error) => {
            let path = shipper.set_aside(format!("{id}.intent"), open.bytes).await?;
            tracing::error!(request = %id, file = %path.display(), %error, "intent set aside: a person must look");
            shipper.journal().append(Record::Void { id })?;
            recovery.quarantined += 1;
        }
    }
    Ok(())
}
