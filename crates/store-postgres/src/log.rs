//! Entry logs: appended to and read.

use std::collections::HashSet;

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::row::{self, EntryColumns};
use store::usage::{UsageQuery, UsageReport};
use store::{EntryLog, EntrySpan, LogKind, Shipment, StoreError, StoredEntry, must_own};

use crate::connection::{Connection, commit, fault};
use crate::{PostgresStore, budgets, merkle, rollups};

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
        self.bounded(self.append_all(scope, node, shipments)).await
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let select = "SELECT idx, bytes FROM bartizan.entries WHERE tenant = $1 AND request = $2";
        let select = sqlx::query(select)
            .bind(scope.tenant().to_string())
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
            "SELECT idx, bytes FROM bartizan.entries WHERE tenant = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
        let select = sqlx::query(select).bind(scope.tenant().to_string());
        let select = select.bind(row::signed(from)).bind(row::signed(count));
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
                      AND finished < $4 AND idx < $5 ORDER BY finished, idx LIMIT $6";
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

    async fn append_all(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        let size = merkle::lock(&mut transaction, scope, LogKind::Ledger).await?;
        let new = unknown(&mut transaction, scope, shipments).await?;
        insert(&mut transaction, scope, size, &new).await?;
        let charges = new.iter().flat_map(|shipment| &shipment.posting.charges);
        budgets::charge_all(&mut transaction, scope, node, charges).await?;
        rollups::add(&mut transaction, scope, size, &new).await?;
        commit(transaction).await?;
        Ok(new.len() as u64)
    }
}

/// Those whose request is not in the log, each once, in order.
async fn unknown<'a>(
    connection: &mut Connection,
    scope: &TenantScope,
    shipments: &'a [Shipment],
) -> Result<Vec<&'a Shipment>, StoreError> {
    let requests: Vec<String> = shipments
        .iter()
        .map(|shipment| shipment.posting.request.to_string())
        .collect();
    let select = "SELECT request FROM bartizan.entries WHERE tenant = $1 AND request = ANY($2)";
    let known = sqlx::query_scalar(select)
        .bind(scope.tenant().to_string())
        .bind(&requests);
    let mut seen: HashSet<String> = known
        .fetch_all(connection)
        .await
        .map_err(fault)?
        .into_iter()
        .collect();
    let new = shipments
        .iter()
        .zip(requests)
        .filter(|(_, request)| seen.insert(request.clone()));
    Ok(new.map(|(shipment, _)| shipment).collect())
}

/// Writes the entries behind each other, all in one statement.
async fn insert(
    connection: &mut Connection,
    scope: &TenantScope,
    size: u64,
    new: &[&Shipment],
) -> Result<(), StoreError> {
    let insert = "INSERT INTO bartizan.entries (tenant, idx, request, finished, key, team, model, outcome,
                                                prompt_tokens, output_tokens, cost_nanos, leaf, bytes)
        SELECT $1, $2 + n - 1, request, finished, key, team, model, outcome,
               prompt_tokens, output_tokens, cost_nanos, leaf, bytes
        FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::bigint[], $10::bigint[], $11::bigint[], $12::bytea[], $13::bytea[]) WITH ORDINALITY
            AS new (request, finished, key, team, model, outcome,
                    prompt_tokens, output_tokens, cost_nanos, leaf, bytes, n)";
    let columns: Vec<EntryColumns> = new.iter().map(|shipment| EntryColumns::of(shipment)).collect();
    sqlx::query(insert)
        .bind(scope.tenant().to_string())
        .bind(row::signed(size))
        .bind(each(&columns, |entry| entry.request.to_string()))
        .bind(each(&columns, |entry| entry.finished.0))
        .bind(each(&columns, |entry| entry.key.to_string()))
        .bind(each(&columns, |entry| entry.team.to_string()))
        .bind(each(&columns, |entry| entry.model.clone()))
        .bind(each(&columns, |entry| entry.outcome))
        .bind(each(&columns, |entry| row::signed(entry.prompt_tokens)))
        .bind(each(&columns, |entry| row::signed(entry.output_tokens)))
        .bind(each(&columns, |entry| entry.cost.nanos()))
        .bind(each(&columns, |entry| entry.leaf.to_vec()))
        .bind(
            new.iter()
                .map(|shipment| shipment.bytes.to_vec())
                .collect::<Vec<_>>(),
        )
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let size = size + new.len() as u64;
    merkle::save_size(connection, scope, LogKind::Ledger, size).await
}

/// One column of all entries.
fn each<T>(columns: &[EntryColumns], value: impl Fn(&EntryColumns) -> T) -> Vec<T> {
    columns.iter().map(value).collect()
}

fn read_entry(row: &PgRow) -> Result<StoredEntry, StoreError> {
    let index = row::unsigned(row.try_get("idx").map_err(fault)?)?;
    Ok(StoredEntry {
        index,
        bytes: row.try_get("bytes").map_err(fault)?,
    })
}
