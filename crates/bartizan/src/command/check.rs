//! `bartizan check`: whether a configuration is good, and what it would serve, by the code that serves.

mod view;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use config::Config;
use policy::Engine;

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::resolve::Resolver;
use crate::{load, serving};

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
prices, and runs policy tests: those named, and `x.tests.json` beside each policy file `x.cedar`. Opens no store and \
binds no port. Exits with 0 only if `serve` would take it.")]
pub struct CheckArgs {
    /// The configuration, over --config
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Policy tests to run besides; may be repeated
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
    let configured = config.providers.len();
    let resolver = Resolver::for_looking(&config).await?;
    resolve(&config, &resolver).await?;
    if let Some(tls) = config
        .listen
        .tls
        .as_ref()
        .filter(|tls| !resolver.spares(&tls.private_key))
    {
        let files = serving::tls::Files::read(tls, &resolver).await?;
        serving::tls::acceptor(tls, &files, config.server.http2)?;
    }
    let settings = served::assemble(&mut config, &resolver).await?;
    let tests = policy_tests(&config, args.policy_tests);
    run_policy_tests(&settings.policy, &tests)?;
    let discovered = config.providers.len() > configured;
    show.say(&CheckView::new(
        &config,
        loaded.file.as_deref(),
        &settings,
        tests.len(),
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

/// The tests that were named, and those beside policy files.
fn policy_tests(config: &Config, named: Vec<PathBuf>) -> Vec<PathBuf> {
    let beside = config
        .policies
        .files
        .iter()
        .map(|file| file.with_extension("tests.json"));
    let mut tests = named;
    tests.extend(beside.filter(|path| path.exists()));
    tests
}

fn run_policy_tests(engine: &Engine, files: &[PathBuf]) -> Result<(), Failure> {
    let mut failures = Vec::new();
    for file in files {
        let text = read(file)?;
        let failed = policy::run_tests(engine, &text).into_iter();
        failures
            .extend(failed.map(|failed| format!("`{}`: {}: {}", file.display(), failed.name, failed.reason)));
    }
    match failures.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} policy tests failed\n  {}",
            failures.join("\n  ")
        ))
        .hint("correct the policy, or the expectation")),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|e| Failure::usage(format!("`{}` cannot be read: {e}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Engine {
        Engine::new(&[], true).unwrap()
    }

    #[test]
    fn our_own_policy_tests_pass_and_a_wrong_expectation_fails() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.tests.json");
        let tests = include_str!("../../../../policies/tests/default.json");
        std::fs::write(&file, tests).unwrap();
        run_policy_tests(&engine(), std::slice::from_ref(&file)).unwrap();
        std::fs::write(&file, tests.replacen("\"permit\"", "\"deny\"", 1)).unwrap();
        let failure = run_policy_tests(&engine(), &[file]).unwrap_err();
        assert!(failure.to_string().contains("1 policy tests failed"), "{failure}");
    }

    #[test]
    fn tests_beside_policies_are_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.tests.json"), "{}").unwrap();
        let mut config = Config::default();
        config.policies.files = vec![folder.path().join("a.cedar"), folder.path().join("b.cedar")];
        let named = PathBuf::from("named.json");
        assert_eq!(
            policy_tests(&config, vec![named.clone()]),
            [named, folder.path().join("a.tests.json")]
        );
    }
}
