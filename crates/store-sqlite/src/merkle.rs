//! What a tenant's ledger and audit log have in common: a number and a size, leaves, signed heads.

use std::cmp::Ordering;

use async_trait::async_trait;
use domain::{TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::{Hold, LogKind, MerkleLogs, StoreError, StoredCheckpoint, row};

use crate::SqliteStore;
use crate::connection::{Connection, commit, fault};
use crate::log_keys;

/// What is said about one kind of log.
struct Statements {
    find: &'static str,
    make: &'static str,
    grow: &'static str,
    size: &'static str,
    leaves: &'static str,
    keep: &'static str,
    kept: &'static str,
    newest: &'static str,
}

macro_rules! statements {
    ($logs:literal, $leaves:literal, $checkpoints:literal) => {
        Statements {
            find: concat!("SELECT log, size FROM ", $logs, " WHERE tenant = ?"),
            make: concat!("INSERT INTO ", $logs, " (tenant, size) VALUES (?, 0)"),
            grow: concat!("UPDATE ", $logs, " SET size = ? WHERE log = ?"),
            size: concat!("SELECT size FROM ", $logs, " WHERE tenant = ?"),
            leaves: $leaves,
            keep: concat!(
                "INSERT INTO ",
                $checkpoints,
                " (tenant, size, signed, note) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            ),
            kept: concat!(
                "SELECT note FROM ",
                $checkpoints,
                " WHERE tenant = ? AND size = ?"
            ),
            newest: concat!(
                "SELECT size, signed, note FROM ",
                $checkpoints,
                " WHERE tenant = ? ORDER BY size DESC LIMIT 1"
            ),
        }
    };
}

const fn statements(log: LogKind) -> &'static Statements {
    match log {
        LogKind::Ledger => &statements!(
            "logs",
            "SELECT leaf FROM
             (SELECT idx, leaf FROM entries_removed WHERE log = (SELECT log FROM logs WHERE tenant = ?1)
              AND idx >= ?2 AND idx < ?3
              UNION ALL
              SELECT idx, leaf FROM entries INDEXED BY entries_leaves
              WHERE log = (SELECT log FROM logs WHERE tenant = ?1)
              AND idx >= ?2 AND idx < ?3) ORDER BY idx",
            "checkpoints"
        ),
        LogKind::Audit => &statements!(
            "audit_logs",
            "SELECT leaf FROM
             (SELECT idx, leaf FROM audits_removed WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?1)
              AND idx >= ?2 AND idx < ?3
              UNION ALL
              SELECT idx, leaf FROM audits WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?1)
              AND idx >= ?2 AND idx < ?3) ORDER BY idx",
            "audit_checkpoints"
        ),
    }
}

/// A tenant's log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    /// Stands for the tenant in every row.
    pub(crate) number: i64,
    pub(crate) size: u64,
}

/// The tenant's log, made if there is none. Under the write lock, so nobody else grows it.
pub(crate) async fn log(
    connection: &mut Connection,
    scope: &TenantScope,
    log: LogKind,
) -> Result<Log, StoreError> {
    let (tenant, say) = (scope.tenant().to_string(), statements(log));
    let select = sqlx::query(say.find).bind(&tenant);
    if let Some(row) = select.fetch_optional(&mut *connection).await.map_err(fault)? {
        return Ok(Log {
            number: row.try_get("log").map_err(fault)?,
            size: row::unsigned(row.try_get("size").map_err(fault)?)?,
        });
    }
    let insert = sqlx::query(say.make).bind(&tenant);
    let done = insert.execute(connection).await.map_err(fault)?;
    Ok(Log {
        number: done.last_insert_rowid(),
        size: 0,
    })
}

/// Writes how many rows the log has, now that `new` more are there.
pub(crate) async fn save_size(
    connection: &mut Connection,
    kind: LogKind,
    log: &Log,
    new: usize,
) -> Result<(), StoreError> {
    sqlx::query(statements(kind).grow)
        .bind(row::signed(log.size + new as u64))
        .bind(log.number)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

#[async_trait]
impl MerkleLogs for SqliteStore {
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError> {
        let size = sqlx::query_scalar(statements(log).size).bind(scope.tenant().to_string());
        let size = size.fetch_optional(&self.readers).await.map_err(fault)?;
        row::unsigned(size.unwrap_or(0))
    }

    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let rows = sqlx::query(statements(log).leaves)
            .bind(scope.tenant().to_string())
            .bind(row::signed(from))
            .bind(row::signed(size))
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
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
        let mut transaction = self.write().await?;
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

    async fn log_epoch(&self) -> Result<u64, StoreError> {
        log_keys::epoch(&mut *self.reader().await?).await
    }

    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        log_keys::hold(&mut transaction, hold).await?;
        commit(transaction).await
    }

    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        let newest = sqlx::query(statements(log).newest).bind(scope.tenant().to_string());
        let newest = newest.fetch_optional(&self.readers).await.map_err(fault)?;
        newest.as_ref().map(read_checkpoint).transpose()
    }
}

fn read_checkpoint(row: &SqliteRow) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: row::unsigned(row.try_get("size").map_err(fault)?)?,
        signed: UnixMillis(row.try_get("signed").map_err(fault)?),
        note: row.try_get("note").map_err(fault)?,
    })
}
