//! Roll-ups: written with the entries they are of, or made later of entries that another version wrote; read for reports.
//!
//! `logs.rolled` says how many entries of a log are in its roll-ups. It rises in the transaction that adds them, so that
//! each entry is in them once, whoever dies when.

use domain::{Money, TenantScope};
use futures_util::TryStreamExt;
use ledger::Tokens;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::usage::{Counts, Fact, Rolled, SeriesId, Tally, UsageQuery, UsageReport, rolled};
use store::{Shipment, StoreError, row};

use crate::SqliteStore;
use crate::connection::{Connection, commit, fault};
use crate::merkle::Log;

/// How many entries are summed up in one transaction when they are made up for.
const ENTRIES_AT_ONCE: u64 = 500;

/// Adds what new entries count, unless some before them are not in the roll-ups yet: then they wait with those.
pub(crate) async fn add(connection: &mut Connection, log: &Log, new: &[&Shipment]) -> Result<(), StoreError> {
    let size = log.size + new.len() as u64;
    if new.is_empty() || !advance(connection, log.number, log.size, size).await? {
        return Ok(());
    }
    let facts = new.iter().map(|shipment| Fact::of(&shipment.posting));
    write(connection, log.number, &rolled(facts)).await
}

/// Whether exactly `from` entries were in the roll-ups; then `to` are.
async fn advance(connection: &mut Connection, log: i64, from: u64, to: u64) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE logs SET rolled = ?3 WHERE log = ?1 AND rolled = ?2")
        .bind(log)
        .bind(row::signed(from))
        .bind(row::signed(to))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

macro_rules! more {
    ($column:literal) => {
        concat!(
            $column,
            " = min(",
            $column,
            ", 9223372036854775807 - excluded.",
            $column,
            ") + excluded.",
            $column
        )
    };
}

const ADD: &str = concat!(
    "INSERT INTO usage_hours (log, hour, series, requests, input, output, cache_read, cache_write, cache_write_long,
                              reasoning, audio_input, audio_output, cost_nanos)
     SELECT ?1, value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
            value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
     FROM json_each(?2) WHERE true
     ON CONFLICT (log, hour, series) DO UPDATE SET ",
    more!("requests"),
    ", ",
    more!("input"),
    ", ",
    more!("output"),
    ", ",
    more!("cache_read"),
    ", ",
    more!("cache_write"),
    ", ",
    more!("cache_write_long"),
    ", ",
    more!("reasoning"),
    ", ",
    more!("audio_input"),
    ", ",
    more!("audio_output"),
    ", cost_nanos = CASE
        WHEN excluded.cost_nanos >= 0 THEN min(cost_nanos, 9223372036854775807 - excluded.cost_nanos)
        ELSE max(cost_nanos, -9223372036854775808 - excluded.cost_nanos) END + excluded.cost_nanos"
);

/// Two statements, however many there are.
async fn write(connection: &mut Connection, log: i64, all: &[Rolled]) -> Result<(), StoreError> {
    let series: Vec<_> = all.iter().map(|one| (one.name(), &one.said)).collect();
    sqlx::query(
        "INSERT INTO usage_series (log, series, said) SELECT ?1, unhex(value ->> 0), value ->> 1
         FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(log)
    .bind(row::encode(&series)?)
    .execute(&mut *connection)
    .await
    .map_err(fault)?;
    let sums: Vec<_> = all.iter().map(columns).collect();
    sqlx::query(ADD)
        .bind(log)
        .bind(row::encode(&sums)?)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// As the statement takes them apart again.
type Columns = (i64, String, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

fn columns(one: &Rolled) -> Columns {
    let (counts, tokens) = (&one.counts, &one.counts.tokens);
    (
        one.hour,
        one.name(),
        row::signed(counts.requests),
        row::signed(tokens.input),
        row::signed(tokens.output),
        row::signed(tokens.cache_read),
        row::signed(tokens.cache_write),
        row::signed(tokens.cache_write_long),
        row::signed(tokens.reasoning),
        row::signed(tokens.audio_input),
        row::signed(tokens.audio_output),
        counts.cost.nanos(),
    )
}

impl SqliteStore {
    /// Sums up some of what is not in the roll-ups yet; returns how many entries still are not.
    pub(crate) async fn catch_up(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        if missing(&mut *self.reader().await?, scope).await?.is_none() {
            return Ok(0);
        }
        let mut transaction = self.write().await?;
        let Some((log, from, size)) = missing(&mut transaction, scope).await? else {
            return Ok(0);
        };
        let select = "SELECT bytes FROM entries WHERE log = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3";
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(select)
            .bind(log)
            .bind(row::signed(from))
            .bind(row::signed(ENTRIES_AT_ONCE))
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        let facts = rows.iter().map(|bytes| Fact::read(bytes));
        let facts = facts.collect::<Result<Vec<_>, _>>()?;
        let to = from + facts.len() as u64;
        advance(&mut transaction, log, from, to).await?;
        write(&mut transaction, log, &rolled(facts)).await?;
        commit(transaction).await?;
        Ok(size.saturating_sub(to))
    }

    /// The answer, all of it seen at one moment.
    pub(crate) async fn tally(
        &self,
        scope: &TenantScope,
        query: &UsageQuery,
    ) -> Result<UsageReport, StoreError> {
        let mut transaction = self.read().await?;
        let mut tally = Tally::new(query);
        let cut = query.cut();
        let select = "SELECT log FROM logs WHERE tenant = ?";
        let log = sqlx::query_scalar(select).bind(scope.tenant().to_string());
        let log: Option<i64> = log.fetch_optional(&mut *transaction).await.map_err(fault)?;
        let Some(log) = log else {
            return Ok(tally.report());
        };
        let hours = (cut.hours, query.hours_together());
        add_hours(&mut transaction, log, hours, &mut tally).await?;
        for (from, until) in cut.edges {
            let edge = sqlx::query(EDGE).bind(log).bind(from.0).bind(until.0);
            add_entries(&mut transaction, edge, &mut tally).await?;
        }
        let late = sqlx::query(LATE).bind(log).bind(query.from.0).bind(query.until.0);
        add_entries(&mut transaction, late, &mut tally).await?;
        Ok(tally.report())
    }
}

/// The log, how many of its entries are in the roll-ups, and how many there are; nothing where all are.
async fn missing(
    connection: &mut Connection,
    scope: &TenantScope,
) -> Result<Option<(i64, u64, u64)>, StoreError> {
    let select = "SELECT log, rolled, size FROM logs WHERE tenant = ? AND rolled < size";
    let found = sqlx::query(select).bind(scope.tenant().to_string());
    let found = found.fetch_optional(connection).await.map_err(fault)?;
    let read = |row: SqliteRow| {
        let count = |column| row.try_get(column).map_err(fault).and_then(row::unsigned);
        Ok((
            row.try_get("log").map_err(fault)?,
            count("rolled")?,
            count("size")?,
        ))
    };
    found.map(read).transpose()
}

/// SQLite fails a sum that leaves 64 bits, so the halves of each number are summed apart and put together here.
macro_rules! halves {
    ($column:literal) => {
        concat!(
            ", sum(",
            $column,
            " >> 32) AS ",
            $column,
            "_high, sum(",
            $column,
            " & 4294967295) AS ",
            $column,
            "_low"
        )
    };
}

const HOURS: &str = concat!(
    "SELECT summed.*, said FROM (
        SELECT series, hour / ?4 AS span",
    halves!("requests"),
    halves!("input"),
    halves!("output"),
    halves!("cache_read"),
    halves!("cache_write"),
    halves!("cache_write_long"),
    halves!("reasoning"),
    halves!("audio_input"),
    halves!("audio_output"),
    halves!("cost_nanos"),
    " FROM usage_hours WHERE log = ?1 AND hour >= ?2 AND hour < ?3 GROUP BY 1, 2) AS summed
     JOIN usage_series ON usage_series.log = ?1 AND usage_series.series = summed.series"
);

/// Entries of part of an hour that are in the roll-ups. The signs before `idx` keep SQLite from walking the whole ledger by
/// it: with two bounds on each side it would take the log's own order for the narrower one.
const EDGE: &str = "SELECT bytes FROM entries WHERE log = ?1 AND finished >= ?2 AND finished < ?3
                    AND +idx < (SELECT rolled FROM logs WHERE log = ?1)
                    AND +idx >= (SELECT removed FROM logs WHERE log = ?1)";

/// Entries that are not.
const LATE: &str = "SELECT bytes FROM entries WHERE log = ?1 AND +finished >= ?2 AND +finished < ?3
                    AND idx >= (SELECT rolled FROM logs WHERE log = ?1)";

async fn add_hours(
    connection: &mut Connection,
    log: i64,
    ((first, last), together): ((i64, i64), i64),
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let select = sqlx::query(HOURS).bind(log).bind(first).bind(last).bind(together);
    let mut rows = select.fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let id: Vec<u8> = row.try_get("series").map_err(fault)?;
        let id = SeriesId::try_from(id.as_slice()).map_err(|_| row::damaged("a series", "not 16 bytes"))?;
        let span: i64 = row.try_get("span").map_err(fault)?;
        let said: &str = row.try_get("said").map_err(fault)?;
        tally.add_stored(id, said, span.saturating_mul(together), &counts(&row)?)?;
    }
    Ok(())
}

type Select = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

async fn add_entries(
    connection: &mut Connection,
    select: Select,
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let mut rows = select.fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        tally.add_fact(Fact::read(row.try_get("bytes").map_err(fault)?)?);
    }
    Ok(())
}

fn counts(row: &SqliteRow) -> Result<Counts, StoreError> {
    let whole = |high, low| {
        let (high, low): (i64, i64) = (
            row.try_get(high).map_err(fault)?,
            row.try_get(low).map_err(fault)?,
        );
        Ok::<_, StoreError>((i128::from(high) << 32) + i128::from(low))
    };
    let count = |high, low| Ok::<_, StoreError>(u64::try_from(whole(high, low)?.max(0)).unwrap_or(u64::MAX));
    let cost = whole("cost_nanos_high", "cost_nanos_low")?;
    let limit = if cost < 0 { i64::MIN } else { i64::MAX };
    Ok(Counts {
        requests: count("requests_high", "requests_low")?,
        tokens: Tokens {
            input: count("input_high", "input_low")?,
            output: count("output_high", "output_low")?,
            cache_read: count("cache_read_high", "cache_read_low")?,
            cache_write: count("cache_write_high", "cache_write_low")?,
            cache_write_long: count("cache_write_long_high", "cache_write_long_low")?,
            reasoning: count("reasoning_high", "reasoning_low")?,
            audio_input: count("audio_input_high", "audio_input_low")?,
            audio_output: count("audio_output_high", "audio_output_low")?,
        },
        cost: Money::from_nanos(i64::try_from(cost).unwrap_or(limit)),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    /// A report of a day reads the entries of its edges, never the ledger from its beginning.
    #[tokio::test]
    async fn the_edges_of_a_report_are_found_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("plan.db")).await.unwrap();
        store.migrate().await.unwrap();
        let mut reader = store.reader().await.unwrap();
        for (what, index) in [(EDGE, "entries_by_end"), (LATE, "idx>?")] {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {what}"));
            let asked = sqlx::query(explain).bind(1_i64).bind(2_i64).bind(3_i64);
            let rows = asked.fetch_all(&mut *reader).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            let entries = steps.iter().find(|step| step.contains("entries")).unwrap();
            assert!(entries.contains(index), "{steps:?}");
        }
    }
}
