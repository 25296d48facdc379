//! What was told lately: when the same comes again it is counted, and the count is told once its time is over. Pure.

use std::time::Duration;

use domain::UnixMillis;
use store::delivery::Told;

/// Things that are remembered of one log at one sink; past it, each is told.
const TOLD_MAX: usize = 200;

/// Whether the same was told within `time`; then it is counted.
pub(super) fn is_repeat(
    told: &mut Vec<Told>,
    (what, index): (String, u64),
    now: UnixMillis,
    time: Duration,
) -> bool {
    if time.is_zero() {
        return false;
    }
    if let Some(known) = told.iter_mut().find(|known| known.what == what) {
        known.last = index;
        if known.more == 0 && now.since(known.since) >= time {
            known.since = now;
            return false;
        }
        known.more += 1;
        return true;
    }
    told.retain(|known| known.more > 0 || now.since(known.since) < time);
    if told.len() < TOLD_MAX {
        told.push(Told {
            what,
            since: now,
            more: 0,
            last: index,
        });
    }
    false
}

/// What came again and whose time is over.
pub(super) fn due(told: &[Told], now: UnixMillis, time: Duration) -> Vec<Told> {
    let is_due = |one: &&Told| one.more > 0 && now.since(one.since) >= time;
    told.iter().filter(is_due).cloned().collect()
}

/// When the first of them is.
pub(super) fn next_due(told: &[Told], time: Duration) -> Option<UnixMillis> {
    told.iter()
        .filter(|one| one.more > 0)
        .map(|one| one.since.plus(time))
        .min()
}

/// Its count was told: it is counted anew.
pub(super) fn counted(told: &mut [Told], what: &str, now: UnixMillis) {
    if let Some(one) = told.iter_mut().find(|one| one.what == what) {
        one.more = 0;
        one.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    fn comes(told: &mut Vec<Told>, what: &str, index: u64, seconds: i64) -> bool {
        is_repeat(told, (what.to_owned(), index), at(seconds), TIME)
    }

    #[test]
    fn what_comes_again_is_counted_told_once_and_counted_anew() {
        let mut told = Vec::new();
        assert!(!comes(&mut told, "a", 1, 0));
        assert!(
            comes(&mut told, "a", 2, 10) && comes(&mut told, "a", 3, 70),
            "counted until it is told"
        );
        assert!(!comes(&mut told, "b", 4, 10));
        assert_eq!(next_due(&told, TIME), Some(at(60)));
        assert!(due(&told, at(59), TIME).is_empty());
        let found = due(&told, at(70), TIME);
        assert_eq!((found.len(), found[0].more, found[0].last), (1, 2, 3));
        counted(&mut told, "a", at(70));
        assert!(due(&told, at(1000), TIME).is_empty(), "nothing came since");
        assert!(
            comes(&mut told, "a", 5, 100),
            "the count was the telling of this time"
        );
        assert!(!comes(&mut told, "b", 7, 90), "a quiet one is told anew");
        assert!(!comes(&mut told, "c", 6, 200));
        assert_eq!(told.len(), 2, "what is long ago and quiet is forgotten: {told:?}");
    }

    #[test]
    fn agp_d2_there_is_a_bound_past_which_each_is_told() {
        let mut told = Vec::new();
        for n in 0..TOLD_MAX as u64 {
            assert!(!comes(&mut told, &n.to_string(), n, 0));
        }
        assert!(!comes(&mut told, "new", 1, 0) && !comes(&mut told, "new", 2, 0));
        assert_eq!(told.len(), TOLD_MAX);
        assert!(
            !is_repeat(&mut told, ("0".to_owned(), 1), at(0), Duration::ZERO),
            "not asked for"
        );
    }
}
