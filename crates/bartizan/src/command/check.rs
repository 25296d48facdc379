//! `bartizan check`: whether a configuration is good, and what it would serve, by the code that serves.

mod view;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use config::Config;

use crate::cli::At;
use crate::failure::Failure;
use crate::resolve::Resolver;
use crate::{load, policies, serving};

use super::served;
use super::show::{Show, finish};
use view::CheckView;

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan check
  bartizan check bartizan.yaml --json
  bartizan check --policy-tests policies/acme.tests.json
  bartizan check --schema > bartizan.schema.json      what an editor validates bartizan.yaml with

Reads the file strictly, resolves every secret it refers to, reads the TLS files, builds policies, providers, models and \
prices, and runs policy tests: those named (of calls), and `x.tests.json` beside each policy file `x.cedar`. Opens no store and \
binds no port. Exits with 0 only if `serve` would take it.")]
pub struct CheckArgs {
    /// The configuration, over --config
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Tests of policies for calls to run besides; may be repeated
    #[arg(long, value_name = "FILE")]
    policy_tests: Vec<PathBuf>,
    /// Print the JSON Schema of bartizan.yaml and check nothing
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// Checks.
pub async fn run(args: CheckArgs, at: &At, show: Show) -> Result<(), Failure> {
    if args.schema {
        return schema();
    }
    let loaded = load::find(args.file.as_deref().or(at.config.as_deref()))?;
    let mut config = loaded.config;
    if let Some(dir) = &at.data_dir {
        config.data_dir.clone_from(dir);
    }
    let named = config.providers.len();
    let resolver = Resolver::for_looking(&config).await?;
    resolve(&config, &resolver).await?;
    if let Some(tls) = config
        .listen
        .tls
        .as_ref()
        .filter(|tls| !resolver.spares(&tls.private_key))
    {
        let files = serving::tls::Files::read(tls, &resolver).await?;
        serving::tls::listener(tls, &files, config.server.http2)?;
    }
    let mut configured = policies::read(&config)?;
    for file in &args.policy_tests {
        configured.calls.tests.push(policies::text(file)?);
    }
    let policy = Arc::new(policies::checked(&configured)?);
    let settings = served::assemble(&mut config, &resolver, policy).await?;
    let discovered = config.providers.len() > named;
    show.say(&CheckView::new(
        &config,
        loaded.file.as_deref(),
        &settings,
        &configured,
        discovered,
    ))
}

fn schema() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&config::schema()).map_err(|e| Failure::new(e.to_string()))?;
    finish(writeln!(std::io::stdout().lock(), "{text}"))
}

/// Resolves the secrets that assembling does not.
async fn resolve(config: &Config, resolver: &Resolver) -> Result<(), Failure> {
    let headers = config
        .telemetry
        .otlp
        .iter()
        .flat_map(|otlp| otlp.headers.values());
    let others = config.store.url.iter().chain(headers);
    for reference in others.filter(|reference| !resolver.spares(reference)) {
        resolver.resolve(reference).await?;
    }
    Ok(())
}
