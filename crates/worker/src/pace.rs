//! When to try again, and when to stop.

use std::time::Duration;

use domain::RequestId;
use tokio::sync::watch;

/// Waits that double up to a bound, each somewhere in its upper half so that replicas do not march in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// All is well again.
    pub(crate) const fn reset(&mut self) {
        self.next = self.min;
    }

    /// How long to wait now.
    pub(crate) fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.max);
        let half = whole / 2;
        let dice = u32::try_from(RequestId::generate().as_u128() & 0xffff).unwrap_or(0);
        half + half * dice / 0xffff
    }
}

/// Returns when the task should stop: told to, or nobody is left to tell.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Sleeps; `true` if the task should stop instead.
pub(crate) async fn sleep_or_stop(time: Duration, shutdown: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = stopped(shutdown) => true,
        () = tokio::time::sleep(time) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_start_over() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(10));
        let mut backoff = Backoff::new(min, max);
        let waits: Vec<_> = (0..20).map(|_| backoff.wait()).collect();
        assert!(waits[0] >= min / 2 && waits[0] <= min);
        assert!(waits[3] >= min * 4);
        assert!(waits.iter().all(|wait| *wait <= max));
        assert!(waits[19] >= max / 2);
        backoff.reset();
        assert!(backoff.wait() <= min);
    }
}
