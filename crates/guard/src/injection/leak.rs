//! Knows the words of a system prompt again in an answer, whole or in pieces. Never keeps the prompt: its shingles are
//! hashes.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;

use super::Injection;
use super::tokens::tokens;
use crate::finding::{Finding, Kind};

/// Words of a shingle.
const SHINGLE_WORDS: usize = 6;
/// The most shingles of prompts that are kept; of longer prompts the first ones.
const SHINGLES_MAX: usize = 4_096;
/// Shingles in a row that are no turn of phrase.
const RUN_MIN: usize = 2;
/// The most stretches that are remembered before enough is repeated.
const RUNS_MAX: usize = 1_024;
/// A text without spaces is cut into words after this many bytes.
const PIECE_BYTES: usize = 512;

/// The words of system prompts, to be known again in an answer.
#[derive(Default)]
pub struct Leak {
    shingles: HashSet<u64>,
}

impl Leak {
    /// Of a system prompt. One shorter than seven words can never be recognised.
    #[must_use]
    pub fn of(guard: &Injection, prompt: &str) -> Self {
        let mut leak = Self::default();
        leak.add(guard, prompt);
        leak
    }

    /// Knows one more prompt.
    pub fn add(&mut self, guard: &Injection, prompt: &str) {
        let words: Vec<u32> = tokens(prompt, &guard.lexicon)
            .iter()
            .map(|word| word.hash)
            .collect();
        let room = SHINGLES_MAX.saturating_sub(self.shingles.len());
        let shingles = words.windows(SHINGLE_WORDS).take(room);
        self.shingles
            .extend(shingles.map(|words| shingle(words.iter().copied())));
    }

    /// Whether there is nothing to be recognised.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    /// How much of the prompts an answer repeats, in percent, and where: stretches of at least two
    /// shingles in a row, so that a turn of phrase both may have is no leak.
    // threat: AGP-I3
    #[must_use]
    pub fn scan(&self, guard: &Injection, answer: &str) -> (u8, Vec<Finding>) {
        let mut watch = LeakWatch::new(&[0]);
        let mut found: Vec<Finding> = Vec::new();
        watch.push(self, guard, answer, &mut found);
        watch.finish(self, guard, &mut found);
        found.dedup_by(|next, before| {
            let touches = before.span.end == next.span.start;
            if touches {
                before.span.end = next.span.end;
                before.score = next.score;
            }
            touches
        });
        (watch.share(self), found)
    }
}

impl std::fmt::Debug for Leak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leak")
            .field("shingles", &self.shingles.len())
            .finish()
    }
}

/// Looks for repeated prompts in an answer that arrives in pieces. Finds the same, however it is cut.
///
/// A stretch is told when what was repeated so far reaches a share that somebody asked for, and again when it ends: the
/// findings of one stretch touch each other. Their score is the share so far, in percent.
pub struct LeakWatch {
    /// Shares at which it is told, in order.
    steps: Vec<u8>,
    /// How many of them are reached.
    reached: usize,
    /// What is not yet cut into words, and where it starts.
    pending: String,
    at: usize,
    /// The last words: hash and place.
    words: VecDeque<(u32, Range<usize>)>,
    known: HashSet<u64>,
    run: Option<Run>,
    /// Stretches from before enough was repeated.
    before: Vec<Range<usize>>,
}

struct Run {
    /// What of it is not told yet.
    span: Range<usize>,
    shingles: usize,
}

impl LeakWatch {
    /// Before the answer's first piece; `steps` are the shares that somebody asked for, in percent.
    #[must_use]
    pub fn new(steps: &[u8]) -> Self {
        let mut steps = steps.to_vec();
        steps.sort_unstable();
        steps.dedup();
        Self {
            steps,
            reached: 0,
            pending: String::new(),
            at: 0,
            words: VecDeque::with_capacity(SHINGLE_WORDS + 1),
            known: HashSet::new(),
            run: None,
            before: Vec::new(),
        }
    }

    /// How much was repeated so far, in percent.
    #[must_use]
    pub fn share(&self, leak: &Leak) -> u8 {
        let share = self.known.len() * 100 / leak.shingles.len().max(1);
        u8::try_from(share).unwrap_or(100)
    }

    /// Takes the next piece and appends what is certain; spans are in the whole answer.
    // threat: AGP-I3
    pub fn push(&mut self, leak: &Leak, guard: &Injection, piece: &str, found: &mut Vec<Finding>) {
        if leak.is_empty() {
            return;
        }
        self.pending.push_str(piece);
        let pending = std::mem::take(&mut self.pending);
        let mut from = 0;
        while let Some(end) = cut(pending.get(from..).unwrap_or_default()) {
            self.read(
                leak,
                guard,
                pending.get(from..from + end).unwrap_or_default(),
                found,
            );
            from += end;
        }
        self.pending.push_str(pending.get(from..).unwrap_or_default());
    }

    /// Ends the answer.
    pub fn finish(&mut self, leak: &Leak, guard: &Injection, found: &mut Vec<Finding>) {
        let rest = std::mem::take(&mut self.pending);
        self.read(leak, guard, &rest, found);
        self.close(leak, found);
    }

    fn read(&mut self, leak: &Leak, guard: &Injection, text: &str, found: &mut Vec<Finding>) {
        for word in tokens(text, &guard.lexicon) {
            let span = self.at + word.start as usize..self.at + word.end as usize;
            self.word(leak, word.hash, span, found);
        }
        self.at += text.len();
    }

    fn word(&mut self, leak: &Leak, hash: u32, span: Range<usize>, found: &mut Vec<Finding>) {
        let end = span.end;
        self.words.push_back((hash, span));
        if self.words.len() > SHINGLE_WORDS {
            self.words.pop_front();
        }
        let Some((_, first)) = self.words.front().filter(|_| self.words.len() == SHINGLE_WORDS) else {
            return;
        };
        let hash = shingle(self.words.iter().map(|(hash, _)| *hash));
        if !leak.shingles.contains(&hash) {
            self.close(leak, found);
            return;
        }
        let start = first.start;
        self.known.insert(hash);
        let run = self.run.get_or_insert(Run {
            span: start..end,
            shingles: 0,
        });
        run.span.end = end;
        run.shingles += 1;
        if run.shingles < RUN_MIN {
            return;
        }
        let share = self.share(leak);
        let reached = self.steps.iter().filter(|step| **step <= share).count();
        if reached > self.reached {
            self.reached = reached;
            found.extend(self.before.drain(..).map(|span| finding(span, share)));
            self.tell(share, found);
        }
    }

    /// Tells what of the stretch at hand is not told yet.
    fn tell(&mut self, share: u8, found: &mut Vec<Finding>) {
        if let Some(run) = &mut self.run
            && !run.span.is_empty()
        {
            found.push(finding(run.span.clone(), share));
            run.span.start = run.span.end;
        }
    }

    fn close(&mut self, leak: &Leak, found: &mut Vec<Finding>) {
        if self.run.as_ref().is_some_and(|run| run.shingles >= RUN_MIN) {
            if self.reached > 0 {
                self.tell(self.share(leak), found);
            } else if let Some(run) = self.run.as_ref().filter(|_| self.before.len() < RUNS_MAX) {
                self.before.push(run.span.clone());
            }
        }
        self.run = None;
    }
}

impl std::fmt::Debug for LeakWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeakWatch")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Where the first part of a text ends that is cut into words by itself, whatever follows: behind a space, or after enough
/// without one.
fn cut(text: &str) -> Option<usize> {
    let head = text.as_bytes().iter().take(PIECE_BYTES);
    let space = head
        .clone()
        .position(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r'));
    match space {
        Some(space) => Some(space + 1),
        // Up to the last character that starts within reach, once that is there.
        None => (text.len() >= PIECE_BYTES + 4).then(|| text.floor_char_boundary(PIECE_BYTES)),
    }
}

fn shingle(words: impl Iterator<Item = u32>) -> u64 {
    words.fold(0xCBF2_9CE4_8422_2325, |hash, word| {
        (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01B3)
    })
}

fn finding(span: Range<usize>, share: u8) -> Finding {
    Finding {
        span,
        rule: "system_prompt_leak".into(),
        kind: Kind::Leak,
        category: "",
        score: share,
    }
}
