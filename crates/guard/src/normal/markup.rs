//! What markup keeps from a reader's eyes, and tags that cut words apart. Never parses a document:
//! forward scans over a text, each of which meets every byte a bounded number of times.

use super::map::Pieces;
use super::{Found, Via};

/// The longest tag that is looked into, in bytes.
const TAG_BYTES_MAX: usize = 512;

/// Hidden texts, and the text without the tags inside its words.
pub(super) fn find(text: &str, tagless: bool, found: &mut Vec<Found>) {
    hidden(text, found);
    if !tagless {
        without_tags(text, found);
    }
}

/// Signs, lower case and without spaces, that an element is not shown.
const UNSEEN: [&str; 8] = [
    "display:none",
    "visibility:hidden",
    "font-size:0",
    "opacity:0",
    "color:white",
    "color:#fff",
    "aria-hidden=\"true\"",
    "left:-9",
];

/// Attributes whose text is read out rather than shown.
const SPOKEN: [&str; 4] = ["alt=", "title=", "aria-label=", "content="];

fn hidden(text: &str, found: &mut Vec<Found>) {
    let mut from = 0;
    let opens = |byte: &u8| matches!(byte, b'<' | b'[');
    while let Some(at) = text
        .as_bytes()
        .get(from..)
        .and_then(|rest| rest.iter().position(opens))
        .map(|at| from + at)
    {
        let rest = text.get(at..).unwrap_or_default();
        from = at + 1;
        if let Some(comment) = rest.strip_prefix("<!--") {
            // Without an end it hides all that follows.
            let body = comment
                .find("-->")
                .and_then(|end| comment.get(..end))
                .unwrap_or(comment);
            push(body, at + 4, found);
            from = at + 4 + body.len();
        } else if let Some(note) = rest
            .strip_prefix("[//]: #")
            .or_else(|| rest.strip_prefix("[comment]: #"))
        {
            let skipped = rest.len() - note.len();
            let body = note.lines().next().unwrap_or_default();
            push(body, at + skipped, found);
            from = at + skipped + body.len();
        } else if rest.starts_with('<') {
            let Some(length) = tag(rest) else { continue };
            from = at + length;
            element(text, at, length, found);
        }
    }
}

/// How long the tag is that a text starts with.
fn tag(rest: &str) -> Option<usize> {
    let named = rest
        .as_bytes()
        .get(1)
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/');
    let window = rest.as_bytes().get(..TAG_BYTES_MAX).unwrap_or(rest.as_bytes());
    let inside = window.get(1..)?;
    let end = inside.iter().position(|byte| matches!(byte, b'<' | b'>'))?;
    (named && inside.get(end) == Some(&b'>')).then_some(end + 2)
}

fn element(text: &str, at: usize, length: usize, found: &mut Vec<Found>) {
    let Some(tag) = text
        .get(at..at + length)
        .filter(|tag| tag.contains('=') || tag.contains(" hidden"))
    else {
        return;
    };
    for name in SPOKEN {
        let value = tag
            .find(name)
            .and_then(|start| Some((start + name.len() + 1, tag.get(start + name.len() + 1..)?)));
        if let Some((start, value)) = value {
            let end = value.find(['"', '\'', '>']).unwrap_or(value.len());
            push(value.get(..end).unwrap_or_default(), at + start, found);
        }
    }
    let signs: String = tag
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if UNSEEN.iter().any(|sign| signs.contains(sign)) || tag.contains(" hidden") {
        let body = text.get(at + length..).unwrap_or_default();
        let end = body.find('<').unwrap_or(body.len());
        push(body.get(..end).unwrap_or_default(), at + length, found);
    }
}

fn push(body: &str, at: usize, found: &mut Vec<Found>) {
    if body.split_whitespace().nth(1).is_some() {
        found.push(Found::whole(body.to_owned(), Via::Hidden, at..at + body.len()));
    }
}

/// The text without its tags, where a tag stands between two letters.
fn without_tags(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let letter = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphabetic)
    };
    let (mut out, mut pieces, mut cut) = (String::new(), Pieces::default(), 0_usize);
    let mut from = 0;
    // What has no end here has none further on either; looking again would be quadratic.
    let mut ends = true;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| rest.find('<'))
        .map(|at| from + at)
    {
        let rest = text.get(at..).unwrap_or_default();
        let length = if rest.starts_with("<!--") {
            let end = ends.then(|| rest.find("-->")).flatten();
            ends = end.is_some();
            end.map(|end| end + 3)
        } else {
            tag(rest)
        };
        let Some(length) = length else {
            out.push_str(text.get(from..=at).unwrap_or_default());
            from = at + 1;
            continue;
        };
        out.push_str(text.get(from..at).unwrap_or_default());
        cut += usize::from(letter(at.checked_sub(1)) && letter(Some(at + length)));
        from = at + length;
        pieces.note(out.len(), from);
    }
    if cut > 0 {
        out.push_str(text.get(from..).unwrap_or_default());
        found.push(Found {
            text: out,
            via: Via::Tagless,
            making: pieces.map(),
        });
    }
}
