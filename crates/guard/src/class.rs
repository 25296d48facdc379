//! Sets of bytes, for shapes. Built at compile time.

/// A set of ASCII bytes, with or without all bytes beyond ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    ascii: u128,
    beyond: bool,
}

impl Class {
    /// The bytes of `spec`, in which `a-z` is a range; a dash at either end is itself.
    pub(crate) const fn of(spec: &str) -> Self {
        let mut ascii = 0_u128;
        let mut rest = spec.as_bytes();
        while let Some((&low, after)) = rest.split_first() {
            let (high, next) = match after {
                [b'-', high, next @ ..] => (*high, next),
                _ => (low, after),
            };
            let mut byte = low;
            while byte <= high && byte < 128 {
                ascii |= 1 << byte;
                byte += 1;
            }
            rest = next;
        }
        Self { ascii, beyond: false }
    }

    /// The set without the bytes of another.
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            ascii: self.ascii & !other.ascii,
            beyond: self.beyond && !other.beyond,
        }
    }

    /// The set with all bytes beyond ASCII.
    pub(crate) const fn and_beyond(self) -> Self {
        Self {
            ascii: self.ascii,
            beyond: true,
        }
    }

    /// Whether `byte` is in the set.
    pub(crate) const fn has(self, byte: u8) -> bool {
        if byte < 128 {
            (self.ascii >> byte) & 1 == 1
        } else {
            self.beyond
        }
    }

    /// Whether each byte is in the set.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where iterators cannot be"
    )]
    pub(crate) const fn table(self) -> [bool; 256] {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < table.len() {
            table[byte] = self.has(byte as u8);
            byte += 1;
        }
        table
    }

    /// Whether every byte of this set is in `other`.
    pub(crate) const fn is_within(self, other: Self) -> bool {
        self.ascii & !other.ascii == 0 && (!self.beyond || other.beyond)
    }

    /// How many bytes at the start of `text` are in the set, counting to `max`.
    pub(crate) fn run(self, text: &[u8], max: usize) -> usize {
        let (low, high) = (self.ascii as u64, (self.ascii >> 64) as u64);
        let has = |byte: u8| match byte {
            0..64 => (low >> byte) & 1 == 1,
            64..128 => (high >> (byte - 64)) & 1 == 1,
            _ => self.beyond,
        };
        text.iter().take(max).take_while(|&&byte| has(byte)).count()
    }
}

pub(crate) const DIGIT: Class = Class::of("0-9");
pub(crate) const HEX: Class = Class::of("0-9a-f");
pub(crate) const ALNUM: Class = Class::of("A-Za-z0-9");
pub(crate) const UPPER_ALNUM: Class = Class::of("A-Z0-9");
pub(crate) const LOWER_ALNUM: Class = Class::of("a-z0-9");
/// Letters, digits, underscore.
pub(crate) const WORD: Class = Class::of("A-Za-z0-9_");
/// The alphabet of URL-safe base64.
pub(crate) const TOKEN: Class = Class::of("A-Za-z0-9_-");
/// The alphabet of base64, without padding.
pub(crate) const BASE64: Class = Class::of("A-Za-z0-9+/");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_dashes_and_complements() {
        let class = Class::of("a-c_-");
        let members: Vec<u8> = (0..=255).filter(|&byte| class.has(byte)).collect();
        assert_eq!(members, b"-_abc");
        assert!(
            class.minus(Class::of("a")).has(b'b')
                && !class.minus(Class::of("a")).has(b'a')
                && class.and_beyond().has(0xC3)
        );
        assert_eq!(DIGIT.run(b"12345x", 4), 4);
        assert_eq!(DIGIT.run(b"12x", 4), 2);
    }
}
