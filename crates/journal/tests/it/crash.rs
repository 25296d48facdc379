//! Simulated crashes: the files as they stand after any number of written bytes.

use std::path::Path;

use journal::{Journal, JournalError, Record};

use crate::{append_entry, drain, entry, id, open, options, segments};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        std::fs::copy(item.path(), to.join(item.file_name())).unwrap();
    }
}

#[test]
fn agp_r1_a_cut_at_every_byte_of_the_last_record_keeps_all_before_it() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (journal, _) = open(dir.path());
        for n in 0..5 {
            append_entry(&journal, n);
        }
    }
    let last = segments(dir.path()).pop().unwrap();
    let whole = std::fs::metadata(&last).unwrap().len();
    let record = 25 + entry(4).1.len() as u64;
    for cut in 0..=record {
        let crashed = tempfile::tempdir().unwrap();
        copy(dir.path(), crashed.path());
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(crashed.path().join(last.file_name().unwrap()))
            .unwrap();
        file.set_len(whole - cut).unwrap();
        let (journal, recovered) = open(crashed.path());
        let kept = if cut == 0 { 5 } else { 4 };
        assert_eq!(recovered.undrained_entries, kept, "{cut}");
        assert_eq!(
            recovered.torn_bytes,
            if cut == 0 { 0 } else { record - cut },
            "{cut}"
        );
        append_entry(&journal, 99);
        let expected: Vec<_> = (0..u128::from(kept)).chain([99]).map(entry).collect();
        assert_eq!(drain(&journal), expected, "{cut}");
    }
}

#[test]
fn agp_r1_a_torn_end_of_garbage_or_zeros_is_cut() {
    for tail in [vec![0; 700], vec![0xff; 700], b"\x01\x02\x03".repeat(300)] {
        let dir = tempfile::tempdir().unwrap();
        {
            let (journal, _) = open(dir.path());
            append_entry(&journal, 1);
        }
        let last = segments(dir.path()).pop().unwrap();
        let mut bytes = std::fs::read(&last).unwrap();
        bytes.extend(&tail);
        std::fs::write(&last, bytes).unwrap();
        let (journal, recovered) = open(dir.path());
        assert_eq!(recovered.torn_bytes, tail.len() as u64);
        assert_eq!(drain(&journal), [entry(1)]);
        drop(journal);
        assert_eq!(open(dir.path()).1.torn_bytes, 0, "cut once");
    }
}

#[test]
fn a_crash_while_a_segment_is_begun_is_recovered_at_every_byte_of_its_head() {
    for length in 0..32 {
        let dir = tempfile::tempdir().unwrap();
        {
            let (journal, _) = open(dir.path());
            append_entry(&journal, 1);
        }
        let last = segments(dir.path()).pop().unwrap();
        let head = std::fs::read(&last).unwrap()[..length].to_vec();
        std::fs::write(dir.path().join("0000000000000002.journal"), head).unwrap();
        let (journal, recovered) = open(dir.path());
        assert_eq!(recovered.torn_bytes, length as u64);
        append_entry(&journal, 2);
        assert_eq!(drain(&journal), [entry(1), entry(2)]);
    }
}

#[test]
fn anp_0012_open_intents_are_those_that_nothing_closed() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (journal, _) = open(dir.path());
        for n in 0..4 {
            journal
                .append(Record::Intent {
                    id: id(n),
                    bytes: format!("intent {n}").as_bytes(),
                })
                .unwrap();
        }
        append_entry(&journal, 1);
        journal.append(Record::Void { id: id(2) }).unwrap();
        assert_eq!(journal.open_intents(), 2);
    }
    let (journal, recovered) = open(dir.path());
    let open_ones: Vec<_> = recovered
        .open_intents
        .iter()
        .map(|i| (i.id, i.bytes.clone()))
        .collect();
    assert_eq!(
        open_ones,
        [(id(0), b"intent 0".to_vec()), (id(3), b"intent 3".to_vec())]
    );
    append_entry(&journal, 0);
    append_entry(&journal, 3);
    drop(journal);
    assert_eq!(open(dir.path()).1.open_intents, [], "closed by their entries");
}

#[test]
fn a_second_process_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = open(dir.path());
    let error = Journal::open(options(dir.path())).unwrap_err();
    assert!(matches!(error, JournalError::InUse { .. }));
    assert!(
        error
            .to_string()
            .contains(&format!("in use by another process (pid {})", std::process::id())),
        "{error}"
    );
    let clone = first.clone();
    drop(first);
    assert!(
        Journal::open(options(dir.path())).is_err(),
        "a clone still has it"
    );
    drop(clone);
    open(dir.path());
}

#[test]
fn files_and_folder_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("journal");
    let (journal, _) = open(&dir);
    append_entry(&journal, 1);
    drain(&journal);
    assert_eq!(
        std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777,
        0o700
    );
    for item in std::fs::read_dir(&dir).unwrap() {
        let item = item.unwrap();
        assert_eq!(
            item.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            item.path()
        );
    }
}
