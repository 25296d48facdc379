//! What is counted of guards outside. Their names are the configuration's.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::catalogue::{Catalogue, Named};

/// What is counted of one guard outside.
#[derive(Debug, Clone, Default)]
pub struct ConnectorMetrics {
    /// Calls, one way each, that needed its verdict.
    pub needed: Counter,
    /// Texts it was shown.
    pub texts: Counter,
    /// What it found.
    pub findings: Counter,
    /// Calls, one way each, on which it gave no verdict.
    pub failures: Counter,
    /// Whether it rests after failures.
    pub resting: Gauge,
    /// LLM tokens that a judge took.
    pub tokens: Counter,
}

/// Of all of them.
#[derive(Debug)]
pub(super) struct Connectors {
    needed: Named<Counter>,
    texts: Named<Counter>,
    findings: Named<Counter>,
    failures: Named<Counter>,
    resting: Named<Gauge>,
    tokens: Named<Counter>,
}

impl Connectors {
    pub(super) fn register(catalogue: &mut Catalogue) -> Self {
        let mut counter = |name, help| catalogue.counters(&["connector"], name, help);
        Self {
            needed: counter(
                "bartizan_guard_connector_needed_total",
                "Calls, one way each, that needed a connector's verdict, remembered ones included.",
            ),
            texts: counter(
                "bartizan_guard_connector_texts_total",
                "Texts that a connector was shown.",
            ),
            findings: counter(
                "bartizan_guard_connector_findings_total",
                "Findings that a connector reported, remembered ones included.",
            ),
            failures: counter(
                "bartizan_guard_connector_failures_total",
                "Calls, one way each, on which a connector gave no verdict that makes sense in time, or was not asked because it rests.",
            ),
            tokens: counter(
                "bartizan_guard_connector_tokens_total",
                "LLM tokens, of prompts and generated, that judging models say they took; they are charged to no budget.",
            ),
            resting: catalogue.gauges(
                &["connector"],
                "bartizan_guard_connector_resting",
                "1 while a connector is not asked, or only tried, after failures.",
            ),
        }
    }

    pub(super) fn of(&self, name: &str) -> ConnectorMetrics {
        ConnectorMetrics {
            needed: self.needed.of(name),
            texts: self.texts.of(name),
            findings: self.findings.of(name),
            failures: self.failures.of(name),
            resting: self.resting.of(name),
            tokens: self.tokens.of(name),
        }
    }
}
