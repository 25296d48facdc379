//! What is counted for every call.

use std::time::Duration;

use domain::Operation;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use super::catalogue::Catalogue;
use super::labels::{Dialect, Ended, Lazy, OPERATIONS, Stage, operation_at};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    dialect: &'static str,
    outcome: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

const STATUSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Requests, refusals, times.
#[derive(Debug)]
pub(super) struct Requests {
    requests: Family<RequestLabels, Counter>,
    resolved: Lazy<Counter>,
    refusals: Family<CodeLabel, Counter>,
    stages: Family<StageLabel, Histogram, fn() -> Histogram>,
    stages_resolved: Lazy<Histogram>,
    added: Histogram,
}

/// From 1 µs to 2 s.
fn gate_times() -> Histogram {
    Histogram::new([
        1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.2, 2.0,
    ])
}

impl Requests {
    pub(super) fn register(catalogue: &mut Catalogue) -> Self {
        Self {
            requests: catalogue.add(
                "counter",
                "bartizan_requests_total",
                &["operation", "dialect", "outcome", "status"],
                "Calls that ended, by how.",
                Family::default(),
            ),
            resolved: Lazy::new(OPERATIONS.len() * Dialect::ALL.len() * Ended::ALL.len() * STATUSES.len()),
            refusals: catalogue.add(
                "counter",
                "bartizan_refusals_total",
                &["code"],
                "Calls the gate refused, by the refusal's stable code.",
                Family::default(),
            ),
            stages: catalogue.add(
                "histogram",
                "bartizan_stage_seconds",
                &["stage"],
                "Time in each stage of a call.",
                Family::new_with_constructor(gate_times as fn() -> Histogram),
            ),
            stages_resolved: Lazy::new(Stage::ALL.len()),
            added: catalogue.add(
                "histogram",
                "bartizan_added_latency_seconds",
                &[],
                "Time a call spent in the gate, the upstream's time left out.",
                gate_times(),
            ),
        }
    }

    pub(super) fn ended(&self, operation: Operation, dialect: Dialect, ended: Ended, status: u16) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class),
            _ => 0,
        };
        let place = operation_at(operation);
        let place = place * Dialect::ALL.len() + dialect as usize;
        let place = place * Ended::ALL.len() + ended as usize;
        let place = place * STATUSES.len() + class;
        let labels = || RequestLabels {
            operation: operation.as_str(),
            dialect: dialect.as_str(),
            outcome: ended.as_str(),
            status: STATUSES.get(class).copied().unwrap_or("other"),
        };
        if let Some(counter) = self
            .resolved
            .get(place, || self.requests.get_or_create_owned(&labels()))
        {
            counter.inc();
        }
    }

    pub(super) fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&CodeLabel { code }).inc();
    }

    pub(super) fn stage(&self, stage: Stage, took: Duration) {
        let label = StageLabel {
            stage: stage.as_str(),
        };
        let resolved = self
            .stages_resolved
            .get(stage as usize, || self.stages.get_or_create_owned(&label));
        if let Some(histogram) = resolved {
            histogram.observe(took.as_secs_f64());
        }
    }

    pub(super) fn added(&self, took: Duration) {
        self.added.observe(took.as_secs_f64());
    }
}
