//! `kill -9` of a real process while it appends: what it acknowledged is there.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use journal::Record;

use crate::{append_entry, drain, entry, id, open};

/// Not a test of its own: the process that [`agp_r1_kill_9_loses_nothing_acknowledged`] kills.
#[test]
fn child_that_appends_for_ever() {
    let Ok(dir) = std::env::var("JOURNAL_TEST_CHILD_DIR") else {
        return;
    };
    let from: u128 = std::env::var("JOURNAL_TEST_CHILD_FROM").unwrap().parse().unwrap();
    let (journal, recovered) = open(dir.as_ref());
    for intent in recovered.open_intents {
        append_entry(&journal, intent.id.as_u128());
    }
    let mut out = std::io::stdout().lock();
    for n in from.. {
        journal
            .append(Record::Intent {
                id: id(n),
                bytes: b"intent",
            })
            .unwrap();
        writeln!(out, "intent {n}").unwrap();
        append_entry(&journal, n);
        writeln!(out, "entry {n}").unwrap();
    }
}

/// Starts the child, kills it after `life`, and returns the last intent and entry it acknowledged.
fn life_and_death(dir: &std::path::Path, from: u128, life: Duration) -> (Option<u128>, Option<u128>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::child_that_appends_for_ever",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("JOURNAL_TEST_CHILD_DIR", dir)
        .env("JOURNAL_TEST_CHILD_FROM", from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let (mut intent, mut entry) = (None, None);
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            // The harness's own words stand before the first line.
            let mut words = line.rsplit(' ');
            let number = words.next().and_then(|n| n.parse().ok());
            match words.next() {
                Some(word) if word.ends_with("intent") => intent = number.or(intent),
                Some(word) if word.ends_with("entry") => entry = number.or(entry),
                _ => {}
            }
        }
        (intent, entry)
    });
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

#[test]
fn agp_r1_kill_9_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 0;
    let mut seen_entries = 0;
    for round in 0..12u64 {
        let (intent, acknowledged) =
            life_and_death(dir.path(), next, Duration::from_millis(30 + 17 * (round % 5)));
        let (journal, recovered) = open(dir.path());
        let entries: HashMap<_, _> = drain(&journal).into_iter().collect();
        if let Some(last) = acknowledged {
            for n in next..=last {
                assert_eq!(entries.get(&id(n)), Some(&entry(n).1), "{n} of {last}");
            }
            seen_entries += last - next + 1;
        }
        if let Some(last) = intent {
            let open_now = recovered.open_intents.iter().any(|i| i.id == id(last));
            let closed = entries.contains_key(&id(last));
            assert!(open_now || closed, "intent {last} is neither open nor closed");
            next = last + 2;
        }
        assert!(
            recovered.open_intents.len() <= 1,
            "{:?}",
            recovered.open_intents.len()
        );
    }
    assert!(seen_entries > 100, "the child hardly ran: {seen_entries}");
}
