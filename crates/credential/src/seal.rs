//! Sealing: AES-256-GCM under a random nonce, with a version byte in front.
//!
//! A key seals at most 2³² texts (the bound for random 96-bit nonces); derive one for each purpose.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// What a sealed text begins with: AES-256-GCM, nonce of 12 bytes, tag of 16 at the end.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Why sealing or opening failed. Says nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The sealed text is too short or of a version this build does not know.
    #[error("not a sealed text of a known version")]
    Form,
    /// Changed, sealed under another key, or for another purpose.
    #[error("the sealed text was changed or belongs to another key")]
    Authenticity,
    /// Sealing failed: no randomness, or a text beyond what the cipher takes.
    #[error("sealing failed")]
    Sealing,
}

/// A prepared key for sealing and opening: on the hot path make it once.
pub struct SealingKey(LessSafeKey);

impl SealingKey {
    /// Prepares these 32 bytes.
    pub fn new(key: &[u8; 32]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError::Sealing)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals `plaintext`, bound to `aad`: what names the place it belongs to.
    // threat: AGP-I2
    pub fn seal(&self, plaintext: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0u8; NONCE_BYTES];
        crate::fill_random(&mut nonce).map_err(|_| SealError::Sealing)?;
        let mut body = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(plaintext);
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
            .map_err(|_| SealError::Sealing)?;
        Ok([&[VERSION], nonce.as_slice(), &body].concat())
    }

    /// The plaintext of `sealed`, if it was sealed under this key for this `aad`.
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, body) = split(sealed).ok_or(SealError::Form)?;
        let mut body = body.to_vec();
        let opened = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
            .map_err(|_| SealError::Authenticity)?
            .len();
        body.truncate(opened);
        Ok(body)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealing key]")
    }
}

/// Nonce, and ciphertext with its tag.
fn split(sealed: &[u8]) -> Option<([u8; NONCE_BYTES], &[u8])> {
    let (version, rest) = sealed.split_first()?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>()?;
    (*version == VERSION && body.len() >= AES_256_GCM.tag_len()).then_some((*nonce, body))
}

/// [`SealingKey::seal`] for a key used once.
pub fn seal(key: &[u8; 32], plaintext: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
    SealingKey::new(key)?.seal(plaintext, aad)
}

/// [`SealingKey::open`] for a key used once.
pub fn open(key: &[u8; 32], sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
    SealingKey::new(key)?.open(sealed, aad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agp_i2_sealed_texts_differ_each_time_and_do_not_show_the_plaintext() {
        let (a, b) = (
            seal(&[1; 32], b"canary", b"x").unwrap(),
            seal(&[1; 32], b"canary", b"x").unwrap(),
        );
        assert_ne!(a, b);
        assert!(!a.windows(6).any(|w| w == b"canary"));
        assert_eq!(a.len(), 1 + 12 + 6 + 16);
    }

    #[test]
    fn agp_i2_other_key_other_place_other_version_and_short_texts_are_refused() {
        let sealed = seal(&[1; 32], b"canary", b"tenant-a").unwrap();
        assert_eq!(open(&[2; 32], &sealed, b"tenant-a"), Err(SealError::Authenticity));
        assert_eq!(open(&[1; 32], &sealed, b"tenant-b"), Err(SealError::Authenticity));
        let mut other = sealed.clone();
        other[0] = 2;
        assert_eq!(open(&[1; 32], &other, b"tenant-a"), Err(SealError::Form));
        assert_eq!(open(&[1; 32], &sealed[..28], b"tenant-a"), Err(SealError::Form));
        assert_eq!(
            open(&[1; 32], &sealed[..29], b"tenant-a"),
            Err(SealError::Authenticity)
        );
        assert_eq!(open(&[1; 32], b"", b""), Err(SealError::Form));
    }

    proptest! {
        #[test]
        fn agp_i2_every_text_opens_again_and_any_flipped_bit_is_noticed(
            key: [u8; 32], text: Vec<u8>, aad: Vec<u8>, at: proptest::sample::Index, bit in 0u32..8,
        ) {
            let sealed = seal(&key, &text, &aad).unwrap();
            prop_assert_eq!(open(&key, &sealed, &aad).unwrap(), text);
            let mut bent = sealed;
            let at = at.index(bent.len());
            bent[at] ^= 1 << bit;
            prop_assert!(open(&key, &bent, &aad).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_open_and_never_panic(key: [u8; 32], bytes: Vec<u8>) {
            prop_assert!(open(&key, &bytes, b"").is_err());
        }
    }
}
