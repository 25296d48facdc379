//! Damage that is not a torn end is an error which names file and offset, and nothing is changed.

use std::path::{Path, PathBuf};

use journal::{Journal, JournalError};

use crate::{append_entry, drain, entry, open, options, segments};

/// Several sealed segments and one active.
fn several(dir: &Path) -> Vec<PathBuf> {
    let (journal, _) = open(dir);
    for n in 0..200 {
        append_entry(&journal, n);
    }
    drop(journal);
    let all = segments(dir);
    assert!(all.len() >= 3, "{all:?}");
    all
}

fn refused(dir: &Path) -> (PathBuf, u64, &'static str) {
    match Journal::open(options(dir)) {
        Err(JournalError::Damaged { file, offset, what }) => (file, offset, what),
        other => panic!("{other:?}"),
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn anp_0012_a_flipped_bit_in_a_sealed_segment_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let all = several(dir.path());
    flip(&all[0], 32 + 25 + 2);
    assert_eq!(
        refused(dir.path()),
        (all[0].clone(), 32, "checksum does not match")
    );
    flip(&all[0], 32 + 25 + 2);
    assert_eq!(
        open(dir.path()).1.undrained_entries,
        200,
        "refusing changed nothing"
    );
}

#[test]
fn anp_0012_a_cut_sealed_segment_is_damage_not_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let all = several(dir.path());
    let length = std::fs::metadata(&all[1]).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&all[1])
        .unwrap()
        .set_len(length - 1)
        .unwrap();
    assert_eq!(refused(dir.path()).2, "record is cut short");
}

#[test]
fn anp_0012_damage_within_the_last_segment_is_no_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let all = several(dir.path());
    let last = all.last().unwrap();
    flip(last, 32 + 25 + 2);
    assert_eq!(refused(dir.path()), (last.clone(), 32, "checksum does not match"));
}

#[test]
fn anp_0012_a_missing_segment_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let all = several(dir.path());
    std::fs::remove_file(&all[1]).unwrap();
    assert_eq!(
        refused(dir.path()),
        (all[2].clone(), 0, "the segment before this one is missing")
    );
}

#[test]
fn a_segment_under_another_name_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let all = several(dir.path());
    std::fs::copy(&all[0], &all[1]).unwrap();
    assert_eq!(refused(dir.path()).2, "segment head is not one");
}

#[test]
fn a_lost_cursor_starts_over_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (journal, recovered) = open(dir.path());
        assert!(!recovered.cursor_lost, "a new folder has none to lose");
        append_entry(&journal, 1);
        drain(&journal);
        append_entry(&journal, 2);
    }
    assert_eq!(open(dir.path()).1.undrained_entries, 1);
    std::fs::write(dir.path().join("cursor"), b"1 9999 9999 00000000\n").unwrap();
    let (journal, recovered) = open(dir.path());
    assert!(recovered.cursor_lost);
    assert_eq!(drain(&journal), [entry(1), entry(2)]);
}

#[test]
fn a_cursor_ahead_of_the_files_hides_nothing_that_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (journal, _) = open(dir.path());
        for n in 0..5 {
            append_entry(&journal, n);
        }
        drain(&journal);
    }
    // The machine died: the cursor had been synced, the segment's bytes had not.
    let last = segments(dir.path()).pop().unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&last)
        .unwrap()
        .set_len(40)
        .unwrap();
    let (journal, _) = open(dir.path());
    append_entry(&journal, 7);
    assert_eq!(drain(&journal), [entry(7)]);
    drop(journal);
    for path in segments(dir.path()) {
        std::fs::remove_file(path).unwrap();
    }
    let (journal, _) = open(dir.path());
    append_entry(&journal, 8);
    assert_eq!(drain(&journal), [entry(8)]);
}
