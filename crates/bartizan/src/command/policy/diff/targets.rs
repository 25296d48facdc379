//! Where calls go by the present configuration, as policies are told of it. Asks no provider for anything but what it
//! serves, and only where none is configured.

use std::collections::{BTreeMap, BTreeSet};

use config::section::Provider;
use policy::Place;

use crate::assemble::offers;
use crate::command::instance::Instance;
use crate::failure::Failure;
use crate::{prices, serving};

/// Where calls go by the present configuration.
#[derive(Debug)]
pub struct Targets {
    providers: Vec<Provider>,
    by_model: BTreeMap<String, offers::Offer>,
}

impl Targets {
    /// Looks around for providers where none is configured, as `serve` does.
    pub async fn of(instance: &Instance) -> Result<Self, Failure> {
        let mut config = instance.config.clone();
        let served = serving::what_is_served(&mut config).await;
        Ok(Self {
            by_model: offers::all(&config, &prices::in_force(&config)?, &served),
            providers: config.providers,
        })
    }

    /// Where calls for the model may go now.
    pub fn now(&self, model: &str) -> BTreeSet<String> {
        let offer = self.by_model.get(model);
        let targets = offer.into_iter().flat_map(|offer| &offer.targets);
        targets
            .map(|target| offers::label(&target.provider, &target.model))
            .collect()
    }

    /// What policies know of the target: nothing where its provider is gone.
    pub fn place(&self, label: &str) -> Option<Place> {
        let (provider, model) = label.split_once('/')?;
        let described = self.providers.iter().find(|one| one.name == provider)?;
        Some(offers::place(described, model))
    }
}
