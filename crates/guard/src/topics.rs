//! What an application is not for: words and phrases of topics that are denied, and questions that touch none of those that are
//! allowed. Never keeps what it reads; a [`Finding`] names the topic.
//!
//! Text is folded, lowered and cut into words character by character, and one automaton over all topics walks along, so that
//! a stream is judged exactly as the whole is, and time is linear.

mod settings;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, nfa::contiguous::NFA};

use crate::finding::{Finding, Kind, SURE};
use crate::normal::fold_char;
use settings::{OFF_TOPIC, rule};
pub use settings::{Topic, Topics as TopicsSettings};

/// The longest word or phrase of a topic, folded, in bytes. So much, and a character more, a stream holds back at most.
pub const TOPIC_WORD_BYTES_MAX: usize = 128;

/// One topic of all that a call is judged by.
#[derive(Debug)]
struct Denied {
    rule: String,
    least: usize,
}

/// One list of what is allowed.
#[derive(Debug)]
struct Allowed {
    rule: String,
    from_words: u32,
}

/// What a pattern belongs to.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Denied(usize),
    Allowed(usize),
}

/// The guard of topics, made for what all profiles of a call say. Shared.
#[derive(Default)]
pub struct Topics {
    automaton: Option<NFA>,
    /// For each pattern: whose it is, and the bytes of it that are words rather than what stands around them.
    patterns: Vec<(Vec<Owner>, usize)>,
    denied: Vec<Denied>,
    allowed: Vec<Allowed>,
}

impl Topics {
    /// The guard for all these settings. Topics that differ though they share a name are told apart by their rules.
    #[must_use]
    pub fn new<'a>(all: impl Iterator<Item = &'a TopicsSettings> + Clone) -> Self {
        let mut topics = Self::default();
        let mut texts: Vec<String> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut add = |word: &str, owner: Owner, patterns: &mut Vec<(Vec<Owner>, usize)>| {
            let Some(pattern) = pattern(word) else { return };
            let number = *numbers.entry(pattern).or_insert_with_key(|pattern| {
                patterns.push((Vec::new(), pattern.trim().len()));
                texts.push(pattern.clone());
                texts.len() - 1
            });
            if let Some((owners, _)) = patterns.get_mut(number) {
                owners.push(owner);
            }
        };
        let denied: Vec<(String, &Topic)> = all
            .clone()
            .flat_map(|one| &one.deny)
            .map(|it| (it.digest(), it))
            .collect();
        let mut digests: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (digest, topic) in &denied {
            digests.entry(&topic.name).or_default().insert(digest);
        }
        let mut known: HashSet<&str> = HashSet::new();
        for (digest, topic) in &denied {
            if !known.insert(digest) {
                continue;
            }
            let is_one_of_many = digests.get(topic.name.as_str()).is_some_and(|all| all.len() > 1);
            let owner = Owner::Denied(topics.denied.len());
            topics.denied.push(Denied {
                rule: rule(&topic.name, is_one_of_many.then_some(digest)),
                least: usize::from(topic.least.max(1)),
            });
            topic
                .words
                .iter()
                .for_each(|word| add(word, owner, &mut topics.patterns));
        }
        let allowed = all.filter(|one| !one.allow.is_empty());
        let allowed: BTreeMap<String, &TopicsSettings> =
            allowed.map(|one| (one.allow_digest(), one)).collect();
        for (digest, one) in &allowed {
            let owner = Owner::Allowed(topics.allowed.len());
            topics.allowed.push(Allowed {
                rule: rule(OFF_TOPIC, (allowed.len() > 1).then_some(digest)),
                from_words: one.from_words,
            });
            let words = one.allow.iter().flat_map(|topic| &topic.words);
            words.for_each(|word| add(word, owner, &mut topics.patterns));
        }
        if !texts.is_empty() {
            // Settings bound how much it holds (see `problems`), which is far below what an automaton can.
            topics.automaton = NFA::builder().match_kind(MatchKind::Standard).build(&texts).ok();
        }
        topics
    }

    /// Appends what a whole text is about that it must not be, and, where a user wrote it, that it is about nothing allowed.
    // threat: AGP-T1
    pub fn scan(&self, text: &str, is_users: bool, found: &mut Vec<Finding>) {
        let mut walk = Walk::default();
        walk.push(self, text, found);
        walk.finish(self, found);
        if !is_users {
            return;
        }
        for (allowed, touched) in self
            .allowed
            .iter()
            .zip(walk.touched.iter().chain(std::iter::repeat(&false)))
        {
            if !touched && walk.words > allowed.from_words {
                found.push(finding(allowed.rule.clone(), 0..text.len()));
            }
        }
    }
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics")
            .field("denied", &self.denied)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

fn finding(rule: String, span: Range<usize>) -> Finding {
    Finding {
        span,
        rule: rule.into(),
        kind: Kind::Topic,
        category: "",
        score: SURE,
    }
}

/// A word or phrase as text is read: a space before each word, and one behind unless a `*` stands for any rest. `None` where
/// nothing of it is a word.
fn pattern(word: &str) -> Option<String> {
    let (word, is_open) = match word.strip_suffix('*') {
        Some(head) => (head, true),
        None => (word, false),
    };
    let mut reader = Reader::default();
    let mut bytes = Vec::new();
    for c in word.chars() {
        reader.read(c, |byte| bytes.push(byte));
    }
    if !is_open {
        reader.end(|byte| bytes.push(byte));
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// So many characters beyond ASCII are remembered with what they become.
const FOLDED_MAX: usize = 4_096;

/// Turns characters into folded, lowered words with one space before and behind each.
#[derive(Debug, Default)]
struct Reader {
    is_in_word: bool,
    /// A space was the last that was told.
    is_spaced: bool,
    /// What characters beyond ASCII become: some take long to work out.
    folded: HashMap<char, Box<str>>,
}

impl Reader {
    /// Tells what a character becomes; returns whether a word began.
    fn read(&mut self, c: char, mut tell: impl FnMut(u8)) -> bool {
        if c.is_ascii() {
            return self.letter(c.to_ascii_lowercase(), &mut tell);
        }
        let mut known = std::mem::take(&mut self.folded);
        if known.len() >= FOLDED_MAX {
            known.clear();
        }
        let folded = known.entry(c).or_insert_with(|| {
            let mut folded = String::new();
            fold_char(c, &mut folded);
            folded.to_lowercase().into()
        });
        let began = folded
            .chars()
            .fold(false, |began, c| self.letter(c, &mut tell) | began);
        self.folded = known;
        began
    }

    /// Takes a folded, lowered character.
    fn letter(&mut self, c: char, mut tell: impl FnMut(u8)) -> bool {
        if c == '\'' && self.is_in_word {
            // `don't` is one word.
            return false;
        }
        if !c.is_alphanumeric() {
            self.end(&mut tell);
            return false;
        }
        let is_alone = unspaced(c);
        let begins = is_alone || !self.is_in_word;
        if begins {
            self.end(&mut tell);
            if !self.is_spaced {
                tell(b' ');
            }
        }
        c.encode_utf8(&mut [0; 4]).bytes().for_each(&mut tell);
        self.is_in_word = true;
        self.is_spaced = false;
        if is_alone {
            self.end(&mut tell);
        }
        begins
    }

    fn end(&mut self, mut tell: impl FnMut(u8)) {
        if self.is_in_word {
            tell(b' ');
            self.is_in_word = false;
            self.is_spaced = true;
        }
    }
}

/// Of a script that writes words without spaces: each character is a word.
const fn unspaced(c: char) -> bool {
    matches!(c as u32, 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0x20000..=0x3FFFF)
}

/// Where in a text, and what was met so far.
#[derive(Default)]
struct Walk {
    state: Option<StateID>,
    reader: Reader,
    at: usize,
    words: u32,
    /// Of each denied topic the patterns that were met, until it was told.
    met: Vec<HashSet<usize>>,
    touched: Vec<bool>,
    /// Bytes told to the automaton, and of the last words where each began, in those bytes and in the text.
    fed: usize,
    starts: VecDeque<(usize, usize)>,
    /// Where the last word ends.
    word_end: usize,
}

impl Walk {
    fn push(&mut self, topics: &Topics, piece: &str, found: &mut Vec<Finding>) {
        self.met.resize_with(topics.denied.len(), HashSet::new);
        self.touched.resize(topics.allowed.len(), false);
        let mut reader = std::mem::take(&mut self.reader);
        for c in piece.chars() {
            let at = self.at;
            self.at += c.len_utf8();
            let mut fed = [0_u8; 32];
            let mut count = 0;
            let began = reader.read(c, |byte| {
                if let Some(slot) = fed.get_mut(count) {
                    *slot = byte;
                    count += 1;
                }
            });
            let fed = fed.get(..count).unwrap_or_default();
            if began {
                self.words = self.words.saturating_add(1);
                // The word's first byte follows the space that may be told with it.
                let space = usize::from(fed.first() == Some(&b' '));
                self.starts.push_back((self.fed + space, at));
                while self
                    .starts
                    .front()
                    .is_some_and(|(fed, _)| *fed + 2 * TOPIC_WORD_BYTES_MAX < self.fed)
                {
                    self.starts.pop_front();
                }
            }
            if reader.is_in_word || reader.is_spaced && fed.len() > 1 {
                self.word_end = self.at;
            }
            fed.iter().for_each(|byte| self.feed(topics, *byte, found));
        }
        self.reader = reader;
    }

    fn finish(&mut self, topics: &Topics, found: &mut Vec<Finding>) {
        let mut reader = std::mem::take(&mut self.reader);
        reader.end(|byte| self.feed(topics, byte, found));
        self.reader = reader;
    }

    fn feed(&mut self, topics: &Topics, byte: u8, found: &mut Vec<Finding>) {
        self.fed += 1;
        let Some(automaton) = &topics.automaton else {
            return;
        };
        let state = self.state.or_else(|| automaton.start_state(Anchored::No).ok());
        let Some(state) = state else { return };
        let state = automaton.next_state(Anchored::No, state, byte);
        self.state = Some(state);
        if !automaton.is_special(state) || !automaton.is_match(state) {
            return;
        }
        for index in 0..automaton.match_len(state) {
            let number = automaton.match_pattern(state, index).as_usize();
            self.meet(topics, number, byte == b' ', found);
        }
    }

    fn meet(&mut self, topics: &Topics, number: usize, is_closed: bool, found: &mut Vec<Finding>) {
        let Some((owners, length)) = topics.patterns.get(number) else {
            return;
        };
        for owner in owners {
            match *owner {
                Owner::Allowed(at) => {
                    if let Some(touched) = self.touched.get_mut(at) {
                        *touched = true;
                    }
                }
                Owner::Denied(at) => {
                    let (Some(denied), Some(met)) = (topics.denied.get(at), self.met.get_mut(at)) else {
                        continue;
                    };
                    let is_told = met.len() >= denied.least;
                    met.insert(number);
                    if !is_told && met.len() >= denied.least {
                        let from = self.fed - usize::from(is_closed) - length;
                        let mut starts = self.starts.iter().rev();
                        let start = starts
                            .find(|(fed, _)| *fed <= from)
                            .map_or(self.at, |(_, at)| *at);
                        let end = self.word_end.max(start);
                        found.push(finding(denied.rule.clone(), start..end));
                    }
                }
            }
        }
    }
}

/// Finds in an answer that arrives in pieces what [`Topics::scan`] finds in the whole. What is allowed is not asked of answers.
pub struct TopicStream {
    topics: Arc<Topics>,
    walk: Walk,
}

impl TopicStream {
    /// A channel of which nothing has arrived yet.
    #[must_use]
    pub fn new(topics: Arc<Topics>) -> Self {
        Self {
            topics,
            walk: Walk::default(),
        }
    }

    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are judged: all before the word
    /// at hand, of which at most [`TOPIC_WORD_BYTES_MAX`] wait.
    // threat: ANP-0010 ANP-0023
    pub fn push(&mut self, piece: &str, found: &mut Vec<Finding>) -> u64 {
        self.walk.push(&self.topics, piece, found);
        let at = self.walk.at;
        let word = self.walk.starts.back().filter(|_| self.walk.reader.is_in_word);
        let judged = word.map_or(at, |(_, start)| *start);
        // A longer word is none of a topic's.
        if at - judged > TOPIC_WORD_BYTES_MAX {
            at as u64
        } else {
            judged as u64
        }
    }

    /// Ends the channel: the last word is judged.
    pub fn finish(&mut self, found: &mut Vec<Finding>) -> u64 {
        self.walk.finish(&self.topics, found);
        self.walk.at as u64
    }
}

impl std::fmt::Debug for TopicStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicStream")
            .field("at", &self.walk.at)
            .finish_non_exhaustive()
    }
}
