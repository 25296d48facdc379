//! Metrics: everything `/metrics` shows. Handles are resolved once; counting is an atomic add.
//!
//! Cardinality is bounded: models and targets are those the configuration names, everything else is `other`; no label
//! ever holds a tenant, a key or text of a caller.

mod catalogue;
mod connectors;
mod gauges;
mod labels;
mod model;
mod request;
mod target;

pub use catalogue::Described;
pub use connectors::ConnectorMetrics;
pub use gauges::{Entered, Gauges, Level, SinkMetrics, WitnessMetrics};
pub use labels::{BreakerState, Dialect, Ended, Listener, Stage, TokenClass};
pub use model::ModelMetrics;
pub use target::TargetMetrics;

use std::sync::Arc;
use std::time::Duration;

use domain::Operation;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use catalogue::Catalogue;
use connectors::Connectors;
use model::Models;
use request::Requests;
use target::Targets;

/// What `/metrics` says it is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    described: Vec<Described>,
    requests: Requests,
    models: Models,
    targets: Targets,
    gauges: Gauges,
    connectors: Connectors,
}

impl Metrics {
    /// All metrics at zero. `version` is the product's, for `bartizan_build_info`.
    pub fn new(version: &str) -> Self {
        let mut catalogue = Catalogue::default();
        let requests = Requests::register(&mut catalogue);
        let models = Models::register(&mut catalogue);
        let targets = Targets::register(&mut catalogue);
        let gauges = Gauges::register(&mut catalogue, version);
        let connectors = Connectors::register(&mut catalogue);
        let Catalogue { registry, described } = catalogue;
        Self {
            registry,
            described,
            requests,
            models,
            targets,
            gauges,
            connectors,
        }
    }

    /// The text exposition.
    pub fn render(&self) -> String {
        self.gauges.refresh();
        let mut text = String::with_capacity(16 * 1024);
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// What there is: for the generated documentation and its test.
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Names the models that may be labels; called with each new configuration. Models that are gone keep their
    /// series until the process ends.
    pub fn set_models<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        self.models.allow(names);
    }

    /// The handles of a model; those of `other` if the configuration does not name it. Look up once a configuration,
    /// not once a call.
    pub fn model(&self, name: &str) -> Arc<ModelMetrics> {
        self.models.of(name)
    }

    /// Names the targets that may be labels.
    pub fn set_targets<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        self.targets.allow(names);
    }

    /// The handles of a target; those of `other` if the configuration does not name it.
    pub fn target(&self, name: &str) -> Arc<TargetMetrics> {
        self.targets.of(name)
    }

    /// Counts a call that has ended.
    pub fn request(&self, operation: Operation, dialect: Dialect, ended: Ended, status: u16) {
        self.requests.ended(operation, dialect, ended, status);
    }

    /// Counts a refusal by its stable code.
    pub fn refusal(&self, code: &'static str) {
        self.requests.refused(code);
    }

    /// Adds to a stage's times.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.requests.stage(stage, took);
    }

    /// Adds to the time that the gate itself took: the call's time without the upstream's.
    pub fn added_latency(&self, took: Duration) {
        self.requests.added(took);
    }

    /// What is counted of a guard outside that the configuration names.
    pub fn connector(&self, name: &str) -> ConnectorMetrics {
        self.connectors.of(name)
    }

    /// Values that go up and down, and counters of work beside requests.
    pub const fn gauges(&self) -> &Gauges {
        &self.gauges
    }
}
