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

pub(super) async fn agp_r3_removed_records_leave_their_hashes_and_a_record(store: Engine) {
    let house = House::build(&store).await;
    let entries: Vec<AuditEntry> = (0..6)
        .map(|minute| audit(house.tenant.id, minute, "keys.create"))
        .collect();
    for entry in &entries {
        store.commit(&house.scope, &[], Some(entry)).await.unwrap();
    }
    let (scope, log) = (&house.scope, LogKind::Audit);
    assert_eq!(store.audits_kept_from(scope).await, Ok(0));
    let before = store.log_leaves(scope, log, 0, 6).await.unwrap();
    let told = audit(house.tenant.id, 9, "audit.remove");
    let remove = |from, below| [Change::RemoveAudits { from, below }];
    store.commit(scope, &remove(0, 2), Some(&told)).await.unwrap();
    assert_eq!(store.audits_kept_from(scope).await, Ok(2));
    assert_eq!(store.log_size(scope, log).await, Ok(7));
    let after = store.log_leaves(scope, log, 0, 7).await.unwrap();
    assert_eq!(after[..6], before, "the tree stands as it was");
    assert_eq!(after[6], merkle::leaf_hash(&told.bytes));
    assert_eq!(store.log_leaves(scope, log, 1, 3).await.unwrap(), before[1..3]);
    let everything = AuditQuery {
        count: 100,
        ..AuditQuery::default()
    };
    let left = store.audit(scope, &everything).await.unwrap();
    let left: Vec<u64> = left.iter().map(|stored| stored.index).collect();
    assert_eq!(left, [6, 5, 4, 3, 2]);
    let gone = store.audit_record(scope, entries[1].record.id).await;
    assert_eq!(gone, Err(StoreError::NotFound));
    // The rest, and on.
    let told = audit(house.tenant.id, 10, "audit.remove");
    store.commit(scope, &remove(2, 7), Some(&told)).await.unwrap();
    let later = audit(house.tenant.id, 11, "keys.create");
    store.commit(scope, &[], Some(&later)).await.unwrap();
    assert_eq!(store.audit_record(scope, later.record.id).await.unwrap().index, 8);
    assert_eq!(store.log_leaves(scope, log, 0, 9).await.unwrap()[..7], after);
}

pub(super) async fn agp_r3_records_go_from_the_beginning_on_all_or_none(store: Engine) {
    let house = House::build(&store).await;
    for minute in 0..4 {
        let entry = audit(house.tenant.id, minute, "keys.create");
        store.commit(&house.scope, &[], Some(&entry)).await.unwrap();
    }
    let (scope, log) = (&house.scope, LogKind::Audit);
    let told = audit(house.tenant.id, 9, "audit.remove");
    store
        .commit(scope, &[Change::RemoveAudits { from: 0, below: 1 }], Some(&told))
        .await
        .unwrap();
    let leaves = store.log_leaves(scope, log, 0, 5).await.unwrap();
    for (from, below) in [(0, 1), (0, 3), (2, 3), (1, 1), (1, 6), (3, 2), (1, u64::MAX)] {
        let told = audit(house.tenant.id, 10, "audit.remove");
        let refused = store
            .commit(scope, &[Change::RemoveAudits { from, below }], Some(&told))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "{from} {below} {refused:?}"
        );
        assert_eq!(store.log_size(scope, log).await, Ok(5), "{from} {below}");
    }
    let silently = store
        .commit(scope, &[Change::RemoveAudits { from: 1, below: 2 }], None)
        .await;
    assert!(matches!(silently, Err(StoreError::Conflict(_))), "{silently:?}");
    assert_eq!(store.log_leaves(scope, log, 0, 5).await.unwrap(), leaves);
    assert_eq!(store.audits_kept_from(scope).await, Ok(1));
    // Of another tenant's log there is nothing to remove.
    let other = House::build(&store).await;
    let told = audit(other.tenant.id, 9, "audit.remove");
    let elsewhere = store
        .commit(
            &other.scope,
            &[Change::RemoveAudits { from: 0, below: 1 }],
            Some(&told),
        )
        .await;
    assert!(elsewhere.is_err(), "{elsewhere:?}");
    assert_eq!(store.audits_kept_from(scope).await, Ok(1));
}
