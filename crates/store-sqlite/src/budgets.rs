//! Budgets, and the leases cut from them.

use async_trait::async_trait;
use domain::{BudgetId, Money, NodeId, TenantScope, UnixMillis};
use ledger::{Budget, Charge, Lease, Standing, is_session_window};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::accounts::{self, Held};
use store::{Budgets, LeaseAnswer, LeaseWish, MarkDue, StoreError, row};

use crate::connection::{Connection, commit, fault};
use crate::windows::{self, WindowKey};
use crate::{SqliteStore, marks};

#[async_trait]
impl Budgets for SqliteStore {
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        let select = "SELECT budget, tenant, name, limit_nanos, scope, period, terms FROM budgets
                      WHERE tenant = ? ORDER BY budget";
        let select = sqlx::query(select).bind(scope.tenant().to_string());
        select
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?
            .iter()
            .map(read_budget)
            .collect()
    }

    // threat: AGP-D1
    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        let at = WindowKey {
            tenant: scope.tenant(),
            budget: wish.budget,
            start: wish.window_start,
        };
        let mut transaction = self.write().await?;
        let account = windows::account(&mut transaction, &at, wish.node).await?;
        let mut account = account.ok_or(StoreError::NotFound)?;
        let mut held = account.held.unwrap_or(Held::new(wish));
        let others = windows::beside(&mut transaction, &account.budget, &at).await?;
        let limit = accounts::limit(&account.budget, wish.at, others.taken());
        let answer = accounts::grow(&mut account.standing, limit, &mut held, wish);
        if matches!(answer, LeaseAnswer::Granted { .. }) {
            windows::save_standing(&mut transaction, &at, &account.standing).await?;
            windows::save_lease(&mut transaction, &at, &held).await?;
            if is_session_window(at.start) {
                windows::touch(&mut transaction, &at, wish.at).await?;
            }
            commit(transaction).await?;
        }
        Ok(answer)
    }

    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError> {
        let at = WindowKey {
            tenant: scope.tenant(),
            budget: lease.budget,
            start: lease.window_start,
        };
        let mut transaction = self.write().await?;
        let held = windows::lease(&mut transaction, &at, lease.node)
            .await?
            .ok_or(StoreError::NotFound)?;
        let mut back = Money::ZERO;
        let rule = |standing: &mut _, held: &mut _| back = accounts::shrink(standing, held, amount);
        windows::change(&mut transaction, &at, held, rule).await?;
        commit(transaction).await?;
        Ok(back)
    }

    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        sqlx::query("UPDATE leases SET expires = ? WHERE node = ? AND expired = 0 AND amount > used")
            .bind(expires.0)
            .bind(node.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        for (at, held) in expired_of(&mut transaction, node).await? {
            let rule = |standing: &mut _, held: &mut _| accounts::revive(standing, held, expires);
            windows::change(&mut transaction, &at, held, rule).await?;
        }
        commit(transaction).await
    }

    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let select = "SELECT tenant, budget, window_start, node, amount, used, expires, expired FROM leases
                      WHERE expired = 0 AND amount > used AND expires < ?";
        let mut transaction = self.write().await?;
        let due = sqlx::query(select)
            .bind(now.0)
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        for row in &due {
            let (at, held) = windows::read_lease(row)?;
            windows::change(&mut transaction, &at, held, accounts::expire).await?;
        }
        commit(transaction).await?;
        Ok(due.len() as u64)
    }

    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        let delete = "DELETE FROM leases WHERE node = ?
                      RETURNING tenant, budget, window_start, node, amount, used, expires, expired";
        let mut transaction = self.write().await?;
        let delete = sqlx::query(delete).bind(node.to_string());
        let rows = delete.fetch_all(&mut *transaction).await.map_err(fault)?;
        let mut closed = Vec::with_capacity(rows.len());
        for row in &rows {
            let (at, held) = windows::read_lease(row)?;
            let mut standing = windows::standing(&mut transaction, &at).await?;
            accounts::close(&mut standing, &held);
            windows::save_standing(&mut transaction, &at, &standing).await?;
            closed.push(held.lease);
        }
        commit(transaction).await?;
        Ok(closed)
    }

    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        window_start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        let mut moment = self.read().await?;
        let found = windows::budget(&mut moment, scope.tenant(), budget).await?;
        let found = found.of_window(window_start);
        let at = WindowKey {
            tenant: scope.tenant(),
            budget,
            start: window_start,
        };
        let others = windows::beside(&mut moment, &found, &at).await?;
        let own = windows::standing_of(&mut moment, &found, &at).await?;
        Ok(accounts::sum([&own, &others]))
    }

    async fn forget_sessions(&self, before: UnixMillis) -> Result<u64, StoreError> {
        // Leases go with their window.
        let delete = "DELETE FROM budget_windows WHERE window_start < -4611686018427387904
                      AND leased = 0 AND unexplained = 0 AND touched < ?";
        let mut transaction = self.write().await?;
        let delete = sqlx::query(delete).bind(before.0);
        let done = delete.execute(&mut *transaction).await.map_err(fault)?;
        commit(transaction).await?;
        Ok(done.rows_affected())
    }

    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError> {
        let mut moment = self.read().await?;
        marks::due(&mut moment).await
    }
}

async fn expired_of(connection: &mut Connection, node: NodeId) -> Result<Vec<(WindowKey, Held)>, StoreError> {
    let select = "SELECT tenant, budget, window_start, node, amount, used, expires, expired FROM leases
                  WHERE node = ? AND expired = 1";
    let rows = sqlx::query(select)
        .bind(node.to_string())
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.iter().map(windows::read_lease).collect()
}

/// Adds a budget, or replaces the limit and name of the tenant's own.
pub(crate) async fn put(connection: &mut Connection, budget: &Budget) -> Result<(), StoreError> {
    let upsert = "INSERT INTO budgets (budget, tenant, name, limit_nanos, scope, period, terms)
                  VALUES (?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (tenant, budget) DO UPDATE
                  SET name = excluded.name, limit_nanos = excluded.limit_nanos";
    sqlx::query(upsert)
        .bind(budget.id.to_string())
        .bind(budget.tenant.to_string())
        .bind(&budget.name)
        .bind(budget.limit.nanos())
        .bind(row::encode(&budget.scope)?)
        .bind(row::encode(&budget.window)?)
        .bind(row::encode(&budget.terms)?)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(crate) async fn replace(
    connection: &mut Connection,
    before: &Budget,
    after: &Budget,
) -> Result<(), StoreError> {
    let update = "UPDATE budgets SET name = ?, limit_nanos = ?, terms = ?
                  WHERE budget = ? AND tenant = ? AND name = ? AND limit_nanos = ? AND terms = ?";
    let done = sqlx::query(update)
        .bind(&after.name)
        .bind(after.limit.nanos())
        .bind(row::encode(&after.terms)?)
        .bind(before.id.to_string())
        .bind(before.tenant.to_string())
        .bind(&before.name)
        .bind(before.limit.nanos())
        .bind(row::encode(&before.terms)?)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let stored = sqlx::query("SELECT 1 FROM budgets WHERE budget = ? AND tenant = ?")
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
    let done = sqlx::query("DELETE FROM budgets WHERE budget = ? AND tenant = ?")
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
    charges: impl IntoIterator<Item = &Charge>,
) -> Result<(), StoreError> {
    for ((budget, start), amount) in accounts::totals(charges) {
        let at = WindowKey {
            tenant: scope.tenant(),
            budget,
            start,
        };
        let Some(mut account) = windows::account(connection, &at, node).await? else {
            continue;
        };
        accounts::charge(&mut account.standing, account.held.as_mut(), amount);
        windows::save_standing(connection, &at, &account.standing).await?;
        let budget = &account.budget;
        let reached = budget.terms.reached(account.standing.spent, budget.limit);
        if reached > account.reached {
            marks::reach(connection, &at, reached).await?;
        }
        if let Some(held) = account.held {
            windows::save_lease(connection, &at, &held).await?;
        }
    }
    Ok(())
}

pub(crate) fn read_budget(row: &SqliteRow) -> Result<Budget, StoreError> {
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
