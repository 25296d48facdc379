//! Proofs through logs that are longer than the stretches whose roots are kept.

use domain::NodeId;
use ledger::merkle::{Hash, inclusion_proof, root_of, verify_consistency, verify_inclusion};

use super::fixtures::{Engine, House};
use crate::{LogKind, Paths, Shipment, StoreError};

/// How the log grows: to just below, at and above whole stretches of 1,024.
const SIZES: [u64; 6] = [1_000, 1_024, 1_025, 2_047, 2_048, 2_600];

pub(super) async fn agp_r1_proofs_through_a_long_log_hold_while_it_grows(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    // One that has seen every size, beside one that has seen nothing: both must say the same.
    let (kept, log) = (Paths::new(store.clone()), LogKind::Ledger);
    let mut heads: Vec<(u64, Hash)> = Vec::new();
    for size in SIZES {
        let missing = size - heads.last().map_or(0, |(size, _)| *size);
        let more: Vec<Shipment> = (0..missing).map(|_| house.shipment(node, &[], 1)).collect();
        store.append(&house.scope, node, &more).await.unwrap();
        let leaves = store.leaf_hashes(&house.scope, 0, size).await.unwrap();
        let root = root_of(&leaves);
        for index in [0, 1, 511, 1_023, 1_024, 2_047, 2_048, size - 1]
            .into_iter()
            .filter(|at| *at < size)
        {
            let path = kept.inclusion(&house.scope, log, (index, size)).await.unwrap();
            assert!(verify_inclusion(
                &leaves[index as usize],
                index,
                size,
                &path,
                &root
            ));
            assert_eq!(
                Some(&path),
                inclusion_proof(&leaves, index).as_ref(),
                "{index} of {size}"
            );
            let fresh = Paths::new(store.clone())
                .inclusion(&house.scope, log, (index, size))
                .await;
            assert_eq!(fresh, Ok(path), "{index} of {size}");
        }
        for (old, old_root) in &heads {
            let path = kept.consistency(&house.scope, log, (*old, size)).await.unwrap();
            assert!(
                verify_consistency(*old, old_root, size, &root, &path),
                "{old} to {size}"
            );
            // An older head is still proved after the log has grown past it.
            let within = kept.inclusion(&house.scope, log, (*old - 1, *old)).await.unwrap();
            assert!(verify_inclusion(
                &leaves[(*old - 1) as usize],
                *old - 1,
                *old,
                &within,
                old_root
            ));
        }
        let beyond = kept.inclusion(&house.scope, log, (0, size + 1_024)).await;
        assert_eq!(beyond, Err(StoreError::NotFound));
        heads.push((size, root));
    }
    kept.forget(house.tenant.id, log);
    let (size, root) = heads[heads.len() - 1];
    let again = kept
        .consistency(&house.scope, log, (heads[0].0, size))
        .await
        .unwrap();
    assert!(verify_consistency(heads[0].0, &heads[0].1, size, &root, &again));
}
