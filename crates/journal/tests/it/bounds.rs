//! The bound, a full disk, many threads, group commit, and what an append costs.

use std::process::Command;
use std::time::Instant;

use journal::{Journal, JournalError, JournalOptions, Record, Sync};

use crate::{append_entry, drain, entry, id, open, options};

#[test]
fn agp_budget_3_2_at_the_bound_new_work_is_refused_and_admitted_work_is_not() {
    let dir = tempfile::tempdir().unwrap();
    // An intent of 75 bytes and its head of 25: exactly ten fit.
    let (journal, _) = Journal::open(JournalOptions {
        bytes_max: 1000,
        ..options(dir.path())
    })
    .unwrap();
    for n in 0..10 {
        journal
            .append(Record::Intent {
                id: id(n),
                bytes: &[1; 75],
            })
            .unwrap();
    }
    assert!(journal.is_full());
    assert!(matches!(
        journal.append(Record::Intent {
            id: id(11),
            bytes: &[]
        }),
        Err(JournalError::Full {
            depth_bytes: 1000,
            bytes_max: 1000
        })
    ));
    assert!(matches!(
        journal.append(Record::Entry {
            id: id(11),
            bytes: b"refusal"
        }),
        Err(JournalError::Full { .. })
    ));
    for n in 0..9 {
        append_entry(&journal, n);
    }
    journal.append(Record::Void { id: id(9) }).unwrap();
    assert_eq!(drain(&journal).len(), 9);
    assert!(!journal.is_full());
    append_entry(&journal, 12);
}

#[test]
fn agp_budget_3_2_one_byte_more_than_the_bound_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(JournalOptions {
        bytes_max: 1000,
        ..options(dir.path())
    })
    .unwrap();
    assert!(
        journal
            .append(Record::Intent {
                id: id(1),
                bytes: &[1; 976]
            })
            .is_err()
    );
    assert!(
        journal
            .append(Record::Intent {
                id: id(1),
                bytes: &[1; 975]
            })
            .is_ok()
    );
}

#[test]
fn agp_r1_concurrent_appends_and_draining_lose_nothing_and_keep_each_threads_order() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let mut drained = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4u128)
            .map(|thread| {
                let journal = journal.clone();
                scope.spawn(move || {
                    for n in 0..500 {
                        let n = thread * 1000 + n;
                        journal
                            .append(Record::Intent {
                                id: id(n),
                                bytes: b"intent",
                            })
                            .unwrap();
                        append_entry(&journal, n);
                    }
                })
            })
            .collect();
        while writers.iter().any(|w| !w.is_finished()) {
            drained.extend(drain(&journal));
        }
    });
    drained.extend(drain(&journal));
    assert_eq!(drained.len(), 2000);
    for thread in 0..4u128 {
        let own: Vec<_> = drained
            .iter()
            .filter(|(i, _)| i.as_u128() / 1000 == thread)
            .cloned()
            .collect();
        assert_eq!(
            own,
            (0..500).map(|n| entry(thread * 1000 + n)).collect::<Vec<_>>()
        );
    }
    drop(journal);
    let (_, recovered) = open(dir.path());
    assert_eq!(
        (recovered.undrained_entries, recovered.open_intents.len()),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_commit_answers_everybody_over_segment_borders() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(JournalOptions {
        sync: Sync::Disk,
        ..options(dir.path())
    })
    .unwrap();
    let tasks: Vec<_> = (0..200u128)
        .map(|n| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let (id, bytes) = entry(n);
                journal
                    .append_synced(Record::Entry { id, bytes: &bytes })
                    .await
                    .unwrap();
            })
        })
        .collect();
    for task in tasks {
        tokio::time::timeout(std::time::Duration::from_secs(30), task)
            .await
            .unwrap()
            .unwrap();
    }
    let mut ids: Vec<_> = drain(&journal).into_iter().map(|(i, _)| i).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..200).map(id).collect::<Vec<_>>());
}

/// A small file system of its own, if this process may mount one.
struct Mount(tempfile::TempDir);

impl Mount {
    fn of(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|out| out.status.success());
        done.then(|| Self(dir))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn agp_r1_a_full_disk_refuses_whole_records_and_passes() {
    let Some(mount) = Mount::of("128k") else {
        eprintln!("skipped: may not mount a tmpfs");
        return;
    };
    let dir = mount.0.path().join("journal");
    let (journal, _) = Journal::open(JournalOptions {
        segment_bytes_max: 1 << 20,
        ..options(&dir)
    })
    .unwrap();
    let mut kept = Vec::new();
    let refused = (0..).find_map(|n: u128| {
        let (id, bytes) = (id(n), vec![b'x'; 5000]);
        match journal.append(Record::Entry { id, bytes: &bytes }) {
            Ok(_) => {
                kept.push((id, bytes));
                None
            }
            Err(error) => Some(error),
        }
    });
    assert!(matches!(refused, Some(JournalError::Io { .. })), "{refused:?}");
    assert!(kept.len() > 10, "{}", kept.len());
    // What fits still fits: the half-written record was cut off.
    journal
        .append(Record::Entry {
            id: id(10_000),
            bytes: b"small",
        })
        .unwrap();
    kept.push((id(10_000), b"small".to_vec()));
    let batch = journal.read_from_cursor(1 << 20).unwrap();
    assert_eq!(
        batch
            .entries
            .iter()
            .map(|e| (e.id, e.bytes.to_vec()))
            .collect::<Vec<_>>(),
        kept
    );
    let remounted = Command::new("mount")
        .args(["-o", "remount,size=1m"])
        .arg(mount.0.path())
        .status()
        .unwrap();
    assert!(remounted.success());
    append_entry(&journal, 10_001);
    kept.push(entry(10_001));
    drop(journal);
    let (journal, recovered) = open(&dir);
    assert_eq!(recovered.torn_bytes, 0);
    assert_eq!(drain(&journal), kept);
}

/// Prints; asserts only what holds on any machine.
#[test]
fn an_append_costs_microseconds() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(JournalOptions::new(dir.path())).unwrap();
    let payload = vec![b'x'; 700];
    let count = 20_000u128;
    let started = Instant::now();
    for n in 0..count {
        journal
            .append(Record::Entry {
                id: id(n),
                bytes: &payload,
            })
            .unwrap();
    }
    let each = started.elapsed() / u32::try_from(count).unwrap();
    println!("append of 700 bytes: {each:?}");
    assert!(each.as_millis() < 5, "{each:?}");
}
