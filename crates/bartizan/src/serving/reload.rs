//! The configuration file watched: a good change takes effect, a bad one is reported and changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use data::Gate;
use domain::NodeId;
use notify::{RecursiveMode, Watcher};
use policy::Configured;
use store::Store;
use telemetry::Metrics;
use telemetry::log::Scrubber;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use super::credentials::{Found, Known, ask, known};
use super::{Node, certificates};
use crate::assemble::Workshop;
use crate::failure::Failure;
use crate::resolve::{Resolved, Resolver};
use crate::{load, policies, upstream_tls};

use super::rules::{Rules, Sources};

/// Editors write in several steps; this long after the last one the file is read.
const SETTLE: Duration = Duration::from_millis(150);

/// Reloads on change and on SIGHUP, and keeps credentials as new as where they are kept.
#[derive(Debug)]
pub struct Reloader {
    /// The file.
    pub file: PathBuf,
    /// Where stored credentials are, and who uses them is written down.
    pub store: Arc<dyn Store>,
    /// Who this node is.
    pub node: NodeId,
    /// The configuration in force, as the file says it.
    pub current: Config,
    /// Where its secret references lead.
    pub resolver: Arc<Resolver>,
    /// What its providers are called with.
    pub credentials: Known,
    /// Engines and health that outlive a reload.
    pub workshop: Workshop,
    /// What was said last of certificates that cannot be shown, by provider.
    pub unfit: BTreeMap<String, String>,
    /// The policies in force, as their files say them.
    pub configured: Configured,
    /// Who puts policies in force.
    pub rules: Arc<Rules>,
    /// Whose policies are configured too.
    pub control: Arc<control::Control>,
    /// Who is given the new settings.
    pub gate: Arc<Gate>,
    /// Where good and bad reloads are counted.
    pub metrics: Arc<Metrics>,
    /// Who must know new credentials before they are used.
    pub scrubber: Scrubber,
    /// Who shows the configuration that is in force.
    pub shown: watch::Sender<Arc<Config>>,
}

/// Watches the configuration's file from now on, if there is one.
pub fn start(node: Node<'_>, control: Arc<control::Control>, workshop: Workshop, credentials: Resolved) {
    let (base, plane, stopped) = (node.base, node.plane, node.switches.stopped.clone());
    let Some(file) = base.file.clone() else {
        tokio::spawn(without_a_file(stopped));
        return;
    };
    let reloader = Reloader {
        file,
        store: base.store.clone(),
        node: base.home.node,
        current: base.as_written.clone(),
        resolver: base.resolver.clone(),
        credentials: known(credentials),
        workshop,
        unfit: BTreeMap::new(),
        configured: plane.configured.clone(),
        rules: plane.rules.clone(),
        control,
        gate: plane.gate.clone(),
        metrics: base.metrics.clone(),
        scrubber: base.logs.scrubber().clone(),
        shown: node.switches.shown.clone(),
    };
    tokio::spawn(reloader.run(stopped));
}

/// A gate on defaults has nothing to read again; SIGHUP, whose default is to end a process, is no reason to.
async fn without_a_file(mut stop: watch::Receiver<bool>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    loop {
        tokio::select! {
            received = hangup.recv() => {
                if received.is_none() {
                    return;
                }
                tracing::info!("SIGHUP: there is no configuration file to read again");
            }
            _ = stop.changed() => return,
        }
    }
}

impl Reloader {
    /// Runs until stopped.
    // threat: AGP-T3
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (sender, mut changes) = mpsc::channel(1);
        let _watcher = self.watch(sender);
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            return;
        };
        let mut often = every(self.current.store.refresh_every_ms);
        let mut certificates = every(certificates::LOOK_MS);
        let mut every = self
            .current
            .secrets
            .vault
            .as_ref()
            .map(|vault| every(vault.refresh_ms));
        // What is asked of a vault, apart: one that hangs does not keep a revocation in the store from taking effect.
        let mut asking = JoinSet::new();
        let mut reading = JoinSet::new();
        self.begin().await;
        // What changed between the start's reading and the watch.
        self.take_up().await;
        loop {
            let changed = tokio::select! {
                changed = changes.recv() => changed.is_some(),
                _ = hangup.recv() => {
                    tracing::info!("SIGHUP: reading the configuration again");
                    self.ask(&mut asking);
                    self.look_at_certificates(&mut reading);
                    false
                }
                _ = certificates.tick() => {
                    self.look_at_certificates(&mut reading);
                    continue;
                }
                Some(Ok(seen)) = reading.join_next() => {
                    self.take_in_certificates(seen);
                    continue;
                }
                () = tick(&mut every) => {
                    self.ask(&mut asking);
                    continue;
                }
                Some(answered) = asking.join_next() => {
                    if let Ok(found) = answered {
                        self.take_in(found).await;
                    }
                    continue;
                }
                _ = often.tick() => {
                    let found = self.resolver.stored(&self.current).await;
                    self.take_in(found.into_iter().map(Found::from).collect()).await;
                    continue;
                }
                _ = stop.changed() => return,
            };
            if changed {
                tokio::time::sleep(SETTLE).await;
                while changes.try_recv().is_ok() {}
            }
            self.take_up().await;
        }
    }

    /// Reads the file; what is good takes effect, what is not is told and changes nothing.
    async fn take_up(&mut self) {
        match self.reload().await {
            Ok(false) => {}
            Ok(true) => tracing::info!(file = %self.file.display(), "the new configuration is in force"),
            Err(failure) => {
                self.metrics.gauges().config_rejected.inc();
                tracing::error!(file = %self.file.display(), "the new configuration is refused, the old one stays: {failure}");
            }
        }
    }

    /// Watches the file's folder: editors replace files rather than write them.
    fn watch(&self, changes: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
        let name = self.file.file_name()?.to_owned();
        let folder = self
            .file
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .map_or_else(|| PathBuf::from("."), PathBuf::from);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let ours = event.paths.iter().any(|path| path.file_name() == Some(&name));
            if ours && !event.kind.is_access() {
                let _ = changes.try_send(());
            }
        })
        .ok()?;
        watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
        Some(watcher)
    }

    /// Whether something changed.
    async fn reload(&mut self) -> Result<bool, Failure> {
        let config = load::file(&self.file)?;
        let configured = policies::read(&config)?;
        if config == self.current && configured == self.configured {
            return Ok(false);
        }
        policies::checked(&configured)?;
        let mut complete = config.clone();
        let served = super::what_is_served(&mut complete).await;
        let credentials = self.resolver.credentials(&complete).await?;
        self.scrubber.register_all(credentials.values());
        let materials = upstream_tls::read_all(&complete, &self.resolver).await?;
        let sources = Sources {
            configured: configured.clone(),
            ignore_activated: config.policies.ignore_activated,
        };
        let mut rules = self.rules.hold().await;
        let made = rules.made(&sources).await?;
        let assembled =
            self.workshop
                .assemble(&complete, &served, &credentials, materials, made.engine.clone());
        let settings = assembled?.with_policies(made.engine, made.shadow);
        for part in needs_restart(&self.current, &config) {
            tracing::warn!(
                part,
                "this part of the configuration takes effect at the next start"
            );
        }
        self.metrics
            .gauges()
            .config_revision
            .set(i64::try_from(settings.revision).unwrap_or(i64::MAX));
        self.gate.set_settings(Arc::new(settings));
        rules.keep(sources);
        self.control
            .configure(configured.clone(), config.policies.ignore_activated);
        self.configured = configured;
        self.shown.send_replace(Arc::new(complete));
        self.credentials = known(credentials);
        self.current = config;
        self.count_withheld();
        Ok(true)
    }

    /// Asks where credentials may have changed, one round at a time.
    fn ask(&self, asking: &mut JoinSet<Vec<Found>>) {
        if asking.is_empty() {
            let known = self
                .credentials
                .iter()
                .map(|(at, it)| (at.clone(), it.as_ref().map(domain::Secret::duplicate)));
            let whom = (self.resolver.clone(), self.gate.clone());
            asking.spawn(ask(
                whom,
                self.current.clone(),
                known.collect(),
                self.scrubber.clone(),
            ));
        }
    }
}

fn every(ms: u64) -> Interval {
    let mut every = tokio::time::interval(Duration::from_millis(ms));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

/// Never comes where nothing is to be asked for.
async fn tick(every: &mut Option<Interval>) {
    match every {
        Some(every) => drop(every.tick().await),
        None => std::future::pending().await,
    }
}

/// Parts that are bound once.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let parts = [
        ("listen", old.listen != new.listen),
        ("control", old.control != new.control),
        ("server", old.server != new.server),
        ("secrets", old.secrets != new.secrets),
        ("store", old.store != new.store),
        ("journal", old.journal != new.journal),
        ("cache", old.cache != new.cache),
        ("ledger", old.ledger != new.ledger),
        ("credentials", old.credentials != new.credentials),
        ("budgets", old.budgets != new.budgets),
        (
            "guards.connectors",
            old.guards.connectors != new.guards.connectors,
        ),
        ("telemetry", old.telemetry != new.telemetry),
        ("data_dir", old.data_dir != new.data_dir),
    ];
    parts
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(part, _)| part)
        .collect()
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    /// Without a handler this ends the test's own process.
    #[tokio::test]
    async fn a_gate_without_a_file_outlives_a_sighup() {
        let (stop, stopped) = watch::channel(false);
        let ignoring = tokio::spawn(without_a_file(stopped));
        tokio::time::sleep(Duration::from_millis(100)).await;
        kill_process(getpid(), Signal::HUP).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!ignoring.is_finished());
        stop.send(true).unwrap();
        ignoring.await.unwrap();
    }
}
