//! The control plane's port: all changes and their audit record in one transaction, or nothing at all.

use async_trait::async_trait;
use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use store::{
    AuditEntry, AuditQuery, Change, Record, RecordKind, RecordQuery, Registry, SortedQuery, StoreError,
    StoredAudit, may_be_swept, must_own_all,
};

use crate::SqliteStore;
use crate::connection::{Connection, commit};
use crate::{audit, budgets, entries_removed, keys, log_keys, marks, records, tenants};

#[async_trait]
impl Registry for SqliteStore {
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        must_own_all(scope, changes, audits)?;
        let mut transaction = self.write().await?;
        for change in changes {
            apply(&mut transaction, scope, change).await?;
        }
        for audit in audits {
            audit::append(&mut transaction, scope, audit).await?;
        }
        commit(transaction).await
    }

    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError> {
        let found = records::by_id(&mut *self.reader().await?, scope, kind, id).await?;
        found.ok_or(StoreError::NotFound)
    }

    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError> {
        let found = records::by_name(&mut *self.reader().await?, scope, kind, name).await?;
        found.ok_or(StoreError::NotFound)
    }

    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError> {
        records::page(&mut *self.reader().await?, scope, query).await
    }

    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError> {
        records::sorted(&mut *self.reader().await?, scope, query).await
    }

    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError> {
        let found = records::bearer(&mut *self.reader().await?, kind, digest).await?;
        found.ok_or(StoreError::NotFound)
    }

    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError> {
        may_be_swept(kind)?;
        let mut transaction = self.write().await?;
        let swept = records::sweep(&mut transaction, kind, until).await?;
        commit(transaction).await?;
        Ok(swept)
    }

    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError> {
        audit::find(&mut *self.reader().await?, scope, query).await
    }

    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        audit::kept_from(&mut *self.reader().await?, scope).await
    }

    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        let found = audit::by_id(&mut *self.reader().await?, scope, id).await?;
        found.ok_or(StoreError::NotFound)
    }
}

/// Makes one change; [`must_own_all`] has said that it is the scope's to make.
async fn apply(connection: &mut Connection, scope: &TenantScope, change: &Change) -> Result<(), StoreError> {
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
            entries_removed::remove(connection, scope, (*from, *below), *until).await
        }
    }
}
