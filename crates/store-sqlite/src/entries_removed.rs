//! Removing entries whose time is over: recorded first, and nobody reads them from then on; then taken out of the file in
//! bounded steps. Their hashes stay, and by what their requests are known when they come again.

use std::borrow::Cow;
use std::collections::HashSet;

use domain::{RequestId, TenantScope, UnixMillis};
use sqlx::Row;
use store::{EntriesKept, Shipment, StoreError, entries_differ, row};

use crate::SqliteStore;
use crate::connection::{Connection, commit, fault};
use crate::merkle::Log;

/// How many entries are taken out in one transaction.
const SWEPT_AT_ONCE: i64 = 500;

/// Records that entries were removed.
// threat: AGP-T4
pub(crate) async fn remove(
    connection: &mut Connection,
    scope: &TenantScope,
    (from, below): (u64, u64),
    until: UnixMillis,
) -> Result<(), StoreError> {
    let update = "UPDATE logs SET removed = ?3, removed_until = max(removed_until, ?4)
                  WHERE tenant = ?1 AND removed = ?2 AND ?2 < ?3 AND ?3 <= size AND ?3 <= rolled";
    let done = sqlx::query(update)
        .bind(scope.tenant().to_string())
        .bind(row::signed(from))
        .bind(row::signed(below))
        .bind(until.0)
        .execute(connection)
        .await
        .map_err(fault)?;
    (done.rows_affected() == 1)
        .then_some(())
        .ok_or_else(|| entries_differ(from, below))
}

/// Which entries are there.
pub(crate) async fn kept(
    connection: &mut Connection,
    scope: &TenantScope,
) -> Result<EntriesKept, StoreError> {
    let select = "SELECT removed, removed_until FROM logs WHERE tenant = ?";
    let row = sqlx::query(select).bind(scope.tenant().to_string());
    let Some(row) = row.fetch_optional(connection).await.map_err(fault)? else {
        return Ok(EntriesKept {
            from: 0,
            since: UnixMillis(0),
        });
    };
    Ok(EntriesKept {
        from: row::unsigned(row.try_get("removed").map_err(fault)?)?,
        since: UnixMillis(row.try_get("removed_until").map_err(fault)?),
    })
}

/// Those that are not of requests whose entries are taken out already.
pub(crate) async fn without<'a>(
    connection: &mut Connection,
    log: &Log,
    shipments: &'a [Shipment],
) -> Result<Cow<'a, [Shipment]>, StoreError> {
    let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM entries_removed WHERE log = ?)");
    let any: bool = any
        .bind(log.number)
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
    if !any {
        return Ok(Cow::Borrowed(shipments));
    }
    let marks = shipments.iter().map(|one| row::mark(one.posting.request));
    let marks: Vec<String> = marks.map(hex).collect();
    let select = "SELECT hex(mark) FROM entries_removed
                  WHERE log = ? AND mark IN (SELECT unhex(value) FROM json_each(?))";
    let known = sqlx::query_scalar(select)
        .bind(log.number)
        .bind(row::encode(&marks)?);
    let known: Vec<String> = known.fetch_all(connection).await.map_err(fault)?;
    let known: HashSet<String> = known.into_iter().collect();
    let new = shipments
        .iter()
        .zip(&marks)
        .filter(|(_, mark)| !known.contains(*mark));
    Ok(Cow::Owned(new.map(|(one, _)| one.clone()).collect()))
}

/// As SQLite writes bytes.
fn hex(mark: [u8; 16]) -> String {
    format!("{:032X}", u128::from_be_bytes(mark))
}

/// Takes some removed entries out of the file. Whether there may be more.
// threat: AGP-T4
pub(crate) async fn sweep(store: &SqliteStore) -> Result<bool, StoreError> {
    if next(&mut *store.reader().await?).await?.is_none() {
        return Ok(false);
    }
    let mut transaction = store.write().await?;
    let Some((log, below)) = next(&mut transaction).await? else {
        return Ok(false);
    };
    // What is removed is overwritten in the file.
    sqlx::query("PRAGMA secure_delete = ON")
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    let select = "SELECT idx, request FROM entries WHERE log = ? AND idx < ? ORDER BY idx LIMIT ?";
    let rows = sqlx::query(select).bind(log).bind(below).bind(SWEPT_AT_ONCE);
    let rows = rows.fetch_all(&mut *transaction).await.map_err(fault)?;
    for row in &rows {
        let index: i64 = row.try_get("idx").map_err(fault)?;
        let request: &[u8] = row.try_get("request").map_err(fault)?;
        take_out(&mut transaction, (log, index), request).await?;
    }
    sqlx::query("PRAGMA secure_delete = OFF")
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    commit(transaction).await?;
    Ok(true)
}

/// A log of which removed entries are still in the file, and below which place they are.
async fn next(connection: &mut Connection) -> Result<Option<(i64, i64)>, StoreError> {
    let select = "SELECT log, removed FROM logs WHERE removed > 0
                  AND (SELECT min(idx) FROM entries WHERE entries.log = logs.log) < removed LIMIT 1";
    sqlx::query_as(select)
        .fetch_optional(connection)
        .await
        .map_err(fault)
}

async fn take_out(
    connection: &mut Connection,
    (log, index): (i64, i64),
    request: &[u8],
) -> Result<(), StoreError> {
    let mark = row::mark(RequestId::from_u128(row::bits(request)?));
    sqlx::query("INSERT INTO entries_removed (log, idx, leaf, mark) SELECT log, idx, leaf, ?3 FROM entries WHERE log = ?1 AND idx = ?2")
        .bind(log)
        .bind(index)
        .bind(mark.as_slice())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    sqlx::query("DELETE FROM entries WHERE log = ? AND idx = ?")
        .bind(log)
        .bind(index)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}
