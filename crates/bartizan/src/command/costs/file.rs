//! Where an export goes: a file that is whole or not there, with its manifest beside it, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use exports::{Digesting, Manifest};

use crate::failure::Failure;

/// A destination, opened.
pub(super) struct Target {
    out: Digesting<Box<dyn Write + Send>>,
    /// Where it is written first, and where it belongs; nothing for standard output.
    file: Option<(PathBuf, PathBuf)>,
}

/// Where the manifest of a file is.
pub(super) fn manifest_of(file: &Path) -> PathBuf {
    beside(file, ".manifest.json")
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Target {
    /// Opens it. A file is written beside its place first.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            let out: Box<dyn Write + Send> = Box::new(BufWriter::new(io::stdout()));
            return Ok(Self {
                out: Digesting::new(out),
                file: None,
            });
        }
        let part = beside(path, &format!(".{}.part", std::process::id()));
        let out: Box<dyn Write + Send> = Box::new(BufWriter::new(create(&part)?));
        Ok(Self {
            out: Digesting::new(out),
            file: Some((part, path.to_owned())),
        })
    }

    /// Puts the file into its place, and its manifest, which is made of its digest and length, beside it.
    pub(super) fn finish(mut self, manifest: impl FnOnce(String, u64) -> Manifest) -> Result<(), Failure> {
        let file = self.file.take();
        let flushed = self.out.flush();
        let Some((part, path)) = file else {
            return match flushed {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                other => other.map_err(|error| failure(Path::new("-"), &error)),
            };
        };
        flushed.map_err(|error| failure(&path, &error))?;
        let (_, sha256, bytes) =
            std::mem::replace(&mut self.out, Digesting::new(Box::new(io::sink()))).finish();
        let text = serde_json::to_string_pretty(&manifest(sha256, bytes))
            .map_err(|e| Failure::new(e.to_string()))?;
        let noted = beside(&path, &format!(".manifest.{}.part", std::process::id()));
        let mut note = create(&noted)?;
        let placed = writeln!(note, "{text}")
            .and_then(|()| note.sync_all())
            .and_then(|()| File::open(&part)?.sync_all())
            .and_then(|()| fs::rename(&part, &path))
            .and_then(|()| fs::rename(&noted, manifest_of(&path)));
        if placed.is_err() {
            let _ = fs::remove_file(&noted);
            let _ = fs::remove_file(&part);
        }
        placed.map_err(|error| failure(&path, &error))
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Target {
    /// What did not become whole does not stay.
    fn drop(&mut self) {
        if let Some((part, _)) = &self.file {
            let _ = fs::remove_file(part);
        }
    }
}

/// A file that only its owner reads: names and amounts are the tenant's.
fn create(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.map_err(|error| failure(path, &error))
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be written: {error}", path.display()))
}
