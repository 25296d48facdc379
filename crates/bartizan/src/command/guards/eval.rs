//! `bartizan guard eval`: how good a guard is on labelled texts, in all and by where they come from.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use guard::measure::{Ranking, Share, Tally};
use serde::Serialize;

use crate::failure::{Failure, Hint};

use super::super::show::{Show, Shown};
use super::super::table::{Column, Table};
use super::dataset::{self, Row, Span};
use super::looks::{Looks, Scored};

pub const HELP: &str = "\
Examples:
  bartizan guard eval secrets.jsonl --guard secrets
  zcat pii.jsonl.gz | bartizan guard eval - --guard personal --by source
  bartizan guard eval attacks.jsonl benign.jsonl --guard injection --by kind --json

A data set is one JSON object a line: `text`, `label` (1: what the guard looks for, 0: anything else), and if known
`source`, `kind` and `spans` (`start`, `end` in characters, `type`). Shares come with their 95 % interval (Wilson). Where
texts have spans, each span that a finding touches counts as found. The time is that of this machine and this build.";

/// So many sorts of marks are shown to people, the most frequent ones.
const MARKS_SHOWN_MAX: usize = 30;

/// Which guard, on what.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Labelled texts, one JSON object a line; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Which guard
    #[arg(long, value_enum)]
    guard: Looks,
    /// Findings that are less sure than this, in percent, do not count
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    threshold: Option<u8>,
    /// A row for each of these, too
    #[arg(long, value_enum)]
    by: Option<By>,
}

/// What rows are told apart by.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// The data set's `source`.
    Source,
    /// The data set's `kind`.
    Kind,
}

impl By {
    fn of(self, row: &Row) -> String {
        let named = match self {
            Self::Source => &row.source,
            Self::Kind => &row.kind,
        };
        named.clone().unwrap_or_else(|| "(none)".to_owned())
    }
}

/// Texts that belong together.
#[derive(Debug, Default)]
struct Group {
    tally: Tally,
    ranking: Ranking,
    bytes: u64,
    time: Duration,
}

impl Group {
    fn add(&mut self, row: &Row, scored: &Scored, threshold: u8, time: Duration) {
        let is_labelled = row.label != 0;
        self.tally.add(is_labelled, scored.is_found(threshold));
        self.ranking.add(is_labelled, scored.score);
        self.bytes += row.text.len() as u64;
        self.time += time;
    }

    fn figures(&self) -> Figures {
        Figures {
            texts: self.tally,
            precision: self.tally.precision(),
            recall: self.tally.recall(),
            f1: self.tally.f1(),
            false_positives: self.tally.false_positives(),
            auc: self.ranking.auc(),
            recall_at_1_percent: self.ranking.recall_at(0.01).map(|(_, share)| share),
            recall_at_5_percent: self.ranking.recall_at(0.05).map(|(_, share)| share),
            micros_per_kib: (self.bytes > 0)
                .then(|| self.time.as_secs_f64() * 1e6 / (self.bytes as f64 / 1024.0)),
        }
    }
}

/// What follows from them.
#[derive(Debug, Serialize)]
struct Figures {
    texts: Tally,
    precision: Option<Share>,
    recall: Option<Share>,
    f1: Option<f64>,
    false_positives: Option<Share>,
    /// Of the score, whatever the threshold.
    auc: Option<f64>,
    recall_at_1_percent: Option<Share>,
    recall_at_5_percent: Option<Share>,
    micros_per_kib: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Evaluation {
    guard: &'static str,
    threshold: u8,
    all: Figures,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by: BTreeMap<String, Figures>,
    /// What is to be found, by the data set's own word for it; empty where it marks nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    spans: BTreeMap<String, Spans>,
    /// Of all findings in texts with marks, those that touch one.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings_on_spans: Option<Share>,
}

/// Marks of one sort.
#[derive(Debug, Default, Serialize)]
struct Spans {
    of: u64,
    found: u64,
    recall: Option<Share>,
}

/// Evaluates.
pub fn run(args: &EvalArgs, show: Show) -> Result<(), Failure> {
    let detector = args.guard.ready();
    let threshold = args.threshold.unwrap_or_else(|| args.guard.threshold());
    let mut all = Group::default();
    let mut by: BTreeMap<String, Group> = BTreeMap::new();
    let mut spans: BTreeMap<String, Spans> = BTreeMap::new();
    let (mut on, mut findings) = (0_u64, 0_u64);
    dataset::read(&args.files, |row| {
        let begun = Instant::now();
        let scored = detector.look(&row.text);
        let time = begun.elapsed();
        all.add(&row, &scored, threshold, time);
        if let Some(split) = args.by {
            by.entry(split.of(&row))
                .or_default()
                .add(&row, &scored, threshold, time);
        }
        if let Some(marked) = &row.spans {
            let (hit, of) = on_marks(&row.text, marked, &scored, threshold, &mut spans);
            on += hit;
            findings += of;
        }
    })?;
    if all.bytes == 0 {
        return Err(Failure::usage("there are no texts in what was given")
            .hint("`bartizan guard eval --help` says what a data set is"));
    }
    for kind in spans.values_mut() {
        kind.recall = Share::of(kind.found, kind.of);
    }
    show.say(&Evaluation {
        guard: args.guard.name(),
        threshold,
        all: all.figures(),
        by: by
            .into_iter()
            .map(|(name, group)| (name, group.figures()))
            .collect(),
        spans,
        findings_on_spans: Share::of(on, findings),
    })
}

/// Counts the marks that are found, and says how many of the findings touch one, of how many.
fn on_marks(
    text: &str,
    marked: &[Span],
    scored: &Scored,
    threshold: u8,
    spans: &mut BTreeMap<String, Spans>,
) -> (u64, u64) {
    let bytes: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let place = |character: usize| bytes.get(character).copied().unwrap_or(text.len());
    let sure: Vec<_> = scored
        .findings
        .iter()
        .filter(|it| it.score >= threshold)
        .collect();
    let marks: Vec<_> = marked
        .iter()
        .map(|span| (place(span.start)..place(span.end), span))
        .collect();
    for (place, span) in &marks {
        let kind = spans
            .entry(span.kind.clone().unwrap_or_else(|| "(none)".to_owned()))
            .or_default();
        kind.of += 1;
        kind.found += u64::from(
            sure.iter()
                .any(|it| it.span.start < place.end && it.span.end > place.start),
        );
    }
    let touch = |it: &guard::Finding| {
        marks
            .iter()
            .any(|(place, _)| it.span.start < place.end && it.span.end > place.start)
    };
    (
        sure.iter().filter(|it| touch(it)).count() as u64,
        sure.len() as u64,
    )
}

impl Shown for Evaluation {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}, findings of {} % and more\n", self.guard, self.threshold)?;
        let mut table = Table::new(&[
            Column::Text("texts"),
            Column::Number("labelled"),
            Column::Number("others"),
            Column::Number("precision"),
            Column::Number("recall"),
            Column::Number("F1"),
            Column::Number("false positives"),
            Column::Number("AUC"),
            Column::Number("µs/KiB"),
        ]);
        for (name, figures) in &self.by {
            table.row(figures.cells(name));
        }
        table.row(self.all.cells("all"));
        table.write(out)?;
        if let (Some(one), Some(five)) = (self.all.recall_at_1_percent, self.all.recall_at_5_percent) {
            writeln!(
                out,
                "\nrecall at 1 % false positives {}, at 5 % {}",
                share(Some(one)),
                share(Some(five))
            )?;
        }
        if self.spans.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let mut table = Table::new(&[
            Column::Text("marked"),
            Column::Number("of"),
            Column::Number("found"),
            Column::Number("recall"),
        ]);
        let mut most: Vec<_> = self.spans.iter().collect();
        most.sort_by_key(|(_, spans)| std::cmp::Reverse(spans.of));
        for (kind, spans) in most.iter().take(MARKS_SHOWN_MAX) {
            table.row([
                (*kind).clone(),
                spans.of.to_string(),
                spans.found.to_string(),
                share(spans.recall),
            ]);
        }
        table.write(out)?;
        if let more @ 1.. = most.len().saturating_sub(MARKS_SHOWN_MAX) {
            writeln!(out, "and {more} more, which --json shows")?;
        }
        writeln!(out, "\nfindings on a mark {}", share(self.findings_on_spans))
    }
}

impl Figures {
    fn cells(&self, name: &str) -> [String; 9] {
        let Tally {
            right,
            wrong,
            missed,
            left_alone,
        } = self.texts;
        let real = |value: Option<f64>, places: usize| {
            value.map_or_else(|| "–".to_owned(), |it| format!("{it:.places$}"))
        };
        [
            name.to_owned(),
            (right + missed).to_string(),
            (wrong + left_alone).to_string(),
            share(self.precision),
            share(self.recall),
            real(self.f1, 3),
            share(self.false_positives),
            real(self.auc, 3),
            real(self.micros_per_kib, 1),
        ]
    }
}

fn share(share: Option<Share>) -> String {
    share.map_or_else(
        || "–".to_owned(),
        |Share { value, low, high }| format!("{value:.3} ({low:.3}–{high:.3})"),
    )
}
