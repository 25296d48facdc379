//! Failures by key: how many, when last, and how long to wait after them. Bounded: when it is full, what has
//! not been heard of for longest makes room.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::UnixMillis;

/// 128 bits of a hash.
pub(super) type Key = [u8; 16];

/// The first delay; each failure doubles it.
const FIRST_MS: u64 = 1000;

/// How failures turn into delay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// This many cost nothing: people mistype.
    free: u32,
    /// Longer than this nobody waits.
    delay_max: Duration,
    /// After this long without a failure all is forgotten.
    forget: Duration,
}

impl Rule {
    pub(super) const fn new(free: u32, delay_max: Duration, forget: Duration) -> Self {
        Self {
            free,
            delay_max,
            forget,
        }
    }

    fn delay(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free + 1) else {
            return Duration::ZERO;
        };
        let factor = 1u64.checked_shl(doublings).unwrap_or(u64::MAX);
        Duration::from_millis(FIRST_MS.saturating_mul(factor)).min(self.delay_max)
    }
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    last: UnixMillis,
}

/// Records of one kind.
#[derive(Debug)]
pub(super) struct Table {
    rule: Rule,
    entries_max: usize,
    records: BTreeMap<Key, Record>,
    /// The same keys in the order of their last failure.
    order: BTreeSet<(UnixMillis, Key)>,
}

impl Table {
    pub(super) const fn new(rule: Rule, entries_max: usize) -> Self {
        Self {
            rule,
            entries_max,
            records: BTreeMap::new(),
            order: BTreeSet::new(),
        }
    }

    /// How long until `key` may try again.
    pub(super) fn wait(&self, key: &Key, now: UnixMillis) -> Duration {
        self.records.get(key).map_or(Duration::ZERO, |record| {
            record.last.plus(self.rule.delay(record.failures)).since(now)
        })
    }

    /// One failure more.
    pub(super) fn count(&mut self, key: Key, now: UnixMillis) {
        self.drop_old(now);
        let before = self.remove(&key).map_or(0, |record| record.failures);
        if self.records.len() >= self.entries_max
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.records.remove(&oldest);
        }
        let failures = before.saturating_add(1);
        self.put(key, Record { failures, last: now });
    }

    /// One failure less: it was none.
    pub(super) fn take_back(&mut self, key: &Key) {
        if let Some(record) = self.remove(key)
            && record.failures > 1
        {
            let failures = record.failures - 1;
            self.put(*key, Record { failures, ..record });
        }
    }

    /// Nothing against `key` any more.
    pub(super) fn forget(&mut self, key: &Key) {
        self.remove(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.records.len(), self.order.len());
        self.records.len()
    }

    fn put(&mut self, key: Key, record: Record) {
        self.order.insert((record.last, key));
        self.records.insert(key, record);
    }

    fn remove(&mut self, key: &Key) -> Option<Record> {
        let record = self.records.remove(key)?;
        self.order.remove(&(record.last, *key));
        Some(record)
    }

    fn drop_old(&mut self, now: UnixMillis) {
        while let Some((last, key)) = self.order.first().copied()
            && last.plus(self.rule.forget) <= now
        {
            self.order.pop_first();
            self.records.remove(&key);
        }
    }
}
