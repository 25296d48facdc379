//! The frontier of a growing log: enough to append to it and to know its root, in at most 64 hashes.

use super::{Hash, empty_root, leaf_hash, node_hash};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// Bytes of the size before the hashes.
const SIZE_BYTES: usize = 8;

/// The roots of the perfect subtrees of a log, largest first: one for each bit of its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// Bytes that are not a frontier's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frontier: {len} bytes do not fit its size")]
pub struct FrontierError {
    len: usize,
}

impl Frontier {
    /// Of an empty log.
    pub const fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// How many leaves were pushed.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends an entry by its bytes and returns its leaf's hash.
    pub fn append(&mut self, bytes: &[u8]) -> Hash {
        let leaf = leaf_hash(bytes);
        self.push(leaf);
        leaf
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Every trailing one of the size is a perfect subtree that this leaf completes to a larger one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The log's root (RFC 6962 §2.1).
    pub fn root(&self) -> Hash {
        let folded = self
            .peaks
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right));
        folded.unwrap_or_else(empty_root)
    }

    /// The size, big-endian, and the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.peaks.iter().flatten());
        bytes
    }

    /// What [`Frontier::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let wrong = FrontierError { len: bytes.len() };
        let (size, hashes) = bytes.split_first_chunk::<SIZE_BYTES>().ok_or(wrong)?;
        let size = u64::from_be_bytes(*size);
        let (peaks, rest) = hashes.as_chunks::<HASH_BYTES>();
        if !rest.is_empty() || peaks.len() != usize::try_from(size.count_ones()).unwrap_or(usize::MAX) {
            return Err(wrong);
        }
        Ok(Self {
            size,
            peaks: peaks.to_vec(),
        })
    }
}

impl FromIterator<Hash> for Frontier {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut frontier = Self::new();
        leaves.into_iter().for_each(|leaf| frontier.push(leaf));
        frontier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::tests::{leaves, reference_root};

    #[test]
    fn agp_budget_3_2_a_frontier_is_small_however_many_leaves_it_took() {
        let mut frontier = Frontier::new();
        for (size, leaf) in (1u64..).zip(leaves(1000)) {
            frontier.push(leaf);
            assert_eq!(frontier.size(), size);
            assert_eq!(frontier.to_bytes().len(), 8 + 32 * size.count_ones() as usize);
        }
        assert_eq!(frontier.root(), reference_root(&leaves(1000)));
    }

    #[test]
    fn a_frontier_that_was_stored_grows_on_as_if_it_never_had_been() {
        for cut in 0..70 {
            let all = leaves(70);
            let (before, after) = all.split_at(cut);
            let stored = before.iter().copied().collect::<Frontier>().to_bytes();
            let mut frontier = Frontier::from_bytes(&stored).unwrap();
            assert_eq!(frontier.to_bytes(), stored);
            after.iter().for_each(|leaf| frontier.push(*leaf));
            assert_eq!(frontier.root(), reference_root(&all), "{cut}");
        }
    }

    #[test]
    fn bytes_that_do_not_fit_their_size_are_refused() {
        let good = leaves(5).into_iter().collect::<Frontier>().to_bytes();
        for cut in 0..good.len() {
            assert!(Frontier::from_bytes(&good[..cut]).is_err(), "{cut}");
        }
        let longer = [good.as_slice(), &[0; 32]].concat();
        assert!(Frontier::from_bytes(&longer).is_err());
        let mut wrong_size = good;
        wrong_size[7] = 7;
        assert!(Frontier::from_bytes(&wrong_size).is_err());
    }
}
