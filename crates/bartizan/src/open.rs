//! Opening the store that the configuration names.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::StoreEngine;
use domain::Secret;
use store::Store;
use store_postgres::{Bounds, PostgresStore};
use store_sqlite::SqliteStore;

use crate::failure::{Failure, Hint};
use crate::home::Home;
use crate::resolve::Resolver;
use crate::root;

/// The store, migrated, and its address if that is a secret.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// PostgreSQL's address with its password: for the log's scrubber.
    pub secret: Option<Secret>,
}

/// Opens and migrates. Several replicas may do so at once.
pub async fn store(config: &Config, home: &mut Home, resolver: &Resolver) -> Result<Opened, Failure> {
    let opened = engine(config, &home.sqlite(), resolver).await?;
    root::settle(home, opened.store.as_ref()).await?;
    Ok(opened)
}

async fn engine(config: &Config, sqlite: &Path, resolver: &Resolver) -> Result<Opened, Failure> {
    match config.store.engine {
        StoreEngine::Sqlite => {
            let store = SqliteStore::open(sqlite).await?;
            store.migrate().await?;
            Ok(Opened {
                store: Arc::new(store),
                secret: None,
            })
        }
        StoreEngine::Postgres => {
            let reference = config.store.url.as_ref().ok_or_else(|| {
                Failure::usage("`store.engine: postgres` needs `store.url`").hint("url: env:DATABASE_URL")
            })?;
            let url = resolver.resolve(reference).await?;
            let bounds = Bounds {
                connections_max: config.store.connections_max,
                acquire: Duration::from_millis(config.store.acquire_timeout_ms),
                statement: Duration::from_millis(config.store.statement_timeout_ms),
                ..Bounds::default()
            };
            // A gate in production is not the owner and cannot migrate; connecting then says whether
            // somebody else has.
            if let Err(error) = PostgresStore::migrate(url.expose()).await {
                tracing::info!(%error, "not migrated from here");
            }
            let store = PostgresStore::connect(url.expose(), bounds).await?;
            Ok(Opened {
                store: Arc::new(store),
                secret: Some(url),
            })
        }
    }
}
