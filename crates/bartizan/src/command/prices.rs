//! `bartizan prices`: the list in force, what another one would change, and lists of others turned into ours.
//! Nothing is fetched.

mod rerate;
mod sheet;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use domain::{Money, UnixMillis};
use jiff::Timestamp;
use ledger::{Catalog, Imported, LeftOut, Listing, Price, Rates, Scale};
use serde::Serialize;

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::prices;

use super::arguments::quoted;
use super::instance::{Instance, configuration};
use super::show::{Show, Shown, finish, remark};
use super::table::{Column, Table};
use sheet::SheetCommand;

/// About prices.
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// List what every known model costs today
    #[command(after_help = "\
Examples:
  bartizan prices list
  bartizan prices list --provider anthropic
  bartizan prices list --json | jq '.[] | select(.input_nanos_per_million > 10000000000) | .model'

Dollars for a million tokens, at the standard tier.")]
    List {
        /// Only this provider's, by its name in the catalog
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<String>,
    },
    /// Show all that is known of one model's prices, through time
    #[command(after_help = "\
Examples:
  bartizan prices show anthropic claude-sonnet-5-5
  bartizan prices show openai gpt-4o --json")]
    Show {
        /// The provider's name in the catalog
        provider: String,
        /// The provider's name for the model
        model: String,
    },
    /// Say what a list would change, were it laid over the one in force
    #[command(after_help = "\
Examples:
  bartizan prices diff new-prices.json
  bartizan prices diff new-prices.json --json | jq length")]
    Diff {
        /// A list in the catalog's own form
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Turn somebody else's public list into one of ours, for `prices.files`
    Import(ImportArgs),
    /// What a tenant is charged where it is not what the list says
    #[command(subcommand)]
    Sheet(SheetCommand),
    /// Reckon again what calls cost that were made, and correct it
    Rerate(rerate::RerateArgs),
}

/// What is imported.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan prices import --format litellm model_prices_and_context_window.json --out prices.json
  bartizan prices import --format openrouter models.json --from 2026-12-01 > prices.json
  bartizan prices import --format litellm list.json --provider mistral --provider groq --out prices.json

Models that cannot be billed here exactly as the list says are left out: priced by the second, the picture or the
character, without a price for both directions, listed at nothing, or with a price of a kind that is not known here.
Each is in the file, with the reason. Look at `bartizan prices diff` before the file is named under `prices.files`.")]
pub struct ImportArgs {
    /// The list's shape
    #[arg(long, value_enum)]
    format: Format,
    /// The list, fetched before
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only this provider's models, by its name in the list; may be given again
    #[arg(long, value_name = "PROVIDER")]
    provider: Vec<String>,
    /// The first day, UTC, on which its prices hold; without it the day it was read on
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The day it was fetched on; without it today
    #[arg(long, value_name = "DAY")]
    read: Option<String>,
    /// Where to write; without it standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// LiteLLM's `model_prices_and_context_window.json`
    #[value(name = "litellm")]
    LiteLlm,
    /// What OpenRouter answers to `GET /api/v1/models`
    #[value(name = "openrouter")]
    OpenRouter,
}

/// Does it.
pub async fn run(command: PricesCommand, at: &At, show: Show) -> Result<(), Failure> {
    match command {
        PricesCommand::List { provider } => list(&in_force(at)?, provider.as_deref(), show),
        PricesCommand::Show { provider, model } => history(&in_force(at)?, &provider, &model, show),
        PricesCommand::Diff { file } => diff(&in_force(at)?, &file, show),
        PricesCommand::Import(args) => import(&args, show),
        PricesCommand::Rerate(args) => rerate::run(args, &Instance::open(at).await?, show).await,
        PricesCommand::Sheet(command) => sheet::run(command, &Instance::open(at).await?, show).await,
    }
}

fn in_force(at: &At) -> Result<Catalog, Failure> {
    prices::in_force(&configuration(at)?)
}

/// One model's price today.
#[derive(Debug, Serialize)]
struct Row {
    provider: String,
    model: String,
    input_nanos_per_million: u64,
    output_nanos_per_million: u64,
    cache_read_nanos_per_million: u64,
    cache_write_nanos_per_million: u64,
    request_nanos: i64,
}

impl Row {
    fn new(provider: &str, model: &str, price: &Price) -> Self {
        let rates = price.standard.rates;
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            input_nanos_per_million: rates.input,
            output_nanos_per_million: rates.output,
            cache_read_nanos_per_million: rates.cache_read,
            cache_write_nanos_per_million: rates.cache_write,
            request_nanos: price.request.nanos(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl Shown for Rows {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Text("provider"),
            Column::Text("model"),
            Column::Number("in $/M"),
            Column::Number("out $/M"),
            Column::Number("cache read"),
            Column::Number("cache write"),
        ]);
        for row in &self.0 {
            table.row([
                row.provider.clone(),
                row.model.clone(),
                dollars(row.input_nanos_per_million),
                dollars(row.output_nanos_per_million),
                dollars(row.cache_read_nanos_per_million),
                dollars(row.cache_write_nanos_per_million),
            ]);
        }
        table.write(out)
    }
}

fn list(catalog: &Catalog, provider: Option<&str>, show: Show) -> Result<(), Failure> {
    let now = UnixMillis::now();
    let all = catalog.all().into_iter();
    let rows = all
        .filter(|(owner, _)| provider.is_none_or(|wanted| wanted == *owner))
        .filter_map(|(owner, model)| Some(Row::new(owner, model, catalog.prices(owner, model).at(now)?)));
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        let whose = provider.map_or_else(|| "anybody".to_owned(), quoted);
        return Err(Failure::not_found(format!("the list has no model of {whose}")));
    }
    show.say(&Rows(rows))
}

/// One model's prices, oldest first.
#[derive(Debug, Serialize)]
struct History {
    provider: String,
    model: String,
    price_version: String,
    prices: Vec<Held>,
}

/// What held from a time on.
#[derive(Debug, Serialize)]
struct Held {
    /// Nothing: always before the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<UnixMillis>,
    #[serde(flatten)]
    price: Price,
}

impl Shown for History {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}/{}, price list {}",
            self.provider, self.model, self.price_version
        )?;
        for held in &self.prices {
            let from = held.from.map_or_else(|| "always".to_owned(), day);
            writeln!(out, "\nfrom {from}, $ for a million tokens")?;
            let mut table = Table::new(&[
                Column::Text("tier"),
                Column::Number("input"),
                Column::Number("output"),
                Column::Number("cache read"),
                Column::Number("write"),
                Column::Number("long write"),
                Column::Number("audio in"),
                Column::Number("audio out"),
            ]);
            let tiers = [
                ("standard", Some(held.price.standard)),
                ("flex", held.price.flex),
                ("priority", held.price.priority),
                ("batch", held.price.batch),
            ];
            for (tier, scale) in tiers {
                let Some(Scale { rates, long }) = scale else {
                    continue;
                };
                table.row(cells(tier.to_owned(), &rates));
                if let Some(long) = long {
                    table.row(cells(format!("{tier}, above {}", long.above_tokens), &long.rates));
                }
            }
            table.write(out)?;
            if held.price.request > Money::ZERO {
                writeln!(out, "and ${} for every call", held.price.request)?;
            }
        }
        Ok(())
    }
}

fn cells(tier: String, rates: &Rates) -> [String; 8] {
    [
        tier,
        dollars(rates.input),
        dollars(rates.output),
        dollars(rates.cache_read),
        dollars(rates.cache_write),
        dollars(rates.cache_write_long),
        dollars(rates.audio_input),
        dollars(rates.audio_output),
    ]
}

fn history(catalog: &Catalog, provider: &str, model: &str, show: Show) -> Result<(), Failure> {
    let dated = catalog.prices(provider, model);
    let prices = dated.all().iter().map(|(from, price)| Held {
        from: (from.0 > i64::MIN).then_some(*from),
        price: *price,
    });
    let prices: Vec<_> = prices.collect();
    if prices.is_empty() {
        let what = format!("{} of {} has no price", quoted(model), quoted(provider));
        return Err(Failure::not_found(what).hint("`bartizan prices list` shows those that do"));
    }
    show.say(&History {
        provider: provider.to_owned(),
        model: model.to_owned(),
        price_version: catalog.version().to_owned(),
        prices,
    })
}

/// One model whose prices a list would change.
#[derive(Debug, Serialize)]
struct Change {
    provider: String,
    model: String,
    /// Today's, in the list in force; nothing where there is none.
    before: Option<Price>,
    /// Today's, with the other list laid over it.
    after: Option<Price>,
    /// Whether what changes is only another day's price.
    later: bool,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Changes(Vec<Change>);

impl Shown for Changes {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "nothing would change");
        }
        let mut table = Table::new(&[
            Column::Text("provider"),
            Column::Text("model"),
            Column::Number("in $/M"),
            Column::Number("out $/M"),
            Column::Text("remark"),
        ]);
        for change in &self.0 {
            let pair = |of: fn(&Rates) -> u64| {
                let one = |price: Option<Price>| {
                    price.map_or_else(|| "-".to_owned(), |price| dollars(of(&price.standard.rates)))
                };
                let (before, after) = (one(change.before), one(change.after));
                if before == after {
                    before
                } else {
                    format!("{before} → {after}")
                }
            };
            let remark = match (change.before, change.later) {
                (None, _) => "new",
                (_, true) => "on another day",
                _ => "",
            };
            table.row([
                change.provider.clone(),
                change.model.clone(),
                pair(|rates| rates.input),
                pair(|rates| rates.output),
                remark.to_owned(),
            ]);
        }
        table.write(out)
    }
}

fn diff(catalog: &Catalog, file: &Path, show: Show) -> Result<(), Failure> {
    let (now, laid) = (UnixMillis::now(), prices::laid(catalog, file)?);
    let changes = laid.all().into_iter().filter_map(|(provider, model)| {
        let (old, new) = (catalog.prices(provider, model), laid.prices(provider, model));
        let (before, after) = (old.at(now).copied(), new.at(now).copied());
        (old != new).then(|| Change {
            provider: provider.to_owned(),
            model: model.to_owned(),
            later: before == after,
            before,
            after,
        })
    });
    show.say(&Changes(changes.collect()))
}

/// What an import came to.
#[derive(Debug, Serialize)]
struct Report<'a> {
    taken: usize,
    left_out: &'a [LeftOut],
}

impl Shown for Report<'_> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} models taken, {} left out",
            self.taken,
            self.left_out.len()
        )?;
        self.left_out
            .iter()
            .try_for_each(|one| writeln!(out, "  {}: {}", one.name, one.why))
    }
}

fn import(args: &ImportArgs, show: Show) -> Result<(), Failure> {
    let text = prices::text(&args.file)?;
    let today = day(UnixMillis::now());
    let read = args.read.clone().unwrap_or(today);
    let from = args.from.as_ref().unwrap_or(&read);
    let listing = match args.format {
        Format::LiteLlm => Listing::LiteLlm,
        Format::OpenRouter => Listing::OpenRouter,
    };
    let imported = listing.import(&text, (&read, from), &args.provider);
    let Imported {
        json,
        taken,
        left_out,
    } = imported.map_err(|e| {
        Failure::usage(format!("`{}`: {e}", args.file.display()))
            .hint("`--format` says whose list it is, `--provider` which of its models are taken")
    })?;
    let report = Report {
        taken,
        left_out: &left_out,
    };
    match &args.out {
        Some(out) => {
            std::fs::write(out, json)
                .map_err(|e| Failure::new(format!("`{}` cannot be written: {e}", out.display())))?;
            show.say(&report)
        }
        None => {
            finish(io::stdout().lock().write_all(json.as_bytes()))?;
            remark(&format!("{taken} models taken, {} left out", left_out.len()));
            Ok(())
        }
    }
}

fn day(at: UnixMillis) -> String {
    let day = Timestamp::from_millisecond(at.0).map(|at| at.strftime("%Y-%m-%d").to_string());
    day.unwrap_or_else(|_| at.0.to_string())
}

fn dollars(nanos: u64) -> String {
    Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)).to_string()
}
