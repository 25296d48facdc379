//! The control plane's port: all changes and their audit record in one transaction, or nothing at all.

use async_trait::async_trait;
use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use store::{
    AuditEntry, AuditQuery, Change, LogKind, Record, RecordKind, RecordQuery, Registry, SortedQuery,
    StoreError, StoredAudit, Tenant, may_be_swept, must_own_all,
};

use crate::PostgresStore;
use crate::connection::{Connection, commit, fault, switch_tenant};
use crate::{audit, budgets, entries, keys, log_keys, marks, merkle, records, tenants};

/// Held while the directory is changed: `bartizan` in ASCII, and one more than what migrating holds.
const DIRECTORY_LOCK: i64 = 0x6261_7274_697a_616f;

#[async_trait]
impl Registry for PostgresStore {
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        must_own_all(scope, changes, audits)?;
        self.bounded(self.make_all(scope, changes, audits)).await
    }

    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError> {
        let found = async { records::by_id(&mut *self.as_tenant(scope).await?, scope, kind, id).await };
        self.bounded(found).await?.ok_or(StoreError::NotFound)
    }

    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError> {
        let found = async { records::by_name(&mut *self.as_tenant(scope).await?, scope, kind, name).await };
        self.bounded(found).await?.ok_or(StoreError::NotFound)
    }

    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError> {
        self.bounded(async { records::page(&mut *self.as_tenant(scope).await?, scope, query).await })
            .await
    }

    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError> {
        self.bounded(async { records::sorted(&mut *self.as_tenant(scope).await?, scope, query).await })
            .await
    }

    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError> {
        let found = async { records::bearer(&mut *self.as_node().await?, kind, digest).await };
        self.bounded(found).await?.ok_or(StoreError::NotFound)
    }

    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError> {
        may_be_swept(kind)?;
        self.bounded(async {
            let mut transaction = self.as_node().await?;
            let swept = records::sweep(&mut transaction, kind, until).await?;
            commit(transaction).await?;
            Ok(swept)
        })
        .await
    }

    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError> {
        self.bounded(async { audit::find(&mut *self.as_tenant(scope).await?, scope, query).await })
            .await
    }

    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.bounded(async { audit::kept_from(&mut *self.as_tenant(scope).await?, scope).await })
            .await
    }

    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        let found = async { audit::by_id(&mut *self.as_tenant(scope).await?, scope, id).await };
        self.bounded(found).await?.ok_or(StoreError::NotFound)
    }
}

impl PostgresStore {
    /// Everybody locks in this order, so that no two wait for each other: the audit log, the directory, rows.
    async fn make_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        let mut size = 0;
        if !audits.is_empty() {
            size = merkle::lock(&mut transaction, scope, LogKind::Audit).await?;
        }
        if changes.iter().any(Change::is_of_directory) {
            lock_directory(&mut transaction).await?;
        }
        for change in changes {
            apply(&mut transaction, scope, change).await?;
        }
        for (place, audit) in (size..).zip(audits) {
            audit::append(&mut transaction, scope, place, audit).await?;
        }
        commit(transaction).await
    }
}

/// All changes of the directory end up waiting for the row of its revision, with other rows already locked.
/// So they take turns from the start.
async fn lock_directory(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(DIRECTORY_LOCK)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Makes one change; [`must_own_all`] has said that it is the scope's to make. The platform has no rows of a
/// tenant's: to make or change one, the transaction is that tenant's for this one change.
// threat: AGP-E1
async fn apply(connection: &mut Connection, scope: &TenantScope, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::CreateTenant(Tenant { id, .. })
        | Change::ReplaceTenant {
            before: Tenant { id, .. },
            ..
        } if *id != scope.tenant() => {
            switch_tenant(connection, *id).await?;
            make(connection, scope, change).await?;
            switch_tenant(connection, scope.tenant()).await
        }
        _ => make(connection, scope, change).await,
    }
}

async fn make(connection: &mut Connection, scope: &TenantScope, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::CreateTenant(tenant) => tenants::create(connection, tenant).await,
        Change::ReplaceTenant { before, after } => tenants::replace(connection, before, after).await,
        Change::CreateTeam(team) => tenants::create_team(connection, team).await,
        Change::ReplaceTeam { before, after } => tenants::replace_team(connection, before, after).await,
        Change::CreateKey(key) => keys::create(connection, key).await,
        Change::ReplaceKey { before, after } => keys::replace(connection, before, after).await,
        Change::PutBudget(budget) => budgets::put(connection, budget).await,
        Change::ReplaceBudget { before, after } => budgets::replace(connection, before, after).await,
        Change::DeleteBudget(budget) => budgets::delete(connection, scope, *budget).await,
        Change::TellMarks {
            budget,
            window_start,
            before,
            after,
        } => marks::tell(connection, scope, (*budget, *window_start), (*before, *after)).await,
        Change::NextEpoch { epoch, by } => log_keys::next(connection, *epoch, by).await,
        Change::Create(record) => records::create(connection, scope, record).await,
        Change::Replace { before, after } => records::replace(connection, scope, before, after).await,
        Change::Remove(before) => records::remove(connection, scope, before).await,
        Change::RemoveAudits { from, below } => audit::remove(connection, scope, *from, *below).await,
        Change::RemoveEntries { from, below, until } => {
            entries::remove(connection, scope, (*from, *below), *until).await
        }
    }
}
