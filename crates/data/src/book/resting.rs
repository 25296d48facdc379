//! How often a node asks the store for more of one budget: one question at a time, and a rest between two. However many
//! calls come, the store is written so often and no more; who waits meanwhile is asked for together.

use std::time::Duration;

use domain::{Money, UnixMillis};
use ledger::lease_size;
use tokio::time::Instant;

use super::cell::State;
use super::{Book, Cell};

/// Between two questions while a lease is several calls' worth.
pub const REST: Duration = Duration::from_millis(100);
/// Near the limit, where each question brings no more than the next calls need.
pub const REST_NEAR: Duration = Duration::from_millis(25);
/// Seconds that what was granted lately is taken to last: the next question is for as much again.
const GRANTED_SECONDS: i64 = 5;

impl State {
    /// How much to ask for: some seconds of what is spent, and at least as much as was granted since the last look, so
    /// that a budget in which spending begins is not asked for call by call.
    pub(super) fn wanted(&self, at_least: Money) -> Money {
        let granted = Money::from_nanos(self.granted.nanos() / GRANTED_SECONDS);
        let rate = Money::from_nanos(self.recent.nanos() / 2).max(granted);
        lease_size(self.budget.limit, self.remaining_hint, rate, at_least)
    }

    /// Whether it is known that the store holds less than that.
    pub(super) fn is_known_to_lack(&self, at_least: Money, now: UnixMillis) -> bool {
        let known = self.exhausted.as_ref();
        known.is_some_and(|(until, remaining, _)| now < *until && at_least > *remaining)
    }

    /// How long the store is left alone after a question.
    fn rest(&self, at_least: Money) -> Duration {
        if self.wanted(at_least) > at_least {
            REST
        } else {
            REST_NEAR
        }
    }
}

impl Book {
    /// Waits until the store may be asked again for so much of it. Whether that took time: what was short then may be
    /// there now. At once where nothing would be asked. One at a time for each cell.
    // threat: AGP-D2
    pub(super) async fn rests(&self, cell: &Cell, at_least: Money, now: UnixMillis) -> bool {
        match self.rests_until(cell, at_least, now) {
            None => false,
            Some(until) => {
                tokio::time::sleep_until(until).await;
                true
            }
        }
    }

    /// How long a call waits: for the store as long as it may, and for a rest before that.
    pub(super) fn longest(&self) -> Duration {
        self.wait.saturating_add(REST.min(self.wait / 2))
    }

    /// Until when the store is not asked for so much of it, if it may not be asked now.
    pub(super) fn rests_until(&self, cell: &Cell, at_least: Money, now: UnixMillis) -> Option<Instant> {
        let state = cell.lock();
        if state.is_known_to_lack(at_least, now) {
            return None;
        }
        let rest = state.rest(at_least).min(self.wait / 2);
        let until = state.asked.and_then(|asked| asked.checked_add(rest));
        until.filter(|until| *until > Instant::now())
    }
}
