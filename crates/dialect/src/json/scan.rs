//! Finding the end of a JSON string many bytes at a time.

use wide::u8x16;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many bytes at the start of `bytes` are plain: not `"`, not `\`, not a control character.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    let mut done = blocks.iter().take_while(|block| is_plain(block)).count() * BLOCK_BYTES;
    for word in bytes.get(done..).unwrap_or_default().chunks_exact(8) {
        let Ok(word) = <[u8; 8]>::try_from(word) else {
            break;
        };
        let stops = stops_in(u64::from_le_bytes(word));
        if stops != 0 {
            return done + (stops.trailing_zeros() / 8) as usize;
        }
        done += 8;
    }
    let rest = bytes.get(done..).unwrap_or_default();
    done + rest.iter().position(|byte| is_stop(*byte)).unwrap_or(rest.len())
}

/// Bytes that are judged at once.
const BLOCK_BYTES: usize = 16;

fn is_plain(block: &[u8; BLOCK_BYTES]) -> bool {
    let bytes = u8x16::new(*block);
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    let stops = control | bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
    stops.to_bitmask() == 0
}

const fn is_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// High bit set in each byte that stops a plain run. Borrow from a lower byte can mark a byte above the
/// first stop wrongly, never one below it, so the lowest mark is right.
const fn stops_in(word: u64) -> u64 {
    let quote = word ^ (LOW * b'"' as u64);
    let escape = word ^ (LOW * b'\\' as u64);
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (control | (quote.wrapping_sub(LOW) & !quote) | (escape.wrapping_sub(LOW) & !escape)) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_judged_as_one_by_one() {
        for byte in 0..=255u8 {
            for place in 0..70 {
                for filler in [b'a', 0x7f, 0x80, 0xff, b'!', b' '] {
                    let mut text = vec![filler; 70];
                    text[place] = byte;
                    let slow = text.iter().position(|b| is_stop(*b)).unwrap_or(70);
                    assert_eq!(plain_len(&text), slow, "byte {byte} at {place} among {filler}");
                }
            }
        }
    }
}
