//! Floor 3: the embedded storage engine: one SQLite file, readable by its owner only.
//!
//! Writers take the write lock before they read (`BEGIN IMMEDIATE`), so what they decided still holds when
//! they write. Other processes may have the same file open. Statements are constants: no SQL is ever put
//! together from values.

mod audit;
mod budgets;
mod connection;
mod directory;
mod entries;
mod entries_removed;
mod exchanges;
mod keys;
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

use std::path::Path;

use sqlx::SqlitePool;
use store::{Store, StoreError};

/// A store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    /// One connection: writers of this process queue fairly instead of polling for the file's lock.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, making it (mode 0600) if there is none. Call [`SqliteStore::migrate`] before use.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        connection::open(path).await
    }

    /// Brings the schema up to date and returns the names of what it applied. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        migrate::run(self, migrate::MIGRATIONS).await
    }

    /// Closes all connections; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Store for SqliteStore {
    fn engine(&self) -> &'static str {
        "sqlite"
    }
}
