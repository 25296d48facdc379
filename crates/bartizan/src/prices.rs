//! The price list in force: the built-in catalog, the configured files laid over it, and the configuration's own
//! prices on top. Nothing is fetched.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use config::Config;
use config::section::{PriceOverride, Provider};
use domain::Money;
use ledger::{Catalog, Override, Price};

use crate::failure::{Failure, Hint};

/// The largest list that is read.
pub const LIST_BYTES_MAX: u64 = 64 << 20;

/// The list by which calls are priced.
pub fn in_force(config: &Config) -> Result<Catalog, Failure> {
    let mut catalog =
        Catalog::builtin().map_err(|e| Failure::new(format!("the built-in catalog is damaged: {e}")))?;
    for file in &config.prices.files {
        catalog = laid(&catalog, file)?;
    }
    Ok(catalog.with_overrides(&overrides(config)))
}

/// A list with a file laid over it.
pub fn laid(catalog: &Catalog, file: &Path) -> Result<Catalog, Failure> {
    let name = file.display();
    let text = text(file)?;
    catalog.overlaid(&text).map_err(|e| {
        Failure::usage(format!("price list `{name}`: {e}"))
            .hint("other people's lists are turned into ours by `bartizan prices import`")
    })
}

/// A list's text, within its limit.
pub fn text(file: &Path) -> Result<String, Failure> {
    let name = file.display();
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(LIST_BYTES_MAX + 1).read_to_string(&mut text));
    let read = read.map_err(|e| {
        Failure::usage(format!("price list `{name}` cannot be read: {e}")).hint("name a file of JSON")
    })?;
    if read as u64 > LIST_BYTES_MAX {
        let what = format!("price list `{name}` is larger than {LIST_BYTES_MAX} bytes");
        return Err(Failure::usage(what));
    }
    Ok(text)
}

fn overrides(config: &Config) -> Vec<Override> {
    config
        .prices
        .overrides
        .iter()
        .map(|one| Override {
            provider: catalog_name(config, &one.provider),
            model: one.model.clone(),
            price: Some(price(one)),
            context_tokens: None,
            max_output_tokens: None,
            capabilities: None,
        })
        .collect()
}

/// Overrides and targets name providers as the file does; the catalog may know them by another name.
pub fn catalog_name(config: &Config, provider: &str) -> String {
    let described = config.providers.iter().find(|p| p.name == provider);
    described.map_or(provider, Provider::catalog).to_owned()
}

/// The configuration's names of those whom a provider bills, by the name that the catalog has for it.
pub fn billed_by(config: &Config, name: &str) -> BTreeSet<String> {
    let own = config.providers.iter().map(|provider| provider.name.clone());
    let same = own.filter(|own| catalog_name(config, own) == name);
    // What is found in the environment goes by the provider's own name.
    same.chain([name.to_owned()]).collect()
}

fn price(one: &PriceOverride) -> Price {
    let money = |dollars: config::Dollars| -> Money { dollars.0 };
    let nanos = |dollars: config::Dollars| u64::try_from(money(dollars).nanos()).unwrap_or(0);
    let mut price = Price::per_million(money(one.input_per_million), money(one.output_per_million));
    let rates = &mut price.standard.rates;
    rates.cache_read = one.cache_read_per_million.map_or(rates.cache_read, nanos);
    rates.cache_write = one.cache_write_per_million.map_or(rates.cache_write, nanos);
    rates.cache_write_long = one.cache_write_long_per_million.map_or(rates.cache_write, nanos);
    price.request = one.request.map_or(price.request, money);
    price
}
