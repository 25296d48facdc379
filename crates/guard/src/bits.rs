//! Tells bytes apart 64 at a time, into one bit each. Never knows what they are told apart for.
//!
//! Written so that the compiler makes vector instructions of it: no look-ups, no early exit.

/// Bytes that are told apart at once.
pub(crate) const CHUNK_BYTES: usize = u64::BITS as usize;

/// The product gathers the lowest bits of eight bytes, the first one lowest, in its highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// The bytes of which `holds` is true, as bits, the first byte lowest.
#[inline]
pub(crate) fn bits_where(chunk: &[u8; CHUNK_BYTES], holds: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0_u8; CHUNK_BYTES];
    for (&byte, flag) in chunk.iter().zip(&mut flags) {
        *flag = u8::from(holds(byte));
    }
    let (eights, _) = flags.as_chunks::<8>();
    let gathered = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
    eights
        .iter()
        .rev()
        .fold(0, |bits, eight| bits << 8 | gathered(eight))
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
            assert_eq!(bits_where(&chunk, |byte| byte == b'!'), 1 << at);
            assert_eq!(bits_where(&chunk, |byte| byte == b'.'), !(1 << at));
        }
        assert_eq!(filled_up(b"ab")[..3], [b'a', b'b', 0]);
        assert_eq!(ones(0x8000_0000_0000_0005).collect::<Vec<_>>(), [0, 2, 63]);
        assert_eq!(ones(0).next(), None);
    }
}
