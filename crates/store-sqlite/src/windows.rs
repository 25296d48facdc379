//! Rows of budget windows and leases, read and written under the write lock.

use domain::{BudgetId, Money, NodeId, TenantId, UnixMillis};
use ledger::{Budget, Lease, Standing};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::accounts::{self, Held};
use store::{StoreError, row};

use crate::budgets::read_budget;
use crate::connection::{Connection, fault};

/// Which window of which budget.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowKey {
    pub(crate) tenant: TenantId,
    pub(crate) budget: BudgetId,
    pub(crate) start: UnixMillis,
}

/// A budget in one of its windows, and what one node holds of it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) budget: Budget,
    /// The highest mark that is known to be reached.
    pub(crate) reached: u8,
    pub(crate) standing: Standing,
    pub(crate) held: Option<Held>,
}

/// All there is to know before a node may grow its lease or be charged, in one statement. `None` if the
/// tenant has no such budget.
pub(crate) async fn account(
    connection: &mut Connection,
    at: &WindowKey,
    node: NodeId,
) -> Result<Option<Account>, StoreError> {
    let select = "SELECT b.limit_nanos, b.terms, b.tenant, b.budget, b.name, b.scope, b.period,
                         ?3 AS window_start, w.window_start IS NOT NULL AS is_open,
                         coalesce(w.reached, 0) AS reached, coalesce(w.carried, 0) AS carried,
                         coalesce(w.spent, 0) AS spent, coalesce(w.leased, 0) AS leased,
                         coalesce(w.unexplained, 0) AS unexplained,
                         l.node, l.amount, l.used, l.expires, l.expired
                  FROM budgets AS b
                  LEFT JOIN budget_windows AS w
                      ON w.tenant = b.tenant AND w.budget = b.budget AND w.window_start = ?3
                  LEFT JOIN leases AS l
                      ON l.tenant = b.tenant AND l.budget = b.budget AND l.window_start = ?3 AND l.node = ?4
                  WHERE b.tenant = ?1 AND b.budget = ?2";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(node.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut account = read_account(&row)?;
    account.budget = account.budget.of_window(at.start);
    if !row.try_get::<bool, _>("is_open").map_err(fault)? {
        account.standing = opened(connection, &account.budget, at).await?;
    }
    Ok(Some(account))
}

/// A window that is opened now, with what is carried into it. Both windows are written with what follows.
async fn opened(
    connection: &mut Connection,
    budget: &Budget,
    at: &WindowKey,
) -> Result<Standing, StoreError> {
    let Some(start) = budget.carries_from(at.start) else {
        return Ok(Standing::default());
    };
    let before = WindowKey { start, ..*at };
    let mut standing = standing(connection, &before).await?;
    let opened = accounts::open(budget, &mut standing);
    save_standing(connection, &before, &standing).await?;
    Ok(opened)
}

/// Notes that a node asks for a session's window now. Its row must be there.
pub(crate) async fn touch(
    connection: &mut Connection,
    at: &WindowKey,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let update = "UPDATE budget_windows SET touched = max(touched, ?)
                  WHERE tenant = ? AND budget = ? AND window_start = ?";
    sqlx::query(update)
        .bind(now.0)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
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
    let select = "SELECT coalesce(sum(spent), 0) AS spent, coalesce(sum(leased), 0) AS leased,
                         coalesce(sum(unexplained), 0) AS unexplained, 0 AS carried FROM budget_windows
                  WHERE tenant = ? AND budget = ? AND window_start BETWEEN ? AND ? AND window_start <> ?";
    let (first, last) = rolling.beside(at.start);
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(first.0)
        .bind(last.0)
        .bind(at.start.0)
        .fetch_one(connection)
        .await
        .map_err(fault)?;
    read_standing(&row).map_err(fault)
}

fn read_account(row: &SqliteRow) -> Result<Account, StoreError> {
    let node: Option<&str> = row.try_get("node").map_err(fault)?;
    Ok(Account {
        budget: read_budget(row)?,
        reached: row.try_get("reached").map_err(fault)?,
        standing: read_standing(row).map_err(fault)?,
        held: node.map(|_| read_lease(row)).transpose()?.map(|(_, held)| held),
    })
}

/// The tenant's budget, or `NotFound`.
pub(crate) async fn budget(
    connection: &mut Connection,
    tenant: TenantId,
    budget: BudgetId,
) -> Result<Budget, StoreError> {
    let select = "SELECT budget, tenant, name, limit_nanos, scope, period, terms FROM budgets
                  WHERE budget = ? AND tenant = ?";
    let row = sqlx::query(select)
        .bind(budget.to_string())
        .bind(tenant.to_string())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    read_budget(&row.ok_or(StoreError::NotFound)?)
}

/// How the window stands; nothing at all if nobody has touched it.
pub(crate) async fn standing(connection: &mut Connection, at: &WindowKey) -> Result<Standing, StoreError> {
    let select = "SELECT spent, leased, unexplained, carried FROM budget_windows
                  WHERE tenant = ? AND budget = ? AND window_start = ?";
    let row = sqlx::query(select)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    row.map_or_else(
        || Ok(Standing::default()),
        |row| read_standing(&row).map_err(fault),
    )
}

/// How a window stands, or would stand if it were opened now.
pub(crate) async fn standing_of(
    connection: &mut Connection,
    budget: &Budget,
    at: &WindowKey,
) -> Result<Standing, StoreError> {
    let own = standing(connection, at).await?;
    let Some(start) = budget
        .carries_from(at.start)
        .filter(|_| own == Standing::default())
    else {
        return Ok(own);
    };
    let is_open = "SELECT 1 FROM budget_windows WHERE tenant = ? AND budget = ? AND window_start = ?";
    let row = sqlx::query(is_open)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    if row.is_some() {
        return Ok(own);
    }
    let mut before = standing(connection, &WindowKey { start, ..*at }).await?;
    Ok(accounts::open(budget, &mut before))
}

fn read_standing(row: &SqliteRow) -> Result<Standing, sqlx::Error> {
    let money = |column| row.try_get(column).map(Money::from_nanos);
    Ok(Standing {
        spent: money("spent")?,
        leased: money("leased")?,
        unexplained: money("unexplained")?,
        carried: money("carried")?,
    })
}

/// The node's lease, if it has one.
pub(crate) async fn lease(
    connection: &mut Connection,
    at: &WindowKey,
    node: NodeId,
) -> Result<Option<Held>, StoreError> {
    let select = "SELECT tenant, budget, window_start, node, amount, used, expires, expired FROM leases
                  WHERE tenant = ? AND budget = ? AND window_start = ? AND node = ?";
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
pub(crate) fn read_lease(row: &SqliteRow) -> Result<(WindowKey, Held), StoreError> {
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
            expired: number("expired")? != 0,
        },
    ))
}

/// Writes how the window stands.
pub(crate) async fn save_standing(
    connection: &mut Connection,
    at: &WindowKey,
    standing: &Standing,
) -> Result<(), StoreError> {
    let upsert =
        "INSERT INTO budget_windows (tenant, budget, window_start, spent, leased, unexplained, carried)
                  VALUES (?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (tenant, budget, window_start) DO UPDATE
                  SET spent = excluded.spent, leased = excluded.leased, unexplained = excluded.unexplained,
                      carried = excluded.carried";
    sqlx::query(upsert)
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

/// Writes a lease; its window's row must be there.
pub(crate) async fn save_lease(
    connection: &mut Connection,
    at: &WindowKey,
    held: &Held,
) -> Result<(), StoreError> {
    let upsert = "INSERT INTO leases (tenant, budget, window_start, node, amount, used, expires, expired)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (tenant, budget, window_start, node) DO UPDATE
                  SET amount = excluded.amount, used = excluded.used,
                      expires = excluded.expires, expired = excluded.expired";
    sqlx::query(upsert)
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

/// Changes a lease and its window together by one of the rules in [`store::accounts`].
pub(crate) async fn change(
    connection: &mut Connection,
    at: &WindowKey,
    mut held: Held,
    rule: impl FnOnce(&mut Standing, &mut Held),
) -> Result<(), StoreError> {
    let mut standing = standing(connection, at).await?;
    rule(&mut standing, &mut held);
    save_standing(connection, at, &standing).await?;
    save_lease(connection, at, &held).await
}
