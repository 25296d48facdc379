//! From `bartizan.yaml` to what a request sees: providers, models, prices, policies, guards.
//!
//! `serve`, a reload and `check` all go through here, so what `check` passes is what serves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::{
    Checks as ChecksConfig, Expose, PriceOverride, Provider as ProviderConfig, ProviderKind, StreamUsage,
    Unpriced as UnpricedConfig,
};
use data::settings::{
    Bounds, CacheSettings, Checks, Deadlines, Guards, Model, Provider, ProviderParts, Settings, Target,
    Unpriced,
};
use dialect::{BodyLimits, Dialect};
use domain::{Money, UnixMillis};
use guard::Secrets;
use ledger::{Catalog, Override, Price};
use limit::{Breaker, BreakerSettings};
use telemetry::Metrics;
use upstream::Base;

use crate::failure::{Failure, Hint};
use crate::resolve::Resolved;

/// What outlives one assembly: engines that are dear to build, and health that must not be forgotten.
#[derive(Debug)]
pub struct Workshop {
    secrets: Arc<Secrets>,
    metrics: Arc<Metrics>,
    breakers: HashMap<String, Arc<Breaker>>,
    revision: u64,
}

impl Workshop {
    /// An empty workshop.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            secrets: Arc::new(Secrets::new()),
            metrics,
            breakers: HashMap::new(),
            revision: 0,
        }
    }

    /// Builds settings; nothing of a failed assembly is kept.
    ///
    /// `served` says which models wildcard providers were found to serve, by provider; `credentials` what
    /// providers are called with. One whose credential is not among them is not called.
    pub fn assemble(
        &mut self,
        config: &Config,
        served: &BTreeMap<String, Vec<String>>,
        credentials: &Resolved,
    ) -> Result<Settings, Failure> {
        let catalog = Catalog::builtin()
            .map_err(|e| Failure::new(format!("the built-in catalog is damaged: {e}")))?
            .with_overrides(&overrides(config));
        let mut providers = BTreeMap::new();
        for described in &config.providers {
            let built = provider(described, credentials)?;
            providers.insert(described.name.as_str(), (described, Arc::new(built)));
        }
        let policy = Arc::new(policy_engine(config)?);
        let policy_fingerprint: Arc<str> = policy.fingerprint().into();
        let mut bench = Bench {
            workshop: self,
            config,
            catalog: &catalog,
            providers: &providers,
            breakers: HashMap::new(),
        };
        let models = bench.models(served)?;
        let breakers = bench.breakers;
        self.breakers = breakers;
        self.revision += 1;
        let bounds = Bounds {
            body_bytes_max: config.server.body_bytes_max,
            body_timeout: ms(config.server.body_timeout_ms),
            answer_bytes_max: config.server.answer_bytes_max,
            event_bytes_max: config.server.event_bytes_max,
            body: BodyLimits::default(),
        };
        Ok(Settings {
            revision: self.revision,
            checks: match config.checks {
                ChecksConfig::On => Checks::On,
                ChecksConfig::Off => Checks::Off,
            },
            bounds,
            models,
            policy,
            policy_fingerprint,
            guards: Guards {
                secrets: self.secrets.clone(),
                input: config.guards.secrets.input.into(),
                output: config.guards.secrets.output.into(),
            },
            unpriced: match config.prices.unpriced {
                UnpricedConfig::Refuse => Unpriced::Refuse,
                UnpricedConfig::AllowFree => Unpriced::AllowFree,
            },
            price_version: catalog.version().into(),
            output_tokens_default: u64::from(config.limits.output_tokens_default),
            cache: config.cache.enabled.then(|| CacheSettings {
                ttl: ms(config.cache.ttl_ms),
                bytes_max: config.cache.bytes_max,
            }),
            attempts_max: config.routing.attempts_max,
            trusted_proxies: config.listen.trusted_proxies.clone(),
        })
    }
}

/// One assembly under way.
struct Bench<'a> {
    workshop: &'a Workshop,
    config: &'a Config,
    catalog: &'a Catalog,
    providers: &'a BTreeMap<&'a str, (&'a ProviderConfig, Arc<Provider>)>,
    breakers: HashMap<String, Arc<Breaker>>,
}

impl Bench<'_> {
    /// Models the file names, then every provider's own under `provider/model` and, where no other claims
    /// it, under its own name.
    fn models(
        &mut self,
        served: &BTreeMap<String, Vec<String>>,
    ) -> Result<HashMap<String, Arc<Model>>, Failure> {
        let mut models: HashMap<String, Model> = HashMap::new();
        for described in &self.config.models {
            let mut targets = Vec::with_capacity(described.targets.len());
            for wanted in &described.targets {
                targets.push(self.target(
                    &wanted.provider,
                    &wanted.model,
                    (wanted.weight, wanted.priority),
                    &described.name,
                )?);
            }
            targets.sort_by_key(|target| target.priority);
            let model = Model {
                name: described.name.as_str().into(),
                owned_by: "bartizan".to_owned(),
                output_tokens_max: described.output_tokens_max.map(u64::from),
                targets,
            };
            models.insert(described.name.clone(), model);
        }
        if self.config.routing.expose == Expose::All {
            self.expose(&mut models, served)?;
        }
        let named: Vec<&str> = models.keys().map(String::as_str).collect();
        self.workshop.metrics.set_models(named);
        Ok(models
            .into_iter()
            .map(|(name, model)| (name, Arc::new(model)))
            .collect())
    }

    fn expose(
        &mut self,
        models: &mut HashMap<String, Model>,
        served: &BTreeMap<String, Vec<String>>,
    ) -> Result<(), Failure> {
        let mut claims: HashMap<String, u32> = HashMap::new();
        let mut own = Vec::new();
        for (name, (described, _)) in self.providers {
            for model in offered(described, self.catalog, served.get(*name)) {
                *claims.entry(model.clone()).or_default() += 1;
                own.push(((*name).to_owned(), model));
            }
        }
        for (provider, upstream) in own {
            let full = format!("{provider}/{upstream}");
            let unique = claims.get(&upstream) == Some(&1);
            let names = [Some(full), unique.then(|| upstream.clone())];
            for name in names
                .into_iter()
                .flatten()
                .filter(|name| !models.contains_key(name))
                .collect::<Vec<_>>()
            {
                let target = self.target(&provider, &upstream, (1, 0), &name)?;
                let model = Model {
                    name: name.as_str().into(),
                    owned_by: provider.clone(),
                    output_tokens_max: None,
                    targets: vec![target],
                };
                models.insert(name, model);
            }
        }
        Ok(())
    }

    fn target(
        &mut self,
        provider: &str,
        model: &str,
        (weight, priority): (u32, u32),
        asked_as: &str,
    ) -> Result<Arc<Target>, Failure> {
        let Some((described, built)) = self.providers.get(provider) else {
            return Err(Failure::new(format!(
                "model `{asked_as}` names provider `{provider}`, which is not configured"
            ))
            .hint("add it under `providers`, or correct the name"));
        };
        let facts = self.catalog.find(described.catalog(), model, UnixMillis::now());
        let label = format!("{provider}/{model}");
        let metrics = &self.workshop.metrics;
        metrics.set_targets([label.as_str()]);
        metrics.set_models([asked_as]);
        let known = self
            .workshop
            .breakers
            .get(&label)
            .or_else(|| self.breakers.get(&label))
            .cloned();
        let breaker = known.unwrap_or_else(|| Arc::new(Breaker::new(breaker_settings(self.config))));
        self.breakers.insert(label.clone(), breaker.clone());
        Ok(Arc::new(Target {
            metrics: metrics.target(&label),
            model_metrics: metrics.model(asked_as),
            label: label.into(),
            provider: built.clone(),
            model: model.to_owned(),
            price: facts.and_then(|facts| facts.price),
            output_tokens_max: facts.and_then(|facts| facts.max_output_tokens),
            weight,
            priority,
            breaker,
        }))
    }
}

/// The models a provider offers: those the file lists; for a wildcard those it was found to serve, else
/// those the catalog knows of it.
fn offered(described: &ProviderConfig, catalog: &Catalog, served: Option<&Vec<String>>) -> Vec<String> {
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

fn provider(described: &ProviderConfig, credentials: &Resolved) -> Result<Provider, Failure> {
    let trouble = |what: String| Failure::new(format!("provider `{}`: {what}", described.name));
    let base =
        Base::parse(described.base_url(), described.allow_plaintext).map_err(|e| trouble(e.to_string()))?;
    let mut headers = Vec::new();
    for (name, value) in &described.headers {
        let name = name
            .parse()
            .map_err(|_| trouble(format!("`{name}` is no header name")))?;
        headers.push((
            name,
            value
                .parse()
                .map_err(|_| trouble("a header's value is not valid".to_owned()))?,
        ));
    }
    let parts = ProviderParts {
        name: described.name.as_str().into(),
        dialect: match described.kind {
            ProviderKind::Openai => Dialect::OpenAi,
            ProviderKind::Anthropic => Dialect::Anthropic,
        },
        base,
        headers,
        deadlines: Deadlines {
            first_byte: ms(described.timeouts.first_byte_ms),
            idle: ms(described.timeouts.idle_ms),
            total: ms(described.timeouts.total_ms),
        },
        inject_stream_usage: described.stream_usage == StreamUsage::Inject,
        credential_at: described.credential.as_ref().map(|at| at.to_string().into()),
    };
    let wanted = described.credential.as_ref();
    let credential = wanted.and_then(|reference| credentials.get(reference));
    let built = Provider::new(parts, credential);
    let built = built.ok_or_else(|| trouble("its credential cannot be sent in a header".to_owned()))?;
    Ok(match (wanted, credential) {
        (Some(_), None) => built.called_with(None),
        _ => built,
    })
}

fn policy_engine(config: &Config) -> Result<policy::Engine, Failure> {
    let mut files = Vec::with_capacity(config.policies.files.len());
    for path in &config.policies.files {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::new(format!("policy file `{}` cannot be read: {e}", path.display())))?;
        files.push((path.display().to_string(), text));
    }
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    policy::Engine::new(&borrowed, !config.policies.replace_defaults).map_err(|e| Failure::new(e.to_string()))
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

/// Overrides name providers as the file does; the catalog may know them by another name.
fn catalog_name(config: &Config, provider: &str) -> String {
    let described = config.providers.iter().find(|p| p.name == provider);
    described.map_or(provider, ProviderConfig::catalog).to_owned()
}

fn price(one: &PriceOverride) -> Price {
    let money = |dollars: config::Dollars| -> Money { dollars.0 };
    let nanos = |dollars: config::Dollars| u64::try_from(money(dollars).nanos()).unwrap_or(0);
    let base = Price::per_million(money(one.input_per_million), money(one.output_per_million));
    Price {
        cache_read: one.cache_read_per_million.map_or(base.cache_read, nanos),
        cache_write: one.cache_write_per_million.map_or(base.cache_write, nanos),
        request: one.request.map_or(base.request, money),
        ..base
    }
}

fn breaker_settings(config: &Config) -> BreakerSettings {
    config.routing.breaker.into()
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
