//! Audit logs: found by what they say, dense, Merkle logs of their own.

use domain::{AuditId, UnixMillis};
use ledger::merkle;

use super::acts::{audit, user};
use super::fixtures::{Engine, House, MIDNIGHT};
use crate::{AuditEntry, AuditQuery, Change, LogKind, StoreError, StoredCheckpoint};

/// A name as long as somebody cares to make it must not keep an act from being recorded.
pub(super) async fn agp_r3_acts_upon_nonsense_are_recorded_all_the_same(store: Engine) {
    let house = House::build(&store).await;
    let mut entry = audit(house.tenant.id, 0, &"x".repeat(5_000));
    entry.record.target = Some("\u{0}\u{10ffff}".repeat(5_000));
    let entry = AuditEntry::from(entry.record);
    store.commit(&house.scope, &[], Some(&entry)).await.unwrap();
    let stored = store.audit_record(&house.scope, entry.record.id).await.unwrap();
    assert_eq!(stored.bytes, entry.bytes);
}

pub(super) async fn audit_records_are_found_by_what_they_say(store: Engine) {
    let house = House::build(&store).await;
    let entries: Vec<AuditEntry> = (0..6)
        .map(|minute| {
            let act = if minute % 2 == 0 {
                "keys.create"
            } else {
                "keys.revoke"
            };
            audit(house.tenant.id, minute, act)
        })
        .collect();
    for entry in &entries {
        store.commit(&house.scope, &[], Some(entry)).await.unwrap();
    }
    let find = async |query: AuditQuery| {
        let found = store.audit(&house.scope, &query).await.unwrap();
        found.iter().map(|stored| stored.index).collect::<Vec<u64>>()
    };
    let everything = AuditQuery {
        count: 100,
        ..AuditQuery::default()
    };
    let with = |change: fn(&mut AuditQuery)| {
        let mut query = everything.clone();
        change(&mut query);
        query
    };
    assert_eq!(find(everything.clone()).await, [5, 4, 3, 2, 1, 0]);
    assert_eq!(find(with(|q| q.count = 2)).await, [5, 4]);
    assert_eq!(find(with(|q| q.before = Some(4))).await, [3, 2, 1, 0]);
    assert_eq!(
        find(with(|q| q.act = Some("keys.revoke".to_owned()))).await,
        [5, 3, 1]
    );
    assert_eq!(find(with(|q| q.target = Some("key_2".to_owned()))).await, [0; 0]);
    assert_eq!(find(with(|q| q.actor = Some("usr_1".to_owned()))).await.len(), 6);
    assert_eq!(find(with(|q| q.actor = Some("usr_2".to_owned()))).await, [0; 0]);
    let minutes = AuditQuery {
        from: Some(UnixMillis(MIDNIGHT.0 + 60_000)),
        until: Some(UnixMillis(MIDNIGHT.0 + 180_000)),
        ..everything.clone()
    };
    assert_eq!(find(minutes.clone()).await, [2, 1]);
    let one = AuditQuery {
        act: Some("keys.create".to_owned()),
        actor: Some("usr_1".to_owned()),
        target: Some("key_1".to_owned()),
        ..minutes.clone()
    };
    assert_eq!(find(one).await, [2], "all that is asked must hold");
    let page = AuditQuery {
        before: Some(2),
        count: 1,
        ..minutes
    };
    assert_eq!(find(page).await, [1]);
    let third = store
        .audit_record(&house.scope, entries[3].record.id)
        .await
        .unwrap();
    assert_eq!((third.index, &third.bytes), (3, &entries[3].bytes));
    let missing = store.audit_record(&house.scope, AuditId::generate()).await;
    assert_eq!(missing, Err(StoreError::NotFound));
}

pub(super) async fn agp_r3_audit_logs_are_merkle_logs_of_their_own(store: Engine) {
    let house = House::build(&store).await;
    let mut expected = Vec::new();
    for minute in 0..5 {
        let entry = audit(house.tenant.id, minute, "keys.create");
        expected.push(merkle::leaf_hash(&entry.bytes));
        store.commit(&house.scope, &[], Some(&entry)).await.unwrap();
    }
    let (scope, log) = (&house.scope, LogKind::Audit);
    assert_eq!(store.log_size(scope, log).await, Ok(5));
    assert_eq!(store.size(scope).await, Ok(0), "the ledger is another log");
    assert_eq!(store.log_leaves(scope, log, 0, 5).await.unwrap(), expected);
    assert_eq!(store.log_leaves(scope, log, 3, 4).await.unwrap(), expected[3..4]);
    assert_eq!(
        store.log_leaves(scope, log, 0, 6).await,
        Err(StoreError::NotFound)
    );
    let checkpoint = StoredCheckpoint {
        size: 5,
        signed: MIDNIGHT,
        note: "a note\n".to_owned(),
    };
    store
        .put_log_checkpoint(scope, log, &checkpoint, 0)
        .await
        .unwrap();
    assert_eq!(
        store.log_checkpoint(scope, log).await,
        Ok(Some(checkpoint.clone()))
    );
    assert_eq!(store.checkpoint(scope).await, Ok(None), "the ledger has its own");
    let other = StoredCheckpoint {
        note: "another\n".to_owned(),
        ..checkpoint
    };
    let refused = store.put_log_checkpoint(scope, log, &other, 0).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}

pub(super) async fn concurrent_acts_leave_a_dense_audit_log(store: Engine) {
    let house = House::build(&store).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (store, scope, tenant) = (store.clone(), house.scope, house.tenant.id);
            tokio::spawn(async move {
                for minute in 0..5 {
                    let made = user(&format!("usr_{task}_{minute}"), &format!("{task} {minute}"));
                    let entry = audit(tenant, minute, "users.create");
                    store
                        .commit(&scope, &[Change::Create(made)], Some(&entry))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.log_size(&house.scope, LogKind::Audit).await, Ok(40));
    let leaves = store
        .log_leaves(&house.scope, LogKind::Audit, 0, 40)
        .await
        .unwrap();
    let newest_first = store
        .audit(
            &house.scope,
            &AuditQuery {
                count: 100,
                ..AuditQuery::default()
            },
        )
        .await
        .unwrap();
    for (stored, index) in newest_first.iter().zip((0..40).rev()) {
        assert_eq!(stored.index, index);
        assert_eq!(
            merkle::leaf_hash(&stored.bytes),
            leaves[usize::try_from(index).unwrap()]
        );
    }
}
