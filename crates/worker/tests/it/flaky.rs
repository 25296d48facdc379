//! A store that fails when told to, before or after it has done its work.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use store::minded::{About, Asked, Mind, MindedStore};
use store::usage::UsageReport;
use store::{StoreError, StoredAudit, StoredEntry};

pub type FlakyStore = MindedStore<Flaky>;

#[derive(Debug, Default)]
pub struct Flaky {
    /// So many calls fail before anything is done.
    pub fail: AtomicU32,
    /// So many appends are done, and their answer is lost.
    pub lose_answers: AtomicU32,
    /// Everything fails.
    pub down: AtomicBool,
    /// Calls of work beside requests.
    pub asked: AtomicU32,
    /// Calls that were refused.
    pub refused: AtomicU32,
    /// Appends with an entry of this request are refused for good; 0 for none.
    pub refuses: AtomicU32,
    /// Entries come back changed: somebody had the database's password.
    pub changed: AtomicBool,
    /// Reports are off by one: somebody changed a roll-up.
    pub off_by_one: AtomicBool,
}

/// Work beside requests: what it asks can fail.
const WORK: [&str; 14] = [
    "revision",
    "load",
    "renew_leases",
    "expire_leases",
    "close_leases",
    "append",
    "entries",
    "log_size",
    "log_leaves",
    "put_log_checkpoint",
    "log_epoch",
    "hold_log_keys",
    "log_checkpoint",
    "marks_due",
];

fn one_less(counter: &AtomicU32) -> bool {
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
}

#[async_trait]
impl Mind for Flaky {
    async fn before(&self, asked: &Asked<'_>) -> Result<(), StoreError> {
        if !WORK.contains(&asked.method) {
            return Ok(());
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) || one_less(&self.fail) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable("told to fail".into()));
        }
        let refused = u128::from(self.refuses.load(Ordering::SeqCst));
        let is_refused = |request: u128| refused > 0 && request == refused;
        match asked.about {
            About::Shipments(all) if all.iter().any(|one| is_refused(one.posting.request.as_u128())) => {
                Err(StoreError::Damaged("told to refuse".into()))
            }
            _ => Ok(()),
        }
    }

    fn after(&self, asked: &Asked<'_>) -> Result<(), StoreError> {
        if asked.method == "append" && one_less(&self.lose_answers) {
            return Err(StoreError::Unavailable("the answer was lost".into()));
        }
        Ok(())
    }

    fn entries(&self, read: &mut Vec<StoredEntry>) {
        for stored in read.iter_mut().filter(|_| self.changed.load(Ordering::SeqCst)) {
            let text = String::from_utf8_lossy(&stored.bytes);
            stored.bytes = text.replace("\"cost\":10", "\"cost\":1").into_bytes();
        }
    }

    fn usage(&self, read: &mut UsageReport) {
        read.total.requests += u64::from(self.off_by_one.load(Ordering::SeqCst));
    }

    fn audits(&self, read: &mut Vec<StoredAudit>) {
        for stored in read.iter_mut().filter(|_| self.changed.load(Ordering::SeqCst)) {
            stored.bytes.push(b' ');
        }
    }
}
