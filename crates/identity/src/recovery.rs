//! Recovery codes: ten texts on paper for whoever lost the second factor. Shown once, kept as keyed hashes
//! that are bound to the account, each good once.
//!
//! Sixteen characters are 80 bits: not to be guessed even by whoever has the hashes and the key to them, so
//! a fast hash is enough.

use std::fmt;

use credential::{NoRandomness, Pepper};
use domain::Secret;
use serde::{Deserialize, Serialize};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::random;

/// How many codes are made at once.
pub const CODES: usize = 10;
const CODE_BYTES: usize = 10;
const CODE_CHARS: usize = 16;
const GROUP_CHARS: usize = 4;

/// Crockford's base32: no letter that looks like a digit, and no accidental words.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Keeps these apart from everything else that is hashed under the same pepper.
const KIND: &[u8] = b"recovery code\0";

/// What is stored: the hashes of the codes not used yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoverySet(Vec<[u8; 32]>);

/// New codes, and what is to be stored of them.
#[derive(Debug)]
pub struct Issued {
    /// To show once: `4f7k-0m2p-x9qa-hd3e`.
    pub codes: Vec<Secret>,
    /// To store in place of what was stored before.
    pub set: RecoverySet,
}

/// Makes ten codes for `account`, which is the account's id.
pub fn issue(pepper: &Pepper, account: &str) -> Result<Issued, NoRandomness> {
    let codes = (0..CODES)
        .map(|_| Ok(spell(&*random()?)))
        .collect::<Result<Vec<_>, NoRandomness>>()?;
    let digests = codes
        .iter()
        .filter_map(|code| digest(pepper, account, code.expose()));
    let set = RecoverySet(digests.collect());
    Ok(Issued { codes, set })
}

impl RecoverySet {
    /// How many codes are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// What remains when `code`, as typed, is used for `account`; `None` if it is none of the unused ones.
    /// Store the remainder before anything is granted, and only if the set is still the one read.
    // threat: CTX-T2
    // threat: CTX-T3
    #[must_use]
    pub fn consume(&self, pepper: &Pepper, account: &str, code: &str) -> Option<Self> {
        let digest = digest(pepper, account, code)?;
        // All of them, whichever it is: the time does not tell how many are left in front.
        let mut found = u64::MAX;
        for (at, one) in (0u64..).zip(&self.0) {
            found.conditional_assign(&at, one.ct_eq(&digest));
        }
        let found = usize::try_from(found).ok().filter(|at| *at < self.0.len())?;
        let mut rest = self.0.clone();
        rest.remove(found);
        Some(Self(rest))
    }
}

impl fmt::Debug for RecoverySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} recovery codes]", self.0.len())
    }
}

/// 80 bits in groups of four characters.
fn spell(bytes: &[u8; CODE_BYTES]) -> Secret {
    let mut text = String::with_capacity(CODE_CHARS + CODE_CHARS / GROUP_CHARS);
    for at in 0..CODE_CHARS {
        if at > 0 && at % GROUP_CHARS == 0 {
            text.push('-');
        }
        let value = (0..5).fold(0, |value, bit| value << 1 | bit_of(bytes, at * 5 + bit));
        text.push(ALPHABET.get(value).map_or('0', |byte| char::from(*byte)));
    }
    Secret::new(text)
}

fn bit_of(bytes: &[u8; CODE_BYTES], at: usize) -> usize {
    let byte = bytes.get(at / 8).copied().unwrap_or_default();
    usize::from(byte >> (7 - at % 8) & 1)
}

/// The hash of a code as typed: case, spaces, dashes and letters taken for digits do not matter.
fn digest(pepper: &Pepper, account: &str, typed: &str) -> Option<[u8; 32]> {
    let plain = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let separator = |c: &char| *c == '-' || c.is_whitespace();
    let code: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(|c| !separator(c))
            .take(CODE_CHARS + 1)
            .map(plain)
            .collect(),
    );
    let known = |byte: u8| ALPHABET.contains(&byte);
    if code.len() != CODE_CHARS || !code.bytes().all(known) {
        return None;
    }
    // The code's length is fixed, so where the account ends cannot be moved.
    let text = Zeroizing::new([KIND, account.as_bytes(), b"\0", code.as_bytes()].concat());
    Some(pepper.digest(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pepper() -> Pepper {
        Pepper::new(&[5; 32])
    }

    #[test]
    fn ctx_t3_each_code_is_good_once_in_any_order() {
        let Issued { codes, mut set } = issue(&pepper(), "usr_1").unwrap();
        assert_eq!((codes.len(), set.remaining()), (CODES, CODES));
        for (used, code) in codes.iter().rev().enumerate() {
            let rest = set.consume(&pepper(), "usr_1", code.expose()).unwrap();
            assert_eq!(rest.remaining(), CODES - used - 1);
            assert_eq!(rest.consume(&pepper(), "usr_1", code.expose()), None);
            set = rest;
        }
        assert_eq!(set.remaining(), 0);
    }

    #[test]
    fn ctx_t3_a_code_is_its_accounts_and_its_instances() {
        let Issued { codes, set } = issue(&pepper(), "usr_1").unwrap();
        let code = codes[0].expose();
        assert_eq!(set.consume(&pepper(), "usr_2", code), None);
        assert_eq!(set.consume(&Pepper::new(&[6; 32]), "usr_1", code), None);
        assert_eq!(set.consume(&pepper(), "usr_1", "0000-0000-0000-0000"), None);
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = spell(&[0; CODE_BYTES]);
        assert_eq!(code.expose(), "0000-0000-0000-0000");
        assert_eq!(spell(&[0xff; CODE_BYTES]).expose(), "zzzz-zzzz-zzzz-zzzz");
        let set = RecoverySet(vec![digest(&pepper(), "a", "0123-4567-89ab-cdef").unwrap()]);
        for typed in [
            "0123456789ABCDEF",
            " o123 4567 89ab cdef ",
            "0l23-4567-89ab-cdef",
            "0I234567-89abcdef",
        ] {
            assert!(set.consume(&pepper(), "a", typed).is_some(), "{typed}");
        }
        for typed in [
            "",
            "0123-4567-89ab-cde",
            "0123-4567-89ab-cdef0",
            "u123-4567-89ab-cdef",
            "é123-4567-89ab-cdef",
        ] {
            assert!(set.consume(&pepper(), "a", typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn ctx_t3_nothing_stored_or_shown_by_debug_is_a_code() {
        let issued = issue(&pepper(), "usr_1").unwrap();
        assert_eq!(format!("{:?}", issued.set), "[10 recovery codes]");
        let stored = serde_json::to_string(&issued.set).unwrap();
        let shown = format!("{issued:?}{stored}");
        assert!(issued.codes.iter().all(|code| !shown.contains(code.expose())));
        assert_eq!(serde_json::from_str::<RecoverySet>(&stored).unwrap(), issued.set);
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_code(text in "\\PC{0,40}") {
            let set = issue(&pepper(), "a").unwrap().set;
            prop_assert_eq!(set.consume(&pepper(), "a", &text), None);
        }

        #[test]
        fn different_bits_are_different_codes(a: [u8; CODE_BYTES], b: [u8; CODE_BYTES]) {
            prop_assert_eq!(spell(&a).expose() == spell(&b).expose(), a == b);
        }
    }
}
