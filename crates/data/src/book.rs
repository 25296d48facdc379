//! What this node holds of every budget: reservations from memory, leases from the store.
//!
//! A reservation is answered from the node's own lease. Only when the lease does not hold it is the
//! store asked, once for all who wait; before that point the keeper has usually grown the lease already.
//! Nothing here guesses: a budget that cannot be read is not spent from.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{BudgetId, Money, NodeId, TenantScope, UnixMillis};
use ledger::{Budget, Charge, Holding, Lease, lease_size};
use store::{LeaseAnswer, LeaseWish, Store, StoreError};
use telemetry::Metrics;
use tokio::sync::mpsc;

/// How long "nothing left" is believed before the store is asked again.
const EXHAUSTED_MS: i64 = 250;
/// How often idle leases are looked at.
const TIDY_EVERY: Duration = Duration::from_secs(2);

/// Why nothing was reserved.
#[derive(Debug)]
pub enum Unreserved {
    /// The budget does not hold it; what is left, and what other nodes hold of it.
    Exhausted {
        /// The budget's name.
        budget: String,
        /// What is left to lease.
        remaining: Money,
        /// What may come back from other nodes.
        elsewhere: Money,
    },
    /// The store did not answer.
    Unavailable(String),
}

/// One budget on this node.
#[derive(Debug)]
pub struct Cell {
    scope: TenantScope,
    state: Mutex<State>,
    /// Held while the store is asked, so that a hundred callers ask once.
    asking: tokio::sync::Mutex<()>,
    prefetching: AtomicBool,
}

#[derive(Debug)]
struct State {
    budget: Budget,
    start: UnixMillis,
    end: Option<UnixMillis>,
    holding: Holding,
    /// Windows that have ended but still have calls under way.
    past: Vec<(UnixMillis, Holding)>,
    exhausted: Option<(UnixMillis, Money, Money)>,
    /// Spend since the last tidy, for the size of the next lease.
    recent: Money,
    /// What the store said is left, after the last grant.
    remaining_hint: Money,
    /// An answer of the store's was lost: its lease may be larger than what is held here.
    unsure: bool,
    /// What calls that wait for the lease to grow need together.
    waiting: Money,
}

impl Cell {
    fn new(scope: TenantScope, budget: Budget, now: UnixMillis) -> Self {
        let (start, end) = (budget.window.start(now), budget.window.end(now));
        let remaining_hint = budget.limit;
        let state = State {
            budget,
            start,
            end,
            holding: Holding::new(),
            past: Vec::new(),
            exhausted: None,
            recent: Money::ZERO,
            remaining_hint,
            unsure: false,
            waiting: Money::ZERO,
        };
        Self {
            scope,
            state: Mutex::new(state),
            asking: tokio::sync::Mutex::new(()),
            prefetching: AtomicBool::new(false),
        }
    }

    /// The budget's id.
    pub fn id(&self) -> BudgetId {
        self.lock().budget.id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned cell is still consistent: every update below is one assignment at its end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves from what the node holds. `Err` is how much is missing.
    fn try_reserve(&self, amount: Money, now: UnixMillis) -> Result<(UnixMillis, bool), Money> {
        let mut state = self.lock();
        state.roll(now);
        state.holding.reserve(amount).map_err(|short| short.missing)?;
        let low = state.holding.available() < amount.plus(amount).plus(amount);
        Ok((state.start, low))
    }

    fn holding_of<T>(&self, window_start: UnixMillis, then: impl FnOnce(&mut Holding) -> T) -> Option<T> {
        let mut state = self.lock();
        if state.start == window_start {
            return Some(then(&mut state.holding));
        }
        state
            .past
            .iter_mut()
            .find(|(start, _)| *start == window_start)
            .map(|(_, holding)| then(holding))
    }

    fn settle(&self, window_start: UnixMillis, reserved: Money, actual: Money) {
        let overrun = self.holding_of(window_start, |holding| holding.settle(reserved, actual));
        if let Some(overrun) = overrun.filter(|overrun| !overrun.is_none()) {
            // Only a provider that used more than it was asked for comes here. It is counted all the same.
            tracing::error!(budget = %self.id(), nanos = overrun.0.nanos(), "a call cost more than its bound");
        }
        let mut state = self.lock();
        state.recent = state.recent.plus(actual);
    }

    fn void(&self, window_start: UnixMillis, reserved: Money) {
        self.holding_of(window_start, |holding| holding.void(reserved));
    }

    fn waits_for(&self, change: impl FnOnce(Money) -> Money) {
        let mut state = self.lock();
        state.waiting = change(state.waiting);
    }

    /// The store did not say that it took `amount` back. A lease that is gone needs nothing more.
    fn not_given_back(&self, window_start: UnixMillis, amount: Money, error: &StoreError) {
        if *error == StoreError::NotFound {
            return;
        }
        let mut state = self.lock();
        if state.start == window_start {
            state.unsure = true;
        } else if let Some((_, holding)) = state.past.iter_mut().find(|(start, _)| *start == window_start) {
            holding.undo_give_back(amount);
        }
    }
}

impl State {
    /// Moves to the current window; the old one stays until its calls are settled.
    fn roll(&mut self, now: UnixMillis) {
        if self.end.is_none_or(|end| now < end) {
            return;
        }
        let old = std::mem::replace(&mut self.holding, Holding::new());
        self.past.push((self.start, old));
        self.start = self.budget.window.start(now);
        self.end = self.budget.window.end(now);
        self.exhausted = None;
        self.remaining_hint = self.budget.limit;
    }
}

/// Money held for one call, in each of its budgets. Settled or voided exactly once: both consume it.
#[derive(Debug)]
#[must_use = "a reservation is settled or voided"]
pub struct Reservation {
    held: Vec<(Arc<Cell>, UnixMillis)>,
    amount: Money,
}

impl Reservation {
    /// What is held in each budget.
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// What the entry of a call that cost `cost` takes from each budget.
    pub fn charges(&self, cost: Money) -> Vec<Charge> {
        self.held
            .iter()
            .map(|(cell, window_start)| Charge {
                budget: cell.id(),
                window_start: *window_start,
                amount: cost,
            })
            .collect()
    }

    /// The call cost `actual`; the rest is free again.
    pub fn settle(self, actual: Money) {
        for (cell, window_start) in &self.held {
            cell.settle(*window_start, self.amount, actual);
        }
    }

    /// The call cost nothing.
    pub fn void(self) {
        for (cell, window_start) in &self.held {
            cell.void(*window_start, self.amount);
        }
    }
}

/// All budgets of this node, and the way to the store for more.
#[derive(Debug)]
pub struct Book {
    store: Arc<dyn Store>,
    node: NodeId,
    lease_ttl: Duration,
    wait: Duration,
    cells: Mutex<BTreeMap<BudgetId, Arc<Cell>>>,
    wishes: mpsc::Sender<Arc<Cell>>,
    metrics: Arc<Metrics>,
    clock: fn() -> UnixMillis,
}

/// The keeper's end of the book: run it beside the gate.
#[derive(Debug)]
pub struct Keeper {
    book: Arc<Book>,
    wishes: mpsc::Receiver<Arc<Cell>>,
}

impl Book {
    /// An empty book. `wait` bounds how long a call may wait for the store when its lease runs out.
    pub fn new(
        place: (Arc<dyn Store>, NodeId),
        lease_ttl: Duration,
        wait: Duration,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, Keeper) {
        Self::by_clock(UnixMillis::now, place, lease_ttl, wait, metrics)
    }

    /// The same by another clock than the system's: how clocks that jump and disagree are rehearsed.
    pub fn by_clock(
        clock: fn() -> UnixMillis,
        (store, node): (Arc<dyn Store>, NodeId),
        lease_ttl: Duration,
        wait: Duration,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, Keeper) {
        let (sender, wishes) = mpsc::channel(1024);
        let book = Arc::new(Self {
            store,
            node,
            lease_ttl,
            wait,
            cells: Mutex::default(),
            wishes: sender,
            metrics,
            clock,
        });
        (book.clone(), Keeper { book, wishes })
    }

    /// The cells of these budgets, made where new; cells of budgets no longer named are forgotten once
    /// the last call that holds them has ended.
    pub fn reconcile(&self, budgets: &[Budget], now: UnixMillis) -> BTreeMap<BudgetId, Arc<Cell>> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = BTreeMap::new();
        for budget in budgets {
            let cell = cells.remove(&budget.id).unwrap_or_else(|| {
                Arc::new(Cell::new(
                    TenantScope::operator(budget.tenant),
                    budget.clone(),
                    now,
                ))
            });
            {
                let mut state = cell.lock();
                if state.budget != *budget {
                    state.exhausted = None;
                    state.remaining_hint = budget.limit;
                    state.budget = budget.clone();
                }
            }
            kept.insert(budget.id, cell);
        }
        *cells = kept.clone();
        kept
    }

    /// Reserves `amount` in every one of `cells`, or in none.
    // threat: AGP-D1
    // threat: AGP-BUDGET-3.1
    pub async fn reserve(
        &self,
        cells: &[Arc<Cell>],
        amount: Money,
        now: UnixMillis,
    ) -> Result<Reservation, Unreserved> {
        let mut reservation = Reservation {
            held: Vec::with_capacity(cells.len()),
            amount,
        };
        for cell in cells {
            let held = match cell.try_reserve(amount, now) {
                Ok((start, low)) => {
                    if low {
                        self.wish(cell);
                    }
                    Ok(start)
                }
                Err(missing) => self.reserve_with_more(cell, amount, missing, now).await,
            };
            match held {
                Ok(start) => reservation.held.push((cell.clone(), start)),
                Err(refused) => {
                    reservation.void();
                    return Err(refused);
                }
            }
        }
        Ok(reservation)
    }

    /// Asks the keeper to grow the lease soon. Losing a wish costs a wait, never money.
    fn wish(&self, cell: &Arc<Cell>) {
        if !cell.prefetching.swap(true, Ordering::Relaxed) && self.wishes.try_send(cell.clone()).is_err() {
            cell.prefetching.store(false, Ordering::Relaxed);
        }
    }

    async fn reserve_with_more(
        &self,
        cell: &Arc<Cell>,
        amount: Money,
        missing: Money,
        now: UnixMillis,
    ) -> Result<UnixMillis, Unreserved> {
        let asking = async {
            let _one_at_a_time = cell.asking.lock().await;
            let mut missing = missing;
            // Another caller may take what was just granted: a few turns, never for ever.
            for _ in 0..8 {
                match cell.try_reserve(amount, now) {
                    Ok((start, _)) => return Ok(start),
                    Err(still) => missing = still,
                }
                self.grow(cell, missing, now).await?;
            }
            cell.try_reserve(amount, now)
                .map(|(start, _)| start)
                .map_err(|_| Unreserved::Exhausted {
                    budget: cell.lock().budget.name.clone(),
                    remaining: Money::ZERO,
                    elsewhere: missing,
                })
        };
        // Who asks the store asks for all who wait.
        cell.waits_for(|waiting| waiting.plus(amount));
        let answer = tokio::time::timeout(self.wait, asking).await;
        cell.waits_for(|waiting| waiting.minus_floor_zero(amount));
        answer.unwrap_or_else(|_| {
            Err(Unreserved::Unavailable(
                "the store did not answer in time".to_owned(),
            ))
        })
    }

    /// One conditional update in the store.
    async fn grow(&self, cell: &Arc<Cell>, at_least: Money, now: UnixMillis) -> Result<(), Unreserved> {
        let (wish, name) = {
            let mut state = cell.lock();
            state.roll(now);
            // Too little for one call may be enough for the next.
            if let Some((until, remaining, elsewhere)) = state.exhausted
                && now < until
                && at_least > remaining
            {
                return Err(Unreserved::Exhausted {
                    budget: state.budget.name.clone(),
                    remaining,
                    elsewhere,
                });
            }
            let rate = Money::from_nanos(state.recent.nanos() / 2);
            let wanted =
                lease_size(state.budget.limit, state.remaining_hint, rate, at_least).max(state.waiting);
            (self.wish_of(&state, at_least, wanted), state.budget.name.clone())
        };
        match self.ask(cell, &wish).await {
            Ok(LeaseAnswer::Granted { granted, .. }) => {
                let mut state = cell.lock();
                state.remaining_hint = state.remaining_hint.minus_floor_zero(granted);
                Ok(())
            }
            Ok(LeaseAnswer::Exhausted { remaining, elsewhere }) => {
                let mut state = cell.lock();
                state.remaining_hint = remaining;
                state.exhausted = Some((
                    UnixMillis(now.0.saturating_add(EXHAUSTED_MS)),
                    remaining,
                    elsewhere,
                ));
                Err(Unreserved::Exhausted {
                    budget: name,
                    remaining,
                    elsewhere,
                })
            }
            Err(StoreError::NotFound) => Err(Unreserved::Unavailable(
                "the budget was removed meanwhile".to_owned(),
            )),
            Err(error) => Err(Unreserved::Unavailable(error.to_string())),
        }
    }

    fn wish_of(&self, state: &State, at_least: Money, wanted: Money) -> LeaseWish {
        LeaseWish {
            budget: state.budget.id,
            window_start: state.start,
            node: self.node,
            at_least,
            wanted,
            expires: (self.clock)().plus(self.lease_ttl),
        }
    }

    /// Asks the store, and takes its word for what is held. One at a time for each cell.
    ///
    /// Until a grant is heard of the cell is unsure, also where this future is dropped half-way.
    async fn ask(&self, cell: &Cell, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        let before = std::mem::replace(&mut cell.lock().unsure, true);
        let answer = self.store.grow_lease(&cell.scope, wish).await;
        match &answer {
            Ok(LeaseAnswer::Granted { lease, .. }) => {
                // The store's figure, not ours plus the grant: it also heals replies that were lost.
                cell.holding_of(wish.window_start, |holding| holding.adopt(lease.amount));
                cell.lock().unsure = false;
            }
            Ok(LeaseAnswer::Exhausted { .. }) | Err(StoreError::NotFound) => cell.lock().unsure = before,
            Err(_) => {}
        }
        answer
    }

    /// Learns from the store what is held, where an answer of its was lost: what nobody here knows of would
    /// otherwise stay lent for as long as the node lives.
    // threat: AGP-BUDGET-3.2
    async fn reassure(&self, cell: &Cell) -> bool {
        let wish = {
            let mut state = cell.lock();
            state.roll((self.clock)());
            self.wish_of(&state, Money::ZERO, Money::ZERO)
        };
        let answer = self.ask(cell, &wish).await;
        if let Err(error) = &answer {
            tracing::debug!(budget = %wish.budget, %error, "what is held of a budget is still not known");
        }
        answer.is_ok()
    }

    /// Gives back what a cell holds above `keep`, and the whole of windows that have ended.
    ///
    /// Where the store does not answer, the money is not taken back into the holding: whether it was given
    /// back is unknown, and the store is asked next time. From a window that has ended nobody reserves any
    /// more, so there it is simply tried again.
    async fn give_back(&self, cell: &Arc<Cell>, keep: Money) {
        let _one_at_a_time = cell.asking.lock().await;
        let unsure = {
            let state = cell.lock();
            state.unsure || state.holding.is_overdrawn()
        };
        if unsure && !self.reassure(cell).await {
            return; // The store is away: what is left of the lease is all there is to spend.
        }
        let mut idle = Vec::new();
        {
            let mut state = cell.lock();
            state.roll((self.clock)());
            let (budget, start) = (state.budget.id, state.start);
            idle.push((self.lease(budget, start), state.holding.give_back(keep)));
            for (start, holding) in &mut state.past {
                idle.push((self.lease(budget, *start), holding.give_back(Money::ZERO)));
            }
        }
        for (lease, amount) in idle.into_iter().filter(|(_, amount)| *amount > Money::ZERO) {
            if let Err(error) = self.store.shrink_lease(&cell.scope, &lease, amount).await {
                tracing::debug!(budget = %lease.budget, %error, "an idle lease could not be given back");
                cell.not_given_back(lease.window_start, amount, &error);
            }
        }
        let done =
            |holding: &Holding| holding.reserved() == Money::ZERO && holding.available() == Money::ZERO;
        cell.lock().past.retain(|(_, holding)| !done(holding));
    }

    fn lease(&self, budget: BudgetId, window_start: UnixMillis) -> Lease {
        let (amount, used) = (Money::ZERO, Money::ZERO);
        Lease {
            budget,
            window_start,
            node: self.node,
            amount,
            used,
            expires: UnixMillis(0),
        }
    }

    fn all(&self) -> Vec<Arc<Cell>> {
        self.cells
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Gives everything idle back: at the end of a run.
    pub async fn close(&self) {
        for cell in self.all() {
            self.give_back(&cell, Money::ZERO).await;
        }
    }
}

impl Keeper {
    /// Grows leases ahead of need and gives idle ones back, until the book is gone. The two do not wait for
    /// each other: a store that is slow to take money back must not hold up who needs more.
    pub async fn run(self) {
        let Self { book, mut wishes } = self;
        let growing = async {
            while let Some(cell) = wishes.recv().await {
                book.prefetch(&cell).await;
            }
        };
        let tidying = async {
            let mut every = tokio::time::interval(TIDY_EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                book.tidy().await;
            }
        };
        tokio::select! {
            biased;
            () = growing => {}
            () = tidying => {}
        }
    }
}

impl Book {
    fn gauge(&self) {
        let held: Vec<Money> = self
            .all()
            .iter()
            .map(|cell| cell.lock().holding.leased())
            .collect();
        let gauges = self.metrics.gauges();
        let leases = held.iter().filter(|leased| **leased > Money::ZERO).count();
        gauges.leases_held.set(i64::try_from(leases).unwrap_or(i64::MAX));
        gauges.lease_nanos.set(held.into_iter().sum::<Money>().nanos());
    }

    /// A wish that cannot be granted is no refusal: the next call that needs it hears of it.
    async fn prefetch(&self, cell: &Arc<Cell>) {
        let _one_at_a_time = cell.asking.lock().await;
        let _ = self.grow(cell, Money::from_nanos(1), (self.clock)()).await;
        cell.prefetching.store(false, Ordering::Relaxed);
    }

    /// A budget that nobody has spent from since the last look lends nothing to this node.
    async fn tidy(&self) {
        self.gauge();
        if self.store.revision().await.is_err() {
            return; // With the store away, what is held is all there is to spend: nothing is let go of.
        }
        for cell in self.all() {
            let recent = {
                let mut state = cell.lock();
                std::mem::replace(&mut state.recent, Money::ZERO)
            };
            if recent == Money::ZERO {
                self.give_back(&cell, Money::ZERO).await;
            } else {
                self.give_back(&cell, recent.plus(recent).plus(recent).plus(recent))
                    .await;
            }
        }
    }
}

#[cfg(test)]
mod fake_store;
#[cfg(test)]
mod tests;
