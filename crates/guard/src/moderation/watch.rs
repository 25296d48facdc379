//! Cuts a text, or a stream of it, into blocks, and judges the windows they make. Never keeps more than two blocks.

use std::sync::Arc;

use super::harm::{Harm, PerHarm};
use super::{Block, Moderation, finding};
use crate::finding::Finding;

/// From so many bytes on a block ends at the next white space.
const BLOCK_BYTES: usize = 192;
/// The longest block; what a stream holds back at most. Two blocks make a window.
pub const MODERATION_BLOCK_BYTES_MAX: usize = 256;

/// Where the block that a text begins with ends; `None` where that shows in what is still to come.
fn block_end(text: &str, complete: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let longest = bytes
        .get(..MODERATION_BLOCK_BYTES_MAX.min(bytes.len()))
        .unwrap_or_default();
    let white = longest.iter().skip(BLOCK_BYTES).position(u8::is_ascii_whitespace);
    if let Some(at) = white {
        return Some(BLOCK_BYTES + at + 1);
    }
    if text.len() >= MODERATION_BLOCK_BYTES_MAX {
        return Some(text.floor_char_boundary(MODERATION_BLOCK_BYTES_MAX));
    }
    (complete && !text.is_empty()).then_some(text.len())
}

/// Tells every block of a whole text.
pub(super) fn blocks(text: &str, mut tell: impl FnMut(&str)) {
    let mut rest = text;
    while let Some((block, behind)) = block_end(rest, true).and_then(|end| rest.split_at_checked(end)) {
        tell(block);
        rest = behind;
    }
}

/// What was told of a harm last.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    score: u8,
    end: usize,
}

/// The windows of one text.
#[derive(Debug, Default)]
pub(super) struct Windows {
    before: Option<Block>,
    /// Bytes of the block before.
    before_bytes: usize,
    /// Where the next block starts.
    at: usize,
    worst: PerHarm<u8>,
    told: PerHarm<Told>,
}

impl Windows {
    pub(super) fn whole(&mut self, guard: &Moderation, text: &str, found: &mut Vec<Finding>) {
        blocks(text, |block| self.step(guard, block, found));
    }

    /// The worst of each harm so far.
    pub(super) const fn worst(&self) -> PerHarm<u8> {
        self.worst
    }

    /// Judges the window that the next block ends. Of windows that overlap the later one is told only where it is surer.
    fn step(&mut self, guard: &Moderation, text: &str, found: &mut Vec<Finding>) {
        let block = guard.core.block(text);
        let scores = guard.core.judge(self.before.as_ref(), &block);
        let span = self.at - self.before_bytes..self.at + text.len();
        let state = self.worst.iter_mut().zip(&mut self.told).zip(&guard.least);
        for ((harm, score), ((worst, told), least)) in Harm::ALL.into_iter().zip(scores).zip(state) {
            *worst = score.max(*worst);
            if score >= *least && (score > told.score || span.start >= told.end) {
                found.push(finding(harm, span.clone(), score));
                *told = Told { score, end: span.end };
            }
        }
        self.before = Some(block);
        self.before_bytes = text.len();
        self.at = span.end;
    }
}

/// Finds in a text that arrives in pieces what [`Moderation::judge`] finds in the whole.
///
/// Text is cleared block by block: at most [`MODERATION_BLOCK_BYTES_MAX`] bytes wait for the rest of theirs.
pub struct ModerationStream {
    guard: Arc<Moderation>,
    windows: Windows,
    open: String,
}

impl ModerationStream {
    /// A channel of which nothing has arrived yet.
    #[must_use]
    pub fn new(guard: Arc<Moderation>) -> Self {
        Self {
            guard,
            windows: Windows::default(),
            open: String::new(),
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are judged.
    // threat: ANP-0010 ANP-0023
    pub fn push(&mut self, piece: &str, found: &mut Vec<Finding>) -> u64 {
        self.open.push_str(piece);
        self.advance(false, found)
    }

    /// Ends the channel: the last block is judged, however short.
    pub fn finish(&mut self, found: &mut Vec<Finding>) -> u64 {
        self.advance(true, found)
    }

    fn advance(&mut self, complete: bool, found: &mut Vec<Finding>) -> u64 {
        let mut rest = self.open.as_str();
        while let Some((block, behind)) = block_end(rest, complete).and_then(|end| rest.split_at_checked(end))
        {
            self.windows.step(&self.guard, block, found);
            rest = behind;
        }
        let done = self.open.len() - rest.len();
        self.open.drain(..done);
        self.windows.at as u64
    }
}

impl std::fmt::Debug for ModerationStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModerationStream")
            .field("at", &self.windows.at)
            .finish_non_exhaustive()
    }
}
