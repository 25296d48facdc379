//! Finds the literals that rules start with: one pass over the text, whatever the number of rules.
//! Never decides whether a rule matches.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::pairs::Pairs;
use crate::rules::{Rule, all};

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
    pairs: Pairs,
    /// For each byte that a literal can start with, rules whose literals do: one of those that ask for the same before it.
    firsts: Vec<Vec<&'static Rule>>,
    /// Which two bytes a literal can start with, and which three, a bit each; of three some are taken for others.
    heads: Box<[u64; HEADS / 64]>,
    triples: Box<[u64; HEADS / 64]>,
}

/// All pairs of bytes; as many places for three.
const HEADS: usize = 1 << 16;

impl Triggers {
    pub(crate) fn new() -> Self {
        let mut by_literal: BTreeMap<&'static str, Vec<&'static Rule>> = BTreeMap::new();
        for rule in all() {
            for literal in rule.triggers {
                by_literal.entry(literal).or_default().push(rule);
            }
        }
        let literals: Vec<_> = by_literal.into_iter().collect();
        let mut firsts: Vec<Vec<&'static Rule>> = vec![Vec::new(); 256];
        let (mut heads, mut triples) = (Box::new([0_u64; HEADS / 64]), Box::new([0_u64; HEADS / 64]));
        for (literal, rules) in &literals {
            let [first, second, third, ..] = literal.as_bytes() else {
                continue;
            };
            let starts = [
                (&mut heads, head_of(*first, *second)),
                (&mut triples, triple_of(*first, *second, *third)),
            ];
            for (set, place) in starts {
                if let Some(bits) = set.get_mut(place / 64) {
                    *bits |= 1 << (place % 64);
                }
            }
            if let Some(known) = firsts.get_mut(usize::from(*first)) {
                for rule in rules {
                    if !known.iter().any(|one| one.before.is_same(rule.before)) {
                        known.push(rule);
                    }
                }
            }
        }
        let pairs = Pairs::of(literals.iter().map(|(literal, _)| *literal));
        Self {
            literals,
            pairs,
            firsts,
            heads,
            triples,
        }
    }

    /// The triggers that stand in a stretch of the text, by the literals alone.
    pub(crate) fn within<'t>(
        &'t self,
        text: &'t [u8],
        stretch: Range<usize>,
    ) -> impl Iterator<Item = Occurrence<'t>> + 't {
        let mut from = stretch.start;
        std::iter::from_fn(move || {
            let first = self.find(text, from..stretch.end)?;
            from = first.at + 1;
            Some(first)
        })
    }

    /// The first of them.
    pub(crate) fn find(&self, text: &[u8], stretch: Range<usize>) -> Option<Occurrence<'_>> {
        let (at, literal) = self.pairs.find(text, stretch)?;
        let (_, rules) = self.literals.get(literal)?;
        Some(Occurrence { at, rules })
    }

    /// Where, at or behind `from`, the end of the text may be the beginning of a trigger.
    pub(crate) fn begun(&self, text: &[u8], from: usize) -> usize {
        let earliest = from.max(text.len().saturating_sub(TRIGGER_BYTES_MAX - 1));
        (earliest..text.len())
            .find(|&at| self.begins(text, at))
            .unwrap_or(text.len())
    }

    fn begins(&self, text: &[u8], at: usize) -> bool {
        let (behind, here) = text.split_at_checked(at).unwrap_or_default();
        let allowed = |rule: &'static Rule| rule.before.allows(behind);
        match here {
            [] => false,
            [first] => {
                let rules = self.firsts.get(usize::from(*first));
                rules.is_some_and(|rules| rules.iter().any(|rule| allowed(rule)))
            }
            [first, second] => {
                has(&self.heads, head_of(*first, *second)) && self.beginning_with(here).any(allowed)
            }
            [first, second, third, ..] => {
                has(&self.triples, triple_of(*first, *second, *third))
                    && self.beginning_with(here).any(allowed)
            }
        }
    }

    /// The rules with a trigger of which `stub` is a proper beginning.
    fn beginning_with(&self, stub: &[u8]) -> impl Iterator<Item = &'static Rule> {
        let from = self
            .literals
            .partition_point(|(literal, _)| literal.as_bytes() <= stub);
        let candidates = self.literals.get(from..).unwrap_or_default();
        let matching = candidates
            .iter()
            .take_while(move |(literal, _)| literal.as_bytes().starts_with(stub));
        matching.flat_map(|(_, rules)| rules.iter().copied())
    }
}

fn has(set: &[u64; HEADS / 64], place: usize) -> bool {
    let bits = set.get(place / 64).copied().unwrap_or_default();
    (bits >> (place % 64)) & 1 == 1
}

const fn triple_of(first: u8, second: u8, third: u8) -> usize {
    let bytes = u32::from_le_bytes([first, second, third, 0]);
    (bytes.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

const fn head_of(first: u8, second: u8) -> usize {
    (first as usize) << 8 | second as usize
}

/// The longest trigger; a test holds the rules to it.
pub(crate) const TRIGGER_BYTES_MAX: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_trigger_begins_another_and_all_are_plain_ascii() {
        let triggers = Triggers::new();
        for window in triggers.literals.windows(2) {
            assert!(
                !window[1].0.starts_with(window[0].0),
                "`{}` begins `{}`",
                window[0].0,
                window[1].0
            );
        }
        for (literal, _) in &triggers.literals {
            let plain = literal
                .bytes()
                .all(|byte| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\'));
            assert!(
                plain && literal.len() >= 3 && literal.len() <= TRIGGER_BYTES_MAX,
                "{literal}"
            );
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
    fn triggers_are_found_at_every_alignment_and_in_order() {
        let triggers = Triggers::new();
        for shift in 0..9 {
            let text = format!("{}a ghp_ b AKIA ghp_ -----BEGIN sk-", "x".repeat(shift));
            let mut from = 0;
            let mut places = Vec::new();
            while let Some(next) = triggers.find(text.as_bytes(), from..text.len()) {
                places.push(next.at - shift);
                from = next.at + 1;
            }
            assert_eq!(places, [2, 9, 14, 19, 30]);
        }
    }

    #[test]
    fn every_trigger_is_found_alone_and_among_others() {
        let triggers = Triggers::new();
        for (literal, _) in &triggers.literals {
            for text in [
                (*literal).to_owned(),
                format!("{literal}{literal}"),
                format!("say {literal} to"),
            ] {
                let naive = text.find(literal);
                assert_eq!(
                    triggers.find(text.as_bytes(), 0..text.len()).map(|next| next.at),
                    naive,
                    "{text}"
                );
                let second = text.get(1..).and_then(|rest| rest.find(literal)).map(|at| at + 1);
                assert!(
                    second.is_none()
                        || triggers
                            .find(text.as_bytes(), 1..text.len())
                            .is_some_and(|next| next.at <= second.unwrap())
                );
            }
        }
    }

    #[test]
    fn neighbouring_triggers_are_found_as_a_plain_search_would() {
        let triggers = Triggers::new();
        let literals = || triggers.literals.iter().map(|(literal, _)| *literal);
        for (left, right) in
            literals().flat_map(|left| literals().step_by(13).map(move |right| (left, right)))
        {
            for glue in ["", " ", "e", "_k"] {
                let text = format!("{}{glue}{right}", left.get(1..).unwrap());
                let plain =
                    (0..text.len()).find(|&at| literals().any(|literal| text[at..].starts_with(literal)));
                assert_eq!(
                    triggers.find(text.as_bytes(), 0..text.len()).map(|next| next.at),
                    plain,
                    "{text}"
                );
            }
        }
    }
}
