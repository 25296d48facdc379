//! Opening the file, beginning transactions, and what the driver's errors mean to a caller.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, Transaction};
use store::StoreError;

use crate::SqliteStore;

/// How long to wait for another process's write lock.
const BUSY: Duration = Duration::from_secs(5);
/// How long to wait for a connection: a writer may have to wait for another that waits for the lock.
const ACQUIRE: Duration = Duration::from_secs(15);
/// A connection is a thread and about 100 KiB of heap before its cache fills: schema, statements, lookaside.
const READERS_MAX: u32 = 4;
/// Readers that a burst opened go again: they take turns, so that none of them is ever idle for long.
const READER_LIFETIME: Duration = Duration::from_secs(300);
/// Page caches, as `PRAGMA cache_size` takes KiB. All connections share the sum. The largest batch fits the
/// writer's; readers mostly scan, which no cache of ours speeds up beyond the system's.
const WRITER_CACHE: &str = "-1024";
const READER_CACHE: &str = "-256";
/// Switching a new file to write-ahead logging needs it alone for a moment, which SQLite does not wait for.
const OPEN_ATTEMPTS_MAX: u32 = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(20);

pub(crate) async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    make_private(path).map_err(|error| StoreError::Unavailable(format!("`{}`: {error}", path.display())))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY);
    let mut attempt = 1;
    let writer = loop {
        let options = options.clone().pragma("cache_size", WRITER_CACHE);
        match pool(1).connect_with(options).await {
            Ok(writer) => break writer,
            Err(error) if is_busy(&error) && attempt < OPEN_ATTEMPTS_MAX => attempt += 1,
            Err(error) => return Err(fault(error)),
        }
        tokio::time::sleep(OPEN_PAUSE).await;
    };
    Ok(SqliteStore {
        writer,
        readers: pool(READERS_MAX)
            .max_lifetime(READER_LIFETIME)
            .connect_lazy_with(options.pragma("cache_size", READER_CACHE)),
    })
}

/// Connections are not tried before use: a file does not hang up, and each trial is a trip to a thread.
fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .test_before_acquire(false)
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Makes an empty file that only its owner may read, if there is none. SQLite gives its side files the
/// same mode.
fn make_private(path: &Path) -> Result<(), Error> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl SqliteStore {
    /// A transaction that holds the write lock from its first moment.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }

    /// A connection for one statement that reads.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(fault)
    }

    /// A transaction that sees one moment of the file.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(fault)
    }
}

/// Ends a transaction for good.
pub(crate) async fn commit(transaction: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
    transaction.commit().await.map_err(fault)
}

/// What statements run on.
pub(crate) type Connection = SqliteConnection;

/// A driver's error as the port knows it.
pub(crate) fn fault(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(inner) if inner.is_unique_violation() => {
            StoreError::Conflict("something of that id or name exists".to_owned())
        }
        sqlx::Error::Database(inner) if inner.is_foreign_key_violation() => StoreError::NotFound,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            StoreError::Damaged(error.to_string())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// `SQLITE_BUSY` and its extended codes, whose low byte is 5.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|inner| inner.code());
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}
