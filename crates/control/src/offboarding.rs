//! The end of a tenant. First its state changes, so that nothing of it works any more; then whatever opened a door
//! is removed, in batches; last its content key is destroyed, and what was done is certified. Each step is one
//! transaction with its audit record, and whoever comes next goes on where the last one stopped.
//!
//! The ledger and the audit log are never touched: they are kept, and stay verifiable.

mod batch;
mod certify;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, Permission, TenantId, TenantScope, UnixMillis};
use ledger::certificate::{CertificateError, Revoked};
use ledger::{AuditActor, AuditRecord};
use serde::{Deserialize, Serialize};
use store::{
    Change, Over, Record, RecordKind, Signing, SigningError, Store, StoreError, Tenant, TenantState,
    forget_all_exchanges,
};
use tokio::sync::watch;

use crate::content;
use crate::problem::Problem;
use crate::record::{Document, read};

/// The document's id: a tenant ends once.
const ID: &str = "offboarding";
/// How often unfinished endings are looked for.
const EVERY: Duration = Duration::from_secs(5);
/// How often the same step is tried while somebody else is at it.
const TRIES_MAX: u32 = 20;
/// How long it is waited for the key of the logs to be replaced.
const REPLACING_PAUSE: Duration = Duration::from_millis(100);
/// What the gate calls this in audit records.
const TASK: &str = "offboarding";

/// Why an ending did not get on. It can always be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum OffboardError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody asked for it, or the tenant is the platform's own.
    #[error("the tenant is not being offboarded")]
    NotBegun,
    /// A stored document does not read.
    #[error("a document of the tenant's does not read: {0}")]
    Damaged(String),
    /// The certificate cannot be signed.
    #[error("cannot certify it: {0}")]
    Certificate(#[from] CertificateError),
    /// It is not known which key signs.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl From<Problem> for OffboardError {
    fn from(problem: Problem) -> Self {
        Self::Damaged(problem.internal.unwrap_or(problem.detail))
    }
}

/// How far an ending has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When it was asked for.
    pub begun: UnixMillis,
    /// By whom.
    pub by: AuditActor,
    /// Why.
    pub reason: String,
    /// What has come to an end.
    pub revoked: Revoked,
    /// When all was done, and the audit record that says so.
    pub finished: Option<(UnixMillis, AuditId)>,
    /// The certificate, signed.
    pub certificate: Option<String>,
}

impl Document for Ending {
    const KIND: RecordKind = RecordKind::Offboarding;
    fn id(&self) -> String {
        ID.to_owned()
    }
    fn created(&self) -> UnixMillis {
        self.begun
    }
}

/// Ends tenants.
#[derive(Debug, Clone)]
pub struct Offboarding {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
}

/// One tenant's ending as it is stored, and the scope it is in.
struct Stage {
    scope: TenantScope,
    record: Record,
    ending: Ending,
}

impl Offboarding {
    /// For the tenants of this store; certificates are signed with the key of its logs.
    pub const fn new(store: Arc<dyn Store>, signing: Arc<Signing>) -> Self {
        Self { store, signing }
    }

    /// The first step, to be made together with the audit record of whoever asks: from then on the tenant's keys,
    /// people and sessions stop.
    // threat: ANP-0016
    pub fn opening(
        before: &Tenant,
        by: AuditActor,
        reason: &str,
        now: UnixMillis,
    ) -> Result<Vec<Change>, Problem> {
        let ending = Ending {
            begun: now,
            by,
            reason: reason.to_owned(),
            revoked: Revoked::default(),
            finished: None,
            certificate: None,
        };
        let (before, after) = turned(before, TenantState::Offboarding);
        Ok(vec![
            Change::ReplaceTenant { before, after },
            Change::Create(ending.to_record()?),
        ])
    }

    /// How far the tenant's ending has come, if it was ever asked for.
    pub async fn ending(&self, tenant: TenantId) -> Result<Option<Ending>, OffboardError> {
        match self.stage(TenantScope::operator(tenant)).await {
            Err(OffboardError::NotBegun) => Ok(None),
            found => Ok(Some(found?.ending)),
        }
    }

    /// What would come to an end.
    pub async fn plan(&self, tenant: TenantId) -> Result<Revoked, OffboardError> {
        let scope = TenantScope::operator(tenant);
        Ok(batch::gather(self.store.as_ref(), &scope, usize::MAX)
            .await?
            .revoked)
    }

    /// Goes on until all is done and certified. Several may do so at once: of each step one makes it.
    // threat: ANP-0016
    // threat: AGP-E1
    pub async fn go_on(&self, tenant: TenantId) -> Result<Ending, OffboardError> {
        if tenant == TenantId::PLATFORM {
            return Err(OffboardError::NotBegun);
        }
        let mut tries = 0;
        loop {
            match self.step(tenant, UnixMillis::now()).await {
                Ok(Some(ending)) => return Ok(ending),
                Ok(None) => tries = 0,
                Err(OffboardError::Store(StoreError::Conflict(_))) if tries < TRIES_MAX => tries += 1,
                // The key of the logs is being replaced.
                Err(OffboardError::Store(StoreError::Superseded)) if tries < TRIES_MAX => {
                    tries += 1;
                    tokio::time::sleep(REPLACING_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One step; the ending once there is none left.
    async fn step(&self, tenant: TenantId, now: UnixMillis) -> Result<Option<Ending>, OffboardError> {
        let stage = match self.stage(TenantScope::operator(tenant)).await {
            Err(OffboardError::NotBegun) => return self.begin_by_itself(tenant, now).await.map(|()| None),
            found => found?,
        };
        if stage.ending.certificate.is_some() {
            return Ok(Some(stage.ending));
        }
        if stage.ending.finished.is_some() {
            return self.certify(stage).await.map(|()| None);
        }
        let batch = batch::gather(self.store.as_ref(), &stage.scope, batch::CHANGES_MAX).await?;
        if batch.changes.is_empty() {
            return self.finish(stage, now).await.map(|()| None);
        }
        let mut after = stage.ending.clone();
        after.revoked.add(&batch.revoked);
        let told = serde_json::to_value(&batch.revoked).ok();
        let audit = AuditRecord {
            after: told,
            ..self.record(tenant, now)
        };
        self.write(&stage, &after, batch.changes, Some(audit))
            .await
            .map(|()| None)
    }

    /// A tenant that was turned to `offboarding` in the store, by hand: nobody asked for it that is known here.
    async fn begin_by_itself(&self, tenant: TenantId, now: UnixMillis) -> Result<(), OffboardError> {
        let tenant = self.tenant(tenant).await?;
        if !is_ending(tenant.state) {
            return Err(OffboardError::NotBegun);
        }
        let ending = Ending {
            begun: now,
            by: AuditActor::Gate(TASK.to_owned()),
            reason: String::new(),
            revoked: Revoked::default(),
            finished: None,
            certificate: None,
        };
        let scope = TenantScope::operator(tenant.id);
        let audit = self.record(tenant.id, now).into();
        let change = Change::Create(ending.to_record()?);
        Ok(self.store.commit(&scope, &[change], Some(&audit)).await?)
    }

    /// All is gone: says so, for good.
    async fn finish(&self, stage: Stage, now: UnixMillis) -> Result<(), OffboardError> {
        // Nobody can read them any more: the key they are sealed under is gone.
        forget_all_exchanges(self.store.as_ref(), &stage.scope, Over::all(UnixMillis(i64::MAX))).await?;
        let tenant = self.tenant(stage.scope.tenant()).await?;
        let (before, after) = turned(&tenant, TenantState::Offboarded);
        let audit = AuditRecord {
            before: Some(serde_json::json!({"state": before.state.as_str()})),
            after: Some(serde_json::json!({"state": after.state.as_str()})),
            ..self.record(tenant.id, now)
        };
        let mut ending = stage.ending.clone();
        ending.finished = Some((now, audit.id));
        let mut changes = Vec::new();
        if before != after {
            changes.push(Change::ReplaceTenant { before, after });
        }
        // A tenant that never had a content key shall not get one from a request that comes late.
        changes.extend(content::never(self.store.as_ref(), &stage.scope, now).await?);
        self.write(&stage, &ending, changes, Some(audit)).await
    }

    /// Signs what was done. It is no act of its own: what it says is in the audit log already.
    async fn certify(&self, stage: Stage) -> Result<(), OffboardError> {
        let tenant = self.tenant(stage.scope.tenant()).await?;
        let text = certify::certificate(self.store.as_ref(), &tenant, &stage.ending, &self.signing).await?;
        let mut ending = stage.ending.clone();
        ending.certificate = Some(text);
        self.write(&stage, &ending, Vec::new(), None).await
    }

    /// The changes, together with how far the ending has come: if it came further meanwhile, neither.
    async fn write(
        &self,
        stage: &Stage,
        after: &Ending,
        mut changes: Vec<Change>,
        audit: Option<AuditRecord>,
    ) -> Result<(), OffboardError> {
        changes.push(Change::Replace {
            before: stage.record.clone(),
            after: after.to_record()?,
        });
        let audit = audit.map(Into::into);
        let written = self.store.commit(&stage.scope, &changes, audit.as_ref()).await;
        // What was to be removed is gone: somebody else removed it. Look again.
        match written {
            Err(StoreError::NotFound) => Err(StoreError::Conflict("it is gone".to_owned()).into()),
            written => Ok(written?),
        }
    }

    fn record(&self, tenant: TenantId, now: UnixMillis) -> AuditRecord {
        let actor = AuditActor::Gate(TASK.to_owned());
        let act = Permission::TenantsOffboard.as_str();
        AuditRecord {
            target: Some(tenant.to_string()),
            ..AuditRecord::done((AuditId::generate(), tenant), now, actor, act)
        }
    }

    async fn stage(&self, scope: TenantScope) -> Result<Stage, OffboardError> {
        let record = match self.store.record(&scope, RecordKind::Offboarding, ID).await {
            Err(StoreError::NotFound) => return Err(OffboardError::NotBegun),
            found => found?,
        };
        let ending = read(&record)?;
        Ok(Stage {
            scope,
            record,
            ending,
        })
    }

    async fn tenant(&self, id: TenantId) -> Result<Tenant, OffboardError> {
        let tenants = self.store.load().await?.tenants;
        let found = tenants.into_iter().find(|tenant| tenant.id == id);
        Ok(found.ok_or(StoreError::NotFound)?)
    }

    /// Finishes what others began, until told to stop.
    // threat: ANP-0016
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (mut known, mut done) = (None, HashSet::new());
        loop {
            match self.finish_all(&mut known, &mut done).await {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "tenants that are being offboarded wait"),
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn finish_all(
        &self,
        known: &mut Option<u64>,
        done: &mut HashSet<TenantId>,
    ) -> Result<(), OffboardError> {
        if Some(self.store.revision().await?) == *known {
            return Ok(());
        }
        let directory = self.store.load().await?;
        let ending = directory.tenants.iter().filter(|tenant| is_ending(tenant.state));
        let mut trouble = None;
        for tenant in ending
            .filter(|tenant| !done.contains(&tenant.id))
            .collect::<Vec<_>>()
        {
            match self.go_on(tenant.id).await {
                Ok(_) => {
                    tracing::info!(tenant = %tenant.id, "a tenant's offboarding is finished and certified");
                    done.insert(tenant.id);
                }
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        if let Some(error) = trouble {
            return Err(error);
        }
        *known = Some(directory.revision);
        Ok(())
    }
}

/// Whether a tenant has ended or is about to: then nothing of it is changed any more.
pub const fn is_ending(state: TenantState) -> bool {
    matches!(state, TenantState::Offboarding | TenantState::Offboarded)
}

fn turned(tenant: &Tenant, state: TenantState) -> (Tenant, Tenant) {
    let after = Tenant {
        state,
        ..tenant.clone()
    };
    (tenant.clone(), after)
}
