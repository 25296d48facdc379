//! A bounded list of what was seen, and when last.

use serde::{Deserialize, Serialize};

/// What was seen. When it is full, what was not seen for longest goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Seen<T>(Vec<(T, i64)>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Seen<T> {
    /// Whether it was seen in the last `forget_ms`.
    pub(crate) fn knows<Q: ?Sized>(&self, what: &Q, now: i64, forget_ms: u64) -> bool
    where
        T: PartialEq<Q>,
    {
        self.0
            .iter()
            .any(|(seen, at)| seen == what && is_remembered(*at, now, forget_ms))
    }

    /// Whether so many were seen in the last `forget_ms` that another one says nothing.
    pub(crate) fn is_full(&self, max: usize, now: i64, forget_ms: u64) -> bool {
        let remembered = self.0.iter().filter(|(_, at)| is_remembered(*at, now, forget_ms));
        remembered.count() >= max
    }

    /// Remembers it.
    pub(crate) fn learn<Q>(&mut self, what: &Q, now: i64, max: usize)
    where
        Q: ToOwned<Owned = T> + ?Sized,
        T: PartialEq<Q>,
    {
        if let Some((_, at)) = self.0.iter_mut().find(|(seen, _)| seen == what) {
            *at = (*at).max(now);
            return;
        }
        self.0.push((what.to_owned(), now));
        self.keep(max);
    }

    /// Drops the oldest until there are no more than `max`.
    pub(crate) fn keep(&mut self, max: usize) {
        while self.0.len() > max {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, (_, at))| *at);
            let Some((place, _)) = oldest else { return };
            self.0.remove(place);
        }
    }
}

/// Whether what was seen then is still remembered.
pub(crate) fn is_remembered(at: i64, now: i64, forget_ms: u64) -> bool {
    u64::try_from(now.saturating_sub(at)).is_ok_and(|ago| ago <= forget_ms) || at > now
}
