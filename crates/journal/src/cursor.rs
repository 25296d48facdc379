//! The durable cursor: up to where the store has everything.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::frame::crc32c;
use crate::{JournalError, Position};

/// The cursor on disk; `None` if there is none or it cannot be read. Starting over from the oldest segment is
/// safe then: the store takes an entry only once.
pub(crate) fn load(dir: &Path) -> Result<Option<Position>, JournalError> {
    let path = dir.join("cursor");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(JournalError::io("read", &path)(error)),
    }
}

/// Puts the cursor on disk: written aside, synced, renamed over.
pub(crate) fn save(dir: &Path, position: Position) -> Result<(), JournalError> {
    let (aside, path) = (dir.join("cursor.new"), dir.join("cursor"));
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .map_err(JournalError::io("create", &aside))?;
    file.write_all(text(position).as_bytes())
        .map_err(JournalError::io("write", &aside))?;
    file.sync_data().map_err(JournalError::io("sync", &aside))?;
    std::fs::rename(&aside, &path).map_err(JournalError::io("rename", &aside))?;
    sync_dir(dir)
}

/// Makes creations, renames and deletions in the folder durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(JournalError::io("sync", dir))
}

fn text(position: Position) -> String {
    let said = format!("1 {} {}", position.segment, position.offset);
    format!("{said} {:08x}\n", crc32c(said.as_bytes()))
}

fn parse(text: &str) -> Option<Position> {
    let (said, checksum) = text.trim_end().rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32c(said.as_bytes()) {
        return None;
    }
    let mut fields = said.strip_prefix("1 ")?.split(' ');
    Some(Position {
        segment: fields.next()?.parse().ok()?,
        offset: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_reads_back_and_any_damage_shows() {
        let position = Position {
            segment: 12,
            offset: 345,
        };
        let text = text(position);
        assert_eq!(parse(&text), Some(position));
        for at in 0..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let damaged = String::from_utf8_lossy(&bytes).into_owned();
            assert_ne!(
                parse(&damaged).filter(|p| *p != position),
                Some(position),
                "{damaged}"
            );
            assert!(parse(&damaged).is_none_or(|p| p == position), "{damaged}");
        }
    }
}
