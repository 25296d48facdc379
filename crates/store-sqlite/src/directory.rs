//! Tenants, teams and keys. Triggers in the schema raise the revision: no write can forget to.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::TenantScope;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::{Directory, DirectoryDump, StoreError, Team, Tenant, must_own, row};

use crate::SqliteStore;
use crate::budgets::read_budget;
use crate::connection::{Connection, commit, fault};

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
        let tenants = "SELECT tenant, name, limits FROM tenants ORDER BY tenant";
        let teams = "SELECT team, tenant, name, limits FROM teams ORDER BY team";
        let keys = "SELECT document FROM keys ORDER BY key";
        let budgets = "SELECT budget, tenant, name, limit_nanos, scope, period FROM budgets ORDER BY budget";
        Ok(DirectoryDump {
            revision,
            tenants: all(&mut moment, tenants, read_tenant).await?,
            teams: all(&mut moment, teams, read_team).await?,
            keys: all(&mut moment, keys, read_key).await?,
            budgets: all(&mut moment, budgets, read_budget).await?,
        })
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

    async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO tenants (tenant, name, limits) VALUES (?, ?, ?)")
            .bind(tenant.id.to_string())
            .bind(&tenant.name)
            .bind(row::encode(&tenant.limits)?)
            .execute(&self.writer)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn create_team(&self, scope: &TenantScope, team: &Team) -> Result<(), StoreError> {
        must_own(scope, team.tenant)?;
        sqlx::query("INSERT INTO teams (team, tenant, name, limits) VALUES (?, ?, ?, ?)")
            .bind(team.id.to_string())
            .bind(scope.tenant().to_string())
            .bind(&team.name)
            .bind(row::encode(&team.limits)?)
            .execute(&self.writer)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn create_key(&self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        must_own(scope, key.tenant)?;
        let insert = "INSERT INTO keys (key, tenant, team, digest, state, created, document)
                      VALUES (?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(insert)
            .bind(key.id.to_string())
            .bind(scope.tenant().to_string())
            .bind(key.team.to_string())
            .bind(key.digest.as_slice())
            .bind(row::encode(&key.state)?)
            .bind(key.created.0)
            .bind(row::encode(key)?)
            .execute(&self.writer)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn replace_key(
        &self,
        scope: &TenantScope,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), StoreError> {
        must_own(scope, before.tenant)?;
        must_own(scope, after.tenant)?;
        let mut transaction = self.write().await?;
        let stored = stored_key(&mut transaction, scope, before).await?;
        if after.id != before.id {
            return Err(StoreError::NotFound);
        }
        if stored != *before {
            return Err(StoreError::Conflict("the key changed meanwhile".to_owned()));
        }
        update_key(&mut transaction, scope, after).await?;
        commit(transaction).await
    }

    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        let rows = sqlx::query("SELECT document FROM keys WHERE tenant = ? ORDER BY created, key")
            .bind(scope.tenant().to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        rows.iter().map(read_key).collect()
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

async fn stored_key(
    connection: &mut Connection,
    scope: &TenantScope,
    key: &KeyRecord,
) -> Result<KeyRecord, StoreError> {
    let row = sqlx::query("SELECT document FROM keys WHERE key = ? AND tenant = ?")
        .bind(key.id.to_string())
        .bind(scope.tenant().to_string())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    read_key(&row.ok_or(StoreError::NotFound)?)
}

async fn update_key(
    connection: &mut Connection,
    scope: &TenantScope,
    key: &KeyRecord,
) -> Result<(), StoreError> {
    let update = "UPDATE keys SET team = ?, digest = ?, state = ?, created = ?, document = ?
                  WHERE key = ? AND tenant = ?";
    sqlx::query(update)
        .bind(key.team.to_string())
        .bind(key.digest.as_slice())
        .bind(row::encode(&key.state)?)
        .bind(key.created.0)
        .bind(row::encode(key)?)
        .bind(key.id.to_string())
        .bind(scope.tenant().to_string())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

fn read_tenant(row: &SqliteRow) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row::id(row.try_get("tenant").map_err(fault)?)?,
        name: row.try_get("name").map_err(fault)?,
        limits: row::decode(row.try_get("limits").map_err(fault)?)?,
    })
}

fn read_team(row: &SqliteRow) -> Result<Team, StoreError> {
    Ok(Team {
        id: row::id(row.try_get("team").map_err(fault)?)?,
        tenant: row::id(row.try_get("tenant").map_err(fault)?)?,
        name: row.try_get("name").map_err(fault)?,
        limits: row::decode(row.try_get("limits").map_err(fault)?)?,
    })
}

fn read_key(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    row::decode(row.try_get("document").map_err(fault)?)
}
