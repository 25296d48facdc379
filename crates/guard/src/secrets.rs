//! The guard against credentials, over whole texts. Never keeps text.

use std::borrow::Cow;

use crate::finding::{Finding, Kind};
use crate::redact::redact;
use crate::rules::{Rule, all};
use crate::shape::{LOOK_BEHIND_BYTES, Verdict, walk};
use crate::sieve::Sieve;
use crate::stream::HOLD_BACK_BYTES_MAX;
use crate::tail::Tail;
use crate::trigger::{Occurrence, Triggers};

/// Finds credentials. Built once, then shared: it has no state and takes no lock.
// threat: AGP-I1 AGP-I3 AGP-R-001 ANP-0020 ANP-0023
pub struct Secrets {
    triggers: Triggers,
    sieve: Sieve,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

impl Secrets {
    /// Compiles the rules.
    #[must_use]
    pub fn new() -> Self {
        Self {
            triggers: Triggers::new(),
            sieve: Sieve::new(),
        }
    }

    /// The names that findings can carry, in the order of the rules; each once.
    pub fn rules() -> impl Iterator<Item = &'static str> {
        let mut seen = std::collections::BTreeSet::new();
        all().map(|rule| rule.name).filter(move |name| seen.insert(*name))
    }

    /// Appends what is found in `text`. Linear in its length; findings of different rules may overlap.
    pub fn scan(&self, text: &str, found: &mut Vec<Finding>) {
        let bytes = text.as_bytes();
        for window in self.sieve.windows(bytes) {
            let (mut from, within) = (window.start, bytes.get(..window.end).unwrap_or(bytes));
            while let Some(occurrence) = self.triggers.find(within, from) {
                judge(&occurrence, bytes, true, |rule, span, _| {
                    found.push(rule.finding(span))
                });
                from = occurrence.at + 1;
            }
        }
    }

    /// Whether anything can be found in these raw bytes, a JSON body for example, even after its
    /// escapes are decoded. `false` is certain; `true` means: decode and [`scan`](Self::scan).
    #[must_use]
    pub fn may_match(&self, raw: &[u8]) -> bool {
        for window in self.sieve.windows(raw) {
            let (mut from, within) = (window.start, raw.get(..window.end).unwrap_or(raw));
            while let Some(occurrence) = self.triggers.find(within, from) {
                if may_present(&occurrence, raw) {
                    return true;
                }
                from = occurrence.at + 1;
            }
        }
        hides_ascii(raw)
    }

    /// The text without what is found in it; untouched and not copied when nothing is.
    #[must_use]
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut found = Vec::new();
        self.scan(text, &mut found);
        if found.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(redact(text, &found))
        }
    }

    pub(crate) fn triggers(&self) -> &Triggers {
        &self.triggers
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Rule {
    pub(crate) fn finding(&self, span: std::ops::Range<usize>) -> Finding {
        Finding {
            span,
            rule: self.name,
            kind: Kind::Secret,
        }
    }
}

/// Walks the rules of one trigger and hands each match on. `false` when the text ends too early for a
/// verdict; then `present` may have been called for some of the rules.
pub(crate) fn judge(
    occurrence: &Occurrence<'_>,
    text: &[u8],
    complete: bool,
    mut present: impl FnMut(&'static Rule, std::ops::Range<usize>, Option<Tail>),
) -> bool {
    let behind = text.get(..occurrence.at).unwrap_or_default();
    for rule in occurrence.rules.iter().filter(|rule| rule.before.allows(behind)) {
        match walk(rule.shape, text, occurrence.at, complete) {
            Verdict::Absent => {}
            Verdict::Undecided => return false,
            Verdict::Present(span, tail) => present(rule, span, tail),
        }
    }
    true
}

/// Whether a JSON escape may stand for a byte of a trigger: `\/`, or `\u00` with a byte below 0x80.
/// The other escapes stand for bytes that no trigger contains.
fn hides_ascii(raw: &[u8]) -> bool {
    let (blocks, rest) = raw.as_chunks::<BLOCK_BYTES>();
    let mut marked = blocks
        .iter()
        .zip((0..).step_by(BLOCK_BYTES))
        .filter(|(block, _)| has_backslash(block));
    marked.any(|(block, at)| escapes_ascii(raw, block, at))
        || escapes_ascii(raw, rest, raw.len() - rest.len())
}

/// Bytes that are tested at once.
const BLOCK_BYTES: usize = 8;

/// Whether a byte of the block is a backslash, all eight compared in one word: after the exclusive or
/// such a byte is zero, and only a zero byte borrows from its highest bit.
fn has_backslash(block: &[u8; BLOCK_BYTES]) -> bool {
    const LOWEST_BITS: u64 = u64::from_ne_bytes([0x01; BLOCK_BYTES]);
    const HIGHEST_BITS: u64 = u64::from_ne_bytes([0x80; BLOCK_BYTES]);
    let word = u64::from_ne_bytes(*block) ^ u64::from_ne_bytes([b'\\'; BLOCK_BYTES]);
    word.wrapping_sub(LOWEST_BITS) & !word & HIGHEST_BITS != 0
}

/// Whether such an escape starts in this block, which stands at `at` in `raw`.
fn escapes_ascii(raw: &[u8], block: &[u8], at: usize) -> bool {
    let mut backslashes = block.iter().zip(at + 1..).filter(|(byte, _)| **byte == b'\\');
    backslashes.any(|(_, next)| {
        matches!(
            raw.get(next..),
            Some([b'/', ..] | [b'u', b'0', b'0', b'0'..=b'7', ..])
        )
    })
}

/// Bytes behind a trigger that are looked at first, and at most, in raw text.
const GLANCES_BYTES: [usize; 2] = [64, HOLD_BACK_BYTES_MAX];

/// Whether a rule of this trigger could match once the escapes around it are decoded. What stands up
/// to the first backslash is as it will be; what follows it could be anything.
fn may_present(occurrence: &Occurrence<'_>, raw: &[u8]) -> bool {
    let behind = raw
        .get(occurrence.at.saturating_sub(LOOK_BEHIND_BYTES)..occurrence.at)
        .unwrap_or_default();
    let escaped = behind.contains(&b'\\');
    let mut rules = occurrence
        .rules
        .iter()
        .filter(|rule| escaped || rule.before.allows(behind));
    rules.any(|rule| {
        GLANCES_BYTES
            .iter()
            .all(|&bytes| may_walk(rule, raw, occurrence.at, bytes))
    })
}

fn may_walk(rule: &Rule, raw: &[u8], at: usize, bytes: usize) -> bool {
    let ahead = raw.get(at..raw.len().min(at + bytes)).unwrap_or_default();
    let plain = ahead.split(|&byte| byte == b'\\').next().unwrap_or_default();
    walk(rule.shape, plain, 0, false) != Verdict::Absent
}
