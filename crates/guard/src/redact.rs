//! Replaces findings by markers, in whole texts and in streams. Never decides what is a finding.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use crate::finding::Finding;
use crate::secrets::Secrets;
use crate::stream::StreamScan;

/// The text with each finding replaced by `[redacted:<rule>]`. Findings that overlap or touch become
/// one marker, that of the first. Spans are widened to whole characters.
#[must_use]
pub fn redact(text: &str, findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| order(finding));
    let whole = Stretch { text, at: 0 };
    let mut writer = Writer::default();
    let mut out = String::with_capacity(text.len());
    for finding in sorted {
        let start = text.floor_char_boundary(finding.span.start);
        let end = text.ceil_char_boundary(finding.span.end);
        writer.finding(whole, start..end, &finding.rule, &mut out);
    }
    writer.text_to(whole, text.len(), &mut out);
    out
}

/// From first to last; of those that start together the surest first, which names the marker.
fn order(finding: &Finding) -> (usize, Reverse<u8>) {
    (finding.span.start, Reverse(finding.score))
}

/// A part of a text or channel, and where it starts.
#[derive(Clone, Copy)]
struct Stretch<'t> {
    text: &'t str,
    at: usize,
}

/// Writes text and markers in order. Positions are bytes of the whole text or channel.
#[derive(Debug, Default)]
struct Writer {
    /// All before this is written, as text or as a marker.
    written: usize,
    /// Where the last marker's stretch ends; a finding that starts up to here belongs to it.
    marked: Option<usize>,
}

impl Writer {
    /// Writes the text up to `end`.
    fn text_to(&mut self, stretch: Stretch<'_>, end: usize, out: &mut String) {
        if end > self.written {
            let due = self.written.saturating_sub(stretch.at)..end.saturating_sub(stretch.at);
            out.push_str(stretch.text.get(due).unwrap_or_default());
            self.written = end;
        }
    }

    fn finding(&mut self, stretch: Stretch<'_>, span: Range<usize>, rule: &str, out: &mut String) {
        if self.marked.is_none_or(|marked| span.start > marked) {
            self.text_to(stretch, span.start, out);
            out.push_str("[redacted:");
            out.push_str(rule);
            out.push(']');
        }
        self.written = self.written.max(span.end);
        self.marked = Some(self.marked.unwrap_or(0).max(span.end));
    }
}

/// One text channel of a live stream with its secrets replaced: what [`redact`] makes of the whole
/// text, handed on as early as [`StreamScan`] allows.
#[derive(Debug)]
pub struct StreamRedact {
    scan: StreamScan,
    writer: Writer,
    held: Held,
}

impl StreamRedact {
    /// A channel of which nothing has arrived yet.
    #[must_use]
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            scan: StreamScan::new(secrets),
            writer: Writer::default(),
            held: Held::default(),
        }
    }

    /// Takes the next piece and appends to `out` what may be handed on. New findings are appended.
    // threat: AGP-I3 ANP-0010 ANP-0023
    pub fn push(&mut self, piece: &str, found: &mut Vec<Finding>, out: &mut String) {
        let known = found.len();
        self.held.text.push_str(piece);
        let cleared = self.scan.push(piece, found);
        self.hand_on(cleared, found.get(known..).unwrap_or_default(), out);
    }

    /// Ends the channel and appends what was held back.
    pub fn finish(&mut self, found: &mut Vec<Finding>, out: &mut String) {
        let known = found.len();
        let cleared = self.scan.finish(found);
        self.hand_on(cleared, found.get(known..).unwrap_or_default(), out);
    }

    /// Whether text has arrived that was not handed on yet.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.writer.written < self.held.text_at + self.held.text.len()
    }

    fn hand_on(&mut self, cleared: u64, new: &[Finding], out: &mut String) {
        let cleared = usize::try_from(cleared).unwrap_or(usize::MAX);
        self.held.findings.extend_from_slice(new);
        self.held.findings.sort_by_key(order);
        let due = self
            .held
            .findings
            .partition_point(|finding| finding.span.start < cleared);
        let stretch = Stretch {
            text: &self.held.text,
            at: self.held.text_at,
        };
        for finding in self.held.findings.drain(..due) {
            self.writer.finding(stretch, finding.span, &finding.rule, out);
        }
        self.writer.text_to(stretch, cleared, out);
        self.held.drop_to(self.writer.written);
    }
}

/// What has arrived and is not yet handed on.
#[derive(Default)]
struct Held {
    text: String,
    text_at: usize,
    findings: Vec<Finding>,
}

impl Held {
    fn drop_to(&mut self, written: usize) {
        let done = written.saturating_sub(self.text_at).min(self.text.len());
        self.text.drain(..done);
        self.text_at += done;
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("bytes", &self.text.len())
            .field("findings", &self.findings)
            .finish()
    }
}
