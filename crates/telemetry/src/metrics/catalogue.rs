//! Registration: no metric gets into the registry without a line of documentation.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

/// One metric for each name that a label has.
#[derive(Debug, Clone)]
pub(super) struct Named<M> {
    label: &'static str,
    family: Family<[(&'static str, String); 1], M>,
}

impl<M: Clone + Default> Named<M> {
    /// That of a name.
    pub(super) fn of(&self, name: &str) -> M {
        self.family.get_or_create_owned(&[(self.label, name.to_owned())])
    }
}

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

    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        self.add("gauge", name, &[], help, Gauge::default())
    }

    pub(super) fn counter(&mut self, name: &'static str, help: &'static str) -> Counter {
        self.add("counter", name, &[], help, Counter::default())
    }

    /// A gauge for each name of a label.
    pub(super) fn gauges(
        &mut self,
        label: &'static [&'static str; 1],
        name: &'static str,
        help: &'static str,
    ) -> Named<Gauge> {
        let ([label], family) = (*label, self.add("gauge", name, label, help, Family::default()));
        Named { label, family }
    }

    /// A counter for each name of a label.
    pub(super) fn counters(
        &mut self,
        label: &'static [&'static str; 1],
        name: &'static str,
        help: &'static str,
    ) -> Named<Counter> {
        let ([label], family) = (*label, self.add("counter", name, label, help, Family::default()));
        Named { label, family }
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
