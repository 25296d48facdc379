//! From `bartizan.yaml` to what a request sees: providers, models, prices, policies, guards.
//!
//! `serve`, a reload and `check` all go through here, so what `check` passes is what serves.

pub mod offers;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use config::section::{
    Checks as ChecksConfig, Claim, ClaimValue as Described, IdentityToken as IdentityTokenConfig, OnTimeout,
    Provider as ProviderConfig, ProviderKind, StreamUsage, TokenBinding, Unpriced as UnpricedConfig,
};
use config::{Config, Posture};
use data::issuers::{Bound, Issuers, KeySource, RegisteredIssuer};
use data::settings::{
    Bounds, CacheSettings, Checks, Deadlines, Guarding, IdentityToken, Model, Origin, Provider,
    ProviderParts, Reservations, Settings, Target, Unpriced,
};
use dialect::{BodyLimits, Dialect};
use domain::{ByClass, UnixMillis};
use guard::Plans;
use identity::jwt::{BadPattern, ClaimPath, ClaimPaths, ClaimValue, Condition, Rule, Rules};
use identity::signature::Window;
use ledger::Catalog;
use limit::{Breaker, BreakerSettings};
use telemetry::Metrics;
use upstream::{Base, Client};

use crate::failure::{Failure, Hint};
use crate::guard_files;
use crate::prices;
use crate::resolve::Resolved;
use crate::upstream_tls::{Material, Materials, Way};

/// What outlives one assembly: engines that are dear to build, and health that must not be forgotten.
#[derive(Debug)]
pub struct Workshop {
    guards: guard::Guards,
    metrics: Arc<Metrics>,
    breakers: HashMap<String, Arc<Breaker>>,
    issuers: Issuers,
    ways: BTreeMap<String, Arc<Way>>,
    revision: u64,
}

impl Workshop {
    /// An empty workshop.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            guards: guard::Guards::default(),
            metrics,
            breakers: HashMap::new(),
            issuers: Issuers::default(),
            ways: BTreeMap::new(),
            revision: 0,
        }
    }

    /// The guards as configured. What they are built of is dear, and shared by all that come after.
    fn guards(&self, config: &config::section::Guards) -> Result<Arc<Plans>, Failure> {
        let extensions = guard_files::extensions(config)?;
        let guards = self.guards.clone().with_extensions(extensions);
        Ok(Arc::new(Plans::new(guards, config.always(), config.document())))
    }

    /// Those that have not changed keep the keys that were fetched.
    fn issuers(&self, config: &Config) -> Result<Issuers, Failure> {
        let mut all = Vec::with_capacity(config.issuers.len());
        for described in &config.issuers {
            let new = issuer(described)?;
            let known = self.issuers.iter().find(|one| one.is_like(&new));
            all.push(known.cloned().unwrap_or_else(|| Arc::new(new)));
        }
        Ok(Issuers::new(all))
    }

    /// Ways of providers with TLS of their own; those that would come out the same keep their connections.
    fn ways(&self, config: &Config, materials: Materials) -> Result<BTreeMap<String, Arc<Way>>, Failure> {
        let mut ways = BTreeMap::new();
        for (name, material) in materials {
            let described = config.providers.iter().find(|one| one.name == name);
            let Some((described, tls)) = described.and_then(|one| Some((one, one.tls.as_ref()?))) else {
                continue;
            };
            let known = self.ways.get(&name);
            let way = match known.filter(|way| way.is_of(described, &material)) {
                Some(way) => way.clone(),
                None => Arc::new(Way::new(described, tls, material)?),
            };
            ways.insert(name, way);
        }
        Ok(ways)
    }

    /// The client that takes the place of a provider's, if what it is made of has changed.
    // threat: ANP-0018
    pub fn renewed(
        &mut self,
        described: &ProviderConfig,
        material: Material,
    ) -> Result<Option<Client>, Failure> {
        let Some((known, tls)) = self.ways.get(&described.name).zip(described.tls.as_ref()) else {
            return Ok(None);
        };
        if known.is_of(described, &material) {
            let current = known.is_current().map_err(|e| Failure::new(e.to_string()));
            return current.map(|()| None);
        }
        let way = Way::new(described, tls, material)?;
        let client = way.client.clone();
        self.ways.insert(described.name.clone(), Arc::new(way));
        Ok(Some(client))
    }

    /// Builds settings; nothing of a failed assembly is kept.
    ///
    /// `served` says which models wildcard providers were found to serve, by provider; `credentials` what
    /// providers are called with. One whose credential is not among them is not called. `materials` are those of
    /// providers with TLS of their own, `policy` answers calls.
    pub fn assemble(
        &mut self,
        config: &Config,
        served: &BTreeMap<String, Vec<String>>,
        credentials: &Resolved,
        materials: Materials,
        policy: Arc<policy::Engine>,
    ) -> Result<Settings, Failure> {
        let catalog = prices::in_force(config)?;
        let mut providers = BTreeMap::new();
        let ways = self.ways(config, materials)?;
        for described in &config.providers {
            let way = ways.get(&described.name);
            let built = provider(
                (config, described),
                credentials,
                way.map(|way| way.client.clone()),
            )?;
            providers.insert(described.name.as_str(), (described, Arc::new(built)));
        }
        let policy_fingerprint: Arc<str> = policy.fingerprint().into();
        let issuers = self.issuers(config)?;
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
        self.issuers = issuers.clone();
        self.ways = ways;
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
            shadow: None,
            posture: posture(config),
            guards: self.guards(&config.guards)?,
            guarding: Guarding {
                deadline: ms(config.guards.deadline_ms),
                is_flagged: config.guards.on_timeout == OnTimeout::Flag,
            },
            unpriced: match config.prices.unpriced {
                UnpricedConfig::Refuse => Unpriced::Refuse,
                UnpricedConfig::AllowFree => Unpriced::AllowFree,
            },
            price_version: catalog.version().into(),
            output_tokens_default: u64::from(config.limits.output_tokens_default),
            cache: config.cache.enabled.then(|| CacheSettings {
                ttl: ms(config.cache.ttl_ms),
                ttl_max: ByClass::from(config.cache.ttl_ms_max).map(ms),
                bytes_max: config.cache.bytes_max,
            }),
            history_days_max: ByClass::from(config.history.days_max)
                .map(|days| u16::try_from(days).unwrap_or(u16::MAX)),
            attempts_max: config.routing.attempts_max,
            trusted_proxies: config.listen.trusted_proxies.clone(),
            origin: origin(config)?,
            signals: config.signals.enabled,
            issuers,
            vouches: config.providers.iter().any(|one| one.identity_token.is_some()),
            signatures: window(config)?,
            reservations: reservations(config),
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
    fn models(
        &mut self,
        served: &BTreeMap<String, Vec<String>>,
    ) -> Result<HashMap<String, Arc<Model>>, Failure> {
        let mut models = HashMap::new();
        for (name, offer) in offers::all(self.config, self.catalog, served) {
            let mut targets = Vec::with_capacity(offer.targets.len());
            for wanted in &offer.targets {
                targets.push(self.target(wanted, &name)?);
            }
            let model = Model {
                name: name.as_str().into(),
                owned_by: offer.owned_by,
                output_tokens_max: offer.output_tokens_max.map(u64::from),
                targets,
            };
            models.insert(name, Arc::new(model));
        }
        let named = models.keys().map(String::as_str);
        self.workshop.metrics.set_models(named);
        Ok(models)
    }

    fn target(&mut self, wanted: &config::section::Target, asked_as: &str) -> Result<Arc<Target>, Failure> {
        let (provider, model) = (wanted.provider.as_str(), wanted.model.as_str());
        let Some((described, built)) = self.providers.get(provider) else {
            return Err(Failure::new(format!(
                "model `{asked_as}` names provider `{provider}`, which is not configured"
            ))
            .hint("add it under `providers`, or correct the name"));
        };
        let facts = self.catalog.find(described.catalog(), model, UnixMillis::now());
        let label = offers::label(provider, model);
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
            place: Arc::new(offers::place(described, model)),
            provider: built.clone(),
            model: model.to_owned(),
            prices: self.catalog.prices(described.catalog(), model),
            output_tokens_max: facts.and_then(|facts| facts.max_output_tokens),
            weight: wanted.weight,
            priority: wanted.priority,
            breaker,
        }))
    }
}

fn provider(
    (config, described): (&Config, &ProviderConfig),
    credentials: &Resolved,
    client: Option<Client>,
) -> Result<Provider, Failure> {
    let trouble = |what: String| Failure::new(format!("provider `{}`: {what}", described.name));
    if client.is_none() && described.tls.is_some() {
        return Err(trouble("what `tls` names was not read".to_owned()));
    }
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
        identity: described
            .identity_token
            .as_ref()
            .map(|wanted| identity_token(config, wanted))
            .transpose()
            .map_err(trouble)?,
        client,
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

fn identity_token(config: &Config, wanted: &IdentityTokenConfig) -> Result<IdentityToken, String> {
    let issuer = config.listen.public_url.as_deref();
    let issuer = issuer.ok_or("`identity_token` needs `listen.public_url`")?;
    Ok(IdentityToken {
        issuer: issuer.trim_end_matches('/').into(),
        audience: wanted.audience.as_str().into(),
        header: wanted
            .header
            .parse()
            .map_err(|_| format!("`{}` is no header name", wanted.header))?,
        lifetime: ms(wanted.lifetime_ms),
    })
}

/// The configuration's posture in the policies' words.
pub const fn posture(config: &Config) -> policy::Posture {
    match config.posture {
        Posture::Development => policy::Posture::Development,
        Posture::Staging => policy::Posture::Staging,
        Posture::Production => policy::Posture::Production,
    }
}

fn reservations(config: &Config) -> Reservations {
    let own = &config.budgets.reservations;
    Reservations {
        lasts: ms(own.lasts_ms),
        most: data::spend::Most {
            per_key: usize::try_from(own.per_key_max).unwrap_or(usize::MAX),
            per_tenant: usize::try_from(own.per_tenant_max).unwrap_or(usize::MAX),
        },
        settle_at: own.settle_at.as_deref().map(Into::into),
    }
}

fn breaker_settings(config: &Config) -> BreakerSettings {
    config.routing.breaker.into()
}

fn issuer(described: &config::section::Issuer) -> Result<RegisteredIssuer, Failure> {
    let trouble = |what: String| Failure::usage(format!("issuer `{}`: {what}", described.name));
    let subject: ClaimPath = described
        .subject
        .parse()
        .map_err(|e: identity::jwt::BadPath| trouble(e.to_string()))?;
    let when = |claims: &BTreeMap<String, Claim>| conditions(claims).map_err(trouble);
    let mut named = Vec::with_capacity(described.rules.len());
    for rule in &described.rules {
        named.push(Rule {
            name: rule.name.clone(),
            when: when(&rule.when)?,
        });
    }
    let rules = Rules {
        issuer: described.issuer.clone(),
        audiences: described.audiences.clone(),
        access_tokens_only: described.access_tokens_only,
        bound_only: described.binding != TokenBinding::None,
        leeway: ms(described.leeway_ms),
        lifetime_max: ms(described.lifetime_max_ms),
        claims: ClaimPaths {
            subject,
            team: None,
            scopes: None,
        },
        require: when(&described.require)?,
        rules: named,
    };
    let bound = match described.binding {
        TokenBinding::None => Bound::AsItSays,
        TokenBinding::Dpop => Bound::Key,
        TokenBinding::Certificate => Bound::Certificate,
    };
    let source = KeySource {
        place: described.jwks.clone(),
        refresh: ms(described.refresh_ms),
        keep: ms(described.keep_ms),
    };
    let names = (described.name.clone(), described.tenant.clone());
    RegisteredIssuer::new(names, source, rules, bound).map_err(|e| trouble(e.to_string()))
}

/// What claims must be.
// threat: AGP-S3
fn conditions(claims: &BTreeMap<String, Claim>) -> Result<Vec<Condition>, String> {
    let value = |value: &Described| {
        Ok(match value {
            Described::Flag(flag) => ClaimValue::Flag(*flag),
            Described::Number(number) => ClaimValue::Number(*number),
            Described::Text(text) => ClaimValue::Text(text.clone()),
            Described::Like { glob } => {
                ClaimValue::Pattern(glob.parse().map_err(|e: BadPattern| format!("`{glob}`: {e}"))?)
            }
        })
    };
    let condition = |(claim, wanted): (&String, &Claim)| {
        Ok(Condition {
            claim: claim
                .parse()
                .map_err(|e: identity::jwt::BadPath| format!("`{claim}`: {e}"))?,
            any_of: wanted.values().iter().map(value).collect::<Result<_, String>>()?,
        })
    };
    claims.iter().map(condition).collect()
}

/// When what machines sign is good.
// threat: ANP-0001
fn window(config: &Config) -> Result<Window, Failure> {
    let own = &config.signatures;
    Window::new(ms(own.age_max_ms), ms(own.skew_max_ms))
        .ok_or_else(|| Failure::usage("`signatures` are good for five minutes at most"))
}

/// How callers address the gate.
// threat: ANP-0001
fn origin(config: &Config) -> Result<Origin, Failure> {
    let Some(url) = &config.listen.public_url else {
        return Ok(Origin {
            is_tls: config.listen.tls.is_some() || config.listen.behind_tls_proxy,
            authority: None,
        });
    };
    let wrong = || {
        Failure::usage(format!(
            "`listen.public_url` is `{url}`, which is no address of a gate"
        ))
        .hint("give scheme, host and port only, such as `https://gate.example.com`")
    };
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let is_tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong()),
    };
    let authority = uri.authority().filter(|it| !it.as_str().contains('@'));
    if uri.path() != "/" || uri.query().is_some() {
        return Err(wrong());
    }
    Ok(Origin {
        is_tls,
        authority: Some(authority.ok_or_else(wrong)?.to_string()),
    })
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
