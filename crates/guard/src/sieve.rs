//! Where in a text a rule can match at all, by one cheap look. Never says that one does.
//!
//! Nearly every credential is one long unbroken word: all rules but a handful cannot match without
//! a run of [`RUN_BYTES_MIN`] bytes of letters, digits and a few signs. Such runs are rare in what people
//! write, so the rest of the text need not be searched for triggers. Which rules that holds for is
//! reckoned from their shapes, not declared; the triggers of the others are searched for everywhere.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::assigned::LEAD_BYTES_MAX;
use crate::rules::{Rule, all};
use crate::runs::{RUN_BYTES_MIN, Runs, WORD};
use crate::shape::Part;

/// Escapes make the way from a trigger to its run longer in a raw body than in its text.
pub(crate) const ESCAPES_MAX: usize = 4;

/// Windows of a text that are worth searching.
pub(crate) struct Sieve {
    /// The most bytes from a trigger to the start of its run.
    lead: usize,
    /// Triggers of rules that match without a run; none when they cannot be searched for.
    sparse: Option<AhoCorasick>,
}

impl Sieve {
    pub(crate) fn new() -> Self {
        let leads: Vec<(&Rule, Option<usize>)> = all().map(|rule| (rule, lead_of(rule))).collect();
        let lead = leads.iter().filter_map(|(_, lead)| *lead).max().unwrap_or(0);
        let without = leads.iter().filter(|(_, lead)| lead.is_none());
        // Only a search of this kind skips by vector instructions; these triggers do not overlap.
        let sparse = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(without.flat_map(|(rule, _)| rule.triggers))
            .ok();
        Self { lead, sparse }
    }

    /// Stretches that hold every trigger of every match, in order, apart from each other. Looks no
    /// further than they are asked for.
    pub(crate) fn windows<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let mut long = Runs::of(text)
            .map(move |run| self.led_to(text, &run)..run.end)
            .peekable();
        let mut sparse = self.sparse_in(text).peekable();
        // The next of either, if it starts no later.
        let mut next = move |latest: usize| {
            let in_time = |window: &Range<usize>| window.start <= latest;
            match (long.peek(), sparse.peek()) {
                (Some(run), Some(trigger)) if run.start <= trigger.start => long.next_if(in_time),
                (Some(_), None) => long.next_if(in_time),
                _ => sparse.next_if(in_time),
            }
        };
        std::iter::from_fn(move || {
            let mut window = next(usize::MAX)?;
            while let Some(more) = next(window.end) {
                window.end = window.end.max(more.end);
            }
            Some(window)
        })
    }

    /// The triggers of rules that match without a run.
    fn sparse_in<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let everywhere = self.sparse.is_none().then_some(0..text.len());
        let found = self.sparse.iter().flat_map(move |sparse| sparse.find_iter(text));
        found.map(|found| found.range()).chain(everywhere)
    }

    /// Where a trigger that leads to this run may start. Where no escape is, a raw body is its text.
    fn led_to(&self, text: &[u8], run: &Range<usize>) -> usize {
        let escaped = run.start.saturating_sub(self.lead * ESCAPES_MAX);
        let may_be = text.get(escaped..run.start).unwrap_or_default();
        if may_be.contains(&b'\\') {
            escaped
        } else {
            run.start.saturating_sub(self.lead)
        }
    }
}

/// The most bytes between a match's start and the run it cannot be without; `None` if it can be without.
pub(crate) fn lead_of(rule: &Rule) -> Option<usize> {
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
            // Every value that a test accepts is such a run.
            Part::Assigned { .. } => return Some(passed + LEAD_BYTES_MAX),
            Part::Chosen(_) => return None,
            Part::Mark
            | Part::NotNext(_)
            | Part::Unless(_)
            | Part::NotThen(..)
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
        assert!(without.len() <= 16, "{without:?}");
    }

    #[test]
    fn runs_are_found_at_every_offset_and_of_just_the_length() {
        let sieve = Sieve::new();
        for offset in 0..40 {
            let text =
                |bytes: usize| [" ".repeat(offset), "k".repeat(bytes), " and no more".to_owned()].concat();
            let just: Vec<_> = sieve.windows(text(RUN_BYTES_MIN).as_bytes()).collect();
            assert!(
                just.iter().any(|window| window.end == offset + RUN_BYTES_MIN),
                "{offset}: {just:?}"
            );
            assert!(
                sieve.windows(text(RUN_BYTES_MIN - 1).as_bytes()).next().is_none(),
                "{offset}"
            );
        }
        assert!(
            sieve
                .windows(b"as people write: not one long word among them")
                .next()
                .is_none()
        );
        assert_eq!(sieve.windows(b"see http://a b").count(), 1);
    }
}
