//! What answers calls, put together: first what the configuration says, then the gate with keys, budgets and policies
//! from the store. Listens nowhere and starts no task that lasts: what has to run is handed over.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::JournalSync;
use credential::{SealingKey, purpose};
use data::book::{Book, Keeper};
use data::connectors::Connectors;
use data::directory::Builder;
use data::gate::Settler;
use data::nonces::Nonces;
use data::settings::Settings;
use data::stage::asking::Asker;
use data::{Cache, Gate, GateParts, View};
use domain::{Secret, UnixMillis};
use habit::Use;
use identity::vouch::VouchKeys;
use journal::Journal;
use ledger::AuditRecord;
use limit::RetryBudget;
use policy::{Configured, Differences};
use store::{Signing, Store, Tenant, exchange_queue};
use telemetry::Tracer;
use tokio::sync::mpsc;
use worker::{ALARMS_MAX, USES_MAX};

use super::base::Base;
use super::content::Contents;
use super::rules::{Made, Rules, Sources};
use super::{asking, connecting, feed, ms, receipts};
use crate::assemble::Workshop;
use crate::failure::Failure;
use crate::home::Home;
use crate::resolve::{Resolved, Resolver};
use crate::{identity_keys, policies, upstream_tls};

/// How much of what tenants keep may be under way in memory: captured, or waiting to be stored.
const EXCHANGE_BYTES_MAX: usize = 64 << 20;

/// What the configuration says of calls, with the secrets and policies that it names.
#[derive(Debug)]
pub struct Assembled {
    settings: Settings,
    configured: Configured,
    vouch: VouchKeys,
    identity_seal: SealingKey,
    credentials: Resolved,
    workshop: Workshop,
}

impl Assembled {
    /// Puts it together. Providers' credentials are known to the log's scrubber before anything uses them.
    pub async fn of(base: &Base) -> Result<Self, Failure> {
        let (config, resolver) = (&base.config, &base.resolver);
        let credentials = resolver.credentials(config).await?;
        base.logs.scrubber().register_all(credentials.values());
        let configured = policies::read(config)?;
        let policy = Arc::new(policies::checked(&configured)?);
        let materials = upstream_tls::read_all(config, resolver).await?;
        let mut workshop = Workshop::new(base.metrics.clone());
        let settings = workshop.assemble(config, &base.served, &credentials, materials, policy)?;
        let identity_seal = identity_keys::seal(&base.home.master)?;
        let vouch = identity_keys::settle(base.store.as_ref(), &identity_seal).await?;
        Ok(Self {
            settings,
            configured,
            vouch,
            identity_seal,
            credentials,
            workshop,
        })
    }
}

/// What answers calls, and what it is fed from.
#[derive(Debug)]
pub struct Plane {
    /// The gate.
    pub gate: Arc<Gate>,
    /// Its budgets.
    pub book: Arc<Book>,
    /// Counters that outlive a directory of keys.
    pub builder: Arc<Builder>,
    /// What tenants' content is sealed under.
    pub contents: Contents,
    /// What knows whether samples and prompts are as they were written.
    pub marks: control::texts::Marks,
    /// Policies as their files say them.
    pub configured: Configured,
    /// Who puts policies in force.
    pub rules: Arc<Rules>,
    /// What policies that are tried out answer otherwise.
    pub differences: Arc<Differences>,
    /// Where what is to be written into audit logs goes.
    pub alarms: mpsc::Sender<AuditRecord>,
    /// Who else is asked about budgets.
    pub asker: Option<Arc<Asker>>,
    /// Guards outside that are asked about texts.
    pub connectors: Arc<Connectors>,
    /// How many models can be called.
    pub models: usize,
}

/// What somebody has still to take, each once.
#[derive(Debug)]
pub struct Waiting {
    /// What has to run for the gate.
    pub tasks: Tasks,
    /// The control plane's keys.
    pub control_keys: control::Keys,
    /// What outlives a reload.
    pub workshop: Workshop,
    /// What providers are called with.
    pub credentials: Resolved,
}

/// What has to run for the gate.
#[derive(Debug)]
pub struct Tasks {
    /// Gets leases for the book.
    pub keeper: Keeper,
    /// Settles calls whose callers left.
    pub settler: Settler,
    /// What tenants keep of their calls.
    pub exchanged: mpsc::Receiver<store::Waiting>,
    /// What comes of [`Plane::alarms`].
    pub alarmed: mpsc::Receiver<AuditRecord>,
    /// How keys are used.
    pub used: mpsc::Receiver<Use>,
    /// What keys for identity tokens are sealed under.
    pub identity_seal: SealingKey,
}

impl Plane {
    /// Puts the gate together, with what the store holds now.
    pub async fn new(
        base: &Base,
        made: Assembled,
        journal: Journal,
        signing: Arc<Signing>,
    ) -> Result<(Self, Waiting), Failure> {
        let (config, home) = (&base.config, &base.home);
        let (store, metrics) = (&base.store, &base.metrics);
        let (book, keeper) = Book::new(
            (store.clone(), home.node),
            lease_ttl(config),
            ms(config.budgets.wait_ms),
            metrics.clone(),
        );
        let builder = Arc::new(Builder::default());
        let dump = store.load().await?;
        let control_keys = control::Keys::derive(&home.master).map_err(|e| Failure::new(e.to_string()))?;
        let marks = control_keys.marks();
        let own = feed::own(store.as_ref(), &marks).await?;
        feed::prepared(&builder, &own.guards).await?;
        let directory = builder.build(&dump, own, &book, UnixMillis::now());
        feed::tell_unread(None, &directory, metrics);
        let differences = Arc::new(Differences::default());
        let (rules, in_force) = rules(base, &made.configured, &differences).await?;
        let settings = made.settings.with_policies(in_force.engine, in_force.shadow);
        let models = settings.models.len();
        metrics.gauges().config_revision.set(1);
        let (contents, cache) = cached(&settings, &control_keys, (store, &dump.tenants)).await;
        let (alarms, alarmed) = mpsc::channel(ALARMS_MAX);
        let (uses, used) = mpsc::channel(USES_MAX);
        let (exchanges, exchanged) = exchange_queue(EXCHANGE_BYTES_MAX);
        let asker = asking::begin(base).await?;
        let connectors = connecting::begin(base).await?;
        let (gate, settler) = Gate::new(GateParts {
            view: View {
                settings: Arc::new(settings),
                directory: Arc::new(directory),
            },
            book: book.clone(),
            journal,
            journal_to_disk: config.journal.sync == JournalSync::Disk,
            client: client(config),
            pepper: home.master.pepper(),
            node: home.node,
            cache,
            metrics: metrics.clone(),
            tracer: tracer(config, &base.resolver).await?,
            retries: retries(config),
            nonces: Nonces::new(store.clone()),
            tokens: tokens(home)?,
            vouch: made.vouch,
            receipts: receipts::begin(store.clone(), signing).await?,
            asker: asker.clone(),
            connectors: connectors.clone(),
            exchanges,
            alarms: alarms.clone(),
            uses,
        });
        let plane = Self {
            gate,
            book,
            builder,
            contents,
            marks,
            configured: made.configured,
            rules,
            differences,
            alarms,
            asker,
            connectors,
            models,
        };
        let waiting = Waiting {
            tasks: Tasks {
                keeper,
                settler,
                exchanged,
                alarmed,
                used,
                identity_seal: made.identity_seal,
            },
            control_keys,
            workshop: made.workshop,
            credentials: made.credentials,
        };
        Ok((plane, waiting))
    }
}

/// The policies that are configured and activated, and what they make.
async fn rules(
    base: &Base,
    configured: &Configured,
    differences: &Arc<Differences>,
) -> Result<(Arc<Rules>, Made), Failure> {
    let sources = Sources {
        configured: configured.clone(),
        ignore_activated: base.config.policies.ignore_activated,
    };
    Rules::begin(
        base.store.clone(),
        sources,
        differences.clone(),
        base.metrics.clone(),
    )
    .await
}

/// The cache of answers, if there is one, and the keys that tenants' content is sealed under.
async fn cached(
    settings: &Settings,
    keys: &control::Keys,
    (store, tenants): (&Arc<dyn Store>, &[Tenant]),
) -> (Contents, Option<Cache>) {
    let contents = Contents::of(
        keys.content_keys(store.clone()),
        settings.cache.is_some(),
        tenants,
    )
    .await;
    let cache = settings
        .cache
        .map(|cache| Cache::new(cache, Box::new(contents.clone())));
    (contents, cache)
}

/// How long a lease lasts that nobody renews.
pub const fn lease_ttl(config: &Config) -> Duration {
    ms(config.budgets.lease_ttl_ms)
}

async fn tracer(config: &Config, resolver: &Resolver) -> Result<Tracer, Failure> {
    let Some(otlp) = &config.telemetry.otlp else {
        return Ok(Tracer::off());
    };
    let mut headers: Vec<(String, Secret)> = Vec::with_capacity(otlp.headers.len());
    for (name, reference) in &otlp.headers {
        headers.push((name.clone(), resolver.resolve(reference).await?));
    }
    let runtime = tokio::runtime::Handle::current();
    Tracer::otlp(
        &otlp.endpoint,
        &headers,
        otlp.sample_ratio,
        env!("CARGO_PKG_VERSION"),
        runtime,
    )
    .map_err(|e| Failure::usage(e.to_string()))
}

fn client(config: &Config) -> upstream::Client {
    let connect_ms = config.providers.iter().map(|p| p.timeouts.connect_ms).max();
    let mut options = upstream::ClientOptions::default();
    if let Some(connect_ms) = connect_ms {
        options.connect_timeout = ms(connect_ms);
    }
    let client = upstream::Client::new(&options);
    if config
        .providers
        .iter()
        .any(|p| !p.base_url().starts_with("http:"))
    {
        let client = client.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = client.prepare() {
                tracing::error!(%error, "providers behind TLS cannot be called");
            }
        });
    }
    client
}

fn retries(config: &Config) -> RetryBudget {
    let own = &config.routing;
    RetryBudget::new(own.retry_percent_max, own.retries_per_second_min)
}

/// What short-lived tokens are sealed with.
fn tokens(home: &Home) -> Result<SealingKey, Failure> {
    let key = home.master.sealing_key(purpose::ACCESS_TOKENS);
    key.map_err(|e| Failure::new(e.to_string()))
}
