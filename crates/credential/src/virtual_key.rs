//! The text of a virtual key: what a caller presents. Made once, shown once, never stored.
//!
//! `btz_`, 43 base62 digits of 256 random bits, 6 base62 digits of a CRC-32 over all before them.

use std::fmt;

use domain::Secret;

use crate::opaque::{Flaw, Opaque};
use crate::{NoRandomness, Pepper};

const PREFIX: &str = "btz_";
const KEY_BYTES: usize = 53;
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

impl From<Flaw> for NotAKey {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Prefix => Self::Prefix,
            Flaw::Length => Self::Length,
            Flaw::Alphabet => Self::Alphabet,
            Flaw::Checksum => Self::Checksum,
        }
    }
}

/// A well-formed virtual key; whether it was ever issued only the directory knows. Wiped when dropped.
pub struct VirtualKey(Opaque<KEY_BYTES>);

impl VirtualKey {
    /// A new key of 256 random bits.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(Opaque::generate(PREFIX)?))
    }

    /// Reads a presented text; costs no allocation and no lookup, so nonsense is refused cheaply.
    // threat: AGP-S1
    // threat: ANP-0001
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        Ok(Self(Opaque::parse(PREFIX, text)?))
    }

    /// The text itself: to show it once to whom it was made for.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The text as a [`Secret`] of its own.
    pub fn to_secret(&self) -> Secret {
        self.0.to_secret()
    }

    /// The first characters, to recognise the key by: `btz_3fQ9…`. 24 of its 256 bits.
    pub fn hint(&self) -> String {
        self.expose().chars().take(HINT_CHARS).chain(['…']).collect()
    }

    /// The keyed hash under which the key is stored and found.
    pub fn digest(&self, pepper: &Pepper) -> [u8; 32] {
        self.0.digest(pepper)
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

    fn from_bits(bits: &[u8; 32]) -> VirtualKey {
        VirtualKey(Opaque::from_bits(PREFIX, bits))
    }

    #[test]
    fn the_form_never_changes() {
        let key = from_bits(&[7; 32]);
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
        let good = from_bits(&[7; 32]).expose().to_owned();
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
            let key = from_bits(&bits);
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
