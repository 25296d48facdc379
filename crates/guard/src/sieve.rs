//! Where in a text a rule can match at all, by one cheap look. Never says that one does.
//!
//! Nearly every credential is one long unbroken word: of 75 rules all but a handful cannot match without
//! a run of [`RUN_BYTES_MIN`] bytes of letters, digits and a few signs. Such runs are rare in what people
//! write, so the rest of the text need not be searched for triggers. Which rules that holds for is
//! reckoned from their shapes, not declared; the triggers of the others are searched for everywhere.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::class::Class;
use crate::rules::{Rule, all};
use crate::shape::Part;

/// What runs are made of.
const WORD: Class = Class::of("A-Za-z0-9+/=_.~-");

/// The shortest run that counts. One this long covers a whole aligned block.
const RUN_BYTES_MIN: usize = 2 * BLOCK_BYTES - 1;

const BLOCK_BYTES: usize = 8;

/// Escapes make the way from a trigger to its run longer in a raw body than in its text.
const ESCAPES_MAX: usize = 4;

/// Windows of a text that are worth searching.
pub(crate) struct Sieve {
    word: [bool; 256],
    /// The most bytes from a trigger to the start of its run.
    lead: usize,
    /// Triggers of rules that match without a run.
    sparse: Option<AhoCorasick>,
}

impl Sieve {
    pub(crate) fn new() -> Self {
        let mut word = [false; 256];
        for (byte, slot) in (0..=u8::MAX).zip(&mut word) {
            *slot = WORD.has(byte);
        }
        let runs: Vec<(&Rule, Option<usize>)> = all().map(|rule| (rule, lead_of(rule))).collect();
        let lead = runs.iter().filter_map(|(_, lead)| *lead).max().unwrap_or(0);
        let without = runs.iter().filter(|(_, lead)| lead.is_none());
        let sparse = AhoCorasick::new(without.flat_map(|(rule, _)| rule.triggers)).ok();
        Self {
            word,
            lead: lead * ESCAPES_MAX,
            sparse,
        }
    }

    /// Stretches that hold every trigger of every match, in order, apart from each other.
    pub(crate) fn windows(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(sparse) = &self.sparse else {
            return std::iter::once(0..text.len()).collect();
        };
        let mut windows = self.runs(text);
        let long = windows.len();
        windows.extend(sparse.find_iter(text).map(|found| found.start()..found.end()));
        if windows.len() > long {
            windows.sort_unstable_by_key(|window| window.start);
        }
        windows.dedup_by(|next, kept| {
            let touches = next.start <= kept.end;
            if touches {
                kept.end = kept.end.max(next.end);
            }
            touches
        });
        windows
    }

    /// Every run that is long enough, with what may lead to it.
    fn runs(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut windows = Vec::new();
        let mut done = 0;
        let (blocks, _) = text.as_chunks::<BLOCK_BYTES>();
        for (block, at) in blocks.iter().zip((0..).step_by(BLOCK_BYTES)) {
            // No early exit: eight look-ups cost less than a branch that is guessed wrong.
            let whole = block.iter().fold(true, |all, &byte| all & self.is_word(byte));
            if !whole || at < done {
                continue;
            }
            let (before, after) = text.split_at_checked(at).unwrap_or_default();
            let back = before
                .iter()
                .rev()
                .take_while(|&&byte| self.is_word(byte))
                .count();
            let ahead = after.iter().take_while(|&&byte| self.is_word(byte)).count();
            done = at + ahead;
            if back + ahead >= RUN_BYTES_MIN {
                windows.push((at - back).saturating_sub(self.lead)..done);
            }
        }
        windows
    }

    fn is_word(&self, byte: u8) -> bool {
        self.word.get(usize::from(byte)).is_some_and(|word| *word)
    }
}

/// The most bytes between a match's start and the run it cannot be without; `None` if it can be without.
fn lead_of(rule: &Rule) -> Option<usize> {
    let all_word = |text: &str| text.bytes().all(|byte| WORD.has(byte));
    let longest = |words: &[&str]| words.iter().map(|word| word.len()).max().unwrap_or(0);
    let (mut passed, mut run_from, mut run) = (0, 0, 0);
    for part in rule.shape {
        // The least this part adds to the run, if it cannot break it; and the most bytes it takes.
        let (least, most) = match part {
            Part::Lit(text) => (all_word(text).then_some(text.len()), text.len()),
            Part::AnyOf(words) if words.iter().all(|text| all_word(text)) => {
                (words.iter().map(|word| word.len()).min(), longest(words))
            }
            Part::AnyOf(words) => (None, longest(words)),
            Part::Run(class, min, max) => (class.is_within(WORD).then_some(*min), *max),
            Part::Mark
            | Part::NotNext(_)
            | Part::Unless(_)
            | Part::Check(_)
            | Part::Ahead(..)
            | Part::Open(_) => continue,
        };
        passed += most;
        match least {
            Some(least) => run += least,
            None => (run, run_from) = (0, passed),
        }
        if run >= RUN_BYTES_MIN {
            return Some(run_from);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_handful_of_rules_do_without_a_run() {
        let without: Vec<_> = all()
            .filter(|rule| lead_of(rule).is_none())
            .map(|rule| rule.name)
            .collect();
        assert!(
            without.contains(&"private_key") && without.contains(&"basic_auth_url"),
            "{without:?}"
        );
        assert!(without.len() <= 8, "{without:?}");
    }

    #[test]
    fn runs_are_found_at_every_offset_and_of_just_the_length() {
        let sieve = Sieve::new();
        for offset in 0..40 {
            let text =
                |bytes: usize| [" ".repeat(offset), "k".repeat(bytes), " and no more".to_owned()].concat();
            let just = sieve.windows(text(RUN_BYTES_MIN).as_bytes());
            assert!(
                just.iter().any(|window| window.end == offset + RUN_BYTES_MIN),
                "{offset}: {just:?}"
            );
            assert!(
                sieve.windows(text(RUN_BYTES_MIN - 1).as_bytes()).is_empty(),
                "{offset}"
            );
        }
        assert!(
            sieve
                .windows(b"as people write: not one long word among them")
                .is_empty()
        );
        assert_eq!(sieve.windows(b"see http://a b").len(), 1);
    }
}
