//! Entries that nobody can read are set aside as they are, never deleted: they may be money.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::WorkerError;

/// Writes `bytes` durably to `dir/name`, both private. Doing it twice changes nothing.
pub(crate) fn set_aside(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, WorkerError> {
    let path = dir.join(name);
    write(dir, &path, bytes).map_err(|error| WorkerError::Quarantine {
        path: path.clone(),
        error,
    })?;
    Ok(path)
}

fn write(dir: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let aside = path.with_extension("part");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    File::open(dir)?.sync_all()
}
