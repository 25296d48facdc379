//! `bartizan serve`: everything put together, started in order, stopped in order.

mod administration;
pub mod alerts;
mod asking;
mod base;
mod beside;
mod callers;
mod certificates;
mod connecting;
mod content;
mod credentials;
mod feed;
mod first;
mod greeting;
mod health;
mod issuers;
mod own;
mod plane;
mod receipts;
mod reload;
mod renew;
mod rules;
mod shown;
mod signals;
pub mod tls;
mod vouching;
mod witnesses;

pub use first::OPERATIONS;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use config::Config;
use config::section::{JournalSync, ProxyProtocol};
use credential::Limits;
use data::server::ServerOptions;
use domain::UnixMillis;
use journal::{Journal, JournalOptions};
use limit::ConnectionCaps;
use store::Signing;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use worker::{ShipOptions, Shipper};

use crate::discover;
use crate::failure::{Failure, Hint};

use self::base::Base;
use self::beside::Beside;
use self::plane::{Assembled, Plane};

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

/// What everything that runs has a part of.
#[derive(Debug, Clone, Copy)]
struct Node<'a> {
    base: &'a Base,
    plane: &'a Plane,
    signing: &'a Arc<Signing>,
    switches: &'a Switches,
}

/// Serves until SIGTERM or SIGINT, then drains.
pub async fn run(asked: Asked<'_>) -> Result<(), Failure> {
    let base = Base::lay(asked).await?;
    let config = &base.config;
    let assembled = Assembled::of(&base).await?;
    let (journal, shipper) = replayed(&base).await?;
    let first_key = first::run(base.store.as_ref(), &base.home, new_key_limits(config)).await?;
    let signing = base.home.signing(base.store.clone(), &config.ledger.origin)?;
    let (plane, waiting) = Plane::new(&base, assembled, journal, signing.clone()).await?;
    let listeners = Listeners::bind(config).await?;
    let switches = Switches::new(config);
    let node = Node {
        base: &base,
        plane: &plane,
        signing: &signing,
        switches: &switches,
    };
    let beside = beside::start(node, shipper.clone(), waiting.tasks).await?;
    let control = administration::control_plane(node, waiting.control_keys)?;
    reload::start(node, control.clone(), waiting.workshop, waiting.credentials);
    let health = health::start(node, listeners.health);
    administration::start(node);
    let setup_token = control.offer_setup(UnixMillis::now()).await?;
    tokio::spawn(control::serve(control, listeners.control));
    let calls = serve_calls(node, listeners.data).await?;
    health.started.store(true, Ordering::Relaxed);
    greeting::greet(
        config,
        &greeting::Greeting {
            first_key,
            setup_token,
            models: plane.models,
            discovered: base.discovered,
            file: base.file.as_deref(),
            dir: base.home.dir(),
        },
    );
    asked_to_stop().await;
    stop(node, calls, beside, shipper).await;
    drop(base);
    Ok(())
}

/// Calls first, then what is written down of them, then what others were lent.
async fn stop(node: Node<'_>, calls: JoinHandle<()>, beside: Beside, shipper: Shipper) {
    let (base, plane, switches) = (node.base, node.plane, node.switches);
    tracing::info!("stopping: new requests are refused, those under way may finish");
    plane.gate.drain();
    let _ = switches.drain.send(true);
    let finished = tokio::time::timeout(ms(base.config.server.drain_deadline_ms), calls).await;
    if finished.is_err() {
        tracing::warn!("some answers were still under way at the drain's deadline");
    }
    let _ = switches.stop.send(true);
    beside.ended().await;
    if let Err(error) = shipper.flush(FLUSH_DEADLINE).await {
        tracing::warn!(%error, "the last entries wait in the journal for the next start");
    }
    let _ = tokio::time::timeout(FLUSH_DEADLINE, plane.book.close()).await;
    plane.gate.shutdown_traces().await;
    let _ = tokio::time::timeout(FLUSH_DEADLINE, base.resolver.close()).await;
    tracing::info!("stopped");
}

/// The journal, and what takes it into the store; what it holds from the last time is there already.
async fn replayed(base: &Base) -> Result<(Journal, Shipper), Failure> {
    let own = &base.config.journal;
    let dir = base.home.journal();
    let options = JournalOptions {
        dir: dir.clone(),
        sync: match own.sync {
            JournalSync::Process => journal::Sync::Process,
            JournalSync::Disk => journal::Sync::Disk,
        },
        segment_bytes_max: own.segment_bytes_max,
        bytes_max: own.bytes_max,
    };
    let (journal, recovered) = Journal::open(options).map_err(|e| {
        Failure::new(e.to_string()).hint("is another `bartizan serve` running on this data folder?")
    })?;
    let shipper = Shipper::new(
        journal.clone(),
        base.store.clone(),
        base.home.node,
        base.metrics.clone(),
        ShipOptions::new(&dir),
    );
    let recovery = worker::recover(&shipper, recovered, UnixMillis::now(), START_DEADLINE).await;
    recovery.map_err(|e| Failure::new(format!("the journal cannot be replayed: {e}")))?;
    Ok((journal, shipper))
}

/// Bound before anything is promised to anybody.
struct Listeners {
    data: TcpListener,
    control: TcpListener,
    health: TcpListener,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, Failure> {
        Ok(Self {
            data: bind(config.listen.data, "listen.data").await?,
            control: bind(config.listen.control, "listen.control").await?,
            health: bind(config.listen.health, "listen.health").await?,
        })
    }
}

async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        Failure::new(format!("`{key}` cannot listen on {address}: {e}"))
            .hint(format!("choose another address under `{key}`"))
    })
}

/// What everything that runs is told: to stop, to take no more calls, and which configuration is in force.
#[derive(Debug)]
struct Switches {
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
    drain: watch::Sender<bool>,
    draining: watch::Receiver<bool>,
    shown: watch::Sender<Arc<Config>>,
    showing: watch::Receiver<Arc<Config>>,
}

impl Switches {
    fn new(config: &Config) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (drain, draining) = watch::channel(false);
        let (shown, showing) = watch::channel(Arc::new(config.clone()));
        Self {
            stop,
            stopped,
            drain,
            draining,
            shown,
            showing,
        }
    }
}

/// Takes calls from now on, until they are drained.
async fn serve_calls(node: Node<'_>, listener: TcpListener) -> Result<JoinHandle<()>, Failure> {
    let config = &node.base.config;
    let tls = renew::start(config, &node.base.resolver, &node.switches.stopped).await?;
    let caps = Arc::new(ConnectionCaps::new(
        config.server.connections_max,
        config.server.connections_per_address_max,
    ));
    Ok(tokio::spawn(data::server::serve(
        node.plane.gate.clone(),
        listener,
        tls,
        caps,
        (server_options(config), node.switches.draining.clone()),
    )))
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

/// Limits of keys made from now on, by the configuration.
pub fn new_key_limits(config: &Config) -> Limits {
    config.limits.new_keys.into()
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

/// A time of the configuration.
pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
