//! Tells bytes apart 64 at a time, into one bit each. Never knows what they are told apart for.

use wide::u8x16;

/// Bytes that are told apart at once.
pub(crate) const CHUNK_BYTES: usize = u64::BITS as usize;

/// Bytes of one vector.
const LANES: usize = 16;

/// The bytes of which `holds` is true, as bits, the first byte lowest. Of true bytes all bits are set in
/// what `holds` answers, of others none.
#[inline]
pub(crate) fn bits_where(chunk: &[u8; CHUNK_BYTES], holds: impl Fn(u8x16) -> u8x16) -> u64 {
    let (lanes, _) = chunk.as_chunks::<LANES>();
    lanes.iter().rev().fold(0, |bits, lane| {
        bits << LANES | u64::from(holds(u8x16::new(*lane)).to_bitmask())
    })
}

/// What is behind the last whole chunk of a text, filled up with zero bytes.
pub(crate) fn filled_up(rest: &[u8]) -> [u8; CHUNK_BYTES] {
    let mut chunk = [0; CHUNK_BYTES];
    for (slot, &byte) in chunk.iter_mut().zip(rest) {
        *slot = byte;
    }
    chunk
}

/// The positions of the bits that are set, from the lowest on.
pub(crate) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.checked_sub(1).map(|_| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_bit() {
        for at in 0..CHUNK_BYTES {
            let mut chunk = [b'.'; CHUNK_BYTES];
            chunk[at] = b'!';
            assert_eq!(
                bits_where(&chunk, |bytes| bytes.simd_eq(u8x16::splat(b'!'))),
                1 << at
            );
            assert_eq!(
                bits_where(&chunk, |bytes| bytes.simd_eq(u8x16::splat(b'.'))),
                !(1 << at)
            );
        }
        assert_eq!(filled_up(b"ab")[..3], [b'a', b'b', 0]);
        assert_eq!(ones(0x8000_0000_0000_0005).collect::<Vec<_>>(), [0, 2, 63]);
        assert_eq!(ones(0).next(), None);
    }
}
