//! What a set that is only tried out would have answered otherwise. Bounded: a question is kept once, with how
//! often it came, and the oldest question goes when there are too many. Never changes an answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::UnixMillis;
use serde::Serialize;

use crate::Plane;

/// Questions kept at once.
pub const DIFFERENCES_MAX: usize = 500;

/// An answer, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Whether it was yes.
    pub permit: bool,
    /// The policies that decided.
    pub policies: Vec<String>,
}

/// A question that two sets answer differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What was asked, in a line.
    pub question: String,
    /// Whose tenant asked.
    pub tenant: String,
    /// What was answered.
    pub active: Answered,
    /// What the set that is tried out would have answered.
    pub shadow: Answered,
    /// How often it came up.
    pub count: u64,
    /// When it last did.
    pub last: UnixMillis,
}

/// What was found about one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Questions that were asked of both sets.
    pub compared: u64,
    /// Questions that were not, because too many came at once.
    pub skipped: u64,
    /// Questions that the other set could not be asked.
    pub failed: u64,
    /// Those that differ, newest first.
    pub differences: Vec<Difference>,
}

#[derive(Debug, Default)]
struct Notes {
    version: u64,
    compared: u64,
    skipped: u64,
    failed: u64,
    uncounted: u64,
    by_question: HashMap<String, Difference>,
}

/// How a comparison ended.
#[derive(Debug)]
pub enum Compared {
    /// Both say the same.
    Same,
    /// They do not.
    Differs(Box<Difference>),
    /// There was no time.
    Skipped,
    /// The other set could not be asked.
    Failed,
}

/// Differences of both planes, on one node.
#[derive(Debug, Default)]
pub struct Differences {
    calls: Mutex<Notes>,
    control: Mutex<Notes>,
}

impl Differences {
    /// Takes note. What is about another version than the last begins anew.
    pub fn note(&self, plane: Plane, version: u64, compared: Compared) {
        let mut notes = self.notes(plane);
        if notes.version != version {
            // What an older comparison still finds out is of no interest any more.
            if version < notes.version {
                return;
            }
            *notes = Notes {
                version,
                uncounted: notes.uncounted,
                ..Notes::default()
            };
        }
        match compared {
            Compared::Skipped => notes.skipped += 1,
            Compared::Failed => notes.failed += 1,
            Compared::Same => notes.compared += 1,
            Compared::Differs(new) => {
                notes.compared += 1;
                notes.uncounted += 1;
                notes.keep(*new);
            }
        }
    }

    /// How many differences came up since this was last asked: for a metric.
    pub fn take_uncounted(&self, plane: Plane) -> u64 {
        std::mem::take(&mut self.notes(plane).uncounted)
    }

    /// What is known of a version.
    pub fn of(&self, plane: Plane, version: u64) -> Found {
        let notes = self.notes(plane);
        if notes.version != version {
            return Found::default();
        }
        let mut differences: Vec<_> = notes.by_question.values().cloned().collect();
        differences.sort_by(|a, b| (b.last, &a.question).cmp(&(a.last, &b.question)));
        Found {
            compared: notes.compared,
            skipped: notes.skipped,
            failed: notes.failed,
            differences,
        }
    }

    fn notes(&self, plane: Plane) -> MutexGuard<'_, Notes> {
        let notes = match plane {
            Plane::Calls => &self.calls,
            Plane::Control => &self.control,
        };
        notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn keep(&mut self, new: Difference) {
        if let Some(known) = self.by_question.get_mut(&new.question) {
            *known = Difference {
                count: known.count.saturating_add(1),
                ..new
            };
            return;
        }
        if self.by_question.len() >= DIFFERENCES_MAX {
            let oldest = self.by_question.values().min_by_key(|one| one.last);
            let oldest = oldest.map(|one| one.question.clone());
            oldest.and_then(|oldest| self.by_question.remove(&oldest));
        }
        self.by_question.insert(new.question.clone(), new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(question: &str, at: i64) -> Compared {
        let answered = |permit| Answered {
            permit,
            policies: Vec::new(),
        };
        Compared::Differs(Box::new(Difference {
            question: question.to_owned(),
            tenant: String::new(),
            active: answered(true),
            shadow: answered(false),
            count: 1,
            last: UnixMillis(at),
        }))
    }

    #[test]
    fn a_question_is_kept_once_and_the_oldest_goes() {
        let kept = Differences::default();
        for at in 0..=DIFFERENCES_MAX as i64 {
            kept.note(Plane::Calls, 3, difference(&at.to_string(), at));
        }
        kept.note(Plane::Calls, 3, difference("7", 10_000));
        kept.note(Plane::Calls, 3, Compared::Same);
        kept.note(Plane::Calls, 3, Compared::Skipped);
        let found = kept.of(Plane::Calls, 3);
        assert_eq!(found.differences.len(), DIFFERENCES_MAX);
        assert_eq!(
            (found.differences[0].question.as_str(), found.differences[0].count),
            ("7", 2)
        );
        assert!(found.differences.iter().all(|one| one.question != "0"));
        assert_eq!((found.compared, found.skipped), (DIFFERENCES_MAX as u64 + 3, 1));
        assert_eq!(kept.of(Plane::Control, 3), Found::default());
        assert_eq!(kept.take_uncounted(Plane::Calls), DIFFERENCES_MAX as u64 + 2);
        assert_eq!(kept.take_uncounted(Plane::Calls), 0);
    }

    #[test]
    fn another_version_begins_anew_and_an_older_one_is_not_heard() {
        let kept = Differences::default();
        kept.note(Plane::Calls, 3, difference("a", 1));
        kept.note(Plane::Calls, 4, Compared::Same);
        kept.note(Plane::Calls, 3, difference("a", 2));
        assert_eq!(kept.of(Plane::Calls, 3), Found::default());
        assert_eq!(kept.of(Plane::Calls, 4).compared, 1);
    }
}
