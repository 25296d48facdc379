//! Documents of the control plane. What is in them, nobody here knows.

use domain::{TenantId, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::{Record, RecordKind, RecordQuery, Sort, SortedQuery, StoreError, row, unchanged};

use crate::connection::{Connection, fault};

pub(crate) async fn create(
    connection: &mut Connection,
    scope: &TenantScope,
    record: &Record,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO bartizan.records (tenant, kind, id, parent, name, created, document)
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(insert)
        .bind(scope.tenant().to_string())
        .bind(record.kind.as_str())
        .bind(&record.id)
        .bind(&record.parent)
        .bind(&record.name)
        .bind(record.created.0)
        .bind(&record.document)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(crate) async fn replace(
    connection: &mut Connection,
    scope: &TenantScope,
    before: &Record,
    after: &Record,
) -> Result<(), StoreError> {
    let stored = lock(connection, scope, before).await?;
    unchanged(stored.as_ref(), before)?;
    let update = "UPDATE bartizan.records SET parent = $1, name = $2, created = $3, document = $4
                  WHERE tenant = $5 AND kind = $6 AND id = $7";
    sqlx::query(update)
        .bind(&after.parent)
        .bind(&after.name)
        .bind(after.created.0)
        .bind(&after.document)
        .bind(scope.tenant().to_string())
        .bind(after.kind.as_str())
        .bind(&after.id)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(crate) async fn remove(
    connection: &mut Connection,
    scope: &TenantScope,
    before: &Record,
) -> Result<(), StoreError> {
    let stored = lock(connection, scope, before).await?;
    unchanged(stored.as_ref(), before)?;
    sqlx::query("DELETE FROM bartizan.records WHERE tenant = $1 AND kind = $2 AND id = $3")
        .bind(scope.tenant().to_string())
        .bind(before.kind.as_str())
        .bind(&before.id)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// The record of that kind and id as it is stored, locked.
async fn lock(
    connection: &mut Connection,
    scope: &TenantScope,
    record: &Record,
) -> Result<Option<Record>, StoreError> {
    let select = "SELECT id, parent, name, created, document FROM bartizan.records
                  WHERE tenant = $1 AND kind = $2 AND id = $3 FOR UPDATE";
    let row = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(record.kind.as_str())
        .bind(&record.id)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map(|row| read(record.kind, &row)).transpose()
}

pub(crate) async fn by_id(
    connection: &mut Connection,
    scope: &TenantScope,
    kind: RecordKind,
    id: &str,
) -> Result<Option<Record>, StoreError> {
    let select = "SELECT id, parent, name, created, document FROM bartizan.records
                  WHERE tenant = $1 AND kind = $2 AND id = $3";
    let row = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(kind.as_str())
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map(|row| read(kind, &row)).transpose()
}

pub(crate) async fn by_name(
    connection: &mut Connection,
    scope: &TenantScope,
    kind: RecordKind,
    name: &str,
) -> Result<Option<Record>, StoreError> {
    let select = "SELECT id, parent, name, created, document FROM bartizan.records
                  WHERE tenant = $1 AND kind = $2 AND name = $3";
    let row = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(kind.as_str())
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map(|row| read(kind, &row)).transpose()
}

/// A page; no id is empty, so all of them are after nothing.
pub(crate) async fn page(
    connection: &mut Connection,
    scope: &TenantScope,
    query: &RecordQuery<'_>,
) -> Result<Vec<Record>, StoreError> {
    let select = match query.parent {
        None => {
            "SELECT id, parent, name, created, document FROM bartizan.records
             WHERE tenant = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4"
        }
        Some(_) => {
            "SELECT id, parent, name, created, document FROM bartizan.records
             WHERE tenant = $1 AND kind = $2 AND parent = $5 AND id > $3 ORDER BY id LIMIT $4"
        }
    };
    let select = sqlx::query(select)
        .bind(scope.tenant().to_string())
        .bind(query.kind.as_str())
        .bind(query.after.unwrap_or_default())
        .bind(row::signed(query.count));
    let select = match query.parent {
        None => select,
        Some(parent) => select.bind(parent),
    };
    let rows = select.fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(|row| read(query.kind, row)).collect()
}

macro_rules! sorted {
    ($which:literal, $after:literal, $order:literal) => {
        concat!(
            "SELECT id, parent, name, created, document FROM bartizan.records
             WHERE tenant = $1 AND kind = $2 AND ($3::text IS NULL OR parent = $3)",
            $which,
            $after,
            " ORDER BY ",
            $order,
            " LIMIT $4"
        )
    };
}

/// The statement of a page: its beginning is found in an index.
const fn statement(query: &SortedQuery<'_>) -> &'static str {
    match (query.sort, query.descending, query.after.is_some()) {
        (Sort::Created, false, false) => sorted!("", "", "created, id"),
        (Sort::Created, false, true) => sorted!("", " AND (created, id) > ($5, $6)", "created, id"),
        (Sort::Created, true, false) => sorted!("", "", "created DESC, id DESC"),
        (Sort::Created, true, true) => {
            sorted!("", " AND (created, id) < ($5, $6)", "created DESC, id DESC")
        }
        (Sort::Name, false, false) => sorted!(" AND name IS NOT NULL", "", "name"),
        (Sort::Name, false, true) => sorted!(" AND name IS NOT NULL", " AND name > $5", "name"),
        (Sort::Name, true, false) => sorted!(" AND name IS NOT NULL", "", "name DESC"),
        (Sort::Name, true, true) => sorted!(" AND name IS NOT NULL", " AND name < $5", "name DESC"),
    }
}

/// A page in another order than that of ids.
pub(crate) async fn sorted(
    connection: &mut Connection,
    scope: &TenantScope,
    query: &SortedQuery<'_>,
) -> Result<Vec<Record>, StoreError> {
    let select = sqlx::query(statement(query))
        .bind(scope.tenant().to_string())
        .bind(query.kind.as_str())
        .bind(query.parent)
        .bind(row::signed(query.count));
    let select = match (query.sort, query.after) {
        (_, None) => select,
        (Sort::Created, Some(after)) => select.bind(after.created.0).bind(after.id),
        (Sort::Name, Some(after)) => select.bind(after.name),
    };
    let rows = select.fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(|row| read(query.kind, row)).collect()
}

/// All tenants' documents of a kind that data planes answer by; of other kinds none.
// threat: AGP-E1
pub(crate) async fn answered_by(
    connection: &mut Connection,
    kind: RecordKind,
) -> Result<Vec<(TenantId, Record)>, StoreError> {
    if !kind.is_answered_by() {
        return Ok(Vec::new());
    }
    let select = "SELECT tenant, id, parent, name, created, document FROM bartizan.records
                  WHERE kind = $1 ORDER BY tenant, id";
    let rows = sqlx::query(select).bind(kind.as_str()).fetch_all(connection);
    let read = |row: &PgRow| {
        let tenant = row::id(row.try_get("tenant").map_err(fault)?)?;
        Ok((tenant, read(kind, row)?))
    };
    rows.await.map_err(fault)?.iter().map(read).collect()
}

/// The session or service token with this digest, whosever it is: all that the node's role may read here.
// threat: CTX-T3
pub(crate) async fn bearer(
    connection: &mut Connection,
    kind: RecordKind,
    digest: &str,
) -> Result<Option<(TenantId, Record)>, StoreError> {
    // Each has an index of its own, which only a statement that says the kind can use.
    let select = match kind {
        RecordKind::Session => {
            "SELECT tenant, id, parent, name, created, document FROM bartizan.records
             WHERE kind = 'session' AND name = $1"
        }
        RecordKind::ServiceToken => {
            "SELECT tenant, id, parent, name, created, document FROM bartizan.records
             WHERE kind = 'service_token' AND name = $1"
        }
        _ => return Ok(None),
    };
    let row = sqlx::query(select).bind(digest).fetch_optional(connection);
    let Some(row) = row.await.map_err(fault)? else {
        return Ok(None);
    };
    let tenant = row::id(row.try_get("tenant").map_err(fault)?)?;
    Ok(Some((tenant, read(kind, &row)?)))
}

/// Removes what is older, as the node's role, which may not read all of it: which rows go is the policy
/// `node_sweeps`, and the statement names no column. Where row security is not in force none go at all.
/// Returns how many.
pub(crate) async fn sweep(
    connection: &mut Connection,
    kind: RecordKind,
    until: UnixMillis,
) -> Result<u64, StoreError> {
    sqlx::query("SELECT set_config('app.sweep_kind', $1, true), set_config('app.sweep_until', $2, true)")
        .bind(kind.as_str())
        .bind(until.0.to_string())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let delete = "DELETE FROM bartizan.records WHERE pg_catalog.row_security_active('bartizan.records')";
    let done = sqlx::query(delete).execute(connection).await.map_err(fault)?;
    Ok(done.rows_affected())
}

fn read(kind: RecordKind, row: &PgRow) -> Result<Record, StoreError> {
    Ok(Record {
        kind,
        id: row.try_get("id").map_err(fault)?,
        parent: row.try_get("parent").map_err(fault)?,
        name: row.try_get("name").map_err(fault)?,
        created: UnixMillis(row.try_get("created").map_err(fault)?),
        document: row.try_get("document").map_err(fault)?,
    })
}
