//! Audit records: appended with the changes they are of, found by what they say.

use domain::{AuditId, TenantScope};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::row::{self, AuditColumns};
use store::{AuditEntry, AuditQuery, LogKind, StoreError, StoredAudit, all_removed};

use crate::connection::{Connection, fault};
use crate::merkle;

/// Puts the record at the end of the tenant's audit log, which is locked and has `size` records. `Conflict`
/// if one with its id is there.
// threat: AGP-R3
pub(crate) async fn append(
    connection: &mut Connection,
    scope: &TenantScope,
    size: u64,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    let columns = AuditColumns::of(audit);
    let insert = "INSERT INTO bartizan.audits (tenant, idx, id, at, actor, act, target, leaf, bytes)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(insert)
        .bind(scope.tenant().to_string())
        .bind(row::signed(size))
        .bind(columns.id.to_string())
        .bind(columns.at.0)
        .bind(columns.actor)
        .bind(columns.act)
        .bind(columns.target)
        .bind(columns.leaf.as_slice())
        .bind(audit.bytes.as_slice())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    merkle::save_size(connection, scope, LogKind::Audit, size + 1).await
}

macro_rules! select {
    ($narrowest:literal) => {
        concat!(
            "SELECT idx, bytes FROM bartizan.audits WHERE tenant = $1 AND ",
            $narrowest,
            " AND idx < $2 AND at >= $3 AND at < $4 AND ($5::text IS NULL OR act = $5)
              AND ($6::text IS NULL OR actor = $6) AND ($7::text IS NULL OR target = $7)
              ORDER BY idx DESC LIMIT $8"
        )
    };
}

/// The statement whose first condition has an index and leaves the least.
const fn statement(query: &AuditQuery) -> &'static str {
    if query.target.is_some() {
        select!("target = $7")
    } else if query.actor.is_some() {
        select!("actor = $6")
    } else if query.act.is_some() {
        select!("act = $5")
    } else if query.from.is_some() || query.until.is_some() {
        select!(
            "idx IN (SELECT idx FROM bartizan.audits WHERE tenant = $1
                     AND at >= $3 AND at < $4 AND idx < $2 ORDER BY idx DESC LIMIT $8)"
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
    let keep = "INSERT INTO bartizan.audits_removed (tenant, idx, leaf) SELECT tenant, idx, leaf FROM bartizan.audits
                WHERE tenant = $1 AND idx >= $2 AND idx < $3";
    let delete = "DELETE FROM bartizan.audits WHERE tenant = $1 AND idx >= $2 AND idx < $3";
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
    all_removed(from, below, removed)
}

/// The first record whose content is there.
pub(crate) async fn kept_from(connection: &mut Connection, scope: &TenantScope) -> Result<u64, StoreError> {
    let select = "SELECT coalesce(max(idx) + 1, 0) FROM bartizan.audits_removed WHERE tenant = $1";
    let index = sqlx::query_scalar(select).bind(scope.tenant().to_string());
    row::unsigned(index.fetch_one(connection).await.map_err(fault)?)
}

pub(crate) async fn by_id(
    connection: &mut Connection,
    scope: &TenantScope,
    id: AuditId,
) -> Result<Option<StoredAudit>, StoreError> {
    let row = sqlx::query("SELECT idx, bytes FROM bartizan.audits WHERE tenant = $1 AND id = $2")
        .bind(scope.tenant().to_string())
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.as_ref().map(read).transpose()
}

fn read(row: &PgRow) -> Result<StoredAudit, StoreError> {
    Ok(StoredAudit {
        index: row::unsigned(row.try_get("idx").map_err(fault)?)?,
        bytes: row.try_get("bytes").map_err(fault)?,
    })
}
