//! Operators' rules, ready to look with: one pass asks which patterns can match at all, one finds all words. The one way
//! from a text to findings, for whole texts and for pieces. Never decides what is done.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use regex_automata::hybrid::dfa::{self, Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, PatternID, PatternSet, meta};
use regex_syntax::hir::Hir;

use super::digits;
use super::pattern::{self, COUNTED_SUM_MAX, Pattern};
use super::settings::{Check, Custom, FAILED, PREFIX, Rule, clipped};
use super::words::{WORD_BYTES_MAX, WORDS_MAX, Waiting, Words};
use crate::action::{Direction, Mode};
use crate::finding::{Finding, Kind, SURE};
use crate::normal::Readings;

/// So many findings of one rule a text may have; from the next on all that follows is one.
pub const CUSTOM_FINDINGS_MAX: usize = 4_096;
/// Bytes of the automaton over all patterns.
const AUTOMATON_BYTES_MAX: usize = 16 << 20;
/// Bytes that one thread keeps of its states that texts have met.
const STATES_BYTES_MAX: usize = 1 << 20;
/// The same, of the automaton over what all patterns begin with.
const HEADS_BYTES_MAX: usize = 4 << 20;

/// The rules of one place, for each direction those that look there.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    input: Arc<Engine>,
    output: Arc<Engine>,
}

/// Some rules, ready to look with.
#[derive(Debug, Default)]
pub(super) struct Engine {
    rules: Vec<Looked>,
    patterns: Vec<(usize, Pattern)>,
    /// What the matches of patterns begin with, where there are several patterns, and which one's each is.
    heads: Option<(meta::Regex, Vec<usize>)>,
    words: Option<Words>,
    /// What a match may begin with, backwards from the end of a text.
    begun: Option<DFA>,
    /// So many bytes from where a match begins decide it.
    reach: usize,
    folds: bool,
}

#[derive(Debug)]
struct Looked {
    name: Cow<'static, str>,
    check: Check,
    score: u8,
    folded: bool,
    /// Could not be made ready: every text is a finding.
    failed: bool,
}

type Problems = Vec<(String, String)>;

impl Compiled {
    /// The rules as they are written, or what of them cannot be done.
    pub(super) fn of(custom: &Custom) -> Result<Self, Problems> {
        let looking = |direction: Direction| {
            let looks = move |rule: &&Rule| direction.pick(rule.input, rule.output) != Mode::Off;
            custom.rules.iter().filter(looks).collect::<Vec<_>>()
        };
        let block = usize::from(custom.match_bytes_max);
        let (input, output) = (looking(Direction::Input), looking(Direction::Output));
        // What looks nowhere is read all the same: a fault in it would show on the day it is wanted.
        let all = Engine::of(&custom.rules.iter().collect::<Vec<_>>(), block)?;
        let all = Arc::new(all);
        let of = |some: &[&Rule]| match some.len() == custom.rules.len() {
            true => Ok(Arc::clone(&all)),
            false => Engine::of(some, block).map(Arc::new),
        };
        Ok(Self {
            input: of(&input)?,
            output: of(&output)?,
        })
    }

    /// The rules as they are written; where they cannot be made ready, that is what they find in every text.
    pub(crate) fn or_failing(custom: &Custom) -> Self {
        Self::of(custom).unwrap_or_else(|_| {
            let failing = |direction: Direction| {
                let looking = custom.rules.iter();
                let looking = looking.filter(|it| direction.pick(it.input, it.output) != Mode::Off);
                Arc::new(Engine {
                    rules: looking.map(Looked::failing).collect(),
                    ..Engine::default()
                })
            };
            Self {
                input: failing(Direction::Input),
                output: failing(Direction::Output),
            }
        })
    }

    fn engine(&self, direction: Direction) -> &Arc<Engine> {
        match direction {
            Direction::Input => &self.input,
            Direction::Output => &self.output,
        }
    }

    /// Appends what the rules find in a text that goes this way. What callers send is also looked at as it may be read.
    // threat: AGP-T1 AGP-I1 AGP-I3
    pub(crate) fn scan(&self, direction: Direction, text: &str, found: &mut Vec<Finding>) {
        let engine = self.engine(direction);
        engine.scan(text, found);
        if engine.folds && direction == Direction::Input {
            engine.scan_readings(text, found);
        }
    }

    /// A follower of one text channel of a live answer; `None` where no rule looks there.
    pub(crate) fn follow(&self) -> Option<CustomStream> {
        (!self.output.rules.is_empty()).then(|| CustomStream::new(Arc::clone(&self.output)))
    }
}

impl Looked {
    fn of(rule: &Rule) -> Self {
        Self {
            name: format!("{PREFIX}{}", rule.name).into(),
            check: rule.check,
            score: rule.score,
            folded: rule.folded,
            failed: false,
        }
    }

    fn failing(rule: &Rule) -> Self {
        Self {
            name: format!("{PREFIX}{}{FAILED}", rule.name).into(),
            check: Check::None,
            score: SURE,
            failed: true,
            ..Self::of(rule)
        }
    }

    fn finding(&self, span: Range<usize>) -> Finding {
        Finding {
            span,
            rule: self.name.clone(),
            kind: Kind::Custom,
            category: "",
            score: self.score,
        }
    }
}

impl Engine {
    fn of(rules: &[&Rule], block: usize) -> Result<Self, Problems> {
        let (mut problems, mut patterns) = (Problems::new(), Vec::new());
        for (number, rule) in rules.iter().enumerate() {
            if let Some((key, what)) = fault(rule) {
                problems.push((format!("rules[{number}].{key}"), said(rule, &what)));
            }
            match rule
                .pattern
                .as_ref()
                .map(|written| Pattern::of(rule, written, block))
            {
                None => {}
                Some(Ok(pattern)) => patterns.push((number, pattern)),
                Some(Err(what)) => problems.push((format!("rules[{number}].pattern"), said(rule, &what))),
            }
        }
        let counted: usize = patterns.iter().map(|(_, pattern)| pattern.counted).sum();
        if counted > COUNTED_SUM_MAX {
            let what = format!(
                "count to {counted} together, of at most {COUNTED_SUM_MAX}: write `*` or `+` instead of high counts"
            );
            problems.push(("rules".to_owned(), what));
        }
        let count: usize = rules.iter().map(|rule| rule.all_words().count()).sum();
        if count > WORDS_MAX {
            let what = format!(
                "have {count} words together, of at most {WORDS_MAX}: look for what they have in common by a `pattern`, or drop some"
            );
            problems.push(("rules".to_owned(), what));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let several = |what: String| vec![("rules".to_owned(), what)];
        let words = Words::of(rules.iter().copied().enumerate()).map_err(several)?;
        let heads = heads_of(&patterns).map_err(several)?;
        let begun = begun_of(&patterns);
        let longest = patterns.iter().map(|(_, pattern)| pattern.holds());
        let longest = longest.chain(words.as_ref().map(Words::holds));
        Ok(Self {
            reach: longest.max().unwrap_or(0),
            folds: rules.iter().any(|rule| rule.folded),
            rules: rules.iter().map(|rule| Looked::of(rule)).collect(),
            patterns,
            heads,
            words,
            begun,
        })
    }

    fn scan(&self, text: &str, found: &mut Vec<Finding>) {
        let mut run = Run::new(self);
        let part = Part {
            window: text,
            base: 0,
            from: 0,
            until: text.len(),
        };
        run.advance(self, &part, found);
    }

    /// What rules that want it find in what the text can be read as, and not in the text itself.
    fn scan_readings(&self, text: &str, found: &mut Vec<Finding>) {
        let readings = Readings::of(text);
        let mut known: HashSet<(Cow<'static, str>, Range<usize>)> = found
            .iter()
            .map(|it| (it.rule.clone(), it.span.clone()))
            .collect();
        for (number, reading) in readings.all().iter().enumerate() {
            if reading.text() == text {
                continue;
            }
            let mut read = Vec::new();
            self.scan(reading.text(), &mut read);
            for finding in read {
                let folded = self
                    .rules
                    .iter()
                    .any(|rule| rule.folded && rule.name == finding.rule);
                let span = readings.origin(number, finding.span.clone());
                if folded && known.insert((finding.rule.clone(), span.clone())) {
                    found.push(Finding { span, ..finding });
                }
            }
        }
    }

    /// Which patterns can match behind `from`, by one pass over all.
    fn matching(&self, window: &str, from: usize) -> Vec<bool> {
        let Some((heads, of)) = &self.heads else {
            return vec![true; self.patterns.len()];
        };
        let mut set = PatternSet::new(heads.pattern_len());
        heads.which_overlapping_matches(&Input::new(window).span(from..window.len()), &mut set);
        // Those that have no head can always match.
        let mut can = vec![true; self.patterns.len()];
        for (head, pattern) in of.iter().enumerate() {
            let is_there = PatternID::new(head).is_ok_and(|head| set.contains(head));
            if let Some(can) = can.get_mut(*pattern) {
                *can = is_there;
            }
        }
        can
    }

    /// Where the first match begins, at `from` or behind it, that what follows may still decide.
    fn undecided(&self, window: &str, from: usize, cache: Option<&mut Cache>) -> usize {
        let from = from.max(window.len().saturating_sub(self.reach));
        let from = window.ceil_char_boundary(from);
        let of_words = self
            .words
            .as_ref()
            .map_or(window.len(), |words| words.begun(window, from));
        let of_patterns = match (&self.begun, cache) {
            _ if self.patterns.is_empty() => window.len(),
            (Some(begun), Some(cache)) => {
                let input = Input::new(window)
                    .span(from..window.len())
                    .anchored(Anchored::Yes);
                match begun.try_search_rev(cache, &input) {
                    Ok(first) => first.map_or(window.len(), |first| first.offset()),
                    // Who cannot tell holds all that may matter.
                    Err(_) => from,
                }
            }
            _ => from,
        };
        of_words.min(of_patterns)
    }
}

fn said(rule: &Rule, what: &str) -> String {
    format!("of `{}` {what}", clipped(&rule.name))
}

/// What is wrong with a rule beside its pattern.
fn fault(rule: &Rule) -> Option<(&'static str, String)> {
    let listed = !rule.dictionary.is_empty() || rule.file.is_some();
    let given = [rule.pattern.is_some(), !rule.words.is_empty(), listed];
    if given.iter().filter(|given| **given).count() != 1 {
        let what = "must have one of `pattern`, `words` and `dictionary` (or `file`): give one of them";
        return Some(("pattern", what.to_owned()));
    }
    if !(1..=100).contains(&rule.score) {
        return Some((
            "score",
            format!("is {}: give a percentage from 1 to 100", rule.score),
        ));
    }
    if rule.file.is_some() && rule.dictionary.is_empty() {
        return Some(("file", "gave no word: put one on each line of it".to_owned()));
    }
    let is_bad = |word: &&String| word.trim().is_empty() || word.len() > WORD_BYTES_MAX;
    let list = if listed { "dictionary" } else { "words" };
    rule.all_words().find(is_bad).map(|word| {
        let what = match word.trim().is_empty() {
            true => "has an empty word: drop it".to_owned(),
            false => format!(
                "has a word of more than {WORD_BYTES_MAX} bytes, `{}`: shorten it",
                clipped(word)
            ),
        };
        (list, what)
    })
}

fn heads_of(patterns: &[(usize, Pattern)]) -> Result<Option<(meta::Regex, Vec<usize>)>, String> {
    let heads = patterns.iter().map(|(_, pattern)| pattern::head(&pattern.bare));
    let (of, heads): (Vec<usize>, Vec<Hir>) = heads
        .enumerate()
        .filter_map(|(place, head)| Some((place, head?)))
        .unzip();
    if heads.len() < 2 {
        return Ok(None);
    }
    let config = pattern::config()
        .match_kind(MatchKind::All)
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
        .hybrid_cache_capacity(HEADS_BYTES_MAX);
    let heads = meta::Regex::builder()
        .configure(config)
        .build_many_from_hir(&heads);
    let heads = heads.map(|heads| Some((heads, of)));
    heads
        .map_err(|_| format!("need more than {AUTOMATON_BYTES_MAX} bytes when patterns are built: drop some"))
}

/// `None` where it would be too large; then all is held that a match can be long.
fn begun_of(patterns: &[(usize, Pattern)]) -> Option<DFA> {
    let beginnings: Vec<Hir> = patterns
        .iter()
        .map(|(_, pattern)| pattern::beginnings(&pattern.bare))
        .collect();
    let config = thompson::Config::new()
        .reverse(true)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
    let nfa = thompson::Compiler::new()
        .configure(config)
        .build_many_from_hir(&beginnings)
        .ok()?;
    let config = dfa::Config::new()
        .match_kind(MatchKind::All)
        .cache_capacity(STATES_BYTES_MAX)
        .skip_cache_capacity_check(true)
        // Gives up where each byte makes a state that was never seen, instead of making them all.
        .minimum_cache_clear_count(Some(4))
        .minimum_bytes_per_state(Some(10));
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

/// A part of a text that is here, and what of it is to be judged now.
struct Part<'w> {
    window: &'w str,
    /// Where in the text it starts.
    base: usize,
    /// Matches that begin here, in the window, or behind it.
    from: usize,
    /// And before this.
    until: usize,
}

/// How far each rule has come in one text.
#[derive(Debug)]
struct Run {
    rules: Vec<Come>,
    waiting: Vec<Waiting>,
}

#[derive(Clone, Debug, Default)]
struct Come {
    /// Where its last finding ends, in the text: the next one begins there or behind it.
    free: usize,
    found: usize,
}

impl Run {
    fn new(engine: &Engine) -> Self {
        Self {
            rules: vec![Come::default(); engine.rules.len()],
            waiting: vec![Waiting::new(); engine.rules.len()],
        }
    }

    fn advance(&mut self, engine: &Engine, part: &Part<'_>, found: &mut Vec<Finding>) {
        for (come, rule) in self.rules.iter_mut().zip(&engine.rules) {
            come.flood(rule, part, found);
        }
        self.patterns(engine, part, found);
        self.words(engine, part, found);
    }

    fn patterns(&mut self, engine: &Engine, part: &Part<'_>, found: &mut Vec<Finding>) {
        let can = engine.matching(part.window, part.from);
        let possible = engine.patterns.iter().zip(can).filter(|(_, can)| *can);
        for ((number, pattern), _) in possible {
            let (Some(come), Some(rule)) = (self.rules.get_mut(*number), engine.rules.get(*number)) else {
                continue;
            };
            let mut from = part.from.max(come.free.saturating_sub(part.base));
            while from < part.until && come.found <= CUSTOM_FINDINGS_MAX {
                let next = pattern.next(part.window, part.base, from);
                let Some(span) = next.filter(|next| next.start < part.until) else {
                    break;
                };
                from = span.end;
                come.take(rule, part, span, found);
            }
        }
    }

    fn words(&mut self, engine: &Engine, part: &Part<'_>, found: &mut Vec<Finding>) {
        let Some(words) = &engine.words else { return };
        let free: Vec<usize> = self
            .rules
            .iter()
            .map(|come| come.free.saturating_sub(part.base))
            .collect();
        let (rules, waiting) = (&mut self.rules, &mut self.waiting);
        words.scan(
            part.window,
            (part.from, part.until),
            &free,
            waiting,
            |number, span| {
                if let (Some(come), Some(rule)) = (rules.get_mut(number), engine.rules.get(number)) {
                    come.take(rule, part, span, found);
                }
            },
        );
    }
}

impl Come {
    /// Takes a match, which is a finding where its digits prove what they must.
    fn take(&mut self, rule: &Looked, part: &Part<'_>, span: Range<usize>, found: &mut Vec<Finding>) {
        if self.found > CUSTOM_FINDINGS_MAX {
            return;
        }
        self.free = part.base + span.end;
        if !digits::proves(rule.check, part.window.get(span.clone()).unwrap_or_default()) {
            return;
        }
        self.found += 1;
        if self.found > CUSTOM_FINDINGS_MAX {
            self.free = part.base + span.start;
            self.flood(rule, part, found);
        } else {
            found.push(rule.finding(part.base + span.start..part.base + span.end));
        }
    }

    /// All that is judged now is found, where the rule found too much already or cannot judge.
    fn flood(&mut self, rule: &Looked, part: &Part<'_>, found: &mut Vec<Finding>) {
        let until = part.base + part.until;
        if (self.found > CUSTOM_FINDINGS_MAX || rule.failed) && self.free < until {
            found.push(rule.finding(self.free..until));
            self.free = until;
        }
    }
}

/// Finds in a text that arrives in pieces what the rules find in the whole.
pub(crate) struct CustomStream {
    engine: Arc<Engine>,
    run: Run,
    /// The end of what has arrived: a character of context, and what is not yet judged.
    window: String,
    /// Where in the channel the window starts.
    base: usize,
    /// How much of the window is judged.
    cleared: usize,
    /// How long the window was when it was judged last.
    judged: usize,
    cache: Option<Cache>,
}

impl CustomStream {
    fn new(engine: Arc<Engine>) -> Self {
        Self {
            run: Run::new(&engine),
            cache: engine.begun.as_ref().map(DFA::create_cache),
            engine,
            window: String::new(),
            base: 0,
            cleared: 0,
            judged: 0,
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared.
    // threat: AGP-I3 ANP-0023
    pub(crate) fn push(&mut self, piece: &str, found: &mut Vec<Finding>) -> u64 {
        /// So few held bytes are always looked at again.
        const FEW: usize = 64;
        self.window.push_str(piece);
        let held = self.window.len() - self.cleared;
        let new = self.window.len() - self.judged;
        // What is held is looked at again when it has grown by an eighth: else many small pieces would cost the square of it.
        if held > FEW && new * 8 < held {
            return (self.base + self.cleared) as u64;
        }
        let until = self
            .engine
            .undecided(&self.window, self.cleared, self.cache.as_mut());
        self.judge(until, found)
    }

    /// Ends the channel: what was held back is decided.
    pub(crate) fn finish(&mut self, found: &mut Vec<Finding>) {
        self.judge(self.window.len(), found);
    }

    fn judge(&mut self, until: usize, found: &mut Vec<Finding>) -> u64 {
        let part = Part {
            window: &self.window,
            base: self.base,
            from: self.cleared,
            until,
        };
        if until > self.cleared {
            self.run.advance(&self.engine, &part, found);
        }
        let context = until.saturating_sub(1);
        let over = self.window.floor_char_boundary(context);
        self.window.drain(..over);
        self.base += over;
        self.cleared = until - over;
        self.judged = self.window.len();
        (self.base + self.cleared) as u64
    }
}

#[cfg(test)]
mod tests;
