//! Follows one text channel for links. Never keeps more text than a link may be long.

use super::context::Said;
use super::walk::{self, BEHIND_BYTES, LINK_BYTES_MAX, Step};
use super::{LONG, Links, finding};
use crate::finding::Finding;

/// So many bytes that are no longer needed are dropped at once.
const FORGOTTEN_BYTES: usize = 4_096;

/// Finds in a text that arrives in pieces what it finds in the whole: the whole is one piece.
///
/// Running text is cleared at once; a link is held until it ends, never more than
/// [`LINK_HOLD_BACK_BYTES_MAX`](super::LINK_HOLD_BACK_BYTES_MAX) bytes.
pub(crate) struct LinkStream {
    /// The end of what has arrived: a little context, and what is not yet cleared.
    window: Vec<u8>,
    /// Where in the channel the window starts.
    window_at: usize,
    /// How much of the window is cleared.
    cleared: usize,
    /// Within a link that is too long.
    long: bool,
    /// Only the end of a link is missing.
    inside: bool,
}

impl LinkStream {
    pub(crate) const fn new() -> Self {
        Self {
            window: Vec::new(),
            window_at: 0,
            cleared: 0,
            long: false,
            inside: false,
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared.
    // threat: AGP-I3 ANP-0023
    pub(crate) fn push(
        &mut self,
        links: &Links,
        said: Option<&Said>,
        piece: &str,
        found: &mut Vec<Finding>,
    ) -> u64 {
        self.window.extend_from_slice(piece.as_bytes());
        let held = self.window.len() - self.cleared;
        if !(self.inside && held < LINK_BYTES_MAX && !piece.bytes().any(walk::ends)) {
            self.advance(links, said, false, found);
        }
        (self.window_at + self.cleared) as u64
    }

    /// Ends the channel: what was held back is decided, and everything is cleared.
    pub(crate) fn finish(&mut self, links: &Links, said: Option<&Said>, found: &mut Vec<Finding>) -> u64 {
        self.advance(links, said, true, found);
        (self.window_at + self.cleared) as u64
    }

    fn advance(&mut self, links: &Links, said: Option<&Said>, complete: bool, found: &mut Vec<Finding>) {
        self.inside = false;
        while self.cleared < self.window.len() {
            if self.long {
                self.go_on(found);
                continue;
            }
            match walk::step(&self.window, self.cleared, complete) {
                Step::Hungry { from, inside } => {
                    self.inside = inside;
                    self.cleared = from.max(self.cleared);
                    break;
                }
                Step::Next(next, place) => {
                    let stays = next == self.cleared;
                    self.cleared = next;
                    if let Some(place) = place {
                        self.long = place.long;
                        links.judge(&place, self.window_at, said, found);
                    } else if stays || !complete {
                        break;
                    }
                }
            }
        }
        let keep_from = self.cleared.saturating_sub(BEHIND_BYTES + 16);
        // What is kept is not moved for every piece or link.
        if keep_from < FORGOTTEN_BYTES {
            return;
        }
        self.window.drain(..keep_from);
        self.window_at += keep_from;
        self.cleared -= keep_from;
    }

    /// Reports the rest of a link that is too long, as far as it is here.
    fn go_on(&mut self, found: &mut Vec<Finding>) {
        let rest = self.window.get(self.cleared..).unwrap_or_default();
        let ended = rest.iter().position(|byte| walk::ends_long(*byte));
        let from = self.window_at + self.cleared;
        self.cleared += ended.unwrap_or(rest.len());
        let to = self.window_at + self.cleared;
        if to > from {
            found.push(finding(LONG, "", from..to));
        }
        self.long = ended.is_none();
    }
}

impl std::fmt::Debug for LinkStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkStream")
            .field("cleared", &(self.window_at + self.cleared))
            .finish_non_exhaustive()
    }
}
