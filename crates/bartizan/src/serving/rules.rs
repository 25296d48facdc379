//! The policies that answer calls on this node: what is configured and, on top, what was activated. Read again
//! whenever the store's revision rises and whenever the configuration changes; what cannot be put together
//! never replaces what could.

use std::sync::Arc;

use control::versions::{self, Current};
use data::Gate;
use data::shadow::Shadow;
use policy::{Configured, Differences, Engine, Plane};
use store::{Store, StoreError};
use telemetry::Metrics;
use tokio::sync::{Mutex, MutexGuard};

use crate::failure::{Failure, Hint};

/// What there is to put together.
#[derive(Debug)]
pub struct Sources {
    /// Policy files.
    pub configured: Configured,
    /// Whether what was activated is left out.
    pub ignore_activated: bool,
}

/// Put together.
#[derive(Debug)]
pub struct Made {
    /// What answers.
    pub engine: Arc<Engine>,
    /// What is tried out beside it.
    pub shadow: Option<Arc<Shadow>>,
}

/// What is in force, and what it was made of.
#[derive(Debug)]
pub struct InForce {
    sources: Sources,
    current: Current,
}

/// Puts policies in force, one change at a time.
#[derive(Debug)]
pub struct Rules {
    store: Arc<dyn Store>,
    differences: Arc<Differences>,
    metrics: Arc<Metrics>,
    in_force: Mutex<InForce>,
}

impl Rules {
    /// What answers from the start on. A gate whose policies cannot be put together does not start.
    // threat: ANP-0002
    pub async fn begin(
        store: Arc<dyn Store>,
        sources: Sources,
        differences: Arc<Differences>,
        metrics: Arc<Metrics>,
    ) -> Result<(Arc<Self>, Made), Failure> {
        let rules = Self {
            store,
            differences,
            metrics,
            in_force: Mutex::new(InForce {
                sources,
                current: Current::default(),
            }),
        };
        let mut in_force = rules.in_force.lock().await;
        in_force.current = rules.current(&in_force.sources).await?;
        let made = rules.made(&in_force.sources, &in_force.current).await;
        let made = made.map_err(|error| {
            Failure::new(format!(
                "with the version of policies that was activated: {error}"
            ))
            .hint("`policies.ignore_activated: true` leaves it out, until another is activated")
        })?;
        drop(in_force);
        Ok((Arc::new(rules), made))
    }

    /// What is activated now takes effect; what cannot be put together is told and changes nothing.
    pub async fn refresh(&self, gate: &Gate) -> Result<(), StoreError> {
        let mut in_force = self.in_force.lock().await;
        let current = self.current(&in_force.sources).await?;
        if current.numbers() == in_force.current.numbers() {
            return Ok(());
        }
        match self.made(&in_force.sources, &current).await {
            Ok(made) => {
                gate.change_settings(|old| old.with_policies(made.engine.clone(), made.shadow.clone()));
                let (active, shadow) = current.numbers();
                tracing::info!(active, shadow, "other policies for calls are in force");
                in_force.current = current;
            }
            Err(error) => {
                self.metrics.gauges().config_rejected.inc();
                tracing::error!("the policies that were activated are refused, those before stay: {error}");
            }
        }
        Ok(())
    }

    /// While this is held nobody else changes what is in force.
    pub async fn hold(&self) -> Held<'_> {
        Held {
            rules: self,
            in_force: self.in_force.lock().await,
        }
    }

    async fn current(&self, sources: &Sources) -> Result<Current, StoreError> {
        if sources.ignore_activated {
            return Ok(Current::default());
        }
        let store = self.store.as_ref();
        versions::current(store, &versions::standing(store).await?, Plane::Calls).await
    }

    /// Reading and checking policies takes its time: not on a thread that serves others.
    async fn made(&self, sources: &Sources, current: &Current) -> Result<Made, String> {
        let (configured, current) = (sources.configured.clone(), current.clone());
        let differences = self.differences.clone();
        let made = tokio::task::spawn_blocking(move || make(&configured, &current, &differences)).await;
        made.map_err(|error| error.to_string())?
    }
}

/// The right to change what is in force.
#[derive(Debug)]
pub struct Held<'r> {
    rules: &'r Rules,
    in_force: MutexGuard<'r, InForce>,
}

impl Held<'_> {
    /// What these sources make, with what is activated; as last known while the store is away.
    pub async fn made(&mut self, sources: &Sources) -> Result<Made, Failure> {
        match self.rules.current(sources).await {
            Ok(current) => self.in_force.current = current,
            Err(error) => {
                tracing::warn!(%error, "the store does not answer: what was activated stays as last known")
            }
        }
        let made = self.rules.made(sources, &self.in_force.current).await;
        made.map_err(Failure::new)
    }

    /// They are in force now.
    pub fn keep(mut self, sources: Sources) {
        self.in_force.sources = sources;
    }
}

fn make(configured: &Configured, current: &Current, differences: &Arc<Differences>) -> Result<Made, String> {
    let engine = configured
        .engine(current.texts())
        .map_err(|error| error.to_string())?;
    let shadow =
        current
            .shadow
            .as_deref()
            .and_then(|version| match configured.engine(Some(&version.texts)) {
                Ok(engine) => Some(Shadow::new(version.number, engine, differences.clone())),
                Err(error) => {
                    tracing::error!(version = version.number, %error, "this version cannot be tried out");
                    None
                }
            });
    Ok(Made {
        engine: Arc::new(engine),
        shadow,
    })
}
