//! What words make together: each rule is a row of classes with bounds on how far apart. Never looks at text.

use std::collections::HashMap;
use std::ops::Range;

use super::lexicon::*;
use super::tokens::Token;

/// A class, and how many words after the step before it may at most stand.
type Step = (u64, u32);

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
const STEPS_MAX: usize = 5;

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
];

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
    by_classes: HashMap<u64, Vec<(u16, u8)>>,
}

impl Index {
    /// For the sets of classes that words have; a set that is not among them is worked out when met.
    pub(crate) fn new(sets: impl Iterator<Item = u64>) -> Self {
        Self {
            by_classes: sets.map(|classes| (classes, steps(classes))).collect(),
        }
    }
}

/// Rules and steps, later steps first: a word takes no two steps of a rule after each other.
fn steps(classes: u64) -> Vec<(u16, u8)> {
    let mut list: Vec<(u16, u8)> = RULES
        .iter()
        .zip(0_u16..)
        .flat_map(|(rule, number)| {
            let of_rule = rule
                .steps
                .iter()
                .zip(0_u8..)
                .filter(|((wanted, _), _)| wanted & classes != 0);
            of_rule.map(move |(_, step)| (number, step))
        })
        .collect();
    list.sort_unstable_by_key(|(number, step)| (std::cmp::Reverse(*step), *number));
    list
}

/// How far a rule has come: for each step, where the match began and which word took the step last.
#[derive(Clone, Copy, Default)]
struct Progress {
    steps: [(u32, u32); STEPS_MAX],
}

/// The most hits that one rule has in one text; more say nothing new.
const HITS_MAX: u8 = 16;

/// Every match of every rule. Of what took a step only the last word is kept: it is the nearest to
/// whatever comes, so nothing is lost, and each word costs as many steps as its classes have.
pub(crate) fn hits(tokens: &[Token], index: &Index) -> Vec<Hit> {
    let mut found = Vec::new();
    let mut progress = vec![Progress::default(); RULES.len()];
    let mut counts = vec![0_u8; RULES.len()];
    for token in tokens.iter().filter(|token| token.classes != 0) {
        if let Some(list) = index.by_classes.get(&token.classes) {
            for (rule, step) in list {
                advance(token, *rule, *step, &mut progress, &mut counts, &mut found);
            }
        } else {
            for (rule, step) in steps(token.classes) {
                advance(token, rule, step, &mut progress, &mut counts, &mut found);
            }
        }
    }
    found
}

fn advance(
    token: &Token,
    number: u16,
    step: u8,
    progress: &mut [Progress],
    counts: &mut [u8],
    found: &mut Vec<Hit>,
) {
    let (Some(rule), Some(progress), Some(count)) = (
        RULES.get(usize::from(number)),
        progress.get_mut(usize::from(number)),
        counts.get_mut(usize::from(number)),
    ) else {
        return;
    };
    let step = usize::from(step);
    let start = match step.checked_sub(1) {
        None => token.start,
        Some(before) => {
            let reach = rule.steps.get(step).map_or(0, |(_, reach)| *reach);
            match progress.steps.get(before) {
                // Places begin at one: zero is no word. The same word does not take two steps.
                Some((start, place))
                    if *place > 0 && *place < token.place && token.place - place <= reach =>
                {
                    *start
                }
                _ => return,
            }
        }
    };
    if step + 1 < rule.steps.len() {
        if let Some(slot) = progress.steps.get_mut(step) {
            *slot = (start, token.place);
        }
    } else if *count < HITS_MAX {
        *count += 1;
        found.push(Hit {
            rule: number,
            start,
            end: token.end,
            place: token.place,
        });
    }
}
