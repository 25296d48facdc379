//! `bartizan models`: what callers could ask for, who would serve it, and for how much.

use std::io::{self, Write};
use std::sync::Arc;

use config::Config;
use config::section::Provider as ProviderConfig;
use data::settings::{Model, Target};
use domain::{Money, UnixMillis};
use ledger::Catalog;
use serde::Serialize;

use crate::cli::At;
use crate::failure::Failure;
use crate::policies;
use crate::prices;
use crate::resolve::Resolver;

use super::instance::configuration;
use super::served;
use super::show::{Show, Shown};
use super::table::{Column, Table};

#[derive(Debug, Serialize)]
struct ModelView {
    name: String,
    targets: Vec<TargetView>,
    output_tokens_max: Option<u64>,
}

#[derive(Debug, Serialize)]
struct TargetView {
    provider: String,
    model: String,
    weight: u32,
    priority: u32,
    /// For a million tokens; `null` is unpriced.
    #[serde(rename = "input_nanos_per_million")]
    input: Option<u64>,
    #[serde(rename = "output_nanos_per_million")]
    output: Option<u64>,
    context_tokens: Option<u64>,
    output_tokens_max: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ModelList(Vec<ModelView>);

impl TargetView {
    fn new(target: &Target, config: &Config, catalog: &Catalog) -> Self {
        let described = config
            .providers
            .iter()
            .find(|provider| *provider.name == *target.provider.name);
        let owner = described.map_or(&*target.provider.name, ProviderConfig::catalog);
        let price = target.prices.at(UnixMillis::now());
        let facts = catalog.find(owner, &target.model, UnixMillis::now());
        Self {
            provider: target.provider.name.to_string(),
            model: target.model.clone(),
            weight: target.weight,
            priority: target.priority,
            input: price.map(|price| price.standard.rates.input),
            output: price.map(|price| price.standard.rates.output),
            context_tokens: facts.and_then(|facts| facts.context_tokens),
            output_tokens_max: target.output_tokens_max,
        }
    }

    fn label(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

impl ModelView {
    fn new(model: &Model, config: &Config, catalog: &Catalog) -> Self {
        let targets: Vec<_> = model
            .targets
            .iter()
            .map(|target| TargetView::new(target, config, catalog))
            .collect();
        let generated = targets.iter().filter_map(|target| target.output_tokens_max).max();
        Self {
            name: model.name.to_string(),
            output_tokens_max: model.output_tokens_max.or(generated),
            targets,
        }
    }

    /// The figures of the first target; others are in the JSON.
    fn cells(&self) -> [String; 6] {
        let first = self.targets.first();
        let price = |rate: Option<u64>| rate.map_or_else(|| "unpriced".to_owned(), dollars);
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let targets: Vec<_> = self.targets.iter().map(TargetView::label).collect();
        [
            self.name.clone(),
            targets.join(", "),
            price(first.and_then(|target| target.input)),
            price(first.and_then(|target| target.output)),
            count(first.and_then(|target| target.context_tokens)),
            count(self.output_tokens_max),
        ]
    }
}

fn dollars(nanos: u64) -> String {
    Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)).to_string()
}

impl Shown for ModelList {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(
                out,
                "no models: no upstream is configured and none was found; see `bartizan serve --help`"
            );
        }
        let mut table = Table::new(&[
            Column::Text("model"),
            Column::Text("targets"),
            Column::Number("in $/M"),
            Column::Number("out $/M"),
            Column::Number("context"),
            Column::Number("max output"),
        ]);
        self.0.iter().for_each(|model| table.row(model.cells()));
        table.write(out)
    }
}

/// Lists them.
pub async fn run(at: &At, show: Show) -> Result<(), Failure> {
    let mut config = configuration(at)?;
    let resolver = Resolver::for_looking(&config).await?;
    let policy = Arc::new(policies::checked(&policies::read(&config)?)?);
    let settings = served::assemble(&mut config, &resolver, policy).await?;
    let catalog = prices::in_force(&config)?;
    let models = settings.models.values();
    let mut views: Vec<_> = models
        .map(|model| ModelView::new(model, &config, &catalog))
        .collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    show.say(&ModelList(views))
}
