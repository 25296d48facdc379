//! `bartizan migrate`: the store's schema brought up to date.

use std::io::{self, Write};

use clap::Args;
use config::Config;
use config::section::StoreEngine;
use serde::Serialize;
use store::StoreError;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::home::Home;
use crate::resolve::Resolver;

use super::arguments::quoted;
use super::instance::configuration;
use super::show::{Show, Shown};

/// What to do beside migrating.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// PostgreSQL: also let this login, which exists and owns nothing, serve as the gate's. Run it as the
    /// database's owner
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,
}

#[derive(Debug, Serialize)]
struct Migrated {
    engine: &'static str,
    applied: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admitted: Option<String>,
}

impl Shown for Migrated {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for name in &self.applied {
            writeln!(out, "applied {name}")?;
        }
        writeln!(out, "the {} store is up to date", self.engine)?;
        match &self.admitted {
            Some(login) => writeln!(out, "{} may serve as the gate's login", quoted(login)),
            None => Ok(()),
        }
    }
}

/// Migrates. The embedded store is made if there is none, in a data folder as `serve` would make it.
pub async fn run(args: MigrateArgs, at: &At, show: Show) -> Result<(), Failure> {
    let config = configuration(at)?;
    if args.login.is_some() && config.store.engine == StoreEngine::Sqlite {
        return Err(Failure::usage(
            "an SQLite store has no logins: leave out `--login`",
        ));
    }
    let migrated = match config.store.engine {
        StoreEngine::Sqlite => {
            let home = Home::open(&config)?;
            let store = SqliteStore::open(&home.sqlite()).await?;
            let applied = store.migrate().await?;
            store.close().await;
            Migrated {
                engine: "sqlite",
                applied,
                admitted: None,
            }
        }
        StoreEngine::Postgres => Migrated {
            engine: "postgresql",
            applied: postgres(&config, args.login.as_deref()).await?,
            admitted: args.login,
        },
    };
    show.say(&migrated)
}

/// Unlike a start, which may be that of a login that owns nothing, this must be able to.
async fn postgres(config: &Config, login: Option<&str>) -> Result<Vec<&'static str>, Failure> {
    let reference = config.store.url.as_ref().ok_or_else(|| {
        Failure::usage("`store.engine: postgres` needs `store.url`").hint("url: env:DATABASE_URL")
    })?;
    let url = Resolver::for_looking(config).await?.resolve(reference).await?;
    let owner = |error: StoreError| {
        Failure::from(error).hint(format!("`{reference}` must name a login that owns the database"))
    };
    let applied = PostgresStore::migrate(url.expose()).await.map_err(owner)?;
    if let Some(login) = login {
        PostgresStore::admit_login(url.expose(), login)
            .await
            .map_err(owner)?;
    }
    Ok(applied)
}
