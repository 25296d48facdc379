//! The command line: what can be asked for, and how `--help` explains it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::migrate::MigrateArgs;
use crate::command::{
    alerts::AlertsCommand, apply::ApplyArgs, apply::DiffArgs, apply::ExportArgs, audit::AuditCommand,
    budgets::BudgetsCommand, chargeback::ChargebackCommand, check::CheckArgs, completions::CompletionsArgs,
    ctl::CtlArgs, estimate::EstimateArgs, exports::ExportsCommand, guards::GuardCommand,
    history::HistoryCommand, identity_keys::IdentityKeysCommand, keys::KeysCommand, ledger::LedgerCommand,
    policy::PolicyCommand, prices::PricesCommand, receipt::ReceiptCommand, reconcile::ReconcileArgs,
    report::ReportCommand, secrets::SecretsCommand, sessions::SessionsCommand, sign::SignArgs,
    teams::TeamsCommand, tenants::TenantsCommand, threats::ThreatsArgs, usage::UsageArgs,
    witness::WitnessArgs,
};

const ABOUT: &str = "An AI gateway that people and programs call instead of a provider: it knows who calls, \
decides what may pass, keeps budgets from being overspent, and can prove afterwards what happened.";

const AFTER_HELP: &str = "\
Every command but `serve`, `check`, `ctl`, `apply`, `diff` and `export` works on the instance's store directly, found by \
the same configuration. They may run beside a serving instance, which notices changes within half a second. `ctl`, \
`apply`, `diff` and `export` ask a serving instance.

Examples:
  bartizan serve                                      on defaults, with what it finds by itself
  bartizan --config /etc/bartizan.yaml check          is the file good, what would it serve?
  bartizan keys create --name ci --models gpt-4o-mini --budget 5.00
  bartizan usage --by key --since 24h
  bartizan ledger prove req_… --out proof.json && bartizan ledger verify proof.json

Exit codes:
  0  done
  1  failed
  2  the command line or the configuration is wrong
  3  there is no such thing
  4  evidence does not verify";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version, about = ABOUT, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Cli {
    /// Where the instance is.
    #[command(flatten)]
    pub at: At,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the instance is.
#[derive(Debug, Args)]
pub struct At {
    /// The configuration; without it `bartizan.yaml` in this folder if there is one, else the defaults
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BARTIZAN_CONFIG",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub config: Option<PathBuf>,
    /// The instance's data folder, over the configuration's `data_dir`
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "BARTIZAN_DATA_DIR",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub data_dir: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or Ctrl-C; what is under way then may finish
    #[command(after_help = "\
With no configuration it makes its data folder, a master key, a store, a first tenant, team and virtual key (printed \
once), and looks for upstreams: OPENAI_API_KEY, ANTHROPIC_API_KEY and the like in the environment, and llama.cpp, vLLM, \
Ollama and LM Studio on loopback.

Examples:
  bartizan serve
  OPENAI_API_KEY=… bartizan serve
  bartizan serve --config bartizan.yaml --data-dir /var/lib/bartizan

A changed configuration is read again by itself or at SIGHUP; a bad one never replaces a good one.")]
    Serve,
    /// Say whether a configuration is good, and what it would serve, with the code that serves
    Check(CheckArgs),
    /// Virtual keys: what callers identify themselves with
    #[command(subcommand, visible_alias = "key")]
    Keys(KeysCommand),
    /// Models that would be served, with their targets, prices and bounds
    #[command(after_help = "\
Examples:
  bartizan models
  bartizan models --json | jq -r '.[].name'

Reads the configuration and looks around as `serve` does; no running instance is asked.")]
    Models,
    /// What models cost: the list in force, what another one would change, lists of others to import
    #[command(subcommand, visible_alias = "price")]
    Prices(PricesCommand),
    /// What a call would use and cost at most; nothing is asked or sent
    Estimate(EstimateArgs),
    /// Hard limits of money over a window
    #[command(subcommand, visible_alias = "budget")]
    Budgets(BudgetsCommand),
    /// Sessions of agents: stop one that runs away, and let it go on
    #[command(subcommand, visible_alias = "session")]
    Sessions(SessionsCommand),
    /// Tenants: whoever must not see each other
    #[command(subcommand, visible_alias = "tenant")]
    Tenants(TenantsCommand),
    /// Teams within a tenant
    #[command(subcommand, visible_alias = "team")]
    Teams(TeamsCommand),
    /// Why something is permitted or not, who may do it, and what other policies would change
    #[command(subcommand, visible_alias = "policies")]
    Policy(PolicyCommand),
    /// What was used and what it cost
    Usage(UsageArgs),
    /// What spend looks like over time: trends, forecasts, days that stood out, budgets
    #[command(subcommand, visible_alias = "reports")]
    Report(ReportCommand),
    /// Who bears which cost: rules, drafts, final statements
    #[command(subcommand)]
    Chargeback(ChargebackCommand),
    /// Hold what a provider says it billed against the ledger
    Reconcile(ReconcileArgs),
    /// The ledger: look at it, take proofs and exports from it, verify them anywhere
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Receipts: whether an answer is the one that the gate gave
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Exchanges that tenants keep: what is kept, what it says, and whether it is the original
    #[command(subcommand)]
    History(HistoryCommand),
    /// Guards: what they find in a text, and how good they are on labelled texts
    #[command(subcommand, visible_alias = "guards")]
    Guard(GuardCommand),
    /// Be a witness: cosign the heads of other instances' logs as long as they only grow
    Witness(WitnessArgs),
    /// Audit logs: who did what; look at them, take them out with their proofs, verify them anywhere
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Alerts: who is told of acts, how that goes, and what was given up
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// Administer a serving instance through its control plane, with your own roles
    #[command(
        disable_help_flag = true,
        after_help = "\
Examples:
  bartizan ctl --help                                  everything that can be asked
  bartizan ctl sessions sign-in --email ann@example.com
  bartizan ctl teams create --name research"
    )]
    Ctl(CtlArgs),
    /// Make tenants as files say: show the plan, then do it
    Apply(ApplyArgs),
    /// Say what `apply` would do
    Diff(DiffArgs),
    /// Print a tenant's whole configuration, for `apply`; or write what it spent, as files for finance
    Export(ExportArgs),
    /// Reports that are delivered by themselves: which there are, and how that goes
    #[command(subcommand)]
    Exports(ExportsCommand),
    /// Secrets that the instance keeps: provider credentials in its store, sealed values in its data folder
    #[command(subcommand, visible_alias = "secret")]
    Secrets(SecretsCommand),
    /// Keys of the tokens that own backends know the gate by
    #[command(subcommand)]
    IdentityKeys(IdentityKeysCommand),
    /// Print the headers that make a request a signed one, for curl and shell scripts
    SignRequest(SignArgs),
    /// Bring the store's schema up to date; `serve` and the other commands do so too
    #[command(after_help = "\
Safe to run by several replicas at once, and again when there is nothing to do. A store made by a newer version is \
refused, never changed back.

Examples:
  bartizan migrate
  bartizan --config bartizan.yaml migrate --json
  DATABASE_URL=postgres://owner:…@host/bartizan bartizan migrate --login bartizan_gate")]
    Migrate(MigrateArgs),
    /// The threats this program was built against, and what stands against each
    Threats(ThreatsArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        fn visit(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} says nothing of itself");
            for argument in command
                .get_arguments()
                .filter(|a| !matches!(a.get_id().as_str(), "help" | "version"))
            {
                assert!(
                    argument.get_help().is_some(),
                    "{path}: `{}` says nothing of itself",
                    argument.get_id()
                );
            }
            if command.get_subcommands().next().is_none() {
                let after = command
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(after.contains("Example"), "{path} shows no example");
                let name = path.trim_start();
                let shown = after.contains(name) || after.contains("bartizan --config");
                assert!(shown, "{path}: the example is of another command");
            }
            command
                .get_subcommands()
                .filter(|c| c.get_name() != "help")
                .for_each(|c| visit(c, &path));
        }
        visit(&Cli::command(), "");
    }

    #[test]
    fn the_first_page_of_help_is_as_reviewed() {
        let help = Cli::command().term_width(100).render_long_help().to_string();
        insta::assert_snapshot!(help);
    }

    #[test]
    fn global_options_may_stand_anywhere() {
        for line in [
            ["bartizan", "--json", "--data-dir", "d", "keys", "list"],
            ["bartizan", "keys", "list", "--data-dir", "d", "--json"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert!(cli.json);
            assert_eq!(cli.at.data_dir.as_deref(), Some(std::path::Path::new("d")));
        }
    }
}
