//! One round after another until told to stop, with pauses that grow while there is trouble. What was under way then is
//! done again at the next start.

use std::time::Duration;

use telemetry::metrics::SinkMetrics;
use tokio::sync::watch;

use super::Trouble;
use crate::pace::{Backoff, sleep_or_stop, stopped};

const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// The longest pause of what is sent as it comes.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Work that is done in rounds.
pub(super) trait Rounds: Send {
    /// How long it rests after a round in which all is well, and at most while something is not.
    fn rests(&self) -> (Duration, Duration);
    /// Where it is counted.
    fn metrics(&self) -> &SinkMetrics;
    /// How much waits.
    fn pending(&self) -> u64;
    /// Says what is the matter.
    fn tell(&self, trouble: &Trouble, pending: u64);
    /// A round. Whether there is more to do at once.
    fn round(&mut self) -> impl Future<Output = Result<bool, Trouble>> + Send;
}

/// Goes on until told to stop.
pub(super) async fn run(mut work: impl Rounds, mut shutdown: watch::Receiver<bool>) {
    let (every, most) = work.rests();
    let mut backoff = Backoff::new(BACKOFF_MIN.min(every), most);
    loop {
        let round = tokio::select! {
            () = stopped(&mut shutdown) => break,
            round = work.round() => round,
        };
        let pending = work.pending();
        let shown = i64::try_from(pending).unwrap_or(i64::MAX);
        work.metrics().pending.set(shown);
        let wait = match round {
            Ok(true) => Duration::ZERO,
            Ok(false) => {
                backoff.reset();
                work.rests().0
            }
            Err(trouble) => {
                work.tell(&trouble, pending);
                match trouble {
                    Trouble::Later(wait) => backoff.wait().max(wait),
                    _ => backoff.wait(),
                }
            }
        };
        if sleep_or_stop(wait, &mut shutdown).await {
            break;
        }
    }
    // The next start counts anew; for what is no more, nothing waits.
    work.metrics().pending.set(0);
}
