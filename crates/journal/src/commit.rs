//! Group commit: one thread syncs for all who wait.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::JournalError;
use crate::cursor::sync_dir;

/// What one round of syncing covers.
pub(crate) struct Round {
    /// Segments sealed since the last round, then the active one.
    pub(crate) files: Vec<Arc<File>>,
    /// How many bytes of records are covered.
    pub(crate) count: u64,
    /// The folder, if a segment was begun.
    pub(crate) dir: Option<PathBuf>,
}

/// Where syncing stands.
#[derive(Debug, Clone, Default)]
struct Synced {
    count: u64,
    /// After a failed sync the kernel may have dropped what was not written: no later sync can be believed.
    failed: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Wish {
    count: u64,
    stop: bool,
}

/// The thread's handle; dropping it stops the thread.
#[derive(Debug)]
pub(crate) struct Commit {
    wish: Arc<(Mutex<Wish>, Condvar)>,
    synced: watch::Receiver<Synced>,
    thread: Option<JoinHandle<()>>,
}

impl Commit {
    /// Starts the thread; it asks `round` what to sync.
    pub(crate) fn start(round: impl Fn() -> Round + Send + 'static) -> std::io::Result<Self> {
        let wish = Arc::new((Mutex::new(Wish::default()), Condvar::new()));
        let (sender, synced) = watch::channel(Synced::default());
        let wishes = wish.clone();
        let thread = std::thread::Builder::new()
            .name("journal-commit".to_owned())
            .spawn(move || run(&wishes, &sender, &round))?;
        Ok(Self {
            wish,
            synced,
            thread: Some(thread),
        })
    }

    /// Waits until that many bytes of records are on disk.
    pub(crate) async fn reach(&self, count: u64) -> Result<(), JournalError> {
        {
            let mut wish = self.wish.0.lock().unwrap_or_else(PoisonError::into_inner);
            wish.count = wish.count.max(count);
        }
        self.wish.1.notify_one();
        let mut synced = self.synced.clone();
        let reached = synced
            .wait_for(|synced| synced.count >= count || synced.failed.is_some())
            .await;
        match reached {
            Ok(synced) => synced
                .failed
                .clone()
                .map_or(Ok(()), |why| Err(JournalError::SyncFailed(why))),
            Err(_) => Err(JournalError::SyncFailed(Arc::from("the sync thread has ended"))),
        }
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        self.wish.0.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.wish.1.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(wish: &(Mutex<Wish>, Condvar), synced: &watch::Sender<Synced>, round: &impl Fn() -> Round) {
    loop {
        let done = synced.borrow().count;
        {
            let guard = wish.0.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |wish: &mut Wish| wish.count <= done && !wish.stop;
            let guard = wish
                .1
                .wait_while(guard, idle)
                .unwrap_or_else(PoisonError::into_inner);
            if guard.stop {
                return;
            }
        }
        let round = round();
        if let Err(error) = sync(&round) {
            synced.send_replace(Synced {
                count: done,
                failed: Some(Arc::from(error)),
            });
            return;
        }
        synced.send_replace(Synced {
            count: round.count,
            failed: None,
        });
    }
}

fn sync(round: &Round) -> Result<(), String> {
    for file in &round.files {
        file.sync_data().map_err(|error| error.to_string())?;
    }
    round
        .dir
        .as_ref()
        .map_or(Ok(()), |dir| sync_dir(dir).map_err(|error| error.to_string()))
}
