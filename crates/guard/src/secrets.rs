//! The guard against credentials, over whole texts. Never keeps text.

use std::borrow::Cow;
use std::ops::Range;

use wide::u8x16;

use crate::bits::{CHUNK_BYTES, bits_where, filled_up, ones};
use crate::finding::{Finding, Kind};
use crate::grade::graded;
use crate::redact::redact;
use crate::rules::{Rule, all};
use crate::shape::{LOOK_BEHIND_BYTES, Match, Verdict, walk};
use crate::sieve::Sieve;
use crate::stream::HOLD_BACK_BYTES_MAX;
use crate::trigger::{Occurrence, TRIGGER_BYTES_MAX, Triggers};

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
        let mut covered = Covered::default();
        for window in self.sieve.windows(bytes) {
            for occurrence in self.triggers.within(bytes, window) {
                let hidden = covered.has(occurrence.at);
                judge(
                    &self.triggers,
                    &occurrence,
                    bytes,
                    true,
                    hidden,
                    |told| match told {
                        Told::Match(rule, here) => {
                            if covered.adds(rule, &here.span) {
                                let score = graded(rule.score, bytes, &here);
                                found.push(rule.finding(here.span, score));
                            }
                        }
                        Told::Rejected(span) => covered.reject(span),
                    },
                );
            }
        }
    }

    /// Whether anything can be found in these raw bytes, a JSON body for example, even after its
    /// escapes are decoded. `false` is certain; `true` means: decode and [`scan`](Self::scan).
    #[must_use]
    pub fn may_match(&self, raw: &[u8]) -> bool {
        let mut occurrences = self
            .sieve
            .windows(raw)
            .flat_map(|window| self.triggers.within(raw, window));
        occurrences.any(|occurrence| may_present(&occurrence, raw)) || hides_ascii(raw)
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
    pub(crate) fn finding(&self, span: Range<usize>, score: u8) -> Finding {
        Finding {
            span,
            rule: self.name.into(),
            kind: Kind::Secret,
            category: "",
            score,
        }
    }
}

/// The last value that its name gave away, and the last long one that was none. Names inside them are parts of them,
/// and are not followed: else a long one made of names would be walked once for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered(Range<usize>, Range<usize>);

impl Covered {
    pub(crate) fn has(&self, at: usize) -> bool {
        self.0.contains(&at) || self.1.contains(&at)
    }

    /// Takes note of a long value that is none of a secret.
    pub(crate) fn reject(&mut self, span: Range<usize>) {
        if span.end > self.1.end {
            self.1 = span;
        }
    }

    /// Takes note of a match. `false` if another part of the same name gave the same value away.
    pub(crate) fn adds(&mut self, rule: &Rule, span: &Range<usize>) -> bool {
        let known = rule.goes_by_name() && self.0.start == span.start && !self.0.is_empty();
        if rule.goes_by_name() && !known {
            self.0 = span.clone();
        }
        !known
    }

    /// A match of the rule has ended.
    pub(crate) fn end(&mut self, rule: &Rule, at: usize) {
        if rule.goes_by_name() {
            self.0.end = at;
        }
    }
}

/// What a walk over the rules of a trigger tells of.
pub(crate) enum Told {
    /// A match of a rule.
    Match(&'static Rule, Match),
    /// A long value behind a name that is none of a secret.
    Rejected(Range<usize>),
}

/// Walks the rules of one trigger and tells of each match, but for those that go by name if the name is
/// hidden in a value. `false` when the text ends too early for a
/// verdict; then `tell` may have been called for some of the rules.
pub(crate) fn judge(
    triggers: &Triggers,
    occurrence: &Occurrence<'_>,
    text: &[u8],
    complete: bool,
    hidden: bool,
    mut tell: impl FnMut(Told),
) -> bool {
    let behind = text.get(..occurrence.at).unwrap_or_default();
    let mut ahead = text.get(occurrence.at..).unwrap_or_default();
    ahead = ahead.get(..GLANCE_BYTES).unwrap_or(ahead);
    let possible = |rule: &&&'static Rule| !is_absent(rule, ahead) && rule.before.allows(behind);
    let followed = |rule: &&&'static Rule| !(hidden && rule.goes_by_name()) && possible(rule);
    for rule in occurrence.rules.iter().filter(followed) {
        match walk(rule.shape, text, occurrence.at, complete) {
            Verdict::Absent => {}
            Verdict::Rejected(span) => tell(Told::Rejected(span)),
            Verdict::Undecided => return false,
            Verdict::Present(found) => match has_form(triggers, rule, text, found.span.start, complete) {
                Some(true) => {}
                Some(false) => tell(Told::Match(rule, found)),
                None => return false,
            },
        }
    }
    true
}

/// Whether a value that its name gives away has a form as well, whose rule will report it by a better name;
/// `None` when the text ends too early to say.
fn has_form(triggers: &Triggers, rule: &Rule, text: &[u8], at: usize, complete: bool) -> Option<bool> {
    if !rule.goes_by_name() {
        return Some(false);
    }
    if !complete && triggers.begun(text, at) == at {
        return None;
    }
    let stretch = at..text.len().min(at + TRIGGER_BYTES_MAX);
    let Some(here) = triggers.find(text, stretch).filter(|found| found.at == at) else {
        return Some(false);
    };
    let behind = text.get(..at).unwrap_or_default();
    let formed = |rule: &&&'static Rule| !rule.goes_by_name() && rule.before.allows(behind);
    for rule in here.rules.iter().filter(formed) {
        match walk(rule.shape, text, at, complete) {
            Verdict::Absent | Verdict::Rejected(_) => {}
            Verdict::Undecided => return None,
            Verdict::Present(_) => return Some(true),
        }
    }
    Some(false)
}

/// Whether a JSON escape may stand for a byte of a trigger: `\/`, or `\u00` with a byte below 0x80.
/// The other escapes stand for bytes that no trigger contains.
fn hides_ascii(raw: &[u8]) -> bool {
    let (chunks, rest) = raw.as_chunks::<CHUNK_BYTES>();
    let rest = filled_up(rest);
    let chunks = chunks.iter().chain(std::iter::once(&rest));
    chunks.zip((0..).step_by(CHUNK_BYTES)).any(|(chunk, at)| {
        let backslashes = bits_where(chunk, |bytes| bytes.simd_eq(u8x16::splat(b'\\')));
        ones(backslashes)
            .map(|offset| at + offset)
            .any(|at| escapes_ascii(raw, at))
    })
}

/// Whether the backslash at `at` begins such an escape.
fn escapes_ascii(raw: &[u8], at: usize) -> bool {
    matches!(
        raw.get(at + 1..),
        Some([b'/', ..] | [b'u', b'0', b'0', b'0'..=b'7', ..])
    )
}

/// Bytes from a trigger on that are looked at before anything else: most of what is not a credential
/// shows in them.
const GLANCE_BYTES: usize = 12;

/// Bytes from a trigger on that are looked at next, and at most, in raw text.
const LOOKS_BYTES: [usize; 2] = [64, HOLD_BACK_BYTES_MAX];

/// Whether a rule of this trigger could match once the escapes around it are decoded. What stands up
/// to the first backslash is as it will be; what follows it could be anything.
fn may_present(occurrence: &Occurrence<'_>, raw: &[u8]) -> bool {
    let plain = |bytes| {
        let ahead = raw
            .get(occurrence.at..raw.len().min(occurrence.at + bytes))
            .unwrap_or_default();
        ahead.split(|&byte| byte == b'\\').next().unwrap_or_default()
    };
    let behind = raw
        .get(occurrence.at.saturating_sub(LOOK_BEHIND_BYTES)..occurrence.at)
        .unwrap_or_default();
    let allows = |rule: &Rule| behind.contains(&b'\\') || rule.before.allows(behind);
    let glance = plain(GLANCE_BYTES);
    occurrence.rules.iter().any(|rule| {
        !is_absent(rule, glance)
            && allows(rule)
            && LOOKS_BYTES.iter().all(|&bytes| !is_absent(rule, plain(bytes)))
    })
}

/// Whether the rule cannot match, whatever follows these bytes from its trigger on.
fn is_absent(rule: &Rule, ahead: &[u8]) -> bool {
    walk(rule.shape, ahead, 0, false).is_absent()
}
