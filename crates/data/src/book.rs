//! What this node holds of every budget: reservations from memory, leases from the store.
//!
//! A reservation is answered from the node's own lease. Only when the lease does not hold it is the
//! store asked, once for all who wait; before that point the keeper has usually grown the lease already.
//! Nothing here guesses: a budget that cannot be read is not spent from.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{BudgetId, Money, NodeId, UnixMillis};
use ledger::{Budget, Lease, Shut, Spend, Unit, is_session_window};
use store::{LeaseAnswer, LeaseWish, Store, StoreError};
use telemetry::Metrics;
use tokio::sync::mpsc;
use tokio::time::Instant;

mod cell;
mod reservation;
mod resting;
mod sessions;

pub use cell::Cell;
use cell::{Idle, No, State};
use reservation::Held;
pub use reservation::{Reservation, Served};
pub use resting::{REST, REST_NEAR};

/// How long "nothing left" is believed before the store is asked again.
const EXHAUSTED_MS: i64 = 250;
/// How often idle leases are looked at.
const TIDY_EVERY: Duration = Duration::from_secs(2);

/// Why nothing was reserved.
#[derive(Debug)]
pub enum Unreserved {
    /// The budget does not hold it; what is left, and what other nodes hold of it.
    Exhausted {
        /// The budget.
        cell: Arc<Cell>,
        /// The budget's name.
        budget: String,
        /// What it counts.
        unit: Unit,
        /// What is left to lease.
        remaining: Money,
        /// What may come back from other nodes.
        elsewhere: Money,
        /// Why it may be less than its limit says, or be more soon.
        because: Because,
    },
    /// The time of the budget of that name is not now.
    Shut(String, Shut),
    /// Somebody paused the budget of that name.
    Paused(String),
    /// One session may take only so much of the budget of that name, and the call names none.
    NoSession(String),
    /// More sessions of the budget of that name are open here than may be.
    ManySessions(String),
    /// The store did not answer.
    Unavailable(String),
}

/// What is to be said of a budget that is exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// What its limit says is gone.
    Spent,
    /// It holds so much in so many minutes that go along with the clock.
    Rolling(u32),
    /// It held more until then.
    Increased(UnixMillis),
    /// One session may take so much of it, in its unit.
    OfSession(Money),
}

/// A call, as far as budgets ask.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The most that it takes.
    pub spend: Spend,
    /// The session it is a part of.
    pub session: Option<&'a str>,
}

impl From<Spend> for Call<'_> {
    fn from(spend: Spend) -> Self {
        let session = None;
        Self { spend, session }
    }
}

impl Because {
    fn of(budget: &Budget, start: UnixMillis, now: UnixMillis) -> Self {
        if is_session_window(start) {
            return Self::OfSession(budget.limit);
        }
        if let Some(rolling) = budget.terms.rolling {
            return Self::Rolling(rolling.minutes);
        }
        let ended = budget.terms.increases.iter().map(|it| it.until);
        let last = ended.filter(|until| (start..=now).contains(until)).max();
        last.map_or(Self::Spent, Self::Increased)
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

/// Why a cell holds nothing, whatever the store would say; `Ok` if it is only short.
fn refused(cell: &Cell, no: No) -> Result<Money, Unreserved> {
    let name = || cell.lock().budget.name.clone();
    match no {
        No::Short(missing) => Ok(missing),
        No::Paused => Err(Unreserved::Paused(name())),
        No::Shut(shut) => Err(Unreserved::Shut(name(), shut)),
        No::Illegible => Err(Unreserved::Unavailable(format!(
            "the zone of the budget `{}` is not known to this version",
            name()
        ))),
    }
}

fn exhausted(cell: &Arc<Cell>, now: UnixMillis, remaining: Money, elsewhere: Money) -> Unreserved {
    let state = cell.lock();
    Unreserved::Exhausted {
        cell: cell.clone(),
        budget: state.budget.name.clone(),
        unit: cell.unit(),
        remaining,
        elsewhere,
        because: Because::of(&state.budget, state.current.start, now),
    }
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
            let known = cells.remove(&budget.id);
            let cell = known.unwrap_or_else(|| Arc::new(Cell::new(budget.clone(), now)));
            cell.replace(budget);
            kept.insert(budget.id, cell);
        }
        *cells = kept.clone();
        kept
    }

    /// Reserves what the call takes in every one of `cells`, and of its session in them, or in none.
    // threat: AGP-D1
    // threat: AGP-BUDGET-3.1
    pub async fn reserve<'a>(
        &self,
        cells: impl IntoIterator<Item = &'a Arc<Cell>>,
        call: impl Into<Call<'_>>,
        now: UnixMillis,
    ) -> Result<Reservation, Unreserved> {
        let mut reservation = Reservation::default();
        let reserved = self.add(&mut reservation, cells, (call.into(), None), now).await;
        reserved.map(|()| reservation)
    }

    /// Reserves it in `cell` as well, for as long as one of these targets may serve the call. Where it does
    /// not hold it, what was held before stays.
    // threat: AGP-D1
    pub async fn reserve_for(
        &self,
        reservation: &mut Reservation,
        (cell, targets): (&Arc<Cell>, &[Arc<str>]),
        call: impl Into<Call<'_>>,
        now: UnixMillis,
    ) -> Result<(), Unreserved> {
        self.add(reservation, [cell], (call.into(), Some(targets)), now)
            .await
    }

    async fn add<'a>(
        &self,
        reservation: &mut Reservation,
        cells: impl IntoIterator<Item = &'a Arc<Cell>>,
        (call, targets): (Call<'_>, Option<&[Arc<str>]>),
        now: UnixMillis,
    ) -> Result<(), Unreserved> {
        let had = reservation.held.len();
        for cell in cells {
            if let Err(refused) = self.add_one(reservation, cell, (call, targets), now).await {
                reservation.void_from(had);
                return Err(refused);
            }
        }
        Ok(())
    }

    /// In a budget, and in the session's part of it where it has such parts. What was held stays, whatever comes.
    async fn add_one(
        &self,
        reservation: &mut Reservation,
        cell: &Arc<Cell>,
        (call, targets): (Call<'_>, Option<&[Arc<str>]>),
        now: UnixMillis,
    ) -> Result<(), Unreserved> {
        let amount = cell.counts(call.spend);
        let session = cell.of_session(call.session, now)?;
        for cell in std::iter::once(cell).chain(&session) {
            let window_start = self.reserve_in(cell, amount, now).await?;
            reservation.held.push(Held {
                cell: cell.clone(),
                window_start,
                amount,
                targets: targets.map(<[_]>::to_vec),
            });
        }
        Ok(())
    }

    async fn reserve_in(
        &self,
        cell: &Arc<Cell>,
        amount: Money,
        now: UnixMillis,
    ) -> Result<UnixMillis, Unreserved> {
        match cell.try_reserve(amount, now) {
            Ok((start, low)) => {
                if low {
                    self.wish(cell);
                }
                Ok(start)
            }
            Err(no) => {
                refused(cell, no)?;
                self.reserve_with_more(cell, amount, now).await
            }
        }
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
        now: UnixMillis,
    ) -> Result<UnixMillis, Unreserved> {
        let asking = async {
            let _one_at_a_time = cell.asking.lock().await;
            // Another caller may take what was just granted: a few turns, never for ever. Each rests or asks.
            for _ in 0..16 {
                let missing = match cell.try_reserve(amount, now) {
                    Ok((start, _)) => return Ok(start),
                    Err(no) => refused(cell, no)?,
                };
                if !self.rests(cell, missing, now).await {
                    self.grow(cell, missing, now).await?;
                }
            }
            match cell.try_reserve(amount, now) {
                Ok((start, _)) => Ok(start),
                Err(no) => {
                    let missing = refused(cell, no)?;
                    Err(exhausted(cell, now, Money::ZERO, missing))
                }
            }
        };
        // Who asks the store asks for all who wait.
        cell.waits_for(|waiting| waiting.plus(amount));
        let answer = tokio::time::timeout(self.longest(), asking).await;
        cell.waits_for(|waiting| waiting.minus_floor_zero(amount));
        answer.unwrap_or_else(|_| {
            Err(Unreserved::Unavailable(
                "the store did not answer in time".to_owned(),
            ))
        })
    }

    /// Asks for more. What this node itself still holds in buckets that have ended counts in a rolling window: it is
    /// given back before anybody is refused because of it.
    async fn grow(&self, cell: &Arc<Cell>, at_least: Money, now: UnixMillis) -> Result<(), Unreserved> {
        match self.grow_once(cell, at_least, now).await {
            Err(Unreserved::Exhausted {
                because: Because::Rolling(_),
                ..
            }) if self.let_go_of_past(cell).await => {
                cell.lock().exhausted = None;
                self.grow_once(cell, at_least, now).await
            }
            other => other,
        }
    }

    /// One conditional update in the store.
    async fn grow_once(&self, cell: &Arc<Cell>, at_least: Money, now: UnixMillis) -> Result<(), Unreserved> {
        let wish = {
            let mut state = cell.lock();
            state.roll(now);
            // Too little for one call may be enough for the next.
            if let Some((_, remaining, elsewhere)) = state.exhausted
                && state.is_known_to_lack(at_least, now)
            {
                drop(state);
                return Err(exhausted(cell, now, remaining, elsewhere));
            }
            let wanted = state.wanted(at_least).max(state.waiting);
            state.asked = Some(Instant::now());
            self.wish_of(&state, state.current.start, (at_least, wanted))
        };
        match self.ask(cell, &wish).await {
            Ok(LeaseAnswer::Granted { granted, .. }) => {
                let mut state = cell.lock();
                state.remaining_hint = state.remaining_hint.minus_floor_zero(granted);
                state.granted = state.granted.plus(granted);
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
                drop(state);
                Err(exhausted(cell, now, remaining, elsewhere))
            }
            Err(StoreError::NotFound) => Err(Unreserved::Unavailable(
                "the budget was removed meanwhile".to_owned(),
            )),
            Err(error) => Err(Unreserved::Unavailable(error.to_string())),
        }
    }

    fn wish_of(
        &self,
        state: &State,
        window_start: UnixMillis,
        (at_least, wanted): (Money, Money),
    ) -> LeaseWish {
        let at = (self.clock)();
        LeaseWish {
            budget: state.budget.id,
            window_start,
            node: self.node,
            at_least,
            wanted,
            at,
            expires: at.plus(self.lease_ttl),
        }
    }

    /// Asks the store, and takes its word for what is held. One at a time for each cell.
    ///
    /// Until a grant is heard of the cell is unsure, also where this future is dropped half-way.
    async fn ask(&self, cell: &Cell, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        let start = wish.window_start;
        let doubt = |unsure| cell.slot_of(start, |slot| std::mem::replace(&mut slot.unsure, unsure));
        let before = doubt(true).unwrap_or_default();
        let answer = self.store.grow_lease(&cell.scope, wish).await;
        match &answer {
            Ok(LeaseAnswer::Granted { lease, .. }) => {
                // The store's figure, not ours plus the grant: it also heals replies that were lost.
                cell.slot_of(start, |slot| slot.hear(lease));
                doubt(false);
            }
            Ok(LeaseAnswer::Exhausted { .. }) => {
                doubt(before);
            }
            // Nothing is held of a budget that is gone.
            Err(StoreError::NotFound) => {
                doubt(false);
            }
            Err(_) => {}
        }
        answer
    }

    /// Learns from the store what is held, where an answer of its was lost: what nobody here knows of would
    /// otherwise stay lent for as long as the node lives.
    // threat: AGP-BUDGET-3.2
    async fn reassure(&self, cell: &Cell, window_start: UnixMillis) -> bool {
        let wish = self.wish_of(&cell.lock(), window_start, (Money::ZERO, Money::ZERO));
        let answer = self.ask(cell, &wish).await;
        if let Err(error) = &answer {
            tracing::debug!(budget = %wish.budget, %error, "what is held of a budget is still not known");
        }
        answer.is_ok()
    }

    /// Gives back what a cell holds above `keep`, and the whole of windows that have ended.
    ///
    /// Where the store does not answer, the money is not taken back into the holding: whether it was given
    /// back is unknown, and the store is asked next time. Also in windows that have ended: calls that began in
    /// them may be under way, and what these hold is not to be given back with a second try.
    async fn give_back(&self, cell: &Arc<Cell>, keep: Money) {
        let _one_at_a_time = cell.asking.lock().await;
        cell.lock().roll((self.clock)());
        for start in cell.unsure() {
            if !self.reassure(cell, start).await {
                return; // The store is away: what is left of the lease is all there is to spend.
            }
        }
        let current = {
            let mut state = cell.lock();
            state.roll((self.clock)());
            state.current.give_back(keep)
        };
        if let Some(idle) = current {
            self.shrink(cell, &idle).await;
        }
        self.let_go_of_past(cell).await;
    }

    /// Gives back what is idle in windows that have ended. Whether there was anything. One at a time for each cell.
    async fn let_go_of_past(&self, cell: &Cell) -> bool {
        let idle = cell.idle_past();
        for idle in &idle {
            self.shrink(cell, idle).await;
        }
        cell.lock().past.retain(|slot| !slot.is_done());
        !idle.is_empty()
    }

    async fn shrink(&self, cell: &Cell, idle: &Idle) {
        let lease = self.lease(cell.id(), idle.start);
        match self.store.shrink_lease(&cell.scope, &lease, idle.amount).await {
            Ok(_) | Err(StoreError::NotFound) => cell.given_back(idle),
            Err(error) => {
                tracing::debug!(budget = %lease.budget, %error, "an idle lease could not be given back");
            }
        }
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
            self.close_sessions(&cell).await;
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
        let all = self.all();
        let held = |cell: &Arc<Cell>| (cell.unit(), cell.lock().current.holding.leased());
        let held: Vec<(Unit, Money)> = all.iter().map(held).collect();
        let gauges = self.metrics.gauges();
        let leases = held.iter().filter(|(_, leased)| *leased > Money::ZERO).count();
        gauges.leases_held.set(i64::try_from(leases).unwrap_or(i64::MAX));
        let money = held.iter().filter(|(unit, _)| *unit == Unit::Money);
        let money: Money = money.map(|(_, leased)| *leased).sum();
        gauges.lease_nanos.set(money.nanos());
    }

    /// A wish that cannot be granted is no refusal: the next call that needs it hears of it.
    async fn prefetch(&self, cell: &Arc<Cell>) {
        let _one_at_a_time = cell.asking.lock().await;
        let (least, now) = (Money::from_nanos(1), (self.clock)());
        // While the store rests nobody waits here: the next call that finds little left wishes again.
        if self.rests_until(cell, least, now).is_none() {
            let _ = self.grow(cell, least, now).await;
        }
        cell.prefetching.store(false, Ordering::Relaxed);
    }

    /// A budget that nobody has spent from since the last look lends nothing to this node.
    async fn tidy(&self) {
        self.gauge();
        if self.store.revision().await.is_err() {
            return; // With the store away, what is held is all there is to spend: nothing is let go of.
        }
        for cell in self.all() {
            self.rest(&cell).await;
        }
        for cell in self.all() {
            self.tidy_sessions(&cell).await;
        }
    }

    /// Gives back what is idle above four times what was spent since the last look. Returns what that was.
    async fn rest(&self, cell: &Arc<Cell>) -> Money {
        let recent = cell.take_recent();
        let keep = recent.plus(recent).plus(recent).plus(recent);
        self.give_back(cell, keep).await;
        recent
    }
}

#[cfg(test)]
mod fake_store;
#[cfg(test)]
mod resting_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
