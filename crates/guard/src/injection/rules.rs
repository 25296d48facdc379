//! What words make together: each rule is a row of classes with bounds on how far apart. Never looks at text.

use std::ops::Range;

use super::lexicon::*;
use super::tokens::Token;

/// A class, and how many words after the step before it may at most stand.
type Step = (Classes, u32);

/// Words of given classes in a given order, close to each other.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    steps: &'static [Step],
    /// Percent, in what people and operators write.
    pub(crate) said: u8,
    /// Percent, in what is only data: results, documents, descriptions.
    pub(crate) data: u8,
}

const fn rule(name: &'static str, said: u8, data: u8, steps: &'static [Step]) -> Rule {
    Rule {
        name,
        steps,
        said,
        data,
    }
}

/// The most steps of a rule.
const STEPS_MAX: u16 = 5;

pub(crate) const RULES: &[Rule] = &[
    rule(
        "override_instructions",
        85,
        95,
        &[
            (OVERRIDE, 0),
            (PRIOR | ALL | YOUR | SYSTEM, 5),
            (INSTRUCTION | PROMPT, 5),
        ],
    ),
    rule(
        "override_instructions",
        75,
        90,
        &[(OVERRIDE, 0), (INSTRUCTION | PROMPT, 4), (PRIOR | ABOVE, 4)],
    ),
    rule(
        "override_instructions",
        70,
        90,
        &[
            (PRIOR | ALL | YOUR, 0),
            (INSTRUCTION | PROMPT, 4),
            (OVERRIDE_LATE, 6),
        ],
    ),
    rule(
        "override_said",
        60,
        85,
        &[(OVERRIDE, 0), (ALL | TEXT, 3), (ABOVE | TOLD | PRIOR, 6)],
    ),
    rule("override_above", 30, 70, &[(OVERRIDE, 0), (ABOVE, 2)]),
    rule("override_bare", 35, 60, &[(OVERRIDE, 0), (INSTRUCTION, 3)]),
    rule("override_all", 20, 45, &[(OVERRIDE, 0), (ALL, 1)]),
    rule(
        "not_follow",
        55,
        80,
        &[(NOT, 0), (FOLLOW, 2), (PRIOR | ALL | YOUR, 3), (INSTRUCTION, 3)],
    ),
    rule(
        "prompt_extraction",
        65,
        80,
        &[
            (REVEAL | REPEAT, 0),
            (YOUR, 6),
            (SYSTEM | PRIOR, 3),
            (PROMPT | INSTRUCTION | TEXT, 2),
        ],
    ),
    rule(
        "prompt_extraction",
        60,
        75,
        &[(REVEAL | REPEAT, 0), (YOUR, 6), (PROMPT, 3)],
    ),
    rule(
        "prompt_extraction",
        45,
        70,
        &[(REVEAL | REPEAT, 0), (YOUR, 5), (INSTRUCTION, 3)],
    ),
    rule(
        "prompt_extraction",
        65,
        75,
        &[(REPEAT, 0), (SYSTEM, 6), (PROMPT | INSTRUCTION, 1)],
    ),
    rule(
        "prompt_extraction",
        60,
        75,
        &[
            (REVEAL | REPEAT, 0),
            (INSTRUCTION | PROMPT, 6),
            (YOU, 3),
            (TOLD, 3),
        ],
    ),
    rule(
        "prompt_named",
        35,
        50,
        &[(YOUR, 0), (SYSTEM, 3), (PROMPT | INSTRUCTION, 1)],
    ),
    rule(
        "repeat_above",
        55,
        75,
        &[(REPEAT, 0), (TEXT | ALL, 4), (ABOVE, 4)],
    ),
    rule(
        "unbound_persona",
        40,
        60,
        &[(BE, 0), (UNBOUND, 8), (ASSISTANT | MODE | LIMIT | PLAY | I, 8)],
    ),
    rule(
        "unbound_persona",
        40,
        60,
        &[(BE | SAY, 0), (WITHOUT, 14), (LIMIT | SAFETY, 5)],
    ),
    rule(
        "unbound_persona",
        40,
        60,
        &[
            (YOU | ASSISTANT | PLAY, 0),
            (NOT, 6),
            (BE | WITHOUT | FOLLOW, 6),
            (LIMIT | SAFETY, 6),
        ],
    ),
    rule("unbound_persona", 40, 60, &[(YOU, 0), (WITHOUT, 4), (LIMIT, 4)]),
    rule("do_anything_now", 90, 95, &[(DO, 0), (ANYTHING, 1), (NOW, 1)]),
    rule(
        "persona_named",
        45,
        60,
        &[
            (YOU | BE, 0),
            (PERSONA, 4),
            (MODE | LIMIT | NOT | WITHOUT | UNBOUND | ANYTHING, 30),
        ],
    ),
    rule("mode_unlocked", 35, 65, &[(ENABLE, 0), (MODE_NAME, 3), (MODE, 1)]),
    rule("mode_unlocked", 60, 75, &[(UNBOUND, 0), (MODE, 1)]),
    rule("mode_unlocked", 30, 65, &[(MODE_NAME, 0), (MODE, 1), (ENABLE, 3)]),
    rule("mode_named", 15, 40, &[(MODE_NAME, 0), (MODE, 1)]),
    rule("you_are_now", 30, 60, &[(YOU, 0), (BE, 1), (NOW, 1)]),
    rule("you_are_now", 30, 60, &[(NOW, 0), (YOU, 5), (BE, 3)]),
    rule(
        "you_are_no_longer",
        60,
        80,
        &[(YOU, 0), (BE, 1), (NOT | WITHOUT, 1), (LONGER, 1)],
    ),
    rule(
        "you_are_no_longer",
        40,
        60,
        &[(YOU, 0), (BE, 1), (NOT, 1), (ASSISTANT, 6), (LONGER, 4)],
    ),
    rule("never_refuse", 35, 50, &[(NOT, 0), (REFUSE, 4)]),
    rule("even_if_illegal", 30, 45, &[(ILLEGAL, 0), (ILLEGAL, 4)]),
    rule(
        "stay_in_play",
        25,
        35,
        &[
            (YOU | BE, 0),
            (PLAY, 10),
            (PLAY, 80),
            (NOT | WITHOUT | UNBOUND, 80),
            (LIMIT | ILLEGAL | REFUSE, 6),
        ],
    ),
    rule("template_token", 70, 90, &[(TEMPLATE, 0)]),
    rule(
        "false_turn",
        35,
        70,
        &[(ROLE_LINE, 0), (OVERRIDE | YOU | NEW | SAY | MUST, 12)],
    ),
    rule(
        "false_end",
        60,
        80,
        &[(END, 0), (SYSTEM, 3), (PROMPT | INSTRUCTION | TEXT, 2)],
    ),
    rule(
        "false_end",
        40,
        75,
        &[
            (END, 0),
            (INSTRUCTION | PROMPT | TEXT, 2),
            (NEW | ROLE_NAME, 6),
            (INSTRUCTION | TASK | USER, 3),
        ],
    ),
    rule(
        "new_task",
        50,
        80,
        &[
            (NEW, 0),
            (TASK, 1),
            (OVERRIDE | OVERRIDE_LATE, 3),
            (PRIOR | ALL, 3),
        ],
    ),
    rule(
        "new_task",
        35,
        65,
        &[
            (NEW, 0),
            (TASK, 1),
            (BE | SAY | SEND | OVERRIDE | YOU | REVEAL, 8),
        ],
    ),
    rule("hide_from_user", 40, 85, &[(NOT, 0), (TELL, 3), (USER, 3)]),
    rule(
        "hide_from_user",
        40,
        70,
        &[(SECRETLY, 0), (SEND | CALL | READ | REVEAL, 6)],
    ),
    rule(
        "exfiltration",
        35,
        75,
        &[(SEND, 0), (LOOT, 10), (DESTINATION, 14)],
    ),
    rule("exfiltration", 40, 75, &[(READ | CALL, 0), (VAULT, 12)]),
    rule("exfiltration", 40, 75, &[(SEND, 0), (VAULT, 14)]),
    rule("vault", 15, 45, &[(VAULT, 0)]),
    rule(
        "speaks_to_model",
        30,
        75,
        &[
            (NOTE, 0),
            (ASSISTANT, 4),
            (MUST | SEND | SAY | REVEAL | OVERRIDE | CALL | READ | BE | NOT, 8),
        ],
    ),
    rule(
        "speaks_to_model",
        30,
        75,
        &[(IF, 0), (YOU, 1), (BE, 1), (ASSISTANT, 6)],
    ),
    rule("pwned", 65, 85, &[(SAY | REVEAL, 0), (PWNED, 10)]),
    rule(
        "safety_off",
        60,
        80,
        &[(DISABLE, 0), (YOUR | ALL, 3), (SAFETY | LIMIT, 4)],
    ),
    rule(
        "safety_off",
        35,
        65,
        &[
            (DISABLE, 0),
            (SAFETY, 3),
            (SAFETY | LIMIT | INSTRUCTION | MODE, 2),
        ],
    ),
    rule("safety_off", 45, 75, &[(OVERRIDE | DISABLE, 0), (SAFETY, 2)]),
    rule(
        "only_me",
        55,
        75,
        &[(ONLY, 0), (MINE, 3), (INSTRUCTION | TASK, 3)],
    ),
    rule(
        "only_me",
        45,
        70,
        &[(FOLLOW, 0), (MINE, 2), (INSTRUCTION | TASK, 2)],
    ),
    rule(
        "prompt_extraction",
        60,
        75,
        &[(REVEAL, 0), (I, 1), (SYSTEM, 4), (PROMPT, 1)],
    ),
    rule(
        "prompt_extraction",
        55,
        65,
        &[
            (REVEAL | REPEAT, 0),
            (SYSTEM, 5),
            (PROMPT, 1),
            (TEXT | SAY | ONLY, 6),
        ],
    ),
    rule("master_claimed", 50, 65, &[(I, 0), (YOUR, 3), (MASTER, 2)]),
    rule(
        "master_claimed",
        45,
        65,
        &[
            (MASTER | SYSTEM, 0),
            (OVERRIDE, 1),
            (MODE | SAFETY | ALL | ENABLE | NEW, 6),
        ],
    ),
    rule(
        "decode_and_follow",
        35,
        60,
        &[(DECODE, 0), (FOLLOW, 6), (INSTRUCTION, 5)],
    ),
    rule("shouting_block", 15, 55, &[(BLOCK, 0)]),
    rule(
        "tool_order",
        10,
        35,
        &[(FIRST, 0), (CALL, 2), (TOOL, 3), (MUST | READ | SEND, 12)],
    ),
    rule("tool_order", 10, 30, &[(MUST, 0), (CALL | READ, 4), (TOOL, 4)]),
    rule(
        "prompt_extraction",
        50,
        60,
        &[
            (REVEAL | REPEAT | WHAT, 0),
            (PROMPT | INSTRUCTION, 6),
            (YOUR | BEHIND, 5),
            (MAKING | ANSWERS, 2),
        ],
    ),
    rule(
        "prompt_extraction",
        55,
        65,
        &[
            (WHAT, 0),
            (YOUR, 3),
            (SYSTEM | PRIOR, 2),
            (PROMPT | INSTRUCTION, 1),
        ],
    ),
    rule(
        "answer_begins",
        20,
        40,
        &[(END, 0), (YOUR | ANSWERS, 2), (AFFIRM, 6)],
    ),
    rule(
        "two_answers",
        35,
        50,
        &[(TWO, 0), (ANSWERS, 3), (PERSONA | UNBOUND | MODE | WITHOUT, 30)],
    ),
    rule(
        "never_break_character",
        30,
        45,
        &[(NOT, 0), (DISABLE, 2), (PLAY, 1)],
    ),
    rule(
        "hypothetical_without_limits",
        25,
        35,
        &[(HYPOTHETICAL, 0), (WITHOUT, 8), (LIMIT | SAFETY, 4)],
    ),
    rule(
        "join_and_follow",
        35,
        60,
        &[
            (JOIN | DECODE, 0),
            (FOLLOW | CALL, 10),
            (INSTRUCTION | TASK | ANSWERS, 6),
        ],
    ),
    rule(
        "when_you_read_this",
        25,
        65,
        &[
            (IF, 0),
            (YOU | ASSISTANT, 2),
            (SEE, 2),
            (THIS, 2),
            (MUST | SEND | SAY | REVEAL | OVERRIDE | CALL, 10),
        ],
    ),
    rule(
        "when_you_read_this",
        35,
        70,
        &[
            (ASSISTANT, 0),
            (SEE, 3),
            (THIS, 3),
            (MUST | SEND | SAY | REVEAL | OVERRIDE | CALL, 8),
        ],
    ),
    rule(
        "exfiltration_by_address",
        35,
        70,
        &[(SEND | JOIN, 0), (LOOT | ALL, 8), (CARRIER, 8)],
    ),
    rule("many_shot", 30, 50, &[]),
    rule("many_shot", 60, 75, &[]),
    rule("many_shot", 85, 85, &[]),
];

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
