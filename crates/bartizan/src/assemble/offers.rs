//! Which models a configuration offers, and where each may be served: names and places, and nothing that is behind
//! them. Builds no client and reads no credential, so that whoever only asks about targets needs none.

use std::collections::{BTreeMap, HashMap};

use config::Config;
use config::section::{Expose, Provider, Target};
use ledger::Catalog;
use policy::Place;

/// A model that callers may ask for.
#[derive(Debug)]
pub struct Offer {
    /// Whose it is said to be.
    pub owned_by: String,
    /// Output tokens that one call may have.
    pub output_tokens_max: Option<u32>,
    /// What serves it, the first to be tried first.
    pub targets: Vec<Target>,
}

/// Models the file names, then every provider's own under `provider/model` and, where no other claims it, under
/// its own name. `served` says which models wildcard providers were found to serve, by provider.
pub fn all(
    config: &Config,
    catalog: &Catalog,
    served: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, Offer> {
    let mut offers = BTreeMap::new();
    for described in &config.models {
        let mut targets = described.targets.clone();
        targets.sort_by_key(|target| target.priority);
        let offer = Offer {
            owned_by: "bartizan".to_owned(),
            output_tokens_max: described.output_tokens_max,
            targets,
        };
        offers.insert(described.name.clone(), offer);
    }
    if config.routing.expose == Expose::All {
        expose(config, catalog, served, &mut offers);
    }
    offers
}

fn expose(
    config: &Config,
    catalog: &Catalog,
    served: &BTreeMap<String, Vec<String>>,
    offers: &mut BTreeMap<String, Offer>,
) {
    let mut claims: HashMap<String, u32> = HashMap::new();
    let mut own = Vec::new();
    for described in &config.providers {
        for model in offered(described, catalog, served.get(&described.name)) {
            *claims.entry(model.clone()).or_default() += 1;
            own.push((described.name.clone(), model));
        }
    }
    for (provider, model) in own {
        let unique = claims.get(&model) == Some(&1);
        let names = [Some(format!("{provider}/{model}")), unique.then(|| model.clone())];
        for name in names.into_iter().flatten() {
            offers.entry(name).or_insert_with(|| Offer {
                owned_by: provider.clone(),
                output_tokens_max: None,
                targets: vec![Target {
                    provider: provider.clone(),
                    model: model.clone(),
                    weight: 1,
                    priority: 0,
                }],
            });
        }
    }
}

/// The models a provider offers: those the file lists; for a wildcard those it was found to serve, else
/// those the catalog knows of it.
fn offered(described: &Provider, catalog: &Catalog, served: Option<&Vec<String>>) -> Vec<String> {
    if !described.serves_any() {
        return described.models.clone();
    }
    match served {
        Some(served) => served.clone(),
        None => catalog
            .names(described.catalog())
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}

/// Where the content of a call goes that this provider's `model` serves.
pub fn place(described: &Provider, model: &str) -> Place {
    Place {
        provider: described.name.as_str().into(),
        model: model.to_owned(),
        region: described.region.clone(),
        self_hosted: described.self_hosted,
    }
}

/// What a target is called in entries, metrics and answers.
pub fn label(provider: &str, model: &str) -> String {
    format!("{provider}/{model}")
}
