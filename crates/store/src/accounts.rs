//! The arithmetic of one budget in one window: how leases grow, shrink, are charged, expire and close.
//!
//! Pure: engines read a [`Standing`] and a [`Held`] under their own lock, call one of these, and write
//! both back. After every call `leased` is the sum of the remainders of live leases, `unexplained` that of
//! expired ones, and growing never takes `spent + leased + unexplained` over the limit.

use std::collections::BTreeMap;

use domain::{BudgetId, Money, UnixMillis};
use ledger::{Budget, Charge, Lease, Standing};

use crate::{LeaseAnswer, LeaseWish};

/// A lease as an engine keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The lease.
    pub lease: Lease,
    /// Whether its remainder is counted as unexplained.
    pub expired: bool,
}

impl Held {
    /// The empty lease that a first wish starts from.
    pub const fn new(wish: &LeaseWish) -> Self {
        let lease = Lease {
            budget: wish.budget,
            window_start: wish.window_start,
            node: wish.node,
            amount: Money::ZERO,
            used: Money::ZERO,
            expires: wish.expires,
        };
        Self {
            lease,
            expired: false,
        }
    }

    /// What is granted and not yet shipped as spent.
    pub fn remainder(&self) -> Money {
        self.lease.amount.minus_floor_zero(self.lease.used)
    }

    /// Whether [`expire`] has anything to do.
    pub fn is_due(&self, now: UnixMillis) -> bool {
        !self.expired && self.lease.expires < now && self.remainder() > Money::ZERO
    }
}

/// What a window may hold when `at` asks: the limit with what raises it for a time, less what the other buckets of a
/// rolling window hold (`others`); nothing outside of the budget's time. What was carried over is in the standing.
// threat: AGP-D1
pub fn limit(budget: &Budget, at: UnixMillis, others: Money) -> Money {
    if budget.shut(at).is_some() || !budget.is_legible() {
        return Money::ZERO;
    }
    budget.limit_at(at).minus_floor_zero(others)
}

/// Opens a window whose budget carries over, out of how the window `before` it stands: the one step in which it is
/// decided how much that is. What is held or unexplained then stays behind, also once it is known that nobody spent
/// it; and what was carried can be lent there no more.
// threat: AGP-D1
pub fn open(budget: &Budget, before: &mut Standing) -> Standing {
    let mut opened = Standing::default();
    before.carry(budget.carried(before), &mut opened);
    opened
}

/// The sum of how several buckets stand.
pub fn sum<'a>(standings: impl IntoIterator<Item = &'a Standing>) -> Standing {
    standings
        .into_iter()
        .fold(Standing::default(), |sum, one| Standing {
            spent: sum.spent.plus(one.spent),
            leased: sum.leased.plus(one.leased),
            unexplained: sum.unexplained.plus(one.unexplained),
            carried: sum.carried.plus(one.carried),
        })
}

/// Grows `held` by as much of the wish as is left, or by nothing.
// threat: AGP-D1
pub fn grow(standing: &mut Standing, limit: Money, held: &mut Held, wish: &LeaseWish) -> LeaseAnswer {
    let (at_least, wanted) = bounds(wish);
    let remaining = standing.remaining(limit);
    if remaining < at_least {
        return exhausted(standing, limit, Some(held));
    }
    revive(standing, held, wish.expires);
    let granted = remaining.min(wanted);
    standing.leased = standing.leased.plus(granted);
    held.lease.amount = held.lease.amount.plus(granted);
    LeaseAnswer::Granted {
        granted,
        lease: held.lease,
    }
}

/// A wish's bounds with nonsense taken out: neither is negative, and one never wants less than one needs.
pub fn bounds(wish: &LeaseWish) -> (Money, Money) {
    let at_least = wish.at_least.max(Money::ZERO);
    (at_least, wish.wanted.max(at_least))
}

/// The answer when too little is left.
pub fn exhausted(standing: &Standing, limit: Money, own: Option<&Held>) -> LeaseAnswer {
    let mine = own
        .filter(|held| !held.expired)
        .map_or(Money::ZERO, Held::remainder);
    LeaseAnswer::Exhausted {
        remaining: standing.remaining(limit),
        elsewhere: standing.leased.plus(standing.unexplained).minus_floor_zero(mine),
    }
}

/// Gives back up to `amount` of what is not used. Returns how much that was.
pub fn shrink(standing: &mut Standing, held: &mut Held, amount: Money) -> Money {
    let back = held.remainder().min(amount.max(Money::ZERO));
    held.lease.amount = held.lease.amount.minus(back);
    take(standing, held.expired, back);
    back
}

/// Counts `amount` as spent, out of the lease as far as that reaches. What goes beyond the lease, or comes
/// without one, is spent all the same; the lease then is as large as what its node used, so that both agree on
/// what is left of it.
pub fn charge(standing: &mut Standing, held: Option<&mut Held>, amount: Money) {
    let amount = amount.max(Money::ZERO);
    standing.spent = standing.spent.plus(amount);
    if let Some(held) = held {
        let covered = held.remainder().min(amount);
        held.lease.used = held.lease.used.plus(amount);
        held.lease.amount = held.lease.amount.max(held.lease.used);
        take(standing, held.expired, covered);
    }
}

/// Counts the remainder as unexplained.
pub fn expire(standing: &mut Standing, held: &mut Held) {
    if !held.expired {
        held.expired = true;
        standing.leased = standing.leased.minus_floor_zero(held.remainder());
        standing.unexplained = standing.unexplained.plus(held.remainder());
    }
}

/// Sets the expiry, and counts the remainder as leased again if the lease had expired.
pub fn revive(standing: &mut Standing, held: &mut Held, expires: UnixMillis) {
    held.lease.expires = expires;
    if held.expired {
        held.expired = false;
        standing.unexplained = standing.unexplained.minus_floor_zero(held.remainder());
        standing.leased = standing.leased.plus(held.remainder());
    }
}

/// Frees the remainder: the lease is about to be deleted.
pub fn close(standing: &mut Standing, held: &Held) {
    take(standing, held.expired, held.remainder());
}

/// Takes `amount` from the sum the lease's remainder is counted in.
fn take(standing: &mut Standing, expired: bool, amount: Money) {
    let sum = if expired {
        &mut standing.unexplained
    } else {
        &mut standing.leased
    };
    *sum = sum.minus_floor_zero(amount);
}

/// What a batch of charges takes from each budget and window, in the order engines lock them. Negative
/// charges take nothing.
pub fn totals<'a>(charges: impl IntoIterator<Item = &'a Charge>) -> BTreeMap<(BudgetId, UnixMillis), Money> {
    let mut totals = BTreeMap::new();
    for charge in charges {
        let total = totals
            .entry((charge.budget, charge.window_start))
            .or_insert(Money::ZERO);
        *total = total.plus(charge.amount.max(Money::ZERO));
    }
    totals
}
