//! What a module exports, and what it answers: version 1. Never runs anything.
//!
//! | export | type | what it does |
//! |---|---|---|
//! | `memory` | memory | where texts and answers lie |
//! | `bartizan_guard_abi` | `() -> i32` | says which version of this page it was made for: 1 |
//! | `allocate` | `(bytes: i32) -> i32` | gives a place for a text of so many bytes; 0 if it has none |
//! | `inspect` | `(text: i32, bytes: i32, direction: i32, origin: i32) -> i64` | judges the text there |
//!
//! The text is UTF-8. `direction` is 0 for what callers send and 1 for what models answer. `origin` says who wrote it: 0 the
//! system, 1 the user, 2 the model, 3 a tool's result, 4 a document, 5 a tool's description; take others that come later for 4.
//!
//! `inspect` answers `address << 32 | bytes` of its findings, 0 for none. A finding is [`RECORD_BYTES`] bytes, five numbers of
//! 32 bits, little-endian: where it starts and ends in the text, its score (1 to 100), and the address and bytes of the name of
//! the rule that found it (small letters, digits, `-`, `_`; no bytes where there is but one rule). Findings are in order, do not
//! overlap, are not empty, and do not split characters. One that breaks this takes all others with it: the text counts as not
//! judged.
//!
//! A module imports nothing and has no start function. It may trap; then the text counts as not judged.

use guard::custom::{HITS_MAX, NAME_BYTES_MAX};
use guard::{Direction, Hit, Origin};

/// The version of this page.
pub const ABI: i32 = 1;
/// The export that says it.
pub const VERSION: &str = "bartizan_guard_abi";
/// The export that gives a place for a text.
pub const ALLOCATE: &str = "allocate";
/// The export that judges one.
pub const INSPECT: &str = "inspect";
/// The export that is the memory of both.
pub const MEMORY: &str = "memory";
/// Bytes of one finding.
pub const RECORD_BYTES: usize = 20;

/// The number of a direction.
pub(crate) const fn direction(direction: Direction) -> i32 {
    match direction {
        Direction::Input => 0,
        Direction::Output => 1,
    }
}

/// The number of an origin.
pub(crate) const fn origin(origin: Origin) -> i32 {
    match origin {
        Origin::System => 0,
        Origin::User => 1,
        Origin::Assistant => 2,
        Origin::ToolResult => 3,
        Origin::ToolDescription => 5,
        // A document, and what later versions know besides.
        _ => 4,
    }
}

/// The findings that an answer stands for; `None` where it stands for none.
pub(crate) fn hits(answer: i64, memory: &[u8]) -> Option<Vec<Hit>> {
    let answer = answer.cast_unsigned();
    let bytes = usize::try_from(answer & u64::from(u32::MAX)).ok()?;
    if bytes % RECORD_BYTES != 0 || bytes / RECORD_BYTES > HITS_MAX {
        return None;
    }
    if bytes == 0 {
        return Some(Vec::new());
    }
    let list = stretch(memory, answer >> 32, bytes as u64)?;
    list.chunks_exact(RECORD_BYTES)
        .map(|record| hit(record, memory))
        .collect()
}

fn hit(record: &[u8], memory: &[u8]) -> Option<Hit> {
    let (numbers, _) = record.as_chunks::<4>();
    let [start, end, score, address, bytes] = *numbers else {
        return None;
    };
    let number = |bytes: [u8; 4]| u32::from_le_bytes(bytes);
    let place = |bytes: [u8; 4]| usize::try_from(number(bytes)).ok();
    if place(bytes)? > NAME_BYTES_MAX {
        return None;
    }
    let rule = match number(bytes) {
        0 => &[],
        bytes => stretch(memory, u64::from(number(address)), u64::from(bytes))?,
    };
    Some(Hit {
        span: place(start)?..place(end)?,
        score: u8::try_from(number(score)).ok()?,
        rule: std::str::from_utf8(rule).ok()?.to_owned(),
    })
}

fn stretch(memory: &[u8], address: u64, bytes: u64) -> Option<&[u8]> {
    let from = usize::try_from(address).ok()?;
    let to = usize::try_from(address.checked_add(bytes)?).ok()?;
    memory.get(from..to)
}
