//! The pool, transactions under one of the two roles, bounds on every wait, and what the driver's errors
//! mean to a caller.

use std::str::FromStr;
use std::time::Duration;

use domain::{TenantId, TenantScope};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres};
use store::StoreError;

use crate::PostgresStore;

/// How much of the database one gate may use, and how long it waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once.
    pub connections_max: u32,
    /// The longest wait for a connection.
    pub acquire: Duration,
    /// The longest one statement may run; the server ends it then.
    pub statement: Duration,
    /// The longest one call of the port may take, waits for connections and network included.
    pub operation: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 10,
            acquire: Duration::from_secs(3),
            statement: Duration::from_secs(5),
            operation: Duration::from_secs(10),
        }
    }
}

/// What statements run on.
pub(crate) type Connection = PgConnection;
pub(crate) type Transaction = sqlx::Transaction<'static, Postgres>;

pub(crate) async fn pool(url: &str, bounds: &Bounds) -> Result<PgPool, StoreError> {
    PgPoolOptions::new()
        .max_connections(bounds.connections_max)
        .acquire_timeout(bounds.acquire)
        .connect_with(options(url)?)
        .await
        .map_err(fault)
}

/// The URL, read. What is wrong with it is not said: it may stand beside the password.
// threat: AGP-R-001
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    PgConnectOptions::from_str(url)
        .map(|options| options.application_name("bartizan"))
        .map_err(|_| StoreError::Unavailable("the database's URL cannot be read".to_owned()))
}

impl PostgresStore {
    /// Gives up on `work` after the longest time a call may take; its transaction is rolled back.
    pub(crate) async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let late = || StoreError::Unavailable(format!("no answer within {:?}", self.bounds.operation));
        tokio::time::timeout(self.bounds.operation, work)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    /// A transaction that sees and writes the rows of one tenant.
    // threat: ANP-0007
    // threat: AGP-E1
    pub(crate) async fn as_tenant(&self, scope: &TenantScope) -> Result<Transaction, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        self.become_role(&mut transaction, "bartizan_app", &scope.tenant().to_string())
            .await?;
        Ok(transaction)
    }

    /// The same that only reads, and sees one moment of the database.
    pub(crate) async fn as_reading_tenant(&self, scope: &TenantScope) -> Result<Transaction, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut transaction = self.pool.begin_with(begin).await.map_err(fault)?;
        self.become_role(&mut transaction, "bartizan_app", &scope.tenant().to_string())
            .await?;
        Ok(transaction)
    }

    /// A transaction about the node itself.
    pub(crate) async fn as_node(&self) -> Result<Transaction, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        self.become_role(&mut transaction, "bartizan_feed", "").await?;
        Ok(transaction)
    }

    /// A transaction about the node itself that sees one moment of the database.
    pub(crate) async fn as_reading_node(&self) -> Result<Transaction, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut transaction = self.pool.begin_with(begin).await.map_err(fault)?;
        self.become_role(&mut transaction, "bartizan_feed", "").await?;
        Ok(transaction)
    }

    /// Sets role, tenant and time limit until the transaction ends: what `SET LOCAL` does, in one
    /// statement and with the values bound.
    async fn become_role(
        &self,
        connection: &mut Connection,
        role: &'static str,
        tenant: &str,
    ) -> Result<(), StoreError> {
        let select = "SELECT set_config('role', $1, true), set_config('app.tenant', $2, true),
                             set_config('statement_timeout', $3, true)";
        sqlx::query(select)
            .bind(role)
            .bind(tenant)
            .bind(self.bounds.statement.as_millis().to_string())
            .execute(connection)
            .await
            .map_err(fault)?;
        Ok(())
    }
}

/// From here on the transaction sees and writes the rows of another tenant.
pub(crate) async fn switch_tenant(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    sqlx::query("SELECT set_config('app.tenant', $1, true)")
        .bind(tenant.to_string())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Ends a transaction for good.
pub(crate) async fn commit(transaction: Transaction) -> Result<(), StoreError> {
    transaction.commit().await.map_err(fault)
}

/// PostgreSQL's code for a text that its encoding cannot hold.
const NOT_IN_REPERTOIRE: &str = "22021";

/// A driver's error as the port knows it.
pub(crate) fn fault(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(inner) if inner.is_unique_violation() => {
            StoreError::Conflict("something of that id or name exists".to_owned())
        }
        sqlx::Error::Database(inner) if inner.is_foreign_key_violation() => StoreError::NotFound,
        // A text that this database cannot hold (one with a NUL) names nothing in it.
        sqlx::Error::Database(inner) if inner.code().as_deref() == Some(NOT_IN_REPERTOIRE) => {
            StoreError::NotFound
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            StoreError::Damaged(error.to_string())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}
