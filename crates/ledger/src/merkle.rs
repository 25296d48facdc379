//! RFC 6962 Merkle tree hashing: domain-separated leaves and nodes over SHA-256.

use aws_lc_rs::digest::{Context, SHA256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: `SHA-256(0x00 || bytes)` (RFC 6962 §2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    hash(&[&[0x00], bytes])
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)` (RFC 6962 §2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(&[&[0x01], left, right])
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}
