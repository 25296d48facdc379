//! What words make together: each rule is a row of classes with bounds on how far apart. Never looks at text.

use std::ops::Range;

use super::lexicon::*;
use super::table::RULES;
use super::tokens::Token;

/// A class, and how many words after the step before it may at most stand.
pub(crate) type Step = (Classes, u32);

/// Words of given classes in a given order, close to each other.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) steps: &'static [Step],
    /// Percent, in what people and operators write.
    pub(crate) said: u8,
    /// Percent, in what is only data: results, documents, descriptions.
    pub(crate) data: u8,
}

/// The most steps of a rule.
const STEPS_MAX: u16 = 5;

/// So many forged turns of a user, each answered, are many shots, the more the surer: one for each rule without steps.
const SHOTS: [u32; 3] = [5, 12, 32];

/// Rules beside these for descriptions of tools.
pub(crate) const MALICE_SCORE: u8 = 65;

/// Where a rule matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) place: u32,
}

impl Hit {
    pub(crate) fn rule(&self) -> Option<&'static Rule> {
        RULES.get(usize::from(self.rule))
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Which steps of which rules a word takes part in.
pub(crate) struct Index {
    by_classes: ByClasses<Vec<Move>>,
}

impl Index {
    /// For the sets of classes that words have; a set that is not among them is worked out when met.
    pub(crate) fn new(sets: impl Iterator<Item = Classes>) -> Self {
        Self {
            by_classes: sets.map(|classes| (classes, moves(classes))).collect(),
        }
    }
}

/// A step of a rule that words of some classes take.
#[derive(Clone, Copy)]
struct Move {
    rule: u16,
    /// Where the step is noted; the one before it is noted one place earlier.
    slot: u16,
    /// How many words after the step before it; nothing for a first step.
    reach: Option<u32>,
    last: bool,
}

/// Rules and steps, later steps first: a word takes no two steps of a rule after each other.
fn moves(classes: Classes) -> Vec<Move> {
    let mut list: Vec<(u16, u16, Move)> = Vec::new();
    for (rule, number) in RULES.iter().zip(0_u16..) {
        for ((wanted, reach), step) in rule.steps.iter().zip(0_u16..) {
            if wanted & classes != 0 {
                let made = Move {
                    rule: number,
                    slot: number * STEPS_MAX + step,
                    reach: (step > 0).then_some(*reach),
                    last: usize::from(step) + 1 == rule.steps.len(),
                };
                list.push((step, number, made));
            }
        }
    }
    list.sort_by_key(|(step, number, _)| (std::cmp::Reverse(*step), *number));
    list.into_iter().map(|(_, _, made)| made).collect()
}

/// The most hits that one rule has in one text; more say nothing new.
const HITS_MAX: u8 = 16;

/// Every match of every rule. Of what took a step only the last word is kept: it is the nearest to
/// whatever comes, so nothing is lost, and each word costs as many steps as its classes have.
pub(crate) fn hits(tokens: &[Token], index: &Index) -> Vec<Hit> {
    let mut walk = Walk {
        steps: vec![(0, 0); RULES.len() * usize::from(STEPS_MAX)],
        counts: vec![0; RULES.len()],
        found: Vec::new(),
    };
    for token in tokens.iter().filter(|token| token.classes != 0) {
        if let Some(list) = index.by_classes.get(&token.classes) {
            list.iter().for_each(|step| walk.advance(token, *step));
        } else {
            moves(token.classes)
                .into_iter()
                .for_each(|step| walk.advance(token, step));
        }
    }
    let mut found = walk.found;
    many_shot(tokens, &mut found);
    found
}

/// How far the rules have come: for each step, where the match began and which word took the step last.
struct Walk {
    steps: Vec<(u32, u32)>,
    counts: Vec<u8>,
    found: Vec<Hit>,
}

impl Walk {
    fn advance(&mut self, token: &Token, step: Move) {
        let slot = usize::from(step.slot);
        let start = match step.reach {
            None => token.start,
            // Places begin at one: zero is no word. The same word does not take two steps.
            Some(reach) => match self.steps.get(slot.wrapping_sub(1)) {
                Some((start, place))
                    if *place > 0 && *place < token.place && token.place - place <= reach =>
                {
                    *start
                }
                _ => return,
            },
        };
        if !step.last {
            if let Some(slot) = self.steps.get_mut(slot) {
                *slot = (start, token.place);
            }
        } else if let Some(count) = self
            .counts
            .get_mut(usize::from(step.rule))
            .filter(|count| **count < HITS_MAX)
        {
            *count += 1;
            self.found.push(Hit {
                rule: step.rule,
                start,
                end: token.end,
                place: token.place,
            });
        }
    }
}

/// Turns of a conversation that are only written there: what was asked, and an answer, again and again.
fn many_shot(tokens: &[Token], found: &mut Vec<Hit>) {
    let marks = RULES
        .iter()
        .zip(0_u16..)
        .filter(|(rule, _)| rule.steps.is_empty());
    let mut marks = marks.map(|(_, number)| number).zip(SHOTS).peekable();
    let (mut asked, mut shots, mut start) = (None, 0, None);
    for token in tokens.iter().filter(|token| token.classes & ROLE_LINE != 0) {
        if token.classes & USER != 0 {
            asked = Some(token.start);
        } else if token.classes & ASSISTANT != 0
            && let Some(from) = asked.take()
        {
            let start = *start.get_or_insert(from);
            shots += 1;
            if let Some((rule, _)) = marks.next_if(|(_, least)| shots == *least) {
                found.push(Hit {
                    rule,
                    start,
                    end: token.end,
                    place: token.place,
                });
            }
        }
    }
    found.sort_by_key(|hit| hit.place);
}
