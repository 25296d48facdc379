//! Rows of budget windows and leases, locked while they are changed: first the window, then its lease, and
//! several windows in the order of their keys, so that no two transactions wait for each other.

use domain::{BudgetId, Money, NodeId, TenantId, UnixMillis};
use ledger::{Budget, Lease, Standing};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::accounts::{self, Held};
use store::{StoreError, row};

use crate::budgets::read_budget;
use crate::connection::{Connection, fault};
use crate::marks;

/// Which window of which budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WindowKey {
    pub(crate) tenant: TenantId,
    pub(crate) budget: BudgetId,
    pub(crate) start: UnixMillis,
}

/// The window's budget; its row is made if it is not there. `None` if the tenant has no such budget.
pub(crate) async fn open(connection: &mut Connection, at: &WindowKey) -> Result<Option<Budget>, StoreError> {
    let select = "SELECT b.budget, b.tenant, b.name, b.limit_nanos, b.scope, b.period, b.terms,
                         w.window_start IS NOT NULL AS is_open
                  FROM bartizan.budgets AS b
                  LEFT JOIN bartizan.budget_windows AS w
                      ON w.tenant = b.tenant AND w.budget = b.budget AND w.window_start = $3
                  WHERE b.tenant = $1 AND b.budget = $2";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let budget = read_budget(&row)?.of_window(at.start);
    if !row.try_get("is_open").map_err(fault)? {
        make(connection, &budget, at).await?;
    }
    Ok(Some(budget))
}

/// Makes the window's row, with what is carried into it. Who opens it locks the window before it first: of several
/// at once, one decides what is carried, and the others find the row.
// threat: AGP-D1
async fn make(connection: &mut Connection, budget: &Budget, at: &WindowKey) -> Result<(), StoreError> {
    let Some(start) = budget.carries_from(at.start) else {
        insert(connection, at, Money::ZERO).await?;
        return Ok(());
    };
    let before = WindowKey { start, ..*at };
    insert(connection, &before, Money::ZERO).await?;
    let mut standing = lock(connection, &before).await?.ok_or(StoreError::NotFound)?;
    let opened = accounts::open(budget, &mut standing);
    if insert(connection, at, opened.carried).await? {
        save_standing(connection, &before, &standing).await?;
    }
    Ok(())
}

/// How a window would stand that nobody has opened yet.
pub(crate) async fn to_be_opened(
    connection: &mut Connection,
    budget: &Budget,
    at: &WindowKey,
) -> Result<Standing, StoreError> {
    let Some(start) = budget.carries_from(at.start) else {
        return Ok(Standing::default());
    };
    let select = "SELECT spent, leased, unexplained, carried FROM bartizan.budget_windows
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(start.0)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    let before = row.as_ref().map(read_standing).transpose()?;
    Ok(accounts::open(budget, &mut before.unwrap_or_default()))
}

/// Whether the row was not there.
async fn insert(connection: &mut Connection, at: &WindowKey, carried: Money) -> Result<bool, StoreError> {
    let insert = "INSERT INTO bartizan.budget_windows (tenant, budget, window_start, carried)
                  SELECT tenant, budget, $3, $4 FROM bartizan.budgets WHERE tenant = $1 AND budget = $2
                  ON CONFLICT DO NOTHING";
    let done = sqlx::query(insert)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(carried.nanos())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

/// Until the end of the transaction nobody else is granted anything of the budget: what the buckets of a rolling
/// window hold together is looked at, and then one of them grows.
// threat: AGP-D1
pub(crate) async fn alone(connection: &mut Connection, at: &WindowKey) -> Result<(), StoreError> {
    let lock = "SELECT 1 FROM bartizan.budgets WHERE tenant = $1 AND budget = $2 FOR NO KEY UPDATE";
    sqlx::query(lock)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Notes that a node asks for a session's window now. Its row must be locked.
pub(crate) async fn touch(
    connection: &mut Connection,
    at: &WindowKey,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.budget_windows SET touched = greatest(touched, $4)
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3";
    sqlx::query(update)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(now.0)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// How the buckets stand that lie in a rolling window with this one, without itself.
pub(crate) async fn beside(
    connection: &mut Connection,
    budget: &Budget,
    at: &WindowKey,
) -> Result<Standing, StoreError> {
    let Some(rolling) = budget.terms.rolling else {
        return Ok(Standing::default());
    };
    let select = "SELECT least(coalesce(sum(spent), 0), 9223372036854775807)::bigint AS spent,
                         least(coalesce(sum(leased), 0), 9223372036854775807)::bigint AS leased,
                         least(coalesce(sum(unexplained), 0), 9223372036854775807)::bigint AS unexplained,
                         0::bigint AS carried
                  FROM bartizan.budget_windows
                  WHERE tenant = $1 AND budget = $2 AND window_start BETWEEN $4 AND $5 AND window_start <> $3";
    let (first, last) = rolling.beside(at.start);
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(first.0)
        .bind(last.0)
        .fetch_one(connection)
        .await
        .map_err(fault)?;
    read_standing(&row)
}

/// A locked window that is about to be charged, and its budget.
#[derive(Debug)]
pub(crate) struct Charged {
    pub(crate) standing: Standing,
    pub(crate) budget: Budget,
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
    open(connection, at).await?;
    lock_with_budget(connection, at).await
}

async fn lock_with_budget(
    connection: &mut Connection,
    at: &WindowKey,
) -> Result<Option<Charged>, StoreError> {
    let select = "SELECT w.spent, w.leased, w.unexplained, w.carried, w.reached,
                         b.budget, b.tenant, b.name, b.limit_nanos, b.scope, b.period, b.terms
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
            budget: read_budget(&row)?.of_window(at.start),
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
    let select = "SELECT spent, leased, unexplained, carried FROM bartizan.budget_windows
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
        carried: money("carried")?,
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
    let update = "UPDATE bartizan.budget_windows SET spent = $4, leased = $5, unexplained = $6, carried = $7
                  WHERE tenant = $1 AND budget = $2 AND window_start = $3";
    sqlx::query(update)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(standing.spent.nanos())
        .bind(standing.leased.nanos())
        .bind(standing.unexplained.nanos())
        .bind(standing.carried.nanos())
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
