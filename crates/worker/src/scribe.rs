//! The scribe: writes what the data plane has seen into audit logs, beside the calls. What comes again and again is
//! written once a minute and counted, so that nobody can fill a log by trying one key.

mod once;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::AuditRecord;
use store::{Store, StoreError};
use tokio::sync::{mpsc, watch};

use crate::pace::{Backoff, sleep_or_stop, stopped};
use once::Once;

/// Alarms that wait to be written.
pub const ALARMS_MAX: usize = 1_024;
/// Within it, one act on one target is written once.
const WINDOW: Duration = Duration::from_secs(60);
/// Targets remembered at once; past it the rest of them share a place in each tenant.
const PLACES_MAX: usize = 10_000;
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// How often counts are looked for that are due.
const LOOK: Duration = Duration::from_secs(1);

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PlaceOf {
    tenant: TenantId,
    act: String,
    target: Option<String>,
    /// Of signals, which: each is told by itself.
    signal: Option<String>,
}

#[derive(Debug)]
struct Window {
    since: UnixMillis,
    counted: u64,
    /// The last that was only counted.
    last: Option<AuditRecord>,
}

/// How often what was seen lately. Knows no clock.
#[derive(Debug, Default)]
struct Seen(HashMap<PlaceOf, Window>);

impl Seen {
    /// The record if it is to be written now; otherwise it is counted.
    // threat: AGP-D2
    fn weigh(&mut self, record: AuditRecord, now: UnixMillis) -> Option<AuditRecord> {
        let mut place = PlaceOf {
            tenant: record.tenant,
            act: record.act.clone(),
            target: record.target.clone(),
            signal: signal(&record).map(ToOwned::to_owned),
        };
        if self.0.len() >= PLACES_MAX && !self.0.contains_key(&place) {
            place.target = None;
        }
        if let Some(window) = self.0.get_mut(&place) {
            window.counted += 1;
            window.last = Some(record);
            return None;
        }
        let window = Window {
            since: now,
            counted: 0,
            last: None,
        };
        self.0.insert(place, window);
        Some(record)
    }

    /// One record for everything that was only counted in a time that is over.
    fn due(&mut self, now: UnixMillis, all: bool) -> Vec<AuditRecord> {
        let over = self
            .0
            .extract_if(|_, window| all || now.since(window.since) >= WINDOW);
        let counted: Vec<_> = over
            .filter_map(|(place, window)| Some((place, window.counted, window.last?)))
            .collect();
        let mut due = Vec::with_capacity(counted.len());
        for (place, counted, last) in counted {
            due.push(AuditRecord {
                id: AuditId::generate(),
                at: now,
                target: place.target.clone(),
                after: Some(counted_only(&place, counted)),
                ..last
            });
            let window = Window {
                since: now,
                counted: 0,
                last: None,
            };
            self.0.insert(place, window);
        }
        due
    }
}

/// Which signal a record tells of, if it tells of one.
fn signal(record: &AuditRecord) -> Option<&str> {
    record.after.as_ref()?.get("signal")?.as_str()
}

fn counted_only(place: &PlaceOf, counted: u64) -> serde_json::Value {
    let mut after = serde_json::json!({"not_recorded_one_by_one": counted});
    if let (Some(signal), Some(fields)) = (&place.signal, after.as_object_mut()) {
        fields.insert("signal".to_owned(), signal.as_str().into());
    }
    after
}

/// Writes alarms.
#[derive(Debug)]
pub struct Scribe {
    store: Arc<dyn Store>,
    seen: Seen,
}

impl Scribe {
    /// One that writes into this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            seen: Seen::default(),
        }
    }

    /// Writes until told to stop, and then what has come by then, if the store takes it.
    // threat: AGP-R3
    pub async fn run(mut self, mut alarms: mpsc::Receiver<AuditRecord>, mut shutdown: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let alarm = tokio::select! {
                alarm = alarms.recv() => match alarm {
                    Some(alarm) => Some(alarm),
                    None => break,
                },
                _ = look.tick() => None,
                () = stopped(&mut shutdown) => break,
            };
            match alarm {
                Some(alarm) => self.take(alarm, &mut shutdown).await,
                None => self.tell_counted(false, &mut shutdown).await,
            }
        }
        while let Ok(alarm) = alarms.try_recv() {
            self.take(alarm, &mut shutdown).await;
        }
        self.tell_counted(true, &mut shutdown).await;
    }

    async fn tell_counted(&mut self, all: bool, shutdown: &mut watch::Receiver<bool>) {
        for record in self.seen.due(UnixMillis::now(), all) {
            self.write(record, shutdown).await;
        }
    }

    async fn take(&mut self, alarm: AuditRecord, shutdown: &mut watch::Receiver<bool>) {
        if let Some(once) = Once::of(&alarm) {
            return self.write_once(once, alarm, shutdown).await;
        }
        let Some(record) = self.seen.weigh(alarm, UnixMillis::now()) else {
            return;
        };
        tracing::warn!(
            tenant = %record.tenant,
            act = record.act,
            target = record.target.as_deref().unwrap_or_default(),
            signal = signal(&record).unwrap_or_default(),
            address = record.address.map(|address| address.to_string()).unwrap_or_default(),
            "an alarm was raised"
        );
        self.write(record, shutdown).await;
    }

    /// The same for what is told once in a while over all replicas.
    async fn write_once(&self, once: Once, record: AuditRecord, shutdown: &mut watch::Receiver<bool>) {
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        loop {
            match once.tell(self.store.as_ref(), &record).await {
                Ok(is_new) => {
                    let target = record.target.as_deref().unwrap_or_default();
                    if is_new {
                        tracing::warn!(tenant = %record.tenant, act = record.act, target, "an alarm was raised");
                    }
                    return;
                }
                Err(StoreError::NotFound) => {
                    tracing::error!(act = record.act, tenant = %record.tenant, "an alarm of a tenant that is gone");
                    return;
                }
                // Another replica wrote meanwhile: perhaps of the same.
                Err(StoreError::Conflict(_)) => {}
                Err(error) => tracing::error!(act = record.act, %error, "an alarm could not be recorded yet"),
            }
            if sleep_or_stop(backoff.wait(), shutdown).await {
                return;
            }
        }
    }

    /// Tries until the store takes it, or it is time to stop. What comes meanwhile waits in the queue.
    async fn write(&self, record: AuditRecord, shutdown: &mut watch::Receiver<bool>) {
        let scope = TenantScope::operator(record.tenant);
        let (act, entry) = (record.act.clone(), record.into());
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        loop {
            match self.store.commit(&scope, &[], Some(&entry)).await {
                // The first try had been taken after all.
                Ok(()) | Err(StoreError::Conflict(_)) => return,
                Err(StoreError::NotFound) => {
                    tracing::error!(act, tenant = %scope.tenant(), "an alarm of a tenant that is gone");
                    return;
                }
                Err(error) => tracing::error!(act, %error, "an alarm could not be recorded yet"),
            }
            if sleep_or_stop(backoff.wait(), shutdown).await {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::AuditActor;

    fn alarm(target: u128) -> AuditRecord {
        let ids = (AuditId::generate(), TenantId::from_u128(1));
        AuditRecord {
            target: Some(target.to_string()),
            ..AuditRecord::done(
                ids,
                UnixMillis(0),
                AuditActor::Stranger("btz_x".to_owned()),
                "keys.honey",
            )
        }
    }

    #[test]
    fn agp_d2_one_a_minute_for_each_target_and_then_a_count() {
        let mut seen = Seen::default();
        assert!(seen.weigh(alarm(1), UnixMillis(0)).is_some());
        assert!(
            seen.weigh(alarm(2), UnixMillis(0)).is_some(),
            "each target its own"
        );
        for _ in 0..500 {
            assert!(seen.weigh(alarm(1), UnixMillis(59_000)).is_none());
        }
        assert!(seen.due(UnixMillis(59_999), false).is_empty());
        let due = seen.due(UnixMillis(60_000), false);
        let told: Vec<_> = due
            .iter()
            .map(|one| (one.target.as_deref(), one.after.clone()))
            .collect();
        let count = serde_json::json!({"not_recorded_one_by_one": 500});
        assert_eq!(told, [(Some("1"), Some(count))]);
        assert!(
            seen.weigh(alarm(1), UnixMillis(60_001)).is_none(),
            "the count was the record of this minute"
        );
        assert!(
            seen.weigh(alarm(2), UnixMillis(60_001)).is_some(),
            "a quiet one starts anew"
        );
        assert_eq!(
            seen.due(UnixMillis(60_002), true).len(),
            1,
            "nothing counted is lost at the end"
        );
    }

    #[test]
    fn agp_d2_however_many_targets_there_are_memory_is_bounded() {
        let mut seen = Seen::default();
        let told = (0..12_000)
            .filter_map(|n| seen.weigh(alarm(n), UnixMillis(0)))
            .count();
        assert!(told <= PLACES_MAX + 1 && seen.0.len() <= PLACES_MAX + 1);
    }
}
