//! Summed usage. SQLite fails a sum that leaves 64 bits, so the halves of each number are summed apart
//! and put together, saturating, here.

use domain::{KeyId, Money, TeamId, TenantScope};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::row;
use store::{StoreError, UsageGroup, UsageQuery, UsageRow};

use crate::connection::{Connection, fault};

macro_rules! select {
    ($group:literal) => {
        concat!(
            "SELECT ",
            $group,
            " AS grouped, count(*) AS requests, sum(outcome = 'refused') AS refused,
              sum(prompt_tokens >> 32) AS prompt_high, sum(prompt_tokens & 4294967295) AS prompt_low,
              sum(output_tokens >> 32) AS output_high, sum(output_tokens & 4294967295) AS output_low,
              sum(cost_nanos >> 32) AS cost_high, sum(cost_nanos & 4294967295) AS cost_low
              FROM entries WHERE log = (SELECT log FROM logs WHERE tenant = ?)
              AND finished >= ? AND finished < ? GROUP BY 1"
        )
    };
}

const fn select(by: UsageGroup) -> &'static str {
    match by {
        UsageGroup::Model => select!("coalesce(model, '-')"),
        UsageGroup::Key => select!("key"),
        UsageGroup::Team => select!("team"),
        UsageGroup::Day => select!("finished / 86400000"),
    }
}

pub(crate) async fn sums(
    connection: &mut Connection,
    scope: &TenantScope,
    query: &UsageQuery,
) -> Result<Vec<UsageRow>, StoreError> {
    let rows = sqlx::query(select(query.by))
        .bind(scope.tenant().to_string())
        .bind(query.from.0)
        .bind(query.until.0)
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    let mut rows = rows
        .iter()
        .map(|row| read(row, query.by))
        .collect::<Result<Vec<_>, _>>()?;
    row::sort_usage(&mut rows);
    Ok(rows)
}

fn read(row: &SqliteRow, by: UsageGroup) -> Result<UsageRow, StoreError> {
    let sum = |high, low| whole(row, high, low).map_err(fault);
    let count = |column| row.try_get(column).map_err(fault).and_then(row::unsigned);
    Ok(UsageRow {
        group: group(row, by)?,
        requests: count("requests")?,
        refused: count("refused")?,
        prompt_tokens: tokens(sum("prompt_high", "prompt_low")?),
        output_tokens: tokens(sum("output_high", "output_low")?),
        cost: Money::from_nanos(clamped(sum("cost_high", "cost_low")?)),
    })
}

fn whole(row: &SqliteRow, high: &str, low: &str) -> Result<i128, sqlx::Error> {
    let (high, low): (i64, i64) = (row.try_get(high)?, row.try_get(low)?);
    Ok((i128::from(high) << 32) + i128::from(low))
}

fn tokens(sum: i128) -> u64 {
    u64::try_from(sum.max(0)).unwrap_or(u64::MAX)
}

fn clamped(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

fn group(row: &SqliteRow, by: UsageGroup) -> Result<String, StoreError> {
    const COLUMN: &str = "grouped";
    let bits = || row::bits(row.try_get(COLUMN).map_err(fault)?);
    match by {
        UsageGroup::Model => row.try_get(COLUMN).map_err(fault),
        UsageGroup::Key => Ok(KeyId::from_u128(bits()?).to_string()),
        UsageGroup::Team => Ok(TeamId::from_u128(bits()?).to_string()),
        UsageGroup::Day => row.try_get(COLUMN).map(row::day_name).map_err(fault),
    }
}
