//! The shipper: nothing lost, nothing twice, nothing out of order, nothing that blocks.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::RequestId;
use journal::Record;
use ledger::Entry;
use tokio::sync::watch;
use worker::WorkerError;

use crate::{append, entry, logged, open, scope, shipper, store, tenant};

const SOON: Duration = Duration::from_secs(20);

/// Odd requests are tenant 1's, even ones tenant 2's.
fn owner(id: u128) -> u128 {
    2 - id % 2
}

#[tokio::test]
async fn agp_r1_everything_arrives_once_and_in_order_through_failures_and_lost_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    store.fail.store(7, Ordering::SeqCst);
    store.lose_answers.store(5, Ordering::SeqCst);
    for id in 1..=200 {
        append(&journal, &entry(id, owner(id)));
    }
    let (shipper, metrics) = shipper(&journal, &store, dir.path());
    shipper.flush(SOON).await.unwrap();
    assert_eq!(logged(&store, 1).await, (1..=200).step_by(2).collect::<Vec<_>>());
    assert_eq!(logged(&store, 2).await, (2..=200).step_by(2).collect::<Vec<_>>());
    assert_eq!(journal.depth_bytes(), 0);
    assert!(metrics.gauges().ship_failures.get() >= 12);
    assert_eq!(metrics.gauges().journal_depth_bytes.get(), 0);
}

#[tokio::test]
async fn agp_r1_a_store_that_is_down_stops_nothing_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    store.down.store(true, Ordering::SeqCst);
    let (shipper, _) = shipper(&journal, &store, dir.path());
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(shipper.clone().run(stopped));
    for id in 1..=50 {
        append(&journal, &entry(id, 1));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(store.refused.load(Ordering::SeqCst) > 1, "it tries again");
    let depth = journal.depth_bytes();
    assert!(matches!(
        shipper.flush(Duration::from_millis(50)).await,
        Err(WorkerError::Deadline { depth_bytes }) if depth_bytes == depth
    ));
    store.down.store(false, Ordering::SeqCst);
    tokio::time::timeout(SOON, async {
        while journal.depth_bytes() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(logged(&store, 1).await, (1..=50).collect::<Vec<_>>());
    stop.send(true).unwrap();
    tokio::time::timeout(SOON, running).await.unwrap().unwrap();
}

#[tokio::test]
async fn agp_r1_a_restart_between_shipping_and_the_cursor_ships_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = store().await;
    {
        let (journal, _) = open(dir.path());
        append(&journal, &entry(1, 1));
        append(&journal, &entry(2, 1));
        // The store has them, the cursor has not moved: the answer was lost and the process died.
        store.lose_answers.store(1, Ordering::SeqCst);
        let (shipper, _) = shipper(&journal, &store, dir.path());
        assert!(shipper.ship_batch().await.is_err());
    }
    let (journal, recovered) = open(dir.path());
    assert_eq!(recovered.undrained_entries, 2);
    append(&journal, &entry(3, 1));
    let (shipper, _) = shipper(&journal, &store, dir.path());
    shipper.flush(SOON).await.unwrap();
    assert_eq!(logged(&store, 1).await, [1, 2, 3]);
}

#[tokio::test]
async fn agp_r1_a_poison_entry_is_set_aside_and_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    append(&journal, &entry(1, 1));
    journal
        .append(Record::Entry {
            id: RequestId::from_u128(2),
            bytes: b"{not an entry",
        })
        .unwrap();
    append(&journal, &entry(3, 1));
    let (shipper, metrics) = shipper(&journal, &store, dir.path());
    shipper.flush(SOON).await.unwrap();
    assert_eq!(logged(&store, 1).await, [1, 3]);
    assert_eq!(metrics.gauges().entries_quarantined.get(), 1);
    let files: Vec<_> = std::fs::read_dir(dir.path().join("quarantine"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(std::fs::read(&files[0]).unwrap(), b"{not an entry");
    assert!(
        files[0]
            .to_str()
            .unwrap()
            .contains("req_00000000000000000000000000000002")
    );
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn agp_r1_an_entry_the_store_refuses_for_good_holds_up_neither_its_tenant_nor_others() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    store.refuses.store(3, Ordering::SeqCst);
    for id in 1..=6 {
        append(&journal, &entry(id, owner(id)));
    }
    let (shipper, metrics) = shipper(&journal, &store, dir.path());
    shipper.flush(SOON).await.unwrap();
    assert_eq!(
        (logged(&store, 1).await, logged(&store, 2).await),
        (vec![1, 5], vec![2, 4, 6])
    );
    assert_eq!(metrics.gauges().entries_quarantined.get(), 1);
}

/// Records that decode and yet are not what they stand as: none of them reaches anybody's ledger.
#[tokio::test]
async fn anp_0006_a_record_at_odds_with_itself_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    let (mine, yours) = (entry(1, 1), entry(2, 2));
    let posting = |of: &Entry| {
        let mut record = of.to_record();
        record.truncate(record.len() - of.to_bytes().len());
        record
    };
    let odd = [
        // Another request's record, another entry behind a posting, a posting alone, an entry alone.
        (3, mine.to_record()),
        (1, [posting(&mine), yours.to_bytes()].concat()),
        (
            1,
            [
                posting(&mine),
                Entry {
                    tenant: tenant(2),
                    ..mine.clone()
                }
                .to_bytes(),
            ]
            .concat(),
        ),
        (1, posting(&mine)),
        (1, mine.to_bytes()),
    ];
    for (id, bytes) in &odd {
        let id = RequestId::from_u128(*id);
        journal.append(Record::Entry { id, bytes }).unwrap();
    }
    append(&journal, &yours);
    let (shipper, metrics) = shipper(&journal, &store, dir.path());
    shipper.flush(SOON).await.unwrap();
    assert_eq!(
        (logged(&store, 1).await, logged(&store, 2).await),
        (vec![], vec![2])
    );
    assert_eq!(metrics.gauges().entries_quarantined.get(), odd.len() as u64);
    let kept: HashSet<Vec<u8>> = std::fs::read_dir(dir.path().join("quarantine"))
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(
        kept,
        odd.into_iter().map(|(_, bytes)| bytes).collect(),
        "as they were"
    );
}

#[tokio::test]
async fn agp_r1_what_is_shipped_is_what_the_entry_says() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    let entries: Vec<Entry> = (1..=3).map(|id| entry(id, 1)).collect();
    for entry in &entries {
        append(&journal, entry);
    }
    shipper(&journal, &store, dir.path()).0.flush(SOON).await.unwrap();
    let stored = store::EntryLog::entries(&*store, &scope(1), 0, 10).await.unwrap();
    let bytes: Vec<_> = stored.into_iter().map(|stored| stored.bytes).collect();
    assert_eq!(bytes, entries.iter().map(Entry::to_bytes).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_quarantine_that_cannot_be_written_keeps_the_entry_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    std::fs::write(dir.path().join("quarantine"), b"a file in the way").unwrap();
    journal
        .append(Record::Entry {
            id: RequestId::from_u128(2),
            bytes: b"{",
        })
        .unwrap();
    let (shipper, _) = shipper(&journal, &store, dir.path());
    assert!(matches!(
        shipper.ship_batch().await,
        Err(WorkerError::Quarantine { .. })
    ));
    assert!(journal.depth_bytes() > 0);
    std::fs::remove_file(dir.path().join("quarantine")).unwrap();
    shipper.ship_batch().await.unwrap();
    assert_eq!(journal.depth_bytes(), 0);
}

#[tokio::test]
async fn anp_0006_an_entry_goes_to_the_log_of_the_tenant_it_names_only() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    append(&journal, &entry(1, 2));
    shipper(&journal, &store, dir.path()).0.flush(SOON).await.unwrap();
    assert!(logged(&store, 1).await.is_empty());
    assert_eq!(store::MerkleLogs::size(&*store, &scope(2)).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_and_flush_may_meet() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let store = store().await;
    let (shipper, _) = shipper(&journal, &store, dir.path());
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(shipper.clone().run(stopped));
    for id in 1..=300 {
        append(&journal, &entry(id, 1));
        if id % 20 == 0 {
            shipper.flush(SOON).await.unwrap();
        }
    }
    drop(stop);
    running.await.unwrap();
    shipper.flush(SOON).await.unwrap();
    assert_eq!(logged(&store, 1).await, (1..=300).collect::<Vec<_>>());
}
