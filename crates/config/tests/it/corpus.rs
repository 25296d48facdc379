//! Hostile and arbitrary texts: never a panic, and what is read can be validated.

use std::path::Path;

use proptest::prelude::*;

use crate::read;

fn swallow(text: &str) {
    match read(text) {
        Ok(config) => drop(config.validate()),
        Err(error) => assert!(
            !error.message.is_empty() && error.message.len() < 1_000,
            "{error}"
        ),
    }
}

#[test]
fn agp_t3_the_corpus_is_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 10, "{}", files.len());
    for file in files {
        swallow(&String::from_utf8_lossy(&std::fs::read(&file).unwrap()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,300}") {
        swallow(&text);
    }

    #[test]
    fn yaml_like_text_never_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "listen", "providers", "models", "server", ": ", ":\n", "\n", "  ", "- ", "{", "}", "[", "]", ", ", "\"", "'", "&a ", "*a", "<<", "!!str ",
        "!x ", "${PORT}", "${", "}", "${A:-b}", "|", ">", "#", "? ", "---\n", "...\n", "%TAG ! x\n", "0x1f", "1e999", ".nan", "null", "~", "true", "\t", "é",
        "env:A", "name", "kind", "openai", "targets", "8080", "127.0.0.1:1",
    ]), 0..60)) {
        swallow(&pieces.concat());
    }

    #[test]
    fn the_example_with_bytes_changed_never_panics(at in any::<prop::sample::Index>(), cut in 0usize..40, with in "\\PC{0,6}") {
        let example = include_str!("../../../../bartizan.example.yaml");
        let mut bytes = example.as_bytes().to_vec();
        let from = at.index(bytes.len());
        let to = (from + cut).min(bytes.len());
        bytes.splice(from..to, with.bytes());
        swallow(&String::from_utf8_lossy(&bytes));
    }
}
