//! Roll-ups: written with the entries they are of, or made later of entries that another version wrote; read for reports.
//!
//! `logs.rolled` says how many entries of a log are in its roll-ups. It rises in the transaction that adds them, under the
//! lock that whoever appends holds, so that each entry is in them once, whoever dies when.

use domain::{Money, TenantScope};
use futures_util::TryStreamExt;
use ledger::Tokens;
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::usage::{Counts, Fact, Rolled, SeriesId, Tally, UsageQuery, UsageReport, rolled};
use store::{LogKind, Shipment, StoreError, row};

use crate::connection::{Connection, commit, fault};
use crate::log::Query;
use crate::{PostgresStore, merkle};

/// How many entries are summed up in one transaction when they are made up for.
const ENTRIES_AT_ONCE: u64 = 500;

/// Adds what new entries of a locked log count, unless some before them are not in the roll-ups yet: then they wait with
/// those.
pub(crate) async fn add(
    connection: &mut Connection,
    scope: &TenantScope,
    size: u64,
    new: &[&Shipment],
) -> Result<(), StoreError> {
    let to = size + new.len() as u64;
    if new.is_empty() || !advance(connection, scope, size, to).await? {
        return Ok(());
    }
    let facts = new.iter().map(|shipment| Fact::of(&shipment.posting));
    write(connection, scope, &rolled(facts)).await
}

/// Whether exactly `from` entries were in the roll-ups; then `to` are.
async fn advance(
    connection: &mut Connection,
    scope: &TenantScope,
    from: u64,
    to: u64,
) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE bartizan.logs SET rolled = $3 WHERE tenant = $1 AND rolled = $2")
        .bind(scope.tenant().to_string())
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
            " = least(had.",
            $column,
            ", 9223372036854775807 - excluded.",
            $column,
            ") + excluded.",
            $column
        )
    };
}

const ADD: &str = concat!(
    "INSERT INTO bartizan.usage_hours AS had (tenant, hour, series, requests, input, output, cache_read, cache_write,
                                              cache_write_long, reasoning, audio_input, audio_output, cost_nanos)
     SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                              $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
     ON CONFLICT (tenant, hour, series) DO UPDATE SET ",
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
        WHEN excluded.cost_nanos >= 0 THEN least(had.cost_nanos, 9223372036854775807 - excluded.cost_nanos)
        ELSE greatest(had.cost_nanos, -9223372036854775808 - excluded.cost_nanos) END + excluded.cost_nanos"
);

/// Two statements, however many there are.
async fn write(connection: &mut Connection, scope: &TenantScope, all: &[Rolled]) -> Result<(), StoreError> {
    let insert = "INSERT INTO bartizan.usage_series (tenant, series, said)
                  SELECT $1, * FROM unnest($2::bytea[], $3::text[]) ON CONFLICT DO NOTHING";
    // One statement may not meet a row twice that it makes itself.
    let mut series: Vec<_> = all
        .iter()
        .map(|one| (one.series.to_vec(), one.said.as_str()))
        .collect();
    series.sort_unstable();
    series.dedup();
    let (ids, said): (Vec<_>, Vec<_>) = series.into_iter().unzip();
    sqlx::query(insert)
        .bind(scope.tenant().to_string())
        .bind(ids)
        .bind(said)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let of = |number: fn(&Rolled) -> i64| all.iter().map(number).collect::<Vec<_>>();
    sqlx::query(ADD)
        .bind(scope.tenant().to_string())
        .bind(of(|one| one.hour))
        .bind(all.iter().map(|one| one.series.to_vec()).collect::<Vec<_>>())
        .bind(of(|one| row::signed(one.counts.requests)))
        .bind(of(|one| row::signed(one.counts.tokens.input)))
        .bind(of(|one| row::signed(one.counts.tokens.output)))
        .bind(of(|one| row::signed(one.counts.tokens.cache_read)))
        .bind(of(|one| row::signed(one.counts.tokens.cache_write)))
        .bind(of(|one| row::signed(one.counts.tokens.cache_write_long)))
        .bind(of(|one| row::signed(one.counts.tokens.reasoning)))
        .bind(of(|one| row::signed(one.counts.tokens.audio_input)))
        .bind(of(|one| row::signed(one.counts.tokens.audio_output)))
        .bind(of(|one| one.counts.cost.nanos()))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

impl PostgresStore {
    /// Sums up some of what is not in the roll-ups yet; returns how many entries still are not.
    pub(crate) async fn catch_up(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        let mut transaction = self.as_tenant(scope).await?;
        if is_behind(&mut transaction, scope).await?.is_none() {
            return Ok(0);
        }
        let size = merkle::lock(&mut transaction, scope, LogKind::Ledger).await?;
        let Some(from) = is_behind(&mut transaction, scope).await? else {
            return Ok(0);
        };
        let select =
            "SELECT bytes FROM bartizan.entries WHERE tenant = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(select)
            .bind(scope.tenant().to_string())
            .bind(row::signed(from))
            .bind(row::signed(ENTRIES_AT_ONCE))
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        let facts = rows.iter().map(|bytes| Fact::read(bytes));
        let facts = facts.collect::<Result<Vec<_>, _>>()?;
        let to = from + facts.len() as u64;
        advance(&mut transaction, scope, from, to).await?;
        write(&mut transaction, scope, &rolled(facts)).await?;
        commit(transaction).await?;
        Ok(size.saturating_sub(to))
    }

    /// The answer, all of it seen at one moment.
    pub(crate) async fn tally(
        &self,
        scope: &TenantScope,
        query: &UsageQuery,
    ) -> Result<UsageReport, StoreError> {
        let mut transaction = self.as_reading_tenant(scope).await?;
        let mut tally = Tally::new(query);
        let (cut, together) = (query.cut(), query.hours_together());
        let hours = sqlx::query(HOURS).bind(scope.tenant().to_string());
        let hours = hours.bind(cut.hours.0).bind(cut.hours.1).bind(together);
        add_hours(&mut transaction, hours, together, &mut tally).await?;
        for (from, until) in cut.edges.into_iter().filter(|(from, until)| from < until) {
            let select = sqlx::query(EDGE).bind(scope.tenant().to_string());
            let select = select.bind(from.0).bind(until.0);
            add_entries(&mut transaction, select, &mut tally).await?;
        }
        // Where there are none nobody looks for them: the planner, who cannot know, might read the whole log.
        if let Some(rolled) = is_behind(&mut transaction, scope).await? {
            let select = sqlx::query(LATE).bind(scope.tenant().to_string());
            let select = select.bind(query.from.0).bind(query.until.0);
            add_entries(&mut transaction, select.bind(row::signed(rolled)), &mut tally).await?;
        }
        Ok(tally.report())
    }
}

/// How many entries are in the roll-ups, where not all are.
async fn is_behind(connection: &mut Connection, scope: &TenantScope) -> Result<Option<u64>, StoreError> {
    let select = "SELECT rolled FROM bartizan.logs WHERE tenant = $1 AND rolled < size";
    let found = sqlx::query_scalar(select).bind(scope.tenant().to_string());
    let found = found.fetch_optional(connection).await.map_err(fault)?;
    found.map(row::unsigned).transpose()
}

/// A sum is numeric in PostgreSQL, and cut to 64 bits there.
macro_rules! sum {
    ($column:literal) => {
        concat!(
            ", greatest(least(sum(",
            $column,
            "), 9223372036854775807), -9223372036854775808)::bigint AS ",
            $column
        )
    };
}

const HOURS: &str = concat!(
    "SELECT summed.*, said FROM (
        SELECT series, hour / $4 AS span",
    sum!("requests"),
    sum!("input"),
    sum!("output"),
    sum!("cache_read"),
    sum!("cache_write"),
    sum!("cache_write_long"),
    sum!("reasoning"),
    sum!("audio_input"),
    sum!("audio_output"),
    sum!("cost_nanos"),
    " FROM bartizan.usage_hours WHERE tenant = $1 AND hour >= $2 AND hour < $3 GROUP BY 1, 2) AS summed
     JOIN bartizan.usage_series AS named ON named.tenant = $1 AND named.series = summed.series"
);

/// Entries of part of an hour that are in the roll-ups.
const EDGE: &str = "SELECT bytes FROM bartizan.entries WHERE tenant = $1 AND finished >= $2 AND finished < $3
                    AND idx < (SELECT rolled FROM bartizan.logs WHERE tenant = $1)
                    AND idx >= (SELECT removed FROM bartizan.logs WHERE tenant = $1)";

/// Entries that are not.
const LATE: &str = "SELECT bytes FROM bartizan.entries WHERE tenant = $1 AND finished >= $2 AND finished < $3
                    AND idx >= $4";

async fn add_hours(
    connection: &mut Connection,
    select: Query<'_>,
    together: i64,
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let mut rows = select.fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let id: &[u8] = row.try_get("series").map_err(fault)?;
        let id = SeriesId::try_from(id).map_err(|_| row::damaged("a series", "not 16 bytes"))?;
        let span: i64 = row.try_get("span").map_err(fault)?;
        let said: &str = row.try_get("said").map_err(fault)?;
        tally.add_stored(id, said, span.saturating_mul(together), &counts(&row)?)?;
    }
    Ok(())
}

async fn add_entries(
    connection: &mut Connection,
    select: Query<'_>,
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let mut rows = select.fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        tally.add_fact(Fact::read(row.try_get("bytes").map_err(fault)?)?);
    }
    Ok(())
}

fn counts(row: &PgRow) -> Result<Counts, StoreError> {
    let count = |column| row.try_get(column).map_err(fault).and_then(row::unsigned);
    Ok(Counts {
        requests: count("requests")?,
        tokens: Tokens {
            input: count("input")?,
            output: count("output")?,
            cache_read: count("cache_read")?,
            cache_write: count("cache_write")?,
            cache_write_long: count("cache_write_long")?,
            reasoning: count("reasoning")?,
            audio_input: count("audio_input")?,
            audio_output: count("audio_output")?,
        },
        cost: Money::from_nanos(row.try_get("cost_nanos").map_err(fault)?),
    })
}
