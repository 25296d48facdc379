//! Tenants, teams and keys. Triggers in the schema raise the revision: no write can forget to.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::TenantScope;
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::{Directory, DirectoryDump, StoreError, Team, Tenant, must_own, row};

use crate::PostgresStore;
use crate::budgets::read_budget;
use crate::connection::{Connection, commit, fault};

#[async_trait]
impl Directory for PostgresStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        self.bounded(async { revision(&mut *self.as_node().await?).await })
            .await
    }

    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        self.bounded(self.load_all()).await
    }

    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        self.bounded(self.keep_mark(mark)).await
    }

    async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.bounded(self.insert_tenant(tenant)).await
    }

    async fn create_team(&self, scope: &TenantScope, team: &Team) -> Result<(), StoreError> {
        must_own(scope, team.tenant)?;
        self.bounded(self.insert_team(scope, team)).await
    }

    async fn create_key(&self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        must_own(scope, key.tenant)?;
        self.bounded(self.insert_key(scope, key)).await
    }

    async fn replace_key(
        &self,
        scope: &TenantScope,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), StoreError> {
        must_own(scope, before.tenant)?;
        must_own(scope, after.tenant)?;
        self.bounded(self.swap_key(scope, before, after)).await
    }

    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        self.bounded(self.keys_of(scope)).await
    }
}

impl PostgresStore {
    async fn load_all(&self) -> Result<DirectoryDump, StoreError> {
        let mut moment = self.as_reading_node().await?;
        let tenants = "SELECT tenant, name, limits FROM bartizan.tenants ORDER BY tenant";
        let teams = "SELECT team, tenant, name, limits FROM bartizan.teams ORDER BY team";
        let keys = "SELECT document FROM bartizan.keys ORDER BY key";
        let budgets =
            "SELECT budget, tenant, name, limit_nanos, scope, period FROM bartizan.budgets ORDER BY budget";
        Ok(DirectoryDump {
            revision: revision(&mut moment).await?,
            tenants: all(&mut moment, tenants, read_tenant).await?,
            teams: all(&mut moment, teams, read_team).await?,
            keys: all(&mut moment, keys, read_key).await?,
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

    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let mut transaction = self.as_tenant(&TenantScope::operator(tenant.id)).await?;
        sqlx::query("INSERT INTO bartizan.tenants (tenant, name, limits) VALUES ($1, $2, $3)")
            .bind(tenant.id.to_string())
            .bind(&tenant.name)
            .bind(row::encode(&tenant.limits)?)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await
    }

    async fn insert_team(&self, scope: &TenantScope, team: &Team) -> Result<(), StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        sqlx::query("INSERT INTO bartizan.teams (team, tenant, name, limits) VALUES ($1, $2, $3, $4)")
            .bind(team.id.to_string())
            .bind(scope.tenant().to_string())
            .bind(&team.name)
            .bind(row::encode(&team.limits)?)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await
    }

    async fn insert_key(&self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        let insert = "INSERT INTO bartizan.keys (key, tenant, team, digest, state, created, document)
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let mut transaction = self.as_tenant(scope).await?;
        sqlx::query(insert)
            .bind(key.id.to_string())
            .bind(scope.tenant().to_string())
            .bind(key.team.to_string())
            .bind(key.digest.as_slice())
            .bind(row::encode(&key.state)?)
            .bind(key.created.0)
            .bind(row::encode(key)?)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await
    }

    async fn swap_key(
        &self,
        scope: &TenantScope,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        let stored = locked_key(&mut transaction, scope, before).await?;
        if after.id != before.id {
            return Err(StoreError::NotFound);
        }
        if stored != *before {
            return Err(StoreError::Conflict("the key changed meanwhile".to_owned()));
        }
        update_key(&mut transaction, scope, after).await?;
        commit(transaction).await
    }

    async fn keys_of(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        let rows = sqlx::query("SELECT document FROM bartizan.keys WHERE tenant = $1 ORDER BY created, key")
            .bind(scope.tenant().to_string())
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        rows.iter().map(read_key).collect()
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

async fn locked_key(
    connection: &mut Connection,
    scope: &TenantScope,
    key: &KeyRecord,
) -> Result<KeyRecord, StoreError> {
    let row = sqlx::query("SELECT document FROM bartizan.keys WHERE key = $1 AND tenant = $2 FOR UPDATE")
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
    let update = "UPDATE bartizan.keys SET team = $1, digest = $2, state = $3, created = $4, document = $5
                  WHERE key = $6 AND tenant = $7";
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

fn read_tenant(row: &PgRow) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row::id(row.try_get("tenant").map_err(fault)?)?,
        name: row.try_get("name").map_err(fault)?,
        limits: row::decode(row.try_get("limits").map_err(fault)?)?,
    })
}

fn read_team(row: &PgRow) -> Result<Team, StoreError> {
    Ok(Team {
        id: row::id(row.try_get("team").map_err(fault)?)?,
        tenant: row::id(row.try_get("tenant").map_err(fault)?)?,
        name: row.try_get("name").map_err(fault)?,
        limits: row::decode(row.try_get("limits").map_err(fault)?)?,
    })
}

fn read_key(row: &PgRow) -> Result<KeyRecord, StoreError> {
    row::decode(row.try_get("document").map_err(fault)?)
}
