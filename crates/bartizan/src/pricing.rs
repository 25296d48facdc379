//! The price that an entry was reckoned by, as long as the list in force is the one it names.

use std::collections::HashMap;

use config::Config;
use exports::Pricing;
use ledger::{Catalog, Entry, Price};

use crate::failure::Failure;
use crate::prices::{catalog_name, in_force};

/// The list in force, by the configuration's names of providers.
pub struct Priced {
    catalog: Catalog,
    providers: HashMap<String, String>,
}

impl Priced {
    /// Of this configuration.
    pub fn of(config: &Config) -> Result<Self, Failure> {
        let names = config.providers.iter().map(|provider| provider.name.clone());
        Ok(Self {
            catalog: in_force(config)?,
            providers: names
                .map(|name| (name.clone(), catalog_name(config, &name)))
                .collect(),
        })
    }
}

impl Pricing for Priced {
    fn price(&self, entry: &Entry) -> Option<Price> {
        if entry.price_version.as_ref() != self.catalog.version() {
            return None;
        }
        let (provider, model) = entry.target.as_deref()?.split_once('/')?;
        let provider = self.providers.get(provider).map_or(provider, String::as_str);
        self.catalog.find(provider, model, entry.started)?.price
    }
}
