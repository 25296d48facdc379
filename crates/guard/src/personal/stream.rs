//! Follows one text channel of a live stream for personal data. Never keeps more text than a judgement needs.

use std::sync::Arc;

use crate::finding::Finding;
use crate::personal::Personal;
use crate::personal::text::{BEHIND_BYTES_MAX, Text};
use crate::personal::walk::Walk;

/// Finds in a text that arrives in pieces what [`Personal::scan`] finds in the whole.
///
/// A word is cleared when what follows it shows that it begins nothing: in prose, at the next space. What may begin
/// something is held, never more than [`PERSONAL_AHEAD_BYTES_MAX`](crate::PERSONAL_AHEAD_BYTES_MAX) bytes.
pub struct PersonalStream {
    personal: Arc<Personal>,
    /// The end of what has arrived: a little context, and what is not yet cleared.
    window: Vec<u8>,
    /// Where in the channel the window starts.
    window_at: usize,
    /// How much of the window is cleared.
    cleared: usize,
    walk: Walk,
}

impl PersonalStream {
    /// A channel of which nothing has arrived yet.
    #[must_use]
    pub fn new(personal: Arc<Personal>) -> Self {
        Self {
            personal,
            window: Vec::new(),
            window_at: 0,
            cleared: 0,
            walk: Walk::new(),
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared: nothing
    /// before that offset can become part of a finding not already reported.
    // threat: ANP-0010 ANP-0023
    pub fn push(&mut self, piece: &str, found: &mut Vec<Finding>) -> u64 {
        self.window.extend_from_slice(piece.as_bytes());
        self.advance(false, found)
    }

    /// Ends the channel: what was held back is decided, and everything is cleared.
    pub fn finish(&mut self, found: &mut Vec<Finding>) -> u64 {
        self.advance(true, found)
    }

    fn advance(&mut self, complete: bool, found: &mut Vec<Finding>) -> u64 {
        while self.cleared < self.window.len() {
            let text = Text::new(&self.window, self.window_at, complete);
            self.cleared = self.walk.skim(&self.personal.0, &text, self.cleared);
            let (known, before) = (found.len(), self.walk.clone());
            let next = self.walk.step(&self.personal.0, &text, self.cleared, found);
            if text.is_hungry() {
                found.truncate(known);
                self.walk = before;
                break;
            }
            self.cleared = next;
        }
        let keep_from = self
            .cleared
            .min(self.window.len())
            .saturating_sub(BEHIND_BYTES_MAX);
        self.window.drain(..keep_from);
        self.window_at += keep_from;
        self.cleared -= keep_from;
        (self.window_at + self.cleared) as u64
    }
}

impl std::fmt::Debug for PersonalStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonalStream")
            .field("cleared", &(self.window_at + self.cleared))
            .finish_non_exhaustive()
    }
}
