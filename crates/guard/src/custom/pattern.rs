//! One operator's pattern: read within bounds, and searched so that the outcome is a function of the text alone, however
//! long the text is and however it was cut. Never searches with backtracking.

use std::ops::Range;

use regex_automata::util::syntax::Config as Syntax;
use regex_automata::{Input, meta};
use regex_syntax::ParserBuilder;
use regex_syntax::ast::ErrorKind;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

use super::settings::Rule;

/// Bytes of a pattern as it is written.
pub(crate) const PATTERN_BYTES_MAX: usize = 4_096;
/// How deep groups may stand in each other.
const NEST_MAX: u32 = 24;
/// Places that a pattern can be at, counts written out.
const STEPS_MAX: usize = 1_024;
/// Those of them that are there because something is counted. A text may be at all of them at once, and a byte of it then costs
/// a step for each.
const COUNTED_MAX: usize = 128;
/// The same, of all patterns together.
pub(crate) const COUNTED_SUM_MAX: usize = 1_536;
/// Bytes of the automaton of one pattern.
const AUTOMATON_BYTES_MAX: usize = 1 << 20;
/// Bytes that one thread keeps of a pattern's states that texts have met.
const STATES_BYTES_MAX: usize = 1 << 20;
/// A match of a pattern whose length is known, in bytes.
pub(crate) const KNOWN_BYTES_MAX: usize = 4_096;
/// Bytes around a match that a look at word, line or text boundaries may see.
pub(super) const CONTEXT_BYTES: usize = 4;

/// One pattern, ready to search.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: meta::Regex,
    /// The same without looks around, for what only asks whether it may match.
    pub(super) bare: Hir,
    /// The longest match, or what it is searched within.
    reach: Reach,
    /// How many places of it are there because something is counted.
    pub(super) counted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// No match is longer.
    Known(usize),
    /// The text is looked at in stretches of twice so many bytes, each beginning so many after the last.
    Blocks(usize),
}

impl Pattern {
    /// What is wrong with a pattern is said with its place and what to do.
    pub(super) fn of(rule: &Rule, written: &str, block: usize) -> Result<Self, String> {
        if written.len() > PATTERN_BYTES_MAX {
            return Err(format!(
                "has {} bytes of at most {PATTERN_BYTES_MAX}: put alternatives of fixed text into `words`",
                written.len()
            ));
        }
        let mut parser = ParserBuilder::new();
        parser.nest_limit(NEST_MAX).case_insensitive(rule.ignore_case);
        let hir = parser
            .build()
            .parse(written)
            .map_err(|error| explained(written, &error))?;
        let properties = hir.properties();
        let least = match properties.minimum_len() {
            None => return Err("can never match: drop the empty class in it".to_owned()),
            Some(0) => {
                return Err(
                    "matches nothing as well, so it would be found everywhere: put `+` where it has `*`, or drop a `?`"
                        .to_owned(),
                );
            }
            Some(least) => least,
        };
        let steps = steps(&hir, true);
        let counted = steps.saturating_sub(self::steps(&hir, false));
        if counted > COUNTED_MAX {
            return Err(format!(
                "counts to {counted} in all, of at most {COUNTED_MAX}: write `*` or `+` instead of high counts (a match is bounded by \
                 `match_bytes_max` anyway)"
            ));
        }
        if steps > STEPS_MAX {
            return Err(format!(
                "has {steps} steps of at most {STEPS_MAX}: put alternatives of fixed text into `words`"
            ));
        }
        let reach = match properties.maximum_len() {
            Some(most) if most <= KNOWN_BYTES_MAX => Reach::Known(most),
            _ if least > block => {
                return Err(format!(
                    "matches {least} bytes at least, and is judged on {block}: raise `match_bytes_max` or look for its beginning"
                ));
            }
            _ => Reach::Blocks(block),
        };
        let bare = without_looks(&hir);
        let hir = if rule.whole_words { whole_words(hir) } else { hir };
        let regex = meta::Regex::builder()
            .configure(config())
            .syntax(Syntax::new())
            .build_from_hir(&hir)
            .map_err(|_| {
                format!(
                    "needs more than {AUTOMATON_BYTES_MAX} bytes when it is built: use smaller counts, or `[0-9A-Za-z]` for `\\w`"
                )
            })?;
        Ok(Self {
            regex,
            bare,
            reach,
            counted,
        })
    }

    /// How many bytes from where a match begins decide it.
    pub(super) const fn holds(&self) -> usize {
        match self.reach {
            Reach::Known(bytes) => bytes + CONTEXT_BYTES,
            Reach::Blocks(bytes) => 2 * bytes + CONTEXT_BYTES,
        }
    }

    /// The first match that begins at `from` or behind it, in a text of which `window` is the part from `base` on.
    pub(super) fn next(&self, window: &str, base: usize, from: usize) -> Option<Range<usize>> {
        match self.reach {
            Reach::Known(_) => self.find(window, from..window.len()),
            Reach::Blocks(bytes) => {
                let mut from = from;
                while from < window.len() {
                    // Blocks lie at the same places of the text whatever part of it is here.
                    let block = (base + from) / bytes;
                    let next = ((block + 1) * bytes - base).min(window.len());
                    let end = window.floor_char_boundary(((block + 2) * bytes - base).min(window.len()));
                    match self.find(window, from..end) {
                        Some(found) if found.start < next => return Some(found),
                        _ => from = window.ceil_char_boundary(next),
                    }
                }
                None
            }
        }
    }

    fn find(&self, window: &str, span: Range<usize>) -> Option<Range<usize>> {
        let input = Input::new(window).span(span);
        self.regex.search(&input).map(|found| found.range())
    }
}

/// How all patterns are built: bounded in what they take. Each engine that `regex` chooses from is linear.
pub(super) fn config() -> meta::Config {
    meta::Config::new()
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
        .hybrid_cache_capacity(STATES_BYTES_MAX)
        .onepass(false)
}

fn explained(written: &str, error: &regex_syntax::Error) -> String {
    let (at, what, advice) = match error {
        regex_syntax::Error::Parse(error) => {
            let advice = match error.kind() {
                ErrorKind::UnsupportedLookAround => {
                    "match what stands around it as well, or use `whole_words`"
                }
                ErrorKind::UnsupportedBackreference => "write out what may be repeated",
                ErrorKind::GroupUnclosed | ErrorKind::GroupUnopened => {
                    "close each `(`, or write `\\(` for a bracket"
                }
                ErrorKind::ClassUnclosed => "close the `[`, or write `\\[` for a bracket",
                ErrorKind::RepetitionMissing => {
                    "put something before it, or write a `\\` for the character itself"
                }
                ErrorKind::RepetitionCountInvalid => "put the smaller count first",
                ErrorKind::NestLimitExceeded(_) => "take some groups out of the others",
                _ => "the syntax is that of the `regex` crate: a `\\` makes a special character plain",
            };
            (error.span().start.offset, error.kind().to_string(), advice)
        }
        regex_syntax::Error::Translate(error) => (
            error.span().start.offset,
            error.kind().to_string(),
            "drop the flag or property it names",
        ),
        other => (0, other.to_string(), "write it in another way"),
    };
    let before = written.get(..at).unwrap_or(written);
    format!("at character {}: {what}: {advice}", before.chars().count() + 1)
}

/// How many places a pattern can be at; with what is counted taken as often as it may come, or once.
fn steps(hir: &Hir, written_out: bool) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(_) => 1,
        HirKind::Capture(capture) => steps(&capture.sub, written_out),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            let steps = subs.iter().map(|sub| steps(sub, written_out));
            steps.fold(0, usize::saturating_add)
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            let times = if written_out { times as usize } else { 1 };
            steps(&repetition.sub, written_out).saturating_mul(times)
        }
    }
}

/// A pattern that matches wherever this one does, and looks at nothing around it.
fn without_looks(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Capture(capture) => without_looks(&capture.sub),
        HirKind::Concat(subs) => Hir::concat(subs.iter().map(without_looks).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(without_looks).collect()),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without_looks(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}

fn whole_words(hir: Hir) -> Hir {
    Hir::concat(vec![
        Hir::look(Look::WordStartHalfUnicode),
        hir,
        Hir::look(Look::WordEndHalfUnicode),
    ])
}

/// What every match of a pattern begins with, in a form that is cheap to look for beside many others; `None` where that is
/// nothing.
pub(super) fn head(hir: &Hir) -> Option<Hir> {
    /// More would tell little more, and cost.
    const STEPS: usize = 12;
    let (head, _) = head_of(hir, &mut { STEPS });
    let is_some = head.properties().minimum_len().is_some_and(|least| least > 0);
    is_some.then_some(head)
}

/// The beginning of so many steps, and whether that is all of it.
fn head_of(hir: &Hir, left: &mut usize) -> (Hir, bool) {
    if *left == 0 {
        return (Hir::empty(), false);
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (Hir::empty(), true),
        HirKind::Literal(literal) => {
            let taken = literal.0.len().min(*left);
            *left -= taken;
            let beginning = literal.0.get(..taken).unwrap_or_default();
            (Hir::literal(beginning), taken == literal.0.len())
        }
        HirKind::Class(class) => {
            *left -= 1;
            (coarse(class), true)
        }
        HirKind::Capture(capture) => head_of(&capture.sub, left),
        HirKind::Concat(subs) => heads_of(subs.iter(), left),
        HirKind::Alternation(subs) => {
            let (before, mut least, mut all) = (*left, *left, true);
            let heads = subs.iter().map(|sub| {
                let mut left = before;
                let (head, whole) = head_of(sub, &mut left);
                (least, all) = (least.min(left), all && whole);
                head
            });
            let heads = Hir::alternation(heads.collect());
            *left = least;
            (heads, all)
        }
        HirKind::Repetition(repetition) => {
            let times = std::iter::repeat_n(&*repetition.sub, (repetition.min as usize).min(*left));
            let taken = times.len();
            let (heads, whole) = heads_of(times, left);
            let is_all = repetition.max == Some(repetition.min) && taken == repetition.min as usize;
            (heads, whole && is_all)
        }
    }
}

fn heads_of<'h>(subs: impl Iterator<Item = &'h Hir>, left: &mut usize) -> (Hir, bool) {
    let mut heads = Vec::new();
    for sub in subs {
        let (head, whole) = head_of(sub, left);
        heads.push(head);
        if !whole {
            return (Hir::concat(heads), false);
        }
    }
    (Hir::concat(heads), true)
}

/// A class with all characters beyond ASCII if it has any of them: few states, whatever the class is.
fn coarse(class: &Class) -> Hir {
    let range = |from: u8, to: u8| ClassBytesRange::new(from, to);
    let (mut ascii, mut beyond) = (ClassBytes::empty(), false);
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            let ranges = class.ranges().iter();
            ranges
                .map(|it| (u32::from(it.start()), u32::from(it.end())))
                .collect()
        }
        Class::Bytes(class) => {
            let ranges = class.ranges().iter();
            ranges
                .map(|it| (u32::from(it.start()), u32::from(it.end())))
                .collect()
        }
    };
    for (from, to) in ranges {
        beyond |= to > 0x7f;
        if let (Ok(from), Ok(to)) = (u8::try_from(from), u8::try_from(to.min(0x7f)))
            && from <= to
        {
            ascii.push(range(from, to));
        }
    }
    let ascii = Hir::class(Class::Bytes(ascii));
    if !beyond {
        return ascii;
    }
    let first = Hir::class(Class::Bytes(ClassBytes::new([range(0xc2, 0xf4)])));
    let more = Hir::repetition(Repetition {
        min: 1,
        max: Some(3),
        greedy: true,
        sub: Box::new(Hir::class(Class::Bytes(ClassBytes::new([range(0x80, 0xbf)])))),
    });
    Hir::alternation(vec![ascii, Hir::concat(vec![first, more])])
}

/// A pattern that matches all that a match of this one may begin with, and, so that it stays small, a little more.
pub(super) fn beginnings(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => sequence(&letters(&literal.0)),
        HirKind::Class(class) => optional(Hir::class(Class::clone(class))),
        HirKind::Capture(capture) => beginnings(&capture.sub),
        HirKind::Concat(subs) => {
            let spread = |sub: &Hir| match sub.kind() {
                HirKind::Literal(literal) => letters(&literal.0),
                _ => vec![sub.clone()],
            };
            sequence(&subs.iter().flat_map(spread).collect::<Vec<_>>())
        }
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(beginnings).collect()),
        HirKind::Repetition(repetition) => {
            let before = Hir::repetition(Repetition {
                min: 0,
                max: repetition.max.map(|max| max.saturating_sub(1)),
                ..repetition.clone()
            });
            match repetition.max {
                Some(0) => Hir::empty(),
                _ => Hir::concat(vec![before, beginnings(&repetition.sub)]),
            }
        }
    }
}

/// The beginnings of one after the other. Exact for the first ones: those behind have much in front of them to fit already.
fn sequence(subs: &[Hir]) -> Hir {
    /// Each is a level of groups in groups, and building is recursive.
    const EXACT: usize = 12;
    let (first, rest) = subs.split_at(subs.len().min(EXACT));
    let rest = Hir::concat(rest.iter().map(beginnings_of_one).collect());
    first.iter().rev().fold(rest, |behind, sub| {
        let goes_on = Hir::concat(vec![sub.clone(), behind]);
        Hir::alternation(vec![goes_on, beginnings_of_one(sub)])
    })
}

fn beginnings_of_one(sub: &Hir) -> Hir {
    match sub.kind() {
        HirKind::Literal(_) => optional(sub.clone()),
        _ => beginnings(sub),
    }
}

fn optional(sub: Hir) -> Hir {
    Hir::repetition(Repetition {
        min: 0,
        max: Some(1),
        greedy: true,
        sub: Box::new(sub),
    })
}

/// Its characters one by one; texts arrive in whole ones.
fn letters(literal: &[u8]) -> Vec<Hir> {
    let Ok(text) = std::str::from_utf8(literal) else {
        return literal.iter().map(|byte| Hir::literal([*byte])).collect();
    };
    let letter = |character: char| Hir::literal(character.encode_utf8(&mut [0; 4]).as_bytes());
    text.chars().map(letter).collect()
}
