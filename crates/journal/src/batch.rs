//! What the shipper is handed.

use bytes::Bytes;
use domain::RequestId;

use crate::Position;

/// One entry as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEntry {
    /// The request.
    pub id: RequestId,
    /// The bytes that were appended; a part of what was read, not a copy.
    pub bytes: Bytes,
    /// Where its record begins; for log lines.
    pub position: Position,
}

/// Entries in the order they were appended. Empty with `next` ahead of the cursor when only intents and voids were
/// found: advance all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The entries.
    pub entries: Vec<BatchEntry>,
    /// Where to advance to when the store has them all.
    pub next: Position,
    /// Whether this reaches the journal's present end.
    pub last: bool,
}
