//! One budget on this node: what is held of it, and the window it is held in.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{BudgetId, Money, TenantScope, UnixMillis};
use ledger::{Budget, Holding, Lease, Shut, Spend, Unit, is_session_window};

use super::sessions::Sessions;

/// One budget on this node.
#[derive(Debug)]
pub struct Cell {
    pub(super) scope: TenantScope,
    /// What it counts; never changes.
    unit: Unit,
    /// Where one session may take only so much; never changes.
    pub(super) sessions: Option<Sessions>,
    state: Mutex<State>,
    /// Held while the store is asked, so that a hundred callers ask once.
    pub(super) asking: tokio::sync::Mutex<()>,
    pub(super) prefetching: AtomicBool,
}

/// Why a cell reserves nothing by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum No {
    /// Somebody paused the budget.
    Paused,
    /// Its time is not now.
    Shut(Shut),
    /// Its zone is one that this version does not know.
    Illegible,
    /// The lease is so much short.
    Short(Money),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) budget: Budget,
    is_legible: bool,
    /// The window that is current, and what is held in it.
    pub(super) current: Slot,
    end: Option<UnixMillis>,
    /// Windows that have ended but still have calls under way, or something to give back.
    pub(super) past: Vec<Slot>,
    pub(super) exhausted: Option<(UnixMillis, Money, Money)>,
    /// Spend since the last tidy, for the size of the next lease.
    pub(super) recent: Money,
    /// What was granted since then.
    pub(super) granted: Money,
    /// When the store was asked last for more.
    pub(super) asked: Option<tokio::time::Instant>,
    /// What the store said is left, after the last grant.
    pub(super) remaining_hint: Money,
    /// What calls that wait for the lease to grow need together.
    pub(super) waiting: Money,
    /// The window in which a refusal was told of, and the limit then.
    told: Option<(UnixMillis, Money)>,
}

/// What is held in one window.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) start: UnixMillis,
    pub(super) holding: Holding,
    /// An answer of the store's was lost: its lease may be larger than what is held here.
    pub(super) unsure: bool,
    /// The store has said how its lease stands.
    is_known: bool,
}

/// What was taken out of a holding to be given back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idle {
    pub(super) start: UnixMillis,
    pub(super) amount: Money,
    was_unsure: bool,
}

impl Slot {
    const fn new(start: UnixMillis) -> Self {
        Self {
            start,
            holding: Holding::new(),
            unsure: false,
            is_known: false,
        }
    }

    /// The store says how the lease stands. Where nothing was held before, what is used of it was used when this node
    /// held it last.
    // threat: AGP-D1
    pub(super) fn hear(&mut self, lease: &Lease) {
        if !std::mem::replace(&mut self.is_known, true) {
            self.holding.resume(lease.used);
        }
        self.holding.adopt(lease.amount);
    }

    /// Takes what is idle above `keep` out of it. Until the store is heard of it is not known what is held: also where
    /// nobody waits for its answer any more.
    pub(super) fn give_back(&mut self, keep: Money) -> Option<Idle> {
        let amount = self.holding.give_back(keep);
        let idle = Idle {
            start: self.start,
            amount,
            was_unsure: self.unsure,
        };
        (amount > Money::ZERO).then(|| {
            self.unsure = true;
            idle
        })
    }

    /// Whether nothing more will become of it.
    pub(super) fn is_done(&self) -> bool {
        let is_empty = self.holding.reserved() == Money::ZERO && self.holding.available() == Money::ZERO;
        is_empty && !self.unsure
    }
}

impl Cell {
    pub(crate) fn new(budget: Budget, now: UnixMillis) -> Self {
        let (start, end) = budget.period(now);
        let (scope, unit) = (TenantScope::operator(budget.tenant), budget.terms.unit);
        let remaining_hint = budget.limit;
        let sessions = budget.terms.per_session.map(Sessions::new);
        let state = State {
            is_legible: budget.is_legible(),
            budget,
            current: Slot::new(start),
            end,
            past: Vec::new(),
            exhausted: None,
            recent: Money::ZERO,
            granted: Money::ZERO,
            asked: None,
            remaining_hint,
            waiting: Money::ZERO,
            told: None,
        };
        Self {
            scope,
            unit,
            sessions,
            state: Mutex::new(state),
            asking: tokio::sync::Mutex::new(()),
            prefetching: AtomicBool::new(false),
        }
    }

    /// The budget's id.
    pub fn id(&self) -> BudgetId {
        self.lock().budget.id
    }

    /// What it counts.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// As much of `spend` as it counts.
    pub(super) fn counts(&self, spend: Spend) -> Money {
        spend.counted_in(self.unit)
    }

    /// Takes the budget as it is now; what was known of a limit is forgotten with it.
    pub(super) fn replace(&self, budget: &Budget) {
        let mut state = self.lock();
        if state.budget != *budget {
            state.exhausted = None;
            state.remaining_hint = budget.limit;
            state.is_legible = budget.is_legible();
            state.budget = budget.clone();
            drop(state);
            if let Some(sessions) = &self.sessions {
                sessions.replace(budget);
            }
        }
    }

    /// When the window began that is current.
    pub(super) fn window(&self) -> UnixMillis {
        self.lock().current.start
    }

    /// Whether the store was never heard of about it, and nothing is held.
    pub(super) fn was_never_held(&self) -> bool {
        let state = self.lock();
        let Slot {
            holding,
            unsure,
            is_known,
            ..
        } = &state.current;
        !is_known && !unsure && *holding == Holding::new()
    }

    /// Whether all that is held of it is used.
    pub(super) fn rests(&self) -> bool {
        let state = self.lock();
        let Slot { holding, unsure, .. } = &state.current;
        !unsure && holding.reserved() == Money::ZERO && holding.leased() == holding.used()
    }

    /// Whether it rests, and nothing was used of it but what is used of this lease.
    pub(super) fn is_at_rest(&self, lease: Option<&Lease>) -> bool {
        let (used, leased) = {
            let state = self.lock();
            (state.current.holding.used(), state.current.holding.leased())
        };
        self.rests() && lease.is_none_or(|lease| (lease.used, lease.amount) == (used, leased))
    }

    /// What was spent since this was asked last.
    pub(super) fn take_recent(&self) -> Money {
        let mut state = self.lock();
        state.granted = Money::ZERO;
        std::mem::replace(&mut state.recent, Money::ZERO)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned cell is still consistent: every update below is one assignment at its end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves from what the node holds: the window, and whether little is left.
    // threat: AGP-D1
    pub(super) fn try_reserve(&self, amount: Money, now: UnixMillis) -> Result<(UnixMillis, bool), No> {
        let mut state = self.lock();
        if state.budget.terms.paused.is_some() {
            return Err(No::Paused);
        }
        if let Some(shut) = state.budget.shut(now) {
            return Err(No::Shut(shut));
        }
        if !state.is_legible {
            return Err(No::Illegible);
        }
        state.roll(now);
        let holding = &mut state.current.holding;
        let reserved = holding.reserve(amount);
        reserved.map_err(|short| No::Short(short.missing))?;
        let low = holding.available() < amount.plus(amount).plus(amount);
        Ok((state.current.start, low))
    }

    pub(super) fn holding_of<T>(
        &self,
        window_start: UnixMillis,
        then: impl FnOnce(&mut Holding) -> T,
    ) -> Option<T> {
        self.slot_of(window_start, |slot| then(&mut slot.holding))
    }

    pub(super) fn slot_of<T>(
        &self,
        window_start: UnixMillis,
        then: impl FnOnce(&mut Slot) -> T,
    ) -> Option<T> {
        let mut state = self.lock();
        let State { current, past, .. } = &mut *state;
        let mut slots = std::iter::once(current).chain(past);
        slots.find(|slot| slot.start == window_start).map(then)
    }

    /// Windows of which it is not known how much is held in them.
    pub(super) fn unsure(&self) -> Vec<UnixMillis> {
        let state = self.lock();
        let is_unsure = |slot: &&Slot| slot.unsure || slot.holding.is_overdrawn();
        let current = std::iter::once(&state.current).filter(is_unsure);
        let past = state.past.iter().filter(|slot| slot.unsure);
        current.chain(past).map(|slot| slot.start).collect()
    }

    /// Takes what is idle in windows that have ended out of what is held, for the store to have back.
    pub(super) fn idle_past(&self) -> Vec<Idle> {
        let mut state = self.lock();
        let idle = state
            .past
            .iter_mut()
            .filter_map(|slot| slot.give_back(Money::ZERO));
        idle.collect()
    }

    pub(super) fn settle(&self, window_start: UnixMillis, reserved: Money, actual: Money) {
        let overrun = self.holding_of(window_start, |holding| holding.settle(reserved, actual));
        if let Some(overrun) = overrun.filter(|overrun| !overrun.is_none()) {
            // Only a provider that used more than it was asked for comes here. It is counted all the same.
            tracing::error!(budget = %self.id(), nanos = overrun.0.nanos(), "a call cost more than its bound");
        }
        let mut state = self.lock();
        state.recent = state.recent.plus(actual);
    }

    pub(super) fn void(&self, window_start: UnixMillis, reserved: Money) {
        self.holding_of(window_start, |holding| holding.void(reserved));
    }

    /// The budget and its window, if no refusal of it was told of in that window, or it was raised since. A window that
    /// goes along with the clock is told of once in its length.
    pub(crate) fn first_refusal(&self) -> Option<(Budget, UnixMillis)> {
        let mut state = self.lock();
        let start = state.current.start;
        if is_session_window(start) {
            return None; // A budget is told of, and not every session.
        }
        let length = state
            .budget
            .terms
            .rolling
            .map(|rolling| i64::from(rolling.minutes.max(1)) * 60_000);
        let window = length.map_or(start, |length| UnixMillis(start.0 - start.0.rem_euclid(length)));
        let now = (window, state.budget.limit_at(start));
        (state.told.replace(now) != Some(now)).then(|| (state.budget.clone(), window))
    }

    /// The refusal could not be told of: the next one is.
    pub(crate) fn forget_refusal(&self) {
        self.lock().told = None;
    }

    pub(super) fn waits_for(&self, change: impl FnOnce(Money) -> Money) {
        let mut state = self.lock();
        state.waiting = change(state.waiting);
    }

    /// The store has taken it back, or the lease is gone.
    pub(super) fn given_back(&self, idle: &Idle) {
        self.slot_of(idle.start, |slot| slot.unsure = idle.was_unsure);
    }
}

impl State {
    /// Moves to the current window; the old one stays until its calls are settled.
    pub(super) fn roll(&mut self, now: UnixMillis) {
        if self.end.is_none_or(|end| now < end) {
            return;
        }
        let (start, end) = self.budget.period(now);
        if start == self.current.start {
            return; // Its one window has ended, and no other comes.
        }
        let old = std::mem::replace(&mut self.current, Slot::new(start));
        self.past.push(old);
        self.end = end;
        self.exhausted = None;
        self.remaining_hint = self.budget.limit;
    }
}
