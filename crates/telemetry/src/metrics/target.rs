//! What is counted by target.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::catalogue::Catalogue;
use super::labels::BreakerState;
use super::model::OTHER;

/// Targets that may have series of their own.
const TARGETS_MAX: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TargetLabel {
    target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    target: String,
    reason: &'static str,
}

/// The handles of one target.
#[derive(Debug)]
pub struct TargetMetrics {
    name: String,
    attempts: Counter,
    failures: Family<FailureLabels, Counter>,
    breaker: Gauge,
}

impl TargetMetrics {
    /// Counts an attempt.
    pub fn attempt(&self) {
        self.attempts.inc();
    }

    /// Counts an attempt that failed, by a reason from a fixed list.
    pub fn failure(&self, reason: &'static str) {
        self.failures
            .get_or_create(&FailureLabels {
                target: self.name.clone(),
                reason,
            })
            .inc();
    }

    /// Shows the breaker's state.
    pub fn breaker(&self, state: BreakerState) {
        self.breaker.set(state as i64);
    }
}

/// All targets.
#[derive(Debug)]
pub(super) struct Targets {
    attempts: Family<TargetLabel, Counter>,
    failures: Family<FailureLabels, Counter>,
    breakers: Family<TargetLabel, Gauge>,
    known: RwLock<HashMap<String, Arc<TargetMetrics>>>,
}

impl Targets {
    pub(super) fn register(catalogue: &mut Catalogue) -> Self {
        Self {
            attempts: catalogue.add(
                "counter",
                "bartizan_upstream_attempts_total",
                &["target"],
                "Attempts to call a target; retries and fallbacks count each.",
                Family::default(),
            ),
            failures: catalogue.add(
                "counter",
                "bartizan_upstream_failures_total",
                &["target", "reason"],
                "Attempts that failed.",
                Family::default(),
            ),
            breakers: catalogue.add(
                "gauge",
                "bartizan_breaker_state",
                &["target"],
                "Whether a target is called: 0 closed (it is), 1 half open (one call probes it), 2 open (it is not).",
                Family::default(),
            ),
            known: RwLock::default(),
        }
    }

    pub(super) fn allow<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if known.len() < TARGETS_MAX && !known.contains_key(name) {
                known.insert(name.to_owned(), Arc::new(self.handles(name)));
            }
        }
    }

    pub(super) fn of(&self, name: &str) -> Arc<TargetMetrics> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(name).or_else(|| known.get(OTHER)) {
            Some(handles) => handles.clone(),
            None => {
                drop(known);
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known
                    .entry(OTHER.to_owned())
                    .or_insert_with(|| Arc::new(self.handles(OTHER)))
                    .clone()
            }
        }
    }

    fn handles(&self, name: &str) -> TargetMetrics {
        let target = TargetLabel {
            target: name.to_owned(),
        };
        TargetMetrics {
            name: name.to_owned(),
            attempts: self.attempts.get_or_create_owned(&target),
            failures: self.failures.clone(),
            breaker: self.breakers.get_or_create_owned(&target),
        }
    }
}
