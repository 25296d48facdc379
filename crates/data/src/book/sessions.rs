//! Sessions under one budget on this node: a cell each, like a budget's, kept for as long as something is held of it or
//! not yet shipped. Never more of them at once than a bound, whatever callers send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Money, UnixMillis};
use ledger::{Budget, Lease, PerSession, session_window};
use store::{LeaseAnswer, StoreError};

use super::{Book, Cell, Unreserved};

/// How many sessions of one budget may be open on one node: more are refused until some of them rest.
pub(super) const OPEN_MAX: usize = 10_000;

/// The sessions of one budget.
#[derive(Debug)]
pub(super) struct Sessions {
    is_required: bool,
    open: Mutex<HashMap<UnixMillis, Arc<Cell>>>,
}

impl Sessions {
    pub(super) fn new(per_session: PerSession) -> Self {
        Self {
            is_required: per_session.is_required,
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UnixMillis, Arc<Cell>>> {
        // Whole after every step.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn all(&self) -> Vec<Arc<Cell>> {
        self.lock().values().cloned().collect()
    }

    /// The budget is now so.
    pub(super) fn replace(&self, budget: &Budget) {
        for (start, session) in self.lock().iter() {
            session.replace(&budget.clone().of_window(*start));
        }
    }

    /// Forgets a session that nobody uses, if the store has heard of all that was spent in it here: whoever comes back
    /// to it begins with what the store says.
    // threat: AGP-D1
    fn forget(&self, session: &Arc<Cell>, heard: Option<&Lease>) {
        let mut open = self.lock();
        // Here, and in the hands of who asks: nobody else has it, and nobody gets it while the map is locked.
        if Arc::strong_count(session) <= 2 && session.is_at_rest(heard) {
            open.remove(&session.window());
        }
    }
}

impl Cell {
    /// The session's own cell, where the budget has a ceiling for sessions; opened now if it is not.
    // threat: AGP-D1
    pub(super) fn of_session(
        &self,
        session: Option<&str>,
        now: UnixMillis,
    ) -> Result<Option<Arc<Self>>, Unreserved> {
        let Some(sessions) = &self.sessions else {
            return Ok(None);
        };
        let name = || self.lock().budget.name.clone();
        let Some(session) = session else {
            return match sessions.is_required {
                true => Err(Unreserved::NoSession(name())),
                false => Ok(None),
            };
        };
        let start = session_window(session);
        let mut open = sessions.lock();
        if let Some(known) = open.get(&start) {
            return Ok(Some(known.clone()));
        }
        // threat: ANP-0008
        if open.len() >= OPEN_MAX {
            return Err(Unreserved::ManySessions(name()));
        }
        let budget = self.lock().budget.clone().of_window(start);
        let cell = Arc::new(Self::new(budget, now));
        open.insert(start, cell.clone());
        Ok(Some(cell))
    }
}

impl Book {
    /// Gives back what sessions of a budget did not use lately, and forgets those that rest.
    pub(super) async fn tidy_sessions(&self, cell: &Cell) {
        let Some(sessions) = &cell.sessions else {
            return;
        };
        for session in sessions.all() {
            if self.rest(&session).await == Money::ZERO {
                self.end(sessions, &session).await;
            }
        }
    }

    /// Gives all of it back, at the end of a run.
    pub(super) async fn close_sessions(&self, cell: &Cell) {
        for session in cell.sessions.iter().flat_map(Sessions::all) {
            self.give_back(&session, Money::ZERO).await;
        }
    }

    /// Ends a session that rests. A lease of nothing is asked for, to hear how much of it is shipped.
    async fn end(&self, sessions: &Sessions, session: &Arc<Cell>) {
        let _one_at_a_time = session.asking.lock().await;
        if session.was_never_held() {
            return sessions.forget(session, None);
        }
        if !session.rests() {
            return;
        }
        let start = session.window();
        let wish = self.wish_of(&session.lock(), start, (Money::ZERO, Money::ZERO));
        match self.ask(session, &wish).await {
            Ok(LeaseAnswer::Granted { lease, .. }) => sessions.forget(session, Some(&lease)),
            Err(StoreError::NotFound) => sessions.forget(session, None),
            Ok(LeaseAnswer::Exhausted { .. }) | Err(_) => {}
        }
    }
}
