//! A process dies; the next one accounts for what it left.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{Money, RequestId};
use journal::Record;
use ledger::{Entry, Outcome, UsageSource};
use store::{EntryLog, Registry, Store};
use worker::{WorkerError, recover};

use crate::{NODE, NOW, append, budget, charge, entry, intent, lease, logged, open, scope, shipper, store};

const SOON: Duration = Duration::from_secs(20);

async fn standing(store: &dyn Store) -> (i64, i64, i64) {
    let standing = store
        .standing(&scope(1), budget(1).id, domain::UnixMillis(0))
        .await
        .unwrap();
    (
        standing.spent.nanos(),
        standing.leased.nanos(),
        standing.unexplained.nanos(),
    )
}

#[tokio::test]
async fn agp_budget_3_2_what_was_under_way_is_billed_at_its_bound_and_the_rest_of_the_lease_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let store = store().await;
    store.put_budget(&scope(1), &budget(1)).await.unwrap();
    lease(&*store, 1, NODE, 500, NOW.plus(Duration::from_secs(10))).await;
    {
        let (journal, _) = open(dir.path());
        for id in 1..=3u128 {
            let intent = intent(id, 1, 100);
            journal
                .append(Record::Intent {
                    id: intent.id,
                    bytes: &intent.to_bytes(),
                })
                .unwrap();
        }
        // 1 completed and cost 30, 2 was never sent, 3 was under way when the process died.
        append(
            &journal,
            &Entry {
                charges: vec![charge(30)],
                ..entry(1, 1)
            },
        );
        journal
            .append(Record::Void {
                id: RequestId::from_u128(2),
            })
            .unwrap();
    }
    let (journal, recovered) = open(dir.path());
    let (shipper, _) = shipper(&journal, &store, dir.path());
    let recovery = recover(&shipper, recovered, NOW, SOON).await.unwrap();
    assert_eq!(
        (recovery.interrupted, recovery.quarantined, recovery.leases_closed),
        (1, 0, 1)
    );
    assert_eq!(recovery.money_freed, Money::from_nanos(370));
    assert_eq!(logged(&store, 1).await, [1, 3]);
    let stored = store.entry(&scope(1), RequestId::from_u128(3)).await.unwrap();
    let billed = Entry::from_bytes(&stored.bytes).unwrap();
    assert_eq!(
        (billed.outcome, billed.usage_source, billed.cost.nanos()),
        (Outcome::Interrupted, UsageSource::Bound, 100)
    );
    assert_eq!(standing(&*store).await, (130, 0, 0), "spent, and nothing leaked");
    drop((shipper, journal));
    assert_eq!(open(dir.path()).1.open_intents, [], "once");
}

#[tokio::test]
async fn agp_budget_3_2_leases_stay_until_the_store_has_everything() {
    let dir = tempfile::tempdir().unwrap();
    let store = store().await;
    store.put_budget(&scope(1), &budget(1)).await.unwrap();
    lease(&*store, 1, NODE, 500, NOW).await;
    {
        let (journal, _) = open(dir.path());
        let intent = intent(1, 1, 100);
        journal
            .append(Record::Intent {
                id: intent.id,
                bytes: &intent.to_bytes(),
            })
            .unwrap();
    }
    store.down.store(true, Ordering::SeqCst);
    let (journal, recovered) = open(dir.path());
    let (first, _) = shipper(&journal, &store, dir.path());
    let error = recover(&first, recovered, NOW, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(error, WorkerError::Deadline { .. }), "{error}");
    assert_eq!(standing(&*store).await, (0, 500, 0), "nothing was given back");
    drop((first, journal));

    // The process dies again; the store is back. What was billed is not billed again.
    store.down.store(false, Ordering::SeqCst);
    let (journal, recovered) = open(dir.path());
    assert_eq!(
        (recovered.undrained_entries, recovered.open_intents.len()),
        (1, 0)
    );
    let (second, _) = shipper(&journal, &store, dir.path());
    let recovery = recover(&second, recovered, NOW, SOON).await.unwrap();
    assert_eq!((recovery.interrupted, recovery.leases_closed), (0, 1));
    assert_eq!(standing(&*store).await, (100, 0, 0));
}

#[tokio::test]
async fn an_intent_that_cannot_be_read_is_set_aside_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = store().await;
    {
        let (journal, _) = open(dir.path());
        journal
            .append(Record::Intent {
                id: RequestId::from_u128(1),
                bytes: b"from another age",
            })
            .unwrap();
    }
    let (journal, recovered) = open(dir.path());
    let (shipper, _) = shipper(&journal, &store, dir.path());
    let recovery = recover(&shipper, recovered, NOW, SOON).await.unwrap();
    assert_eq!((recovery.interrupted, recovery.quarantined), (0, 1));
    let kept = dir
        .path()
        .join("quarantine")
        .join("req_00000000000000000000000000000001.intent");
    assert_eq!(std::fs::read(kept).unwrap(), b"from another age");
    assert_eq!(journal.open_intents(), 0);
}

/// The process dies after any number of records; recovered, the budget is never undercounted and nothing leaks.
#[tokio::test]
async fn agp_budget_3_2_at_every_point_of_death_the_books_balance() {
    for records in 0..=6 {
        let dir = tempfile::tempdir().unwrap();
        let store = store().await;
        store.put_budget(&scope(1), &budget(1)).await.unwrap();
        lease(&*store, 1, NODE, 500, NOW).await;
        let mut due = 0;
        {
            let (journal, _) = open(dir.path());
            for step in 0..records {
                let call = step / 2 + 1;
                let intent = intent(call, 1, 100);
                if step % 2 == 0 {
                    journal
                        .append(Record::Intent {
                            id: intent.id,
                            bytes: &intent.to_bytes(),
                        })
                        .unwrap();
                    due += 100;
                } else {
                    append(
                        &journal,
                        &Entry {
                            charges: vec![charge(30)],
                            ..entry(call, 1)
                        },
                    );
                    due -= 70;
                }
            }
            // Some of it had been shipped.
            let (shipper, _) = shipper(&journal, &store, dir.path());
            if records % 3 == 0 {
                shipper.flush(SOON).await.unwrap();
            }
        }
        let (journal, recovered) = open(dir.path());
        let (shipper, _) = shipper(&journal, &store, dir.path());
        recover(&shipper, recovered, NOW, SOON).await.unwrap();
        let engine: Arc<dyn Store> = store.clone();
        assert_eq!(standing(&*engine).await, (due, 0, 0), "after {records} records");
    }
}
