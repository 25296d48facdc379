//! Marks of budgets: noted with the charge that reaches them, told once.

use domain::{BudgetId, Money, TenantScope, UnixMillis};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::{MARKS_DUE_MAX, MarkDue, StoreError};

use crate::budgets::read_budget;
use crate::connection::{Connection, fault};
use crate::windows::WindowKey;

/// Notes that a window whose row is there has reached a mark.
pub(crate) async fn reach(connection: &mut Connection, at: &WindowKey, mark: u8) -> Result<(), StoreError> {
    let update = "UPDATE budget_windows SET reached = ?1
                  WHERE tenant = ?2 AND budget = ?3 AND window_start = ?4 AND reached < ?1";
    sqlx::query(update)
        .bind(mark)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// What was reached and not told yet.
pub(crate) async fn due(connection: &mut Connection) -> Result<Vec<MarkDue>, StoreError> {
    let select = "SELECT b.budget, b.tenant, b.name, b.limit_nanos, b.scope, b.period, b.terms,
                         w.window_start, w.spent, w.told, w.reached
                  FROM budget_windows AS w JOIN budgets AS b ON b.tenant = w.tenant AND b.budget = w.budget
                  WHERE w.told < w.reached ORDER BY w.tenant, w.budget, w.window_start LIMIT ?";
    let rows = sqlx::query(select)
        .bind(i64::from(MARKS_DUE_MAX))
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<MarkDue, StoreError> {
    Ok(MarkDue {
        budget: read_budget(row)?,
        window_start: UnixMillis(row.try_get("window_start").map_err(fault)?),
        spent: Money::from_nanos(row.try_get("spent").map_err(fault)?),
        told: row.try_get("told").map_err(fault)?,
        reached: row.try_get("reached").map_err(fault)?,
    })
}

/// Marks up to `after` are told, if those up to `before` were the last.
pub(crate) async fn tell(
    connection: &mut Connection,
    scope: &TenantScope,
    (budget, window_start): (BudgetId, UnixMillis),
    (before, after): (u8, u8),
) -> Result<(), StoreError> {
    let update = "UPDATE budget_windows SET told = ?
                  WHERE tenant = ? AND budget = ? AND window_start = ? AND told = ?";
    let done = sqlx::query(update)
        .bind(after)
        .bind(scope.tenant().to_string())
        .bind(budget.to_string())
        .bind(window_start.0)
        .bind(before)
        .execute(connection)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict("the mark was told meanwhile".to_owned()));
    }
    Ok(())
}
