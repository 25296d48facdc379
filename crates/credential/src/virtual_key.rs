//! The text of a virtual key: what a caller presents. Made once, shown once, never stored.
//!
//! `btz_`, 43 base62 digits of 256 random bits, 6 base62 digits of a CRC-32 over all before them.

use std::fmt;

use domain::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::checksum::{crc_digits, crc32, digits_of_256_bits};
use crate::{NoRandomness, Pepper, random_32};

const PREFIX: &[u8; 4] = b"btz_";
/// Prefix and random digits: what the checksum covers.
const BODY_BYTES: usize = 4 + 43;
const KEY_BYTES: usize = BODY_BYTES + 6;
/// How much of a key people are shown to recognise it by.
const HINT_CHARS: usize = 8;

/// A text that is no virtual key of ours. Says nothing of the text: it may be somebody's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It does not begin as our keys do.
    #[error("a virtual key begins with `btz_`")]
    Prefix,
    /// Too short or too long.
    #[error("a virtual key has 53 characters")]
    Length,
    /// A character that is no base62 digit.
    #[error("a virtual key has only letters and digits after `btz_`")]
    Alphabet,
    /// Mistyped, cut or made up.
    #[error("the virtual key's checksum does not match: it was mistyped or cut")]
    Checksum,
}

/// A well-formed virtual key; whether it was ever issued only the directory knows. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct VirtualKey([u8; KEY_BYTES]);

impl VirtualKey {
    /// A new key of 256 random bits.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self::from_bits(&*random_32()?))
    }

    fn from_bits(bits: &[u8; 32]) -> Self {
        let digits = digits_of_256_bits(bits);
        let mut key = Self([0; KEY_BYTES]);
        let body = PREFIX.iter().chain(digits.iter());
        key.0.iter_mut().zip(body).for_each(|(to, from)| *to = *from);
        let sum = crc_digits(crc32(key.body()));
        key.0
            .iter_mut()
            .skip(BODY_BYTES)
            .zip(sum)
            .for_each(|(to, from)| *to = from);
        key
    }

    /// Reads a presented text; costs no allocation and no lookup, so nonsense is refused cheaply.
    // threat: AGP-S1
    // threat: ANP-0001
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let bytes = text.as_bytes();
        if !bytes.starts_with(PREFIX) {
            return Err(NotAKey::Prefix);
        }
        let key = Self(bytes.try_into().map_err(|_| NotAKey::Length)?);
        if !key.0.iter().skip(PREFIX.len()).all(u8::is_ascii_alphanumeric) {
            return Err(NotAKey::Alphabet);
        }
        if key.sum() != crc_digits(crc32(key.body())) {
            return Err(NotAKey::Checksum);
        }
        Ok(key)
    }

    /// The text itself: to show it once to whom it was made for.
    pub fn expose(&self) -> &str {
        // Only ASCII gets in.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as a [`Secret`] of its own.
    pub fn to_secret(&self) -> Secret {
        Secret::new(self.expose())
    }

    /// The first characters, to recognise the key by: `btz_3fQ9…`. 24 of its 256 bits.
    pub fn hint(&self) -> String {
        self.expose().chars().take(HINT_CHARS).chain(['…']).collect()
    }

    /// The keyed hash under which the key is stored and found.
    pub fn digest(&self, pepper: &Pepper) -> [u8; 32] {
        pepper.digest(&self.0)
    }

    fn body(&self) -> &[u8] {
        self.0.split_at(BODY_BYTES).0
    }

    fn sum(&self) -> &[u8] {
        self.0.split_at(BODY_BYTES).1
    }
}

impl fmt::Debug for VirtualKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[virtual key]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_never_changes() {
        let key = VirtualKey::from_bits(&[7; 32]);
        assert_eq!(key.expose().len(), 53);
        assert_eq!(
            key.expose(),
            "btz_1fJjkkpe9PiTw9KSulA8Ghct30vZz4HpdQ5c5b9cPF13h8ysT"
        );
        assert_eq!(key.hint(), "btz_1fJj…");
    }

    #[test]
    fn agp_s1_two_generated_keys_differ_and_read_back() {
        let (a, b) = (VirtualKey::generate().unwrap(), VirtualKey::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(VirtualKey::parse(a.expose()).unwrap().expose(), a.expose());
    }

    #[test]
    fn agp_i1_debug_does_not_show_the_key() {
        assert_eq!(format!("{:?}", VirtualKey::generate().unwrap()), "[virtual key]");
    }

    #[test]
    fn anp_0001_what_is_no_key_is_refused_with_its_reason() {
        let good = VirtualKey::from_bits(&[7; 32]).expose().to_owned();
        assert_eq!(VirtualKey::parse("").unwrap_err(), NotAKey::Prefix);
        assert_eq!(VirtualKey::parse("sk-proj-abc").unwrap_err(), NotAKey::Prefix);
        assert_eq!(VirtualKey::parse("btz_").unwrap_err(), NotAKey::Length);
        assert_eq!(VirtualKey::parse(&good[..52]).unwrap_err(), NotAKey::Length);
        assert_eq!(
            VirtualKey::parse(&format!("{good}0")).unwrap_err(),
            NotAKey::Length
        );
        assert_eq!(
            VirtualKey::parse(&format!("btz_-{}", &good[5..])).unwrap_err(),
            NotAKey::Alphabet
        );
        assert_eq!(
            VirtualKey::parse(&format!("btz_2{}", &good[5..])).unwrap_err(),
            NotAKey::Checksum
        );
    }

    proptest! {
        #[test]
        fn every_key_reads_back_and_any_one_changed_character_is_refused(bits: [u8; 32], at in 0usize..53, to in "[0-9A-Za-z]") {
            let key = VirtualKey::from_bits(&bits);
            prop_assert!(VirtualKey::parse(key.expose()).is_ok());
            let mut other = key.expose().to_owned();
            other.replace_range(at..=at, &to);
            prop_assert_eq!(VirtualKey::parse(&other).is_ok(), other == key.expose());
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC*", tail in "\\PC{49}") {
            let _ = VirtualKey::parse(&text);
            let long = format!("btz_{tail}é");
            prop_assert!(VirtualKey::parse(&long).is_err());
        }
    }
}
