//! What retention removes of ledgers, what it leaves, and what keeps it from removing anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{NodeId, RequestId, UnixMillis};
use ledger::retention::{ENTRIES_ACT, EntriesRemoval};
use ledger::{AuditActor, AuditRecord, Entry};
use store::usage::UsageQuery;
use store::{AuditQuery, EntryLog, MerkleLogs, Registry, Shipment, Store};
use telemetry::Metrics;
use worker::{EntryRemover, Remover, Retention, WorkerError};

use crate::checkpointing::{checkpointer, signing};
use crate::{FlakyStore, NOW, scope, store, tenant};

const DAY_MS: i64 = 86_400_000;

/// Calls that ended so many days ago, in this order.
async fn ended(store: &FlakyStore, days: &[i64]) {
    for days in days {
        let entry = Entry {
            finished: UnixMillis(NOW.0 - days * DAY_MS),
            cost: domain::Money::from_nanos(10),
            ..Entry::sample(RequestId::generate(), tenant(1))
        };
        let shipment = Shipment::from(&entry);
        let node = NodeId::generate();
        store.inner.append(&scope(1), node, &[shipment]).await.unwrap();
    }
}

fn remover(store: &Arc<FlakyStore>, metrics: &Arc<Metrics>) -> EntryRemover {
    let engine: Arc<dyn Store> = store.clone();
    let keep = Some(Duration::from_secs(90 * 24 * 3600));
    let with = (signing(engine.clone(), 1), metrics.clone());
    EntryRemover::new(engine, with, keep, Duration::from_secs(3600))
}

async fn sign(store: &Arc<FlakyStore>) {
    checkpointer(store, 1).checkpoint_all(NOW).await.unwrap();
}

async fn told(store: &FlakyStore) -> Vec<EntriesRemoval> {
    let query = AuditQuery {
        act: Some(ENTRIES_ACT.to_owned()),
        count: 100,
        ..AuditQuery::default()
    };
    let stored = store.inner.audit(&scope(1), &query).await.unwrap();
    let read = |bytes: &[u8]| EntriesRemoval::told_by(&AuditRecord::from_bytes(bytes).unwrap()).unwrap();
    stored.iter().map(|one| read(&one.bytes)).collect()
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new("test"))
}

#[tokio::test]
async fn agp_t4_whole_months_that_are_over_go_with_a_record_of_it() {
    let (store, metrics) = (store().await, metrics());
    // The fourth ended late in a journal: it goes with what came after it, not before.
    ended(&store, &[400, 399, 200, 390, 130, 91, 2]).await;
    let remover = remover(&store, &metrics);
    assert_eq!(remover.round(NOW).await.unwrap(), 0, "no head is signed");
    sign(&store).await;
    let all = UsageQuery::over(UnixMillis(0), UnixMillis(NOW.0 + DAY_MS));
    let leaves = store.inner.leaf_hashes(&scope(1), 0, 7).await.unwrap();
    let used = store.inner.usage(&scope(1), &all).await.unwrap().total;
    assert_eq!(remover.round(NOW).await.unwrap(), 5);
    let kept = store.inner.entries_kept(&scope(1)).await.unwrap();
    assert_eq!(kept.from, 5);
    // It began a month.
    assert!(kept.since.0 <= NOW.0 - 90 * DAY_MS && kept.since.0 > NOW.0 - 130 * DAY_MS);
    assert_eq!(store.inner.leaf_hashes(&scope(1), 0, 7).await.unwrap(), leaves);
    assert_eq!(store.inner.usage(&scope(1), &all).await.unwrap().total, used);
    let removal = EntriesRemoval {
        from: 0,
        below: 5,
        until: kept.since,
        keep_ms: u64::try_from(90 * DAY_MS).unwrap(),
    };
    assert_eq!(told(&store).await, [removal]);
    assert_eq!(remover.round(NOW).await.unwrap(), 0, "once");
    // And the next, when its time is over.
    let later = UnixMillis(NOW.0 + 60 * DAY_MS);
    assert_eq!(remover.round(later).await.unwrap(), 1);
    assert_eq!(told(&store).await.len(), 2);
    assert_eq!(metrics.gauges().entries_removed.get(), 6);
}

#[tokio::test]
async fn agp_r2_nothing_goes_that_roll_ups_do_not_sum_up_or_that_was_changed() {
    for what in ["usage", "entries"] {
        let (store, metrics) = (store().await, metrics());
        ended(&store, &[400, 399, 2]).await;
        sign(&store).await;
        match what {
            "usage" => store.off_by_one.store(true, Ordering::SeqCst),
            _ => store.changed.store(true, Ordering::SeqCst),
        }
        let refused = remover(&store, &metrics).round(NOW).await.unwrap_err();
        match what {
            "usage" => assert!(matches!(refused, WorkerError::SumsDiffer { .. }), "{refused}"),
            _ => assert!(matches!(refused, WorkerError::Tampered { .. }), "{refused}"),
        }
        assert_eq!(store.inner.entries_kept(&scope(1)).await.unwrap().from, 0);
        assert_eq!(told(&store).await, []);
        assert_eq!(metrics.gauges().entries_not_removed.get(), 1);
    }
}

/// Otherwise nobody could tell what retention removed from what somebody else did.
#[tokio::test]
async fn agp_t4_the_record_of_a_removal_is_made_anew_before_it_goes_itself() {
    let (store, metrics) = (store().await, metrics());
    ended(&store, &[400, 399, 2]).await;
    sign(&store).await;
    assert_eq!(remover(&store, &metrics).round(NOW).await.unwrap(), 2);
    let actor = AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned());
    let act = AuditRecord::done(
        (domain::AuditId::generate(), tenant(1)),
        NOW,
        actor,
        "keys.create",
    );
    store
        .inner
        .commit(&scope(1), &[], Some(&act.into()))
        .await
        .unwrap();
    sign(&store).await;
    let before = told(&store).await;
    let rule = Retention {
        keep: Duration::from_secs(30 * 24 * 3600),
        every: Duration::from_secs(3600),
        sinks: Vec::new(),
    };
    let engine: Arc<dyn Store> = store.clone();
    let of_audits = Remover::new(engine.clone(), signing(engine, 1), rule);
    let later = UnixMillis(NOW.0 + 40 * DAY_MS);
    assert_eq!(of_audits.remove_all(later).await.unwrap(), 2);
    assert_eq!(told(&store).await, before);
    // That one is no reason to remove anything, ever.
    sign(&store).await;
    let much_later = UnixMillis(NOW.0 + 400 * DAY_MS);
    assert_eq!(of_audits.remove_all(much_later).await.unwrap(), 0);
}
