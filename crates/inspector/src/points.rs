//! Where in a text others mean: they count Unicode code points, as Python does; findings count bytes.

use std::ops::Range;

/// Byte offsets of one text by code point.
pub struct Points<'t> {
    text: &'t str,
    /// Where each code point begins, and the end; empty for ASCII, where both counts are one.
    starts: Vec<usize>,
}

impl<'t> Points<'t> {
    pub fn of(text: &'t str) -> Self {
        let starts = if text.is_ascii() {
            Vec::new()
        } else {
            let starts = text.char_indices().map(|(at, _)| at);
            starts.chain([text.len()]).collect()
        };
        Self { text, starts }
    }

    /// The bytes of code points `start..end`; `None` where that is empty, backwards or beyond the text.
    pub fn bytes(&self, start: u64, end: u64) -> Option<Range<usize>> {
        if start >= end {
            return None;
        }
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        if self.starts.is_empty() {
            return (end <= self.text.len()).then_some(start..end);
        }
        Some(*self.starts.get(start)?..*self.starts.get(end)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_code_points(text in any::<String>(), start in 0u64..40, end in 0u64..40) {
            let found = Points::of(&text).bytes(start, end);
            let count = text.chars().count() as u64;
            prop_assert_eq!(found.is_some(), start < end && end <= count);
            if let Some(found) = found {
                let chars: String = text.chars().skip(start as usize).take((end - start) as usize).collect();
                prop_assert_eq!(&text[found], chars);
            }
        }
    }

    #[test]
    fn beyond_the_text_is_nowhere() {
        for text in ["abc", "añ🙂"] {
            assert!(Points::of(text).bytes(0, 3).is_some());
            for (start, end) in [
                (0, 4),
                (3, 4),
                (2, 1),
                (1, 1),
                (0, u64::MAX),
                (u64::MAX, u64::MAX),
            ] {
                assert_eq!(Points::of(text).bytes(start, end), None, "{text} {start}..{end}");
            }
        }
        assert_eq!(Points::of("").bytes(0, 1), None);
    }
}
