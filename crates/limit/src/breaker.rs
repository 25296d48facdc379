//! Circuit breaking for one target: stop asking what keeps failing, and find out gently when it is back.
//!
//! Closed, it counts; after too many failures in a row, or too large a share of a window, it opens and
//! refuses for a cool-down. Then it is half open: a few probes may pass. One success closes it, one failure
//! opens it again for twice as long. What began before a change of state no longer counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// When to open and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// This many failures in a row open it.
    pub consecutive_failures_max: u32,
    /// This share of failures in the window opens it; above 100 never does.
    pub failure_percent_max: u32,
    /// With fewer calls in the window the share says nothing.
    pub window_calls_min: u32,
    /// Over how long the share is taken.
    pub window_ns: u64,
    /// How long it stays open the first time.
    pub cooldown_ns: u64,
    /// How long it stays open at most, however often it failed again.
    pub cooldown_ns_max: u64,
    /// How many probes may be under way at once when half open.
    pub probes_max: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            consecutive_failures_max: 5,
            failure_percent_max: 50,
            window_calls_min: 20,
            window_ns: 10_000_000_000,
            cooldown_ns: 1_000_000_000,
            cooldown_ns_max: 60_000_000_000,
            probes_max: 1,
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused until then.
    Open {
        /// When probes may pass.
        until_ns: u64,
    },
    /// A few probes may pass.
    HalfOpen,
}

/// What has become of it since somebody last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It opened, or is half open.
    Opened,
    /// It closed again.
    Closed,
}

/// The refusal of an open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the target is resting after failures")]
pub struct Open {
    /// When asking again may make sense.
    pub retry_after_ns: u64,
}

/// How a call went, as far as the target is to blame. A caller's mistake is a success of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Success,
    /// It refused, stalled, broke off or answered garbage.
    Failure,
}

/// A breaker. Clones share the state.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    state: Arc<Mutex<State>>,
}

/// Leave to make one call. Dropped without an outcome it counts as nothing, and a probe's place is free.
#[derive(Debug)]
pub struct Ticket {
    breaker: Breaker,
    epoch: u64,
    probe: bool,
    reported: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Rises with every change of phase.
    epoch: u64,
    phase: Phase,
    /// How often it opened without having closed since.
    trips: u32,
    /// Whether whoever looks has seen that it opened.
    seen_open: bool,
}

#[derive(Debug)]
enum Phase {
    Closed(Counts),
    Open { until_ns: u64 },
    HalfOpen { probes: u32 },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed(Counts::default())
    }
}

impl State {
    fn stands(&self, now_ns: u64) -> BreakerState {
        match self.phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { until_ns } if now_ns < until_ns => BreakerState::Open { until_ns },
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.epoch = self.epoch.wrapping_add(1);
        self.phase = phase;
    }
}

/// What a closed breaker remembers: two adjoining stretches of a window each.
#[derive(Debug, Default)]
struct Counts {
    in_a_row: u32,
    began_ns: u64,
    current: Tally,
    previous: Tally,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    calls: u32,
    failures: u32,
}

impl Counts {
    /// Counts a call; whether the breaker must open.
    fn add(&mut self, outcome: Outcome, settings: &BreakerSettings, now_ns: u64) -> bool {
        self.turn(settings.window_ns, now_ns);
        self.current.calls = self.current.calls.saturating_add(1);
        if outcome == Outcome::Success {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.current.failures = self.current.failures.saturating_add(1);
        self.in_a_row >= settings.consecutive_failures_max || self.share_exceeded(settings)
    }

    fn turn(&mut self, window_ns: u64, now_ns: u64) {
        let age = now_ns.saturating_sub(self.began_ns);
        if age < window_ns {
            return;
        }
        let adjoining = age < window_ns.saturating_mul(2);
        self.previous = if adjoining { self.current } else { Tally::default() };
        self.current = Tally::default();
        self.began_ns = now_ns;
    }

    fn share_exceeded(&self, settings: &BreakerSettings) -> bool {
        let calls = u64::from(self.current.calls) + u64::from(self.previous.calls);
        let failures = u64::from(self.current.failures) + u64::from(self.previous.failures);
        calls >= u64::from(settings.window_calls_min)
            && failures * 100 >= calls * u64::from(settings.failure_percent_max)
    }
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: Arc::default(),
        }
    }

    /// Leave for one call, or the refusal.
    // threat: ANP-0019
    // threat: AGP-D2
    pub fn admit(&self, now_ns: u64) -> Result<Ticket, Open> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Open { until_ns } if now_ns >= until_ns) {
            state.enter(Phase::HalfOpen { probes: 0 });
        }
        let probe = match &mut state.phase {
            Phase::Closed(_) => false,
            Phase::Open { until_ns } => {
                return Err(Open {
                    retry_after_ns: *until_ns - now_ns,
                });
            }
            Phase::HalfOpen { probes } if *probes < self.settings.probes_max.max(1) => {
                *probes += 1;
                true
            }
            Phase::HalfOpen { .. } => {
                return Err(Open {
                    retry_after_ns: self.settings.cooldown_ns,
                });
            }
        };
        Ok(Ticket {
            breaker: self.clone(),
            epoch: state.epoch,
            probe,
            reported: false,
        })
    }

    /// How it stands, without asking for leave: for choosing among targets and for metrics.
    pub fn state(&self, now_ns: u64) -> BreakerState {
        self.lock().stands(now_ns)
    }

    /// How it stands, and whether that is another than when this was last asked: said to one who asks.
    pub fn look(&self, now_ns: u64) -> (BreakerState, Option<Turned>) {
        let mut state = self.lock();
        let stands = state.stands(now_ns);
        let is_open = stands != BreakerState::Closed;
        let turned = match (std::mem::replace(&mut state.seen_open, is_open), is_open) {
            (false, true) => Some(Turned::Opened),
            (true, false) => Some(Turned::Closed),
            _ => None,
        };
        (stands, turned)
    }

    fn record(&self, outcome: Outcome, epoch: u64, now_ns: u64) {
        let mut state = self.lock();
        if state.epoch != epoch {
            return;
        }
        let opens = match &mut state.phase {
            Phase::Closed(counts) => counts.add(outcome, &self.settings, now_ns),
            Phase::Open { .. } => false,
            Phase::HalfOpen { .. } if outcome == Outcome::Success => {
                state.trips = 0;
                state.enter(Phase::default());
                false
            }
            Phase::HalfOpen { .. } => true,
        };
        if opens {
            let until_ns = now_ns.saturating_add(self.cooldown_ns(state.trips));
            state.trips = state.trips.saturating_add(1);
            state.enter(Phase::Open { until_ns });
        }
    }

    /// Doubles with every trip.
    fn cooldown_ns(&self, trips: u32) -> u64 {
        let factor = 1u64.checked_shl(trips).unwrap_or(u64::MAX);
        self.settings
            .cooldown_ns
            .saturating_mul(factor)
            .min(self.settings.cooldown_ns_max)
    }

    /// No code panics while holding the lock; if one did, the state would still be whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Reports how the call went.
    pub fn report(mut self, outcome: Outcome, now_ns: u64) {
        self.reported = true;
        self.breaker.record(outcome, self.epoch, now_ns);
    }

    /// Whether this is a probe of a half-open breaker.
    pub const fn is_probe(&self) -> bool {
        self.probe
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.probe || self.reported {
            return;
        }
        let mut state = self.breaker.lock();
        if state.epoch == self.epoch
            && let Phase::HalfOpen { probes } = &mut state.phase
        {
            *probes = probes.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failure, Success};
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings {
            consecutive_failures_max: 3,
            cooldown_ns_max: 4 * SECOND,
            ..BreakerSettings::default()
        })
    }

    fn call(breaker: &Breaker, outcome: Outcome, now_ns: u64) {
        breaker.admit(now_ns).unwrap().report(outcome, now_ns);
    }

    #[test]
    fn anp_0019_opens_at_the_third_failure_in_a_row_and_not_before() {
        let breaker = breaker();
        for outcome in [Failure, Failure, Success, Failure, Failure] {
            call(&breaker, outcome, 0);
        }
        assert_eq!(breaker.state(0), BreakerState::Closed);
        call(&breaker, Failure, 0);
        assert_eq!(breaker.state(0), BreakerState::Open { until_ns: SECOND });
        assert_eq!(breaker.admit(SECOND - 1).unwrap_err(), Open { retry_after_ns: 1 });
        assert_eq!(breaker.state(SECOND), BreakerState::HalfOpen);
    }

    #[test]
    fn that_it_opened_or_closed_is_said_once() {
        let breaker = breaker();
        assert_eq!(breaker.look(0), (BreakerState::Closed, None));
        (0..3).for_each(|_| call(&breaker, Failure, 0));
        assert_eq!(breaker.look(0).1, Some(Turned::Opened));
        assert_eq!(breaker.look(0).1, None);
        assert_eq!(breaker.look(SECOND), (BreakerState::HalfOpen, None));
        call(&breaker, Success, SECOND);
        assert_eq!(breaker.look(SECOND), (BreakerState::Closed, Some(Turned::Closed)));
        assert_eq!(breaker.look(SECOND).1, None);
    }

    #[test]
    fn anp_0019_half_open_lets_only_the_probes_through() {
        let breaker = breaker();
        (0..3).for_each(|_| call(&breaker, Failure, 0));
        let probe = breaker.admit(SECOND).unwrap();
        assert!(probe.is_probe());
        assert!(breaker.admit(SECOND).is_err());
        drop(probe);
        let probe = breaker.admit(SECOND).expect("an abandoned probe frees its place");
        probe.report(Success, SECOND);
        assert_eq!(breaker.state(SECOND), BreakerState::Closed);
    }

    #[test]
    fn anp_0019_each_failed_probe_doubles_the_rest_up_to_the_maximum() {
        let breaker = breaker();
        (0..3).for_each(|_| call(&breaker, Failure, 0));
        let mut now = SECOND;
        for rest in [2, 4, 4, 4] {
            call(&breaker, Failure, now);
            assert_eq!(
                breaker.state(now),
                BreakerState::Open {
                    until_ns: now + rest * SECOND
                }
            );
            now += rest * SECOND;
        }
        call(&breaker, Success, now);
        (0..3).for_each(|_| call(&breaker, Failure, now));
        assert_eq!(
            breaker.state(now),
            BreakerState::Open {
                until_ns: now + SECOND
            }
        );
    }

    #[test]
    fn a_late_report_from_before_the_change_counts_nothing() {
        let breaker = breaker();
        let late = breaker.admit(0).unwrap();
        (0..3).for_each(|_| call(&breaker, Failure, 0));
        let _probe = breaker.admit(SECOND).unwrap();
        late.report(Success, SECOND);
        assert_eq!(breaker.state(SECOND), BreakerState::HalfOpen);
    }

    #[test]
    fn anp_0019_a_large_share_of_failures_opens_it_without_any_row() {
        let settings = BreakerSettings {
            consecutive_failures_max: u32::MAX,
            ..BreakerSettings::default()
        };
        let breaker = Breaker::new(settings);
        for _ in 0..9 {
            call(&breaker, Success, 0);
            call(&breaker, Failure, 0);
        }
        call(&breaker, Success, 0);
        assert_eq!(breaker.state(0), BreakerState::Closed);
        call(&breaker, Failure, 0);
        assert_ne!(breaker.state(0), BreakerState::Closed);

        let breaker = Breaker::new(settings);
        (0..19).for_each(|_| call(&breaker, Failure, 0));
        call(&breaker, Failure, 20 * SECOND);
        assert_eq!(
            breaker.state(20 * SECOND),
            BreakerState::Closed,
            "what is older than two windows is forgotten"
        );
    }

    proptest! {
        #[test]
        fn anp_0019_probes_are_bounded_and_it_always_recovers(
            probes_max in 1u32..4, steps in prop::collection::vec((0u8..4, 0u64..2 * SECOND), 0..200),
        ) {
            let breaker = Breaker::new(BreakerSettings { probes_max, consecutive_failures_max: 2, ..BreakerSettings::default() });
            let (mut now, mut held) = (0u64, Vec::new());
            for (step, later) in steps {
                now += later;
                match step {
                    0 | 1 => held.extend(breaker.admit(now).ok()),
                    2 => if let Some(ticket) = held.pop() { Ticket::report(ticket, Failure, now) },
                    _ => drop(held.pop()),
                }
                let epoch = breaker.lock().epoch;
                prop_assert!(held.iter().filter(|t| t.probe && t.epoch == epoch).count() <= probes_max as usize);
            }
            held.clear();
            let ticket = breaker.admit(now + 61 * SECOND);
            prop_assert!(ticket.is_ok());
            ticket.unwrap().report(Success, now + 61 * SECOND);
            prop_assert_eq!(breaker.state(now + 61 * SECOND), BreakerState::Closed);
        }
    }
}
