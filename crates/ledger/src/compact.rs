//! The form of what only the journal holds: a format byte, then postcard. Never signed, never shown.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ENTRY_BYTES_MAX, EntryError};

/// What a record is, and in which version: changes with every change of a field, or of an enum's order, of
/// anything that is written so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Format {
    /// An intent from before budgets counted tokens; read, and no longer written.
    IntentOfMoney = 1,
    /// A posting from before reports knew more than key, team and model; read, and no longer written.
    PostingOfKey = 2,
    /// An intent from before owners, tags and labels; read, and no longer written.
    IntentOfKey = 3,
    Posting = 4,
    /// An intent from before sessions; read, and no longer written.
    IntentOfLabels = 5,
    Intent = 6,
}

/// Writes `value` into `out`. Serialising plain structs of integers, strings and lists does not fail.
pub(crate) fn write<T: Serialize>(format: Format, value: &T, out: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(&(format as u8, value), out).unwrap_or_default()
}

/// Reads a value, and returns what stands behind it.
pub(crate) fn read<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<(T, &[u8]), EntryError> {
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(EntryError::TooLong(bytes.len()));
    }
    match bytes.split_first() {
        Some((&found, rest)) if found == format as u8 => {
            postcard::take_from_bytes(rest).map_err(|error| EntryError::Malformed(error.to_string()))
        }
        Some((&found, _)) => Err(EntryError::UnknownFormat(found)),
        None => Err(EntryError::Malformed("nothing there".to_owned())),
    }
}
