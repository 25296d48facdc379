//! Entry logs and their checkpoints.

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::row::{self, EntryColumns};
use store::{EntryLog, Shipment, StoreError, StoredCheckpoint, StoredEntry, UsageQuery, UsageRow, must_own};

use crate::connection::{Connection, commit, fault};
use crate::{SqliteStore, budgets, usage};

#[async_trait]
impl EntryLog for SqliteStore {
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        for shipment in shipments {
            must_own(scope, shipment.posting.tenant)?;
        }
        let mut transaction = self.write().await?;
        let size = size(&mut transaction, scope).await?;
        let mut new: Vec<&Shipment> = Vec::with_capacity(shipments.len());
        for shipment in shipments {
            if insert(&mut transaction, scope, size + new.len() as u64, shipment).await? {
                new.push(shipment);
            }
        }
        let charges = new.iter().flat_map(|shipment| &shipment.posting.charges);
        budgets::charge_all(&mut transaction, scope, node, charges).await?;
        save_size(&mut transaction, scope, size + new.len() as u64).await?;
        commit(transaction).await?;
        Ok(new.len() as u64)
    }

    async fn size(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        size(&mut *self.read().await?, scope).await
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let row = sqlx::query("SELECT idx, bytes FROM entries WHERE tenant = ? AND request = ?")
            .bind(scope.tenant().to_string())
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(fault)?;
        read_entry(&row.ok_or(StoreError::NotFound)?)
    }

    async fn entries(
        &self,
        scope: &TenantScope,
        from: u64,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let rows =
            sqlx::query("SELECT idx, bytes FROM entries WHERE tenant = ? AND idx >= ? ORDER BY idx LIMIT ?")
                .bind(scope.tenant().to_string())
                .bind(row::signed(from))
                .bind(row::signed(count))
                .fetch_all(&self.readers)
                .await
                .map_err(fault)?;
        rows.iter().map(read_entry).collect()
    }

    async fn leaf_hashes(
        &self,
        scope: &TenantScope,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let rows =
            sqlx::query("SELECT leaf FROM entries WHERE tenant = ? AND idx >= ? AND idx < ? ORDER BY idx")
                .bind(scope.tenant().to_string())
                .bind(row::signed(from))
                .bind(row::signed(size))
                .fetch_all(&self.readers)
                .await
                .map_err(fault)?;
        if (rows.len() as u64) < size.saturating_sub(from) {
            return Err(StoreError::NotFound);
        }
        rows.iter()
            .map(|row| row::hash(row.try_get("leaf").map_err(fault)?))
            .collect()
    }

    async fn put_checkpoint(
        &self,
        scope: &TenantScope,
        checkpoint: &StoredCheckpoint,
    ) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        sqlx::query(
            "INSERT INTO checkpoints (tenant, size, signed, note) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(scope.tenant().to_string())
        .bind(row::signed(checkpoint.size))
        .bind(checkpoint.signed.0)
        .bind(&checkpoint.note)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        let note: String = sqlx::query_scalar("SELECT note FROM checkpoints WHERE tenant = ? AND size = ?")
            .bind(scope.tenant().to_string())
            .bind(row::signed(checkpoint.size))
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
        if note != checkpoint.note {
            return Err(StoreError::Conflict(format!(
                "another checkpoint of size {} exists",
                checkpoint.size
            )));
        }
        commit(transaction).await
    }

    async fn checkpoint(&self, scope: &TenantScope) -> Result<Option<StoredCheckpoint>, StoreError> {
        let newest = "SELECT size, signed, note FROM checkpoints WHERE tenant = ? ORDER BY size DESC LIMIT 1";
        let newest = sqlx::query(newest).bind(scope.tenant().to_string());
        newest
            .fetch_optional(&self.readers)
            .await
            .map_err(fault)?
            .as_ref()
            .map(read_checkpoint)
            .transpose()
    }

    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        usage::sums(&mut *self.read().await?, scope, query).await
    }
}

async fn size(connection: &mut Connection, scope: &TenantScope) -> Result<u64, StoreError> {
    let size = sqlx::query_scalar("SELECT size FROM logs WHERE tenant = ?").bind(scope.tenant().to_string());
    row::unsigned(size.fetch_optional(connection).await.map_err(fault)?.unwrap_or(0))
}

async fn save_size(connection: &mut Connection, scope: &TenantScope, size: u64) -> Result<(), StoreError> {
    let upsert = "INSERT INTO logs (tenant, size) VALUES (?, ?)
                  ON CONFLICT (tenant) DO UPDATE SET size = excluded.size";
    let upsert = sqlx::query(upsert)
        .bind(scope.tenant().to_string())
        .bind(row::signed(size));
    upsert.execute(connection).await.map_err(fault)?;
    Ok(())
}

/// Whether the entry was new.
async fn insert(
    connection: &mut Connection,
    scope: &TenantScope,
    index: u64,
    shipment: &Shipment,
) -> Result<bool, StoreError> {
    let insert = "INSERT INTO entries (tenant, idx, request, finished, key, team, model, outcome,
                                       prompt_tokens, output_tokens, cost_nanos, leaf, bytes)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (tenant, request) DO NOTHING";
    let columns = EntryColumns::of(shipment);
    let done = sqlx::query(insert)
        .bind(scope.tenant().to_string())
        .bind(row::signed(index))
        .bind(columns.request.to_string())
        .bind(columns.finished.0)
        .bind(columns.key.to_string())
        .bind(columns.team.to_string())
        .bind(columns.model)
        .bind(columns.outcome)
        .bind(row::signed(columns.prompt_tokens))
        .bind(row::signed(columns.output_tokens))
        .bind(columns.cost.nanos())
        .bind(columns.leaf.as_slice())
        .bind(&*shipment.bytes)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

fn read_entry(row: &SqliteRow) -> Result<StoredEntry, StoreError> {
    let index = row::unsigned(row.try_get("idx").map_err(fault)?)?;
    Ok(StoredEntry {
        index,
        bytes: row.try_get("bytes").map_err(fault)?,
    })
}

fn read_checkpoint(row: &SqliteRow) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: row::unsigned(row.try_get("size").map_err(fault)?)?,
        signed: UnixMillis(row.try_get("signed").map_err(fault)?),
        note: row.try_get("note").map_err(fault)?,
    })
}
