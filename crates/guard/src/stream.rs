//! Follows one text channel of a live stream. Never keeps more text than a verdict needs.

use std::sync::Arc;

use crate::finding::Finding;
use crate::grade::graded;
use crate::rules::Rule;
use crate::secrets::{Covered, Secrets, Told, judge};
use crate::shape::LOOK_BEHIND_BYTES;
use crate::tail::Tail;
use crate::trigger::{Occurrence, Triggers};

/// The most bytes of a channel that are held back at any time, whatever comes: no rule's verdict
/// needs more. A secret longer than this (a private key, a long token) is reported as soon as it is
/// sure, and everything up to its end with it.
pub const HOLD_BACK_BYTES_MAX: usize = 4_096;

/// So many bytes that are no longer needed are dropped at once.
const FORGOTTEN_BYTES: usize = 1_024;

/// Finds in a text that arrives in pieces what [`Secrets::scan`] finds in the whole.
///
/// Text that cannot be part of a finding is cleared at once; only a possible beginning of a secret at
/// the end of what has arrived is held back, never more than [`HOLD_BACK_BYTES_MAX`].
pub struct StreamScan {
    secrets: Arc<Secrets>,
    /// The end of what has arrived: a little context, and what is not yet cleared.
    window: Vec<u8>,
    /// Where in the channel the window starts.
    window_at: usize,
    /// How much of the window is cleared.
    cleared: usize,
    /// Sure matches that go on, and how sure they are.
    open: Vec<(&'static Rule, u8, Tail)>,
    /// The last value that its name gave away, in bytes of the channel.
    covered: Covered,
}

impl StreamScan {
    /// A channel of which nothing has arrived yet.
    #[must_use]
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            secrets,
            window: Vec::new(),
            window_at: 0,
            cleared: 0,
            open: Vec::new(),
            covered: Covered::default(),
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are
    /// cleared: nothing before that offset can become part of a finding not already reported.
    // threat: AGP-I3 ANP-0023
    pub fn push(&mut self, piece: &str, found: &mut Vec<Finding>) -> u64 {
        self.continue_open(piece.as_bytes(), found);
        self.window.extend_from_slice(piece.as_bytes());
        self.advance(false, found)
    }

    /// Ends the channel: what was held back is decided, and everything is cleared.
    pub fn finish(&mut self, found: &mut Vec<Finding>) -> u64 {
        self.open.clear();
        self.advance(true, found)
    }

    fn continue_open(&mut self, piece: &[u8], found: &mut Vec<Finding>) {
        let at = self.window_at + self.window.len();
        let covered = &mut self.covered;
        self.open.retain_mut(|(rule, score, tail)| {
            let (bytes, ended) = tail.feed(piece);
            if ended {
                covered.end(rule, at + bytes);
            }
            if bytes > 0 {
                found.push(rule.finding(at..at + bytes, *score));
            }
            !ended
        });
    }

    fn advance(&mut self, complete: bool, found: &mut Vec<Finding>) -> u64 {
        let secrets = Arc::clone(&self.secrets);
        let triggers = secrets.triggers();
        // Behind a possible beginning nothing is judged yet: what is reported once is never judged again.
        let stop = if complete {
            self.window.len()
        } else {
            triggers.begun(&self.window, self.cleared)
        };
        let mut from = self.cleared;
        self.cleared = loop {
            let next = triggers
                .find(&self.window, from..self.window.len())
                .filter(|occurrence| occurrence.at < stop);
            match next {
                None => break stop,
                Some(occurrence) if !self.judge(triggers, &occurrence, complete, found) => {
                    break occurrence.at;
                }
                Some(occurrence) => from = occurrence.at + 1,
            }
        };
        self.forget();
        (self.window_at + self.cleared) as u64
    }

    /// Reports what the rules of one trigger find; `false`, and nothing reported, when it is too early.
    fn judge(
        &mut self,
        triggers: &Triggers,
        occurrence: &Occurrence<'_>,
        complete: bool,
        found: &mut Vec<Finding>,
    ) -> bool {
        let (known, opened) = (found.len(), self.open.len());
        let (window_at, window, open) = (self.window_at, &self.window, &mut self.open);
        let mut covered = self.covered.clone();
        let hidden = covered.has(window_at + occurrence.at);
        let decided = judge(
            triggers,
            occurrence,
            window,
            complete,
            hidden,
            |told| match told {
                Told::Match(rule, here) => {
                    let score = graded(rule.score, window, &here);
                    let tail = here.tail;
                    let span = window_at + here.span.start..window_at + here.span.end;
                    // What goes on covers all that comes, until it ends.
                    let end = if tail.is_some() { usize::MAX } else { span.end };
                    if covered.adds(rule, &(span.start..end)) {
                        found.push(rule.finding(span, score));
                        open.extend(tail.map(|tail| (rule, score, tail)));
                    }
                }
                Told::Rejected(span) => covered.reject(window_at + span.start..window_at + span.end),
            },
        );
        if decided {
            self.covered = covered;
        } else {
            found.truncate(known);
            self.open.truncate(opened);
        }
        decided
    }

    /// Drops what is cleared, but for the context that rules may look at.
    fn forget(&mut self) {
        let keep_from = self.cleared.saturating_sub(LOOK_BEHIND_BYTES);
        if keep_from < FORGOTTEN_BYTES {
            return;
        }
        self.window.drain(..keep_from);
        self.window_at += keep_from;
        self.cleared -= keep_from;
    }
}

impl std::fmt::Debug for StreamScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamScan")
            .field("cleared", &(self.window_at + self.cleared))
            .finish_non_exhaustive()
    }
}
