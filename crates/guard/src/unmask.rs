//! Values back in place of their placeholders, in whole texts and in streams. What it knows is never stored, shown or
//! written down, and is gone with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::mask::{Value, is_gap};

/// A placeholder in an answer is not longer, however it is escaped.
const PLACEHOLDER_BYTES_MAX: usize = 96;
/// How a bracket is written: as itself, in JSON, in HTML, in Markdown.
const OPENERS: [&str; 5] = ["<", "\\u003c", "\\u003C", "&lt;", "\\<"];
const CLOSERS: [&str; 5] = [">", "\\u003e", "\\u003E", "&gt;", "\\>"];

/// Puts values back in place of their placeholders: in whole texts, or in one that arrives in pieces. Clones share the
/// values, not the place in a text.
///
/// A placeholder counts in any case, with blanks or hyphens for its underscores, with its signs escaped as JSON, HTML or
/// Markdown do; and without brackets where it stands as a word of its own, in capitals. Anything else is left as it is.
///
/// Values are escaped as in a JSON string in a text that begins as JSON does. In JSON within a string of that they are
/// escaped once: whoever can, hands the inner text in by itself.
#[derive(Clone)]
pub struct Unmasker {
    values: Arc<BTreeMap<String, Value>>,
    is_json: bool,
    opening: Opening,
    /// What has arrived and may be the beginning of a placeholder.
    held: String,
    /// The last byte handed on.
    before: u8,
}

impl Unmasker {
    /// By their placeholders' names.
    pub(crate) fn new(values: BTreeMap<String, Value>) -> Self {
        Self {
            values: Arc::new(values),
            is_json: false,
            opening: Opening::default(),
            held: String::new(),
            before: 0,
        }
    }

    /// The same for texts that are JSON however they begin, such as arguments of tools.
    #[must_use]
    pub fn in_json(mut self) -> Self {
        self.is_json = true;
        self
    }

    /// A whole text with all values back.
    // threat: ANP-0010
    #[must_use]
    pub fn unmask(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.put_back(text, (0, Opening::default()), true, &mut out);
        out
    }

    /// Takes the next piece of a text and appends to `out` what may be handed on.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        self.go_on(piece, false, out);
    }

    /// Ends the text and appends what was held back.
    pub fn finish(&mut self, out: &mut String) {
        self.go_on("", true, out);
        (self.before, self.opening) = (0, Opening::default());
    }

    /// Whether text has arrived that was not handed on yet: never more than a placeholder may be long.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        !self.held.is_empty()
    }

    fn go_on(&mut self, piece: &str, complete: bool, out: &mut String) {
        self.held.push_str(piece);
        let held = std::mem::take(&mut self.held);
        let (done, opening) = self.put_back(&held, (self.before, self.opening), complete, out);
        self.opening = opening;
        if let Some(last) = held.get(..done).and_then(|done| done.bytes().next_back()) {
            self.before = last;
        }
        self.held = held.get(done..).unwrap_or_default().to_owned();
    }

    /// Appends `text` with its values back, and says from where on it is too early to.
    fn put_back(
        &self,
        text: &str,
        (mut before, mut opening): (u8, Opening),
        complete: bool,
        out: &mut String,
    ) -> (usize, Opening) {
        let bytes = text.as_bytes();
        let (mut at, mut written) = (0, 0);
        while let Some(byte) = bytes.get(at).copied() {
            let found = match byte {
                b'<' | b'\\' | b'&' => self.bracketed(text, at, complete),
                b'A'..=b'Z' if !is_word(before) => self.bare(bytes, at, complete),
                _ => Word::Nothing,
            };
            match found {
                Word::Nothing => {
                    before = byte;
                    at += 1;
                }
                Word::Early => break,
                Word::Value(value, end) => {
                    let passed = text.get(written..at).unwrap_or_default();
                    opening.read(passed);
                    out.push_str(passed);
                    self.push_value(value, opening, out);
                    opening.read("<");
                    before = bytes.get(end - 1).copied().unwrap_or(0);
                    (at, written) = (end, end);
                }
            }
        }
        let passed = text.get(written..at).unwrap_or_default();
        opening.read(passed);
        out.push_str(passed);
        (at, opening)
    }

    /// What the placeholder in brackets at `at` stands for.
    fn bracketed(&self, text: &str, at: usize, complete: bool) -> Word<'_> {
        let early = |may_be: bool| {
            if may_be && !complete {
                Word::Early
            } else {
                Word::Nothing
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
                    return value.map_or(Word::Nothing, |value| Word::Value(value.text(), end));
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
                _ => return Word::Nothing,
            }
            if !self.is_begun(&name) {
                return Word::Nothing;
            }
            taken += 1;
        }
        early(taken == rest.len() && taken < PLACEHOLDER_BYTES_MAX && self.is_begun(&name))
    }

    /// What the word at `at` stands for, a placeholder that lost its brackets.
    fn bare(&self, bytes: &[u8], at: usize, complete: bool) -> Word<'_> {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .take(PLACEHOLDER_BYTES_MAX)
            .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_')
            .count();
        let Ok(name) = std::str::from_utf8(rest.get(..length).unwrap_or_default()) else {
            return Word::Nothing;
        };
        match rest.get(length) {
            None if !complete && self.is_begun(name) => Word::Early,
            Some(next) if is_word(*next) => Word::Nothing,
            _ => match self.values.get(name) {
                Some(value) => Word::Value(value.text(), at + length),
                None => Word::Nothing,
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

    fn push_value(&self, value: &str, opening: Opening, out: &mut String) {
        if !self.is_json && !opening.is_json() {
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

enum Word<'v> {
    Nothing,
    /// More text could make it one.
    Early,
    Value(&'v str, usize),
}

/// The first two signs of a text that are no blanks.
#[derive(Clone, Copy, Default)]
struct Opening(u8, u8);

impl Opening {
    fn read(&mut self, text: &str) {
        if self.1 != 0 {
            return;
        }
        for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            match *self {
                Self(0, _) => self.0 = byte,
                Self(_, 0) => self.1 = byte,
                Self(..) => return,
            }
        }
    }

    /// Whether an object or an array with something in it begins so.
    const fn is_json(self) -> bool {
        matches!(self, Self(b'{', b'"') | Self(b'[', b'{' | b'"'))
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
