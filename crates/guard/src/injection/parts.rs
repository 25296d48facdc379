//! Judges the parts of a conversation together: what is split over messages, or over the parts of one, is read as one.
//! Never joins what people say with what is only data.
//!
//! Each part is judged alone; then all that people said is put together in order, and so is all data. Of a long part only its
//! beginning and its end take part in that, so the work stays in proportion to what was handed in.

use std::ops::Range;

use super::lexicon::ROLE_NAME;
use super::tokens::hash;
use super::{Injection, Origin, Verdict};
use crate::finding::Finding;
use crate::normal::fold_word;

/// A part up to this long is joined whole.
const WHOLE_BYTES: usize = 2_048;
/// Of a longer one so much at either end.
const END_BYTES: usize = 512;
/// What stands for the rest of it: the ends of so many sentences.
const GAP: &str = "\n\n\n\n\n\n\n\n";
/// The longest word that may be cut in two by a part's end.
const WORD_BYTES_MAX: usize = 24;
/// So much of what stands before a seam is looked at.
const NEAR_BYTES: usize = 64;
/// Letters and digits without a space, at least so many on each side, are one run of an encoding.
const RUN_BYTES_MIN: usize = 8;

impl Injection {
    /// Judges the parts of a conversation, in order: messages, or the parts of their content. One verdict for each; where
    /// only several parts together make an attack, every part that takes part in it says so.
    ///
    /// What the operator and the model said is judged alone: nobody hides an attack there in pieces.
    // threat: AGP-T1 ANP-0003
    #[must_use]
    pub fn judge_parts(&self, parts: &[(&str, Origin)]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = parts
            .iter()
            .map(|(text, origin)| self.judge_as(text, *origin))
            .collect();
        let said = |origin: Origin| origin == Origin::User;
        let data = |origin: Origin| matches!(origin, Origin::ToolResult | Origin::Document);
        self.together(parts, (Origin::User, &said), &mut verdicts);
        self.together(parts, (Origin::Document, &data), &mut verdicts);
        verdicts
    }

    fn together(
        &self,
        parts: &[(&str, Origin)],
        (origin, wanted): (Origin, &dyn Fn(Origin) -> bool),
        verdicts: &mut [Verdict],
    ) {
        let mut joined = Joined::default();
        for (number, (text, _)) in parts.iter().enumerate().filter(|(_, (_, from))| wanted(*from)) {
            joined.part(self, number, text);
        }
        if !joined.several() {
            return;
        }
        let verdict = self.alone(&joined.text, origin);
        let known = joined.pieces.iter().filter_map(|piece| verdicts.get(piece.part));
        let known = known.fold((0, 0), |all: (u8, u8), one| {
            (all.0.max(one.score), all.1.max(one.rules))
        });
        let more = verdict.score > known.0 || verdict.rules > known.1;
        let mut touched: Vec<usize> = Vec::new();
        for finding in &verdict.findings {
            let spans = joined.spans(&finding.span);
            let several = spans
                .iter()
                .any(|(part, _)| spans.first().is_some_and(|(first, _)| first != part));
            if !more && !several {
                continue;
            }
            for (part, span) in spans {
                let Some(told) = verdicts.get_mut(part) else {
                    continue;
                };
                touched.push(part);
                told.findings.push(Finding {
                    span,
                    ..finding.clone()
                });
            }
        }
        if more && touched.is_empty() {
            // The layers together are sure where none of them is alone; the last part made it so.
            touched.extend(joined.pieces.last().map(|piece| piece.part));
        }
        touched.sort_unstable();
        touched.dedup();
        for part in touched {
            let Some(told) = verdicts.get_mut(part) else {
                continue;
            };
            told.score = told.score.max(verdict.score);
            told.rules = told.rules.max(verdict.rules);
            told.model = told.model.max(verdict.model);
            told.findings.sort_by(|a, b| {
                (a.span.start, a.span.end, &a.rule).cmp(&(b.span.start, b.span.end, &b.rule))
            });
            told.findings.dedup();
        }
    }
}

/// A stretch of the joined text, and where it comes from.
struct Piece {
    part: usize,
    /// Where it begins in the joined text and in its part, and how long it is.
    at: usize,
    from: usize,
    length: usize,
}

#[derive(Default)]
struct Joined {
    text: String,
    pieces: Vec<Piece>,
}

impl Joined {
    fn part(&mut self, guard: &Injection, part: usize, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let seam = seam(guard, &self.text, text);
        self.text.push_str(seam);
        if text.len() <= WHOLE_BYTES {
            self.piece(part, text, 0..text.len());
            return;
        }
        let (head, tail) = (
            text.floor_char_boundary(END_BYTES),
            text.ceil_char_boundary(text.len() - END_BYTES),
        );
        self.piece(part, text, 0..head);
        self.text.push_str(GAP);
        self.piece(part, text, tail..text.len());
    }

    fn piece(&mut self, part: usize, text: &str, span: Range<usize>) {
        let taken = text.get(span.clone()).unwrap_or_default();
        self.pieces.push(Piece {
            part,
            at: self.text.len(),
            from: span.start,
            length: taken.len(),
        });
        self.text.push_str(taken);
    }

    /// Whether more than one part is in it.
    fn several(&self) -> bool {
        let ends = self.pieces.first().zip(self.pieces.last());
        ends.is_some_and(|(first, last)| first.part != last.part)
    }

    /// What a stretch of the joined text is in the parts.
    fn spans(&self, span: &Range<usize>) -> Vec<(usize, Range<usize>)> {
        let first = self
            .pieces
            .partition_point(|piece| piece.at + piece.length <= span.start);
        let of = self
            .pieces
            .iter()
            .skip(first)
            .take_while(|piece| piece.at < span.end);
        of.map(|piece| {
            let start = span.start.max(piece.at) - piece.at;
            let end = span.end.min(piece.at + piece.length) - piece.at;
            (piece.part, piece.from + start..piece.from + end)
        })
        .collect()
    }
}

/// What stands between two parts: nothing where a word or an encoding was cut, a line's end before a turn that is only
/// written there, else a space.
fn seam(guard: &Injection, left: &str, right: &str) -> &'static str {
    if left.is_empty() {
        return "";
    }
    let word = |c: char| c.is_alphanumeric();
    // Of what is joined so far only the end is looked at, however long its last word is.
    let near = left.ceil_char_boundary(left.len().saturating_sub(NEAR_BYTES));
    let left = left.get(near..).unwrap_or_default();
    let left_word = left.get(left.trim_end_matches(word).len()..).unwrap_or_default();
    let right_rest = right.trim_start_matches(word);
    let right_word = right.get(..right.len() - right_rest.len()).unwrap_or_default();
    let opens = |text: &str| {
        let name = text.trim_start_matches(|c: char| !word(c));
        let rest = name.trim_start_matches(word);
        let name = name.get(..name.len() - rest.len()).unwrap_or_default();
        let short = name.len() <= WORD_BYTES_MAX;
        short
            && rest.starts_with(':')
            && guard.lexicon.exact(hash(fold_word(name).as_bytes())) & ROLE_NAME != 0
    };
    if opens(right) {
        return "\n";
    }
    if left_word.is_empty() || right_word.is_empty() {
        return " ";
    }
    let lengths = (left_word.len(), right_word.len());
    if lengths.0 >= RUN_BYTES_MIN && lengths.1 >= RUN_BYTES_MIN && (coded(left_word) || coded(right_word)) {
        return "";
    }
    if lengths.0 + lengths.1 <= WORD_BYTES_MAX && !begins(right_word) {
        let whole = fold_word(&format!("{left_word}{right_word}"));
        if guard.lexicon.exact(hash(whole.as_bytes())) != 0 {
            return "";
        }
    }
    " "
}

/// Capital letters or digits after small ones: no word is written so.
fn coded(run: &str) -> bool {
    let mut small = false;
    run.chars().any(|c| {
        let odd = small && (c.is_ascii_uppercase() || c.is_ascii_digit());
        small |= c.is_ascii_lowercase();
        odd
    })
}

/// Written as a sentence's first word.
fn begins(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.next().is_none_or(char::is_lowercase)
}
