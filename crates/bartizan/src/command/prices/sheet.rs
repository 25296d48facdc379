//! `bartizan prices sheet`: what a tenant is charged where it is not what the list says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use control::sheets::{self, Kept};
use domain::{Permission, TenantId, UnixMillis};
use ledger::{Dollars, Fixed, Sheet, SheetLine};
use serde::Serialize;
use store::StoreError;

use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::{Failure, Hint};
use crate::prices;

use super::day;

/// What to do with a sheet.
#[derive(Debug, Subcommand)]
pub enum SheetCommand {
    /// Show what a tenant is charged
    #[command(after_help = "\
Examples:
  bartizan prices sheet show --tenant acme
  bartizan prices sheet show --tenant acme --version 3 --json > sheet.json")]
    Show {
        /// This version; the one in force when left out
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Say what a tenant is charged, from a file
    #[command(after_help = "\
Examples:
  bartizan prices sheet set sheet.yaml --tenant acme

  # sheet.yaml: of the lines that name a call's target, the most particular one is asked
  lines:
    - mark_up_basis_points: 1500                # 15 % on everything
    - {provider: anthropic, mark_up_basis_points: 1000}
    - model: gpt-4o                             # $ a million tokens; what is not here is marked up
      from: 2027-01-01
      mark_up_basis_points: 1500
      fixed: {input: \"2.40\", output: \"9.50\"}

It is another version, for calls that begin from now on; entries name it. `lines: []` leaves what the list says. Calls
that were made stay as they are: `bartizan prices rerate` corrects what they cost.")]
    Set {
        /// The sheet, YAML or JSON
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        whose: Whose,
    },
    /// List all versions, oldest first
    #[command(after_help = "\
Examples:
  bartizan prices sheet history --tenant acme")]
    History {
        #[command(flatten)]
        whose: Whose,
    },
}

/// Whose sheet.
#[derive(Debug, Args)]
pub struct Whose {
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Does it.
pub async fn run(command: SheetCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let store = instance.store.as_ref();
    let names = Names::read(store).await?;
    match command {
        SheetCommand::Show { version, whose } => {
            let tenant = names.tenant(whose.tenant.as_deref())?.id;
            show.say(&found(instance, tenant, version).await?)
        }
        SheetCommand::Set { file, whose } => {
            let tenant = names.tenant(whose.tenant.as_deref())?;
            let (record, newest) = sheets::newest(store, tenant.id).await?;
            let now = UnixMillis::now();
            let (kept, changes) = sheets::next(tenant, (record, newest.as_ref()), read(&file)?, now)?;
            instance.must_work(tenant.id).await?;
            let said = serde_json::to_value(&kept.sheet).ok();
            let target = (tenant.id.to_string(), said);
            let act = Permission::PricesUpdate;
            instance
                .act_saying(TenantId::PLATFORM, act, target, &changes)
                .await?;
            show.say(&SheetView::from(kept))
        }
        SheetCommand::History { whose } => {
            let tenant = names.tenant(whose.tenant.as_deref())?.id;
            let all = sheets::history(store, tenant).await?;
            show.say(&History(all.into_iter().map(SheetView::from).collect()))
        }
    }
}

async fn found(instance: &Instance, tenant: TenantId, version: Option<u64>) -> Result<SheetView, Failure> {
    let store = instance.store.as_ref();
    let Some(number) = version else {
        let (_, newest) = sheets::newest(store, tenant).await?;
        return Ok(newest.map(SheetView::from).unwrap_or_default());
    };
    match sheets::version(store, tenant, number).await {
        Err(StoreError::NotFound) => Err(no_version(number)),
        kept => Ok(kept?.into()),
    }
}

/// What is said where a tenant has no such version.
pub fn no_version(number: u64) -> Failure {
    Failure::not_found(format!("the tenant has no price sheet {number}"))
        .hint("`bartizan prices sheet history` lists its versions")
}

/// A sheet from a file.
fn read(file: &Path) -> Result<Sheet, Failure> {
    let (name, text) = (file.display(), prices::text(file)?);
    let sheet: Sheet = serde_saphyr::from_str(&text)
        .map_err(|error| Failure::usage(format!("`{name}` does not read: {error}")))?;
    sheet.check().map_err(|error| {
        let line = error
            .line
            .map(|at| format!(" line {}:", at + 1))
            .unwrap_or_default();
        Failure::usage(format!("`{name}`:{line} {error}"))
    })?;
    Ok(sheet)
}

/// One version.
#[derive(Debug, Default, Serialize)]
struct SheetView {
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<UnixMillis>,
    #[serde(flatten)]
    sheet: Sheet,
}

impl From<Kept> for SheetView {
    fn from(kept: Kept) -> Self {
        Self {
            number: kept.number,
            made: Some(kept.made),
            sheet: kept.sheet,
        }
    }
}

impl Shown for SheetView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(made) = self.made else {
            return writeln!(out, "no price sheet: the tenant is charged what the list says");
        };
        writeln!(out, "price sheet {}, made {}", self.number, day(made))?;
        if self.sheet.lines.is_empty() {
            return writeln!(out, "no lines: the tenant is charged what the list says");
        }
        let mut table = Table::new(&[
            Column::Text("from"),
            Column::Text("provider"),
            Column::Text("model"),
            Column::Number("mark-up"),
            Column::Text("fixed, $ a million tokens"),
        ]);
        for line in &self.sheet.lines {
            let any = |name: &Option<String>| name.clone().unwrap_or_else(|| "*".to_owned());
            table.row([
                line.from
                    .map_or_else(|| "always".to_owned(), |day| day.to_string()),
                any(&line.provider),
                any(&line.model),
                mark_up(line),
                fixed(&line.fixed),
            ]);
        }
        table.write(out)
    }
}

fn mark_up(line: &SheetLine) -> String {
    let basis_points = line.mark_up_basis_points;
    let sign = if basis_points < 0 { "-" } else { "" };
    let whole = basis_points.unsigned_abs();
    format!("{sign}{}.{:02} %", whole / 100, whole % 100)
}

fn fixed(fixed: &Fixed) -> String {
    let all = [
        ("input", fixed.input),
        ("output", fixed.output),
        ("cache read", fixed.cache_read),
        ("cache write", fixed.cache_write),
        ("long cache write", fixed.cache_write_long),
        ("audio input", fixed.audio_input),
        ("audio output", fixed.audio_output),
        ("a call", fixed.request),
    ];
    let said = all
        .iter()
        .filter_map(|(name, dollars)| dollars.map(|Dollars(dollars)| format!("{name} {dollars}")));
    said.collect::<Vec<_>>().join(", ")
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct History(Vec<SheetView>);

impl Shown for History {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "no price sheet: the tenant is charged what the list says");
        }
        let mut table = Table::new(&[
            Column::Number("number"),
            Column::Text("made"),
            Column::Number("lines"),
        ]);
        for view in &self.0 {
            table.row([
                view.number.to_string(),
                view.made.map_or_else(String::new, day),
                view.sheet.lines.len().to_string(),
            ]);
        }
        table.write(out)
    }
}
