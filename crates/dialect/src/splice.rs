//! Replacing spans of a body and leaving every other byte as it is.

use std::ops::Range;

/// A span and what stands there instead.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) span: Range<usize>,
    pub(crate) with: Vec<u8>,
}

/// The body with the edits made. Edits may come in any order and do not
/// overlap; of two that do, the first in the body is made.
pub(crate) fn splice(body: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| edit.span.start);
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = Vec::with_capacity(body.len() + added);
    let mut done = 0;
    for edit in edits {
        if edit.span.start < done {
            continue;
        }
        out.extend_from_slice(body.get(done..edit.span.start).unwrap_or_default());
        out.extend_from_slice(&edit.with);
        done = edit.span.end;
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out
}
