//! What the control plane shows of what is served: the gate's settings and the configuration they were made from.
//! No credential and no header's value is among it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use config::Config;
use config::section::ProviderKind;
use control::serving::{ServedModel, ServedProvider, ServedSink, ServedTarget, Serving, TargetHealth};
use data::Gate;
use data::settings::{Model, Target};
use domain::{TenantId, UnixMillis};
use exports::{Pricing, Unpriced};
use limit::BreakerState;
use serde_json::{Value, json};
use tokio::sync::watch;
use upstream::Reach;

use super::own;
use crate::prices::billed_by;
use crate::pricing::Priced;

/// The serving instance, to be looked at.
#[derive(Debug)]
pub struct Shown {
    /// What serves.
    pub gate: Arc<Gate>,
    /// The configuration in force, with what was found by looking around.
    pub config: watch::Receiver<Arc<Config>>,
}

fn target(target: &Arc<Target>) -> ServedTarget {
    let price = target.prices.at(UnixMillis::now());
    ServedTarget {
        provider: target.provider.name.to_string(),
        model: target.model.clone(),
        weight: target.weight,
        priority: target.priority,
        input_nanos_per_million: price.map(|price| price.standard.rates.input),
        output_nanos_per_million: price.map(|price| price.standard.rates.output),
        list_input_nanos_per_million: None,
        list_output_nanos_per_million: None,
        output_tokens_max: target.output_tokens_max,
    }
}

fn model(model: &Arc<Model>) -> ServedModel {
    let generated = model
        .targets
        .iter()
        .filter_map(|target| target.output_tokens_max)
        .max();
    ServedModel {
        name: model.name.to_string(),
        output_tokens_max: model.output_tokens_max.or(generated),
        targets: model.targets.iter().map(target).collect(),
    }
}

impl Shown {
    /// The state of every target, by provider and the provider's name of the model.
    fn health(&self) -> BTreeMap<String, BTreeMap<String, &'static str>> {
        let now = self.gate.monotonic_ns(Instant::now());
        let mut all: BTreeMap<String, BTreeMap<String, &'static str>> = BTreeMap::new();
        for target in self
            .gate
            .view()
            .settings
            .models
            .values()
            .flat_map(|model| &model.targets)
        {
            let state = match target.breaker.state(now) {
                BreakerState::Closed => "closed",
                BreakerState::Open { .. } => "open",
                BreakerState::HalfOpen => "half_open",
            };
            let of_provider = all.entry(target.provider.name.to_string()).or_default();
            of_provider.insert(target.model.clone(), state);
        }
        all
    }
}

impl Serving for Shown {
    fn billed_by(&self, name: &str) -> BTreeSet<String> {
        billed_by(&self.config.borrow(), name)
    }

    fn models(&self) -> Vec<ServedModel> {
        let mut models: Vec<_> = self.gate.view().settings.models.values().map(model).collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        models
    }

    // threat: AGP-I1
    fn providers(&self) -> Vec<ServedProvider> {
        let config = self.config.borrow().clone();
        let mut health = self.health();
        let mut all: Vec<_> = config
            .providers
            .iter()
            .map(|provider| ServedProvider {
                name: provider.name.clone(),
                kind: match provider.kind {
                    ProviderKind::Openai => "openai",
                    ProviderKind::Anthropic => "anthropic",
                },
                base_url: provider.base_url().to_owned(),
                has_credential: provider.credential.is_some(),
                targets: health
                    .remove(&provider.name)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(model, breaker)| TargetHealth { model, breaker })
                    .collect(),
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn sinks(&self) -> Vec<ServedSink> {
        let config = self.config.borrow().clone();
        let sinks = config.alerts.sinks.iter().map(|sink| ServedSink {
            name: sink.name.clone(),
            kind: sink.kind().as_str(),
        });
        sinks.collect()
    }

    fn reach(&self) -> Reach {
        own::reach(&self.config.borrow().delivery)
    }

    fn mail_domains(&self) -> Option<Vec<String>> {
        let config = self.config.borrow();
        config.delivery.mail.as_ref().map(|mail| mail.domains.clone())
    }

    /// Prices that are not to be had tell nothing apart, and no sum depends on them.
    fn pricing(&self) -> Arc<dyn Pricing> {
        let config = self.config.borrow().clone();
        match Priced::of(&config) {
            Ok(priced) => Arc::new(priced),
            Err(_) => Arc::new(Unpriced),
        }
    }

    fn guard_profiles(&self) -> Vec<guard::Profile> {
        self.config.borrow().guards.profiles.clone()
    }

    fn text_guards(&self, tenant: (TenantId, &str), own: Option<&guard::Ready>) -> guard::Plan {
        self.gate.view().settings.guards.of_texts(tenant, own)
    }

    fn regions(&self) -> BTreeMap<String, String> {
        let config = self.config.borrow().clone();
        let providers = config.providers.iter();
        let said = providers.filter_map(|provider| Some((provider.name.clone(), provider.region.clone()?)));
        said.collect()
    }

    fn prices(&self) -> BTreeMap<String, ledger::Dated> {
        let view = self.gate.view();
        let targets = view.settings.models.values().flat_map(|model| &model.targets);
        let priced = |target: &Arc<Target>| (target.label.to_string(), target.prices.clone());
        targets.map(priced).collect()
    }

    /// Headers are never credentials, and some put them there all the same.
    // threat: AGP-I1
    fn settings(&self) -> Value {
        let config = self.config.borrow().clone();
        let mut shown = serde_json::to_value(&*config).unwrap_or_default();
        let providers = shown.get_mut("providers").and_then(Value::as_array_mut);
        for provider in providers.into_iter().flatten() {
            let headers = provider.get_mut("headers").and_then(Value::as_object_mut);
            for (_, value) in headers.into_iter().flatten() {
                *value = json!("redacted");
            }
        }
        shown
    }
}
