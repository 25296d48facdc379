//! `bartizan serve`: everything put together, started in order, stopped in order.

mod alerts;
mod callers;
mod certificates;
mod content;
mod credentials;
mod feed;
mod first;
mod greeting;
mod health;
mod issuers;
mod reload;
mod renew;
mod rules;
mod shown;
mod signals;
pub mod tls;
mod vouching;

pub use first::OPERATIONS;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::Config;
use config::section::{ControlMode, JournalSync, LogFormat, ProxyProtocol};
use credential::{CredentialKeys, Limits, SealingKey, purpose};
use data::book::Book;
use data::directory::Builder;
use data::nonces::Nonces;
use data::server::ServerOptions;
use data::{Cache, Gate, GateParts, View};
use domain::{Secret, UnixMillis};
use journal::{Journal, JournalOptions};
use limit::{ConnectionCaps, RetryBudget};
use policy::Differences;
use store::{Signing, Store};
use telemetry::log::{LogGuard, LogOptions};
use telemetry::{Metrics, Tracer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use worker::{
    ALARMS_MAX, Checkpointer, Housekeeper, ShipOptions, Shipper, Sweeper, Teller, USES_MAX, Witness,
};

use crate::assemble::{Workshop, posture};
use crate::discover::{self, Found};
use crate::failure::{Failure, Hint};
use crate::home::Home;
use crate::resolve::Resolver;
use crate::stored::ByGate;
use crate::{identity_keys, load, open, pem, policies, upstream_tls};

use self::content::Contents;

/// How long the store may take at the start, with its migrations and a journal to replay.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long the last entries may take into the store at the end; they are safe in the journal anyway.
const FLUSH_DEADLINE: Duration = Duration::from_secs(5);

/// What the command line says.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The file.
    pub config: Option<&'a Path>,
    /// The data folder, over the file's.
    pub data_dir: Option<&'a Path>,
}

/// Serves until SIGTERM or SIGINT, then drains.
pub async fn run(asked: Asked<'_>) -> Result<(), Failure> {
    let loaded = load::find(asked.config)?;
    let as_written = loaded.config.clone();
    let mut config = loaded.config;
    if let Some(dir) = asked.data_dir {
        config.data_dir = dir.to_owned();
    }
    let logs = logs(&config)?;
    let mut home = Home::open(&config)?;
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let mut workshop = Workshop::new(metrics.clone());
    let found = if config.providers.is_empty() {
        discover::look().await
    } else {
        Found::default()
    };
    let discovered = !found.providers.is_empty();
    config.providers.extend(found.providers);
    let mut resolver = Resolver::for_serving(&config, &home).await?;
    let opened = with_deadline(open::store(&config, &mut home, &resolver)).await?;
    if let Some(secret) = &opened.secret {
        logs.scrubber().register(secret);
    }
    let store = opened.store;
    resolver.attach(&config, &home, store.clone())?;
    let resolver = Arc::new(resolver);
    let credentials = resolver.credentials(&config).await?;
    logs.scrubber().register_all(credentials.values());
    let configured = policies::read(&config)?;
    let policy = Arc::new(policies::checked(&configured)?);
    let materials = upstream_tls::read_all(&config, &resolver).await?;
    let settings = workshop.assemble(&config, &found.served, &credentials, materials, policy)?;
    let identity_seal = identity_keys::seal(&home.master)?;
    let vouch = identity_keys::settle(store.as_ref(), &identity_seal).await?;
    let sync = match config.journal.sync {
        JournalSync::Process => journal::Sync::Process,
        JournalSync::Disk => journal::Sync::Disk,
    };
    let options = JournalOptions {
        dir: home.journal(),
        sync,
        segment_bytes_max: config.journal.segment_bytes_max,
        bytes_max: config.journal.bytes_max,
    };
    let (journal, recovered) = Journal::open(options).map_err(|e| {
        Failure::new(e.to_string()).hint("is another `bartizan serve` running on this data folder?")
    })?;
    let shipper = Shipper::new(
        journal.clone(),
        store.clone(),
        home.node,
        metrics.clone(),
        ShipOptions::new(&home.journal()),
    );
    let recovery = worker::recover(&shipper, recovered, UnixMillis::now(), START_DEADLINE).await;
    recovery.map_err(|e| Failure::new(format!("the journal cannot be replayed: {e}")))?;
    let first_key = first::run(store.as_ref(), &home, new_key_limits(&config)).await?;
    let lease_ttl = ms(config.budgets.lease_ttl_ms);
    let (book, keeper) = Book::new(
        (store.clone(), home.node),
        lease_ttl,
        ms(config.budgets.wait_ms),
        metrics.clone(),
    );
    let builder = Arc::new(Builder::default());
    let dump = store.load().await?;
    let directory = builder.build(&dump, &book, UnixMillis::now());
    let differences = Arc::new(Differences::default());
    let sources = rules::Sources {
        configured: configured.clone(),
        ignore_activated: config.policies.ignore_activated,
    };
    let (rules, made) =
        rules::Rules::begin(store.clone(), sources, differences.clone(), metrics.clone()).await?;
    let settings = settings.with_policies(made.engine, made.shadow);
    let models = settings.models.len();
    metrics.gauges().config_revision.set(1);
    let control_keys = control::Keys::derive(&home.master).map_err(|e| Failure::new(e.to_string()))?;
    let contents = match settings.cache {
        Some(_) => Contents::of(control_keys.content_keys(store.clone()), &dump.tenants).await,
        None => Contents::unused(),
    };
    let cache = settings
        .cache
        .map(|settings| Cache::new(settings, Box::new(contents.clone())));
    let (alarms, alarmed) = mpsc::channel(ALARMS_MAX);
    let (uses, used) = mpsc::channel(USES_MAX);
    let (gate, settler) = Gate::new(GateParts {
        view: View {
            settings: Arc::new(settings),
            directory: Arc::new(directory),
        },
        book: book.clone(),
        journal,
        journal_to_disk: config.journal.sync == JournalSync::Disk,
        client: client(&config),
        pepper: home.master.pepper(),
        node: home.node,
        cache,
        metrics: metrics.clone(),
        tracer: tracer(&config, &resolver).await?,
        retries: RetryBudget::new(
            config.routing.retry_percent_max,
            config.routing.retries_per_second_min,
        ),
        nonces: Nonces::new(store.clone()),
        tokens: tokens(&home)?,
        vouch,
        alarms: alarms.clone(),
        uses,
    });
    let data_listener = bind(config.listen.data, "listen.data").await?;
    let control_listener = bind(config.listen.control, "listen.control").await?;
    let health_listener = bind(config.listen.health, "listen.health").await?;
    let (stop, stopped) = watch::channel(false);
    let (shown, showing) = watch::channel(Arc::new(config.clone()));
    let (drain, draining) = watch::channel(false);
    let signing = home.signing(store.clone(), &config.ledger.origin)?;
    signing.now().await?;
    tokio::spawn(keeper.run());
    let shipping = tokio::spawn(shipper.clone().run(stopped.clone()));
    tokio::spawn(Sweeper::new(store.clone(), home.node, lease_ttl, metrics.clone()).run(stopped.clone()));
    tokio::spawn(Teller::new(store.clone(), metrics.clone()).run(stopped.clone()));
    let witnessing = tokio::spawn(Witness::new(store.clone()).run(alarmed, stopped.clone()));
    let outlets = (store.clone(), alarms, metrics.clone());
    let watching = signals::start(outlets, showing.clone(), used, stopped.clone());
    tokio::spawn(Housekeeper::new(store.clone()).run(stopped.clone()));
    let checkpointer = Checkpointer::new(
        store.clone(),
        signing.clone(),
        ms(config.ledger.checkpoint_every_ms),
        metrics.clone(),
    );
    let checkpointing = tokio::spawn(checkpointer.run(stopped.clone()));
    let vigil = alerts::Vigil {
        store: store.clone(),
        node: home.node,
        signing: signing.clone(),
        resolver: resolver.clone(),
        scrubber: logs.scrubber().clone(),
        metrics: metrics.clone(),
    };
    let plan = vigil.plan(&config).await?;
    tokio::spawn(vigil.run(plan, showing.clone(), stopped.clone()));
    let overseer = credentials::Keeper {
        store: store.clone(),
        metrics: metrics.clone(),
        keys: CredentialKeys::derive(&home.master).map_err(|e| Failure::new(e.to_string()))?,
        prober: ByGate(gate.clone()),
    };
    tokio::spawn(overseer.run(stopped.clone()));
    let feed = feed::Feed {
        store: store.clone(),
        gate: gate.clone(),
        book: book.clone(),
        rules: rules.clone(),
        builder,
        contents,
        every: ms(config.store.refresh_every_ms),
    };
    tokio::spawn(feed.run(stopped.clone()));
    tokio::spawn(issuers::run(gate.clone(), stopped.clone()));
    tokio::spawn(vouching::run(
        (store.clone(), identity_seal),
        gate.clone(),
        stopped.clone(),
    ));
    let serving_now = Arc::new(shown::Shown {
        gate: gate.clone(),
        config: showing,
    });
    let control = control_plane(
        &config,
        control_keys,
        (store.clone(), gate.clone()),
        signing.clone(),
        (configured.clone(), differences.clone()),
        serving_now,
    )?;
    if let Some(file) = loaded.file.clone() {
        let scrubber = logs.scrubber().clone();
        tokio::spawn(
            reload::Reloader {
                file,
                store: store.clone(),
                node: home.node,
                current: as_written,
                resolver: resolver.clone(),
                credentials: credentials::known(credentials),
                workshop,
                unfit: BTreeMap::new(),
                configured,
                rules,
                control: control.clone(),
                gate: gate.clone(),
                metrics: metrics.clone(),
                scrubber,
                shown,
            }
            .run(stopped.clone()),
        );
    } else {
        tokio::spawn(reload::without_a_file(stopped.clone()));
    }
    let mut settler_stop = stopped.clone();
    let settling = tokio::spawn(settler.run(async move {
        let _ = settler_stop.wait_for(|stop| *stop).await;
    }));
    let health = Arc::new(health::Health {
        started: AtomicBool::new(false),
        gate: gate.clone(),
        differences,
        metrics: metrics.clone(),
    });
    tokio::spawn(health::serve(health.clone(), health_listener));
    tokio::spawn(control::Offboarding::new(store.clone(), signing.clone()).run(stopped.clone()));
    let patience = patience(&config);
    let every = ms(config.credentials.sweep_every_ms);
    let sweeper = control::CredentialSweeper::new(store.clone(), patience, every, metrics.clone());
    tokio::spawn(sweeper.run(stopped.clone()));
    let setup_token = control.offer_setup(UnixMillis::now()).await?;
    tokio::spawn(control::serve(control, control_listener));
    let tls = renew::start(&config, &resolver, &stopped).await?;
    let caps = Arc::new(ConnectionCaps::new(
        config.server.connections_max,
        config.server.connections_per_address_max,
    ));
    let serving = tokio::spawn(data::server::serve(
        gate.clone(),
        data_listener,
        tls,
        caps,
        (server_options(&config), draining),
    ));
    health.started.store(true, Ordering::Relaxed);
    greeting::greet(
        &config,
        &greeting::Greeting {
            first_key,
            setup_token,
            models,
            discovered,
            file: loaded.file.as_deref(),
            dir: home.dir(),
        },
    );

    asked_to_stop().await;
    tracing::info!("stopping: new requests are refused, those under way may finish");
    gate.drain();
    let _ = drain.send(true);
    let finished = tokio::time::timeout(ms(config.server.drain_deadline_ms), serving).await;
    if finished.is_err() {
        tracing::warn!("some answers were still under way at the drain's deadline");
    }
    let _ = stop.send(true);
    let _ = tokio::time::timeout(FLUSH_DEADLINE, async {
        tokio::join!(settling, shipping, checkpointing, watching, witnessing)
    })
    .await;
    if let Err(error) = shipper.flush(FLUSH_DEADLINE).await {
        tracing::warn!(%error, "the last entries wait in the journal for the next start");
    }
    let _ = tokio::time::timeout(FLUSH_DEADLINE, book.close()).await;
    gate.shutdown_traces().await;
    let _ = tokio::time::timeout(FLUSH_DEADLINE, resolver.close()).await;
    tracing::info!("stopped");
    drop(logs);
    Ok(())
}

/// What wants a second person. Names were checked with the configuration.
fn two_people(config: &Config) -> control::TwoPeople {
    let acts = config.approvals.acts.iter();
    control::TwoPeople {
        acts: acts.filter_map(|act| domain::Permission::named(act)).collect(),
        budgets_above: config.approvals.budgets_above.map(|mark| mark.0),
        lasts: ms(config.approvals.lasts_ms),
    }
}

fn control_plane(
    config: &Config,
    keys: control::Keys,
    (store, gate): (Arc<dyn Store>, Arc<Gate>),
    signing: Arc<Signing>,
    (policies, differences): (policy::Configured, Arc<Differences>),
    serving: Arc<shown::Shown>,
) -> Result<Arc<control::Control>, Failure> {
    let own = config.control.sso_ca_file.as_deref();
    Ok(control::Control::new(control::ControlParts {
        store,
        signing,
        keys,
        prober: Arc::new(ByGate(gate)),
        policies,
        ignore_activated: config.policies.ignore_activated,
        differences,
        posture: posture(config),
        two_people: two_people(config),
        public_url: config.public_url(),
        hosts: config.control.hosts.clone(),
        provider_authorities: own.map_or(Ok(Vec::new()), pem::certificates)?,
        new_keys: control::NewKeys {
            limits: new_key_limits(config),
            operations: OPERATIONS.to_vec(),
        },
        patience: patience(config),
        mode: match config.control.mode {
            ControlMode::Interactive => control::Mode::Interactive,
            ControlMode::Declarative => control::Mode::Declarative,
        },
        serving,
    }))
}

/// After how long credentials are reported.
const fn patience(config: &Config) -> control::Patience {
    const DAY_S: u64 = 86_400;
    let own = &config.credentials;
    control::Patience {
        warn: Duration::from_secs(own.expiry_warning_days * DAY_S),
        unused: Duration::from_secs(own.unused_days * DAY_S),
        idle: Duration::from_secs(own.idle_days * DAY_S),
    }
}

async fn with_deadline<T>(opening: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let opened = tokio::time::timeout(START_DEADLINE, opening).await;
    opened.unwrap_or_else(|_| {
        Err(Failure::new("the store did not answer in time").hint("is the database reachable?"))
    })
}

fn logs(config: &Config) -> Result<LogGuard, Failure> {
    let format = match config.telemetry.log.format {
        LogFormat::Json => telemetry::log::LogFormat::Json,
        LogFormat::Text => telemetry::log::LogFormat::Text,
    };
    telemetry::log::init(LogOptions::stderr(format, config.telemetry.log.level.as_str()))
        .map_err(|e| Failure::usage(e.to_string()))
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

fn server_options(config: &Config) -> ServerOptions {
    ServerOptions {
        head_bytes_max: config.server.head_bytes_max,
        headers_max: config.server.headers_max,
        head_timeout: ms(config.server.head_timeout_ms),
        idle_timeout: ms(config.server.idle_timeout_ms),
        write_timeout: ms(config.server.idle_timeout_ms),
        handshake_timeout: ms(config.server.head_timeout_ms),
        http2: config.server.http2,
        introduced: config.listen.proxy_protocol == ProxyProtocol::Required,
    }
}

/// What short-lived tokens are sealed with.
fn tokens(home: &Home) -> Result<SealingKey, Failure> {
    let key = home.master.sealing_key(purpose::ACCESS_TOKENS);
    key.map_err(|e| Failure::new(e.to_string()))
}

/// Limits of keys made from now on, by the configuration.
pub fn new_key_limits(config: &Config) -> Limits {
    config.limits.new_keys.into()
}

async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        Failure::new(format!("`{key}` cannot listen on {address}: {e}"))
            .hint(format!("choose another address under `{key}`"))
    })
}

async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Models found on this machine, for commands that list what would be served.
pub async fn what_is_served(config: &mut Config) -> BTreeMap<String, Vec<String>> {
    if !config.providers.is_empty() {
        return BTreeMap::new();
    }
    let found = discover::look().await;
    config.providers.extend(found.providers);
    found.served
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
