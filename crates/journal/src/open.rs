//! Opening: take the lock, read every segment through, cut a torn end, find what was under way.

use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::RequestId;

use crate::frame::Kind;
use crate::segment::{self, Head, Loaded, SEGMENT_HEAD_BYTES, Stop};
use crate::tail::{Extent, Place, Tail};
use crate::{JournalError, Position, cursor};

/// What an appended record is safe from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// The death of the process: the record is in the kernel's page cache when `append` returns.
    Process,
    /// The death of the machine too, for records appended with [`crate::Journal::append_synced`].
    Disk,
}

/// Where and how much to journal.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// The folder; made if need be.
    pub dir: PathBuf,
    /// What records are safe from.
    pub sync: Sync,
    /// A segment that would grow past this is sealed and the next begun.
    pub segment_bytes_max: u64,
    /// When this much waits for the store, new work is refused. Records that close an open intent are still
    /// taken: their calls were admitted.
    pub bytes_max: u64,
}

impl JournalOptions {
    /// Segments of 32 MiB, at most 1 GiB waiting, safe from the death of the process.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let mib = 1024 * 1024;
        Self {
            dir: dir.into(),
            sync: Sync::Process,
            segment_bytes_max: 32 * mib,
            bytes_max: 1024 * mib,
        }
    }
}

/// An intent with neither entry nor void after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// The request.
    pub id: RequestId,
    /// The bytes that were appended.
    pub bytes: Vec<u8>,
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries that the store may not have yet.
    pub undrained_entries: u64,
    /// Calls that were under way when the process died, oldest first. They stay open until an entry or a void is
    /// appended for them.
    pub open_intents: Vec<OpenIntent>,
    /// Bytes of a half-written record that were cut off the end.
    pub torn_bytes: u64,
    /// The cursor was missing or unreadable although segments were there: draining starts over, which the store
    /// notices by request id.
    pub cursor_lost: bool,
}

/// What reading the segments through gathers.
struct Scan {
    /// Entries at or after this have not been drained. A lost cursor is before everything.
    cursor: Position,
    recovered: Recovered,
    extents: BTreeMap<u64, Extent>,
    open: HashMap<RequestId, (Place, Vec<u8>)>,
    count: u64,
}

/// Reads the folder and leaves a fresh segment to write to.
pub(crate) fn open(options: &JournalOptions) -> Result<(Tail, Recovered), JournalError> {
    let dir = &options.dir;
    let numbers = segment::list(dir)?;
    let stored = cursor::load(dir)?;
    let mut scan = Scan {
        cursor: stored.unwrap_or(Position::start(0)),
        recovered: Recovered {
            cursor_lost: stored.is_none() && !numbers.is_empty(),
            ..Recovered::default()
        },
        extents: BTreeMap::new(),
        open: HashMap::new(),
        count: 0,
    };
    let mut previous = None;
    for &number in &numbers {
        scan.segment(dir, number, previous, numbers.last() == Some(&number))?;
        previous = scan.extents.last_key_value().map(|(&last, _)| last);
    }
    // Past the cursor too: if the machine died, the cursor may be on disk and the segment it names not.
    let active = numbers.last().copied().unwrap_or(0).max(scan.cursor.segment) + 1;
    scan.finish(options, active, previous.unwrap_or(0))
}

impl Scan {
    fn segment(
        &mut self,
        dir: &Path,
        number: u64,
        previous: Option<u64>,
        last: bool,
    ) -> Result<(), JournalError> {
        let loaded = segment::load(dir, number)?;
        let damaged = |offset, what| JournalError::Damaged {
            file: loaded.path.clone(),
            offset,
            what,
        };
        let Some(head) = loaded.head else {
            // A head that is there but wrong, or records after it, is not a crash between two system calls.
            if last && loaded.bytes.len() as u64 <= SEGMENT_HEAD_BYTES {
                self.recovered.torn_bytes += loaded.bytes.len() as u64;
                return std::fs::remove_file(&loaded.path).map_err(JournalError::io("remove", &loaded.path));
            }
            return Err(damaged(0, "segment head is not one"));
        };
        if previous.is_some_and(|previous| previous != head.previous) {
            return Err(damaged(0, "the segment before this one is missing"));
        }
        let stop = self.records(&loaded, head);
        let mut end = loaded.bytes.len() as u64;
        if let Some(stop) = stop {
            if !last || stop.more_beyond {
                return Err(damaged(stop.offset, stop.what));
            }
            self.cut(&loaded, stop)?;
            end = stop.offset;
        }
        self.extents.insert(
            number,
            Extent {
                before: self.count,
                end,
            },
        );
        self.count += end - SEGMENT_HEAD_BYTES;
        Ok(())
    }

    fn records(&mut self, loaded: &Loaded, head: Head) -> Option<Stop> {
        segment::walk(&loaded.bytes, head.salt, |offset, record| {
            let at = Position {
                segment: head.number,
                offset,
            };
            match record.kind {
                Kind::Intent => {
                    let place = Place {
                        at,
                        bytes: record.bytes(),
                    };
                    self.open.insert(record.id, (place, record.payload.to_vec()));
                }
                Kind::Entry | Kind::Void => drop(self.open.remove(&record.id)),
            }
            if record.kind == Kind::Entry && at >= self.cursor {
                self.recovered.undrained_entries += 1;
            }
        })
    }

    fn cut(&mut self, loaded: &Loaded, stop: Stop) -> Result<(), JournalError> {
        self.recovered.torn_bytes += loaded.bytes.len() as u64 - stop.offset;
        OpenOptions::new()
            .write(true)
            .open(&loaded.path)
            .and_then(|file| file.set_len(stop.offset).and_then(|()| file.sync_all()))
            .map_err(JournalError::io("truncate", &loaded.path))
    }

    fn finish(
        mut self,
        options: &JournalOptions,
        active: u64,
        previous: u64,
    ) -> Result<(Tail, Recovered), JournalError> {
        let salt = fresh_salt();
        let file = segment::create(
            &options.dir,
            Head {
                number: active,
                previous,
                salt,
            },
        )?;
        cursor::sync_dir(&options.dir)?;
        self.extents.insert(
            active,
            Extent {
                before: self.count,
                end: SEGMENT_HEAD_BYTES,
            },
        );
        let mut open: Vec<_> = self
            .open
            .iter()
            .map(|(&id, (place, bytes))| (place.at, id, bytes))
            .collect();
        open.sort_unstable_by_key(|(at, ..)| *at);
        self.recovered.open_intents = open
            .into_iter()
            .map(|(_, id, bytes)| OpenIntent {
                id,
                bytes: bytes.clone(),
            })
            .collect();
        let mut tail = Tail {
            dir: options.dir.clone(),
            segment_bytes_max: options.segment_bytes_max,
            salt,
            file: Arc::new(file),
            active,
            cursor: within(self.cursor, &self.extents),
            extents: self.extents,
            open: self
                .open
                .into_iter()
                .map(|(id, (place, _))| (id, place))
                .collect(),
            torn: false,
            unsynced: (options.sync == Sync::Disk).then(Vec::new),
        };
        tail.cursor = tail.normal(tail.cursor);
        Ok((tail, self.recovered))
    }
}

/// The cursor moved to a place that exists: never over a record that was not drained.
fn within(cursor: Position, extents: &BTreeMap<u64, Extent>) -> Position {
    match extents.range(cursor.segment..).next() {
        Some((&number, extent)) if number == cursor.segment => Position {
            segment: number,
            offset: cursor.offset.clamp(SEGMENT_HEAD_BYTES, extent.end),
        },
        Some((&number, _)) => Position::start(number),
        None => cursor,
    }
}

/// Differs for every run, so nobody who chooses a payload can make it look like a record.
fn fresh_salt() -> u32 {
    let bits = RequestId::generate().as_u128();
    u32::try_from(bits & 0xffff_ffff).unwrap_or_default()
}
