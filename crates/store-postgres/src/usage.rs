//! Summed usage. Sums are numeric in PostgreSQL and cut to 64 bits there.

use domain::{Money, TenantScope};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::row::{self, day_name};
use store::{StoreError, UsageGroup, UsageQuery, UsageRow};

use crate::connection::fault;
use crate::log::Query;

macro_rules! select {
    ($group:literal) => {
        concat!(
            "SELECT ",
            $group,
            " AS grouped, count(*) AS requests, count(*) FILTER (WHERE outcome = 'refused') AS refused,
              least(sum(prompt_tokens), 9223372036854775807)::bigint AS prompt_tokens,
              least(sum(output_tokens), 9223372036854775807)::bigint AS output_tokens,
              greatest(least(sum(cost_nanos), 9223372036854775807), -9223372036854775808)::bigint AS cost
              FROM bartizan.entries WHERE tenant = $1 AND finished >= $2 AND finished < $3 GROUP BY 1"
        )
    };
}

const fn statement(by: UsageGroup) -> &'static str {
    match by {
        UsageGroup::Model => select!("coalesce(model, '-')"),
        UsageGroup::Key => select!("key"),
        UsageGroup::Team => select!("team"),
        UsageGroup::Day => select!("(finished / 86400000)::text"),
    }
}

/// The statement that sums up what is asked for.
pub(crate) fn select(scope: &TenantScope, query: &UsageQuery) -> Query<'static> {
    let select = sqlx::query(statement(query.by)).bind(scope.tenant().to_string());
    select.bind(query.from.0).bind(query.until.0)
}

/// Its answer.
pub(crate) fn read(rows: &[PgRow], by: UsageGroup) -> Result<Vec<UsageRow>, StoreError> {
    let mut rows = rows
        .iter()
        .map(|row| read_row(row, by))
        .collect::<Result<Vec<_>, _>>()?;
    row::sort_usage(&mut rows);
    Ok(rows)
}

fn read_row(row: &PgRow, by: UsageGroup) -> Result<UsageRow, StoreError> {
    let count = |column| row.try_get(column).map_err(fault).and_then(row::unsigned);
    let group: String = row.try_get("grouped").map_err(fault)?;
    Ok(UsageRow {
        group: if by == UsageGroup::Day {
            named(&group)?
        } else {
            group
        },
        requests: count("requests")?,
        refused: count("refused")?,
        prompt_tokens: count("prompt_tokens")?,
        output_tokens: count("output_tokens")?,
        cost: Money::from_nanos(row.try_get("cost").map_err(fault)?),
    })
}

fn named(day: &str) -> Result<String, StoreError> {
    day.parse()
        .map(day_name)
        .map_err(|error| row::damaged("a day", error))
}
