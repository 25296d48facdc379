//! Entry logs: appended to and read.

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::row;
use store::usage::{UsageQuery, UsageReport};
use store::{EntriesKept, EntryLog, EntrySpan, Shipment, StoreError, StoredEntry, must_own};

use crate::connection::fault;
use crate::{PostgresStore, entries};

#[async_trait]
impl EntryLog for PostgresStore {
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        for shipment in shipments {
            must_own(scope, shipment.posting.tenant)?;
        }
        self.bounded(entries::append(self, scope, node, shipments)).await
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let select = "SELECT idx, bytes FROM bartizan.entries WHERE tenant = $1 AND request = $3
                      AND idx = (SELECT idx FROM bartizan.entry_leaves WHERE tenant = $1 AND mark = $2)
                      AND idx >= (SELECT removed FROM bartizan.logs WHERE tenant = $1)";
        let select = sqlx::query(select)
            .bind(scope.tenant().to_string())
            .bind(row::mark(id).to_vec())
            .bind(id.to_string());
        let rows = self.bounded(self.rows(scope, select)).await?;
        read_entry(rows.first().ok_or(StoreError::NotFound)?)
    }

    async fn entries(
        &self,
        scope: &TenantScope,
        from: u64,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let select =
            "SELECT idx, bytes FROM bartizan.entries WHERE tenant = $1
             AND idx >= greatest($2, (SELECT removed FROM bartizan.logs WHERE tenant = $1)) AND idx < $3 ORDER BY idx";
        let select = sqlx::query(select).bind(scope.tenant().to_string());
        let select = select
            .bind(row::signed(from))
            .bind(row::signed(from.saturating_add(count)));
        self.bounded(self.rows(scope, select))
            .await?
            .iter()
            .map(read_entry)
            .collect()
    }

    async fn entries_finished(
        &self,
        scope: &TenantScope,
        span: &EntrySpan,
        after: Option<(UnixMillis, u64)>,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let select =
            "SELECT idx, bytes FROM bartizan.entries WHERE tenant = $1 AND (finished, idx) > ($2, $3)
                      AND finished < $4 AND idx < $5
                      AND idx >= (SELECT removed FROM bartizan.logs WHERE tenant = $1) ORDER BY finished, idx LIMIT $6";
        let (at, index) = row::behind(span.from, after);
        let select = sqlx::query(select).bind(scope.tenant().to_string());
        let select = select.bind(at).bind(index).bind(span.until.0);
        let select = select.bind(row::signed(span.size)).bind(row::signed(count));
        self.bounded(self.rows(scope, select))
            .await?
            .iter()
            .map(read_entry)
            .collect()
    }

    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<UsageReport, StoreError> {
        self.bounded(self.tally(scope, query)).await
    }

    async fn roll_up(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.bounded(self.catch_up(scope)).await
    }

    async fn entries_kept(&self, scope: &TenantScope) -> Result<EntriesKept, StoreError> {
        self.bounded(entries::kept(self, scope)).await
    }

    async fn tend_entries(&self, now: UnixMillis) -> Result<bool, StoreError> {
        self.bounded(entries::tend(self, now)).await
    }
}

pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl PostgresStore {
    pub(crate) async fn rows(
        &self,
        scope: &TenantScope,
        select: Query<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        select.fetch_all(&mut *transaction).await.map_err(fault)
    }
}

fn read_entry(row: &PgRow) -> Result<StoredEntry, StoreError> {
    let index = row::unsigned(row.try_get("idx").map_err(fault)?)?;
    Ok(StoredEntry {
        index,
        bytes: row.try_get("bytes").map_err(fault)?,
    })
}
