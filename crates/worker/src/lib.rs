//! Floor 4: what happens beside requests: shipping the journal, recovery, checkpoints, leases.
//!
//! Every task here can be killed at any instant and started again: what it does twice has the effect of once. None of
//! them is on a request's path, and none ever answers a caller.

mod checkpoint;
mod history;
mod housekeeping;
mod pace;
mod push;
mod quarantine;
mod recover;
mod retention;
mod retention_of_entries;
mod rollups;
mod scribe;
mod ship;
mod signals;
mod sweep;
mod teller;
mod witness;

pub use checkpoint::Checkpointer;
pub use history::{Bounds, Historian, Seals};
pub use housekeeping::Housekeeper;
pub use push::{
    Due, Fleet, Goal, InBucket, Job, Keyring, Letter, Made, MailOptions, MailTls, MakeError, Maker, Over,
    Place, Posted, Pusher, ReportOptions, Reporter, Roster, Route, Section, Severity, SinkOptions, Spending,
    Work, mailbox,
};
pub use recover::{Recovery, recover};
pub use retention::{Remover, Retention};
pub use retention_of_entries::EntryRemover;
pub use rollups::Roller;
pub use scribe::{ALARMS_MAX, Scribe};
pub use ship::{Progress, ShipOptions, Shipper};
pub use signals::{Outlets, USES_MAX, Watcher};
pub use sweep::Sweeper;
pub use teller::Teller;
pub use witness::{Anchor, AnchorOptions, BucketWitness, FileWitness, HttpWitness, NotTaken, Witness};

use std::path::PathBuf;

use journal::JournalError;
use store::row::day_of;
use store::{LogKind, StoreError};

/// Why work beside requests did not get done. All of it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry could not be set aside.
    #[error("cannot set an entry aside as `{}`: {error}", path.display())]
    Quarantine {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: std::io::Error,
    },
    /// The log in the store does not agree with a checkpoint that was signed for it.
    #[error("the {} of {tenant} does not agree with its signed checkpoint at {size} entries", named(*log))]
    Tampered {
        /// Whose.
        tenant: domain::TenantId,
        /// Which of its two.
        log: LogKind,
        /// The checkpoint's size.
        size: u64,
    },
    /// What reports are made of is not what entries sum up to.
    #[error("the roll-ups of {tenant} are not the sums over its entries that ended before {}", day_of(*until))]
    SumsDiffer {
        /// Whose.
        tenant: domain::TenantId,
        /// Of which time.
        until: domain::UnixMillis,
    },
    /// A checkpoint could not be signed.
    #[error("cannot sign a checkpoint: {0}")]
    Sign(ledger::note::NoteError),
    /// It is not known which key signs.
    #[error("cannot sign checkpoints: {0}")]
    Signing(#[from] store::SigningError),
    /// Time ran out first.
    #[error("not done in time: {depth_bytes} bytes of the journal wait for the store")]
    Deadline {
        /// What waits.
        depth_bytes: u64,
    },
    /// The runtime is going down.
    #[error("the runtime is shutting down")]
    Stopped,
}

/// What people call the log.
const fn named(log: LogKind) -> &'static str {
    match log {
        LogKind::Ledger => "ledger",
        LogKind::Audit => "audit log",
    }
}

/// Runs a file operation off the async threads.
async fn blocking<T: Send + 'static, E: Into<WorkerError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, WorkerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(WorkerError::Stopped),
    }
}
