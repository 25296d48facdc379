//! The sweep through all tenants' credentials: what is new is recorded in the tenant's audit log, once, counted and
//! logged. Several replicas may sweep: of each tenant's findings one tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord};
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, Store, StoreError};
use telemetry::Metrics;
use tokio::sync::watch;

use super::{Credentials, Finding, FindingsError, Patience};
use crate::record::{Document, read};

/// The document's id: a tenant has one.
const ID: &str = "findings";
/// What the act is called in audit records, and who does it.
const ACT: &str = "credentials.find";
const TASK: &str = "credential sweep";
/// New findings that one audit record names; more are told by the next sweep.
const TOLD_AT_ONCE: usize = 200;

/// What has been told of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    created: UnixMillis,
    /// When each was told first, by its mark.
    known: BTreeMap<String, UnixMillis>,
}

impl Document for Told {
    const KIND: RecordKind = RecordKind::Findings;
    fn id(&self) -> String {
        ID.to_owned()
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

/// Sweeps.
#[derive(Debug)]
pub struct CredentialSweeper {
    credentials: Credentials,
    every: Duration,
    metrics: Arc<Metrics>,
}

impl CredentialSweeper {
    /// One that looks through all tenants every so often.
    pub const fn new(
        store: Arc<dyn Store>,
        patience: Patience,
        every: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            credentials: Credentials::new(store, patience),
            every,
            metrics,
        }
    }

    /// Sweeps until told to stop.
    // threat: ANP-0016
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if let Err(error) = self.sweep(UnixMillis::now()).await {
                tracing::warn!(%error, "credentials could not be looked through");
            }
        }
    }

    /// Looks through all tenants. Returns how many findings there are.
    pub async fn sweep(&self, now: UnixMillis) -> Result<u64, FindingsError> {
        let directory = self.credentials.store.load().await?;
        let mut all = 0;
        let tenants = directory.tenants.iter().map(|tenant| tenant.id);
        for tenant in tenants.chain([TenantId::PLATFORM]) {
            let found = self.credentials.look(tenant, &directory, now).await?;
            all += found.len() as u64;
            match self.tell(tenant, &found, now).await {
                // Another replica told it.
                Err(FindingsError::Store(StoreError::Conflict(_))) => {}
                told => told?,
            }
        }
        let gauges = self.metrics.gauges();
        gauges
            .credential_findings
            .set(i64::try_from(all).unwrap_or(i64::MAX));
        Ok(all)
    }

    /// Records what is new, and forgets what is no more: should it come again, it is new again.
    async fn tell(&self, tenant: TenantId, found: &[Finding], now: UnixMillis) -> Result<(), FindingsError> {
        let scope = TenantScope::operator(tenant);
        let store = &self.credentials.store;
        let before: Option<Record> = match store.record(&scope, RecordKind::Findings, ID).await {
            Err(StoreError::NotFound) => None,
            found => Some(found?),
        };
        let told: Told = before.as_ref().map(read).transpose()?.unwrap_or_default();
        let is_new = |finding: &&Finding| !told.known.contains_key(&finding.mark());
        let new: Vec<&Finding> = found.iter().filter(is_new).take(TOLD_AT_ONCE).collect();
        let mut after = Told {
            created: if before.is_some() { told.created } else { now },
            known: BTreeMap::new(),
        };
        for finding in found {
            let mark = finding.mark();
            if let Some(first) = told.known.get(&mark) {
                after.known.insert(mark, *first);
            }
        }
        after
            .known
            .extend(new.iter().map(|finding| (finding.mark(), now)));
        if after.known == told.known {
            return Ok(());
        }
        let record = after.to_record()?;
        let change = match before {
            None => Change::Create(record),
            Some(before) => Change::Replace {
                before,
                after: record,
            },
        };
        let audit = (!new.is_empty()).then(|| {
            let whose = (AuditId::generate(), tenant);
            AuditRecord {
                after: serde_json::to_value(&new).ok(),
                ..AuditRecord::done(whose, now, AuditActor::Gate(TASK.to_owned()), ACT)
            }
            .into()
        });
        store.commit(&scope, &[change], audit.as_ref()).await?;
        if !new.is_empty() {
            let count = new.len() as u64;
            self.metrics.gauges().credential_findings_new.inc_by(count);
            tracing::warn!(%tenant, new = count, "credentials want looking after: see `credentials list`");
        }
        Ok(())
    }
}
