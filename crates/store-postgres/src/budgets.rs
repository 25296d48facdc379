//! Budgets as people change them, what is taken from them, and how they stand.

use async_trait::async_trait;
use domain::{BudgetId, Money, NodeId, TenantScope, UnixMillis};
use ledger::{Budget, Charge, Lease, Standing};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::accounts;
use store::{Budgets, LeaseAnswer, LeaseWish, MarkDue, StoreError, row};

use crate::connection::{Connection, fault};
use crate::windows::{self, WindowKey};
use crate::{PostgresStore, marks};

#[async_trait]
impl Budgets for PostgresStore {
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        self.bounded(self.budgets_of(scope)).await
    }

    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        self.bounded(self.grow(scope, wish)).await
    }

    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError> {
        self.bounded(self.shrink(scope, lease, amount)).await
    }

    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        self.renew(node, expires).await
    }

    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.expire(now).await
    }

    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        self.close_all(node).await
    }

    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        window_start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        self.bounded(self.standing_of(scope, budget, window_start)).await
    }

    async fn forget_sessions(&self, before: UnixMillis) -> Result<u64, StoreError> {
        self.bounded(self.forget(before)).await
    }

    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError> {
        let due = async {
            let mut moment = self.as_node().await?;
            marks::due(&mut moment).await
        };
        self.bounded(due).await
    }
}

impl PostgresStore {
    async fn budgets_of(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        let select = "SELECT budget, tenant, name, limit_nanos, scope, period, terms FROM bartizan.budgets
                      WHERE tenant = $1 ORDER BY budget";
        let mut transaction = self.as_tenant(scope).await?;
        let select = sqlx::query(select).bind(scope.tenant().to_string());
        select
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?
            .iter()
            .map(read_budget)
            .collect()
    }

    async fn standing_of(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        let select = "SELECT b.budget, b.tenant, b.name, b.limit_nanos, b.scope, b.period, b.terms,
                             w.window_start IS NOT NULL AS is_open, coalesce(w.spent, 0) AS spent, coalesce(w.leased, 0) AS leased,
                             coalesce(w.unexplained, 0) AS unexplained, coalesce(w.carried, 0) AS carried
                      FROM bartizan.budgets AS b
                      LEFT JOIN bartizan.budget_windows AS w
                          ON w.tenant = b.tenant AND w.budget = b.budget AND w.window_start = $3
                      WHERE b.tenant = $1 AND b.budget = $2";
        let mut transaction = self.as_tenant(scope).await?;
        let row = sqlx::query(select)
            .bind(scope.tenant().to_string())
            .bind(budget.to_string())
            .bind(start.0)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fault)?;
        let row = row.ok_or(StoreError::NotFound)?;
        let at = WindowKey {
            tenant: scope.tenant(),
            budget,
            start,
        };
        let budget = read_budget(&row)?.of_window(start);
        let others = windows::beside(&mut transaction, &budget, &at).await?;
        let own = if row.try_get("is_open").map_err(fault)? {
            windows::read_standing(&row)?
        } else {
            windows::to_be_opened(&mut transaction, &budget, &at).await?
        };
        Ok(accounts::sum([&own, &others]))
    }
}

/// Adds a budget, or replaces the limit and name of the tenant's own. First it is added: a replica that adds
/// the same budget meanwhile is waited for, and its row is there to be changed then.
pub(crate) async fn put(connection: &mut Connection, budget: &Budget) -> Result<(), StoreError> {
    let insert = "INSERT INTO bartizan.budgets (budget, tenant, name, limit_nanos, scope, period, terms)
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let done = sqlx::query(insert)
        .bind(budget.id.to_string())
        .bind(budget.tenant.to_string())
        .bind(&budget.name)
        .bind(budget.limit.nanos())
        .bind(row::encode(&budget.scope)?)
        .bind(row::encode(&budget.window)?)
        .bind(row::encode(&budget.terms)?)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let update = "UPDATE bartizan.budgets SET name = $3, limit_nanos = $4 WHERE budget = $1 AND tenant = $2";
    let done = sqlx::query(update)
        .bind(budget.id.to_string())
        .bind(budget.tenant.to_string())
        .bind(&budget.name)
        .bind(budget.limit.nanos())
        .execute(connection)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict("a budget of that id exists".to_owned()));
    }
    Ok(())
}

pub(crate) async fn replace(
    connection: &mut Connection,
    before: &Budget,
    after: &Budget,
) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.budgets SET name = $1, limit_nanos = $2, terms = $7
                  WHERE budget = $3 AND tenant = $4 AND name = $5 AND limit_nanos = $6 AND terms = $8";
    let done = sqlx::query(update)
        .bind(&after.name)
        .bind(after.limit.nanos())
        .bind(before.id.to_string())
        .bind(before.tenant.to_string())
        .bind(&before.name)
        .bind(before.limit.nanos())
        .bind(row::encode(&after.terms)?)
        .bind(row::encode(&before.terms)?)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let stored = sqlx::query("SELECT 1 FROM bartizan.budgets WHERE budget = $1 AND tenant = $2")
        .bind(before.id.to_string())
        .bind(before.tenant.to_string())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    Err(stored.map_or(StoreError::NotFound, |_| {
        StoreError::Conflict("it changed meanwhile".to_owned())
    }))
}

pub(crate) async fn delete(
    connection: &mut Connection,
    scope: &TenantScope,
    budget: BudgetId,
) -> Result<(), StoreError> {
    let done = sqlx::query("DELETE FROM bartizan.budgets WHERE budget = $1 AND tenant = $2")
        .bind(budget.to_string())
        .bind(scope.tenant().to_string())
        .execute(connection)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// Takes what entries cost from the tenant's budgets; charges on budgets that are gone are nobody's.
pub(crate) async fn charge_all(
    connection: &mut Connection,
    scope: &TenantScope,
    node: NodeId,
    charges: impl IntoIterator<Item = &Charge> + Send,
) -> Result<(), StoreError> {
    for ((budget, start), amount) in accounts::totals(charges) {
        let at = WindowKey {
            tenant: scope.tenant(),
            budget,
            start,
        };
        let Some(windows::Charged {
            mut standing,
            budget,
            reached: before,
        }) = windows::lock_charged(connection, &at).await?
        else {
            continue;
        };
        let mut held = windows::lock_lease(connection, &at, node).await?;
        accounts::charge(&mut standing, held.as_mut(), amount);
        windows::save_standing(connection, &at, &standing).await?;
        if let Some(held) = held {
            windows::save_lease(connection, &at, &held).await?;
        }
        let reached = budget.terms.reached(standing.spent, budget.limit);
        if reached > before {
            marks::reach(connection, &at, reached).await?;
        }
    }
    Ok(())
}

pub(crate) fn read_budget(row: &PgRow) -> Result<Budget, StoreError> {
    let text = |column| row.try_get::<&str, _>(column).map_err(fault);
    Ok(Budget {
        id: row::id(text("budget")?)?,
        tenant: row::id(text("tenant")?)?,
        scope: row::decode(text("scope")?)?,
        name: text("name")?.to_owned(),
        limit: Money::from_nanos(row.try_get("limit_nanos").map_err(fault)?),
        window: row::decode(text("period")?)?,
        terms: row::decode(text("terms")?)?,
    })
}
