//! Operators' words: all lists in one automaton, each list's longest words from left to right. Never splits a character.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::pattern::CONTEXT_BYTES;
use super::settings::Rule;
use crate::normal::Readings;

/// So many words all rules of a place may have together.
pub(crate) const WORDS_MAX: usize = 20_000;
/// Bytes of all of them, in all spellings.
pub(crate) const WORDS_BYTES_MAX: usize = 1 << 20;
/// Bytes of one.
pub(crate) const WORD_BYTES_MAX: usize = 256;

/// All words of all rules.
#[derive(Debug)]
pub(super) struct Words {
    automaton: AhoCorasick,
    all: Vec<Word>,
    /// Whether the automaton takes small and capital letters of ASCII for the same.
    lowers: bool,
    /// What words begin with, sorted.
    spellings: Vec<Box<[u8]>>,
    first: [bool; 256],
    longest: usize,
}

#[derive(Debug)]
struct Word {
    rule: usize,
    /// What must stand there, where case matters and the automaton does not see it.
    exact: Option<Box<str>>,
    bound: (bool, bool),
}

/// The words of one rule, found and not yet handed on.
pub(super) type Waiting = Vec<Range<usize>>;

impl Words {
    /// `None` where no rule has any.
    pub(super) fn of<'r>(
        rules: impl Iterator<Item = (usize, &'r Rule)> + Clone,
    ) -> Result<Option<Self>, String> {
        let lowers = rules.clone().any(|(_, rule)| rule.ignore_case);
        let (mut spelt, mut all, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        for (number, rule) in rules {
            let known: BTreeSet<String> = rule.all_words().flat_map(|word| spellings(rule, word)).collect();
            for word in known {
                bytes += word.len();
                let ends = [word.chars().next(), word.chars().next_back()];
                let [first, last] = ends.map(|end| rule.whole_words && end.is_some_and(is_of_words));
                all.push(Word {
                    rule: number,
                    exact: (lowers && !rule.ignore_case).then(|| word.as_str().into()),
                    bound: (first, last),
                });
                spelt.push(if lowers { small(&word).into_owned() } else { word });
            }
        }
        if spelt.is_empty() {
            return Ok(None);
        }
        let too_many = || {
            format!(
                "have more than {WORDS_BYTES_MAX} bytes of words together: look for what they have in common by a `pattern`, or drop \
                 some"
            )
        };
        if bytes > WORDS_BYTES_MAX {
            return Err(too_many());
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(lowers)
            .build(&spelt)
            .map_err(|_| too_many())?;
        let lowered = |word: &String| match lowers {
            true => word.to_ascii_lowercase().into_bytes().into_boxed_slice(),
            false => word.as_bytes().into(),
        };
        let sorted: BTreeSet<Box<[u8]>> = spelt.iter().map(lowered).collect();
        let spellings: Vec<_> = sorted.into_iter().collect();
        let mut first = [false; 256];
        for byte in spellings.iter().filter_map(|word| word.first()) {
            if let Some(known) = first.get_mut(usize::from(*byte)) {
                *known = true;
            }
        }
        let longest = spellings.iter().map(|word| word.len()).max().unwrap_or(0);
        Ok(Some(Self {
            automaton,
            all,
            lowers,
            spellings,
            first,
            longest,
        }))
    }

    /// How many bytes from where a word begins decide it.
    pub(super) const fn holds(&self) -> usize {
        self.longest + CONTEXT_BYTES
    }

    /// Where the first word begins, at `from` or behind it, that may go on behind the end.
    pub(super) fn begun(&self, window: &str, from: usize) -> usize {
        let from = window.ceil_char_boundary(from.max(window.len().saturating_sub(self.longest)));
        let mut tail = self.read(window, from).into_owned().into_bytes();
        if self.lowers {
            tail.make_ascii_lowercase();
        }
        let begins = |at: &usize| {
            let rest = tail.get(*at..).unwrap_or_default();
            let is_first = rest.first().and_then(|byte| self.first.get(usize::from(*byte)));
            is_first == Some(&true) && {
                let place = self.spellings.partition_point(|word| **word < *rest);
                self.spellings
                    .get(place)
                    .is_some_and(|word| word.starts_with(rest))
            }
        };
        let at = (0..tail.len()).find(begins);
        at.map_or(window.len(), |at| from + at)
    }

    /// What is searched of a window: the same letters at the same places.
    fn read<'w>(&self, window: &'w str, from: usize) -> Cow<'w, str> {
        let rest = window.get(from..).unwrap_or_default();
        if self.lowers {
            small(rest)
        } else {
            Cow::Borrowed(rest)
        }
    }

    /// Hands on the words that begin from `from` to before `until`, rule by rule the leftmost and of those the longest. What a
    /// rule found last ends where `free` says; places are those of the window.
    pub(super) fn scan(
        &self,
        window: &str,
        (from, until): (usize, usize),
        free: &[usize],
        waiting: &mut [Waiting],
        mut hand_on: impl FnMut(usize, Range<usize>),
    ) {
        const WAITING_MAX: usize = 64;
        let read = self.read(window, from);
        for found in self.automaton.find_overlapping_iter(read.as_ref()) {
            let Some(word) = self.all.get(found.pattern().as_usize()) else {
                continue;
            };
            let span = from + found.start()..from + found.end();
            if free.get(word.rule).is_none_or(|free| span.start < *free) || !word.stands(window, &span) {
                continue;
            }
            let Some(waiting) = waiting.get_mut(word.rule) else {
                continue;
            };
            if waiting.len() > WAITING_MAX {
                // What comes ends here or later, so it begins behind these.
                let begins = span.end.saturating_sub(self.longest);
                let over = waiting.partition_point(|one| one.end <= begins && one.start < until);
                waiting.drain(..over).for_each(|one| hand_on(word.rule, one));
            }
            let earlier = waiting.partition_point(|one| one.start < span.start);
            let before = earlier.checked_sub(1).and_then(|at| waiting.get(at));
            if before.is_none_or(|before| before.end <= span.start) {
                waiting.truncate(earlier);
                waiting.push(span);
            }
        }
        for (rule, waiting) in waiting.iter_mut().enumerate() {
            let due = waiting.drain(..).filter(|one| one.start < until);
            due.for_each(|one| hand_on(rule, one));
        }
    }
}

impl Word {
    fn stands(&self, window: &str, span: &Range<usize>) -> bool {
        let text = window.get(span.clone());
        let (before, behind) = (window.get(..span.start), window.get(span.end..));
        let free = |bound: bool, next: Option<char>| !bound || !next.is_some_and(is_of_words);
        let as_written = self.exact.as_ref().is_none_or(|exact| text == Some(exact));
        as_written
            && free(self.bound.0, before.and_then(|it| it.chars().next_back()))
            && free(self.bound.1, behind.and_then(|it| it.chars().next()))
    }
}

fn is_of_words(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The ways to write a word that are looked for: as written, with what capitals make of it (`SS` for `ß`), folded as texts are.
fn spellings(rule: &Rule, word: &str) -> Vec<String> {
    let mut spellings = vec![word.to_owned()];
    if rule.ignore_case {
        spellings.push(word.to_uppercase());
    }
    if rule.folded {
        let folded: Vec<String> = spellings.iter().map(|word| folded(word)).collect();
        spellings.extend(folded);
    }
    if rule.ignore_case {
        spellings
            .iter_mut()
            .for_each(|word| *word = small(word).into_owned());
    }
    spellings
}

fn folded(word: &str) -> String {
    let readings = Readings::of(word);
    let first = readings.all().first();
    first.map_or(word, |reading| reading.text()).to_owned()
}

/// In small letters, byte for byte at the same place. Letters of ASCII are left to the automaton; the few whose small letter
/// is longer or shorter are left as they are.
fn small(text: &str) -> Cow<'_, str> {
    let small = |letter: char| {
        let mut all = letter.to_lowercase();
        match (all.next(), all.next()) {
            (Some(small), None) if small.len_utf8() == letter.len_utf8() => small,
            _ => letter,
        }
    };
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.chars().map(small).collect()),
    }
}
