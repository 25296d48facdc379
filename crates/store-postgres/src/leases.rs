//! Leases: grown and shrunk for a tenant; renewed, expired and closed for a node.

use domain::{Money, NodeId, TenantScope, UnixMillis};
use ledger::{Lease, is_session_window};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::accounts::{self, Held};
use store::{LeaseAnswer, LeaseWish, StoreError, row};

use crate::PostgresStore;
use crate::connection::{Connection, commit, fault};
use crate::windows::{self, WindowKey};

impl PostgresStore {
    pub(crate) async fn grow(
        &self,
        scope: &TenantScope,
        wish: &LeaseWish,
    ) -> Result<LeaseAnswer, StoreError> {
        let at = WindowKey {
            tenant: scope.tenant(),
            budget: wish.budget,
            start: wish.window_start,
        };
        let mut transaction = self.as_tenant(scope).await?;
        let budget = windows::open(&mut transaction, &at).await?;
        let budget = budget.ok_or(StoreError::NotFound)?;
        if budget.terms.rolling.is_some() {
            windows::alone(&mut transaction, &at).await?;
        }
        let others = windows::beside(&mut transaction, &budget, &at).await?;
        let limit = accounts::limit(&budget, wish.at, others.taken());
        match grant(&mut transaction, &at, wish, limit).await? {
            None => exhausted(&mut transaction, &at, wish.node, limit).await,
            Some(granted) => {
                bring_back(&mut transaction, &at, wish.node).await?;
                let lease = book(&mut transaction, &at, wish, granted).await?;
                if is_session_window(at.start) {
                    windows::touch(&mut transaction, &at, wish.at).await?;
                }
                commit(transaction).await?;
                Ok(LeaseAnswer::Granted { granted, lease })
            }
        }
    }

    pub(crate) async fn shrink(
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
        let mut transaction = self.as_tenant(scope).await?;
        let rule = |standing: &mut _, held: &mut _| accounts::shrink(standing, held, amount);
        let back = windows::change(&mut transaction, &at, lease.node, rule).await?;
        let back = back.ok_or(StoreError::NotFound)?;
        commit(transaction).await?;
        Ok(back)
    }

    /// First the leases that live, in one statement; then those that had expired, window by window.
    pub(crate) async fn renew(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        self.bounded(self.renew_living(node, expires)).await?;
        let select = "SELECT tenant, budget, window_start, node FROM bartizan.leases
                      WHERE expired AND node = $1 ORDER BY tenant, budget, window_start";
        let select = sqlx::query(select).bind(node.to_string());
        for (at, node) in self.bounded(self.keys_by(select)).await? {
            let rule = |standing: &mut _, held: &mut _| accounts::revive(standing, held, expires);
            self.bounded(self.change_one(&at, node, rule)).await?;
        }
        Ok(())
    }

    /// Window by window: each lease is looked at again under its lock, since its node may just have renewed.
    pub(crate) async fn expire(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let select = "SELECT tenant, budget, window_start, node FROM bartizan.leases
                      WHERE NOT expired AND amount > used AND expires < $1
                      ORDER BY tenant, budget, window_start";
        let mut count = 0;
        for (at, node) in self
            .bounded(self.keys_by(sqlx::query(select).bind(now.0)))
            .await?
        {
            let rule = |standing: &mut _, held: &mut Held| {
                let due = held.is_due(now);
                if due {
                    accounts::expire(standing, held);
                }
                due
            };
            count += u64::from(
                self.bounded(self.change_one(&at, node, rule))
                    .await?
                    .unwrap_or(false),
            );
        }
        Ok(count)
    }

    pub(crate) async fn close_all(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        let select = "SELECT tenant, budget, window_start, node FROM bartizan.leases
                      WHERE node = $1 ORDER BY tenant, budget, window_start";
        let select = sqlx::query(select).bind(node.to_string());
        let mut closed = Vec::new();
        for (at, node) in self.bounded(self.keys_by(select)).await? {
            closed.extend(self.bounded(self.close_one(&at, node)).await?);
        }
        Ok(closed)
    }

    /// As the node's role: which rows go is the policy `node_forgets`, and their leases go with them. Where row security
    /// is not in force none go at all.
    pub(crate) async fn forget(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let mut transaction = self.as_node().await?;
        sqlx::query("SELECT set_config('app.sweep_until', $1, true)")
            .bind(before.0.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        let delete = "DELETE FROM bartizan.budget_windows
                      WHERE pg_catalog.row_security_active('bartizan.budget_windows')";
        let done = sqlx::query(delete)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await?;
        Ok(done.rows_affected())
    }

    /// Locks in the order of keys, as everyone does.
    async fn renew_living(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        let lock = "SELECT 1 FROM bartizan.leases WHERE node = $1 AND NOT expired AND amount > used
                    ORDER BY tenant, budget, window_start FOR UPDATE";
        let update =
            "UPDATE bartizan.leases SET expires = $2 WHERE node = $1 AND NOT expired AND amount > used";
        let mut transaction = self.as_node().await?;
        sqlx::query(lock)
            .bind(node.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        let update = sqlx::query(update).bind(node.to_string()).bind(expires.0);
        update.execute(&mut *transaction).await.map_err(fault)?;
        commit(transaction).await
    }

    async fn keys_by(&self, select: Query<'_>) -> Result<Vec<(WindowKey, NodeId)>, StoreError> {
        let mut transaction = self.as_node().await?;
        let rows = select.fetch_all(&mut *transaction).await.map_err(fault)?;
        rows.iter().map(read_key).collect()
    }

    async fn change_one<T>(
        &self,
        at: &WindowKey,
        node: NodeId,
        rule: impl FnOnce(&mut ledger::Standing, &mut Held) -> T,
    ) -> Result<Option<T>, StoreError> {
        let mut transaction = self.as_node().await?;
        let outcome = windows::change(&mut transaction, at, node, rule).await?;
        commit(transaction).await?;
        Ok(outcome)
    }

    async fn close_one(&self, at: &WindowKey, node: NodeId) -> Result<Option<Lease>, StoreError> {
        let delete = "DELETE FROM bartizan.leases
                      WHERE tenant = $1 AND budget = $2 AND window_start = $3 AND node = $4";
        let mut transaction = self.as_node().await?;
        let Some(mut standing) = windows::lock(&mut transaction, at).await? else {
            return Ok(None);
        };
        let Some(held) = windows::lock_lease(&mut transaction, at, node).await? else {
            return Ok(None);
        };
        accounts::close(&mut standing, &held);
        windows::save_standing(&mut transaction, at, &standing).await?;
        let delete = bind(sqlx::query(delete), at, node);
        delete.execute(&mut *transaction).await.map_err(fault)?;
        commit(transaction).await?;
        Ok(Some(held.lease))
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind<'q>(query: Query<'q>, at: &WindowKey, node: NodeId) -> Query<'q> {
    query
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(node.to_string())
}

fn read_key(row: &PgRow) -> Result<(WindowKey, NodeId), StoreError> {
    let text = |column| row.try_get::<&str, _>(column).map_err(fault);
    let at = WindowKey {
        tenant: row::id(text("tenant")?)?,
        budget: row::id(text("budget")?)?,
        start: UnixMillis(row.try_get("window_start").map_err(fault)?),
    };
    Ok((at, row::id(text("node")?)?))
}

/// The one conditional update: it decides and books in the same statement, on the newest version of the
/// row, so no two nodes are granted the same money. `None` if too little is left.
// threat: AGP-D1
// threat: ANP-0004
async fn grant(
    connection: &mut Connection,
    at: &WindowKey,
    wish: &LeaseWish,
    limit: Money,
) -> Result<Option<Money>, StoreError> {
    let update = "UPDATE bartizan.budget_windows AS w
        SET leased = w.leased + least($5, bartizan.room_with($6, w.carried, w.spent, w.leased, w.unexplained)),
            last_grant = least($5, bartizan.room_with($6, w.carried, w.spent, w.leased, w.unexplained))
        WHERE w.tenant = $1 AND w.budget = $2 AND w.window_start = $3
          AND bartizan.room_with($6, w.carried, w.spent, w.leased, w.unexplained) >= $4
        RETURNING w.last_grant";
    let (at_least, wanted) = accounts::bounds(wish);
    let granted = sqlx::query_scalar(update)
        .bind(at.tenant.to_string())
        .bind(at.budget.to_string())
        .bind(at.start.0)
        .bind(at_least.nanos())
        .bind(wanted.nanos())
        .bind(limit.nanos())
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    Ok(granted.map(Money::from_nanos))
}

/// Counts the node's own lease as leased again if it had expired. The window is locked.
async fn bring_back(connection: &mut Connection, at: &WindowKey, node: NodeId) -> Result<(), StoreError> {
    let update = "WITH revived AS (
            UPDATE bartizan.leases SET expired = false
            WHERE tenant = $1 AND budget = $2 AND window_start = $3 AND node = $4 AND expired
            RETURNING amount - used AS remainder)
        UPDATE bartizan.budget_windows AS w
        SET leased = w.leased + revived.remainder, unexplained = w.unexplained - revived.remainder
        FROM revived WHERE w.tenant = $1 AND w.budget = $2 AND w.window_start = $3";
    bind(sqlx::query(update), at, node)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Writes what was granted into the node's lease.
async fn book(
    connection: &mut Connection,
    at: &WindowKey,
    wish: &LeaseWish,
    granted: Money,
) -> Result<Lease, StoreError> {
    let upsert = "INSERT INTO bartizan.leases AS l
            (tenant, budget, window_start, node, amount, used, expires) VALUES ($1, $2, $3, $4, $5, 0, $6)
        ON CONFLICT (tenant, budget, window_start, node) DO UPDATE
        SET amount = l.amount + excluded.amount, expires = excluded.expires
        RETURNING tenant, budget, window_start, node, amount, used, expires, expired";
    let upsert = bind(sqlx::query(upsert), at, wish.node)
        .bind(granted.nanos())
        .bind(wish.expires.0);
    let row = upsert.fetch_one(connection).await.map_err(fault)?;
    windows::read_lease(&row).map(|(_, held)| held.lease)
}

/// Why nothing was granted.
async fn exhausted(
    connection: &mut Connection,
    at: &WindowKey,
    node: NodeId,
    limit: Money,
) -> Result<LeaseAnswer, StoreError> {
    let standing = windows::lock(connection, at).await?.ok_or(StoreError::NotFound)?;
    let held = windows::lock_lease(connection, at, node).await?;
    Ok(accounts::exhausted(&standing, limit, held.as_ref()))
}
