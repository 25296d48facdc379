//! Audit records: appended with the changes they are of, found by what they say.

use domain::{AuditId, TenantScope};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::row::{self, AuditColumns};
use store::{AuditEntry, AuditQuery, LogKind, StoreError, StoredAudit, all_removed};

use crate::connection::{Connection, fault};
use crate::merkle;

/// Puts the record at the end of the tenant's audit log. `Conflict` if one with its id is there.
// threat: AGP-R3
pub(crate) async fn append(
    connection: &mut Connection,
    scope: &TenantScope,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    let log = merkle::log(connection, scope, LogKind::Audit).await?;
    let columns = AuditColumns::of(audit);
    let insert = "INSERT INTO audits (log, idx, id, at, actor, act, target, leaf, bytes)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(insert)
        .bind(log.number)
        .bind(row::signed(log.size))
        .bind(columns.id.as_bytes().as_slice())
        .bind(columns.at.0)
        .bind(columns.actor)
        .bind(columns.act)
        .bind(columns.target)
        .bind(columns.leaf.as_slice())
        .bind(audit.bytes.as_slice())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    merkle::save_size(connection, LogKind::Audit, &log, 1).await
}

macro_rules! select {
    ($narrowest:literal) => {
        concat!(
            "SELECT idx, bytes FROM audits
             WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?1) AND ",
            $narrowest,
            " AND idx < ?2 AND at >= ?3 AND at < ?4 AND (?5 IS NULL OR act = ?5)
              AND (?6 IS NULL OR actor = ?6) AND (?7 IS NULL OR target = ?7)
              ORDER BY idx DESC LIMIT ?8"
        )
    };
}

/// The statement whose first condition has an index and leaves the least.
const fn statement(query: &AuditQuery) -> &'static str {
    if query.target.is_some() {
        select!("target = ?7")
    } else if query.actor.is_some() {
        select!("actor = ?6")
    } else if query.act.is_some() {
        select!("act = ?5")
    } else if query.from.is_some() || query.until.is_some() {
        select!(
            "idx IN (SELECT idx FROM audits INDEXED BY audits_by_time
                     WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?1)
                     AND at >= ?3 AND at < ?4 AND idx < ?2 ORDER BY idx DESC LIMIT ?8)"
        )
    } else {
        select!("true")
    }
}

pub(crate) async fn find(
    connection: &mut Connection,
    scope: &TenantScope,
    query: &AuditQuery,
) -> Result<Vec<StoredAudit>, StoreError> {
    let rows = sqlx::query(statement(query))
        .bind(scope.tenant().to_string())
        .bind(query.before.map_or(i64::MAX, row::signed))
        .bind(query.from.map_or(i64::MIN, |from| from.0))
        .bind(query.until.map_or(i64::MAX, |until| until.0))
        .bind(&query.act)
        .bind(&query.actor)
        .bind(&query.target)
        .bind(row::signed(query.count))
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.iter().map(read).collect()
}

/// Removes what records from `from` up to `below` said, and keeps their hashes.
// threat: AGP-R3
pub(crate) async fn remove(
    connection: &mut Connection,
    scope: &TenantScope,
    from: u64,
    below: u64,
) -> Result<(), StoreError> {
    // A gap would leave records without a hash, and the first must be the first.
    if kept_from(&mut *connection, scope).await? != from {
        return all_removed(from, below, 0);
    }
    // What is removed is overwritten in the file.
    sqlx::query("PRAGMA secure_delete = ON")
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let keep = "INSERT INTO audits_removed (log, idx, leaf) SELECT log, idx, leaf FROM audits
                WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?) AND idx >= ? AND idx < ?";
    let delete = "DELETE FROM audits
                  WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?) AND idx >= ? AND idx < ?";
    let mut removed = 0;
    for statement in [keep, delete] {
        let done = sqlx::query(statement)
            .bind(scope.tenant().to_string())
            .bind(row::signed(from))
            .bind(row::signed(below))
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        removed = done.rows_affected();
    }
    sqlx::query("PRAGMA secure_delete = OFF")
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    all_removed(from, below, removed)
}

/// The first record whose content is there.
pub(crate) async fn kept_from(connection: &mut Connection, scope: &TenantScope) -> Result<u64, StoreError> {
    let select = "SELECT coalesce(max(idx) + 1, 0) FROM audits_removed
                  WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?)";
    let index = sqlx::query_scalar(select).bind(scope.tenant().to_string());
    row::unsigned(index.fetch_one(connection).await.map_err(fault)?)
}

pub(crate) async fn by_id(
    connection: &mut Connection,
    scope: &TenantScope,
    id: AuditId,
) -> Result<Option<StoredAudit>, StoreError> {
    let select = "SELECT idx, bytes FROM audits
                  WHERE log = (SELECT log FROM audit_logs WHERE tenant = ?) AND id = ?";
    let row = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.as_ref().map(read).transpose()
}

fn read(row: &SqliteRow) -> Result<StoredAudit, StoreError> {
    Ok(StoredAudit {
        index: row::unsigned(row.try_get("idx").map_err(fault)?)?,
        bytes: row.try_get("bytes").map_err(fault)?,
    })
}

#[cfg(test)]
mod tests {
    use domain::{TenantId, UnixMillis};
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::SqliteStore;

    /// What SQLite would do for the query, in its own words.
    async fn plan(store: &SqliteStore, query: &AuditQuery) -> String {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement(query)));
        let rows = sqlx::query(explain)
            .bind(TenantId::PLATFORM.to_string())
            .fetch_all(&store.readers)
            .await
            .unwrap();
        let details = rows.iter().map(|row| row.get::<String, _>("detail"));
        details.collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn every_query_is_answered_from_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db")).await.unwrap();
        store.migrate().await.unwrap();
        let anything = AuditQuery::default();
        let with = |change: fn(&mut AuditQuery)| {
            let mut query = anything.clone();
            change(&mut query);
            query
        };
        for (query, index) in [
            (anything.clone(), "sqlite_autoindex_audits_1 (log=? AND idx<?)"),
            (
                with(|q| q.until = Some(UnixMillis(1))),
                "COVERING INDEX audits_by_time (log=? AND at>? AND at<?)",
            ),
            (
                with(|q| q.act = Some(String::new())),
                "audits_by_act (log=? AND act=? AND idx<?)",
            ),
            (
                with(|q| q.actor = Some(String::new())),
                "audits_by_actor (log=? AND actor=? AND idx<?)",
            ),
            (
                with(|q| q.target = Some(String::new())),
                "audits_by_target (log=? AND target=? AND idx<?)",
            ),
        ] {
            let plan = plan(&store, &query).await;
            assert!(plan.contains(index), "{query:?}:\n{plan}");
            assert!(!plan.contains("SCAN"), "{query:?}:\n{plan}");
        }
    }
}
