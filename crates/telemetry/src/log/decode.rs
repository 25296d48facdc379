//! Texts as they were before they were escaped: percent-encoding and backslashes undone, with the way back to where each
//! byte stands in the line.

use std::ops::Range;

/// Layers of escaping that are undone: a JSON line with a `Debug` of a `Debug` of a URL has four.
pub(super) const LAYERS_MAX: usize = 4;

/// A text with one layer of escapes fewer.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// Where each byte of `text` stands in the line, and where the line ends.
    starts: Vec<usize>,
}

impl Decoded {
    /// The stretch of the line that a stretch of `text` came from: whole escapes only.
    pub(super) fn in_line(&self, span: &Range<usize>) -> Range<usize> {
        let at = |index: usize| {
            self.starts
                .get(index)
                .or(self.starts.last())
                .copied()
                .unwrap_or(0)
        };
        at(span.start)..at(span.end)
    }

    /// With one more layer undone; `None` if there is none.
    pub(super) fn deeper(&self) -> Option<Self> {
        let next = decode(&self.text)?;
        let starts = next
            .starts
            .iter()
            .filter_map(|&start| self.starts.get(start).copied())
            .collect();
        Some(Self {
            text: next.text,
            starts,
        })
    }
}

/// Undoes the outermost layer; `None` if nothing is escaped.
pub(super) fn decode(line: &str) -> Option<Decoded> {
    if !line.bytes().any(|byte| matches!(byte, b'%' | b'\\')) {
        return None;
    }
    let mut text = String::with_capacity(line.len());
    let mut starts = Vec::with_capacity(line.len() + 1);
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (plain, length) = escape(rest).unwrap_or((first, first.len_utf8()));
        starts.extend(std::iter::repeat_n(line.len() - rest.len(), plain.len_utf8()));
        text.push(plain);
        rest = rest.get(length..).unwrap_or_default();
    }
    starts.push(line.len());
    (text.len() < line.len()).then_some(Decoded { text, starts })
}

/// The character that an escape at the start of `text` stands for, and the escape's length. Bytes beyond ASCII are left
/// encoded: half a character is none.
fn escape(text: &str) -> Option<(char, usize)> {
    let mut chars = text.chars();
    match (chars.next()?, chars.next()?) {
        ('%', _) => hex(text.get(1..3)?).map(|plain| (plain, 3)),
        ('\\', 'n') => Some(('\n', 2)),
        ('\\', 'r') => Some(('\r', 2)),
        ('\\', 't') => Some(('\t', 2)),
        ('\\', 'x') => hex(text.get(2..4)?).map(|plain| (plain, 4)),
        ('\\', 'u') => match text.get(2..)?.strip_prefix('{') {
            Some(braced) => {
                let digits = braced.get(..braced.find('}')?)?;
                hex(digits).map(|plain| (plain, digits.len() + 4))
            }
            None => hex(text.get(2..6)?).map(|plain| (plain, 6)),
        },
        ('\\', plain @ ('"' | '\\' | '\'' | '/')) => Some((plain, 2)),
        _ => None,
    }
}

fn hex(digits: &str) -> Option<char> {
    let good = digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = good.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
    char::from_u32(value).filter(char::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_decodes_and_every_span_leads_back(line in "[%\\\\u{}0-9a-fnx\"é ]{0,40}") {
            let mut layer = decode(&line);
            while let Some(decoded) = layer {
                prop_assert!(decoded.text.len() < line.len());
                prop_assert_eq!(decoded.starts.len(), decoded.text.len() + 1);
                prop_assert!(decoded.starts.is_sorted());
                prop_assert_eq!(decoded.in_line(&(0..decoded.text.len())), 0..line.len());
                layer = decoded.deeper();
            }
        }
    }

    #[test]
    fn layers_come_off_one_by_one() {
        let line = r#"a \\\"b%2Dc\u0026\u{26}\x26 é%C3"#;
        let one = decode(line).unwrap();
        assert_eq!(one.text, r#"a \"b-c&&& é%C3"#);
        let two = one.deeper().unwrap();
        assert_eq!(two.text, r#"a "b-c&&& é%C3"#);
        let quote = two.text.find('"').unwrap();
        assert_eq!(&line[two.in_line(&(quote..quote + 4))], r#"\\\"b%2Dc"#);
        assert!(two.deeper().is_none());
        assert!(decode("nothing escaped").is_none());
    }
}
