//! Inclusion and consistency proofs: made from leaves (RFC 6962 §2.1.1, §2.1.2), verified without them
//! (RFC 9162 §2.1.3.2, §2.1.4.2).

use super::{Frontier, Hash, empty_root, node_hash};

/// The root over `leaves`, which are leaf hashes.
pub fn root_of(leaves: &[Hash]) -> Hash {
    leaves.iter().copied().collect::<Frontier>().root()
}

/// The path that shows that leaf `index` is in the log of `leaves`; `None` if there is no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: u64) -> Option<Vec<Hash>> {
    let mut index = usize::try_from(index)
        .ok()
        .filter(|index| *index < leaves.len())?;
    let (mut tree, mut path) = (leaves, Vec::new());
    while tree.len() > 1 {
        let (left, right) = split(tree);
        if index < left.len() {
            path.push(root_of(right));
            tree = left;
        } else {
            path.push(root_of(left));
            index -= left.len();
            tree = right;
        }
    }
    path.reverse();
    Some(path)
}

/// Whether `proof` shows that `leaf` is leaf `index` of the log with this `size` and `root`.
// threat: AGP-R2
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            climb_past_lonely(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The hashes that show that the log of the first `old_size` leaves is a prefix of the log of all
/// `leaves`; `None` if there are not that many. Empty for an empty or equal old log.
pub fn consistency_proof(leaves: &[Hash], old_size: u64) -> Option<Vec<Hash>> {
    // All of the old log is a subtree whose root the verifier has.
    consistency_from(leaves, old_size, true)
}

/// The same within a tree: `known` is whether its first leaf is the log's, so that the verifier has the old log's root.
pub(super) fn consistency_from(leaves: &[Hash], old_size: u64, mut known: bool) -> Option<Vec<Hash>> {
    let mut old = usize::try_from(old_size)
        .ok()
        .filter(|old| *old <= leaves.len())?;
    let (mut tree, mut path) = (leaves, Vec::new());
    while old > 0 && old < tree.len() {
        let (left, right) = split(tree);
        if old <= left.len() {
            path.push(root_of(right));
            tree = left;
        } else {
            path.push(root_of(left));
            old -= left.len();
            tree = right;
            known = false;
        }
    }
    if old > 0 && !known {
        path.push(root_of(tree));
    }
    path.reverse();
    Some(path)
}

/// Whether `proof` shows that the log with `old_size` and `old_root` is a prefix of the one with
/// `new_size` and `new_root`.
// threat: AGP-R1
// threat: ANP-0012
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    if old_size > new_size {
        return false;
    }
    // A perfect old tree is itself the first node of the path, and the proof leaves it out.
    let first = if old_size.is_power_of_two() {
        Some((old_root, proof))
    } else {
        proof.split_first()
    };
    let Some((start, path)) = first else { return false };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let skip = node.trailing_ones();
    node = node.checked_shr(skip).unwrap_or(0);
    last = last.checked_shr(skip).unwrap_or(0);
    let (mut old, mut new) = (*start, *start);
    for hash in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            climb_past_lonely(&mut node, &mut last);
        } else {
            new = node_hash(&new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}

/// The last node of a level has no right sibling when it is a left child: it stands for itself on every
/// level up to the one where it is a right child.
fn climb_past_lonely(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}

/// The largest perfect tree that is smaller than the whole, and the rest. Needs two leaves.
fn split(tree: &[Hash]) -> (&[Hash], &[Hash]) {
    let half = tree.len().next_power_of_two() / 2;
    tree.split_at_checked(half).unwrap_or((tree, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::tests::{flips, leaves, reference_root, rfc_leaves};

    fn hash(text: &str) -> Hash {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// Known answers over the eight leaves that logs of RFC 6962 are commonly tested with.
    #[test]
    fn known_proofs() {
        let leaves = rfc_leaves();
        let paths: [(usize, u64, &[&str]); 5] = [
            (1, 0, &[]),
            (
                8,
                0,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                8,
                5,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                3,
                2,
                &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
            ),
            (
                5,
                1,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (size, index, path) in paths {
            let path: Vec<Hash> = path.iter().map(|text| hash(text)).collect();
            assert_eq!(
                inclusion_proof(&leaves[..size], index),
                Some(path),
                "{index} in {size}"
            );
        }
        let consistent: [(usize, u64, &[&str]); 3] = [
            (1, 1, &[]),
            (
                8,
                6,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                5,
                2,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (size, old, path) in consistent {
            let path: Vec<Hash> = path.iter().map(|text| hash(text)).collect();
            assert_eq!(
                consistency_proof(&leaves[..size], old),
                Some(path),
                "{old} to {size}"
            );
        }
    }

    #[test]
    fn every_leaf_of_every_size_is_proved_and_no_other() {
        let all = leaves(70);
        for size in 0..=70usize {
            let tree = &all[..size];
            let (len, root) = (size as u64, root_of(tree));
            assert_eq!(root, reference_root(tree));
            assert_eq!(inclusion_proof(tree, len), None);
            for index in 0..len {
                let proof = inclusion_proof(tree, index).unwrap();
                let leaf = &tree[index as usize];
                assert!(
                    verify_inclusion(leaf, index, len, &proof, &root),
                    "{index} in {size}"
                );
                for other in (0..len + 2).filter(|other| *other != index) {
                    assert!(
                        !verify_inclusion(leaf, other, len, &proof, &root),
                        "{index} as {other} in {size}"
                    );
                }
            }
        }
    }

    #[test]
    fn anp_0012_every_prefix_of_every_size_is_proved() {
        let all = leaves(70);
        for new in 0..=70usize {
            let tree = &all[..new];
            assert_eq!(consistency_proof(tree, new as u64 + 1), None);
            for old in 0..=new {
                let proof = consistency_proof(tree, old as u64).unwrap();
                let (old_root, new_root) = (root_of(&all[..old]), root_of(tree));
                let ok = verify_consistency(old as u64, &old_root, new as u64, &new_root, &proof);
                assert!(ok, "{old} to {new}");
                if old != new {
                    assert!(!verify_consistency(
                        new as u64, &new_root, old as u64, &old_root, &proof
                    ));
                }
            }
        }
    }

    #[test]
    fn agp_r2_every_flipped_bit_of_an_inclusion_is_refused() {
        let all = leaves(13);
        let root = root_of(&all);
        for index in 0..13 {
            let (leaf, proof) = (all[index as usize], inclusion_proof(&all, index).unwrap());
            assert!(flips(&leaf).all(|leaf| !verify_inclusion(&leaf, index, 13, &proof, &root)));
            assert!(flips(&root).all(|root| !verify_inclusion(&leaf, index, 13, &proof, &root)));
            for at in 0..proof.len() {
                for flipped in flips(&proof[at]) {
                    let mut bad = proof.clone();
                    bad[at] = flipped;
                    assert!(!verify_inclusion(&leaf, index, 13, &bad, &root));
                }
            }
            let longer = [proof.clone(), vec![root]].concat();
            assert!(!verify_inclusion(&leaf, index, 13, &longer, &root));
            assert!(!verify_inclusion(&leaf, index, 13, &proof[1..], &root));
            assert!(!verify_inclusion(
                &leaf,
                index,
                13,
                &proof[..proof.len() - 1],
                &root
            ));
        }
    }

    #[test]
    fn anp_0012_every_flipped_bit_of_a_consistency_is_refused() {
        let all = leaves(13);
        let new_root = root_of(&all);
        for old in 1..13u64 {
            let (old_root, proof) = (
                root_of(&all[..old as usize]),
                consistency_proof(&all, old).unwrap(),
            );
            let holds = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
                verify_consistency(old, old_root, 13, new_root, proof)
            };
            assert!(holds(&old_root, &new_root, &proof));
            assert!(
                flips(&old_root).all(|flipped| !holds(&flipped, &new_root, &proof)),
                "{old}"
            );
            assert!(
                flips(&new_root).all(|flipped| !holds(&old_root, &flipped, &proof)),
                "{old}"
            );
            for at in 0..proof.len() {
                for flipped in flips(&proof[at]) {
                    let mut bad = proof.clone();
                    bad[at] = flipped;
                    assert!(!holds(&old_root, &new_root, &bad), "{old} at {at}");
                }
            }
            assert!(!holds(&old_root, &new_root, &proof[1..]));
            assert!(!holds(&old_root, &new_root, &proof[..proof.len() - 1]));
            assert!(!holds(
                &old_root,
                &new_root,
                &[proof.clone(), vec![old_root]].concat()
            ));
            assert!(!holds(&old_root, &new_root, &[]));
        }
        // A path that ends too early for the size it is said to lead to.
        let (two, four) = (root_of(&all[..2]), root_of(&all[..4]));
        let path = consistency_proof(&all[..4], 2).unwrap();
        assert!(verify_consistency(2, &two, 4, &four, &path));
        assert!((5..40).all(|size| !verify_consistency(2, &two, size, &four, &path)));
        assert!(
            !verify_consistency(0, &new_root, 13, &new_root, &[]),
            "the empty log has one root"
        );
        assert!(!verify_consistency(13, &new_root, 13, &new_root, &[new_root]));
    }

    #[test]
    fn sizes_at_the_end_of_the_range_do_not_panic() {
        let hash = [7; 32];
        let path = [[9; 32]; 64];
        for (a, b) in [
            (u64::MAX, u64::MAX),
            (u64::MAX - 1, u64::MAX),
            (1 << 63, u64::MAX),
            (1, u64::MAX),
        ] {
            assert!(!verify_inclusion(&hash, a, b, &path, &hash));
            assert!(a == b || !verify_consistency(a, &hash, b, &hash, &path));
        }
    }
}
