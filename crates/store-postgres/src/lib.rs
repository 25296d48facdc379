//! Floor 3: the PostgreSQL storage engine, with row-level security.
//!
//! Nothing is read or written under the connection's own rights. What concerns a tenant runs as
//! `bartizan_app`, which the database shows only the rows of the tenant in `app.tenant`; what concerns the
//! node runs as `bartizan_feed`, which cannot see an entry, an audit record, or any document but sessions. Statements are constants: no SQL is ever put
//! together from values. Every call ends within [`Bounds::operation`].

mod audit;
mod budgets;
mod connection;
mod directory;
mod entries;
mod exchanges;
mod keys;
mod leases;
mod log;
mod log_keys;
mod marks;
mod merkle;
mod migrate;
mod nonces;
mod records;
mod registry;
mod rollups;
mod tenants;
mod windows;

use sqlx::PgPool;
use store::{Store, StoreError};

pub use connection::Bounds;

/// A store in a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
    bounds: Bounds,
}

impl PostgresStore {
    /// Connects as a login that may switch to the gate's two roles. The URL holds a secret: it is kept out
    /// of every error.
    ///
    /// Refuses a database whose schema is not the one this program knows, or that would not hold tenants
    /// apart: a role that can bypass row security, or a tenant's table without it.
    pub async fn connect(url: &str, bounds: Bounds) -> Result<Self, StoreError> {
        let store = Self {
            pool: connection::pool(url, &bounds).await?,
            bounds,
        };
        store.bounded(migrate::check(&store)).await?;
        Ok(store)
    }

    /// Makes the two roles where they are missing and brings the schema up to date, as the database's
    /// owner. Several replicas may do so at once.
    pub async fn migrate(owner_url: &str) -> Result<Vec<&'static str>, StoreError> {
        migrate::in_time(migrate::run(owner_url, migrate::MIGRATIONS)).await
    }

    /// Lets `login`, which must exist and should own nothing, switch to the gate's two roles. The owner
    /// needs no such leave; a gate in production should not run as the owner.
    pub async fn admit_login(owner_url: &str, login: &str) -> Result<(), StoreError> {
        migrate::in_time(migrate::admit(owner_url, login)).await
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl Store for PostgresStore {
    fn engine(&self) -> &'static str {
        "postgresql"
    }
}
