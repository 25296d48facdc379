//! The pull reader. Recursion is bounded by the depth limit; nothing is allocated but escaped strings
//! that somebody asks to have resolved.

use super::scan::plain_len;
use super::text::hex4;
use super::{DEPTH_MAX, Str};
use crate::DialectError;

/// What a value is, told by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A place in a JSON text. Copying it is how one looks ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    depth_max: u32,
}

type Read<T> = Result<T, DialectError>;

impl<'a> Reader<'a> {
    /// Reads text that is known to be UTF-8.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            depth_max: DEPTH_MAX,
        }
    }

    /// Reads bytes that may not even be UTF-8.
    pub(crate) fn new(body: &'a [u8]) -> Read<Self> {
        let text = std::str::from_utf8(body)
            .map_err(|error| DialectError::not_json("expected UTF-8", error.valid_up_to()))?;
        Ok(Self::of_text(text))
    }

    /// The same, refusing deeper nesting.
    pub(crate) fn limited(self, depth_max: u32) -> Self {
        Self {
            depth_max: depth_max.min(DEPTH_MAX),
            ..self
        }
    }

    /// The offset reached.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, expected: &str) -> Read<T> {
        Err(DialectError::not_json(expected, self.at))
    }

    /// What the next value is; the place moves to its first byte.
    pub(crate) fn kind(&mut self) -> Read<Kind> {
        self.space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => self.fail("expected a value"),
        }
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Read<()> {
        self.space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            self.fail("expected the end")
        }
    }

    fn enter(&mut self) -> Read<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(DialectError::TooMany {
                field: "nesting",
                max: u64::from(self.depth_max),
            });
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Reads an object; `each` is given every key and must read its value.
    pub(crate) fn object(&mut self, mut each: impl FnMut(&mut Self, Str<'a>) -> Read<()>) -> Read<()> {
        if self.kind()? != Kind::Object {
            return self.fail("expected an object");
        }
        self.enter()?;
        self.space();
        if self.byte() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            if self.byte() != Some(b':') {
                return self.fail("expected `:`");
            }
            self.at += 1;
            each(self, key)?;
            if self.last(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads an array; `each` must read one element.
    pub(crate) fn array(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if self.kind()? != Kind::Array {
            return self.fail("expected an array");
        }
        self.enter()?;
        self.space();
        if self.byte() == Some(b']') {
            self.leave();
            return Ok(());
        }
        loop {
            each(self)?;
            if self.last(b']')? {
                return Ok(());
            }
        }
    }

    /// After a member: `,` means another follows, `close` that it was the last.
    fn last(&mut self, close: u8) -> Read<bool> {
        self.space();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.leave();
                Ok(true)
            }
            _ => self.fail("expected `,` or the closing bracket"),
        }
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Read<Str<'a>> {
        self.space();
        if self.byte() != Some(b'"') {
            return self.fail("expected a string");
        }
        let at = self.at;
        self.at += 1;
        let (mut escaped, mut saved) = (false, 0);
        loop {
            self.at += plain_len(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    saved += self.escape()?;
                }
                _ => return self.fail("expected the end of a string"),
            }
        }
        let raw = self.text.get(at + 1..self.at).unwrap_or_default();
        self.at += 1;
        Ok(Str {
            raw,
            at,
            escaped,
            said_bytes: raw.len() - saved,
        })
    }

    /// Reads one escape; how many bytes shorter its character is.
    fn escape(&mut self) -> Read<usize> {
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(1)
            }
            Some(b'u') => self.unicode(),
            _ => self.fail("expected an escape"),
        }
    }

    fn unicode(&mut self) -> Read<usize> {
        let Some(first) = hex4(self.text, self.at + 2) else {
            return self.fail("expected four digits");
        };
        if !(0xD800..0xE000).contains(&first) {
            self.at += 6;
            return Ok(6 - char::from_u32(first).map_or(0, char::len_utf8));
        }
        let low = self.text.as_bytes().get(self.at + 6..self.at + 8) == Some(b"\\u");
        let second = hex4(self.text, self.at + 8).filter(|code| low && (0xDC00..0xE000).contains(code));
        if first >= 0xDC00 || second.is_none() {
            return self.fail("expected a whole surrogate pair");
        }
        self.at += 12;
        Ok(8)
    }

    /// Reads a number; its digits as written.
    pub(crate) fn number(&mut self) -> Read<&'a str> {
        self.space();
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            self.fail("expected a digit")
        } else {
            Ok(())
        }
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Read<bool> {
        let value = self.byte() == Some(b't');
        self.literal(if value { "true" } else { "false" })?;
        Ok(value)
    }

    fn literal(&mut self, word: &str) -> Read<()> {
        if self.text.get(self.at..self.at + word.len()) != Some(word) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads any value and forgets it; its text as written.
    pub(crate) fn skip(&mut self) -> Read<&'a str> {
        let kind = self.kind()?;
        let start = self.at;
        match kind {
            Kind::Object => self.object(|r, _| r.skip().map(drop))?,
            Kind::Array => self.array(|r| r.skip().map(drop))?,
            Kind::String => drop(self.string()?),
            Kind::Number => drop(self.number()?),
            Kind::Bool => drop(self.boolean()?),
            Kind::Null => self.literal("null")?,
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Looks ahead into the object that comes next: the text its member `name` says, if it has one.
    /// Usually the first member, so little is read twice.
    pub(crate) fn peek_text(&self, name: &str) -> Option<Str<'a>> {
        self.peek(name, |r| {
            if r.kind()? == Kind::String {
                r.string().map(Some)
            } else {
                Ok(None)
            }
        })
    }

    /// Looks ahead into the object that comes next: the count under `name`, if it has one.
    pub(crate) fn peek_count(&self, name: &str) -> Option<u32> {
        self.peek(name, |r| {
            if r.kind()? == Kind::Number {
                Ok(r.number()?.parse().ok())
            } else {
                Ok(None)
            }
        })
    }

    fn peek<T>(&self, name: &str, read: impl Fn(&mut Self) -> Read<Option<T>>) -> Option<T> {
        let mut ahead = *self;
        let mut found = None;
        // Stops at the first member of that name: an error is the only way out of `object`, and this
        // place is thrown away.
        let _ = ahead.object(|r, key| {
            if key.is(name) {
                found = read(r)?;
                return r.fail("");
            }
            r.skip().map(drop)
        });
        found
    }
}
