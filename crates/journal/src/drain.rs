//! Draining: entries after the cursor, the cursor forward, drained segments away.

use std::fs::File;
use std::sync::{Arc, PoisonError};

use crate::frame::{Frame, Kind, Record};
use crate::journal::Inner;
use crate::segment::{self, Reader};
use crate::tail::Place;
use crate::{Batch, BatchEntry, JournalError, Position, cursor};

/// Entries after the cursor, from about `bytes_max` bytes of records but at least one record.
pub(crate) fn read(inner: &Inner, bytes_max: usize) -> Result<Batch, JournalError> {
    let (mut at, extents) = {
        let tail = inner.tail();
        let extents: Vec<_> = tail
            .extents
            .range(tail.cursor.segment..)
            .map(|(&number, extent)| (number, extent.end))
            .collect();
        (tail.cursor, extents)
    };
    let mut entries = Vec::new();
    for &(number, end) in &extents {
        if number != at.segment {
            at = Position::start(number);
        }
        if at.offset == end {
            continue;
        }
        let offset = Reader::open(&inner.dir, number)?.records(
            at.offset,
            end,
            bytes_max,
            |offset, read, record| {
                if record.kind == Kind::Entry {
                    let position = Position {
                        segment: number,
                        offset,
                    };
                    entries.push(BatchEntry {
                        id: record.id,
                        bytes: read.slice_ref(record.payload),
                        position,
                    });
                }
            },
        )?;
        at.offset = offset;
        if !entries.is_empty() || offset < end {
            break;
        }
    }
    let last = extents.last().is_some_and(|&(number, end)| {
        at == Position {
            segment: number,
            offset: end,
        }
    });
    Ok(Batch {
        entries,
        next: at,
        last,
    })
}

/// Moves the cursor, durably, and deletes what lies wholly before it.
pub(crate) fn advance(inner: &Inner, to: Position) -> Result<(), JournalError> {
    let _one_at_a_time = inner.draining.lock().unwrap_or_else(PoisonError::into_inner);
    let to = {
        let tail = inner.tail();
        let exists = tail
            .extents
            .get(&to.segment)
            .is_some_and(|extent| to.offset <= extent.end);
        // A segment that is gone lies before the cursor: nothing to do, not an error.
        if to <= tail.cursor {
            return Ok(());
        }
        if !exists {
            return Err(JournalError::NoSuchPosition);
        }
        tail.normal(to)
    };
    cursor::save(&inner.dir, to)?;
    {
        let mut tail = inner.tail();
        tail.cursor = to;
        inner.publish(&tail);
    }
    drop_drained(inner)
}

/// Deletes drained segments, oldest first; intents still open in them are carried forward before. In that order
/// no closing record is ever deleted before its intent.
pub(crate) fn drop_drained(inner: &Inner) -> Result<(), JournalError> {
    let drained: Vec<u64> = {
        let tail = inner.tail();
        tail.extents
            .range(..tail.cursor.segment)
            .map(|(&number, _)| number)
            .collect()
    };
    for number in drained {
        carry_forward(inner, number)?;
        let path = segment::path(&inner.dir, number);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(JournalError::io("remove", &path)(error));
            }
            _ => drop(inner.tail().extents.remove(&number)),
        }
    }
    Ok(())
}

// threat: AGP-R1
fn carry_forward(inner: &Inner, number: u64) -> Result<(), JournalError> {
    let mut places: Vec<_> = {
        let tail = inner.tail();
        tail.open
            .iter()
            .filter(|(_, place)| place.at.segment == number)
            .map(|(&id, &place)| (id, place))
            .collect()
    };
    if places.is_empty() {
        return Ok(());
    }
    // In the order they were written: the same calls leave the same journal.
    places.sort_unstable_by_key(|(_, place)| place.at);
    let reader = Reader::open(&inner.dir, number)?;
    // Some may come to lie in a segment that is sealed before the last of them is written.
    let mut written: Vec<Arc<File>> = Vec::new();
    for (id, place) in places {
        let bytes = payload_at(&reader, place)?;
        let frame = Frame::of(Record::Intent { id, bytes: &bytes }, inner.salt)?;
        let mut tail = inner.tail();
        // Closed meanwhile, or already carried: nothing to keep.
        if tail.open.get(&id) == Some(&place) {
            tail.append(&frame)?;
            inner.publish(&tail);
            if !written.last().is_some_and(|last| Arc::ptr_eq(last, &tail.file)) {
                written.push(tail.file.clone());
            }
        }
    }
    let synced = written.iter().try_for_each(|file| file.sync_data());
    synced.map_err(JournalError::io("sync", &inner.dir))
}

fn payload_at(reader: &Reader, place: Place) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    let (from, end) = (place.at.offset, place.at.offset + place.bytes);
    reader.records(
        from,
        end,
        usize::try_from(place.bytes).unwrap_or(usize::MAX),
        |_, _, record| {
            bytes = record.payload.to_vec();
        },
    )?;
    Ok(bytes)
}
