//! Making a key.

use std::time::Duration;

use clap::Args;
use credential::{KeyRecord, KeyState, Marks, ModelAccess, VirtualKey};
use domain::{BudgetId, DataClass, KeyId, Money, Operation, Permission, UnixMillis};
use ipnet::IpNet;
use ledger::{Budget, BudgetScope, Terms, Window};
use store::Change;

use crate::command::arguments::{self, LimitArgs, duration, network, operation, window};
use crate::command::budgets::amount;
use crate::command::find::{DEFAULT, Names};
use crate::command::instance::Instance;
use crate::command::show::{Show, remark};
use crate::failure::Failure;
use crate::serving::{OPERATIONS, new_key_limits};

use super::machine::MachineArgs;
use super::view::{KeyView, NewKey};

/// What the key shall be.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan keys create --name laptop --all-models
  bartizan keys create --name ci --models gpt-4o-mini,claude-sonnet-4-5 --budget 5.00 --window month --expires 30d
  bartizan keys create --name batch --team research --all-models --rpm 600 --tpm none --network 10.0.0.0/8
  bartizan keys create --name agent --all-models --signing-key agent.pem.pub
  bartizan keys create --name claims --all-models --tag eu-only --data-class restricted
  bartizan keys create --name prod-backup --honey
  export OPENAI_API_KEY=$(bartizan keys create --name me --all-models --only-key)

The key is stored as a keyed hash: it cannot be shown again, only rotated. Limits that are not given are those of \
`limits.new_keys` in the configuration.")]
pub struct CreateArgs {
    /// What people call it
    #[arg(long, value_parser = arguments::name)]
    name: String,
    /// Whose it is; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The team that owns it
    #[arg(long, value_name = "TEAM", default_value = DEFAULT)]
    team: String,
    /// Models it may use, separated by commas; without this and --all-models it may use none
    #[arg(
        long,
        value_name = "MODEL",
        value_delimiter = ',',
        conflicts_with = "all_models"
    )]
    models: Vec<String>,
    /// It may use every model, also those added later
    #[arg(long)]
    all_models: bool,
    /// What it may ask for, separated by commas; everything when left out
    #[arg(long, value_name = "OPERATION", value_delimiter = ',', value_parser = operation)]
    operations: Vec<Operation>,
    /// How long it is good for; without end when left out
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<Duration>,
    /// Networks it may be used from; may be repeated; from anywhere when left out
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    network: Vec<IpNet>,
    /// A word of the house's own that policies may decide by; may be repeated
    #[arg(long = "tag", value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// What its calls carry at least: public, internal, confidential or restricted; the configuration's when
    /// left out
    #[arg(long, value_name = "CLASS")]
    data_class: Option<DataClass>,
    /// A bait: it opens nothing, and whoever tries it raises an alarm
    #[arg(long, conflicts_with_all = ["signing_key", "bindings", "budget"])]
    honey: bool,
    /// Its answers carry the gate's signature, and their receipts may be had
    #[arg(long)]
    receipts: bool,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// A budget of its own, in dollars
    #[arg(long, value_name = "DOLLARS", value_parser = amount)]
    budget: Option<Money>,
    /// The budget's window: minute, hour, day, week, month, year or total
    #[arg(long, value_name = "WINDOW", default_value = "month", requires = "budget", value_parser = window)]
    window: Window,
    /// Print the key and nothing else
    #[arg(long, conflicts_with = "json")]
    only_key: bool,
}

/// Makes it.
pub async fn run(args: CreateArgs, instance: &Instance, names: &Names, show: Show) -> Result<(), Failure> {
    let now = UnixMillis::now();
    let tenant = names.tenant(args.tenant.as_deref())?;
    let team = names.team(tenant.id, &args.team)?;
    let secret = VirtualKey::generate().map_err(|e| Failure::new(e.to_string()))?;
    let record = KeyRecord {
        id: KeyId::generate(),
        tenant: tenant.id,
        team: team.id,
        project: None,
        owner: None,
        name: args.name.clone(),
        digest: secret.digest(&instance.home.master.pepper()),
        hint: secret.hint(),
        predecessor: None,
        state: KeyState::Active,
        created: now,
        expires: args.expires.map(|expires| now.plus(expires)),
        models: args.models(),
        operations: args.operations(),
        networks: args.network.clone(),
        limits: args.limits.or(new_key_limits(&instance.config)),
        signing_key: args.machine.signing_key()?,
        bindings: args.machine.bindings()?,
        honey: args.honey,
        receipts: args.receipts,
        suspended: None,
        marks: args.marks()?,
    };
    let budget = args.budget_for(&record);
    // Both or neither: a key must not be able to spend before its limit stands.
    // threat: AGP-D1
    let mut changes: Vec<Change> = budget.iter().cloned().map(Change::PutBudget).collect();
    changes.push(Change::CreateKey(Box::new(record.clone())));
    instance
        .act(tenant.id, Permission::KeysCreate, record.id, &changes)
        .await?;
    if record.models == ModelAccess::None && !record.honey {
        remark("this key may use no model: make one with --models or --all-models to call any");
    }
    let view = KeyView::new(&record, names, now).with_budget(budget.as_ref());
    NewKey::new(secret.to_secret(), view).say(args.only_key, show)
}

impl CreateArgs {
    fn models(&self) -> ModelAccess {
        match (self.all_models, self.models.is_empty()) {
            (true, _) => ModelAccess::All,
            (false, true) => ModelAccess::None,
            (false, false) => ModelAccess::Some(self.models.clone()),
        }
    }

    fn operations(&self) -> Vec<Operation> {
        if self.operations.is_empty() {
            OPERATIONS.to_vec()
        } else {
            self.operations.clone()
        }
    }

    fn marks(&self) -> Result<Marks, Failure> {
        Marks::new(self.tags.clone(), self.data_class).map_err(|error| Failure::usage(error.to_string()))
    }

    fn budget_for(&self, key: &KeyRecord) -> Option<Budget> {
        self.budget.map(|limit| Budget {
            id: BudgetId::generate(),
            tenant: key.tenant,
            scope: BudgetScope::Key(key.id),
            name: format!("key {}", key.name),
            limit,
            window: self.window,
            terms: Terms::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use credential::Limits;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: CreateArgs,
        /// As the real command line has it.
        #[arg(long)]
        json: bool,
    }

    fn read(line: &str) -> Result<CreateArgs, clap::Error> {
        let read = Line::try_parse_from(std::iter::once("create").chain(line.split(' ')))?;
        assert!(!read.json || line.contains("--json"));
        Ok(read.args)
    }

    #[test]
    fn ctx_t1_a_key_made_without_models_may_use_none() {
        assert_eq!(read("--name ci").unwrap().models(), ModelAccess::None);
        assert_eq!(read("--name ci --all-models").unwrap().models(), ModelAccess::All);
        let some = ModelAccess::Some(vec!["a".to_owned(), "b/c".to_owned()]);
        assert_eq!(read("--name ci --models a,b/c").unwrap().models(), some);
        assert!(read("--name ci --models a --all-models").is_err());
    }

    #[test]
    fn limits_not_given_are_the_configurations() {
        let configured = Limits {
            requests_per_minute: Some(60),
            tokens_per_minute: Some(1_000),
            ..Limits::default()
        };
        let limits = read("--name ci --tpm none --streams 2")
            .unwrap()
            .limits
            .or(configured);
        assert_eq!(
            limits,
            Limits {
                requests_per_minute: Some(60),
                concurrent_streams: Some(2),
                ..Limits::default()
            }
        );
    }

    #[test]
    fn everything_may_be_asked_for_unless_said_otherwise() {
        assert_eq!(read("--name ci").unwrap().operations(), OPERATIONS);
        let few = read("--name ci --operations chat,embeddings")
            .unwrap()
            .operations();
        assert_eq!(few, [Operation::Chat, Operation::Embeddings]);
        assert!(read("--name ci --operations poetry").is_err());
    }

    #[test]
    fn a_window_needs_a_budget_and_amounts_are_checked() {
        assert_eq!(
            read("--name ci --budget 5.00 --window day").unwrap().window,
            Window::Day
        );
        assert_eq!(read("--name ci --budget 5").unwrap().window, Window::Month);
        for line in [
            "--name ci --window day",
            "--name ci --budget=-5",
            "--name ci --budget many",
            "--models a",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
