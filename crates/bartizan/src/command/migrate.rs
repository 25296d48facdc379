//! `bartizan migrate`: the store's schema brought up to date.

use std::io::{self, Write};

use config::Config;
use config::section::StoreEngine;
use serde::Serialize;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::home::Home;
use crate::secrets;

use super::instance::configuration;
use super::show::{Show, Shown};

#[derive(Debug, Serialize)]
struct Migrated {
    engine: &'static str,
    applied: Vec<&'static str>,
}

impl Shown for Migrated {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.applied.is_empty() {
            return writeln!(out, "the {} store was up to date", self.engine);
        }
        self.applied
            .iter()
            .try_for_each(|name| writeln!(out, "applied {name}"))?;
        writeln!(out, "the {} store is up to date", self.engine)
    }
}

/// Migrates. The embedded store is made if there is none, in a data folder as `serve` would make it.
pub async fn run(at: &At, show: Show) -> Result<(), Failure> {
    let config = configuration(at)?;
    let migrated = match config.store.engine {
        StoreEngine::Sqlite => {
            let home = Home::open(&config.data_dir)?;
            let store = SqliteStore::open(&home.sqlite()).await?;
            let applied = store.migrate().await?;
            store.close().await;
            Migrated {
                engine: "sqlite",
                applied,
            }
        }
        StoreEngine::Postgres => Migrated {
            engine: "postgresql",
            applied: postgres(&config).await?,
        },
    };
    show.say(&migrated)
}

/// Unlike a start, which may be that of a login that owns nothing, this must be able to.
async fn postgres(config: &Config) -> Result<Vec<&'static str>, Failure> {
    let reference = config.store.url.as_ref().ok_or_else(|| {
        Failure::usage("`store.engine: postgres` needs `store.url`").hint("url: env:DATABASE_URL")
    })?;
    let url = secrets::resolve(reference)?;
    PostgresStore::migrate(url.expose()).await.map_err(|error| {
        Failure::from(error).hint(format!("`{reference}` must name a login that owns the database"))
    })
}
