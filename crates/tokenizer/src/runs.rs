//! Cuts text where a tokenizer's work would explode. Never changes what is counted, only in which
//! portions.
//!
//! Tokenizers split text at whitespace and punctuation and then merge bytes inside each piece; the
//! merging costs more than linearly in the length of a piece. A megabyte of one letter is one piece.
//! So an unbroken run longer than [`RUN_BYTES_MAX`] is cut into slices of [`SLICE_BYTES`], which
//! bounds the work per byte and makes the count an estimate (a cut adds about one token a slice).

/// Longest unbroken run that is counted whole.
pub const RUN_BYTES_MAX: usize = 4_096;

/// Portions that a longer run is counted in.
pub const SLICE_BYTES: usize = 512;

/// A portion of a text, to be counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Portion<'t> {
    /// Runs of ordinary length, whole.
    Text(&'t str),
    /// One run beyond the bound.
    Oversized(&'t str),
}

/// Splits `text` into ordinary text and oversized runs, in order.
pub(crate) fn portions(text: &str) -> Vec<Portion<'_>> {
    let mut found = Vec::new();
    let mut plain_from = 0;
    for run in Runs::of(text).filter(|run| run.len() > RUN_BYTES_MAX) {
        push_text(&mut found, text, plain_from, run.start);
        if let Some(run_text) = text.get(run.clone()) {
            found.push(Portion::Oversized(run_text));
        }
        plain_from = run.end;
    }
    push_text(&mut found, text, plain_from, text.len());
    found
}

fn push_text<'t>(found: &mut Vec<Portion<'t>>, text: &'t str, from: usize, to: usize) {
    if let Some(plain) = text.get(from..to).filter(|plain| !plain.is_empty()) {
        found.push(Portion::Text(plain));
    }
}

/// Cuts a run into slices that end on character boundaries.
pub(crate) fn slices(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.ceil_char_boundary(SLICE_BYTES.min(rest.len()));
        let (slice, after) = rest.split_at(cut);
        rest = after;
        Some(slice)
    })
}

/// The unbroken runs of a text: stretches within which a tokenizer might see one single piece.
struct Runs<'t> {
    chars: std::iter::Peekable<std::str::CharIndices<'t>>,
    text_bytes: usize,
}

impl<'t> Runs<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            chars: text.char_indices().peekable(),
            text_bytes: text.len(),
        }
    }
}

impl Iterator for Runs<'_> {
    type Item = std::ops::Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, mut last) = self.chars.next()?;
        while let Some((_, next)) = self.chars.next_if(|&(_, next)| !breaks(last, next)) {
            last = next;
        }
        let end = self.chars.peek().map_or(self.text_bytes, |&(at, _)| at);
        Some(start..end)
    }
}

/// Whether every tokenizer we know ends a piece between these two characters (or one character on).
fn breaks(left: char, right: char) -> bool {
    left.is_whitespace() != right.is_whitespace() || (is_surely_letter(left) && is_surely_punctuation(right))
}

/// Letters and digits in every vocabulary's splitting pattern. Combining marks are left out: some
/// patterns count them with letters, others with punctuation.
fn is_surely_letter(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

fn is_surely_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(
            c,
            '，' | '。' | '、' | '！' | '？' | '；' | '：' | '（' | '）' | '「' | '」' | '《' | '》'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_one_portion() {
        let text = "Words, and more words. 中文，也有标点。\n\n  indented";
        assert_eq!(portions(text), vec![Portion::Text(text)]);
        assert_eq!(portions(""), vec![]);
    }

    #[test]
    fn agp_d1_a_run_at_the_bound_is_whole_and_one_past_it_is_cut() {
        let at = "a".repeat(RUN_BYTES_MAX);
        let past = "a".repeat(RUN_BYTES_MAX + 1);
        assert_eq!(portions(&at), vec![Portion::Text(&at)]);
        assert_eq!(portions(&past), vec![Portion::Oversized(&past)]);
        let mixed = format!("before {past} after");
        assert_eq!(
            portions(&mixed),
            vec![
                Portion::Text("before "),
                Portion::Oversized(&past),
                Portion::Text(" after")
            ]
        );
    }

    #[test]
    fn agp_d1_whitespace_marks_and_symbols_are_runs_too() {
        for unit in [" ", "\n", "!", "क्", "!😀", "é"] {
            let run = unit.repeat(RUN_BYTES_MAX + 1);
            assert!(
                portions(&run)
                    .iter()
                    .any(|portion| matches!(portion, Portion::Oversized(_))),
                "{unit:?}"
            );
        }
    }

    #[test]
    fn slices_rebuild_the_run_on_character_boundaries() {
        let run = "aé漢😀".repeat(1_000);
        assert_eq!(slices(&run).collect::<String>(), run);
        assert!(slices(&run).all(|slice| slice.len() < SLICE_BYTES + 4));
    }
}
