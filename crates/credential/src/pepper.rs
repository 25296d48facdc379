//! The keyed hash under which virtual keys are stored and looked up.
//!
//! Why a map keyed by the digest is safe to look up in variable time: whoever times the lookup would have
//! to choose digests prefix by prefix, but the digest of a chosen key is HMAC-SHA-256 under a secret that
//! never leaves the instance, so the presented text gives no control over the digest's bytes, and what is
//! learned about one digest says nothing about any key. Where two digests meet directly they are compared
//! in constant time all the same ([`same_digest`]).
//!
//! A fast hash is enough here, unlike for passwords: a key has 256 random bits, nothing can be guessed.

use std::fmt;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;

/// The instance's secret for hashing what it issues, prepared for the hot path.
pub struct Pepper(hmac::Key);

impl Pepper {
    /// The pepper with these 32 bytes: derive them from the master key.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// HMAC-SHA-256 of `text` under this pepper. Whoever hashes texts of several kinds keeps them apart by
    /// what they begin with.
    pub fn digest(&self, text: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.0, text)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[pepper]")
    }
}

/// One HMAC-SHA-256.
pub(crate) fn hmac_sha256(key: &hmac::Key, data: &[u8]) -> [u8; 32] {
    let mut out = [0u8; 32];
    out.copy_from_slice(hmac::sign(key, data).as_ref());
    out
}

/// Whether two digests are the same, in constant time.
// threat: AGP-S1
pub fn same_digest(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// Whether two texts are the same, in a time that depends on their lengths only.
pub fn same_text(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualKey;

    #[test]
    fn hmac_is_the_published_one() {
        // RFC 4231, test case 2.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        let digest = hmac_sha256(&key, b"what do ya want for nothing?");
        assert_eq!(
            hex::encode(digest),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn agp_s1_a_digest_is_bound_to_the_instance() {
        let key = VirtualKey::generate().unwrap();
        let (a, b) = (Pepper::new(&[1; 32]), Pepper::new(&[2; 32]));
        assert!(same_digest(&key.digest(&a), &key.digest(&a)));
        assert!(!same_digest(&key.digest(&a), &key.digest(&b)));
        assert_eq!(format!("{a:?}"), "[pepper]");
    }
}
