//! Addresses of wallets that check: base58 with a checksum, bech32, and Ethereum's. Never takes one that does not check.

use sha2::{Digest, Sha256};
use sha3::Keccak256;

use crate::personal::text::Text;

/// The longest that is looked at.
const ADDRESS_BYTES_MAX: usize = 90;
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// How sure it is, in percent, that the word from `at` to `end` is a wallet's address.
pub(crate) fn wallet(text: &Text<'_>, at: usize, end: usize) -> Option<u8> {
    let word = text.get(at..end.min(at + ADDRESS_BYTES_MAX));
    if word.len() != end - at {
        return None;
    }
    match word {
        [b'0', b'x' | b'X', digits @ ..] if digits.len() == 40 => ethereum(digits),
        [b'1' | b'3' | b'L' | b'M' | b'D' | b'T', ..] if (25..=35).contains(&word.len()) => {
            base58(word).then_some(100)
        }
        [b'b' | b'B', b'c' | b'C', b'1', ..] | [b't', b'b', b'1', ..] | [b'l', b't', b'c', b'1', ..] => {
            bech32(word).then_some(100)
        }
        _ => None,
    }
}

/// Twenty-five bytes, of which the last four are the beginning of a hash of a hash of the others.
fn base58(word: &[u8]) -> bool {
    let mut bytes = [0_u8; 25];
    for character in word {
        let Some(value) = BASE58.iter().position(|known| known == character) else {
            return false;
        };
        let mut carry = value;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let (body, sum) = bytes.split_at(21);
    Sha256::digest(Sha256::digest(body)).starts_with(sum)
}

/// BIP 173 and BIP 350.
fn bech32(word: &[u8]) -> bool {
    let mixed = word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
    let Some(split) = word.iter().rposition(|byte| *byte == b'1') else {
        return false;
    };
    let (human, data) = word.split_at(split);
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let generators = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
        let mixed_in = generators
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1);
        mixed_in.fold((sum & 0x01FF_FFFF) << 5 ^ value, |sum, (_, generator)| {
            sum ^ generator
        })
    };
    let lower = |byte: &u8| u32::from(byte.to_ascii_lowercase());
    let mut sum = human.iter().fold(1, |sum, byte| step(sum, lower(byte) >> 5));
    sum = human
        .iter()
        .fold(step(sum, 0), |sum, byte| step(sum, lower(byte) & 31));
    for byte in data.iter().skip(1) {
        let Some(value) = BECH32
            .iter()
            .position(|known| *known == byte.to_ascii_lowercase())
        else {
            return false;
        };
        sum = step(sum, u32::try_from(value).unwrap_or(0));
    }
    !mixed && data.len() > 7 && matches!(sum, 1 | 0x2BC8_30A3)
}

/// EIP-55 where both cases are used; else the form alone, which hashes share.
fn ethereum(digits: &[u8]) -> Option<u8> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mixed = digits.iter().any(u8::is_ascii_lowercase) && digits.iter().any(u8::is_ascii_uppercase);
    if !mixed {
        return digits.iter().any(u8::is_ascii_digit).then_some(75);
    }
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    let halves = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let fits = digits
        .iter()
        .zip(halves)
        .all(|(digit, half)| !digit.is_ascii_alphabetic() || digit.is_ascii_uppercase() == (half >= 8));
    Some(if fits { 100 } else { 65 })
}
