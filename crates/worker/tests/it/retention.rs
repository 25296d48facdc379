//! What retention removes, what it leaves, and what keeps it from removing anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{AuditId, UnixMillis};
use ledger::bundle::{ExportLine, Report, Tampered, audit_origin_of, verify_audit_export};
use ledger::retention::{ACT, Removal};
use ledger::{AuditActor, AuditRecord};
use store::{AuditQuery, Change, LogKind, MerkleLogs, Record, RecordKind, Registry, Store};
use worker::{Remover, Retention, WorkerError};

use crate::checkpointing::{checkpointer, signer, signing};
use crate::{FlakyStore, NOW, scope, store, tenant};

const DAY_MS: i64 = 86_400_000;

async fn act(store: &FlakyStore, number: u128, days_ago: i64) {
    let record = AuditRecord::done(
        (AuditId::from_u128(number), tenant(1)),
        UnixMillis(NOW.0 - days_ago * DAY_MS),
        AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned()),
        "keys.create",
    );
    store
        .inner
        .commit(&scope(1), &[], Some(&record.into()))
        .await
        .unwrap();
}

fn remover(store: &Arc<FlakyStore>, sinks: &[&str]) -> Remover {
    let engine: Arc<dyn Store> = store.clone();
    let rule = Retention {
        keep: Duration::from_secs(30 * 24 * 3600),
        every: Duration::from_secs(3600),
        sinks: sinks.iter().map(|sink| (*sink).to_owned()).collect(),
    };
    Remover::new(engine.clone(), signing(engine, 1), rule)
}

async fn sign(store: &Arc<FlakyStore>) {
    checkpointer(store, 1).checkpoint_all(NOW).await.unwrap();
}

async fn kept(store: &FlakyStore) -> Vec<AuditRecord> {
    let query = AuditQuery {
        count: 1_000,
        ..AuditQuery::default()
    };
    let mut stored = store.inner.audit(&scope(1), &query).await.unwrap();
    stored.reverse();
    let read = |bytes: &[u8]| AuditRecord::from_bytes(bytes).unwrap();
    stored.iter().map(|one| read(&one.bytes)).collect()
}

/// The log as it is exported and verified.
async fn verified(store: &Arc<FlakyStore>) -> Result<Report, Tampered> {
    sign(store).await;
    let (scope, signer) = (scope(1), signer(1));
    let from = store.inner.audits_kept_from(&scope).await.unwrap();
    let leaves = store
        .inner
        .log_leaves(&scope, LogKind::Audit, 0, from)
        .await
        .unwrap();
    let origin = audit_origin_of("gate.example", tenant(1));
    let mut lines = vec![ExportLine::audit_header(&origin, signer.verifier())];
    lines.extend(
        (0..)
            .zip(leaves)
            .map(|(index, leaf)| ExportLine::removed(index, leaf)),
    );
    for (index, record) in (from..).zip(kept(store).await) {
        lines.push(ExportLine::entry(index, &record.to_bytes()).unwrap());
    }
    let head = store.inner.log_checkpoint(&scope, LogKind::Audit).await.unwrap();
    lines.push(ExportLine::checkpoint(&head.unwrap().note));
    verify_audit_export(lines.iter().map(ExportLine::to_line), signer.verifier(), None)
}

#[tokio::test]
async fn agp_r3_what_is_over_goes_with_a_record_of_it_and_the_log_still_verifies() {
    let store = store().await;
    for (number, days) in [(1, 90), (2, 60), (3, 31), (4, 29), (5, 45), (6, 1)] {
        act(&store, number, days).await;
    }
    sign(&store).await;
    let remover = remover(&store, &[]);
    assert_eq!(
        remover.remove_all(NOW).await.unwrap(),
        3,
        "up to the first that is not over"
    );
    let left = kept(&store).await;
    let ids: Vec<u128> = left.iter().map(|record| record.id.as_u128()).collect();
    assert_eq!(ids[..3], [4, 5, 6]);
    let keep_ms = u64::try_from(30 * DAY_MS).unwrap();
    assert_eq!(Removal::told_by(&left[3], 6), Some(Removal::new(0, 3, keep_ms)));
    let report = verified(&store).await.unwrap();
    assert_eq!((report.entries, report.removed), (7, 3));
    // Nothing more is over.
    assert_eq!(remover.remove_all(NOW).await.unwrap(), 0);
    let later = UnixMillis(NOW.0 + 2 * DAY_MS);
    assert_eq!(remover.remove_all(later).await.unwrap(), 2);
    assert_eq!(verified(&store).await.unwrap().removed, 5);
}

/// Otherwise each removal would have to be removed for ever.
#[tokio::test]
async fn the_record_of_a_removal_goes_with_others_and_not_by_itself() {
    let store = store().await;
    act(&store, 1, 31).await;
    sign(&store).await;
    let remover = remover(&store, &[]);
    assert_eq!(remover.remove_all(NOW).await.unwrap(), 1);
    sign(&store).await;
    let later = UnixMillis(NOW.0 + 100 * DAY_MS);
    assert_eq!(remover.remove_all(later).await.unwrap(), 0);
    assert_eq!(kept(&store).await[0].act, ACT);
    act(&store, 2, 5).await;
    sign(&store).await;
    assert_eq!(remover.remove_all(later).await.unwrap(), 2);
    assert_eq!(verified(&store).await.unwrap().removed, 3);
}

#[tokio::test]
async fn agp_r3_nothing_goes_that_is_not_signed_for_or_that_a_sink_waits_for() {
    let store = store().await;
    for number in 1..=4 {
        act(&store, number, 60).await;
    }
    let plain = remover(&store, &[]);
    assert_eq!(plain.remove_all(NOW).await.unwrap(), 0, "no head is signed");
    sign(&store).await;
    act(&store, 5, 60).await;
    let pushed = remover(&store, &["siem"]);
    assert_eq!(
        pushed.remove_all(NOW).await.unwrap(),
        0,
        "the sink has taken nothing"
    );
    let standing = Record {
        kind: RecordKind::Delivery,
        id: "siem".to_owned(),
        parent: None,
        name: None,
        created: NOW,
        document: format!(r#"{{"next":2,"holder":"{}","until":0}}"#, crate::NODE),
    };
    let made = [Change::Create(standing)];
    store.inner.commit(&scope(1), &made, None).await.unwrap();
    assert_eq!(pushed.remove_all(NOW).await.unwrap(), 2, "the sink has taken two");
    assert_eq!(plain.remove_all(NOW).await.unwrap(), 2, "four are signed for");
    assert_eq!(verified(&store).await.unwrap().removed, 4);
}

#[tokio::test]
async fn anp_0012_a_record_that_was_changed_is_no_longer_removed() {
    let store = store().await;
    for number in 1..=4 {
        act(&store, number, 60).await;
    }
    sign(&store).await;
    let remover = remover(&store, &[]);
    store.changed.store(true, Ordering::SeqCst);
    let refused = remover.remove_all(NOW).await;
    assert!(
        matches!(refused, Err(WorkerError::Tampered { .. })),
        "{refused:?}"
    );
    store.changed.store(false, Ordering::SeqCst);
    assert_eq!(kept(&store).await.len(), 4, "the evidence of it stays");
    // Under another key's signature nothing goes either.
    let engine: Arc<dyn Store> = store.clone();
    let rule = Retention {
        keep: Duration::from_secs(1),
        every: Duration::from_secs(1),
        sinks: Vec::new(),
    };
    assert_eq!(
        Remover::new(engine.clone(), signing(engine, 2), rule)
            .remove_all(NOW)
            .await
            .unwrap(),
        0
    );
    assert_eq!(remover.remove_all(NOW).await.unwrap(), 4);
}

#[tokio::test]
async fn agp_r3_of_two_nodes_one_removes() {
    let store = store().await;
    for number in 1..=40 {
        act(&store, number, 60).await;
    }
    sign(&store).await;
    let (one, other) = (remover(&store, &[]), remover(&store, &[]));
    let (first, second) = tokio::join!(one.remove_all(NOW), other.remove_all(NOW));
    assert_eq!(first.unwrap() + second.unwrap(), 40);
    assert_eq!(kept(&store).await.len(), 1, "one record of it");
    assert_eq!(verified(&store).await.unwrap().removed, 40);
}
