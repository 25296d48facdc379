//! Rows of budget windows and leases, locked while they are changed: first the window, then its lease, and
//! several windows in the order of their keys, so that no two transactions wait for each other.

use domain::{BudgetId, Money, NodeId, TenantId, UnixMillis};
use ledger::{Lease, Standing, Terms};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::accounts::Held;
use store::{StoreError, row};

use crate::connection::{Connection, fault};
use crate::marks;

/// Which window of which budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WindowKey {
    pub(crate) tenant: TenantId,
    pub(crate) budget: BudgetId,
    pub(crate) start: UnixMillis,
}

/// Makes the window's row if the tenant has the budget and the row is not there.
pub(crate) async fn ensure(connection: &mut Connection, at: &WindowKey) -> Result<(), StoreError> {
    let insert = "INSERT INTO bartizan.budget_windows (tenant, budget, window_start)
                  SELECT tenant, budget, $3 FROM bartizan.budgets WHERE tenant = $1 AND budget = $2
                  ON CONFLICT DO NOTHING";
    sqlx::query(insert)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// A locked window that is about to be charged, and its budget.
#[derive(Debug)]
pub(crate) struct Charged {
    pub(crate) standing: Standing,
    pub(crate) limit: Money,
    pub(crate) terms: Terms,
    /// The highest mark that is known to be reached.
    pub(crate) reached: u8,
}

/// Locks the window, and makes its row first if it is not there. `None` if the tenant has no such budget.
pub(crate) async fn lock_charged(
    connection: &mut Connection,
    at: &WindowKey,
) -> Result<Option<Charged>, StoreError> {
    if let Some(charged) = lock_with_budget(connection, at).await? {
        return Ok(Some(charged));
    }
    ensure(connection, at).await?;
    lock_with_budget(connection, at).await
}

async fn lock_with_budget(
    connection: &mut Connection,
    at: &WindowKey,
) -> Result<Option<Charged>, StoreError> {
    let select = "SELECT w.spent, w.leased, w.unexplained, w.reached, b.limit_nanos, b.terms
                  FROM bartizan.budget_windows AS w
                  JOIN bartizan.budgets AS b ON b.tenant = w.tenant AND b.budget = w.budget
                  WHERE w.tenant = $1 AND w.budget = $2 AND w.window_start = $3 FOR UPDATE OF w";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    let read = |row: PgRow| {
        Ok(Charged {
            standing: read_standing(&row)?,
            limit: Money::from_nanos(row.try_get("limit_nanos").map_err(fault)?),
            terms: row::decode(row.try_get("terms").map_err(fault)?)?,
            reached: marks::percent(&row, "reached")?,
        })
    };
    row.map(read).transpose()
}

/// Locks the window. `None` if there is no such row.
pub(crate) async fn lock(
    connection: &mut Connection,
    at: &WindowKey,
) -> Result<Option<Standing>, StoreError> {
    let select = "SELECT spent, leased, unexplained FROM bartizan.budget_windows
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3 FOR UPDATE";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map(|row| read_standing(&row)).transpose()
}

pub(crate) fn read_standing(row: &PgRow) -> Result<Standing, StoreError> {
    let money = |column| row.try_get(column).map(Money::from_nanos).map_err(fault);
    Ok(Standing {
        spent: money("spent")?,
        leased: money("leased")?,
        unexplained: money("unexplained")?,
    })
}

/// Locks the node's lease, if it has one. The window must be locked.
pub(crate) async fn lock_lease(
    connection: &mut Connection,
    at: &WindowKey,
    node: NodeId,
) -> Result<Option<Held>, StoreError> {
    let select =
        "SELECT tenant, budget, window_start, node, amount, used, expires, expired FROM bartizan.leases
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3 AND node = $4 FOR UPDATE";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(node.to_string())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map(|row| read_lease(&row).map(|(_, held)| held)).transpose()
}

/// A lease's row, with all of its columns selected.
pub(crate) fn read_lease(row: &PgRow) -> Result<(WindowKey, Held), StoreError> {
    let text = |column| row.try_get::<&str, _>(column).map_err(fault);
    let number = |column| row.try_get::<i64, _>(column).map_err(fault);
    let at = WindowKey {
        tenant: row::id(text("tenant")?)?,
        budget: row::id(text("budget")?)?,
        start: UnixMillis(number("window_start")?),
    };
    let lease = Lease {
        budget: at.budget,
        window_start: at.start,
        node: row::id(text("node")?)?,
        amount: Money::from_nanos(number("amount")?),
        used: Money::from_nanos(number("used")?),
        expires: UnixMillis(number("expires")?),
    };
    Ok((
        at,
        Held {
            lease,
            expired: row.try_get("expired").map_err(fault)?,
        },
    ))
}

/// Writes how a locked window stands.
pub(crate) async fn save_standing(
    connection: &mut Connection,
    at: &WindowKey,
    standing: &Standing,
) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.budget_windows SET spent = $4, leased = $5, unexplained = $6
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3";
    sqlx::query(update)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(standing.spent.nanos())
        .bind(standing.leased.nanos())
        .bind(standing.unexplained.nanos())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Writes a locked lease.
pub(crate) async fn save_lease(
    connection: &mut Connection,
    at: &WindowKey,
    held: &Held,
) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.leases SET amount = $5, used = $6, expires = $7, expired = $8
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3 AND node = $4";
    sqlx::query(update)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(held.lease.node.to_string())
        .bind(held.lease.amount.nanos())
        .bind(held.lease.used.nanos())
        .bind(held.lease.expires.0)
        .bind(held.expired)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Locks a lease with its window, and changes both by one of the rules in [`store::accounts`]. `None` if
/// there is no such lease.
pub(crate) async fn change<T>(
    connection: &mut Connection,
    at: &WindowKey,
    node: NodeId,
    rule: impl FnOnce(&mut Standing, &mut Held) -> T,
) -> Result<Option<T>, StoreError> {
    let Some(mut standing) = lock(connection, at).await? else {
        return Ok(None);
    };
    let Some(mut held) = lock_lease(connection, at, node).await? else {
        return Ok(None);
    };
    let outcome = rule(&mut standing, &mut held);
    save_standing(connection, at, &standing).await?;
    save_lease(connection, at, &held).await?;
    Ok(Some(outcome))
}
