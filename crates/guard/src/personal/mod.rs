//! Personal data: what says who somebody is, or how to reach them. Never keeps text, never does I/O; linear in its length.
//!
//! A text is walked word by word (`walk`). A word that may begin something is judged by its form, its check digits, and
//! by the words that stood shortly before it (`words`, `near`): those raise what they speak of, and lower what they do
//! not. Every judgement reads at most [`PERSONAL_AHEAD_BYTES_MAX`] bytes ahead, so a stream is judged as the whole.

mod address;
mod checks;
mod codes;
mod coins;
mod coordinates;
mod dates;
mod health;
mod ids;
mod kinds;
mod machines;
mod names;
mod near;
mod numbers;
mod plans;
mod stream;
mod streets;
mod text;
mod walk;
mod words;

use std::sync::{Arc, LazyLock};

pub(crate) use checks::{luhn, mod_97};
pub use kinds::{PersonalKind, PersonalKinds};
pub use stream::PersonalStream;

use crate::finding::Finding;
use names::Lists;
use text::Text;
use walk::{Search, Walk};
use words::Words;

/// The most bytes of a channel that are held back at any time: no judgement reads further.
pub const PERSONAL_AHEAD_BYTES_MAX: usize = text::AHEAD_BYTES_MAX;

/// Findings below this score are not reported, unless [`Personal::with`] says so.
pub const PERSONAL_SCORE_MIN: u8 = 60;

/// What is kept of exchanges is cleaned of what may be personal, not only of what is.
const KEPT_SCORE_MIN: u8 = 40;

/// Finds personal data. Built once, shared.
pub struct Personal(Search);

impl Personal {
    /// Looks for every kind, and reports what is more likely than not.
    #[must_use]
    pub fn new() -> Self {
        Self::with(PersonalKinds::ALL, PERSONAL_SCORE_MIN)
    }

    /// Looks for these kinds, and reports findings from this score on, in percent.
    #[must_use]
    pub fn with(kinds: PersonalKinds, score_min: u8) -> Self {
        Self(Search {
            kinds,
            score_min,
            words: Arc::new(LazyLock::new(Words::new)),
            lists: Arc::new(LazyLock::new(Lists::new)),
        })
    }

    /// The same with other kinds and another least score; cheap, for what is dear is shared.
    #[must_use]
    pub fn narrowed(&self, kinds: PersonalKinds, score_min: u8) -> Self {
        Self(Search {
            kinds,
            score_min,
            words: self.0.words.clone(),
            lists: self.0.lists.clone(),
        })
    }

    /// Makes the lists ready that are made when they are first needed.
    pub(crate) fn prepare(&self) {
        if self.0.kinds != PersonalKinds::NONE {
            LazyLock::force(&self.0.words);
            LazyLock::force(&self.0.lists);
        }
    }

    /// Appends the personal data in `text`, in order. Findings do not overlap.
    // threat: ANP-0010 ANP-0017
    pub fn scan(&self, text: &str, found: &mut Vec<Finding>) {
        let text = Text::new(text.as_bytes(), 0, true);
        let (mut walk, mut at) = (Walk::new(), 0);
        while at < text.len() {
            at = walk.skim(&self.0, &text, at);
            at = walk.step(&self.0, &text, at, found);
        }
    }
}

impl Default for Personal {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Personal")
            .field("kinds", &self.0.kinds)
            .field("score_min", &self.0.score_min)
            .finish_non_exhaustive()
    }
}

/// Appends the personal data in `text`: for what is written down of calls. It finds too much rather than too little.
// threat: ANP-0010
pub fn scan_personal(text: &str, found: &mut Vec<Finding>) {
    static KEPT: LazyLock<Arc<Personal>> =
        LazyLock::new(|| Arc::new(Personal::with(PersonalKinds::ALL, KEPT_SCORE_MIN)));
    KEPT.scan(text, found);
}
