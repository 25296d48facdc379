//! Placeholders for what was found, such as `<EMAIL_ADDRESS_1>`, and back. One masker is for one request: what it knows
//! is never stored, shown or written down, and is gone with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::finding::Finding;

/// A placeholder in an answer is not longer, however it is escaped.
const PLACEHOLDER_BYTES_MAX: usize = 96;
/// How a bracket is written: as itself, in JSON, in HTML, in Markdown.
const OPENERS: [&str; 5] = ["<", "\\u003c", "\\u003C", "&lt;", "\\<"];
const CLOSERS: [&str; 5] = [">", "\\u003e", "\\u003E", "&gt;", "\\>"];
/// So many letters before a number tell which placeholders a text could be taken for.
const LETTERS: usize = 4;

/// Replaces what was found in the texts of one request by placeholders. The same value of the same rule gets the same
/// placeholder, another value another one.
#[derive(Default)]
pub struct Masker {
    names: HashMap<(String, String), String>,
    values: BTreeMap<String, String>,
    counts: HashMap<String, u32>,
    /// Letters and numbers in the caller's own texts that a placeholder could be confused with.
    taken: HashSet<(String, u32)>,
}

impl Masker {
    /// A request of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what in a text could be taken for a placeholder, so that none of ours is called so. Every text that a caller
    /// wrote goes through here before the first [`Masker::mask`] of the request.
    pub fn reserve(&mut self, text: &str) {
        let mut letters: Vec<u8> = Vec::with_capacity(LETTERS);
        let mut digits: Option<u32> = None;
        for byte in text.bytes().chain([b'.']) {
            if byte.is_ascii_digit() {
                let digit = u32::from(byte - b'0');
                digits = Some(digits.unwrap_or(0).saturating_mul(10).saturating_add(digit));
                continue;
            }
            if let Some(number) = digits.take().filter(|_| !letters.is_empty()) {
                self.taken
                    .insert((String::from_utf8_lossy(&letters).into_owned(), number));
                letters.clear();
            }
            if byte.is_ascii_alphabetic() {
                if letters.len() == LETTERS {
                    letters.remove(0);
                }
                letters.push(byte.to_ascii_uppercase());
            } else if !is_gap(byte) {
                letters.clear();
            }
        }
    }

    /// The text with each finding replaced by its placeholder. Spans are widened to whole characters; of what overlaps,
    /// the rest behind the first is replaced too.
    // threat: ANP-0010
    #[must_use]
    pub fn mask(&mut self, text: &str, findings: &[Finding]) -> String {
        self.reserve(text);
        let mut sorted: Vec<&Finding> = findings.iter().collect();
        sorted.sort_by_key(|finding| (finding.span.start, std::cmp::Reverse(finding.span.end)));
        let (mut out, mut written) = (String::with_capacity(text.len()), 0);
        for finding in sorted {
            let start = text.floor_char_boundary(finding.span.start).max(written);
            let end = text.ceil_char_boundary(finding.span.end);
            if let Some(value) = text.get(start..end).filter(|value| !value.is_empty()) {
                out.push_str(text.get(written..start).unwrap_or_default());
                out.push('<');
                out.push_str(&self.name(&finding.rule, value));
                out.push('>');
                written = end;
            }
        }
        out.push_str(text.get(written..).unwrap_or_default());
        out
    }

    fn name(&mut self, rule: &str, value: &str) -> String {
        let key = (rule.to_owned(), value.to_owned());
        if let Some(name) = self.names.get(&key) {
            return name.clone();
        }
        let head = rule.to_ascii_uppercase();
        let letters: Vec<u8> = head.bytes().filter(u8::is_ascii_alphabetic).collect();
        let last = letters
            .get(letters.len().saturating_sub(LETTERS)..)
            .unwrap_or_default();
        let last = String::from_utf8_lossy(last).into_owned();
        let count = self.counts.entry(rule.to_owned()).or_default();
        *count += 1;
        while self.taken.contains(&(last.clone(), *count)) {
            *count += 1;
        }
        let name = format!("{head}_{count}");
        self.values.insert(name.clone(), value.to_owned());
        self.names.insert(key, name.clone());
        name
    }

    /// How many values were replaced.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What puts the values back, in one text of the answer or one channel of its stream.
    #[must_use]
    pub fn unmasker(&self) -> Unmasker {
        Unmasker {
            values: Arc::new(self.values.clone()),
            json: false,
            held: String::new(),
            before: 0,
        }
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker")
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// Puts values back in place of their placeholders: in whole texts, or in one that arrives in pieces. Clones share the
/// values, not the place in a text.
///
/// A placeholder counts in any case, with blanks or hyphens for its underscores, with its signs escaped as JSON, HTML or
/// Markdown do; and without brackets where it stands as a word of its own, in capitals. Anything else is left as it is.
#[derive(Clone)]
pub struct Unmasker {
    values: Arc<BTreeMap<String, String>>,
    json: bool,
    /// What has arrived and may be the beginning of a placeholder.
    held: String,
    /// The last byte handed on.
    before: u8,
}

impl Unmasker {
    /// The same for texts that are JSON, such as arguments of tools: values are escaped as in a string there.
    #[must_use]
    pub fn in_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// A whole text with all values back.
    // threat: ANP-0010
    #[must_use]
    pub fn unmask(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.put_back(text, 0, true, &mut out);
        out
    }

    /// Takes the next piece of a text and appends to `out` what may be handed on.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        self.go_on(piece, false, out);
    }

    /// Ends the text and appends what was held back.
    pub fn finish(&mut self, out: &mut String) {
        self.go_on("", true, out);
        self.before = 0;
    }

    /// Whether text has arrived that was not handed on yet: never more than a placeholder may be long.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        !self.held.is_empty()
    }

    fn go_on(&mut self, piece: &str, complete: bool, out: &mut String) {
        self.held.push_str(piece);
        let held = std::mem::take(&mut self.held);
        let done = self.put_back(&held, self.before, complete, out);
        if let Some(last) = held.get(..done).and_then(|done| done.bytes().next_back()) {
            self.before = last;
        }
        self.held = held.get(done..).unwrap_or_default().to_owned();
    }

    /// Appends `text` with its values back, and says from where on it is too early to.
    fn put_back(&self, text: &str, before: u8, complete: bool, out: &mut String) -> usize {
        let bytes = text.as_bytes();
        let (mut at, mut written, mut before) = (0, 0, before);
        while let Some(byte) = bytes.get(at).copied() {
            let found = match byte {
                b'<' | b'\\' | b'&' => self.bracketed(text, at, complete),
                b'A'..=b'Z' if !is_word(before) => self.bare(bytes, at, complete),
                _ => Found::Nothing,
            };
            match found {
                Found::Nothing => {
                    before = byte;
                    at += 1;
                }
                Found::Early => break,
                Found::Value(value, end) => {
                    out.push_str(text.get(written..at).unwrap_or_default());
                    self.push_value(value, out);
                    before = bytes.get(end - 1).copied().unwrap_or(0);
                    (at, written) = (end, end);
                }
            }
        }
        out.push_str(text.get(written..at).unwrap_or_default());
        at
    }

    /// What the placeholder in brackets at `at` stands for.
    fn bracketed(&self, text: &str, at: usize, complete: bool) -> Found<'_> {
        let early = |may_be: bool| {
            if may_be && !complete {
                Found::Early
            } else {
                Found::Nothing
            }
        };
        let rest = text.get(at..).unwrap_or_default();
        let Some(opener) = OPENERS.iter().find(|opener| rest.starts_with(**opener)) else {
            return early(OPENERS.iter().any(|opener| opener.starts_with(rest)) && !self.values.is_empty());
        };
        let mut name = String::new();
        let mut taken = opener.len();
        for byte in rest.bytes().skip(opener.len()).take(PLACEHOLDER_BYTES_MAX) {
            let behind = rest.get(taken..).unwrap_or_default();
            // Markdown escapes both brackets or neither: a caller's backslash may stand before one of ours.
            let closes = CLOSERS
                .iter()
                .find(|closer| behind.starts_with(**closer) && (**closer == "\\>") == (*opener == "\\<"));
            match byte {
                _ if closes.is_some() => {
                    let value = self.values.get(name.trim_end_matches('_'));
                    let end = at + taken + closes.map_or(0, |closer| closer.len());
                    return value.map_or(Found::Nothing, |value| Found::Value(value, end));
                }
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(byte.to_ascii_uppercase() as char),
                // A backslash may begin a closer that has not arrived whole.
                _ if is_gap(byte) => {
                    if !name.is_empty() && !name.ends_with('_') {
                        name.push('_');
                    }
                    if byte == b'\\'
                        && CLOSERS
                            .iter()
                            .any(|closer| closer.len() > behind.len() && closer.starts_with(behind))
                    {
                        return early(self.is_begun(&name));
                    }
                }
                b'&' => {
                    return early(
                        self.is_begun(&name) && CLOSERS.iter().any(|closer| closer.starts_with(behind)),
                    );
                }
                _ => return Found::Nothing,
            }
            if !self.is_begun(&name) {
                return Found::Nothing;
            }
            taken += 1;
        }
        early(taken == rest.len() && taken < PLACEHOLDER_BYTES_MAX && self.is_begun(&name))
    }

    /// What the word at `at` stands for, a placeholder that lost its brackets.
    fn bare(&self, bytes: &[u8], at: usize, complete: bool) -> Found<'_> {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .take(PLACEHOLDER_BYTES_MAX)
            .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_')
            .count();
        let Ok(name) = std::str::from_utf8(rest.get(..length).unwrap_or_default()) else {
            return Found::Nothing;
        };
        match rest.get(length) {
            None if !complete && self.is_begun(name) => Found::Early,
            Some(next) if is_word(*next) => Found::Nothing,
            _ => match self.values.get(name) {
                Some(value) => Found::Value(value, at + length),
                None => Found::Nothing,
            },
        }
    }

    /// Whether a placeholder's name begins so. A gap at the end may be a blank before the bracket.
    fn is_begun(&self, name: &str) -> bool {
        let begins = |name: &str| {
            let from = self
                .values
                .range::<str, _>((std::ops::Bound::Included(name), std::ops::Bound::Unbounded));
            from.map(|(known, _)| known)
                .next()
                .is_some_and(|known| known.starts_with(name))
        };
        begins(name)
            || name
                .strip_suffix('_')
                .is_some_and(|name| self.values.contains_key(name))
    }

    fn push_value(&self, value: &str, out: &mut String) {
        if !self.json {
            out.push_str(value);
            return;
        }
        for character in value.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\0'..='\u{1F}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => out.push(character),
            }
        }
    }
}

impl fmt::Debug for Unmasker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unmasker")
            .field("values", &self.values.len())
            .field("held_bytes", &self.held.len())
            .finish_non_exhaustive()
    }
}

enum Found<'v> {
    Nothing,
    /// More text could make it one.
    Early,
    Value(&'v str, usize),
}

/// What may stand between the parts of a placeholder's name.
const fn is_gap(byte: u8) -> bool {
    matches!(byte, b'_' | b' ' | b'-' | b'\\')
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
