//! Rates by GCRA (the generic cell rate algorithm): one atomic word a limit, no lock, no timer.
//!
//! The word is the theoretical arrival time (TAT): when the bucket will be full again. A call of cost `c`
//! moves it on by `c` intervals; it is refused if that would put it more than a burst ahead of now.
//! Both round up to whole nanoseconds: a whole burst always fits an idle bucket, and what is admitted in a
//! time `t` never exceeds the burst and the rate over `t` and one nanosecond.

use std::sync::atomic::{AtomicU64, Ordering};

const MINUTE_NS: u128 = 60_000_000_000;

/// A rate per minute with a burst. Shared by reference between threads.
#[derive(Debug)]
pub struct Gcra {
    tat_ns: AtomicU64,
    per_minute: u32,
    burst: u32,
    /// The time in which a whole burst comes back.
    burst_ns: u64,
}

/// What is left after an admitted call: the numbers of rate-limit headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// The burst: how much could be had at once at most.
    pub limit: u32,
    /// How much could be had at once now.
    pub remaining: u32,
    /// Until all of it is back.
    pub reset_ns: u64,
    cost: u32,
    /// The TAT this admission led to: from then on nothing of it is outstanding.
    tat_ns: u64,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("over the limit of {limit}")]
pub struct Wait {
    /// The burst: how much could be had at once at most.
    pub limit: u32,
    /// How much could be had at once now.
    pub remaining: u32,
    /// Until all of it is back.
    pub reset_ns: u64,
    /// After this the same call is admitted, if nothing else comes in between.
    pub retry_after_ns: u64,
    /// It costs more than a whole burst: waiting does not help.
    pub never: bool,
}

impl Gcra {
    /// `per_minute` a minute, of which `burst` may come at once. Either being zero admits nothing.
    pub fn per_minute(per_minute: u32, burst: u32) -> Self {
        let burst_ns = match per_minute {
            0 => 0,
            rate => clamp((u128::from(burst) * MINUTE_NS).div_ceil(u128::from(rate))),
        };
        Self {
            tat_ns: AtomicU64::new(0),
            per_minute,
            burst,
            burst_ns,
        }
    }

    /// Admits a call of `cost` at `now_ns`, or says how long to wait.
    // threat: AGP-D1
    // threat: ANP-0004
    // threat: ANP-0008
    // threat: CTX-T5
    pub fn check(&self, cost: u32, now_ns: u64) -> Result<Remaining, Wait> {
        if cost > self.burst || self.per_minute == 0 {
            return Err(self.refusal(self.tat_ns.load(Ordering::Relaxed), 0, now_ns, true));
        }
        let step = self.interval_ns(cost);
        let latest = now_ns.saturating_add(self.burst_ns);
        let mut tat = self.tat_ns.load(Ordering::Relaxed);
        loop {
            let after = tat.max(now_ns).saturating_add(step);
            if after > latest {
                return Err(self.refusal(tat, after - latest, now_ns, false));
            }
            match self
                .tat_ns
                .compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok(self.admission(cost, after, now_ns)),
                Err(seen) => tat = seen,
            }
        }
    }

    /// What a call would find at `now_ns`, without taking anything.
    pub fn peek(&self, now_ns: u64) -> Remaining {
        self.admission(0, self.tat_ns.load(Ordering::Relaxed), now_ns)
    }

    /// Takes `cost` without asking: for what has been used already. The debt delays later calls.
    pub fn charge(&self, cost: u32, now_ns: u64) {
        if self.per_minute == 0 {
            return;
        }
        let step = self.interval_ns(cost);
        self.update(|tat| tat.max(now_ns).saturating_add(step));
    }

    /// Corrects an admission that was made on an estimate: charges what `actual` exceeds it by, or gives
    /// back the excess. Call once for an admission.
    ///
    /// Only what is still outstanding is given back: the part that time has returned meanwhile would
    /// otherwise be had twice.
    pub fn settle(&self, admitted: &Remaining, actual: u32, now_ns: u64) {
        match admitted.cost.checked_sub(actual) {
            None => self.charge(actual - admitted.cost, now_ns),
            Some(excess) => {
                let outstanding = admitted.tat_ns.saturating_sub(now_ns);
                let back = self.whole_intervals_ns(excess).min(outstanding);
                self.update(|tat| tat.saturating_sub(back));
            }
        }
    }

    fn update(&self, change: impl Fn(u64) -> u64) {
        let mut tat = self.tat_ns.load(Ordering::Relaxed);
        while let Err(seen) =
            self.tat_ns
                .compare_exchange_weak(tat, change(tat), Ordering::Relaxed, Ordering::Relaxed)
        {
            tat = seen;
        }
    }

    /// The time `cost` takes to come back, rounded up.
    fn interval_ns(&self, cost: u32) -> u64 {
        clamp((u128::from(cost) * MINUTE_NS).div_ceil(u128::from(self.per_minute.max(1))))
    }

    /// The same rounded down: what may be given back.
    fn whole_intervals_ns(&self, cost: u32) -> u64 {
        clamp(u128::from(cost) * MINUTE_NS / u128::from(self.per_minute.max(1)))
    }

    fn admission(&self, cost: u32, tat_ns: u64, now_ns: u64) -> Remaining {
        let (remaining, reset_ns) = self.left(tat_ns, now_ns);
        Remaining {
            limit: self.burst,
            remaining,
            reset_ns,
            cost,
            tat_ns,
        }
    }

    fn refusal(&self, tat_ns: u64, retry_after_ns: u64, now_ns: u64, never: bool) -> Wait {
        let (remaining, reset_ns) = self.left(tat_ns, now_ns);
        Wait {
            limit: self.burst,
            remaining,
            reset_ns,
            retry_after_ns,
            never,
        }
    }

    /// How much could be had at once, and how long until all of it.
    fn left(&self, tat_ns: u64, now_ns: u64) -> (u32, u64) {
        let ahead = tat_ns.saturating_sub(now_ns);
        let free_ns = u128::from(self.burst_ns.saturating_sub(ahead));
        let free = free_ns * u128::from(self.per_minute) / MINUTE_NS;
        // A full bucket is a full burst, whatever rounding its time went through.
        let free = if ahead == 0 && self.per_minute > 0 {
            self.burst
        } else {
            u32::try_from(free).unwrap_or(u32::MAX)
        };
        (free.min(self.burst), ahead)
    }
}

/// Times end at 146 years, so that sums of three still fit a word and never wrap or stick.
fn clamp(ns: u128) -> u64 {
    const LONGEST_NS: u64 = 1 << 62;
    u64::try_from(ns).unwrap_or(LONGEST_NS).min(LONGEST_NS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn anp_0004_at_the_burst_and_one_past_it() {
        let limit = Gcra::per_minute(60, 5);
        for left in (0..5).rev() {
            assert_eq!(limit.check(1, 0).unwrap().remaining, left);
        }
        let wait = limit.check(1, 0).unwrap_err();
        assert_eq!(
            (wait.remaining, wait.retry_after_ns, wait.reset_ns, wait.never),
            (0, SECOND, 5 * SECOND, false)
        );
        assert!(limit.check(1, SECOND - 1).is_err());
        assert!(limit.check(1, SECOND).is_ok());
        assert!(limit.check(1, SECOND).is_err());
    }

    #[test]
    fn agp_d1_what_exceeds_a_whole_burst_is_never_admitted() {
        let limit = Gcra::per_minute(1000, 1000);
        assert!(limit.check(1001, 0).unwrap_err().never);
        assert!(limit.check(1000, 0).is_ok());
        for nothing in [Gcra::per_minute(0, 10), Gcra::per_minute(10, 0)] {
            assert!(nothing.check(1, 0).unwrap_err().never);
        }
    }

    #[test]
    fn agp_d1_a_whole_burst_fits_an_idle_bucket_whatever_the_rate() {
        for (rate, burst) in [
            (17, 27),
            (7, 3),
            (u32::MAX, u32::MAX),
            (1, u32::MAX),
            (u32::MAX, 1),
        ] {
            let limit = Gcra::per_minute(rate, burst);
            assert_eq!(limit.check(burst, 0).unwrap().remaining, 0, "{rate} {burst}");
            assert!(limit.check(1, 0).is_err(), "{rate} {burst}");
        }
    }

    #[test]
    fn agp_d1_debt_delays_the_next_call() {
        let limit = Gcra::per_minute(60, 10);
        let admitted = limit.check(10, 0).unwrap();
        limit.settle(&admitted, 30, 0);
        assert_eq!(limit.check(1, 0).unwrap_err().retry_after_ns, 21 * SECOND);
        assert!(limit.check(1, 21 * SECOND).is_ok());
    }

    #[test]
    fn an_overestimate_comes_back_and_nothing_comes_back_twice() {
        let limit = Gcra::per_minute(60, 10);
        let admitted = limit.check(10, 0).unwrap();
        limit.settle(&admitted, 4, 0);
        assert_eq!(limit.peek(0).remaining, 6);

        // All ten have come back by themselves before this settlement: it may not free what others took.
        let limit = Gcra::per_minute(60, 10);
        let early = limit.check(10, 0).unwrap();
        limit.check(10, 10 * SECOND).unwrap();
        limit.settle(&early, 0, 10 * SECOND);
        assert_eq!(limit.peek(10 * SECOND).remaining, 0);
    }

    #[test]
    fn headers_count_down_and_reset() {
        let limit = Gcra::per_minute(7, 3);
        assert_eq!(
            (
                limit.peek(0).limit,
                limit.peek(0).remaining,
                limit.peek(0).reset_ns
            ),
            (3, 3, 0)
        );
        assert_eq!(limit.check(1, 0).unwrap().remaining, 2);
        assert_eq!(limit.peek(60 * SECOND).remaining, 3);
    }

    #[test]
    fn ctx_t5_threads_together_never_exceed_the_burst() {
        let limit = Gcra::per_minute(60, 1000);
        let admitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mine = (0..1000).filter(|_| limit.check(1, 7).is_ok()).count();
                    admitted.fetch_add(mine as u64, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(admitted.into_inner(), 1000);
    }

    #[test]
    fn ctx_t5_threads_with_moving_clocks_stay_within_rate_and_burst() {
        let (rate, burst, end) = (6000u32, 100u32, 2 * SECOND);
        let limit = Gcra::per_minute(rate, burst);
        let (clock, admitted) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for cost in [1u32, 2, 3, 5] {
                let (limit, clock, admitted) = (&limit, &clock, &admitted);
                scope.spawn(move || {
                    loop {
                        let now = clock.fetch_add(100_000, Ordering::Relaxed);
                        if now >= end {
                            break;
                        }
                        if limit.check(cost, now).is_ok() {
                            admitted.fetch_add(u64::from(cost), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let bound = u64::from(burst) + u64::from(rate) * end / (60 * SECOND);
        let got = admitted.into_inner();
        assert!(got <= bound && got >= bound - 10, "{got} of at most {bound}");
    }

    proptest! {
        #[test]
        fn anp_0008_no_stretch_of_time_admits_more_than_burst_and_rate(
            rate in 1u32..100_000, burst in 1u32..5_000,
            calls in prop::collection::vec((0u32..3_000, 0u64..3 * SECOND), 1..200),
        ) {
            let limit = Gcra::per_minute(rate, burst);
            let mut now = 0;
            let mut admitted: Vec<(u64, u128)> = Vec::new();
            for (cost, later) in calls {
                now += later;
                if limit.check(cost, now).is_ok() {
                    admitted.push((now, cost.into()));
                }
            }
            for (i, (from, _)) in admitted.iter().enumerate() {
                let mut sum = 0;
                for (to, cost) in &admitted[i..] {
                    sum += cost;
                    let earned = u128::from(to - from + 1) * u128::from(rate) / MINUTE_NS;
                    prop_assert!(sum <= u128::from(burst) + earned, "{sum} in {} ns", to - from);
                }
            }
        }

        #[test]
        fn a_refused_call_is_admitted_after_exactly_the_wait_it_was_told(
            rate in 1u32..100_000, burst in 1u32..1_000, costs in prop::collection::vec(1u32..1_000, 1..50),
        ) {
            let limit = Gcra::per_minute(rate, burst);
            for cost in costs {
                match limit.check(cost, 0) {
                    Ok(left) => prop_assert!(left.remaining < burst),
                    Err(wait) if wait.never => prop_assert!(cost > burst),
                    Err(wait) => {
                        let fresh = Gcra::per_minute(rate, burst);
                        fresh.tat_ns.store(limit.tat_ns.load(Ordering::Relaxed), Ordering::Relaxed);
                        prop_assert!(fresh.check(cost, wait.retry_after_ns - 1).is_err());
                        prop_assert!(fresh.check(cost, wait.retry_after_ns).is_ok());
                    }
                }
            }
        }
    }
}
