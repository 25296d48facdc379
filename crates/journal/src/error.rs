//! Why the journal did not do as asked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the journal did not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Another process has the folder.
    #[error("journal folder `{}` is in use by another process{}", dir.display(), holder(.pid))]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// What the holder wrote into the lock file.
        pid: Option<u32>,
    },
    /// What is stored cannot be trusted. Nothing was changed; a person must decide.
    #[error("journal is damaged: file `{}` at byte {offset}: {what}", file.display())]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// As much waits for the store as may wait.
    #[error("journal is full: {depth_bytes} bytes wait for the store, {bytes_max} may")]
    Full {
        /// What waits.
        depth_bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// A record beyond [`crate::RECORD_BYTES_MAX`].
    #[error("journal record of {0} bytes is too large")]
    TooLarge(usize),
    /// A position that this journal does not have.
    #[error("journal has no such position")]
    NoSuchPosition,
    /// The operating system refused.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Its answer.
        source: Arc<io::Error>,
    },
    /// A sync failed; after that nothing about the disk can be promised until the journal is opened again.
    #[error("journal cannot sync to disk: {0}")]
    SyncFailed(Arc<str>),
}

impl JournalError {
    /// Wraps the operating system's answer.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source: Arc::new(source),
        }
    }
}

fn holder(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}
