//! The key that signs the logs: replaced once by one, and no head is kept under another.

use std::sync::Arc;

use credential::SealingKey;
use domain::{AuditId, NodeId, TenantId, TenantScope, UnixMillis};
use ledger::merkle::root_of;
use ledger::note::{Checkpoint, Signer};
use ledger::{AuditActor, AuditRecord};

use super::fixtures::{Engine, House, MIDNIGHT};
use crate::{
    AuditEntry, Change, Hold, LogKind, Rotation, Signing, SigningError, StoreError, StoredCheckpoint,
};

fn hold(by: &str, epoch: u64, now: i64, until: i64) -> Hold {
    Hold {
        epoch,
        by: by.to_owned(),
        now: UnixMillis(now),
        until: UnixMillis(until),
    }
}

fn head(size: u64, at: i64) -> StoredCheckpoint {
    StoredCheckpoint {
        size,
        signed: UnixMillis(at),
        note: format!("head {size}\n"),
    }
}

pub(super) async fn agp_r1_nobody_keeps_a_head_while_the_key_is_replaced_or_under_another(store: Engine) {
    let house = House::build(&store).await;
    let platform = TenantScope::operator(TenantId::PLATFORM);
    let put = async |size, at, epoch| {
        let head = head(size, at);
        store
            .put_log_checkpoint(&house.scope, LogKind::Ledger, &head, epoch)
            .await
    };
    let next = async |scope: &TenantScope, epoch, by: &str| {
        let by = by.to_owned();
        store
            .commit(scope, &[Change::NextEpoch { epoch, by }], None)
            .await
    };
    let superseded = Err(StoreError::Superseded);
    assert_eq!(store.log_epoch().await, Ok(0));
    assert_eq!(put(1, 10, 0).await, Ok(()));
    assert_eq!(put(2, 10, 1).await, superseded);
    assert_eq!(next(&platform, 0, "ann").await, superseded, "nobody holds it");
    assert_eq!(store.hold_log_keys(&hold("ann", 0, 10, 20)).await, Ok(()));
    assert_eq!(store.hold_log_keys(&hold("bob", 0, 11, 21)).await, superseded);
    assert_eq!(put(2, 19, 0).await, superseded, "while it is held");
    assert_eq!(next(&platform, 0, "bob").await, superseded);
    assert_eq!(next(&house.scope, 0, "ann").await, Err(StoreError::NotFound));
    // Ann died: her hold runs out, and she comes too late.
    assert_eq!(put(2, 20, 0).await, Ok(()));
    assert_eq!(next(&platform, 0, "ann").await, superseded);
    assert_eq!(store.hold_log_keys(&hold("bob", 0, 21, 30)).await, Ok(()));
    assert_eq!(
        store.hold_log_keys(&hold("eve", 0, 30, 40)).await,
        Ok(()),
        "it has run out"
    );
    assert_eq!(next(&platform, 0, "bob").await, superseded);
    assert_eq!(next(&platform, 0, "eve").await, Ok(()));
    assert_eq!(store.log_epoch().await, Ok(1));
    assert_eq!(put(3, 50, 0).await, superseded, "the old key");
    assert_eq!(put(3, 50, 1).await, Ok(()));
    assert_eq!(store.hold_log_keys(&hold("ann", 0, 50, 60)).await, superseded);
    assert_eq!(next(&platform, 0, "eve").await, superseded);
}

fn signing(store: &Engine) -> Signing {
    let first = Signer::from_seed("gate.example", &[1; 32]).unwrap();
    Signing::with(store.clone(), first, SealingKey::new(&[2; 32]).unwrap())
}

fn audit(act: &str) -> AuditEntry {
    let whose = (AuditId::generate(), TenantId::PLATFORM);
    AuditRecord::done(whose, MIDNIGHT, AuditActor::Gate("test".to_owned()), act).into()
}

pub(super) async fn agp_r1_replicas_follow_the_key_and_one_of_many_replaces_it(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let shipments: Vec<_> = (0..5).map(|_| house.shipment(node, &[], 1)).collect();
    store.append(&house.scope, node, &shipments).await.unwrap();
    let (one, two) = (Arc::new(signing(&store)), Arc::new(signing(&store)));
    let origin = one.origin(house.scope.tenant(), LogKind::Ledger);
    let before = two.now().await.unwrap();
    let leaves = store.leaf_hashes(&house.scope, 0, 5).await.unwrap();
    let head = |size: usize| Checkpoint {
        origin: origin.clone(),
        size: size as u64,
        root: root_of(&leaves[..size]),
    };
    let keep = async |signing: &Signing, size: usize| {
        let keys = signing.now().await.unwrap();
        let stored = StoredCheckpoint {
            size: size as u64,
            signed: MIDNIGHT,
            note: keys.signer().unwrap().sign(&head(size)).unwrap(),
        };
        store
            .put_log_checkpoint(&house.scope, LogKind::Ledger, &stored, keys.epoch)
            .await
            .unwrap();
        stored.note
    };
    let old = keep(&one, 3).await;
    let (first_act, second_act) = (audit("test.one"), audit("test.two"));
    let rotation = |audit| Rotation {
        now: MIDNIGHT,
        is_lost: false,
        audit,
    };
    let (first_rotation, second_rotation) = (rotation(&first_act), rotation(&second_act));
    let (left, right) = tokio::join!(one.rotate(&first_rotation), two.rotate(&second_rotation));
    let done = u64::from(left.is_ok()) + u64::from(right.is_ok());
    for refused in [left, right].into_iter().filter_map(Result::err) {
        assert!(
            matches!(refused, SigningError::Store(StoreError::Superseded)),
            "{refused}"
        );
    }
    let now = two.now().await.unwrap();
    assert!(done >= 1 && now.epoch == done, "{done} and {}", now.epoch);
    assert_ne!(
        now.signer().unwrap().verifier(),
        before.signer().unwrap().verifier()
    );
    let new = keep(&two, 5).await;
    let keys = one.now().await.unwrap().of_log(&origin);
    assert_eq!(keys.believed(&old).unwrap(), head(3));
    assert_eq!(keys.believed(&new).unwrap(), head(5));
    let late = before.signer().unwrap().sign(&head(4)).unwrap();
    assert!(keys.believed(&late).is_err(), "the old key signs nothing longer");
    // Another root than the one it is sealed under: the key is not had, and can be given up.
    let first = Signer::from_seed("gate.example", &[1; 32]).unwrap();
    let stranger = Signing::with(store.clone(), first, SealingKey::new(&[3; 32]).unwrap());
    assert!(matches!(
        stranger.now().await.unwrap().signer(),
        Err(SigningError::Unusable)
    ));
    let third = audit("test.three");
    assert!(matches!(
        stranger.rotate(&rotation(&third)).await,
        Err(SigningError::Unusable)
    ));
}
