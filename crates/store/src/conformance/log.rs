//! The entry log: dense, append-only, the same however often it is shipped.

use std::collections::BTreeSet;

use domain::{NodeId, RequestId, UnixMillis};
use ledger::merkle;

use super::fixtures::{Engine, House, MIDNIGHT};
use crate::row::TEXT_CHARS_MAX;
use crate::usage::{Dimension, UsageQuery};
use crate::{Shipment, StoreError, StoredCheckpoint, StoredEntry};

fn batch(house: &House, node: NodeId, count: usize) -> Vec<Shipment> {
    (0..count).map(|_| house.shipment(node, &[], 1)).collect()
}

fn stored(shipments: &[Shipment]) -> Vec<StoredEntry> {
    let bytes = shipments.iter().map(|shipment| shipment.bytes.to_vec());
    (0..)
        .zip(bytes)
        .map(|(index, bytes)| StoredEntry { index, bytes })
        .collect()
}

pub(super) async fn entries_come_back_byte_for_byte_in_order(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    assert_eq!(store.size(&house.scope).await.unwrap(), 0);
    assert_eq!(store.append(&house.scope, node, &[]).await.unwrap(), 0);
    let mut shipments = batch(&house, node, 5);
    // Stored bytes are the journal's, whatever this version would write today.
    shipments[3].bytes = b"{ \"spaced\" : true }\0\xff".as_slice().into();
    assert_eq!(
        store.append(&house.scope, node, &shipments[..2]).await.unwrap(),
        2
    );
    assert_eq!(
        store.append(&house.scope, node, &shipments[2..]).await.unwrap(),
        3
    );
    assert_eq!(store.size(&house.scope).await.unwrap(), 5);
    let all = stored(&shipments);
    assert_eq!(store.entries(&house.scope, 0, 100).await.unwrap(), all);
    for (shipment, want) in shipments.iter().zip(&all) {
        assert_eq!(
            &store.entry(&house.scope, shipment.posting.request).await.unwrap(),
            want
        );
    }
    assert_eq!(
        store.entry(&house.scope, RequestId::generate()).await,
        Err(StoreError::NotFound)
    );
}

pub(super) async fn shipping_twice_changes_nothing(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let mut shipments = batch(&house, node, 3);
    assert_eq!(store.append(&house.scope, node, &shipments).await.unwrap(), 3);
    let before = store.entries(&house.scope, 0, 10).await.unwrap();
    shipments[1].bytes = b"forged".as_slice().into();
    assert_eq!(store.append(&house.scope, node, &shipments).await.unwrap(), 0);
    assert_eq!(
        store
            .append(&house.scope, NodeId::generate(), &shipments)
            .await
            .unwrap(),
        0
    );
    assert_eq!(store.entries(&house.scope, 0, 10).await.unwrap(), before);
    assert_eq!(store.size(&house.scope).await.unwrap(), 3);
}

pub(super) async fn overlapping_batches_add_only_what_is_new(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let shipments = batch(&house, node, 6);
    assert_eq!(
        store.append(&house.scope, node, &shipments[..4]).await.unwrap(),
        4
    );
    assert_eq!(
        store.append(&house.scope, node, &shipments[2..]).await.unwrap(),
        2
    );
    assert_eq!(
        store.entries(&house.scope, 0, 10).await.unwrap(),
        stored(&shipments)
    );
    let twice = house.shipment(node, &[], 1);
    let doubled = [twice.clone(), twice];
    assert_eq!(
        store.append(&house.scope, node, &doubled).await.unwrap(),
        1,
        "twice in one batch"
    );
    assert_eq!(store.size(&house.scope).await.unwrap(), 7);
}

pub(super) async fn concurrent_shippers_leave_dense_indices(store: Engine) {
    let house = House::build(&store).await;
    let budget = house.budget(&store, 1_000_000).await;
    let shared = vec![house.shipment(NodeId::generate(), &[budget], 100)];
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (store, house, shared) = (store.clone(), house.clone(), shared.clone());
        tasks.spawn(async move {
            let node = NodeId::generate();
            for _ in 0..5 {
                let mut shipments: Vec<_> = (0..4).map(|_| house.shipment(node, &[budget], 1)).collect();
                shipments.extend(shared.iter().cloned());
                store.append(&house.scope, node, &shipments).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let entries = store.entries(&house.scope, 0, 1000).await.unwrap();
    let indices: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
    assert_eq!(indices, (0..121).collect::<Vec<u64>>(), "dense from 0");
    assert_eq!(
        entries
            .iter()
            .map(|entry| &entry.bytes)
            .collect::<BTreeSet<_>>()
            .len(),
        121
    );
    assert_eq!(
        house.standing(&store, budget).await,
        (220, 0, 0),
        "charged once each"
    );
}

pub(super) async fn leaf_hashes_are_rfc_6962_leaves(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let shipments = batch(&house, node, 4);
    store.append(&house.scope, node, &shipments).await.unwrap();
    let want: Vec<_> = shipments
        .iter()
        .map(|shipment| merkle::leaf_hash(&shipment.bytes))
        .collect();
    for (from, size) in [(0, 4), (0, 3), (0, 0), (1, 4), (3, 4), (4, 4), (2, 3)] {
        let leaves = store.leaf_hashes(&house.scope, from, size).await.unwrap();
        assert_eq!(
            leaves,
            want[usize::try_from(from).unwrap()..usize::try_from(size).unwrap()]
        );
    }
    assert_eq!(store.leaf_hashes(&house.scope, 3, 2).await.unwrap(), [[0; 32]; 0]);
    for (from, size) in [(0, 5), (4, 5), (0, u64::MAX)] {
        let answer = store.leaf_hashes(&house.scope, from, size).await;
        assert_eq!(answer, Err(StoreError::NotFound), "{from}..{size}");
    }
}

pub(super) async fn ranges_are_clipped_to_the_log(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let shipments = batch(&house, node, 4);
    store.append(&house.scope, node, &shipments).await.unwrap();
    let all = stored(&shipments);
    assert_eq!(store.entries(&house.scope, 1, 2).await.unwrap(), all[1..3]);
    assert_eq!(store.entries(&house.scope, 3, u64::MAX).await.unwrap(), all[3..]);
    assert_eq!(store.entries(&house.scope, 4, 1).await.unwrap(), []);
    assert_eq!(store.entries(&house.scope, u64::MAX, 1).await.unwrap(), []);
    assert_eq!(store.entries(&house.scope, 0, 0).await.unwrap(), []);
}

/// A name that a database cannot hold must not hold up the entries behind it for ever.
pub(super) async fn nonsense_from_a_caller_blocks_no_shipper(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let named = |model: &str| house.shipment_of(node, |entry| entry.model = Some(model.into()));
    let shipments = [
        named("a\0b"),
        named(&"\u{10ffff}".repeat(300)),
        named(""),
        named("'; --"),
    ];
    assert_eq!(store.append(&house.scope, node, &shipments).await.unwrap(), 4);
    assert_eq!(
        store.entries(&house.scope, 0, 10).await.unwrap(),
        stored(&shipments)
    );
    let query = UsageQuery::over(MIDNIGHT, UnixMillis(MIDNIGHT.0 + 1)).by([Dimension::Model]);
    let report = store.usage(&house.scope, &query).await.unwrap();
    let groups: Vec<String> = report.rows.into_iter().flat_map(|row| row.group).collect();
    assert_eq!(
        groups,
        ["", "'; --", "a\u{fffd}b", &"\u{10ffff}".repeat(TEXT_CHARS_MAX)]
    );
}

pub(super) async fn a_checkpoint_is_never_replaced_by_another(store: Engine) {
    let house = House::build(&store).await;
    let checkpoint = |size, note: &str| StoredCheckpoint {
        size,
        signed: MIDNIGHT,
        note: note.to_owned(),
    };
    assert_eq!(store.checkpoint(&house.scope).await.unwrap(), None);
    let (small, large) = (
        checkpoint(3, "three\n"),
        checkpoint(12, "twelve\n\n\u{2014} key sig\n"),
    );
    store.put_checkpoint(&house.scope, &large).await.unwrap();
    store.put_checkpoint(&house.scope, &small).await.unwrap();
    assert_eq!(
        store.checkpoint(&house.scope).await.unwrap(),
        Some(large.clone()),
        "newest is largest"
    );
    store.put_checkpoint(&house.scope, &large).await.unwrap();
    let forged = store
        .put_checkpoint(&house.scope, &checkpoint(12, "forged\n"))
        .await;
    assert!(matches!(forged, Err(StoreError::Conflict(_))), "{forged:?}");
    assert_eq!(store.checkpoint(&house.scope).await.unwrap(), Some(large));
}
