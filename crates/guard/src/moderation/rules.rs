//! What words make together: harm that is asked for, threatened or said, told from harm that is studied, treated or
//! prevented. Never looks at text: it sees classes and places alone.

use super::harm::Harm;
use super::words::*;
use crate::injection::Classes;

/// A word that belongs to a class: its number among the words of a window, and its classes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) place: u32,
    pub(super) classes: Classes,
}

/// Words of each of these classes within so many words.
struct Rule {
    /// For each, any of the classes; the first is what the rule hangs on.
    all: &'static [Classes],
    within: u32,
    /// In percent, for each kind of harm.
    says: &'static [(Harm, u8)],
    /// Whether they stand in this order.
    ordered: bool,
}

const fn near(all: &'static [Classes], within: u32, says: &'static [(Harm, u8)]) -> Rule {
    Rule {
        all,
        within,
        says,
        ordered: false,
    }
}

const fn after(all: &'static [Classes], within: u32, says: &'static [(Harm, u8)]) -> Rule {
    Rule {
        all,
        within,
        says,
        ordered: true,
    }
}

/// What prevention and study near it take back. Words of sex openly stand whatever is near.
const TAKEN_BACK: Classes = SUICIDE
    | WEAPON
    | DRUG
    | MALWARE
    | FRAUD
    | TERROR
    | GORE
    | ABUSE
    | HURT
    | HACK
    | CRIME
    | STALK
    | INSULT
    | DEHUMAN
    | HATE
    | LIE
    | BARE
    | DIE
    | CUT
    | CHEAT;
/// What a harmless object takes back.
const OF_THINGS: Classes = HURT | CUT | DIE | MINOR | HACK | WEAPON | CRIME;
/// So near an object stands to what is done to it.
const THING_REACH: u32 = 4;
/// So near prevention stands to what is prevented, and study to what is studied.
const TAKE_BACK_REACH: u32 = 6;
/// The most words that stand within either.
const NEIGHBOURS: usize = 8;

const RULES: &[Rule] = &[
    near(&[SLUR], 0, &[(Harm::Hate, 62)]),
    near(
        &[SLUR, YOU | WANT | HATE | INSULT],
        6,
        &[(Harm::Hate, 60), (Harm::Harassment, 60)],
    ),
    near(&[DEHUMAN, GROUP], 7, &[(Harm::Hate, 72)]),
    near(&[HATE, GROUP, WANT], 9, &[(Harm::Hate, 75)]),
    near(&[HATE, PROMOTE | MAKE], 5, &[(Harm::Hate, 50)]),
    near(&[HURT, GROUP, WANT], 8, &[(Harm::Hate, 72), (Harm::Violence, 72)]),
    near(&[INSULT, GROUP], 4, &[(Harm::Hate, 45)]),
    near(&[INSULT, YOU], 4, &[(Harm::Harassment, 66)]),
    near(&[INSULT, MAKE, TARGET | GROUP], 9, &[(Harm::Harassment, 60)]),
    near(&[STALK, HOWTO | PROMOTE | MAKE], 7, &[(Harm::Harassment, 55)]),
    near(&[STALK, TARGET, EVADE | ILLEGAL], 10, &[(Harm::Harassment, 65)]),
    near(&[HURT, WANT, TARGET], 7, &[(Harm::Violence, 66)]),
    near(
        &[HURT, WANT, YOU],
        5,
        &[(Harm::Violence, 66), (Harm::Harassment, 66)],
    ),
    near(&[HURT, HOWTO, TARGET], 8, &[(Harm::Violence, 66)]),
    near(&[HURT, EVADE], 9, &[(Harm::Violence, 68)]),
    near(&[HURT, MINOR, HOWTO | WANT], 8, &[(Harm::Violence, 68)]),
    near(&[DIE, WANT, YOU], 4, &[(Harm::Harassment, 60)]),
    near(&[GORE, TARGET | HURT | HOWTO], 7, &[(Harm::Violence, 60)]),
    near(&[TERROR, PROMOTE], 6, &[(Harm::Violence, 72)]),
    near(
        &[TERROR, HOWTO | WANT, MAKE],
        9,
        &[(Harm::Violence, 66), (Harm::IllicitViolent, 66)],
    ),
    near(&[SUICIDE, HOWTO], 7, &[(Harm::SelfHarm, 62)]),
    near(&[SUICIDE, PROMOTE], 7, &[(Harm::SelfHarm, 75)]),
    near(&[SUICIDE, I | SELF, WANT], 6, &[(Harm::SelfHarm, 70)]),
    near(&[SELF, HURT | CUT], 2, &[(Harm::SelfHarm, 80)]),
    after(&[ME, HURT], 1, &[(Harm::SelfHarm, 60)]),
    near(&[DIE, I, WANT], 4, &[(Harm::SelfHarm, 75)]),
    near(&[LIFE, END, I], 4, &[(Harm::SelfHarm, 78)]),
    near(&[LIFE, NOT, I, WANT], 6, &[(Harm::SelfHarm, 40)]),
    near(&[SEX], 0, &[(Harm::Sexual, 45)]),
    near(&[SEX, MAKE | WANT], 6, &[(Harm::Sexual, 50)]),
    near(&[SEX, BARE], 8, &[(Harm::Sexual, 60)]),
    near(&[SEX, MINOR], 9, &[(Harm::SexualMinors, 85), (Harm::Sexual, 80)]),
    near(&[BARE, MINOR], 5, &[(Harm::SexualMinors, 72), (Harm::Sexual, 60)]),
    near(
        &[ABUSE, MINOR, HOWTO | WANT | MAKE],
        9,
        &[(Harm::SexualMinors, 80)],
    ),
    near(
        &[ABUSE, HOWTO | PROMOTE | WANT],
        7,
        &[(Harm::Illicit, 62), (Harm::Sexual, 50)],
    ),
    near(
        &[WEAPON, MAKE, HOWTO | HOME],
        9,
        &[(Harm::IllicitViolent, 72), (Harm::Illicit, 72)],
    ),
    near(
        &[WEAPON, MAKE],
        4,
        &[(Harm::IllicitViolent, 50), (Harm::Illicit, 50)],
    ),
    near(&[DRUG, MAKE, HOWTO | HOME | EVADE], 9, &[(Harm::Illicit, 70)]),
    near(&[DRUG, MAKE], 4, &[(Harm::Illicit, 50)]),
    near(&[MALWARE, MAKE], 5, &[(Harm::Illicit, 60)]),
    near(&[HACK, LOOT | TARGET], 6, &[(Harm::Illicit, 50)]),
    near(&[HACK, HOWTO], 6, &[(Harm::Illicit, 45)]),
    near(&[CRIME, HOWTO], 7, &[(Harm::Illicit, 50)]),
    near(&[CRIME, LOOT, TARGET | MAKE | HOWTO], 8, &[(Harm::Illicit, 62)]),
    near(&[CRIME | FRAUD | HACK | DRUG, EVADE], 9, &[(Harm::Illicit, 70)]),
    near(&[FRAUD, HOWTO], 7, &[(Harm::Illicit, 55)]),
    near(&[FRAUD, MAKE], 5, &[(Harm::Illicit, 45)]),
    near(&[LIE, PROMOTE | MAKE], 5, &[(Harm::Illicit, 40)]),
    near(&[ILLEGAL, LOOT | STALK | MAKE], 6, &[(Harm::Illicit, 40)]),
    near(&[CHEAT, HOWTO | EVADE], 8, &[(Harm::Illicit, 40)]),
];

/// Takes back what is said of harmless objects, of prevention and of study.
pub(super) fn soften(marks: &mut [Mark]) {
    for at in 0..marks.len() {
        let Some(mark) = marks.get(at).copied() else {
            continue;
        };
        let (taken, reach) = if mark.classes & (PREVENT | STUDY) != 0 {
            (TAKEN_BACK, TAKE_BACK_REACH)
        } else if mark.classes & THING != 0 {
            (OF_THINGS, THING_REACH)
        } else {
            continue;
        };
        let from = at.saturating_sub(NEIGHBOURS);
        for other in marks.iter_mut().skip(from).take(2 * NEIGHBOURS + 1) {
            if other.place.abs_diff(mark.place) <= reach {
                other.classes &= !taken;
            }
        }
    }
}

/// No rule reaches further, in words.
const WITHIN_MAX: u32 = 10;

/// The rules that hang on each class, by the class's bit.
pub(super) struct Index([Vec<u32>; 64]);

impl Index {
    pub(super) fn new() -> Self {
        let hangs_on = |bit: usize, rule: &Rule| rule.all.first().is_some_and(|part| part >> bit & 1 == 1);
        Self(std::array::from_fn(|bit| {
            let numbered = RULES.iter().zip(0..);
            numbered
                .filter(|(rule, _)| hangs_on(bit, rule))
                .map(|(_, number)| number)
                .collect()
        }))
    }

    /// Tells the number of each rule that holds, once, and what it says.
    pub(super) fn hits(&self, marks: &[Mark], mut tell: impl FnMut(u32, &'static [(Harm, u8)])) {
        let mut told = 0_u64;
        for (at, mark) in marks.iter().enumerate() {
            let mut classes = mark.classes & ANCHORS;
            if classes == 0 {
                continue;
            }
            // What is near enough for any rule: most rules miss a part there, and are done with.
            let is_near = |other: &&Mark| other.place.abs_diff(mark.place) <= WITHIN_MAX;
            let behind = marks.get(at + 1..).unwrap_or_default().iter().take_while(is_near);
            let before = marks
                .get(..at)
                .unwrap_or_default()
                .iter()
                .rev()
                .take_while(is_near);
            let near = behind.chain(before).fold(0, |all, other| all | other.classes);
            while classes != 0 {
                let bit = classes.trailing_zeros();
                classes &= classes - 1;
                for number in self.0.get(bit as usize).into_iter().flatten() {
                    let rule = RULES.get(*number as usize).filter(|_| told >> number & 1 == 0);
                    let rule = rule.filter(|rule| rule.all.iter().skip(1).all(|part| part & near != 0));
                    let Some(rule) = rule.filter(|rule| holds(rule, marks, at)) else {
                        continue;
                    };
                    told |= 1 << number;
                    tell(*number, rule.says);
                }
            }
        }
    }
}

/// The classes that rules hang on.
static ANCHORS: Classes = anchors();

const fn anchors() -> Classes {
    let (mut all, mut rules) = (0, RULES);
    while let [rule, rest @ ..] = rules {
        if let [part, ..] = rule.all {
            all |= *part;
        }
        rules = rest;
    }
    all
}

/// Whether a rule that hangs on this mark holds: its other parts are other words near it, before or behind.
fn holds(rule: &Rule, marks: &[Mark], at: usize) -> bool {
    let (Some(anchor), Some(parts)) = (marks.get(at), rule.all.get(1..)) else {
        return false;
    };
    let all = (1_u32 << parts.len()) - 1;
    let mut met = 0;
    let mut meet = |mark: &Mark| {
        let unmet = parts
            .iter()
            .zip(0..)
            .find(|(part, bit)| *part & mark.classes != 0 && met >> bit & 1 == 0);
        if let Some((_, bit)) = unmet {
            met |= 1 << bit;
        }
        met == all
    };
    let is_near = |mark: &&Mark| mark.place.abs_diff(anchor.place) <= rule.within;
    if all == 0 {
        return true;
    }
    let behind = marks
        .get(at + 1..)
        .unwrap_or_default()
        .iter()
        .take_while(is_near)
        .any(&mut meet);
    behind
        || (!rule.ordered
            && marks
                .get(..at)
                .unwrap_or_default()
                .iter()
                .rev()
                .take_while(is_near)
                .any(&mut meet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_is_sure_alone_and_all_are_counted() {
        for rule in RULES {
            assert!(!rule.all.is_empty() && rule.within <= WITHIN_MAX && RULES.len() <= 64);
            assert!(rule.says.iter().all(|(_, score)| (1..90).contains(score)));
            assert!(rule.all.iter().all(|part| *part != 0));
        }
    }

    #[test]
    fn an_object_or_a_cure_takes_back_what_stands_near_it_alone() {
        let mark = |place, classes| Mark { place, classes };
        let mut marks = [
            mark(1, WANT),
            mark(3, HURT),
            mark(5, THING),
            mark(30, HURT),
            mark(31, TARGET),
        ];
        soften(&mut marks);
        assert_eq!((marks[1].classes, marks[3].classes), (0, HURT));
        let mut marks = [mark(1, HOWTO), mark(3, PREVENT), mark(4, SUICIDE)];
        soften(&mut marks);
        assert_eq!(marks[2].classes, 0);
    }

    #[test]
    fn order_and_distance_count() {
        let holds_at = |rule: &Rule, places: [(u32, Classes); 2]| {
            let marks = places.map(|(place, classes)| Mark { place, classes });
            (0..2).any(|at| rule.all[0] & marks[at].classes != 0 && holds(rule, &marks, at))
        };
        let ordered = after(&[ME, HURT], 1, &[]);
        assert!(holds_at(&ordered, [(4, ME), (5, HURT)]));
        assert!(!holds_at(&ordered, [(4, HURT), (5, ME)]));
        assert!(!holds_at(&ordered, [(4, ME), (6, HURT)]));
        let loose = near(&[ME, HURT], 3, &[]);
        assert!(holds_at(&loose, [(4, HURT), (7, ME)]));
        assert!(!holds_at(&near(&[ME, ME | HURT], 3, &[]), [(4, ME), (9, HURT)]));
    }
}
