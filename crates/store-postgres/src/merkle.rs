//! What a tenant's ledger and audit log have in common: a size that is locked while the log grows, leaves,
//! signed heads.

use std::cmp::Ordering;

use async_trait::async_trait;
use domain::{TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::{Hold, LogKind, MerkleLogs, StoreError, StoredCheckpoint, row};

use crate::PostgresStore;
use crate::connection::{Connection, commit, fault};
use crate::log_keys;

/// What is said about one kind of log.
struct Statements {
    size: &'static str,
    lock: &'static str,
    make: &'static str,
    grow: &'static str,
    leaves: &'static str,
    keep: &'static str,
    kept: &'static str,
    newest: &'static str,
}

macro_rules! statements {
    ($logs:literal, $leaves:literal, $checkpoints:literal) => {
        Statements {
            size: concat!("SELECT size FROM bartizan.", $logs, " WHERE tenant = $1"),
            lock: concat!(
                "SELECT size FROM bartizan.",
                $logs,
                " WHERE tenant = $1 FOR UPDATE"
            ),
            make: concat!(
                "INSERT INTO bartizan.",
                $logs,
                " (tenant, size) VALUES ($1, 0) ON CONFLICT DO NOTHING"
            ),
            grow: concat!("UPDATE bartizan.", $logs, " SET size = $2 WHERE tenant = $1"),
            leaves: $leaves,
            keep: concat!(
                "INSERT INTO bartizan.",
                $checkpoints,
                " (tenant, size, signed, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
            ),
            kept: concat!(
                "SELECT note FROM bartizan.",
                $checkpoints,
                " WHERE tenant = $1 AND size = $2"
            ),
            newest: concat!(
                "SELECT size, signed, note FROM bartizan.",
                $checkpoints,
                " WHERE tenant = $1 ORDER BY size DESC LIMIT 1"
            ),
        }
    };
}

const fn statements(log: LogKind) -> &'static Statements {
    match log {
        LogKind::Ledger => &statements!(
            "logs",
            "SELECT leaf FROM bartizan.entry_leaves WHERE tenant = $1 AND idx >= $2 AND idx < $3 ORDER BY idx",
            "checkpoints"
        ),
        LogKind::Audit => &statements!(
            "audit_logs",
            "SELECT leaf FROM
             (SELECT idx, leaf FROM bartizan.audits_removed WHERE tenant = $1 AND idx >= $2 AND idx < $3
              UNION ALL
              SELECT idx, leaf FROM bartizan.audits WHERE tenant = $1 AND idx >= $2 AND idx < $3) AS both_kinds
             ORDER BY idx",
            "audit_checkpoints"
        ),
    }
}

/// Locks the log, so that those who append take turns and indices stay dense, and makes it first if there is
/// none. Returns its size.
pub(crate) async fn lock(
    connection: &mut Connection,
    scope: &TenantScope,
    log: LogKind,
) -> Result<u64, StoreError> {
    if let Some(size) = locked_size(connection, scope, log).await? {
        return Ok(size);
    }
    sqlx::query(statements(log).make)
        .bind(scope.tenant().to_string())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let size = locked_size(connection, scope, log).await?;
    size.ok_or(StoreError::NotFound)
}

async fn locked_size(
    connection: &mut Connection,
    scope: &TenantScope,
    log: LogKind,
) -> Result<Option<u64>, StoreError> {
    let size = sqlx::query_scalar(statements(log).lock).bind(scope.tenant().to_string());
    let size = size.fetch_optional(connection).await.map_err(fault)?;
    size.map(row::unsigned).transpose()
}

/// Writes how long a locked log is now.
pub(crate) async fn save_size(
    connection: &mut Connection,
    scope: &TenantScope,
    log: LogKind,
    size: u64,
) -> Result<(), StoreError> {
    sqlx::query(statements(log).grow)
        .bind(scope.tenant().to_string())
        .bind(row::signed(size))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

#[async_trait]
impl MerkleLogs for PostgresStore {
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError> {
        let select = sqlx::query(statements(log).size).bind(scope.tenant().to_string());
        match self.bounded(self.rows(scope, select)).await?.first() {
            Some(row) => row::unsigned(row.try_get("size").map_err(fault)?),
            None => Ok(0),
        }
    }

    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let select = sqlx::query(statements(log).leaves)
            .bind(scope.tenant().to_string())
            .bind(row::signed(from))
            .bind(row::signed(size));
        let rows = self.bounded(self.rows(scope, select)).await?;
        match (rows.len() as u64).cmp(&size.saturating_sub(from)) {
            Ordering::Less => return Err(StoreError::NotFound),
            Ordering::Equal => {}
            // Content beside the hash that was left of it.
            Ordering::Greater => return Err(row::damaged("a log", "a place holds two leaves")),
        }
        rows.iter()
            .map(|row| row::hash(row.try_get("leaf").map_err(fault)?))
            .collect()
    }

    async fn put_log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError> {
        self.bounded(self.keep_checkpoint(scope, log, checkpoint, epoch))
            .await
    }

    async fn log_epoch(&self) -> Result<u64, StoreError> {
        self.bounded(async { log_keys::epoch(&mut *self.as_node().await?).await })
            .await
    }

    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError> {
        self.bounded(async {
            let mut transaction = self.as_node().await?;
            log_keys::hold(&mut transaction, hold).await?;
            commit(transaction).await
        })
        .await
    }

    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        let select = sqlx::query(statements(log).newest).bind(scope.tenant().to_string());
        let rows = self.bounded(self.rows(scope, select)).await?;
        rows.first().map(read_checkpoint).transpose()
    }
}

impl PostgresStore {
    async fn keep_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        log_keys::must_sign(&mut transaction, epoch, checkpoint).await?;
        sqlx::query(statements(log).keep)
            .bind(scope.tenant().to_string())
            .bind(row::signed(checkpoint.size))
            .bind(checkpoint.signed.0)
            .bind(&checkpoint.note)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        let note: String = sqlx::query_scalar(statements(log).kept)
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
}

fn read_checkpoint(row: &PgRow) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: row::unsigned(row.try_get("size").map_err(fault)?)?,
        signed: UnixMillis(row.try_get("signed").map_err(fault)?),
        note: row.try_get("note").map_err(fault)?,
    })
}
