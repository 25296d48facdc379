//! `bartizan export focus|csv|json|parquet`: what was spent, as files that finance takes; their checks, and whether they
//! still agree with the ledger.

mod check;
mod file;
mod verify;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use control::sheets::Sheeted;
use domain::{Money, TenantScope, UnixMillis};
use exports::{FORMAT, Format, Grain, Ground, Manifest, Rows, Sums, focus, rfc3339, write};
use store::{EntrySpan, LogKind, cost_names, gather_costs};

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::pricing::Priced;

use super::arguments::Since;
use super::find::Names;
use super::instance::Instance;
use super::ledger::settled;
use super::show::{Show, remark};

use file::Target;

/// The most rows of one file.
const ROWS_MAX: usize = 2_000_000;
/// After how many entries it is said how far it has come.
const TOLD_EVERY: u64 = 100_000;

/// Costs, as files.
#[derive(Debug, Subcommand)]
pub enum CostsCommand {
    /// Write costs as FOCUS 1.4, the FinOps specification, in CSV
    #[command(after_help = "\
Examples:
  bartizan export focus --from 2026-10-01 --until 2026-11-01 --out october.csv
  bartizan export focus --grain hour --from 24h --out - | less

Beside the file goes FILE.manifest.json: its digest and sums, and the part of the ledger that it is made of.")]
    Focus(CostsArgs),
    /// Write costs as FOCUS 1.4 in Parquet, with exact decimals
    #[command(after_help = "\
Examples:
  bartizan export parquet --from 2026-10-01 --until 2026-11-01 --out october.parquet")]
    Parquet(CostsArgs),
    /// Write costs as a table of our own, or as earlier cost reporters wrote it
    #[command(after_help = "\
Examples:
  bartizan export csv --from 2026-10-01 --until 2026-11-01 --out october.csv
  bartizan export csv --preset originals --from 7d --out -")]
    Csv(CsvArgs),
    /// Write costs as lines of JSON
    #[command(after_help = "\
Examples:
  bartizan export json --from 7d --out - | jq -s 'map(.cost_nanos) | add'")]
    Json(CostsArgs),
    /// Say whether a file, CSV or Parquet, is FOCUS 1.4
    #[command(after_help = "\
Examples:
  bartizan export check october.csv
  bartizan export check --json from-elsewhere.parquet | jq .findings")]
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Hold a file against its manifest, and both against the ledger
    #[command(after_help = "\
Examples:
  bartizan export verify october.csv")]
    Verify {
        /// The file; its manifest is FILE.manifest.json
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Which costs, and where to.
#[derive(Debug, Args)]
pub struct CostsArgs {
    /// From when on: a day (2026-10-01), a time, or how long ago (7d)
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    from: Since,
    /// Until when; now when left out
    #[arg(long, value_name = "WHEN")]
    until: Option<Since>,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// How long charge periods are
    #[arg(long, value_enum, default_value_t = Period::Day)]
    grain: Period,
    /// The file, or `-` for standard output, which gets no manifest
    #[arg(long, value_name = "FILE|-")]
    out: PathBuf,
}

/// The same, as which table.
#[derive(Debug, Args)]
pub struct CsvArgs {
    #[command(flatten)]
    costs: CostsArgs,
    /// Which columns
    #[arg(long, value_enum, default_value_t = Preset::Ours)]
    preset: Preset,
}

/// How long a charge period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Period {
    /// An hour
    Hour,
    /// A day, UTC
    Day,
}

/// Which columns a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Every dimension, by id and by name
    Ours,
    /// date,user_id,team_id,model,request_count,input_tokens,output_tokens,total_cost
    Originals,
}

/// Runs one of them.
pub async fn run(command: CostsCommand, at: &At, show: Show) -> Result<(), Failure> {
    let (format, args) = match command {
        CostsCommand::Check { file } => return check::run(&file, show),
        CostsCommand::Verify { file } => return verify::run(&file, &Instance::open(at).await?, show).await,
        CostsCommand::Focus(args) => (Format::Focus, args),
        CostsCommand::Parquet(args) => (Format::Parquet, args),
        CostsCommand::Json(args) => (Format::Json, args),
        CostsCommand::Csv(CsvArgs {
            costs,
            preset: Preset::Ours,
        }) => (Format::Csv, costs),
        CostsCommand::Csv(CsvArgs {
            costs,
            preset: Preset::Originals,
        }) => (Format::Originals, costs),
    };
    export(format, &args, &Instance::open(at).await?).await
}

// threat: AGP-R2
async fn export(format: Format, args: &CostsArgs, instance: &Instance) -> Result<(), Failure> {
    let signing = instance.signing()?;
    let names = Names::read(instance.store.as_ref()).await?;
    let scope = TenantScope::operator(names.tenant(args.tenant.as_deref())?.id);
    let (head, _) = settled(instance, &signing, (&scope, LogKind::Ledger), u64::MAX).await?;
    let now = UnixMillis::now();
    let until = args
        .until
        .map_or(UnixMillis(now.0.saturating_add(1)), |until| until.seen_from(now));
    let span = EntrySpan {
        from: args.from.seen_from(now),
        until,
        size: head.size,
    };
    if span.from >= span.until {
        return Err(Failure::usage("the time ends before it begins").hint("`--from` is before `--until`"));
    }
    let grain = match args.grain {
        Period::Hour => Grain::Hour,
        Period::Day => Grain::Day,
    };
    let rows = gathered(instance, (&scope, &span), grain).await?;
    let names = cost_names(instance.store.as_ref(), &scope, &instance.config.ledger.origin).await?;
    let mut target = Target::open(&args.out)?;
    let written =
        write(format, &rows, &names, &mut target).map_err(|error| Failure::new(error.to_string()))?;
    let origin = signing.origin(scope.tenant(), LogKind::Ledger);
    let manifest = |sha256: String, bytes: u64| Manifest {
        format: FORMAT.to_owned(),
        kind: format,
        focus_version: matches!(format, Format::Focus | Format::Parquet).then(|| focus::VERSION.to_owned()),
        tenant: scope.tenant().to_string(),
        from: rfc3339_exact(span.from),
        until: rfc3339_exact(span.until),
        grain,
        rows: written.rows,
        bytes,
        sha256,
        sums: Sums::of(rows.total()),
        ledger: Ground::of(rows.total(), (&origin, head.size), Some(head.note.clone())),
    };
    let (count, spent) = (rows.total().ledger.entries, Sums::of(rows.total()).cost_nanos);
    target.finish(manifest)?;
    if args.out.as_os_str() != "-" {
        let (out, written) = (args.out.display(), written.rows);
        let spent = Money::from_nanos(spent);
        remark(&format!(
            "{out}: {written} rows of {count} calls, ${spent}; beside it {out}.manifest.json"
        ));
    }
    Ok(())
}

/// All rows of the span; a terminal is told how far it has come.
async fn gathered(
    instance: &Instance,
    (scope, span): (&TenantScope, &EntrySpan),
    grain: Grain,
) -> Result<Rows, Failure> {
    let list = Arc::new(Priced::of(&instance.config)?);
    let pricing = Sheeted::of(instance.store.as_ref(), scope.tenant(), list).await?;
    let mut rows = Rows::new(grain, ROWS_MAX);
    let (mut count, is_told) = (0u64, std::io::stderr().is_terminal());
    let told = |_: u64, _: &[u8]| {
        count += 1;
        if is_told && count.is_multiple_of(TOLD_EVERY) {
            remark(&format!("{count} entries read"));
        }
    };
    let gathered = gather_costs(instance.store.as_ref(), (scope, span), &mut rows, &pricing, told).await;
    gathered.map_err(costs_failure)?;
    Ok(rows)
}

fn costs_failure(error: store::CostsError) -> Failure {
    match error {
        store::CostsError::Store(error) => error.into(),
        store::CostsError::Rows(error @ exports::RowsError::Entry { .. }) => {
            Failure::tampered(error.to_string())
        }
        store::CostsError::Rows(error) => Failure::usage(error.to_string()),
    }
}

/// With milliseconds, so that a manifest's times are those that were asked for.
fn rfc3339_exact(at: UnixMillis) -> String {
    super::arguments::rfc3339(at).unwrap_or_else(|| rfc3339(at))
}

/// Writes all of what is said to people on standard output.
fn said(out: &mut dyn Write, lines: &[String]) -> std::io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
