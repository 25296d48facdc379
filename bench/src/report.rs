//! From slots to medians, bars, a table, JSON and a chart.

use std::path::Path;

use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::plan::{Phase, Slot};
use crate::stats::median;
use crate::svg;
use crate::target::Kind;

/// What a value must not exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bar {
    /// So many times nginx's value.
    Ratio(f64),
    /// So much more than nginx's value.
    Over(f64),
    /// This value.
    Most(f64),
}

/// One row of the table.
struct Row {
    name: &'static str,
    of: fn(&Slot) -> Option<f64>,
    decimals: usize,
    off: Option<Bar>,
    on: Option<Bar>,
}

fn of_phase(phase: &Option<Phase>, get: impl Fn(&Phase) -> Option<f64>) -> Option<f64> {
    phase.as_ref().and_then(get)
}

const ROWS: &[Row] = &[
    Row {
        name: "CPU µs per request, 64 connections, 1 KB",
        of: |slot| of_phase(&slot.busy, Phase::cpu_per_request),
        decimals: 1,
        off: Some(Bar::Ratio(1.4)),
        on: Some(Bar::Ratio(1.8)),
    },
    Row {
        name: "CPU µs per request, 64 connections, 64 KB",
        of: |slot| of_phase(&slot.large, Phase::cpu_per_request),
        decimals: 1,
        off: None,
        on: Some(Bar::Ratio(2.5)),
    },
    Row {
        name: "CPU µs per streamed chunk",
        of: |slot| of_phase(&slot.stream, Phase::cpu_per_chunk),
        decimals: 1,
        off: None,
        on: Some(Bar::Ratio(1.5)),
    },
    Row {
        name: "CPU µs per request at 200/s",
        of: |slot| of_phase(&slot.steady, Phase::cpu_per_request),
        decimals: 0,
        off: None,
        on: None,
    },
    Row {
        name: "requests/s, 64 connections, 1 KB",
        of: |slot| of_phase(&slot.busy, |phase| Some(phase.met.rps)),
        decimals: 0,
        off: None,
        on: None,
    },
    Row {
        name: "p50 ms at 200/s",
        of: |slot| of_phase(&slot.steady, |phase| Some(phase.met.latency_us.p50 / 1000.0)),
        decimals: 2,
        off: None,
        on: None,
    },
    Row {
        name: "p99 ms at 200/s",
        of: |slot| of_phase(&slot.steady, |phase| Some(phase.met.latency_us.p99 / 1000.0)),
        decimals: 2,
        off: None,
        on: Some(Bar::Over(0.5)),
    },
    Row {
        name: "first streamed byte, p50 ms",
        of: |slot| of_phase(&slot.stream, |phase| Some(phase.met.first_byte_us.p50 / 1000.0)),
        decimals: 2,
        off: None,
        on: None,
    },
    Row {
        name: "memory idle, MiB",
        of: |slot| slot.rss_idle_mib,
        decimals: 1,
        off: None,
        on: Some(Bar::Most(20.0)),
    },
    Row {
        name: "memory after 100,000 requests, MiB",
        of: |slot| slot.rss_after_mib,
        decimals: 1,
        off: None,
        on: Some(Bar::Most(48.0)),
    },
    Row {
        name: "ready after, ms",
        of: |slot| slot.ready_ms,
        decimals: 0,
        off: None,
        on: Some(Bar::Most(100.0)),
    },
];

/// How many of the rows the chart shows: those that compare cost.
const CHARTED: usize = 3;

/// Medians of all rounds.
pub struct Report {
    kinds: Vec<Kind>,
    /// By row, then by kind.
    medians: Vec<Vec<Option<f64>>>,
}

impl Report {
    /// Sums up all slots.
    pub fn new(slots: &[(Kind, Slot)]) -> Self {
        let mut kinds: Vec<Kind> = slots.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let medians = ROWS
            .iter()
            .map(|row| kinds.iter().map(|kind| median_of(row, *kind, slots)).collect())
            .collect();
        Self { kinds, medians }
    }

    /// The aligned table, with ratios to nginx and the bars.
    pub fn table(&self) -> String {
        let mut lines = vec![self.head()];
        for (at, row) in ROWS.iter().enumerate() {
            let mut cells = vec![row.name.to_owned()];
            for kind in &self.kinds {
                cells.extend(self.cells(at, row, *kind));
            }
            lines.push(cells);
        }
        align(&lines)
    }

    /// How many bars are missed.
    pub fn misses(&self) -> usize {
        let judged = ROWS.iter().enumerate().flat_map(|(at, row)| {
            [(row.off, Kind::AllOff), (row.on, Kind::AllOn)].map(|(bar, kind)| self.verdict(at, bar?, kind))
        });
        judged.filter(|verdict| *verdict == Some(false)).count()
    }

    /// Writes `latest.json` and `latest.svg`; says where.
    pub fn write(&self, folder: &Path, slots: &[(Kind, Slot)]) -> Outcome<String> {
        std::fs::create_dir_all(folder)?;
        let (json, chart) = (folder.join("latest.json"), folder.join("latest.svg"));
        std::fs::write(&json, serde_json::to_string_pretty(&self.json(slots))?)?;
        std::fs::write(&chart, self.chart())?;
        Ok(format!("{} and {}", json.display(), chart.display()))
    }

    fn head(&self) -> Vec<String> {
        let mut head = vec!["median".to_owned()];
        for kind in &self.kinds {
            head.push(kind.title().to_owned());
            if has_ratio(*kind) {
                head.push("× nginx".to_owned());
            }
            if has_bar(*kind) {
                head.push("bar".to_owned());
            }
        }
        head
    }

    fn cells(&self, at: usize, row: &Row, kind: Kind) -> Vec<String> {
        let value = self.value(at, kind);
        let mut cells = vec![value.map_or("–".to_owned(), |value| format!("{value:.*}", row.decimals))];
        if has_ratio(kind) {
            let ratio = value
                .zip(self.value(at, Kind::Nginx))
                .map(|(value, floor)| value / floor);
            cells.push(ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")));
        }
        if has_bar(kind) {
            let bar = if kind == Kind::AllOff { row.off } else { row.on };
            cells.push(bar.map_or(String::new(), |bar| bar.words(self.verdict(at, bar, kind))));
        }
        cells
    }

    fn value(&self, at: usize, kind: Kind) -> Option<f64> {
        let column = self.kinds.iter().position(|other| *other == kind)?;
        *self.medians.get(at)?.get(column)?
    }

    fn verdict(&self, at: usize, bar: Bar, kind: Kind) -> Option<bool> {
        bar.met(self.value(at, kind)?, self.value(at, Kind::Nginx))
    }

    fn json(&self, slots: &[(Kind, Slot)]) -> Value {
        let rows = ROWS.iter().enumerate().map(|(at, row)| {
            let medians: serde_json::Map<String, Value> = self
                .kinds
                .iter()
                .map(|kind| (kind.slug().to_owned(), json!(self.value(at, *kind))))
                .collect();
            json!({"name": row.name, "medians": medians})
        });
        let rounds = slots
            .iter()
            .map(|(kind, slot)| json!({"target": kind, "slot": slot}));
        json!({"missed_bars": self.misses(), "rows": rows.collect::<Value>(), "rounds": rounds.collect::<Value>()})
    }

    fn chart(&self) -> String {
        let groups = ROWS.iter().take(CHARTED).enumerate().map(|(at, row)| svg::Group {
            title: row.name.to_owned(),
            bars: self
                .kinds
                .iter()
                .filter_map(|kind| Some((kind.title().to_owned(), self.value(at, *kind)?)))
                .collect(),
        });
        svg::bar_chart(
            "Processor time beside nginx (shorter is better)",
            &groups.collect::<Vec<_>>(),
        )
    }
}

impl Bar {
    fn met(self, value: f64, floor: Option<f64>) -> Option<bool> {
        match self {
            Self::Ratio(most) => Some(value / floor? <= most),
            Self::Over(most) => Some(value - floor? <= most),
            Self::Most(most) => Some(value <= most),
        }
    }

    fn words(self, met: Option<bool>) -> String {
        let verdict = match met {
            Some(true) => " ok",
            Some(false) => " MISS",
            None => "",
        };
        match self {
            Self::Ratio(most) => format!("≤ {most} ×{verdict}"),
            Self::Over(most) => format!("≤ nginx + {most}{verdict}"),
            Self::Most(most) => format!("≤ {most}{verdict}"),
        }
    }
}

fn median_of(row: &Row, kind: Kind, slots: &[(Kind, Slot)]) -> Option<f64> {
    let own = slots.iter().filter(|(other, _)| *other == kind);
    median(&own.filter_map(|(_, slot)| (row.of)(slot)).collect::<Vec<_>>())
}

fn has_ratio(kind: Kind) -> bool {
    !matches!(kind, Kind::Direct | Kind::Nginx)
}

fn has_bar(kind: Kind) -> bool {
    matches!(kind, Kind::AllOff | Kind::AllOn)
}

/// Columns as wide as their widest cell; the first to the left, the others to the right.
/// Cells under each other, the first column to the left.
pub fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let text = |line: &Vec<String>| {
        let cells = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| match at {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Met;

    fn slot(cpu_per_request: f64, p99_ms: f64, idle: f64) -> Slot {
        let met = Met {
            requests: 100,
            ..Met::default()
        };
        let mut steady = met.clone();
        steady.latency_us.p99 = p99_ms * 1000.0;
        Slot {
            busy: Some(Phase {
                met,
                cpu_us: Some(cpu_per_request * 100.0),
            }),
            steady: Some(Phase {
                met: steady,
                cpu_us: None,
            }),
            rss_idle_mib: Some(idle),
            ..Slot::default()
        }
    }

    #[test]
    fn medians_ratios_and_verdicts() {
        let slots = [
            (Kind::Nginx, slot(30.0, 0.4, 12.0)),
            (Kind::Nginx, slot(10.0, 0.4, 12.0)),
            (Kind::Nginx, slot(20.0, 0.4, 12.0)),
            (Kind::AllOff, slot(28.0, 9.0, 99.0)),
            (Kind::AllOn, slot(36.2, 0.95, 20.0)),
        ];
        let report = Report::new(&slots);
        assert_eq!(report.value(0, Kind::Nginx), Some(20.0));
        assert_eq!(report.verdict(0, Bar::Ratio(1.4), Kind::AllOff), Some(true));
        assert_eq!(report.verdict(0, Bar::Ratio(1.8), Kind::AllOn), Some(false));
        // 1.81 times nginx, and 0.55 ms over it; idle memory is at its bar.
        assert_eq!(report.misses(), 2);
        let table = report.table();
        let line = table.lines().nth(1).unwrap();
        assert!(
            line.contains("20.0") && line.contains("≤ 1.4 × ok") && line.contains("≤ 1.8 × MISS"),
            "{table}"
        );
    }

    #[test]
    fn nothing_measured_is_a_dash_and_no_miss() {
        let report = Report::new(&[(Kind::Direct, Slot::default())]);
        assert_eq!((report.misses(), report.value(0, Kind::Nginx)), (0, None));
        assert!(report.table().lines().nth(1).unwrap().ends_with('–'));
    }

    #[test]
    fn columns_are_aligned_by_characters() {
        let lines = [
            vec!["µ".to_owned(), "1".to_owned()],
            vec!["abc".to_owned(), "100".to_owned()],
        ];
        assert_eq!(align(&lines), "µ      1\nabc  100");
    }
}
