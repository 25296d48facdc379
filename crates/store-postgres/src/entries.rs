//! Writing entries into parts by month, and removing those whose time is over: recorded first, then dropped with their
//! part, which only functions of the schema's owner can do.
//!
//! A request is in a log once: whoever appends holds the log, and marks of requests are unique over all parts.

use std::collections::HashSet;

use domain::{NodeId, TenantScope, UnixMillis};
use sqlx::Row;
use store::row::{self, EntryColumns};
use store::{EntriesKept, LogKind, Shipment, StoreError, entries_differ};

use crate::connection::{Connection, commit, fault};
use crate::{PostgresStore, budgets, merkle, rollups};

/// PostgreSQL's code for a row that no part is for.
const NO_PART: &str = "23514";

/// How often appending is tried: parts are made in between, and one may be dropped again just then.
const TRIES: u32 = 3;

/// From now on in steps of half a month and no more: none is left out, and the next month is there for half of this one.
const AHEAD_MS: [i64; 3] = [0, 14 * row::DAY_MS, 28 * row::DAY_MS];

/// What came of appending.
enum Appended {
    /// So many were new.
    New(u64),
    /// Nothing is written: parts are missing for what is filed then.
    NoPart(Vec<i64>),
}

/// Appends what is new, after making the parts for it where there are none.
pub(crate) async fn append(
    store: &PostgresStore,
    scope: &TenantScope,
    node: NodeId,
    shipments: &[Shipment],
) -> Result<u64, StoreError> {
    for _ in 0..TRIES {
        match try_append(store, scope, node, shipments).await? {
            Appended::New(count) => return Ok(count),
            Appended::NoPart(filed) => make_parts(store, &filed).await?,
        }
    }
    Err(StoreError::Unavailable(
        "parts for entries could not be made".to_owned(),
    ))
}

async fn try_append(
    store: &PostgresStore,
    scope: &TenantScope,
    node: NodeId,
    shipments: &[Shipment],
) -> Result<Appended, StoreError> {
    let mut transaction = store.as_tenant(scope).await?;
    let size = merkle::lock(&mut transaction, scope, LogKind::Ledger).await?;
    let new = unknown(&mut transaction, scope, shipments).await?;
    if new.is_empty() {
        return Ok(Appended::New(0));
    }
    if let Some(missing) = insert(&mut transaction, scope, size, &new).await? {
        return Ok(Appended::NoPart(missing));
    }
    let charges = new.iter().flat_map(|shipment| &shipment.posting.charges);
    budgets::charge_all(&mut transaction, scope, node, charges).await?;
    rollups::add(&mut transaction, scope, size, &new).await?;
    commit(transaction).await?;
    Ok(Appended::New(new.len() as u64))
}

/// Those whose request is not in the log, each once, in order.
async fn unknown<'a>(
    connection: &mut Connection,
    scope: &TenantScope,
    shipments: &'a [Shipment],
) -> Result<Vec<&'a Shipment>, StoreError> {
    let marks: Vec<Vec<u8>> = shipments
        .iter()
        .map(|shipment| row::mark(shipment.posting.request).to_vec())
        .collect();
    let select = "SELECT mark FROM bartizan.entry_leaves WHERE tenant = $1 AND mark = ANY($2)";
    let known = sqlx::query_scalar(select)
        .bind(scope.tenant().to_string())
        .bind(&marks);
    let mut seen: HashSet<Vec<u8>> = known
        .fetch_all(connection)
        .await
        .map_err(fault)?
        .into_iter()
        .collect();
    let new = shipments
        .iter()
        .zip(marks)
        .filter(|(_, mark)| seen.insert(mark.clone()));
    Ok(new.map(|(shipment, _)| shipment).collect())
}

/// Writes the entries behind each other, all in one statement, and what stays of them in another. Returns when they are
/// filed, if there is no part for one of them.
async fn insert(
    connection: &mut Connection,
    scope: &TenantScope,
    size: u64,
    new: &[&Shipment],
) -> Result<Option<Vec<i64>>, StoreError> {
    let insert = "INSERT INTO bartizan.entries (tenant, idx, request, finished, key, team, model, outcome,
                                                prompt_tokens, output_tokens, cost_nanos, bytes, filed)
        SELECT $1, $2 + n - 1, request, finished, key, team, model, outcome,
               prompt_tokens, output_tokens, cost_nanos, bytes, filed
        FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::bigint[], $10::bigint[], $11::bigint[], $12::bytea[], $13::bigint[]) WITH ORDINALITY
            AS new (request, finished, key, team, model, outcome,
                    prompt_tokens, output_tokens, cost_nanos, bytes, filed, n)";
    let columns: Vec<EntryColumns> = new.iter().map(|shipment| EntryColumns::of(shipment)).collect();
    let filed = filed(connection, scope, &columns).await?;
    let done = sqlx::query(insert)
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
        .bind(
            new.iter()
                .map(|shipment| shipment.bytes.to_vec())
                .collect::<Vec<_>>(),
        )
        .bind(&filed)
        .execute(&mut *connection)
        .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_PART) => {
            return Ok(Some(filed));
        }
        done => done.map_err(fault)?,
    };
    keep_leaves(connection, scope, size, &columns).await?;
    grow(connection, scope, size + new.len() as u64, filed.last().copied()).await?;
    Ok(None)
}

/// When each is filed that comes now.
async fn filed(
    connection: &mut Connection,
    scope: &TenantScope,
    columns: &[EntryColumns],
) -> Result<Vec<i64>, StoreError> {
    let latest = sqlx::query_scalar("SELECT filed FROM bartizan.logs WHERE tenant = $1");
    let latest = latest.bind(scope.tenant().to_string());
    let latest = latest.fetch_one(connection).await.map_err(fault)?;
    Ok(row::filed(latest, columns.iter().map(|entry| entry.finished)))
}

/// What stays of entries when they are removed.
async fn keep_leaves(
    connection: &mut Connection,
    scope: &TenantScope,
    size: u64,
    columns: &[EntryColumns],
) -> Result<(), StoreError> {
    let insert = "INSERT INTO bartizan.entry_leaves (tenant, idx, leaf, mark)
                  SELECT $1, $2 + n - 1, leaf, mark
                  FROM unnest($3::bytea[], $4::bytea[]) WITH ORDINALITY AS new (leaf, mark, n)";
    sqlx::query(insert)
        .bind(scope.tenant().to_string())
        .bind(row::signed(size))
        .bind(each(columns, |entry| entry.leaf.to_vec()))
        .bind(each(columns, |entry| row::mark(entry.request).to_vec()))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Writes how long a locked log is now, and when its newest entry is filed.
async fn grow(
    connection: &mut Connection,
    scope: &TenantScope,
    size: u64,
    filed: Option<i64>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE bartizan.logs SET size = $2, filed = coalesce($3, filed) WHERE tenant = $1")
        .bind(scope.tenant().to_string())
        .bind(row::signed(size))
        .bind(filed)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// One column of all entries.
fn each<T>(columns: &[EntryColumns], value: impl Fn(&EntryColumns) -> T) -> Vec<T> {
    columns.iter().map(value).collect()
}

/// The parts for what is filed then.
async fn make_parts(store: &PostgresStore, filed: &[i64]) -> Result<(), StoreError> {
    let mut transaction = store.as_node().await?;
    sqlx::query("SELECT bartizan.make_entries_part(filed) FROM unnest($1::bigint[]) AS filed")
        .bind(filed)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    commit(transaction).await
}

/// Records that entries were removed: nobody reads them from now on, and their part may be dropped when all of it is.
// threat: AGP-T4
pub(crate) async fn remove(
    connection: &mut Connection,
    scope: &TenantScope,
    (from, below): (u64, u64),
    until: UnixMillis,
) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.logs SET removed = $3, removed_until = greatest(removed_until, $4)
                  WHERE tenant = $1 AND removed = $2 AND $2 < $3 AND $3 <= size AND $3 <= rolled";
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
pub(crate) async fn kept(store: &PostgresStore, scope: &TenantScope) -> Result<EntriesKept, StoreError> {
    let select = "SELECT removed, removed_until FROM bartizan.logs WHERE tenant = $1";
    let rows = store
        .rows(scope, sqlx::query(select).bind(scope.tenant().to_string()))
        .await?;
    let Some(row) = rows.first() else {
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

/// Makes the parts of this month and the next, and drops one whose entries were all removed, if there is one.
pub(crate) async fn tend(store: &PostgresStore, now: UnixMillis) -> Result<bool, StoreError> {
    make_parts(store, &AHEAD_MS.map(|ahead| now.0.saturating_add(ahead))).await?;
    let mut transaction = store.as_node().await?;
    let dropped = sqlx::query_scalar("SELECT bartizan.drop_removed_entries()");
    let dropped = dropped.fetch_one(&mut *transaction).await.map_err(fault)?;
    commit(transaction).await?;
    Ok(dropped)
}
