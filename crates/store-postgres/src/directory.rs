//! Tenants, teams and keys as a data plane reads them.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{TenantId, TenantScope};
use sqlx::postgres::PgRow;
use store::{Directory, DirectoryDump, Record, RecordKind, StoreError, row};

use crate::PostgresStore;
use crate::budgets::read_budget;
use crate::connection::{Connection, commit, fault};
use crate::{keys, records, tenants};

#[async_trait]
impl Directory for PostgresStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        self.bounded(async { revision(&mut *self.as_node().await?).await })
            .await
    }

    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        self.bounded(self.load_all()).await
    }

    async fn documents(&self, kind: RecordKind) -> Result<Vec<(TenantId, Record)>, StoreError> {
        let found = async { records::answered_by(&mut *self.as_node().await?, kind).await };
        self.bounded(found).await
    }

    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        self.bounded(self.keep_mark(mark)).await
    }

    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        self.bounded(self.keys_of(scope)).await
    }
}

impl PostgresStore {
    async fn load_all(&self) -> Result<DirectoryDump, StoreError> {
        let mut moment = self.as_reading_node().await?;
        let tenants = "SELECT tenant, name, limits, state, history FROM bartizan.tenants ORDER BY tenant";
        let teams = "SELECT team, tenant, name, limits FROM bartizan.teams ORDER BY team";
        let keys = "SELECT document FROM bartizan.keys ORDER BY key";
        let budgets = "SELECT budget, tenant, name, limit_nanos, scope, period, terms FROM bartizan.budgets ORDER BY budget";
        Ok(DirectoryDump {
            revision: revision(&mut moment).await?,
            tenants: all(&mut moment, tenants, tenants::read).await?,
            teams: all(&mut moment, teams, tenants::read_team).await?,
            keys: all(&mut moment, keys, keys::read).await?,
            budgets: all(&mut moment, budgets, read_budget).await?,
        })
    }

    async fn keep_mark(&self, mark: &str) -> Result<String, StoreError> {
        let select = "SELECT mark FROM bartizan.master_key";
        let insert = "INSERT INTO bartizan.master_key (mark) VALUES ($1) ON CONFLICT DO NOTHING";
        let mut transaction = self.as_node().await?;
        let kept = sqlx::query_scalar(select).fetch_optional(&mut *transaction);
        if let Some(kept) = kept.await.map_err(fault)? {
            return Ok(kept);
        }
        let insert = sqlx::query(insert).bind(mark);
        insert.execute(&mut *transaction).await.map_err(fault)?;
        let kept = sqlx::query_scalar(select)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await?;
        Ok(kept)
    }

    async fn keys_of(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        let rows = sqlx::query("SELECT document FROM bartizan.keys WHERE tenant = $1 ORDER BY created, key")
            .bind(scope.tenant().to_string())
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        rows.iter().map(keys::read).collect()
    }
}

async fn revision(connection: &mut Connection) -> Result<u64, StoreError> {
    let revision = sqlx::query_scalar("SELECT revision FROM bartizan.directory_revision");
    row::unsigned(revision.fetch_one(connection).await.map_err(fault)?)
}

async fn all<T>(
    connection: &mut Connection,
    select: &'static str,
    read: fn(&PgRow) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let rows = sqlx::query(select).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(read).collect()
}
