//! Replays `tests/corpus`: inputs that once were, or could be, trouble. Nothing may panic, and what is
//! read must be read the same however it is cut.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::properties::exercise;
use crate::support::{cut, events};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_corpus_is_read_without_panic() {
    let files = files("corpus");
    assert!(files.len() >= 30, "only {} files", files.len());
    for file in files {
        exercise(&fs::read(file).unwrap());
    }
}

#[test]
fn streams_of_the_corpus_read_the_same_byte_by_byte() {
    for file in files("corpus/sse") {
        let stream = Bytes::from(fs::read(&file).unwrap());
        let cuts: Vec<usize> = (0..stream.len()).collect();
        assert_eq!(
            events([stream.clone()]),
            events(cut(&stream, &cuts)),
            "{}",
            file.display()
        );
    }
}
