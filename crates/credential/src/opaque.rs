//! The one form of every secret text we issue: a prefix, 43 base62 digits of 256 random bits, 6 base62
//! digits of a CRC-32 over all before them. Wiped when dropped; its `Debug` does not show it.

use std::fmt;

use domain::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::checksum::{crc_digits, crc32, digits_of_256_bits};
use crate::{NoRandomness, Pepper, random_32};

/// Digits of the random bits, and of the checksum.
const RANDOM_DIGITS: usize = 43;
const SUM_DIGITS: usize = 6;

/// Why a text is none of the wanted form. Says nothing of the text: it may be somebody's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It does not begin as it should.
    #[error("the text does not begin with the expected prefix")]
    Prefix,
    /// Too short or too long.
    #[error("the text is too short or too long: copy the whole of it")]
    Length,
    /// A character that is no base62 digit.
    #[error("the text has other characters than letters and digits after its prefix")]
    Alphabet,
    /// Mistyped, cut or made up.
    #[error("the text's checksum does not match: it was mistyped or cut")]
    Checksum,
}

/// A well-formed secret text of `N` characters; whether it was ever issued only a store knows.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Opaque<const N: usize>([u8; N]);

impl<const N: usize> Opaque<N> {
    /// A new one of 256 random bits. `prefix` has `N - 49` characters of ASCII.
    pub fn generate(prefix: &str) -> Result<Self, NoRandomness> {
        Ok(Self::from_bits(prefix, &*random_32()?))
    }

    pub(crate) fn from_bits(prefix: &str, bits: &[u8; 32]) -> Self {
        debug_assert!(prefix.is_ascii() && prefix.len() + RANDOM_DIGITS + SUM_DIGITS == N);
        let digits = digits_of_256_bits(bits);
        let mut text = Self([0; N]);
        let body = prefix.as_bytes().iter().chain(digits.iter());
        text.0.iter_mut().zip(body).for_each(|(to, from)| *to = *from);
        let sum = crc_digits(crc32(text.split().0));
        let at = N - SUM_DIGITS;
        text.0
            .iter_mut()
            .skip(at)
            .zip(sum)
            .for_each(|(to, from)| *to = from);
        text
    }

    /// Reads a presented text; costs no allocation and no lookup, so nonsense is refused cheaply.
    // threat: AGP-S1
    // threat: ANP-0001
    pub fn parse(prefix: &str, text: &str) -> Result<Self, Flaw> {
        let bytes = text.as_bytes();
        if !bytes.starts_with(prefix.as_bytes()) {
            return Err(Flaw::Prefix);
        }
        let text = Self(bytes.try_into().map_err(|_| Flaw::Length)?);
        if !text.0.iter().skip(prefix.len()).all(u8::is_ascii_alphanumeric) {
            return Err(Flaw::Alphabet);
        }
        let (body, sum) = text.split();
        if sum != crc_digits(crc32(body)) {
            return Err(Flaw::Checksum);
        }
        Ok(text)
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

    /// The keyed hash under which it is stored and found.
    pub fn digest(&self, pepper: &Pepper) -> [u8; 32] {
        pepper.digest(&self.0)
    }

    /// What the checksum covers, and the checksum.
    fn split(&self) -> (&[u8], &[u8]) {
        self.0.split_at(N - SUM_DIGITS)
    }
}

impl<const N: usize> fmt::Debug for Opaque<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[opaque]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agp_i1_debug_does_not_show_the_text() {
        assert_eq!(
            format!("{:?}", Opaque::<54>::generate("abcd_").unwrap()),
            "[opaque]"
        );
    }

    proptest! {
        #[test]
        fn anp_0001_every_text_reads_back_under_its_own_prefix_only(bits: [u8; 32], text in "\\PC*") {
            let one = Opaque::<54>::from_bits("abcd_", &bits);
            prop_assert!(Opaque::<54>::parse("abcd_", one.expose()).is_ok());
            prop_assert_eq!(Opaque::<54>::parse("abce_", one.expose()).unwrap_err(), Flaw::Prefix);
            prop_assert_eq!(Opaque::<53>::parse("abcd_", one.expose()).unwrap_err(), Flaw::Length);
            let _ = Opaque::<54>::parse("abcd_", &text);
        }
    }
}
