//! The folder's lock: one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::JournalError;

/// The lock, held until dropped. Unlocked by name, not only by closing: a child that was forked meanwhile has a copy
/// of the handle until it executes its own program.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Makes the folder (mode 0700) if need be and takes its lock. It outlives no process.
pub(crate) fn take(dir: &Path) -> Result<Lock, JournalError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(JournalError::io("create folder", dir))?;
    let path = dir.join("lock");
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(JournalError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(JournalError::InUse {
                dir: dir.to_owned(),
                pid: holder(&mut file),
            });
        }
        Err(TryLockError::Error(error)) => return Err(JournalError::io("lock", &path)(error)),
    }
    sign(&mut file).map_err(JournalError::io("write", &path))?;
    Ok(Lock(file))
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
