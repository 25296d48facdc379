//! Checkpoints of audit logs: signed and held against what was signed, as ledgers are.

use std::sync::atomic::Ordering;

use domain::{AuditId, TenantId, TenantScope};
use ledger::merkle::{leaf_hash, root_of};
use ledger::note::{self, Checkpoint};
use ledger::{AuditActor, AuditRecord};
use store::{AuditEntry, AuditQuery, LogKind, MerkleLogs, Registry};
use worker::WorkerError;

use crate::checkpointing::{believed, checkpointer, grow, signer};
use crate::{FlakyStore, NOW, scope, store, tenant};

const PLATFORM: TenantScope = TenantScope::operator(TenantId::PLATFORM);

fn act(scope: &TenantScope, id: u128) -> AuditEntry {
    let actor = AuditActor::Operator("root".to_owned());
    let whose = (AuditId::from_u128(id), scope.tenant());
    AuditEntry::from(AuditRecord::done(whose, NOW, actor, "keys.revoke"))
}

async fn acts(store: &FlakyStore, scope: &TenantScope, ids: impl IntoIterator<Item = u128>) {
    for id in ids {
        let act = act(scope, id);
        store.inner.commit(scope, &[], Some(&act)).await.unwrap();
    }
}

/// The newest checkpoint of the audit log, believed, and right.
async fn head(store: &FlakyStore, scope: &TenantScope) -> Checkpoint {
    let stored = store.inner.log_checkpoint(scope, LogKind::Audit).await.unwrap();
    let stored = stored.unwrap();
    let checkpoint = note::open(&stored.note, std::slice::from_ref(signer(1).verifier())).unwrap();
    let all = AuditQuery {
        before: Some(checkpoint.size),
        count: u64::MAX,
        ..AuditQuery::default()
    };
    let newest_first = store.inner.audit(scope, &all).await.unwrap();
    let leaves: Vec<_> = newest_first
        .iter()
        .rev()
        .map(|stored| leaf_hash(&stored.bytes))
        .collect();
    assert_eq!(
        (checkpoint.root, checkpoint.size),
        (root_of(&leaves), stored.size)
    );
    checkpoint
}

#[tokio::test]
async fn agp_r3_audit_logs_of_tenants_and_of_the_platform_get_signed_heads_of_their_own() {
    let store = store().await;
    let mut checkpointer = checkpointer(&store, 1);
    acts(&store, &scope(1), 1..=3).await;
    acts(&store, &PLATFORM, 4..=5).await;
    grow(&store, 1, 1..=7).await;
    assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 3);
    let (own, platform) = (head(&store, &scope(1)).await, head(&store, &PLATFORM).await);
    assert_eq!(
        (own.size, own.origin),
        (3, format!("gate.example/{}/audit", tenant(1)))
    );
    assert_eq!(
        (platform.size, platform.origin),
        (2, format!("gate.example/{}/audit", TenantId::PLATFORM))
    );
    assert_eq!(believed(&store, 1).await.size, 7, "the ledger has its own");
    acts(&store, &scope(1), 6..=6).await;
    assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 1);
    assert_eq!(head(&store, &scope(1)).await.size, 4);
}

#[tokio::test]
async fn agp_r3_an_audit_log_that_disagrees_with_its_signed_head_is_not_signed_again() {
    let honest = store().await;
    acts(&honest, &scope(1), 1..=4).await;
    checkpointer(&honest, 1).checkpoint_all(NOW).await.unwrap();
    let (own, log) = (scope(1), LogKind::Audit);
    let signed = honest.inner.log_checkpoint(&own, log).await.unwrap().unwrap();
    for ids in [vec![1, 2, 99, 4, 5], vec![1, 2, 3]] {
        let forged = store().await;
        acts(&forged, &own, ids).await;
        let put = forged.inner.put_log_checkpoint(&own, log, &signed, 0);
        put.await.unwrap();
        acts(&forged, &scope(2), 50..=51).await;
        grow(&forged, 1, 1..=2).await;
        let error = checkpointer(&forged, 1).checkpoint_all(NOW).await.unwrap_err();
        assert!(
            matches!(error, WorkerError::Tampered { tenant: of, log: LogKind::Audit, size: 4 } if of == tenant(1)),
            "{error}"
        );
        assert!(error.to_string().contains("the audit log of tnt_"), "{error}");
        let kept = forged.inner.log_checkpoint(&own, log).await.unwrap().unwrap();
        assert_eq!(kept.note, signed.note);
        assert_eq!(
            head(&forged, &scope(2)).await.size,
            2,
            "the other tenant gets its own"
        );
        assert_eq!(believed(&forged, 1).await.size, 2, "and the ledger too");
    }
}

/// A tenant's ledger cannot stand in for the record of who did what.
#[tokio::test]
async fn agp_r3_a_ledgers_head_is_not_taken_for_an_audit_logs() {
    let store = store().await;
    let entry = act(&scope(1), 1);
    acts(&store, &scope(1), 1..=1).await;
    let shipment = store::Shipment {
        bytes: entry.bytes.into(),
        ..store::Shipment::from(&crate::entry(1, 1))
    };
    store::EntryLog::append(&store.inner, &scope(1), crate::NODE, &[shipment])
        .await
        .unwrap();
    let mut ledgers = checkpointer(&store, 1);
    assert!(ledgers.checkpoint(tenant(1), LogKind::Ledger, NOW).await.unwrap());
    let signed = store.inner.checkpoint(&scope(1)).await.unwrap().unwrap();
    store
        .inner
        .put_log_checkpoint(&scope(1), LogKind::Audit, &signed, 0)
        .await
        .unwrap();
    let taken = checkpointer(&store, 1)
        .checkpoint(tenant(1), LogKind::Audit, NOW)
        .await;
    assert!(
        matches!(
            taken,
            Err(WorkerError::Tampered {
                log: LogKind::Audit,
                ..
            })
        ),
        "{taken:?}"
    );
}

#[tokio::test]
async fn logs_that_have_not_grown_cost_one_question_each() {
    let store = store().await;
    let mut checkpointer = checkpointer(&store, 1);
    acts(&store, &scope(1), 1..=3).await;
    grow(&store, 2, 1..=3).await;
    assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 2);
    for _ in 0..3 {
        store.asked.store(0, Ordering::SeqCst);
        assert_eq!(checkpointer.checkpoint_all(NOW).await.unwrap(), 0);
        let (revision, logs) = (1, 2 * (2 + 1));
        assert_eq!(store.asked.load(Ordering::SeqCst), revision + logs);
    }
}
