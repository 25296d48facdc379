//! Placeholders for what was found, such as `<EMAIL_ADDRESS_1>`. One masker is for one request: what it knows is never
//! stored, shown or written down, and is gone with it.

use std::borrow::{Borrow, Cow};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use domain::Secret;

use crate::action::Action;
use crate::plan::Found;
use crate::unmask::Unmasker;

/// So many letters before a number tell which placeholders a text could be taken for.
const LETTERS: usize = 4;

/// A placeholder's letters are cut after so many.
const HEAD_BYTES_MAX: usize = 40;
/// A placeholder without its first bracket is not longer.
const PLACED_BYTES_MAX: usize = HEAD_BYTES_MAX + 32;
/// A value of so many bytes is replaced wherever it stands as a word, also where no rule finds it.
const AGAIN_BYTES_MIN: usize = 3;

/// A value that was replaced: wiped when nobody holds it any more.
#[derive(Clone)]
pub(crate) struct Value(Arc<Secret>);

impl Value {
    /// What it is.
    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl Borrow<str> for Value {
    fn borrow(&self) -> &str {
        self.text()
    }
}

/// Replaces what was found in the texts of one request: by placeholders what is masked, by markers what is redacted. The
/// same value gets the same placeholder everywhere, another value another one.
///
/// Every text of the request is learnt before the first is replaced: so no placeholder is called as something that the
/// caller wrote, and a value is replaced in every text once a rule found it in one.
#[derive(Default)]
pub struct Masker {
    /// Values without a placeholder yet, by which rule, in the order in which they appeared.
    learnt: Vec<(Cow<'static, str>, Value)>,
    /// Those values.
    unnamed: HashSet<Value>,
    names: HashMap<Value, String>,
    values: BTreeMap<String, Value>,
    counts: HashMap<String, u32>,
    /// The last letters before a number in the caller's own texts: what a placeholder could be confused with.
    taken: HashSet<([u8; LETTERS], u32)>,
    /// Finds values again.
    again: Option<AhoCorasick>,
}

impl Masker {
    /// A request of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one text of the request, and what is masked in it. A text that was replaced before may come again, with what
    /// others found in it: what stands there for a value stays what it is, or becomes a part of what is found.
    pub fn learn(&mut self, text: &str, found: &[Found]) {
        self.reserve(text);
        let stretches = stretches(text, found, &self.placed(text));
        for stretch in stretches.into_iter().filter(|it| it.is_masked) {
            let value = self.expanded(text.get(stretch.span).unwrap_or_default());
            if !self.names.contains_key(&*value) && !self.unnamed.contains(&*value) {
                let value = Value(Arc::new(Secret::new(&*value)));
                self.unnamed.insert(value.clone());
                self.learnt.push((stretch.rule.clone(), value));
            }
        }
    }

    /// Notes what in a text could be taken for a placeholder, so that none of ours is called so.
    fn reserve(&mut self, text: &str) {
        let (mut letters, mut digits) = ([0; LETTERS], None::<u32>);
        for byte in text.bytes().chain([b'.']) {
            if byte.is_ascii_digit() {
                let digit = u32::from(byte - b'0');
                let number = digits.unwrap_or(0).saturating_mul(10).saturating_add(digit);
                // What is replaced may begin in the midst of a number, and its beginning is left.
                if letters[0] != 0 {
                    self.taken.insert((letters, number));
                }
                digits = Some(number);
                continue;
            }
            if digits.take().is_some() {
                letters = [0; LETTERS];
            }
            if byte.is_ascii_alphabetic() {
                letters.rotate_left(1);
                letters[LETTERS - 1] = byte.to_ascii_uppercase();
            } else if !is_gap(byte) {
                letters = [0; LETTERS];
            }
        }
    }

    /// The text with everything replaced that is masked or redacted in it; `None` where nothing is. What overlaps is one
    /// stretch, and the strictest that is asked of any part of it is done with the whole. Spans are widened to whole
    /// characters.
    // threat: ANP-0010 ANP-0017
    #[must_use]
    pub fn replace(&mut self, text: &str, found: &[Found]) -> Option<String> {
        self.settle();
        let placed = self.placed(text);
        let mut stretches = stretches(text, found, &placed);
        self.find_again(text, &placed, &mut stretches);
        if stretches.is_empty() {
            return None;
        }
        let (mut out, mut written) = (String::with_capacity(text.len()), 0);
        for Stretch {
            span,
            rule,
            is_masked,
        } in stretches
        {
            out.push_str(text.get(written..span.start).unwrap_or_default());
            written = span.end;
            if is_masked {
                let value = self.expanded(text.get(span).unwrap_or_default());
                out.push('<');
                out.push_str(self.name(&rule, &value));
                out.push('>');
            } else {
                out.push_str("[redacted:");
                out.push_str(&rule);
                out.push(']');
            }
        }
        out.push_str(text.get(written..).unwrap_or_default());
        Some(out)
    }

    /// Names what was learnt, in order, and gets ready to find it again.
    fn settle(&mut self) {
        if self.learnt.is_empty() {
            return;
        }
        self.unnamed.clear();
        for (rule, value) in std::mem::take(&mut self.learnt) {
            self.name(&rule, value.text());
        }
        let values = self.names.keys().filter(|it| it.text().len() >= AGAIN_BYTES_MIN);
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(values.map(Value::text));
        self.again = built.ok();
    }

    /// Where placeholders of this request stand in a text already, in order.
    fn placed(&self, text: &str) -> Vec<Range<usize>> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let placed = text.match_indices('<').filter_map(|(at, _)| {
            let inner = text.get(at + 1..)?;
            let end = inner
                .bytes()
                .take(PLACED_BYTES_MAX)
                .position(|byte| byte == b'>')?;
            let is_ours = self.values.contains_key(inner.get(..end)?);
            is_ours.then(|| at..at + 1 + end + 1)
        });
        placed.collect()
    }

    /// A value with what stands in it for another: a placeholder is put back once, and not in what was put back.
    fn expanded<'v>(&self, value: &'v str) -> Cow<'v, str> {
        let placed = self.placed(value);
        if placed.is_empty() {
            return Cow::Borrowed(value);
        }
        let (mut out, mut at) = (String::with_capacity(value.len()), 0);
        for span in placed {
            out.push_str(value.get(at..span.start).unwrap_or_default());
            let name = value.get(span.start + 1..span.end - 1).unwrap_or_default();
            out.push_str(self.values.get(name).map_or("", Value::text));
            at = span.end;
        }
        out.push_str(value.get(at..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Adds where a known value stands as a word and nothing was found: what is found in one text by the words around it
    /// is not found in another. Within a placeholder nothing is.
    fn find_again(&self, text: &str, placed: &[Range<usize>], stretches: &mut Vec<Stretch>) {
        let Some(automaton) = &self.again else { return };
        let (found, mut at) = (stretches.len(), 0);
        while let Some(again) = automaton.find(Input::new(text).span(at..text.len())) {
            let span = again.range();
            let near = stretches.get(..found).unwrap_or_default();
            let next = near.partition_point(|it| it.span.end <= span.start);
            let is_free = near.get(next).is_none_or(|it| it.span.start >= span.end);
            at = span.end;
            let is_free = is_free && touching(placed, span.clone()).next().is_none();
            if is_free && stands_alone(text, &span) {
                stretches.push(Stretch {
                    span,
                    rule: Cow::Borrowed(""),
                    is_masked: true,
                });
            }
        }
        stretches.sort_by_key(|it| it.span.start);
    }

    fn name(&mut self, rule: &str, value: &str) -> &str {
        if !self.names.contains_key(value) {
            let head = head_of(rule);
            let mut last = [0; LETTERS];
            let letters = head.bytes().rev().filter(u8::is_ascii_alphabetic);
            last.iter_mut()
                .rev()
                .zip(letters)
                .for_each(|(place, letter)| *place = letter);
            let count = self.counts.entry(head.clone()).or_default();
            *count += 1;
            while self.taken.contains(&(last, *count)) {
                *count += 1;
            }
            let name = format!("{head}_{count}");
            let value = Value(Arc::new(Secret::new(value)));
            self.values.insert(name.clone(), value.clone());
            self.names.insert(value, name);
        }
        self.names.get(value).map_or("", String::as_str)
    }

    /// How many values were replaced.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What puts the values back, in one text of the answer or one channel of its stream.
    #[must_use]
    pub fn into_unmasker(self) -> Unmasker {
        Unmasker::new(self.values)
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker")
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// One stretch of a text that is replaced as a whole.
struct Stretch {
    span: Range<usize>,
    rule: Cow<'static, str>,
    /// By a placeholder; else by a marker.
    is_masked: bool,
}

/// What is replaced in a text, in order, without overlaps: where a part of a stretch is redacted the whole of it is.
/// Markers that would touch are one. What touches a placeholder takes in all of it; what is to be masked and is nothing else
/// is masked.
fn stretches(text: &str, found: &[Found], placed: &[Range<usize>]) -> Vec<Stretch> {
    let replaced = |it: &&Found| matches!(it.action, Action::Mask | Action::Redact);
    let mut sorted: Vec<&Found> = found.iter().filter(replaced).collect();
    sorted.sort_by_key(|it| {
        (
            it.finding.span.start,
            Reverse(it.finding.score),
            Reverse(it.finding.span.end),
        )
    });
    let mut stretches: Vec<Stretch> = Vec::with_capacity(sorted.len());
    for Found { finding, action, .. } in sorted {
        let mut start = text.floor_char_boundary(finding.span.start);
        let mut end = text.ceil_char_boundary(finding.span.end);
        if start >= end {
            continue;
        }
        let is_masked = *action == Action::Mask;
        let mut touched = touching(placed, start..end);
        if let (Some(first), last) = (touched.next(), touched.last()) {
            (start, end) = (start.min(first.start), end.max(last.unwrap_or(first).end));
            if is_masked && *first == (start..end) {
                continue;
            }
        }
        match stretches.last_mut() {
            Some(last)
                if start < last.span.end || (start == last.span.end && !is_masked && !last.is_masked) =>
            {
                last.span.end = last.span.end.max(end);
                if last.is_masked && !is_masked {
                    (last.is_masked, last.rule) = (false, finding.rule.clone());
                }
            }
            _ => stretches.push(Stretch {
                span: start..end,
                rule: finding.rule.clone(),
                is_masked,
            }),
        }
    }
    stretches
}

/// Those of the spans, which are in order and apart, that a stretch touches.
fn touching(spans: &[Range<usize>], with: Range<usize>) -> impl Iterator<Item = &Range<usize>> {
    let (from, end) = (spans.partition_point(|it| it.end <= with.start), with.end);
    let near = spans.get(from..).unwrap_or_default();
    near.iter().take_while(move |it| it.start < end)
}

/// Whether no letter or digit goes on at either end of a stretch.
fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let (before, behind) = (text.get(..span.start), text.get(span.end..));
    let goes_on = |outside: Option<char>, inside: Option<char>| {
        outside.is_some_and(char::is_alphanumeric) && inside.is_some_and(char::is_alphanumeric)
    };
    let value = text.get(span.clone()).unwrap_or_default();
    !goes_on(before.and_then(|it| it.chars().next_back()), value.chars().next())
        && !goes_on(behind.and_then(|it| it.chars().next()), value.chars().next_back())
}

/// The letters of a placeholder, [`LETTERS`] at least: those of its rule, without who found it. Digits stay for the number.
fn head_of(rule: &str) -> String {
    let rule = rule.rsplit(':').next().unwrap_or(rule);
    let mut head = String::new();
    for byte in rule.bytes().take(HEAD_BYTES_MAX) {
        if byte.is_ascii_alphabetic() {
            head.push(char::from(byte.to_ascii_uppercase()));
        } else if !head.is_empty() && !head.ends_with('_') {
            head.push('_');
        }
    }
    head.truncate(head.trim_end_matches('_').len());
    let letters = head.bytes().filter(u8::is_ascii_alphabetic).count();
    match (letters, letters < LETTERS) {
        (0, _) => "VALUE".to_owned(),
        (_, true) => head + "_VALUE",
        (_, false) => head,
    }
}

/// What may stand between the parts of a placeholder's name.
pub(crate) const fn is_gap(byte: u8) -> bool {
    matches!(byte, b'_' | b' ' | b'-' | b'\\')
}
