//! How many retries all calls together may make, so that retrying never doubles the load on an upstream
//! that is already failing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Gcra;

/// What one retry costs in the account's unit.
const RETRY: u64 = 100;
/// What a quiet time can save up to.
const SAVED_RETRIES_MAX: u64 = 100;

/// Retries up to a share of requests, plus a few a second whatever the traffic.
#[derive(Debug)]
pub struct RetryBudget {
    saved: AtomicU64,
    percent: u32,
    floor: Gcra,
}

impl RetryBudget {
    /// At most `percent` retries per hundred requests and `per_second_min` a second beside them.
    pub fn new(percent: u32, per_second_min: u32) -> Self {
        let floor = Gcra::per_minute(per_second_min.saturating_mul(60), per_second_min);
        Self {
            saved: AtomicU64::new(0),
            percent,
            floor,
        }
    }

    /// Counts a request that is no retry.
    pub fn request(&self) {
        let add = |saved: u64| {
            Some(
                saved
                    .saturating_add(self.percent.into())
                    .min(SAVED_RETRIES_MAX * RETRY),
            )
        };
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Whether one more retry may be made now; if so it is taken.
    // threat: ANP-0019
    pub fn retry(&self, now_ns: u64) -> bool {
        let take = |saved: u64| saved.checked_sub(RETRY);
        self.saved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
            || self.floor.check(1, now_ns).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn anp_0019_a_tenth_of_requests_and_not_one_more() {
        let budget = RetryBudget::new(10, 0);
        for _ in 0..9 {
            budget.request();
        }
        assert!(!budget.retry(0));
        budget.request();
        assert!(budget.retry(0));
        assert!(!budget.retry(0));
    }

    #[test]
    fn a_few_a_second_without_traffic_and_no_hoard() {
        let budget = RetryBudget::new(0, 2);
        assert!(budget.retry(0) && budget.retry(0) && !budget.retry(0));
        assert!(budget.retry(SECOND));
        let rich = RetryBudget::new(100, 0);
        (0..10_000).for_each(|_| rich.request());
        assert_eq!((0..1000).filter(|_| rich.retry(0)).count(), 100);
    }

    proptest! {
        #[test]
        fn anp_0019_retries_stay_within_share_and_floor(
            percent in 0u32..100, floor in 0u32..5, steps in prop::collection::vec((any::<bool>(), 0u64..SECOND), 0..300),
        ) {
            let budget = RetryBudget::new(percent, floor);
            let (mut now, mut requests, mut retries) = (0, 0u64, 0u64);
            for (is_request, later) in steps {
                now += later;
                if is_request {
                    budget.request();
                    requests += 1;
                } else {
                    retries += u64::from(budget.retry(now));
                }
            }
            let earned = u64::from(floor) + now * u64::from(floor) / SECOND;
            prop_assert!(retries <= requests * u64::from(percent) / 100 + earned);
        }
    }
}
