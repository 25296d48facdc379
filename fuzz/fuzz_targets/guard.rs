//! The secrets guard: the same findings whole and in pieces, and "no" on raw bytes is certain.
#![no_main]

use std::sync::{Arc, LazyLock};

use guard::{Secrets, StreamRedact};
use libfuzzer_sys::fuzz_target;

static SECRETS: LazyLock<Arc<Secrets>> = LazyLock::new(|| Arc::new(Secrets::new()));

fuzz_target!(|input: (u8, &str)| {
    let (piece, text) = input;
    let mut found = Vec::new();
    SECRETS.scan(text, &mut found);
    if !SECRETS.may_match(text.as_bytes()) {
        assert!(found.is_empty());
    }
    let whole = guard::redact(text, &found);
    let (mut stream, mut out, mut seen) = (StreamRedact::new(SECRETS.clone()), String::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = usize::from(piece).max(1).min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (now, later) = rest.split_at(end);
        stream.push(now, &mut seen, &mut out);
        rest = later;
    }
    stream.finish(&mut seen, &mut out);
    assert_eq!(out, whole);
});
