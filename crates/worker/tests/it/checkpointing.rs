//! Checkpoints: signed when a log grows, held against what was signed before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use credential::SealingKey;
use ledger::merkle::{leaf_hash, root_of};
use ledger::note::{self, Checkpoint, Signer};
use store::{EntryLog, LogKind, MerkleLogs, Shipment, Signing, Store, StoredCheckpoint};
use telemetry::Metrics;
use tokio::sync::watch;
use worker::{Checkpointer, WorkerError};

use crate::{FlakyStore, NODE, NOW, entry, scope, store, tenant};

pub fn signer(seed: u8) -> Arc<Signer> {
    Arc::new(Signer::from_seed("gate.example", &[seed; 32]).unwrap())
}

pub fn signing(store: Arc<dyn Store>, seed: u8) -> Arc<Signing> {
    let first = Signer::from_seed("gate.example", &[seed; 32]).unwrap();
    Arc::new(Signing::with(store, first, SealingKey::new(&[9; 32]).unwrap()))
}

pub fn checkpointer(store: &Arc<FlakyStore>, seed: u8) -> Checkpointer {
    let engine: Arc<dyn Store> = store.clone();
    Checkpointer::new(
        engine.clone(),
        signing(engine, seed),
        Duration::from_millis(5),
        Arc::new(Metrics::new("0")),
    )
}

pub async fn grow(store: &FlakyStore, of: u128, ids: impl IntoIterator<Item = u128>) {
    let shipments: Vec<_> = ids.into_iter().map(|id| Shipment::from(&entry(id, of))).collect();
    store.inner.append(&scope(of), NODE, &shipments).await.unwrap();
}

/// The newest checkpoint, believed, and right.
pub async fn believed(store: &FlakyStore, of: u128) -> Checkpoint {
    let stored = store.inner.checkpoint(&scope(of)).await.unwrap().unwrap();
    let checkpoint = note::open(&stored.note, std::slice::from_ref(signer(1).verifier())).unwrap();
    let leaves: Vec<_> = store
        .inner
        .entries(&scope(of), 0, checkpoint.size)
        .await
        .unwrap()
        .iter()
        .map(|entry| leaf_hash(&entry.bytes))
        .collect();
    assert_eq!(
        (checkpoint.root, checkpoint.size),
        (root_of(&leaves), stored.size)
    );
    checkpoint
}

#[tokio::test]
async fn agp_r1_logs_that_grow_get_a_signed_head_each_and_others_do_not() {
    let store = store().await;
    let mut checkpointer = checkpointer(&store, 1);
    assert_eq!(
        checkpointer.checkpoint_all(NOW).await.unwrap(),
        0,
        "empty logs have nothing to sign"
    );
    grow(&store, 1, 1..=5).await;
    assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 1);
    let first = believed(&store, 1).await;
    assert_eq!(
        (first.size, first.origin),
        (5, format!("gate.example/{}", tenant(1)))
    );
    assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 0);
    // More than one read's worth.
    grow(&store, 1, 6..=1300).await;
    grow(&store, 2, 2000..=2002).await;
    assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 2);
    assert_eq!(
        (believed(&store, 1).await.size, believed(&store, 2).await.size),
        (1300, 3)
    );
}

#[tokio::test]
async fn agp_r1_a_new_process_goes_on_where_the_last_one_stopped() {
    let store = store().await;
    grow(&store, 1, 1..=7).await;
    checkpointer(&store, 1).checkpoint_all(NOW).await.unwrap();
    let mut again = checkpointer(&store, 1);
    assert_eq!(again.checkpoint_all(NOW).await.unwrap(), 0);
    grow(&store, 1, 8..=9).await;
    assert_eq!(again.checkpoint_all(NOW).await.unwrap(), 1);
    assert_eq!(believed(&store, 1).await.size, 9);
}

#[tokio::test]
async fn agp_r1_two_replicas_sign_the_same() {
    let store = store().await;
    let (mut one, mut two) = (checkpointer(&store, 1), checkpointer(&store, 1));
    grow(&store, 1, 1..=3).await;
    one.checkpoint_all(NOW).await.unwrap();
    two.checkpoint_all(NOW.plus(Duration::from_secs(1)))
        .await
        .unwrap();
    assert_eq!(believed(&store, 1).await.size, 3);
}

#[tokio::test]
async fn a_store_that_fails_is_tried_again_and_nothing_is_skipped() {
    let store = store().await;
    let mut checkpointer = checkpointer(&store, 1);
    grow(&store, 1, 1..=3).await;
    grow(&store, 2, 11..=13).await;
    for failures in 1..12 {
        store.fail.store(failures, Ordering::SeqCst);
        while checkpointer.checkpoint_all(NOW).await.is_err() {}
        store.fail.store(0, Ordering::SeqCst);
        grow(&store, 1, [100 + u128::from(failures)]).await;
    }
    checkpointer.checkpoint_all(NOW).await.unwrap();
    assert_eq!(
        (believed(&store, 1).await.size, believed(&store, 2).await.size),
        (14, 3)
    );
}

/// What somebody with the database's password could do: another log under a signed head.
#[tokio::test]
async fn anp_0012_a_log_that_disagrees_with_its_signed_head_is_not_signed_again() {
    let honest = store().await;
    grow(&honest, 1, 1..=4).await;
    checkpointer(&honest, 1).checkpoint_all(NOW).await.unwrap();
    let signed = honest.inner.checkpoint(&scope(1)).await.unwrap().unwrap();

    let changed = store().await;
    grow(&changed, 1, [1, 2, 99, 4, 5]).await;
    changed.inner.put_checkpoint(&scope(1), &signed).await.unwrap();
    let cut = store().await;
    grow(&cut, 1, 1..=3).await;
    cut.inner.put_checkpoint(&scope(1), &signed).await.unwrap();
    for forged in [changed, cut] {
        grow(&forged, 2, 50..=51).await;
        let error = checkpointer(&forged, 1).checkpoint_all(NOW).await.unwrap_err();
        assert!(
            matches!(error, WorkerError::Tampered { tenant: of, log: LogKind::Ledger, size: 4 } if of == tenant(1)),
            "{error}"
        );
        assert_eq!(
            forged.inner.checkpoint(&scope(1)).await.unwrap().unwrap().note,
            signed.note
        );
        assert_eq!(
            believed(&forged, 2).await.size,
            2,
            "the other tenant gets its own"
        );
    }
}

/// The head is over what was shipped, so that the offline verifier finds the change.
#[tokio::test]
async fn anp_0012_an_entry_changed_before_its_head_is_signed_is_not_signed_as_it_is_now() {
    let store = store().await;
    let mut checkpointer = checkpointer(&store, 1);
    grow(&store, 1, 1..=3).await;
    checkpointer.checkpoint_all(NOW).await.unwrap();
    grow(&store, 1, 4..=6).await;
    store.changed.store(true, Ordering::SeqCst);
    let changed = EntryLog::entries(&*store, &scope(1), 5, 1).await.unwrap();
    assert_ne!(changed[0].bytes, entry(6, 1).to_bytes());
    checkpointer.checkpoint_all(NOW).await.unwrap();
    assert_eq!(believed(&store, 1).await.size, 6);
}

#[tokio::test]
async fn anp_0012_a_forged_note_is_not_taken_for_a_head() {
    let store = store().await;
    grow(&store, 1, 1..=2).await;
    checkpointer(&store, 1).checkpoint_all(NOW).await.unwrap();
    let signed = store.inner.checkpoint(&scope(1)).await.unwrap().unwrap();
    let forged = crate::store().await;
    grow(&forged, 1, [7, 8, 9]).await;
    let note = signed.note.replacen("\n2\n", "\n3\n", 1);
    let checkpoint = StoredCheckpoint {
        size: 3,
        signed: NOW,
        note,
    };
    forged.inner.put_checkpoint(&scope(1), &checkpoint).await.unwrap();
    assert!(matches!(
        checkpointer(&forged, 1).checkpoint_all(NOW).await,
        Err(WorkerError::Tampered { size: 3, .. })
    ));
}

/// What is signed for one tenant says nothing about another, even with all of its entries.
#[tokio::test]
async fn anp_0012_a_head_of_another_tenants_log_is_not_taken_for_ones_own() {
    let honest = store().await;
    grow(&honest, 1, 1..=3).await;
    checkpointer(&honest, 1).checkpoint_all(NOW).await.unwrap();
    let signed = honest.inner.checkpoint(&scope(1)).await.unwrap().unwrap();
    let forged = store().await;
    let foreign = |id| Shipment {
        bytes: entry(id, 1).to_bytes().into(),
        ..Shipment::from(&entry(id, 2))
    };
    let planted: Vec<_> = (1..=3).map(foreign).collect();
    forged.inner.append(&scope(2), NODE, &planted).await.unwrap();
    forged.inner.put_checkpoint(&scope(2), &signed).await.unwrap();
    grow(&forged, 2, 4..=4).await;
    assert!(matches!(
        checkpointer(&forged, 1).checkpoint_all(NOW).await,
        Err(WorkerError::Tampered { size: 3, .. })
    ));
}

#[tokio::test]
async fn after_a_change_of_keys_signing_goes_on() {
    let store = store().await;
    grow(&store, 1, 1..=2).await;
    checkpointer(&store, 2).checkpoint_all(NOW).await.unwrap();
    grow(&store, 1, 3..=3).await;
    checkpointer(&store, 1).checkpoint_all(NOW).await.unwrap();
    assert_eq!(believed(&store, 1).await.size, 3);
}

#[tokio::test]
async fn it_runs_until_told_to_stop() {
    let store = store().await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(checkpointer(&store, 1).run(stopped));
    grow(&store, 1, 1..=2).await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while store
            .inner
            .checkpoint(&scope(1))
            .await
            .unwrap()
            .is_none_or(|stored| stored.size < 2)
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(20), running)
        .await
        .unwrap()
        .unwrap();
}
