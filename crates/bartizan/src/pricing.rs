//! The price that an entry was reckoned by, as long as the list in force is the one it names.

use std::collections::HashMap;
use std::path::Path;

use config::Config;
use exports::Pricing;
use ledger::{Catalog, Dated};

use crate::failure::Failure;
use crate::prices::{catalog_name, in_force, laid};

/// The list in force, by the configuration's names of providers.
pub struct Priced {
    catalog: Catalog,
    providers: HashMap<String, String>,
}

impl Priced {
    /// Of this configuration.
    pub fn of(config: &Config) -> Result<Self, Failure> {
        Self::with(config, None)
    }

    /// The same with a file laid over it.
    pub fn with(config: &Config, file: Option<&Path>) -> Result<Self, Failure> {
        let names = config.providers.iter().map(|provider| provider.name.clone());
        let list = in_force(config)?;
        Ok(Self {
            catalog: match file {
                None => list,
                Some(file) => laid(&list, file)?,
            },
            providers: names
                .map(|name| (name.clone(), catalog_name(config, &name)))
                .collect(),
        })
    }
}

impl Pricing for Priced {
    fn version(&self) -> &str {
        self.catalog.version()
    }

    fn listed(&self, target: &str) -> Dated {
        let Some((provider, model)) = target.split_once('/') else {
            return Dated::default();
        };
        let provider = self.providers.get(provider).map_or(provider, String::as_str);
        self.catalog.prices(provider, model)
    }
}
