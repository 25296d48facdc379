//! Bounds on a policy's text, looked at before it is parsed.
//!
//! Cedar's parser and validator recurse: into brackets and along chains of operators. A text that runs
//! them out of stack would end the process, or (worse) end the validation early, so both are bounded,
//! and what is within the bounds is parsed with a stack that was tested to hold it.

/// Brackets open at once in one policy.
pub const NESTING_MAX: usize = 24;
/// Operators, accesses and clauses in one policy. Names in a set count nothing: use sets.
pub const LINKS_MAX: usize = 128;

/// What a policy has too much of, and where (a byte offset) that became clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// Where.
    pub offset: usize,
    /// What, and how much of it is accepted.
    pub what: (&'static str, usize),
}

/// One policy's tally so far.
#[derive(Debug, Default)]
struct Tally {
    open: usize,
    links: usize,
}

impl Tally {
    /// Counts the token that starts with `first` and goes on with `second`.
    const fn count(&mut self, first: u8, second: u8) {
        match (first, second) {
            (b'(' | b'[' | b'{', _) => self.open = self.open.saturating_add(1),
            (b')' | b']' | b'}', _) => self.open = self.open.saturating_sub(1),
            (b';', _) => *self = Self { open: 0, links: 0 },
            (b'.' | b'+' | b'-' | b'*' | b'!' | b'<' | b'>' | b'@', _) => self.link(),
            (b'&', b'&') | (b'|', b'|') | (b'=', b'=') | (b'i', b'f' | b'n' | b's') => self.link(),
            (b'w', b'h') | (b'u', b'n') | (b'h', b'a') | (b'l', b'i') => self.link(),
            _ => {}
        }
    }

    const fn link(&mut self) {
        self.links = self.links.saturating_add(1);
    }

    const fn excess(&self) -> Option<(&'static str, usize)> {
        if self.open > NESTING_MAX {
            Some(("brackets open at once", NESTING_MAX))
        } else if self.links > LINKS_MAX {
            Some(("operators", LINKS_MAX))
        } else {
            None
        }
    }
}

/// The first policy in `text` that is too deep or too long, if any is.
pub fn excess(text: &str) -> Option<Excess> {
    let mut tally = Tally::default();
    let mut bytes = text.bytes().enumerate().peekable();
    let mut before = b' ';
    while let Some((offset, byte)) = bytes.next() {
        let next = bytes.peek().map_or(b' ', |(_, next)| *next);
        match (byte, next) {
            (b'"', _) => skip_text(&mut bytes),
            (b'/', b'/') => while bytes.next_if(|(_, byte)| *byte != b'\n').is_some() {},
            // A word counts where it begins, and only there.
            _ if byte.is_ascii_alphabetic() && is_word(before) => {}
            _ => tally.count(byte, next),
        }
        before = byte;
        if let Some(what) = tally.excess() {
            return Some(Excess { offset, what });
        }
    }
    None
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Goes on behind the closing quote.
fn skip_text(bytes: &mut impl Iterator<Item = (usize, u8)>) {
    while let Some((_, byte)) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_met_exactly() {
        let deep = |count| format!("{}{}", "(".repeat(count), ")".repeat(count));
        assert_eq!(excess(&deep(NESTING_MAX)), None);
        assert_eq!(excess(&deep(NESTING_MAX + 1)).unwrap().offset, NESTING_MAX);
        let long = |count| "a && ".repeat(count);
        assert_eq!(excess(&long(LINKS_MAX)), None);
        assert_eq!(excess(&long(LINKS_MAX + 1)).unwrap().what.0, "operators");
    }

    #[test]
    fn texts_comments_sets_and_other_policies_count_nothing() {
        let many = "((((&&||..++".repeat(50);
        assert_eq!(excess(&format!("\"\\\"{many}\" // {many}\n")), None);
        assert_eq!(excess(&format!("[{}]", "\"a\", ".repeat(1000))), None);
        assert_eq!(
            excess(&"permit (principal, action, resource) when { a.b };\n".repeat(1000)),
            None
        );
    }
}
