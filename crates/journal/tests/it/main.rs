//! The journal attacked from outside: crashes, torn and damaged files, full bounds, full disks, many threads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod bounds;
mod crash;
mod damage;
mod draining;
mod kill;

use std::path::Path;

use domain::RequestId;
use journal::{Journal, JournalOptions, Record, Recovered};

pub fn options(dir: &Path) -> JournalOptions {
    JournalOptions {
        segment_bytes_max: 4096,
        bytes_max: 1024 * 1024,
        ..JournalOptions::new(dir)
    }
}

pub fn open(dir: &Path) -> (Journal, Recovered) {
    Journal::open(options(dir)).unwrap()
}

pub fn id(n: u128) -> RequestId {
    RequestId::from_u128(n)
}

pub fn entry(n: u128) -> (RequestId, Vec<u8>) {
    (
        id(n),
        format!("entry {n} {}", "x".repeat(usize::try_from(n % 97).unwrap())).into_bytes(),
    )
}

pub fn append_entry(journal: &Journal, n: u128) {
    let (id, bytes) = entry(n);
    journal.append(Record::Entry { id, bytes: &bytes }).unwrap();
}

/// Everything that waits, drained.
pub fn drain(journal: &Journal) -> Vec<(RequestId, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let batch = journal.read_from_cursor(64 * 1024).unwrap();
        all.extend(batch.entries.iter().map(|e| (e.id, e.bytes.to_vec())));
        journal.advance(batch.next).unwrap();
        if batch.last {
            return all;
        }
    }
}

pub fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "journal"))
        .collect();
    all.sort();
    all
}
