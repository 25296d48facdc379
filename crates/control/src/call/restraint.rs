//! How much a caller can make the gate write down: so many refusals a minute, and then one record that counts the
//! rest. Whoever is refused stays refused; only the log is spared.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::{AuditId, TenantScope, UnixMillis};
use ledger::AuditRecord;

use super::Call;
use crate::Control;

/// Refusals of one caller that are written down within a minute.
pub const TOLD_MAX: u32 = 60;
/// The minute.
const WINDOW: Duration = Duration::from_secs(60);
/// Callers that are remembered at once. Past it, all further ones share a place.
const CALLERS_MAX: usize = 10_000;

/// What becomes of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub enum Weighed {
    /// It is written down.
    Told,
    /// The first that is only counted; where the count is to be taken from in a minute.
    CountedFirst(String),
    /// It is only counted.
    Counted,
}

#[derive(Debug)]
struct Window {
    since: UnixMillis,
    told: u32,
    counted: u64,
}

/// Who was refused how often, lately.
#[derive(Debug, Default)]
pub struct Restraint(Mutex<HashMap<String, Window>>);

impl Restraint {
    /// Counts a refusal of this caller.
    // threat: AGP-D2
    pub fn weigh(&self, caller: &str, now: UnixMillis) -> Weighed {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= CALLERS_MAX && !windows.contains_key(caller) {
            windows.retain(|_, window| !window.is_over(now) || window.counted > 0);
        }
        let has_room = windows.len() < CALLERS_MAX || windows.contains_key(caller);
        let place = if has_room { caller } else { "" };
        let window = windows
            .entry(place.to_owned())
            .or_insert_with(|| Window::new(now));
        // One that still has a count to be written ends only with it.
        if window.is_over(now) && window.counted == 0 {
            *window = Window::new(now);
        }
        if window.told < TOLD_MAX {
            window.told += 1;
            return Weighed::Told;
        }
        window.counted += 1;
        match window.counted {
            1 => Weighed::CountedFirst(place.to_owned()),
            _ => Weighed::Counted,
        }
    }

    /// How many were only counted; a new minute begins.
    fn take(&self, caller: &str, now: UnixMillis) -> u64 {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.get_mut(caller);
        window.map_or(0, |window| std::mem::replace(window, Window::new(now)).counted)
    }
}

impl Window {
    const fn new(since: UnixMillis) -> Self {
        Self {
            since,
            told: 0,
            counted: 0,
        }
    }

    fn is_over(&self, now: UnixMillis) -> bool {
        now.since(self.since) >= WINDOW
    }
}

impl Call {
    /// Writes down a refusal, or counts it. The "no" stands whether or not it can be recorded.
    // threat: AGP-R3
    // threat: AGP-D2
    pub(super) async fn tell_restrained(&self, scope: TenantScope, caller: String, record: AuditRecord) {
        let caller = format!("{}/{caller}", scope.tenant());
        match self.control.restraint.weigh(&caller, self.now) {
            Weighed::Told => write(&self.control, scope, record).await,
            Weighed::Counted => {}
            Weighed::CountedFirst(place) => {
                let control = self.control.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(WINDOW).await;
                    let now = UnixMillis::now();
                    let counted = control.restraint.take(&place, now);
                    let summary = AuditRecord {
                        id: AuditId::generate(),
                        at: now,
                        target: None,
                        after: Some(serde_json::json!({"not_recorded_one_by_one": counted})),
                        ..record
                    };
                    write(&control, scope, summary).await;
                });
            }
        }
    }
}

async fn write(control: &Control, scope: TenantScope, record: AuditRecord) {
    if let Err(error) = control.store.commit(&scope, &[], Some(&record.into())).await {
        tracing::error!(%error, "a refused act could not be recorded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn agp_d2_past_the_bound_refusals_are_counted_until_the_count_is_taken() {
        let restraint = Restraint::default();
        let weigh = |caller: &str, at| restraint.weigh(caller, UnixMillis(at));
        for _ in 0..TOLD_MAX {
            assert_eq!(weigh("a", 0), Weighed::Told);
        }
        assert_eq!(weigh("a", 1), Weighed::CountedFirst("a".to_owned()));
        assert_eq!(weigh("a", 2), Weighed::Counted);
        assert_eq!(weigh("b", 2), Weighed::Told, "each caller its own");
        assert_eq!(
            weigh("a", MINUTE_MS),
            Weighed::Counted,
            "the count is not lost with the minute"
        );
        assert_eq!(restraint.take("a", UnixMillis(MINUTE_MS)), 3);
        assert_eq!(weigh("a", MINUTE_MS), Weighed::Told);
        assert_eq!(restraint.take("c", UnixMillis(0)), 0);
    }

    #[test]
    fn a_new_minute_begins_by_itself() {
        let restraint = Restraint::default();
        for _ in 0..TOLD_MAX {
            restraint.weigh("a", UnixMillis(0));
        }
        assert_eq!(restraint.weigh("a", UnixMillis(MINUTE_MS)), Weighed::Told);
    }

    #[test]
    fn agp_d2_however_many_callers_there_are_memory_is_bounded() {
        let restraint = Restraint::default();
        for number in 0..CALLERS_MAX + 100 {
            restraint.weigh(&number.to_string(), UnixMillis(0));
        }
        assert!(restraint.0.lock().unwrap().len() <= CALLERS_MAX + 1);
        restraint.weigh("late", UnixMillis(MINUTE_MS));
        // All but the late one, and the place that has a count to be written.
        assert_eq!(restraint.0.lock().unwrap().len(), 2);
    }
}
