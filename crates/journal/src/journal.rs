//! The journal as its users see it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::commit::{Commit, Round};
use crate::frame::{Frame, Kind, Record};
use crate::lock::{self, Lock};
use crate::tail::Tail;
use crate::{Batch, JournalError, JournalOptions, Position, Recovered, Sync, drain, open};

/// An open journal; clones share it. The folder's lock is released when the last clone is gone.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Handle>);

/// What clones share: the state, and the thread that must end before the state does.
#[derive(Debug)]
struct Handle {
    // Dropped first: the thread holds the state.
    commit: Option<Commit>,
    inner: Arc<Inner>,
}

/// The journal's state.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    pub(crate) salt: u32,
    bytes_max: u64,
    tail: Mutex<Tail>,
    /// Held while the cursor moves and segments are deleted.
    pub(crate) draining: Mutex<()>,
    written: AtomicU64,
    drained: AtomicU64,
    more: Notify,
    _lock: Lock,
}

impl Inner {
    /// The state behind its lock. A thread that panicked while holding it left no half-made change: the file is
    /// cut back before the next write.
    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the lock-free counters up to date.
    pub(crate) fn publish(&self, tail: &Tail) {
        self.written.store(tail.count_to(tail.end()), Ordering::Release);
        self.drained.store(tail.count_to(tail.cursor), Ordering::Release);
    }

    fn depth_bytes(&self) -> u64 {
        let drained = self.drained.load(Ordering::Acquire);
        self.written.load(Ordering::Acquire).saturating_sub(drained)
    }

    fn append(&self, record: Record<'_>) -> Result<(Position, u64), JournalError> {
        let frame = Frame::of(record, self.salt)?;
        let mut tail = self.tail();
        // Only new work is refused at the bound; what was admitted may always be accounted for.
        // threat: AGP-R1
        // threat: AGP-BUDGET-3.2
        let depth_bytes = tail.count_to(tail.end()) - tail.count_to(tail.cursor);
        if depth_bytes.saturating_add(frame.bytes()) > self.bytes_max && !tail.open.contains_key(&frame.id) {
            return Err(JournalError::Full {
                depth_bytes,
                bytes_max: self.bytes_max,
            });
        }
        let end = tail.append(&frame)?;
        let count = tail.count_to(end);
        self.written.store(count, Ordering::Release);
        drop(tail);
        if frame.kind == Kind::Entry {
            self.more.notify_one();
        }
        Ok((end, count))
    }

    /// What the commit thread syncs next.
    fn round(&self) -> Round {
        let mut tail = self.tail();
        let mut files = tail.unsynced.as_mut().map(std::mem::take).unwrap_or_default();
        let dir = (!files.is_empty()).then(|| self.dir.clone());
        files.push(tail.file.clone());
        Round {
            files,
            count: tail.count_to(tail.end()),
            dir,
        }
    }
}

impl Journal {
    /// Opens the folder, making it if need be, and says what a former process left. Reads every segment through:
    /// a torn end of the last one is cut, damage anywhere else is an error and changes nothing.
    pub fn open(options: JournalOptions) -> Result<(Self, Recovered), JournalError> {
        let lock = lock::take(&options.dir)?;
        let (tail, recovered) = open::open(&options)?;
        let inner = Arc::new(Inner {
            dir: options.dir,
            salt: tail.salt,
            bytes_max: options.bytes_max,
            draining: Mutex::new(()),
            written: AtomicU64::new(0),
            drained: AtomicU64::new(0),
            more: Notify::new(),
            tail: Mutex::new(tail),
            _lock: lock,
        });
        inner.publish(&inner.tail());
        // Best effort: on a full disk the intents cannot be carried forward yet, and the next advance tries again.
        let _ = drain::drop_drained(&inner);
        let commit = match options.sync {
            Sync::Process => None,
            Sync::Disk => Some(start_commit(&inner)?),
        };
        Ok((Self(Arc::new(Handle { commit, inner })), recovered))
    }

    /// Appends a record; it is in the kernel when this returns and survives the death of the process. One system
    /// call, no allocation. `Full` at the bound, unless the record closes an open intent.
    // threat: AGP-R1
    // threat: ANP-0012
    pub fn append(&self, record: Record<'_>) -> Result<Position, JournalError> {
        self.0.inner.append(record).map(|(end, _)| end)
    }

    /// As [`Journal::append`]; with [`Sync::Disk`] it also waits until the record is on disk. One `fdatasync`
    /// serves all who wait.
    pub async fn append_synced(&self, record: Record<'_>) -> Result<Position, JournalError> {
        let (end, count) = self.0.inner.append(record)?;
        if let Some(commit) = &self.0.commit {
            commit.reach(count).await?;
        }
        Ok(end)
    }

    /// How many bytes of records wait for the store.
    pub fn depth_bytes(&self) -> u64 {
        self.0.inner.depth_bytes()
    }

    /// How many intents are open.
    pub fn open_intents(&self) -> usize {
        self.0.inner.tail().open.len()
    }

    /// Whether new work would be refused.
    pub fn is_full(&self) -> bool {
        self.depth_bytes() >= self.0.inner.bytes_max
    }

    /// Entries after the cursor in the order they were appended: about `bytes_max` bytes, at least one record.
    /// The same entries again until [`Journal::advance`] is called. Reads files: call it off the async threads.
    pub fn read_from_cursor(&self, bytes_max: usize) -> Result<Batch, JournalError> {
        drain::read(&self.0.inner, bytes_max)
    }

    /// The store has everything before `to`: the cursor moves there, durably, and drained segments are deleted.
    /// Never moves back; doing it twice changes nothing. Syncs files: call it off the async threads.
    pub fn advance(&self, to: Position) -> Result<(), JournalError> {
        drain::advance(&self.0.inner, to)
    }

    /// Returns when something waits to be drained.
    pub async fn wait_for_more(&self) {
        loop {
            let more = self.0.inner.more.notified();
            if self.depth_bytes() > 0 {
                return;
            }
            more.await;
        }
    }
}

fn start_commit(inner: &Arc<Inner>) -> Result<Commit, JournalError> {
    let shared = inner.clone();
    Commit::start(move || shared.round()).map_err(JournalError::io("start a thread for", &inner.dir))
}
