//! What the lock guards: the segment that is written, which segments there are, which intents are open.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{IoSlice, Write};
use std::path::PathBuf;
use std::sync::Arc;

use domain::RequestId;

use crate::frame::{Frame, Kind};
use crate::segment::{self, Head, SEGMENT_HEAD_BYTES};
use crate::{JournalError, Position};

/// Where an open intent's record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: Position,
    pub(crate) bytes: u64,
}

/// A segment as counted: records only, heads excluded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Bytes of records in all segments before it, since the journal was opened.
    pub(crate) before: u64,
    /// Where its last record ends, in the file.
    pub(crate) end: u64,
}

/// The journal's changing state.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes_max: u64,
    pub(crate) salt: u32,
    pub(crate) file: Arc<File>,
    pub(crate) active: u64,
    pub(crate) extents: BTreeMap<u64, Extent>,
    pub(crate) open: HashMap<RequestId, Place>,
    pub(crate) cursor: Position,
    /// A write failed half-way and the file must be cut back before the next.
    pub(crate) torn: bool,
    /// `Some` in `Sync::Disk`: sealed segments that the commit thread has not synced.
    pub(crate) unsynced: Option<Vec<Arc<File>>>,
}

impl Tail {
    /// Where the next record goes.
    pub(crate) fn end(&self) -> Position {
        Position {
            segment: self.active,
            offset: self.active_extent().end,
        }
    }

    fn active_extent(&self) -> Extent {
        self.extents.get(&self.active).copied().unwrap_or(Extent {
            before: 0,
            end: SEGMENT_HEAD_BYTES,
        })
    }

    /// Bytes of records before `position` since the journal was opened; the measure of depth.
    pub(crate) fn count_to(&self, position: Position) -> u64 {
        self.extents.get(&position.segment).map_or(0, |extent| {
            extent.before + position.offset.saturating_sub(SEGMENT_HEAD_BYTES)
        })
    }

    /// Writes one record at the end. The file is as before if this fails.
    pub(crate) fn append(&mut self, frame: &Frame<'_>) -> Result<Position, JournalError> {
        if frame.kind == Kind::Void && !self.open.contains_key(&frame.id) {
            return Ok(self.end());
        }
        self.mend()?;
        let mut at = self.end();
        if at.offset > SEGMENT_HEAD_BYTES && at.offset + frame.bytes() > self.segment_bytes_max {
            self.rotate()?;
            at = self.end();
        }
        if let Err(error) = write_both(&self.file, &frame.head, frame.payload) {
            self.torn = true;
            let _ = self.mend();
            return Err(JournalError::io("write", &segment::path(&self.dir, self.active))(
                error,
            ));
        }
        if let Some(extent) = self.extents.get_mut(&self.active) {
            extent.end += frame.bytes();
        }
        match frame.kind {
            Kind::Intent => drop(self.open.insert(
                frame.id,
                Place {
                    at,
                    bytes: frame.bytes(),
                },
            )),
            Kind::Entry | Kind::Void => drop(self.open.remove(&frame.id)),
        }
        Ok(self.end())
    }

    /// Cuts off what a failed write left behind.
    fn mend(&mut self) -> Result<(), JournalError> {
        if self.torn {
            self.file
                .set_len(self.active_extent().end)
                .map_err(JournalError::io(
                    "truncate",
                    &segment::path(&self.dir, self.active),
                ))?;
            self.torn = false;
        }
        Ok(())
    }

    /// Seals the active segment and begins the next.
    fn rotate(&mut self) -> Result<(), JournalError> {
        let number = self.active + 1;
        let file = segment::create(
            &self.dir,
            Head {
                number,
                previous: self.active,
                salt: self.salt,
            },
        )?;
        let sealed = std::mem::replace(&mut self.file, Arc::new(file));
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.push(sealed);
        }
        let before = self.count_to(self.end());
        self.active = number;
        self.extents.insert(
            number,
            Extent {
                before,
                end: SEGMENT_HEAD_BYTES,
            },
        );
        Ok(())
    }

    /// The same place said with the later segment: the end of a sealed segment is the start of the next.
    pub(crate) fn normal(&self, position: Position) -> Position {
        let at_end = self
            .extents
            .get(&position.segment)
            .is_some_and(|extent| extent.end == position.offset);
        match self.extents.range(position.segment + 1..).next() {
            Some((&next, _)) if at_end => self.normal(Position::start(next)),
            _ => position,
        }
    }
}

/// One `writev(2)` as a rule; the rest of it if the kernel took less.
fn write_both(mut file: &File, head: &[u8], payload: &[u8]) -> std::io::Result<()> {
    let written = file.write_vectored(&[IoSlice::new(head), IoSlice::new(payload)])?;
    if written == head.len() + payload.len() {
        return Ok(());
    }
    file.write_all(head.get(written..).unwrap_or_default())?;
    file.write_all(
        payload
            .get(written.saturating_sub(head.len())..)
            .unwrap_or_default(),
    )
}
