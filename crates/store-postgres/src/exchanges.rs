//! Kept exchanges: sealed rows. What is in them, nobody here knows.

use async_trait::async_trait;
use domain::{RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::{ExchangeQuery, ExchangeRow, Exchanges, Over, SealedExchange, StoreError, from_class, row};

use crate::PostgresStore;
use crate::connection::{Connection, commit, fault};

const KEEP: &str = "INSERT INTO bartizan.exchanges
    (tenant, id, started, key, model, kept, status, data_class, request_bytes, answer_bytes, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";

async fn keep(
    connection: &mut Connection,
    scope: &TenantScope,
    exchange: &SealedExchange,
) -> Result<u64, StoreError> {
    let known = &exchange.row;
    let done = sqlx::query(KEEP)
        .bind(scope.tenant().to_string())
        .bind(known.id.to_string())
        .bind(known.started.0)
        .bind(known.key.to_string())
        .bind(known.model.as_deref().map(row::text))
        .bind(known.kept.as_str())
        .bind(i32::from(known.status))
        .bind(known.data_class.as_str())
        .bind(row::signed(known.request_bytes))
        .bind(row::signed(known.answer_bytes))
        .bind(&exchange.sealed)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(done.rows_affected())
}

async fn find(
    connection: &mut Connection,
    scope: &TenantScope,
    id: RequestId,
) -> Result<SealedExchange, StoreError> {
    let select =
        "SELECT id, started, key, model, kept, status, data_class, request_bytes, answer_bytes, sealed
                  FROM bartizan.exchanges WHERE tenant = $1 AND id = $2";
    let found = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    let found = found.ok_or(StoreError::NotFound)?;
    Ok(SealedExchange {
        row: known(&found)?,
        sealed: found.try_get("sealed").map_err(fault)?,
    })
}

async fn list(
    connection: &mut Connection,
    scope: &TenantScope,
    query: &ExchangeQuery,
) -> Result<Vec<ExchangeRow>, StoreError> {
    let select = "SELECT id, started, key, model, kept, status, data_class, request_bytes, answer_bytes
                  FROM bartizan.exchanges
                  WHERE tenant = $1 AND started >= $2 AND started < $3 AND (started, id) < ($4, $5)
                    AND ($6::text IS NULL OR key = $6) AND ($7::text IS NULL OR model = $7)
                    AND ($9::text[] IS NULL OR data_class = ANY($9))
                  ORDER BY started DESC, id DESC LIMIT $8";
    let until = query.until.map_or(i64::MAX, |until| until.0);
    let after = query.after.map(|(started, id)| (started.0, id.to_string()));
    // Behind every id there is.
    let (after, id) = after.unwrap_or((i64::MAX, "~".to_owned()));
    let rows = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(query.from.map_or(i64::MIN, |from| from.0))
        .bind(until)
        .bind(after)
        .bind(id)
        .bind(query.key.map(|key| key.to_string()))
        .bind(query.model.as_deref().map(row::text))
        .bind(row::signed(query.count))
        .bind(query.data_class.map(|class| from_class(Some(class))))
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.iter().map(known).collect()
}

async fn forget(
    connection: &mut Connection,
    scope: &TenantScope,
    over: Over,
    count: u64,
) -> Result<u64, StoreError> {
    let delete = "DELETE FROM bartizan.exchanges WHERE tenant = $1 AND id IN
                  (SELECT id FROM bartizan.exchanges WHERE tenant = $1 AND started < $2 AND data_class = ANY($4)
                   ORDER BY started, id LIMIT $3)";
    let done = sqlx::query(delete)
        .bind(scope.tenant().to_string())
        .bind(over.before.0)
        .bind(row::signed(count))
        .bind(from_class(over.data_class))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(done.rows_affected())
}

fn known(found: &PgRow) -> Result<ExchangeRow, StoreError> {
    let kept: &str = found.try_get("kept").map_err(fault)?;
    let class: &str = found.try_get("data_class").map_err(fault)?;
    let status: i32 = found.try_get("status").map_err(fault)?;
    Ok(ExchangeRow {
        id: row::id(found.try_get("id").map_err(fault)?)?,
        started: UnixMillis(found.try_get("started").map_err(fault)?),
        key: row::id(found.try_get("key").map_err(fault)?)?,
        model: found.try_get("model").map_err(fault)?,
        kept: row::id(kept)?,
        status: u16::try_from(status).map_err(|error| row::damaged("a status", error))?,
        data_class: row::id(class)?,
        request_bytes: row::unsigned(found.try_get("request_bytes").map_err(fault)?)?,
        answer_bytes: row::unsigned(found.try_get("answer_bytes").map_err(fault)?)?,
    })
}

#[async_trait]
impl Exchanges for PostgresStore {
    async fn keep_exchanges(
        &self,
        scope: &TenantScope,
        exchanges: &[SealedExchange],
    ) -> Result<u64, StoreError> {
        let keeping = async {
            let mut transaction = self.as_tenant(scope).await?;
            let mut new = 0;
            for exchange in exchanges {
                new += keep(&mut transaction, scope, exchange).await?;
            }
            commit(transaction).await?;
            Ok(new)
        };
        self.bounded(keeping).await
    }

    async fn exchange(&self, scope: &TenantScope, id: RequestId) -> Result<SealedExchange, StoreError> {
        self.bounded(async { find(&mut *self.as_tenant(scope).await?, scope, id).await })
            .await
    }

    async fn exchanges(
        &self,
        scope: &TenantScope,
        query: &ExchangeQuery,
    ) -> Result<Vec<ExchangeRow>, StoreError> {
        self.bounded(async { list(&mut *self.as_tenant(scope).await?, scope, query).await })
            .await
    }

    async fn forget_exchanges(&self, scope: &TenantScope, over: Over, count: u64) -> Result<u64, StoreError> {
        let forgetting = async {
            let mut transaction = self.as_tenant(scope).await?;
            let gone = forget(&mut transaction, scope, over, count).await?;
            commit(transaction).await?;
            Ok(gone)
        };
        self.bounded(forgetting).await
    }
}
