//! One string of a JSON text: where it stands, and what it says.

use std::borrow::Cow;
use std::ops::Range;

/// A string literal of a JSON text that was read and found well formed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Str<'a> {
    /// Between the quotes, escapes as written.
    pub(crate) raw: &'a str,
    /// Offset of the opening quote.
    pub(crate) at: usize,
    /// Whether `raw` holds escapes.
    pub(crate) escaped: bool,
    /// Bytes of the text that it says.
    pub(crate) said_bytes: usize,
}

impl<'a> Str<'a> {
    /// The literal's span, quotes included.
    pub(crate) const fn span(&self) -> Range<usize> {
        self.at..self.at + self.raw.len() + 2
    }

    /// What it says, escapes resolved.
    pub(crate) fn said(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw, self.said_bytes))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Whether it says exactly this.
    pub(crate) fn is(&self, text: &str) -> bool {
        if self.escaped {
            self.said() == text
        } else {
            self.raw == text
        }
    }
}

/// Resolves the escapes of a well-formed literal. What is not well formed is left out: the reader never
/// hands out such a literal.
fn unescape(raw: &str, said_bytes: usize) -> String {
    let mut said = String::with_capacity(said_bytes);
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        said.push_str(rest.get(..at).unwrap_or_default());
        let (character, taken) = escape(rest.get(at..).unwrap_or_default());
        said.extend(character);
        rest = rest.get(at + taken..).unwrap_or_default();
    }
    said.push_str(rest);
    said
}

/// The character an escape stands for, and the bytes it takes. `text` starts at the backslash.
fn escape(text: &str) -> (Option<char>, usize) {
    let character = match text.as_bytes().get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode(text),
        Some(other) => char::from(*other),
        None => return (None, 1),
    };
    (Some(character), 2)
}

fn unicode(text: &str) -> (Option<char>, usize) {
    let Some(first) = hex4(text, 2) else {
        return (None, 2);
    };
    if !(0xD800..0xDC00).contains(&first) {
        return (char::from_u32(first), 6);
    }
    let Some(second) = hex4(text, 8) else {
        return (None, 6);
    };
    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF);
    (char::from_u32(code), 12)
}

/// Four hexadecimal digits at `at`.
pub(super) fn hex4(text: &str, at: usize) -> Option<u32> {
    let digits = text.as_bytes().get(at..at + 4)?;
    digits.iter().try_fold(0u32, |code, digit| {
        Some((code << 4) | char::from(*digit).to_digit(16)?)
    })
}
