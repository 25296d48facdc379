//! Writes JSON member by member; values as written elsewhere are copied byte for byte.

use super::Str;

/// Appends one JSON value to a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
    comma: bool,
}

impl Writer {
    /// Goes on in an existing buffer.
    pub(crate) const fn onto(out: Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    /// What was written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    /// An object whose members `write` writes.
    pub(crate) fn object<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        self.open(b'{');
        let done = write(self);
        self.close(b'}');
        done
    }

    /// An array whose elements `write` writes.
    pub(crate) fn array<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        self.open(b'[');
        let done = write(self);
        self.close(b']');
        done
    }

    /// A member's name; its value comes next.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.separate();
        push_text(&mut self.out, name);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// A string.
    pub(crate) fn text(&mut self, text: &str) {
        self.separate();
        push_text(&mut self.out, text);
    }

    /// A whole number.
    pub(crate) fn count(&mut self, count: u64) {
        self.raw(&count.to_string());
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, flag: bool) {
        self.raw(if flag { "true" } else { "false" });
    }

    /// A value as written elsewhere.
    pub(crate) fn raw(&mut self, raw: &str) {
        self.separate();
        self.out.extend_from_slice(raw.as_bytes());
    }

    /// A string as written elsewhere, escapes and all.
    pub(crate) fn same(&mut self, text: Str<'_>) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(text.raw.as_bytes());
        self.out.push(b'"');
    }
}

/// Appends a string literal.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    // Writing into memory cannot fail, and a `str` is always a JSON string.
    let _ = serde_json::to_writer(out, text);
}
