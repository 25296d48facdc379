//! Registration: no metric gets into the registry without a line of documentation.

use prometheus_client::registry::{Metric, Registry};

/// One metric, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The name as scraped.
    pub name: &'static str,
    /// `counter`, `gauge`, `histogram` or `info`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// The registry and what is in it.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) registry: Registry,
    pub(super) described: Vec<Described>,
}

impl Catalogue {
    /// Registers a metric and hands it back. `name` is as scraped: the library appends `_total` and `_info` itself.
    pub(super) fn add<M: Metric + Clone>(
        &mut self,
        kind: &'static str,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
        metric: M,
    ) -> M {
        self.own(kind, name, labels, help, metric.clone());
        metric
    }

    /// Registers a metric that nobody needs a handle to.
    pub(super) fn own(
        &mut self,
        kind: &'static str,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
        metric: impl Metric,
    ) {
        let stem = match kind {
            "counter" => name.strip_suffix("_total").unwrap_or(name),
            "info" => name.strip_suffix("_info").unwrap_or(name),
            _ => name,
        };
        self.registry.register(stem, help.trim_end_matches('.'), metric);
        self.described.push(Described {
            name,
            kind,
            labels,
            help,
        });
    }
}
