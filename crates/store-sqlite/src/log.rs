//! Entry logs and their checkpoints.

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::{
    EntryLog, Shipment, StoreError, StoredCheckpoint, StoredEntry, UsageQuery, UsageRow, must_own, row,
};

use crate::connection::{commit, fault};
use crate::{SqliteStore, budgets, entries, usage};

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
        let log = entries::log(&mut transaction, scope).await?;
        let new = entries::append(&mut transaction, &log, shipments).await?;
        let charges = new.iter().flat_map(|shipment| &shipment.posting.charges);
        budgets::charge_all(&mut transaction, scope, node, charges).await?;
        entries::save_size(&mut transaction, &log, new.len()).await?;
        commit(transaction).await?;
        Ok(new.len() as u64)
    }

    async fn size(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        let size = sqlx::query_scalar("SELECT size FROM logs WHERE tenant = ?");
        let size = size.bind(scope.tenant().to_string());
        row::unsigned(
            size.fetch_optional(&self.readers)
                .await
                .map_err(fault)?
                .unwrap_or(0),
        )
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let select = "SELECT idx, bytes FROM entries
                      WHERE log = (SELECT log FROM logs WHERE tenant = ?) AND request = ?";
        let row = sqlx::query(select)
            .bind(scope.tenant().to_string())
            .bind(id.as_bytes().as_slice())
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
        let select = "SELECT idx, bytes FROM entries
                      WHERE log = (SELECT log FROM logs WHERE tenant = ?) AND idx >= ? ORDER BY idx LIMIT ?";
        let rows = sqlx::query(select)
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
        let select = "SELECT leaf FROM entries WHERE log = (SELECT log FROM logs WHERE tenant = ?)
                      AND idx >= ? AND idx < ? ORDER BY idx";
        let rows = sqlx::query(select)
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
