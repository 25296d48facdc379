//! An id's text form without allocation or formatting machinery, and how it is read back.

use std::fmt;

use serde::de::{Error, Visitor};
use uuid::Uuid;

use super::IdError;

/// The longest prefix, without its `_`.
pub(super) const PREFIX_BYTES_MAX: usize = 4;

/// Bytes of the longest text form: prefix, `_` and 32 digits.
const TEXT_BYTES_MAX: usize = PREFIX_BYTES_MAX + 1 + 32;

/// An id as text, on the stack.
#[derive(Clone, Copy)]
pub struct IdText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl IdText {
    /// `prefix`, which ends in `_`, and the id's digits.
    #[inline]
    pub(super) fn of(prefix: &str, id: Uuid) -> Self {
        let mut bytes = [0; TEXT_BYTES_MAX];
        let (head, digits) = bytes.split_at_mut(prefix.len());
        head.copy_from_slice(prefix.as_bytes());
        let len = prefix.len() + id.simple().encode_lower(digits).len();
        Self { bytes, len }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text's bytes, all ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads an id where it stands in the input, as text or as its 16 bytes.
pub(super) struct IdVisitor<T> {
    pub(super) prefix: &'static str,
    pub(super) read: fn(&str) -> Result<T, IdError>,
    pub(super) of: fn(u128) -> T,
}

impl<T> Visitor<'_> for IdVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}_` and 32 hex digits", self.prefix)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        let bits = bytes
            .try_into()
            .map_err(|_| E::invalid_length(bytes.len(), &self))?;
        Ok((self.of)(u128::from_be_bytes(bits)))
    }
}
