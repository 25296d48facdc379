//! The configuration file watched: a good change takes effect, a bad one is reported and changes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use data::Gate;
use notify::{RecursiveMode, Watcher};
use telemetry::Metrics;
use telemetry::log::Scrubber;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::assemble::Workshop;
use crate::failure::Failure;
use crate::load;

/// Editors write in several steps; this long after the last one the file is read.
const SETTLE: Duration = Duration::from_millis(150);

/// Reloads on change and on SIGHUP.
#[derive(Debug)]
pub struct Reloader {
    /// The file.
    pub file: PathBuf,
    /// The configuration in force, as the file says it.
    pub current: Config,
    /// Engines and health that outlive a reload.
    pub workshop: Workshop,
    /// Who is given the new settings.
    pub gate: Arc<Gate>,
    /// Where good and bad reloads are counted.
    pub metrics: Arc<Metrics>,
    /// Who must know new credentials before they are used.
    pub scrubber: Scrubber,
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
        // What changed between the start's reading and the watch.
        self.take_up().await;
        loop {
            let changed = tokio::select! {
                changed = changes.recv() => changed.is_some(),
                _ = hangup.recv() => {
                    tracing::info!("SIGHUP: reading the configuration again");
                    false
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
        if config == self.current {
            return Ok(false);
        }
        let mut complete = config.clone();
        let served = super::what_is_served(&mut complete).await;
        let assembled = self.workshop.assemble(&complete, &served)?;
        for secret in &assembled.credentials {
            self.scrubber.register(secret);
        }
        for part in needs_restart(&self.current, &config) {
            tracing::warn!(
                part,
                "this part of the configuration takes effect at the next start"
            );
        }
        self.metrics
            .gauges()
            .config_revision
            .set(i64::try_from(assembled.settings.revision).unwrap_or(i64::MAX));
        self.gate.set_settings(Arc::new(assembled.settings));
        self.current = config;
        Ok(true)
    }
}

/// Parts that are bound once.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let parts = [
        ("listen", old.listen != new.listen),
        ("server", old.server != new.server),
        ("store", old.store != new.store),
        ("journal", old.journal != new.journal),
        ("cache", old.cache != new.cache),
        ("ledger", old.ledger != new.ledger),
        ("budgets", old.budgets != new.budgets),
        ("telemetry", old.telemetry != new.telemetry),
        ("data_dir", old.data_dir != new.data_dir),
    ];
    parts
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(part, _)| part)
        .collect()
}
