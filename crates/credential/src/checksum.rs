//! Base62 and the checksum that tells a mistyped or made-up key from one we could have issued.
//!
//! The checksum is no secret and protects nothing: it lets the gate refuse nonsense before any lookup,
//! and lets secret scanners recognise a leaked key offline.

use zeroize::Zeroizing;

/// Digits of base62, in order of value.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// CRC-32 (IEEE 802.3), one entry a byte.
static CRC_TABLE: [u32; 256] = crc_table();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time: out of bounds would not build"
)]
const fn crc_table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// CRC-32 of `bytes`.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        CRC_TABLE.get(usize::from(low)).copied().unwrap_or_default() ^ (crc >> 8)
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// The six base62 digits of a CRC-32: 62⁶ exceeds 2³², so none is lost.
pub(crate) fn crc_digits(crc: u32) -> [u8; 6] {
    let mut out = [0u8; 6];
    let mut rest = crc;
    for digit in out.iter_mut().rev() {
        *digit = digit_of(rest % 62);
        rest /= 62;
    }
    out
}

/// 256 bits as 43 base62 digits, most significant first: 62⁴³ exceeds 2²⁵⁶, so none is lost.
pub(crate) fn digits_of_256_bits(bytes: &[u8; 32]) -> Zeroizing<[u8; 43]> {
    let mut number = Zeroizing::new(*bytes);
    let mut out = Zeroizing::new([0u8; 43]);
    for digit in out.iter_mut().rev() {
        *digit = digit_of(divide_by_62(&mut number));
    }
    out
}

/// Long division of a big-endian number; leaves the quotient, returns the remainder.
fn divide_by_62(number: &mut [u8; 32]) -> u32 {
    let mut remainder = 0u32;
    for byte in number.iter_mut() {
        let part = remainder << 8 | u32::from(*byte);
        *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
        remainder = part % 62;
    }
    remainder
}

fn digit_of(value: u32) -> u8 {
    usize::try_from(value)
        .ok()
        .and_then(|i| ALPHABET.get(i))
        .copied()
        .unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_matches_the_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn digits_of_the_extremes() {
        assert_eq!(crc_digits(0), *b"000000");
        assert_eq!(crc_digits(61), *b"00000z");
        assert_eq!(crc_digits(u32::MAX), *b"4gfFC3");
        assert_eq!(*digits_of_256_bits(&[0; 32]), [b'0'; 43]);
        let mut one = [0u8; 32];
        one[31] = 62;
        assert_eq!(&digits_of_256_bits(&one)[41..], b"10");
        let top = digits_of_256_bits(&[0xff; 32]);
        assert!(top.iter().all(u8::is_ascii_alphanumeric) && top[0] != b'0');
    }
}
