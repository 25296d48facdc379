//! What small linear models share: how their files are read, how traits are hashed, what a sum is as a probability. Never
//! learns; the weights are data that scripts make.

use crate::injection::tokens::{SEED, mix};

/// The numbers and weights of a model's file: a name of four bytes, numbers, then a byte for each weight. `None` where the
/// form is another.
pub(crate) fn read<const NUMBERS: usize>(
    data: &'static [u8],
    magic: [u8; 4],
    weights: usize,
) -> Option<([f32; NUMBERS], &'static [u8])> {
    let body = data.strip_prefix(&magic)?;
    let (head, rest) = body.split_at_checked(NUMBERS * 4)?;
    let mut numbers = [0.0; NUMBERS];
    for (number, bytes) in numbers.iter_mut().zip(head.chunks_exact(4)) {
        *number = f32::from_le_bytes(bytes.try_into().ok()?);
    }
    (rest.len() == weights).then_some((numbers, rest))
}

/// The sum over all bytes of a file, by which it is told from another.
pub(crate) fn checksum(data: &[u8]) -> u32 {
    data.iter().fold(SEED, |hash, byte| mix(hash, *byte))
}

/// A trait of a kind and two values, hashed.
pub(crate) fn trait_of(kind: u32, a: u32, b: u32) -> u32 {
    let mixed = a.wrapping_mul(0x85EB_CA6B)
        ^ b.rotate_left(13).wrapping_mul(0xC2B2_AE35)
        ^ kind.wrapping_mul(0x9E37_79B1);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
    mixed ^ (mixed >> 13)
}

/// A sum as a probability.
pub(crate) fn probability(sum: f32, slope: f32, offset: f32) -> f32 {
    1.0 / (1.0 + (-(sum * slope + offset)).exp())
}
