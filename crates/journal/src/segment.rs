//! Segment files: their names, their heads, and reading one through.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::JournalError;
use crate::frame::{self, Broken, HEAD_BYTES};

/// Bytes before the first record: magic 8, number 8, previous number 8, salt 4, checksum 4.
pub(crate) const SEGMENT_HEAD_BYTES: u64 = 32;

const MAGIC: &[u8; 8] = b"BTZJRN01";

/// A place between two records. Later places are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Position {
    /// Before the first record of a segment.
    pub(crate) const fn start(segment: u64) -> Self {
        Self {
            segment,
            offset: SEGMENT_HEAD_BYTES,
        }
    }
}

impl std::fmt::Display for Position {
    /// `segment-offset`: for log lines and file names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.segment, self.offset)
    }
}

/// What a segment's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    /// The segment before it when it was made; 0 if it was the first. A missing segment shows here.
    pub(crate) previous: u64,
    pub(crate) salt: u32,
}

impl Head {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.previous.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&frame::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (said, checksum) = bytes.split_last_chunk::<4>()?;
        let (magic, rest) = said.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (previous, rest) = rest.split_first_chunk::<8>()?;
        let salt = rest.first_chunk::<4>()?;
        let good = magic == MAGIC && frame::crc32c(said) == u32::from_le_bytes(*checksum);
        good.then_some(Self {
            number: u64::from_le_bytes(*number),
            previous: u64::from_le_bytes(*previous),
            salt: u32::from_le_bytes(*salt),
        })
    }
}

/// Where the segment of that number is.
pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.journal"))
}

/// The numbers of the segments that are there, in order.
pub(crate) fn list(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let mut numbers = Vec::new();
    for item in std::fs::read_dir(dir).map_err(JournalError::io("list", dir))? {
        let name = item.map_err(JournalError::io("list", dir))?.file_name();
        numbers.extend(
            name.to_str()
                .and_then(|n| n.strip_suffix(".journal"))
                .and_then(|n| n.parse::<u64>().ok()),
        );
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes a new segment (mode 0600), ready for appending. What fails half-way leaves no file behind.
pub(crate) fn create(dir: &Path, head: Head) -> Result<File, JournalError> {
    let path = path(dir, head.number);
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(JournalError::io("create", &path))?;
    if let Err(error) = file.write_all(&head.to_bytes()) {
        let _ = std::fs::remove_file(&path);
        return Err(JournalError::io("write", &path)(error));
    }
    Ok(file)
}

/// A whole segment in memory.
pub(crate) struct Loaded {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// `None` if the file ends before its head does, or the head is not one.
    pub(crate) head: Option<Head>,
}

/// Reads a segment file.
pub(crate) fn load(dir: &Path, number: u64) -> Result<Loaded, JournalError> {
    let path = path(dir, number);
    let bytes = std::fs::read(&path).map_err(JournalError::io("read", &path))?;
    let head = bytes
        .first_chunk::<32>()
        .and_then(|b| Head::read(b))
        .filter(|head| head.number == number);
    Ok(Loaded { path, bytes, head })
}

/// Where reading a segment through ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) offset: u64,
    pub(crate) what: &'static str,
    /// Whether a whole record lies beyond: then this is damage within, not a torn end.
    pub(crate) more_beyond: bool,
}

/// Hands every record with its offset to `each`. `Some` if not all bytes are whole records.
pub(crate) fn walk(bytes: &[u8], salt: u32, mut each: impl FnMut(u64, frame::Read<'_>)) -> Option<Stop> {
    let mut offset = SEGMENT_HEAD_BYTES;
    loop {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or_default();
        if rest.is_empty() {
            return None;
        }
        match frame::read(rest, salt) {
            Ok(record) => {
                let length = record.bytes();
                each(offset, record);
                offset += length;
            }
            Err(broken) => {
                let what = match broken {
                    Broken::Short(_) => "record is cut short",
                    Broken::Bad(what) => what,
                };
                return Some(Stop {
                    offset,
                    what,
                    more_beyond: any_record_beyond(rest, salt),
                });
            }
        }
    }
}

/// Whether a whole record starts anywhere after the first byte.
fn any_record_beyond(bytes: &[u8], salt: u32) -> bool {
    let starts = 1..bytes.len().saturating_sub(HEAD_BYTES - 1);
    starts.into_iter().any(|at| {
        bytes
            .get(at..)
            .is_some_and(|rest| frame::read(rest, salt).is_ok())
    })
}

/// A segment opened for reading records back.
pub(crate) struct Reader {
    path: PathBuf,
    file: File,
    salt: u32,
}

impl Reader {
    pub(crate) fn open(dir: &Path, number: u64) -> Result<Self, JournalError> {
        let path = path(dir, number);
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let mut head = [0; 32];
        file.read_exact_at(&mut head, 0)
            .map_err(JournalError::io("read", &path))?;
        let damaged = || JournalError::Damaged {
            file: path.clone(),
            offset: 0,
            what: "segment head is not one",
        };
        let salt = Head::read(&head)
            .filter(|head| head.number == number)
            .ok_or_else(damaged)?
            .salt;
        Ok(Self { path, file, salt })
    }

    /// The bytes from `from` up to `to`.
    fn bytes(&self, from: u64, to: u64) -> Result<Bytes, JournalError> {
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
        self.file
            .read_exact_at(&mut bytes, from)
            .map_err(JournalError::io("read", &self.path))?;
        Ok(bytes.into())
    }

    /// Hands whole records from `from` on to `each`, with the bytes they are part of, reading about `bytes_max` but at least one record, never
    /// beyond `end`. Returns where it stopped.
    pub(crate) fn records(
        &self,
        from: u64,
        end: u64,
        bytes_max: usize,
        mut each: impl FnMut(u64, &Bytes, frame::Read<'_>),
    ) -> Result<u64, JournalError> {
        let mut bytes = self.bytes(from, end.min(from.saturating_add(bytes_max as u64)))?;
        let mut offset = from;
        loop {
            let at = usize::try_from(offset - from).unwrap_or(usize::MAX);
            let rest = bytes.get(at..).unwrap_or_default();
            match frame::read(rest, self.salt) {
                Ok(record) => {
                    let length = record.bytes();
                    each(offset, &bytes, record);
                    offset += length;
                }
                Err(_) if offset == end => return Ok(offset),
                Err(Broken::Short(needs)) if offset + needs as u64 <= end => {
                    if offset > from {
                        return Ok(offset);
                    }
                    bytes = self.bytes(from, from + needs as u64)?;
                }
                Err(Broken::Short(_)) => return Err(self.damaged(offset, "record is cut short")),
                Err(Broken::Bad(what)) => return Err(self.damaged(offset, what)),
            }
        }
    }

    fn damaged(&self, offset: u64, what: &'static str) -> JournalError {
        JournalError::Damaged {
            file: self.path.clone(),
            offset,
            what,
        }
    }
}
