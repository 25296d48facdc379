//! Floor 2: the append-only local journal that survives `kill -9`.
//!
//! One folder of numbered segment files, a cursor and a lock. A record is in the kernel's page cache when
//! [`Journal::append`] returns, so the death of the process loses nothing; [`Sync::Disk`] adds group-committed
//! `fdatasync` for those who fear the death of the machine. The journal knows frames and request ids; it never
//! looks into a payload, and it never forgets one: at its bound it refuses new work.
//!
//! A call leaves an *intent* when it is sent, and an *entry* (or a *void*, when it was never sent) closes it. What
//! is found open when the journal is opened again was under way when the process died. Entries are drained in
//! order by a shipper; drained segments are deleted oldest first, after intents still open in them have been
//! carried forward, so a closing record is never deleted before the intent it closes.

mod batch;
mod commit;
mod cursor;
mod drain;
mod error;
mod frame;
mod journal;
mod lock;
mod open;
mod segment;
mod tail;

pub use batch::{Batch, BatchEntry};
pub use error::JournalError;
pub use frame::{RECORD_BYTES_MAX, Record};
pub use journal::Journal;
pub use open::{JournalOptions, OpenIntent, Recovered, Sync};
pub use segment::Position;
