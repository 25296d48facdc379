//! Where in a text something stands, for people: lines and columns. Never looks for anything.

use std::ops::Range;

/// Counts lines and characters up to one place after the other.
pub struct Places<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
}

/// Where something begins, and what it is.
pub struct Place<'t> {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What stands there, widened to whole characters. It is not for printing.
    pub found: &'t str,
}

impl<'t> Places<'t> {
    /// At the text's beginning.
    pub const fn of(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            column: 1,
        }
    }

    /// The next place; none may begin before the one before it.
    pub fn next(&mut self, span: &Range<usize>) -> Place<'t> {
        let start = self.text.floor_char_boundary(span.start);
        for character in self.text.get(self.at..start).unwrap_or_default().chars() {
            (self.line, self.column) = if character == '\n' {
                (self.line + 1, 1)
            } else {
                (self.line, self.column + 1)
            };
        }
        self.at = self.at.max(start);
        let end = self.text.ceil_char_boundary(span.end);
        Place {
            line: self.line,
            column: self.column,
            found: self.text.get(start..end).unwrap_or_default(),
        }
    }
}
