//! Paths through long logs, from the roots of their stretches: runs of as many leaves as a power of two, the last perhaps
//! shorter. A tree over the leaves is a tree over such roots, so whoever keeps them reads one stretch and not the log.

use super::proof::consistency_from;
use super::{Hash, consistency_proof, inclusion_proof};

/// The path from leaf `index` to the root. `roots` are those of all stretches, `leaves` those of the one that it is in, and
/// `each` how many leaves a stretch has. `None` if there is no such leaf.
pub fn inclusion_over(roots: &[Hash], leaves: &[Hash], index: u64, each: u64) -> Option<Vec<Hash>> {
    let mut path = inclusion_proof(leaves, index.checked_rem(each)?)?;
    path.extend(inclusion_proof(roots, index.checked_div(each)?)?);
    Some(path)
}

/// The path from the log of `old` leaves to the one of these stretches, which is longer; `leaves` are those of the stretch
/// that leaf `old` is in. `None` if there is none.
pub fn consistency_over(roots: &[Hash], leaves: &[Hash], old: u64, each: u64) -> Option<Vec<Hash>> {
    let (stretch, within) = (old.checked_div(each)?, old.checked_rem(each)?);
    if within == 0 {
        return consistency_proof(roots, stretch);
    }
    let mut path = consistency_from(leaves, within, stretch == 0)?;
    path.extend(inclusion_proof(roots, stretch)?);
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::root_of;
    use crate::merkle::tests::leaves;

    #[test]
    fn agp_r2_paths_over_stretches_are_the_paths_over_leaves() {
        for each in [1u64, 4, 8] {
            let width = usize::try_from(each).unwrap();
            for size in 1..40usize {
                let all: Vec<Hash> = leaves(40)[..size].to_vec();
                let roots: Vec<Hash> = all.chunks(width).map(root_of).collect();
                assert_eq!(root_of(&roots), root_of(&all), "{size} by {each}");
                for index in 0..size as u64 {
                    let stretch = all.chunks(width).nth((index / each) as usize).unwrap();
                    assert_eq!(
                        inclusion_over(&roots, stretch, index, each),
                        inclusion_proof(&all, index),
                        "leaf {index} of {size} by {each}"
                    );
                    assert_eq!(
                        consistency_over(&roots, stretch, index, each),
                        consistency_proof(&all, index),
                        "from {index} to {size} by {each}"
                    );
                }
                assert_eq!(inclusion_over(&roots, &[], size as u64, each), None);
            }
        }
    }
}
