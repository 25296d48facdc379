//! The cursor: in order, idempotent, durable; segments go, open intents stay.

use std::collections::HashMap;
use std::time::Duration;

use journal::{JournalError, Record};
use proptest::prelude::*;

use crate::{append_entry, drain, entry, id, open, segments};

#[test]
fn agp_r1_reading_again_gives_the_same_until_advanced_and_advancing_twice_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for n in 0..50 {
        append_entry(&journal, n);
    }
    let first = journal.read_from_cursor(500).unwrap();
    assert!(first.entries.len() > 1 && first.entries.len() < 50 && !first.last);
    assert_eq!(journal.read_from_cursor(500).unwrap(), first);
    journal.advance(first.next).unwrap();
    let second = journal.read_from_cursor(500).unwrap();
    assert_eq!(second.entries[0].id, id(first.entries.len() as u128));
    journal.advance(first.next).unwrap();
    assert_eq!(journal.read_from_cursor(500).unwrap(), second);
    drop(journal);
    let (journal, _) = open(dir.path());
    assert_eq!(
        journal.read_from_cursor(500).unwrap().entries,
        second.entries,
        "the cursor is durable"
    );
}

#[test]
fn a_record_larger_than_asked_for_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let large = vec![7; 20_000];
    journal
        .append(Record::Entry {
            id: id(1),
            bytes: &large,
        })
        .unwrap();
    append_entry(&journal, 2);
    assert_eq!(drain(&journal), [(id(1), large), entry(2)]);
}

#[test]
fn drained_segments_are_deleted_and_depth_returns_to_zero() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for n in 0..500 {
        append_entry(&journal, n);
    }
    assert!(segments(dir.path()).len() > 5);
    assert!(journal.depth_bytes() > 20_000);
    assert_eq!(drain(&journal), (0..500).map(entry).collect::<Vec<_>>());
    assert_eq!(segments(dir.path()).len(), 1);
    assert_eq!(journal.depth_bytes(), 0);
}

#[test]
fn agp_r1_an_intent_outlives_its_segment_and_a_closed_one_never_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    journal
        .append(Record::Intent {
            id: id(1000),
            bytes: b"long stream",
        })
        .unwrap();
    for n in 0..300 {
        journal
            .append(Record::Intent {
                id: id(n),
                bytes: b"short",
            })
            .unwrap();
        append_entry(&journal, n);
        if n % 50 == 0 {
            drain(&journal);
        }
    }
    drain(&journal);
    assert!(
        segments(dir.path()).len() <= 2,
        "an open intent does not hold segments"
    );
    drop(journal);
    let (journal, recovered) = open(dir.path());
    let open_ones: Vec<_> = recovered
        .open_intents
        .iter()
        .map(|i| (i.id, i.bytes.as_slice()))
        .collect();
    assert_eq!(open_ones, [(id(1000), b"long stream".as_slice())]);
    append_entry(&journal, 1000);
    drain(&journal);
    drop(journal);
    assert_eq!(open(dir.path()).1.open_intents, []);
}

#[test]
fn a_position_from_elsewhere_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (journal, _) = open(one.path());
    append_entry(&journal, 1);
    let beyond = journal.read_from_cursor(1000).unwrap().next;
    let (empty, _) = open(other.path());
    assert!(matches!(empty.advance(beyond), Err(JournalError::NoSuchPosition)));
}

#[tokio::test]
async fn waiting_ends_when_something_is_appended() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let waiting = tokio::spawn({
        let journal = journal.clone();
        async move { journal.wait_for_more().await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished());
    append_entry(&journal, 1);
    tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap()
        .unwrap();
    journal.wait_for_more().await;
    drain(&journal);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), journal.wait_for_more())
            .await
            .is_err()
    );
}

#[derive(Debug, Clone)]
enum Step {
    Intent(u8),
    Entry(u8),
    Void(u8),
    Drain(u16),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..40u8).prop_map(Step::Intent),
        4 => (0..40u8).prop_map(Step::Entry),
        1 => (0..40u8).prop_map(Step::Void),
        2 => (1..2000u16).prop_map(Step::Drain),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is done in whatever order: entries come out once, in order, and the open intents are exactly
    /// those that a map would hold.
    #[test]
    fn agp_r1_the_journal_is_a_queue_and_a_set(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let small = journal::JournalOptions { segment_bytes_max: 300, ..journal::JournalOptions::new(dir.path()) };
        let mut journal = journal::Journal::open(small.clone()).unwrap().0;
        let (mut queue, mut drained) = (Vec::new(), Vec::new());
        let mut set: HashMap<u8, u32> = HashMap::new();
        for (serial, step) in steps.into_iter().enumerate() {
            match step {
                Step::Intent(n) => {
                    journal.append(Record::Intent { id: id(n.into()), bytes: &serial.to_le_bytes() }).unwrap();
                    set.insert(n, u32::try_from(serial).unwrap());
                }
                Step::Entry(n) => {
                    journal.append(Record::Entry { id: id(n.into()), bytes: &serial.to_le_bytes() }).unwrap();
                    set.remove(&n);
                    queue.push(serial.to_le_bytes().to_vec());
                }
                Step::Void(n) => {
                    journal.append(Record::Void { id: id(n.into()) }).unwrap();
                    set.remove(&n);
                }
                Step::Drain(bytes) => {
                    let batch = journal.read_from_cursor(bytes.into()).unwrap();
                    drained.extend(batch.entries.into_iter().map(|e| e.bytes.to_vec()));
                    journal.advance(batch.next).unwrap();
                }
                Step::Reopen => {
                    drop(journal);
                    let (again, recovered) = journal::Journal::open(small.clone()).unwrap();
                    journal = again;
                    let found: HashMap<_, _> = recovered.open_intents.into_iter().map(|i| (i.id, i.bytes)).collect();
                    let wanted: HashMap<_, _> =
                        set.iter().map(|(n, s)| (id((*n).into()), u64::from(*s).to_le_bytes().to_vec())).collect();
                    prop_assert_eq!(found, wanted);
                    prop_assert_eq!(recovered.undrained_entries as usize, queue.len() - drained.len());
                }
            }
            prop_assert_eq!(journal.open_intents(), set.len());
        }
        drained.extend(drain(&journal).into_iter().map(|(_, bytes)| bytes));
        prop_assert_eq!(drained, queue);
    }
}
