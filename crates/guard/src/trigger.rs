//! Finds the literals that rules start with: one pass over the text, whatever the number of rules.
//! Never decides whether a rule matches.

use std::collections::BTreeMap;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Span};

use crate::rules::{Rule, all};

/// The longest part of a trigger that the first pass compares.
const CORE_BYTES_MAX: usize = 4;

/// A trigger that occurs in the text.
#[derive(Clone, Copy)]
pub(crate) struct Occurrence<'r> {
    /// Where it starts.
    pub at: usize,
    /// The rules that start with it.
    pub rules: &'r [&'static Rule],
}

/// All triggers of all rules.
pub(crate) struct Triggers {
    /// Sorted by the literal; no literal is the beginning of another.
    literals: Vec<(&'static str, Vec<&'static Rule>)>,
    cores: Cores,
    /// Which bytes a literal can start with.
    firsts: [bool; 256],
}

/// The searcher for the triggers' first bytes.
pub(crate) enum Cores {
    /// The usual case.
    Vectorized(packed::Searcher),
    /// Where the processor has no usable vectors.
    Automaton(AhoCorasick),
    /// Should neither build: every place is looked at. Slow, never blind.
    Everywhere,
}

impl Triggers {
    pub(crate) fn new() -> Self {
        let mut by_literal: BTreeMap<&'static str, Vec<&'static Rule>> = BTreeMap::new();
        for rule in all() {
            for literal in rule.triggers {
                by_literal.entry(literal).or_default().push(rule);
            }
        }
        let literals: Vec<_> = by_literal.into_iter().collect();
        let mut firsts = [false; 256];
        for slot in literals.iter().filter_map(|(literal, _)| literal.bytes().next()) {
            if let Some(first) = firsts.get_mut(usize::from(slot)) {
                *first = true;
            }
        }
        let cores = Cores::of(literals.iter().map(|(literal, _)| *literal));
        Self { literals, cores, firsts }
    }

    /// The first trigger at or behind `from`, by the literal alone.
    pub(crate) fn find(&self, text: &[u8], mut from: usize) -> Option<Occurrence<'_>> {
        while let Some(at) = self.cores.find(text, from) {
            if let Some(rules) = self.at(text, at) {
                return Some(Occurrence { at, rules });
            }
            from = at + 1;
        }
        None
    }

    /// The rules whose trigger stands at `at`.
    fn at(&self, text: &[u8], at: usize) -> Option<&[&'static Rule]> {
        let here = text.get(at..)?;
        // As no literal begins another, only the greatest one not above the text can stand here.
        let above = self.literals.partition_point(|(literal, _)| literal.as_bytes() <= here);
        let (literal, rules) = self.literals.get(above.checked_sub(1)?)?;
        here.starts_with(literal.as_bytes()).then_some(rules)
    }

    /// Where, at or behind `from`, the end of the text may be the beginning of a trigger.
    pub(crate) fn begun(&self, text: &[u8], from: usize) -> usize {
        let earliest = from.max(text.len().saturating_sub(TRIGGER_BYTES_MAX - 1));
        (earliest..text.len()).find(|&at| self.begins(text, at)).unwrap_or(text.len())
    }

    fn begins(&self, text: &[u8], at: usize) -> bool {
        let (behind, here) = text.split_at_checked(at).unwrap_or_default();
        let possible = here.first().is_some_and(|&byte| self.firsts.get(usize::from(byte)).is_some_and(|first| *first));
        possible && self.beginning_with(here).any(|rule| rule.before.allows(behind))
    }

    /// The rules with a trigger of which `stub` is a proper beginning.
    fn beginning_with(&self, stub: &[u8]) -> impl Iterator<Item = &'static Rule> {
        let from = self.literals.partition_point(|(literal, _)| literal.as_bytes() <= stub);
        let candidates = self.literals.get(from..).unwrap_or_default();
        let matching = candidates.iter().take_while(move |(literal, _)| literal.as_bytes().starts_with(stub));
        matching.flat_map(|(_, rules)| rules.iter().copied())
    }
}

/// The longest trigger; a test holds the rules to it.
pub(crate) const TRIGGER_BYTES_MAX: usize = 28;

impl Cores {
    pub(crate) fn of(literals: impl Iterator<Item = &'static str>) -> Self {
        let mut cores: Vec<&str> = literals.map(|literal| literal.get(..CORE_BYTES_MAX).unwrap_or(literal)).collect();
        cores.sort_unstable();
        cores.dedup();
        let mut config = packed::Config::new();
        config.heuristic_pattern_limits(false);
        match config.builder().extend(&cores).build() {
            Some(searcher) => Self::Vectorized(searcher),
            None => AhoCorasick::new(&cores).map_or(Self::Everywhere, Self::Automaton),
        }
    }

    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let span = Span { start: from.min(text.len()), end: text.len() };
        match self {
            Self::Vectorized(searcher) => searcher.find_in(text, span).map(|found| found.start()),
            Self::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(text).span(span)).map(|found| found.start())
            }
            Self::Everywhere => (from < text.len()).then_some(from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_trigger_begins_another_and_all_are_plain_ascii() {
        let triggers = Triggers::new();
        for window in triggers.literals.windows(2) {
            assert!(!window[1].0.starts_with(window[0].0), "`{}` begins `{}`", window[0].0, window[1].0);
        }
        for (literal, _) in &triggers.literals {
            let plain = literal.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\'));
            assert!(plain && literal.len() >= 3 && literal.len() <= TRIGGER_BYTES_MAX, "{literal}");
        }
    }

    #[test]
    fn the_beginning_of_a_trigger_at_the_end_is_noticed() {
        let triggers = Triggers::new();
        assert_eq!(triggers.begun(b"look: gh", 0), 6);
        assert_eq!(triggers.begun(b"look at this", 0), 12);
        assert_eq!(triggers.begun(b"", 0), 0);
    }

    #[test]
    fn the_fallback_searchers_find_the_same() {
        let texts: [&[u8]; 3] = [b"a ghp_ b AKIA ghp_", b"nothing", b"-----BEGIN sk-"];
        let mut triggers = Triggers::new();
        let places = |triggers: &Triggers, text: &[u8]| {
            let mut from = 0;
            let mut found = Vec::new();
            while let Some(next) = triggers.find(text, from) {
                found.push(next.at);
                from = next.at + 1;
            }
            found
        };
        let fast: Vec<_> = texts.iter().map(|text| places(&triggers, text)).collect();
        assert_eq!(fast[0], [2, 9, 14]);
        let cores: Vec<&str> = triggers.literals.iter().map(|(literal, _)| literal.get(..4).unwrap_or(literal)).collect();
        for cores in [Cores::Automaton(AhoCorasick::new(cores).unwrap()), Cores::Everywhere] {
            triggers.cores = cores;
            let slow: Vec<_> = texts.iter().map(|text| places(&triggers, text)).collect();
            assert_eq!(slow, fast);
        }
    }
}
