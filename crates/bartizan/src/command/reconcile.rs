//! `bartizan reconcile`: what a provider says it billed beside what the ledger has.

mod gate;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use domain::{Money, TenantScope};
use exports::reconcile::{Amount, Compared, Here, Provider, Report, Tolerance, Whole, compare};
use ledger::Entry;
use serde::Serialize;
use serde_json::Value;
use store::{EntrySpan, StoreError, each_finished};

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::prices::billed_by;
use crate::pricing::Priced;

use super::find::Names;
use super::instance::Instance;
use super::show::{Show, Shown};
use super::table::{Column, Table};

/// The longest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan reconcile --provider openai costs-page-1.json costs-page-2.json
  bartizan reconcile --provider anthropic cost_report.json usage_report.json --tolerance 0.05
  bartizan reconcile --provider openai --gate --tenant ten_… costs.csv      signed in with `bartizan ctl sessions sign-in`
  bartizan reconcile --provider openai --of oa --of oa-eu costs.csv --json | jq '.lines[] | select(.verdict != \"matched\")'

Reads pages of the providers' APIs, grouped by model (OpenAI: `group_by=line_item` for costs, `group_by=model` for usage; \
Anthropic: `group_by[]=description` and `group_by[]=model`), and the tables of their consoles. Days are UTC. All tenants are \
taken together unless one is named: a provider bills them all. Compared is what calls cost by the list; what a price sheet \
puts on it stands beside it. Exits with 4 when a line is off by more than the tolerance.")]
pub struct ReconcileArgs {
    /// Whose report it is
    #[arg(long, value_enum)]
    provider: Whose,
    /// The report: all its pages, costs and usage together if there are both
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A provider of the configuration that the report is about; all that the price list knows by that name when left out
    #[arg(long = "of", value_name = "NAME")]
    of: Vec<String>,
    /// Only this tenant's part of the ledger
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// How many dollars a line may be off
    #[arg(long, value_name = "USD", default_value = "0.01")]
    tolerance: Money,
    /// How many tokens of either kind a line may be off
    #[arg(long, value_name = "N", default_value_t = 0)]
    tolerance_tokens: u64,
    /// Have the running gate compare and keep the result, over its control API: one tenant's part, by its id
    #[arg(long)]
    gate: bool,
    /// With `--gate`: the control listener; the configuration's when left out
    #[arg(long, value_name = "URL", env = "BARTIZAN_CONTROL_URL")]
    url: Option<String>,
}

/// Whose reports are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whose {
    /// OpenAI
    Openai,
    /// Anthropic
    Anthropic,
}

impl Whose {
    const fn provider(self) -> Provider {
        match self {
            Self::Openai => Provider::Openai,
            Self::Anthropic => Provider::Anthropic,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct View(Compared);

impl Shown for View {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines: Result<Vec<Value>, _> = self.0.lines.iter().map(serde_json::to_value).collect();
        table(&lines?, out)?;
        let Compared { lines, gaps, cost } = &self.0;
        writeln!(
            out,
            "{} of {} lines are off; the provider bills ${cost} more than the ledger has",
            gaps,
            lines.len()
        )
    }
}

/// Lines as the gate has them too, and below them what is known of causes.
fn table(lines: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(&[
        Column::Text("day"),
        Column::Text("model"),
        Column::Text("verdict"),
        Column::Number("here $"),
        Column::Number("there $"),
        Column::Number("difference $"),
        Column::Number("prompt"),
        Column::Number("output"),
        Column::Number("mark-up $"),
    ]);
    lines.iter().for_each(|line| table.row(cells(line)));
    table.write(out)?;
    for line in lines {
        if let Some(cause) = line.get("cause").and_then(Value::as_str) {
            let of = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or("-");
            writeln!(out, "{} {}: {cause}", of("day"), of("model"))?;
        }
    }
    Ok(())
}

fn cells(line: &Value) -> [String; 9] {
    let text = |pointer: &str| {
        let found = line.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or("-").to_owned()
    };
    let signed = |pointer: &str| match line.pointer(pointer).and_then(Value::as_i64) {
        None => "-".to_owned(),
        Some(0) => "0".to_owned(),
        Some(number) => format!("{number:+}"),
    };
    [
        text("/day"),
        text("/model"),
        text("/verdict").replace('_', " "),
        text("/here/cost_usd"),
        text("/there/cost"),
        text("/cost_difference_usd"),
        signed("/token_difference/0"),
        signed("/token_difference/1"),
        text("/here/mark_up_usd"),
    ]
}

/// What is off beyond the tolerance is for programs to see.
fn judged(gaps: u64) -> Result<(), Failure> {
    match gaps {
        0 => Ok(()),
        gaps => Err(Failure::tampered(format!(
            "{gaps} lines are off by more than the tolerance"
        ))),
    }
}

/// Compares them.
// threat: AGP-R2
pub async fn run(args: ReconcileArgs, at: &At, show: Show) -> Result<(), Failure> {
    if args.gate {
        return gate::run(&args, at, show).await;
    }
    let instance = &Instance::open(at).await?;
    let mut report = Report::default();
    for file in &args.files {
        let read = report.read(args.provider.provider(), &bytes(file)?);
        read.map_err(|error| Failure::usage(format!("`{}`: {error}", file.display())))?;
    }
    let whole = report
        .finish()
        .map_err(|error| Failure::usage(format!("the report: {error}")))?;
    let names = Names::read(instance.store.as_ref()).await?;
    let only = names.tenant_if_named(args.tenant.as_deref())?;
    let tenants = names.all().tenants.iter().map(|tenant| tenant.id);
    let mut here = Here::default();
    let list = Priced::of(&instance.config)?;
    for tenant in tenants.filter(|tenant| only.is_none_or(|only| only == *tenant)) {
        add(
            &mut here,
            &TenantScope::operator(tenant),
            &whole,
            (&meant(&args, instance)?, &list),
            instance,
        )
        .await?;
    }
    let tolerance = Tolerance {
        cost: Amount::of_nanos(i128::from(args.tolerance.nanos())),
        tokens: args.tolerance_tokens,
    };
    let view = View(compare(here, whole.lines, tolerance));
    show.say(&view)?;
    judged(view.0.gaps)
}

/// The providers of the configuration that the report is about.
fn meant(args: &ReconcileArgs, instance: &Instance) -> Result<Vec<String>, Failure> {
    let known: Vec<&str> = instance
        .config
        .providers
        .iter()
        .map(|provider| provider.name.as_str())
        .collect();
    if let Some(stranger) = args.of.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(
            Failure::usage(format!("the configuration has no provider `{stranger}`"))
                .hint(format!("it has: {}", known.join(", "))),
        );
    }
    if !args.of.is_empty() {
        return Ok(args.of.clone());
    }
    let name = args.provider.provider().as_str();
    Ok(billed_by(&instance.config, name).into_iter().collect())
}

async fn add(
    here: &mut Here,
    scope: &TenantScope,
    whole: &Whole,
    (meant, list): (&[String], &Priced),
    instance: &Instance,
) -> Result<(), Failure> {
    let Some((from, until)) = whole.span else {
        return Ok(());
    };
    let span = EntrySpan {
        from,
        until,
        size: u64::MAX,
    };
    let read = each_finished(instance.store.as_ref(), scope, &span, |stored| {
        let entry =
            Entry::from_bytes(&stored.bytes).map_err(|error| StoreError::Damaged(error.to_string()))?;
        here.add(&entry, meant, list);
        Ok::<_, StoreError>(entry.finished)
    });
    read.await.map_err(Failure::from)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))?;
    Ok(bytes)
}
