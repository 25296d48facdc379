//! What each command does. All but `serve`, `ctl`, `apply`, `diff` and
//! `export` work on the instance's store directly.

pub mod alerts;
pub mod apply;
mod arguments;
pub mod audit;
pub mod budgets;
pub mod chargeback;
pub mod check;
pub mod completions;
pub mod costs;
pub mod ctl;
pub mod estimate;
pub mod exports;
mod find;
pub mod guards;
pub mod history;
pub mod identity_keys;
mod instance;
pub mod keys;
pub mod ledger;
pub mod migrate;
mod models;
pub mod policy;
pub mod prices;
pub mod receipt;
pub mod reconcile;
pub mod report;
pub mod secrets;
mod served;
pub mod sessions;
mod show;
pub mod sign;
mod table;
pub mod teams;
pub mod tenants;
pub mod threats;
pub mod usage;
pub mod witness;

pub use self::arguments::rfc3339;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::serving::{self, Asked};

use self::instance::Instance;
use self::show::Show;

/// Runs one command.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let (at, show) = (&cli.at, Show::new(cli.json));
    match cli.command {
        Command::Serve => {
            serving::run(Asked {
                config: at.config.as_deref(),
                data_dir: at.data_dir.as_deref(),
            })
            .await
        }
        Command::Check(args) => check::run(args, at, show).await,
        Command::Models => models::run(at, show).await,
        Command::Prices(command) => prices::run(command, at, show).await,
        Command::Guard(command) => guards::run(command, at, show),
        Command::Estimate(args) => estimate::run(args, at, show).await,
        Command::Threats(args) => threats::run(args, show),
        Command::Completions(args) => completions::run(args),
        Command::Apply(args) => apply::apply(args, at, show).await,
        Command::Diff(args) => apply::diff(args, at, show).await,
        Command::Export(args) => match args.costs {
            Some(command) => costs::run(command, at, show).await,
            None => apply::export(args.document, at, show).await,
        },
        Command::Ctl(args) => ctl::run(args, at, show).await,
        Command::Secrets(command) => secrets::run(command, at, show).await,
        Command::Audit(command) => audit::run(command, at, show).await,
        Command::Witness(args) => witness::run(args).await,
        Command::History(command) => history::run(command, at, show).await,
        Command::Receipt(command) => receipt::run(command, at, show).await,
        Command::Ledger(command) => ledger::run(command, at, show).await,
        Command::Keys(keys::KeysCommand::SigningKey(args)) => keys::make_pair(&args, show),
        Command::SignRequest(args) => sign::run(&args, show),
        Command::Keys(command) => keys::run(command, &Instance::open(at).await?, show).await,
        Command::IdentityKeys(command) => identity_keys::run(command, &Instance::open(at).await?, show).await,
        Command::Budgets(command) => budgets::run(command, &Instance::open(at).await?, show).await,
        Command::Sessions(command) => sessions::run(command, &Instance::open(at).await?, show).await,
        Command::Tenants(command) => tenants::run(command, &Instance::open(at).await?, show).await,
        Command::Teams(command) => teams::run(command, &Instance::open(at).await?, show).await,
        Command::Policy(command) => policy::run(command, at, show).await,
        Command::Report(command) => report::run(command, &Instance::open(at).await?, show).await,
        Command::Chargeback(command) => chargeback::run(command, &Instance::open(at).await?, show).await,
        Command::Alerts(command) => alerts::run(command, &Instance::open(at).await?, show).await,
        Command::Exports(command) => exports::run(command, at, show).await,
        Command::Usage(args) => usage::run(args, &Instance::open(at).await?, show).await,
        Command::Reconcile(args) => reconcile::run(args, at, show).await,
        Command::Migrate(args) => migrate::run(args, at, show).await,
    }
}
