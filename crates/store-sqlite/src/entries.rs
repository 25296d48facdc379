//! Writing entries, as many a statement as possible: each statement is a trip to the connection's thread and
//! back, which costs more than the row itself.

use sqlx::Sqlite;
use sqlx::sqlite::SqliteArguments;
use store::row::{self, EntryColumns};
use store::{Shipment, StoreError};

use crate::connection::{Connection, fault};
use crate::merkle::Log;

/// How many entries one statement writes at most.
const ROWS_MAX: usize = 32;

macro_rules! insert {
    ($($rows:expr),*) => {
        concat!(
            "INSERT INTO entries (log, idx, request, finished, key, team, model, outcome,
                                  prompt_tokens, output_tokens, cost_nanos, leaf, bytes) ",
            $($rows),*
        )
    };
}

macro_rules! row {
    () => {
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    };
}

macro_rules! eight_rows {
    () => {
        concat!(
            row!(),
            ", ",
            row!(),
            ", ",
            row!(),
            ", ",
            row!(),
            ", ",
            row!(),
            ", ",
            row!(),
            ", ",
            row!(),
            ", ",
            row!()
        )
    };
}

/// Rows that are not bound are NULL, and left out. A request that is there already fails it as a whole.
const INSERT_MANY: &str = insert!(
    "SELECT * FROM (VALUES ",
    eight_rows!(),
    ", ",
    eight_rows!(),
    ", ",
    eight_rows!(),
    ", ",
    eight_rows!(),
    ") WHERE column1 IS NOT NULL"
);

const INSERT_ONE: &str = insert!("VALUES ", row!(), " ON CONFLICT (log, request) DO NOTHING");

/// Appends those whose request is not in the log, each once, in order, and returns them.
///
/// Entries that are there already are rare: a batch shipped again after a crash. So nobody looks for them
/// first; a statement that meets one takes all its rows back, and they are written one by one.
pub(crate) async fn append<'a>(
    connection: &mut Connection,
    log: &Log,
    shipments: &'a [Shipment],
) -> Result<Vec<&'a Shipment>, StoreError> {
    let mut new = Vec::with_capacity(shipments.len());
    for chunk in shipments.chunks(ROWS_MAX) {
        if chunk.len() > 1 && insert_many(connection, log, new.len(), chunk).await? {
            new.extend(chunk);
            continue;
        }
        for shipment in chunk {
            if insert_one(connection, log, new.len(), shipment).await? {
                new.push(shipment);
            }
        }
    }
    Ok(new)
}

/// Whether all were new. If not, none is written.
async fn insert_many(
    connection: &mut Connection,
    log: &Log,
    before: usize,
    shipments: &[Shipment],
) -> Result<bool, StoreError> {
    let mut insert = sqlx::query(INSERT_MANY);
    for (index, shipment) in (log.size + before as u64..).zip(shipments) {
        insert = bind(insert, log, index, shipment);
    }
    match insert.execute(connection).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        done => done.map(|_| true).map_err(fault),
    }
}

/// Whether it was new.
async fn insert_one(
    connection: &mut Connection,
    log: &Log,
    before: usize,
    shipment: &Shipment,
) -> Result<bool, StoreError> {
    let insert = bind(sqlx::query(INSERT_ONE), log, log.size + before as u64, shipment);
    let done = insert.execute(connection).await.map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

type Insert = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// Binds one row.
fn bind(insert: Insert, log: &Log, index: u64, shipment: &Shipment) -> Insert {
    let columns = EntryColumns::of(shipment);
    insert
        .bind(log.number)
        .bind(row::signed(index))
        .bind(columns.request.as_bytes().as_slice())
        .bind(columns.finished.0)
        .bind(columns.key.as_bytes().as_slice())
        .bind(columns.team.as_bytes().as_slice())
        .bind(columns.model)
        .bind(columns.outcome)
        .bind(row::signed(columns.prompt_tokens))
        .bind(row::signed(columns.output_tokens))
        .bind(columns.cost.nanos())
        .bind(columns.leaf.as_slice())
        .bind(shipment.bytes.as_ref())
}
