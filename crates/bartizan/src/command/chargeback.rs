//! `bartizan chargeback`: who bears which cost: rules, drafts, final statements, and whether those still hold.

mod view;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use control::chargeback::{
    self, ChargebackError, RulesDocument, Statement, StatementLine, StatementView, csv, number_id,
};
use control::outlook::From;
use domain::{Permission, TenantScope, UnixMillis};
use finops::{Rules, Source};
use store::{Change, RecordKind, StoreError};

use crate::failure::{Failure, Hint};

use super::arguments::quoted;
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, finish};

/// What to do with cost.
#[derive(Debug, Subcommand)]
pub enum ChargebackCommand {
    /// Show who bears which cost, or say so from a file
    #[command(after_help = "\
Examples:
  bartizan chargeback rules
  bartizan chargeback rules --set rules.yaml --tenant acme

  # rules.yaml: the first rule that takes a cost has it
  rules:
    - name: platform                       # shared: by what the others use
      takes: [{kind: team, id: team_…}]
      split: {kind: usage, to: [sales, support], by: cost}
    - name: sales
      takes: [{kind: team, id: team_…}, {kind: project, id: prj_…}]
      split: {kind: whole, to: sales}
    - name: bots                           # hundredths of a per cent; what is left goes to the rest
      takes: [{kind: key, id: key_…}]
      split: {kind: percent, parts: [{to: sales, weight: 7500}, {to: support, weight: 2500}]}
  rest: unallocated

Splits are `whole`, `even`, `percent`, `weights` and `usage`. Parts sum to the whole exactly.")]
    Rules(RulesArgs),
    /// Show what a statement would say now; nothing is kept
    #[command(after_help = "\
Examples:
  bartizan chargeback draft                             this month so far
  bartizan chargeback draft --month 2026-10
  bartizan chargeback draft --from 2026-10-01 --until 2026-10-15 --csv > october.csv")]
    Draft(DraftArgs),
    /// Make the statement of a time that is over final
    #[command(after_help = "\
Examples:
  bartizan chargeback finalize --month 2026-10
  bartizan chargeback finalize --from 2026-10-01 --until 2026-10-15

It stays as it is, and names the statement before it and the signed head of the ledger that it was reckoned from. No time
is in two statements. Calls of a time that was final before they came into the ledger are in the next statement, apart.")]
    Finalize(TimeArgs),
    /// Show final statements
    #[command(after_help = "\
Examples:
  bartizan chargeback show                              all of them
  bartizan chargeback show 3
  bartizan chargeback show 3 --csv > statement-3.csv")]
    Show(ShowArgs),
    /// Verify final statements: their chain, the ledger they were reckoned from, and that it still says the same
    #[command(after_help = "\
Examples:
  bartizan chargeback verify
  bartizan chargeback verify --tenant acme --json | jq .holds

Exits with 4 if one does not hold. Calls that came into the ledger after a statement was made are counted, and are no
fault of it.")]
    Verify {
        /// Whose; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

/// Rules.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Read them from this file, YAML or JSON, and keep them
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Which time.
#[derive(Debug, Args)]
pub struct TimeArgs {
    /// A month, such as 2026-10
    #[arg(long, value_name = "MONTH", conflicts_with_all = ["from", "until"])]
    month: Option<String>,
    /// The first day, such as 2026-10-01, instead of a month
    #[arg(long, value_name = "DAY", requires = "until")]
    from: Option<String>,
    /// The day after the last
    #[arg(long, value_name = "DAY", requires = "from")]
    until: Option<String>,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// A draft.
#[derive(Debug, Args)]
pub struct DraftArgs {
    #[command(flatten)]
    time: TimeArgs,
    /// Print it as CSV, a line for each cost centre of each team
    #[arg(long)]
    csv: bool,
}

/// Which statement.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Its number; all when left out
    #[arg(value_name = "NUMBER")]
    number: Option<u64>,
    /// Print it as CSV, a line for each cost centre of each team
    #[arg(long, requires = "number")]
    csv: bool,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Does it.
pub async fn run(command: ChargebackCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let named = match &command {
        ChargebackCommand::Rules(args) => &args.tenant,
        ChargebackCommand::Draft(args) => &args.time.tenant,
        ChargebackCommand::Finalize(args) => &args.tenant,
        ChargebackCommand::Show(args) => &args.tenant,
        ChargebackCommand::Verify { tenant } => tenant,
    };
    let scope = TenantScope::operator(names.tenant(named.as_deref())?.id);
    let at = At {
        instance,
        from: From {
            store: instance.store.as_ref(),
            scope: &scope,
        },
        show,
    };
    match command {
        ChargebackCommand::Rules(args) => at.rules(args.set.as_deref()).await,
        ChargebackCommand::Draft(args) => at.draft(&args).await,
        ChargebackCommand::Finalize(args) => at.finalize(&args).await,
        ChargebackCommand::Show(args) => at.show(&args).await,
        ChargebackCommand::Verify { .. } => at.verify().await,
    }
}

/// Where it is done.
struct At<'a> {
    instance: &'a Instance,
    from: From<'a>,
    show: Show,
}

impl At<'_> {
    async fn rules(&self, file: Option<&Path>) -> Result<(), Failure> {
        let (record, old) = chargeback::rules(self.from).await.map_err(failed)?;
        let Some(file) = file else {
            return self.show.say(&view::RulesView(old));
        };
        let rules = read(file)?;
        self.must_be_there(&rules).await?;
        let created = record
            .as_ref()
            .map_or_else(UnixMillis::now, |record| record.created);
        let document = RulesDocument { created, rules };
        let after = document.record().map_err(failed)?;
        let change = match record {
            None => Change::Create(after),
            Some(before) => Change::Replace { before, after },
        };
        let tenant = self.from.scope.tenant();
        let said = serde_json::to_value(&document.rules).ok();
        let act = Permission::ChargebackWrite;
        self.instance
            .act_saying(tenant, act, (tenant.to_string(), said), &[change])
            .await?;
        self.show.say(&view::RulesView(document.rules))
    }

    /// A rule that takes what is not there takes nothing, and nobody would see it.
    async fn must_be_there(&self, rules: &Rules) -> Result<(), Failure> {
        let (store, scope) = (self.from.store, self.from.scope);
        let (dump, tenant) = (store.load().await?, scope.tenant());
        for rule in &rules.rules {
            for source in &rule.takes {
                let (kind, id, is_there) = match source {
                    Source::Everything => continue,
                    Source::Team(id) => {
                        let mut own = dump.teams.iter().filter(|team| team.tenant == tenant);
                        ("team", id, own.any(|team| team.id.to_string() == *id))
                    }
                    Source::Key(id) => {
                        let mut own = dump.keys.iter().filter(|key| key.tenant == tenant);
                        ("key", id, own.any(|key| key.id.to_string() == *id))
                    }
                    Source::Project(id) => match store.record(scope, RecordKind::Project, id).await {
                        Err(StoreError::NotFound) => ("project", id, false),
                        found => ("project", id, found.map(|_| true)?),
                    },
                };
                if !is_there {
                    let what = format!("rule `{}`: the tenant has no {kind} {}", rule.name, quoted(id));
                    return Err(Failure::usage(what).hint("rules take ids, not names: the lists have both"));
                }
            }
        }
        Ok(())
    }

    async fn draft(&self, args: &DraftArgs) -> Result<(), Failure> {
        let time = time(&args.time)?;
        let (_, rules) = chargeback::rules(self.from).await.map_err(failed)?;
        let reckoned = chargeback::reckon(self.from, rules, time).await.map_err(failed)?;
        self.say(StatementView::from(&reckoned), args.csv)
    }

    async fn finalize(&self, args: &TimeArgs) -> Result<(), Failure> {
        if args.month.is_none() && args.from.is_none() {
            return Err(Failure::usage("say which time").hint("`--month 2026-10`, or `--from` and `--until`"));
        }
        let made = chargeback::finalized(self.from, time(args)?, (UnixMillis::now(), u64::MAX)).await;
        let body = made.map_err(failed)?;
        let statement = Statement::of(&body).map_err(|error| Failure::new(error.to_string()))?;
        let said = serde_json::to_value(StatementLine::of(&body, &statement.digest)).ok();
        let change = Change::Create(statement.record().map_err(failed)?);
        let act = Permission::ChargebackFinalize;
        let target = (number_id(body.number), said);
        self.instance
            .act_saying(body.tenant, act, target, &[change])
            .await?;
        self.say(StatementView::of(&body, &statement.digest), false)
    }

    async fn show(&self, args: &ShowArgs) -> Result<(), Failure> {
        let mut all = Vec::new();
        for statement in chargeback::statements(self.from).await.map_err(failed)? {
            let body = statement.body().map_err(|why| {
                Failure::tampered(format!("statement {}: {why}", statement.number))
                    .hint("`bartizan chargeback verify`")
            })?;
            all.push((body, statement.digest));
        }
        let Some(number) = args.number else {
            let lines = all.iter().map(|(body, digest)| StatementLine::of(body, digest));
            return self.show.say(&view::Statements(lines.collect()));
        };
        let found = all.iter().find(|(body, _)| body.number == number);
        let (body, digest) = found.ok_or_else(|| {
            Failure::not_found(format!("there is no final statement {number}"))
                .hint("`bartizan chargeback show` lists them")
        })?;
        self.say(StatementView::of(body, digest), args.csv)
    }

    async fn verify(&self) -> Result<(), Failure> {
        let found = chargeback::verify(self.from, u64::MAX).await.map_err(failed)?;
        let holds = found.holds;
        self.show.say(&view::Checked(found))?;
        match holds {
            true => Ok(()),
            false => Err(Failure::tampered("a final statement does not hold").hint(
                "`bartizan ledger verify` of an export says whether the ledger itself is as it was signed",
            )),
        }
    }

    fn say(&self, view: StatementView, as_csv: bool) -> Result<(), Failure> {
        if as_csv {
            return finish(std::io::Write::write_all(
                &mut std::io::stdout().lock(),
                csv(&view).as_bytes(),
            ));
        }
        self.show.say(&view::Statement(view))
    }
}

fn time(args: &TimeArgs) -> Result<(finops::Day, finops::Day), Failure> {
    let bounds = (args.from.as_deref(), args.until.as_deref());
    let time = chargeback::time_of(args.month.as_deref(), bounds, UnixMillis::now());
    time.map_err(|error| Failure::usage(error.to_string()))
}

fn failed(error: ChargebackError) -> Failure {
    match error {
        ChargebackError::Store(error) => error.into(),
        ChargebackError::Time(_) => Failure::usage(error.to_string()),
        other => Failure::new(other.to_string()),
    }
}

/// Rules from a file.
fn read(file: &Path) -> Result<Rules, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("`{name}` cannot be read: {error}")))?;
    let rules: Rules = serde_saphyr::from_str(&text)
        .map_err(|error| Failure::usage(format!("`{name}` does not read: {error}")))?;
    rules
        .check()
        .map_err(|error| Failure::usage(format!("`{name}`: {error}")))?;
    Ok(rules)
}
