//! What was said in a request, as a link that carries it away would carry it. Never keeps text: it is hashes of pieces.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::address::Parts;
use super::walk::{Step, step};

/// Letters and digits of a piece.
const PIECE: usize = 16;
/// From the start of one piece to the next.
const STRIDE: usize = 8;
/// So many pieces are kept, of what comes first: a megabyte of letters.
const PIECES_MAX: usize = 131_072;
/// So many links are kept.
const LINKS_MAX: usize = 1_024;
const BASE: u64 = 0x0100_0000_01B3;
/// `BASE` to the power of [`PIECE`].
const OUT: u64 = {
    let (mut power, mut count) = (1_u64, 0);
    while count < PIECE {
        power = power.wrapping_mul(BASE);
        count += 1;
    }
    power
};

/// What was said, to be known again.
#[derive(Default)]
pub(crate) struct Said {
    pieces: HashSet<u64>,
    links: HashSet<u64>,
}

impl Said {
    /// Keeps a text of the request.
    pub(crate) fn add(&mut self, text: &str) {
        self.add_links(text);
        let mut window = Rolling::default();
        for byte in letters(text) {
            if self.pieces.len() >= PIECES_MAX {
                return;
            }
            if let Some(hash) = window.push(byte)
                && (window.count - PIECE).is_multiple_of(STRIDE)
            {
                self.pieces.insert(hash);
            }
        }
    }

    fn add_links(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() && self.links.len() < LINKS_MAX {
            let Step::Next(next, place) = step(text.as_bytes(), at, true) else {
                break;
            };
            if let Some(address) = place
                .as_ref()
                .and_then(|place| super::address::read(&place.value))
            {
                self.links.insert(link(&address.parts));
            }
            at = next.max(at + 1);
        }
    }

    /// Whether the request itself holds this link.
    pub(super) fn has_link(&self, parts: &Parts<'_>) -> bool {
        self.links.contains(&link(parts))
    }

    /// The longest stretch of what was said that this repeats, in strides of eight letters beyond the first.
    pub(super) fn repeats(&self, text: &str) -> u32 {
        if self.pieces.is_empty() || text.len() < PIECE {
            return 0;
        }
        let mut window = Rolling::default();
        let mut runs = [0_u32; STRIDE];
        let mut longest = 0;
        for byte in letters(text) {
            let Some(hash) = window.push(byte) else { continue };
            if let Some(run) = runs.get_mut(window.count % STRIDE) {
                *run = if self.pieces.contains(&hash) { *run + 1 } else { 0 };
                longest = longest.max(*run);
            }
        }
        longest
    }
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Said")
            .field("pieces", &self.pieces.len())
            .finish_non_exhaustive()
    }
}

fn link(parts: &Parts<'_>) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(parts.text().as_ref())
}

/// Letters and digits in lower case: signs and spaces, which encodings change, do not count.
fn letters(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
        .map(|byte| byte.to_ascii_lowercase())
}

/// A hash of the last [`PIECE`] bytes.
#[derive(Default)]
struct Rolling {
    last: [u8; PIECE],
    hash: u64,
    count: usize,
}

impl Rolling {
    fn push(&mut self, byte: u8) -> Option<u64> {
        let slot = self.last.get_mut(self.count % PIECE)?;
        let gone = std::mem::replace(slot, byte);
        let own = |byte: u8| u64::from(byte) + 1;
        self.hash = self.hash.wrapping_mul(BASE).wrapping_add(own(byte));
        if self.count >= PIECE {
            self.hash = self.hash.wrapping_sub(own(gone).wrapping_mul(OUT));
        }
        self.count += 1;
        (self.count >= PIECE).then_some(self.hash)
    }
}
