//! Tenants, teams and keys as a data plane reads them.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{TenantId, TenantScope};
use sqlx::sqlite::SqliteRow;
use store::{Directory, DirectoryDump, Record, RecordKind, StoreError, row};

use crate::SqliteStore;
use crate::budgets::read_budget;
use crate::connection::{Connection, fault};
use crate::{keys, records, tenants};

#[async_trait]
impl Directory for SqliteStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        let revision = sqlx::query_scalar("SELECT revision FROM directory_revision");
        row::unsigned(revision.fetch_one(&self.readers).await.map_err(fault)?)
    }

    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        let mut moment = self.read().await?;
        let revision = sqlx::query_scalar("SELECT revision FROM directory_revision");
        let revision = row::unsigned(revision.fetch_one(&mut *moment).await.map_err(fault)?)?;
        let tenants = "SELECT tenant, name, limits, state, history FROM tenants ORDER BY tenant";
        let teams = "SELECT team, tenant, name, limits FROM teams ORDER BY team";
        let keys = "SELECT document FROM keys ORDER BY key";
        let budgets =
            "SELECT budget, tenant, name, limit_nanos, scope, period, terms FROM budgets ORDER BY budget";
        Ok(DirectoryDump {
            revision,
            tenants: all(&mut moment, tenants, tenants::read).await?,
            teams: all(&mut moment, teams, tenants::read_team).await?,
            keys: all(&mut moment, keys, keys::read).await?,
            budgets: all(&mut moment, budgets, read_budget).await?,
        })
    }

    async fn documents(&self, kind: RecordKind) -> Result<Vec<(TenantId, Record)>, StoreError> {
        records::answered_by(&mut *self.reader().await?, kind).await
    }

    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        let select = "SELECT mark FROM master_key";
        let kept = sqlx::query_scalar(select).fetch_optional(&self.readers);
        if let Some(kept) = kept.await.map_err(fault)? {
            return Ok(kept);
        }
        sqlx::query("INSERT INTO master_key (only_row, mark) VALUES (1, ?) ON CONFLICT DO NOTHING")
            .bind(mark)
            .execute(&self.writer)
            .await
            .map_err(fault)?;
        let kept = sqlx::query_scalar(select).fetch_one(&self.writer);
        kept.await.map_err(fault)
    }

    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        let rows = sqlx::query("SELECT document FROM keys WHERE tenant = ? ORDER BY created, key")
            .bind(scope.tenant().to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        rows.iter().map(keys::read).collect()
    }
}

async fn all<T>(
    connection: &mut Connection,
    select: &'static str,
    read: fn(&SqliteRow) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let rows = sqlx::query(select).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(read).collect()
}
