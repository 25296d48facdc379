//! Entry logs: appended to and read.

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::usage::{UsageQuery, UsageReport};
use store::{EntriesKept, EntryLog, EntrySpan, LogKind, Shipment, StoreError, StoredEntry, must_own, row};

use crate::connection::{commit, fault};
use crate::{SqliteStore, budgets, entries, entries_removed, merkle, rollups};

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
        let log = merkle::log(&mut transaction, scope, LogKind::Ledger).await?;
        let shipments = entries_removed::without(&mut transaction, &log, shipments).await?;
        let new = entries::append(&mut transaction, &log, &shipments).await?;
        let charges = new.iter().flat_map(|shipment| &shipment.posting.charges);
        budgets::charge_all(&mut transaction, scope, node, charges).await?;
        rollups::add(&mut transaction, &log, &new).await?;
        merkle::save_size(&mut transaction, LogKind::Ledger, &log, new.len()).await?;
        commit(transaction).await?;
        Ok(new.len() as u64)
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let select = "SELECT idx, bytes FROM entries
                      WHERE log = (SELECT log FROM logs WHERE tenant = ?1) AND request = ?2
                      AND idx >= (SELECT removed FROM logs WHERE tenant = ?1)";
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
                      WHERE log = (SELECT log FROM logs WHERE tenant = ?1)
                      AND idx >= max(?2, (SELECT removed FROM logs WHERE tenant = ?1)) AND idx < ?3 ORDER BY idx";
        let rows = sqlx::query(select)
            .bind(scope.tenant().to_string())
            .bind(row::signed(from))
            .bind(row::signed(from.saturating_add(count)))
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        rows.iter().map(read_entry).collect()
    }

    async fn entries_finished(
        &self,
        scope: &TenantScope,
        span: &EntrySpan,
        after: Option<(UnixMillis, u64)>,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let select = "SELECT idx, bytes FROM entries
                      WHERE log = (SELECT log FROM logs WHERE tenant = ?1)
                      AND (finished, idx) > (?2, ?3) AND finished < ?4 AND idx < ?5
                      AND idx >= (SELECT removed FROM logs WHERE tenant = ?1) ORDER BY finished, idx LIMIT ?6";
        let (at, index) = row::behind(span.from, after);
        let rows = sqlx::query(select)
            .bind(scope.tenant().to_string())
            .bind(at)
            .bind(index)
            .bind(span.until.0)
            .bind(row::signed(span.size))
            .bind(row::signed(count))
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        rows.iter().map(read_entry).collect()
    }

    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<UsageReport, StoreError> {
        self.tally(scope, query).await
    }

    async fn roll_up(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.catch_up(scope).await
    }

    async fn entries_kept(&self, scope: &TenantScope) -> Result<EntriesKept, StoreError> {
        entries_removed::kept(&mut *self.reader().await?, scope).await
    }

    /// There is always room.
    async fn tend_entries(&self, _now: UnixMillis) -> Result<bool, StoreError> {
        entries_removed::sweep(self).await
    }
}

fn read_entry(row: &SqliteRow) -> Result<StoredEntry, StoreError> {
    let index = row::unsigned(row.try_get("idx").map_err(fault)?)?;
    Ok(StoredEntry {
        index,
        bytes: row.try_get("bytes").map_err(fault)?,
    })
}
