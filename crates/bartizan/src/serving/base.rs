//! What a gate stands on before it can answer anything: its configuration, log, data folder, store and secrets, opened
//! in this order. Answers nothing and starts no task.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use config::Config;
use config::section::LogFormat;
use store::Store;
use telemetry::Metrics;
use telemetry::log::{LogGuard, LogOptions};

use super::{Asked, START_DEADLINE};
use crate::discover::{self, Found};
use crate::failure::{Failure, Hint};
use crate::home::Home;
use crate::resolve::Resolver;
use crate::{load, open};

/// Opened; stays until the gate has stopped.
#[derive(Debug)]
pub struct Base {
    /// The configuration's file.
    pub file: Option<PathBuf>,
    /// What is in it.
    pub as_written: Config,
    /// The same, with what the command line says and with the providers that were found.
    pub config: Config,
    /// Whether providers were found rather than configured.
    pub discovered: bool,
    /// Which models those serve.
    pub served: BTreeMap<String, Vec<String>>,
    /// Where logs go.
    pub logs: LogGuard,
    /// The data folder.
    pub home: Home,
    /// Where counts go.
    pub metrics: Arc<Metrics>,
    /// Where secret references lead.
    pub resolver: Arc<Resolver>,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
}

impl Base {
    /// Opens everything.
    pub async fn lay(asked: Asked<'_>) -> Result<Self, Failure> {
        let loaded = load::find(asked.config)?;
        let as_written = loaded.config.clone();
        let mut config = loaded.config;
        if let Some(dir) = asked.data_dir {
            config.data_dir = dir.to_owned();
        }
        let logs = logs(&config)?;
        let mut home = Home::open(&config)?;
        let found = if config.providers.is_empty() {
            discover::look().await
        } else {
            Found::default()
        };
        let discovered = !found.providers.is_empty();
        config.providers.extend(found.providers);
        let mut resolver = Resolver::for_serving(&config, &home).await?;
        let opened = with_deadline(open::store(&config, &mut home, &resolver)).await?;
        if let Some(secret) = &opened.secret {
            logs.scrubber().register(secret);
        }
        resolver.attach(&config, &home, opened.store.clone())?;
        Ok(Self {
            file: loaded.file,
            as_written,
            config,
            discovered,
            served: found.served,
            logs,
            home,
            metrics: Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))),
            resolver: Arc::new(resolver),
            store: opened.store,
        })
    }
}

fn logs(config: &Config) -> Result<LogGuard, Failure> {
    let format = match config.telemetry.log.format {
        LogFormat::Json => telemetry::log::LogFormat::Json,
        LogFormat::Text => telemetry::log::LogFormat::Text,
    };
    telemetry::log::init(LogOptions::stderr(format, config.telemetry.log.level.as_str()))
        .map_err(|e| Failure::usage(e.to_string()))
}

async fn with_deadline<T>(opening: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let opened = tokio::time::timeout(START_DEADLINE, opening).await;
    opened.unwrap_or_else(|_| {
        Err(Failure::new("the store did not answer in time").hint("is the database reachable?"))
    })
}
