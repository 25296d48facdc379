//! Whether JSON that arrives in pieces is whole yet.

/// Follows one object through its pieces.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    depth: u32,
    in_string: bool,
    escaped: bool,
    whole: bool,
}

impl Progress {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &str) {
        for byte in piece.bytes() {
            self.byte(byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth = self.depth.saturating_add(1),
            b'}' | b']' if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                self.whole |= self.depth == 0;
            }
            _ => {}
        }
    }

    /// Whether the object has closed: nothing that is still JSON can follow.
    pub(super) const fn is_whole(self) -> bool {
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_whole_at_its_last_brace_and_not_before() {
        let text = r#"{"a":"}\"}","b":[{"c":{}}]}"#;
        for cut in 0..text.len() {
            let mut progress = Progress::default();
            progress.feed(&text[..cut]);
            assert!(!progress.is_whole(), "whole after {cut} bytes");
            progress.feed(&text[cut..]);
            assert!(progress.is_whole());
        }
    }
}
