//! What one node holds of one budget in one window: the part of a lease that is free, reserved and used.
//!
//! Pure arithmetic in memory; the store decides what a lease may grow to, this decides what a request may
//! take of it.

use domain::Money;

/// One node's hold on one budget in one window. `used + reserved` never exceeds `leased`, unless an
/// upstream used more than had been reserved for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    leased: Money,
    used: Money,
    reserved: Money,
}

/// A reservation that the lease does not cover; nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease is {missing} short")]
pub struct Short {
    /// By how much the lease must grow for the same reservation to fit.
    pub missing: Money,
}

/// What a call used above its reservation and above all that was free: counted all the same, so the
/// budget stands over its limit by this much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "an overrun means that a bound was wrong; say so"]
pub struct Overrun(pub Money);

impl Overrun {
    /// Whether everything was covered.
    pub fn is_none(self) -> bool {
        self.0 == Money::ZERO
    }
}

impl Holding {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            leased: Money::ZERO,
            used: Money::ZERO,
            reserved: Money::ZERO,
        }
    }

    /// All that was granted and not given back.
    pub const fn leased(&self) -> Money {
        self.leased
    }

    /// Of it: settled.
    pub const fn used(&self) -> Money {
        self.used
    }

    /// Of it: promised to calls in flight.
    pub const fn reserved(&self) -> Money {
        self.reserved
    }

    /// What may still be reserved. After an overrun: nothing until the lease has grown past it.
    pub fn available(&self) -> Money {
        self.leased.minus_floor_zero(self.used.plus(self.reserved))
    }

    /// Whether more was used than the lease covers. Once that is shipped the store's lease covers it, and no grant
    /// need: the store is to be asked.
    pub fn is_overdrawn(&self) -> bool {
        self.used > self.leased
    }

    /// The store granted more.
    pub fn grow(&mut self, granted: Money) {
        self.leased = self.leased.plus(not_negative(granted));
    }

    /// The store said how large the lease is: after an answer that was lost, this is how both agree again.
    /// Only while nothing else is being asked of the store for this holding.
    pub fn adopt(&mut self, leased: Money) {
        self.leased = not_negative(leased);
    }

    /// Of what is leased so much was used before anybody here knew of it.
    pub fn resume(&mut self, used: Money) {
        self.used = self.used.max(not_negative(used));
    }

    /// Promises `amount` to a call, wholly or not at all.
    // threat: AGP-D1
    // threat: AGP-BUDGET-3.1
    pub fn reserve(&mut self, amount: Money) -> Result<(), Short> {
        let amount = not_negative(amount);
        let wanted = self.used.plus(self.reserved).plus(amount);
        // A sum held at the end of the range is not known to fit.
        if wanted > self.leased || wanted == Money::MAX {
            return Err(Short {
                missing: wanted.minus_floor_zero(self.leased),
            });
        }
        self.reserved = self.reserved.plus(amount);
        Ok(())
    }

    /// Ends a reservation with what was really used. What is more than reserved is taken from what is
    /// free, and beyond that reported.
    pub fn settle(&mut self, reserved: Money, actual: Money) -> Overrun {
        self.void(reserved);
        let actual = not_negative(actual);
        let overrun = actual.minus_floor_zero(self.available());
        self.used = self.used.plus(actual);
        Overrun(overrun)
    }

    /// Ends a reservation of which nothing was used.
    pub fn void(&mut self, reserved: Money) {
        self.reserved = self.reserved.minus_floor_zero(not_negative(reserved));
    }

    /// Takes what is free above `keep` out of the holding and returns it, for the store to have back.
    /// Taken out first, so that nothing is reserved from it while the store is being asked.
    pub fn give_back(&mut self, keep: Money) -> Money {
        let idle = self.available().minus_floor_zero(not_negative(keep));
        self.leased = self.leased.minus(idle);
        idle
    }

    /// Puts back what the store said it did not take. Only when it said so: after a timeout nobody knows,
    /// and what was perhaps given back must not be spent here.
    pub fn undo_give_back(&mut self, amount: Money) {
        self.grow(amount);
    }
}

/// Seconds of spend a lease should last.
const LEASE_SECONDS: i128 = 5;
/// A node that has no rate yet asks for this part of the limit.
const FIRST_SHARE: i128 = 1000;
/// No wish is for more than this part of what is left, so that several nodes share the rest.
const LARGEST_SHARE: i128 = 4;

/// How much of a budget to ask for: some seconds of spend at the present rate, at most a quarter of what
/// is left, never less than `at_least`. As the rest shrinks the wish shrinks to exactly what the next call
/// needs, so the last cent can be spent.
pub fn lease_size(limit: Money, remaining_hint: Money, rate_per_second: Money, at_least: Money) -> Money {
    let nanos = |money: Money| i128::from(not_negative(money).nanos());
    let paced = (nanos(rate_per_second) * LEASE_SECONDS).max(nanos(limit) / FIRST_SHARE);
    let shared = paced.min(nanos(remaining_hint) / LARGEST_SHARE);
    Money::from_nanos(i64::try_from(shared.max(nanos(at_least))).unwrap_or(i64::MAX))
}

fn not_negative(amount: Money) -> Money {
    amount.max(Money::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn nanos(n: i64) -> Money {
        Money::from_nanos(n)
    }

    fn holding(leased: i64) -> Holding {
        let mut holding = Holding::new();
        holding.grow(nanos(leased));
        holding
    }

    #[test]
    fn agp_d1_a_reservation_is_granted_whole_or_not_at_all() {
        let mut h = holding(100);
        assert_eq!(h.reserve(nanos(60)), Ok(()));
        assert_eq!(h.reserve(nanos(41)), Err(Short { missing: nanos(1) }));
        assert_eq!(h.reserved(), nanos(60));
        assert_eq!(h.reserve(nanos(40)), Ok(()));
        assert_eq!(h.available(), Money::ZERO);
        assert_eq!(h.reserve(Money::ZERO), Ok(()));
    }

    #[test]
    fn settling_frees_what_was_not_used() {
        let mut h = holding(100);
        h.reserve(nanos(60)).unwrap();
        assert!(h.settle(nanos(60), nanos(25)).is_none());
        assert_eq!(
            (h.used(), h.reserved(), h.available()),
            (nanos(25), Money::ZERO, nanos(75))
        );
    }

    #[test]
    fn more_than_reserved_is_counted_and_said_only_where_nothing_covers_it() {
        let mut h = holding(100);
        h.reserve(nanos(50)).unwrap();
        h.reserve(nanos(30)).unwrap();
        assert_eq!(
            h.settle(nanos(50), nanos(60)),
            Overrun(Money::ZERO),
            "the free 20 cover it"
        );
        assert_eq!(h.settle(nanos(30), nanos(55)), Overrun(nanos(15)));
        assert_eq!((h.used(), h.available()), (nanos(115), Money::ZERO));
        assert!(h.is_overdrawn());
        assert_eq!(h.reserve(nanos(1)), Err(Short { missing: nanos(16) }));
        h.grow(nanos(16));
        assert_eq!(h.reserve(nanos(1)), Ok(()));
    }

    #[test]
    fn agp_budget_3_1_negative_amounts_and_double_ends_make_no_money() {
        let mut h = holding(10);
        h.reserve(nanos(-5)).unwrap();
        h.grow(nanos(-5));
        h.void(nanos(7));
        assert_eq!(h.give_back(nanos(-9)), nanos(10));
        h.undo_give_back(nanos(10));
        assert!(h.settle(nanos(99), nanos(-99)).is_none());
        assert_eq!(h, holding(10));
    }

    #[test]
    fn what_is_given_back_cannot_be_reserved_until_it_is_put_back() {
        let mut h = holding(100);
        h.reserve(nanos(30)).unwrap();
        assert_eq!(h.give_back(nanos(20)), nanos(50));
        assert_eq!((h.leased(), h.available()), (nanos(50), nanos(20)));
        assert!(h.reserve(nanos(21)).is_err());
        assert_eq!(h.give_back(nanos(20)), Money::ZERO);
        h.undo_give_back(nanos(50));
        assert_eq!(h.reserve(nanos(70)), Ok(()));
    }

    #[test]
    fn a_lost_answer_is_made_good_by_the_next() {
        let mut h = holding(100);
        h.reserve(nanos(60)).unwrap();
        h.adopt(nanos(150));
        assert_eq!(h.available(), nanos(90));
        h.adopt(nanos(50));
        assert_eq!((h.available(), h.reserved()), (Money::ZERO, nanos(60)));
        assert_eq!(h.reserve(nanos(1)), Err(Short { missing: nanos(11) }));
    }

    #[test]
    fn agp_budget_3_1_amounts_at_the_end_of_the_range_never_fit() {
        let mut h = holding(i64::MAX);
        assert_eq!(h.reserve(nanos(i64::MAX - 1)), Ok(()));
        assert!(h.reserve(nanos(i64::MAX)).is_err());
        assert!(h.reserve(nanos(2)).is_err());
    }

    #[test]
    fn a_first_lease_is_a_thousandth_of_the_limit() {
        let d = Money::from_dollars;
        assert_eq!(lease_size(d(1000), d(1000), Money::ZERO, nanos(5)), d(1));
        assert_eq!(lease_size(d(1000), d(1000), d(10), nanos(5)), d(50));
        assert_eq!(lease_size(d(1000), d(100), d(10), nanos(5)), d(25));
        assert_eq!(lease_size(d(1000), nanos(7), d(10), nanos(5)), nanos(5));
        assert_eq!(
            lease_size(Money::MAX, Money::MAX, Money::MAX, Money::ZERO),
            nanos(i64::MAX / 4)
        );
    }

    proptest! {
        #[test]
        fn a_wish_is_enough_and_leaves_others_a_share(limit: i64, left: i64, rate: i64, need: i64) {
            let wish = lease_size(nanos(limit), nanos(left), nanos(rate), nanos(need));
            prop_assert!(wish >= nanos(need.max(0)));
            prop_assert!(wish.nanos() <= (left.max(0) / 4).max(need.max(0)));
        }

        #[test]
        fn the_last_nano_dollar_can_be_spent(limit in 1i64..2_000_000, call in 1i64..2_000, rate in 0i64..1_000_000) {
            let (mut left, mut h) = (limit, Holding::new());
            loop {
                let Err(short) = h.reserve(nanos(call)) else {
                    prop_assert!(h.settle(nanos(call), nanos(call)).is_none());
                    continue;
                };
                if short.missing.nanos() > left {
                    break;
                }
                let wish = lease_size(nanos(limit), nanos(left), nanos(rate), short.missing);
                let granted = wish.nanos().min(left);
                h.grow(nanos(granted));
                left -= granted;
            }
            prop_assert_eq!(h.used().nanos(), limit / call * call);
        }
    }
}
