//! The language rules are written in, and its interpreter. Walks forward, never backtracks, never
//! looks further than the shape's bound; so a verdict depends on a bounded stretch of text only.

use std::ops::Range;

use crate::assigned::{self, Read, VALUE_ON};
use crate::class::{ALNUM, Class};
use crate::password;
use crate::tail::Tail;
use crate::value::{contains, ends_in_word};

/// One step of a shape.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// Exactly these bytes.
    Lit(&'static str),
    /// The first of these that stands here; longer ones first, an empty one makes it optional.
    AnyOf(&'static [&'static str]),
    /// As many bytes of the class as there are, to a maximum; fewer than the minimum is no match.
    Run(Class, usize, usize),
    /// The finding starts here, not at the trigger.
    Mark,
    /// The next byte is not of the class.
    NotNext(Class),
    /// None of these stands here.
    Unless(&'static [&'static str]),
    /// None of the words stands behind what follows here of the class, to a maximum; nothing of it is taken.
    NotThen(Class, usize, &'static [&'static str]),
    /// The bytes since the mark must satisfy a predicate.
    Check(fn(&[u8]) -> bool),
    /// The bytes of the class that follow, to a maximum, must satisfy a predicate; they are not taken.
    /// Once it holds for some bytes it must hold for more of them.
    Ahead(Class, usize, fn(&[u8]) -> bool),
    /// The value that is assigned to the name which ends here, if it satisfies a predicate; `upper` says
    /// that the name is in capitals. Always the last part.
    Assigned {
        /// Whether the name is in capitals.
        upper: bool,
        /// What the value must satisfy.
        test: assigned::Test,
    },
    /// What somebody chose and assigned to the name which ends here. Always the last part.
    Chosen(password::Test),
    /// From here on the match is sure, and goes on as far as the tail does. Always the last part.
    Open(Tail),
}

/// What must stand before the trigger.
#[derive(Clone, Copy)]
pub(crate) enum Before {
    /// The start of the text, or no letter or digit (an escape such as `\n` or `%3D` is neither).
    Edge,
    /// The start of the text, or no byte of the class.
    Not(Class),
    /// A byte of the class.
    In(Class),
    /// One of these.
    Ends(&'static [&'static str]),
    /// None of these.
    EndsNot(&'static [&'static str]),
    /// An edge, and close before it a sign, a quote or a word that says what follows (`true`); or nothing like that.
    Told(bool),
    /// A byte of the class, and before it, signs such as `_` aside, none of these.
    Named(Class, &'static Names),
}

/// Names, to tell whether a text ends in one.
pub(crate) struct Names {
    /// Of three bytes or more, in small letters.
    words: &'static [&'static str],
    /// One bit for each of so many ends of three bytes: most texts end in none of these.
    ends: [u64; NAME_ENDS / 64],
}

const NAME_ENDS: usize = 1024;

impl Names {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where iterators cannot be"
    )]
    pub(crate) const fn of(words: &'static [&'static str]) -> Self {
        let mut ends = [0; NAME_ENDS / 64];
        let mut at = 0;
        while at < words.len() {
            if let Some(last) = words[at].as_bytes().last_chunk() {
                let end = Self::end(*last);
                ends[end / 64] |= 1 << (end % 64);
            }
            at += 1;
        }
        Self { words, ends }
    }

    /// A place for three bytes, of either case.
    const fn end(last: [u8; 3]) -> usize {
        let [one, two, three] = last;
        let folded = u32::from_le_bytes([one, two, three, 0]) | 0x20_2020;
        (folded.wrapping_mul(0x9E37_79B1) >> 22) as usize
    }

    /// Whether one of them ends the text, as a word of its own or a part that a capital begins.
    fn end_one(&self, text: &[u8]) -> bool {
        let end = text.last_chunk().map(|last| Self::end(*last));
        let may = end.is_some_and(|end| {
            self.ends
                .get(end / 64)
                .is_some_and(|bits| (bits >> (end % 64)) & 1 == 1)
        });
        let last = text.last().map(u8::to_ascii_lowercase);
        let mut alike = self.words.iter().filter(|word| word.bytes().last() == last);
        may && alike.any(|word| ends_in_word(text, word))
    }
}

/// Bytes before a trigger that [`Before`] may look at.
pub(crate) const LOOK_BEHIND_BYTES: usize = 16;

impl Before {
    /// Whether it is known to ask for the same as another.
    pub(crate) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Edge, Self::Edge) => true,
            (Self::Told(one), Self::Told(other)) => one == other,
            (Self::Not(one), Self::Not(other)) | (Self::In(one), Self::In(other)) => one == other,
            (Self::Named(one, names), Self::Named(other, others)) => {
                one == other && std::ptr::eq(names, others)
            }
            _ => false,
        }
    }

    /// Whether a trigger may stand behind `behind` (all text before it, or its last bytes).
    pub(crate) fn allows(self, behind: &[u8]) -> bool {
        let last = behind.last().copied();
        match self {
            Self::Edge => is_edge(behind),
            Self::Told(told) => is_edge(behind) && tells(behind) == told,
            Self::Not(class) => !last.is_some_and(|byte| class.has(byte)) || ends_in_escape(behind),
            Self::In(class) => last.is_some_and(|byte| class.has(byte)),
            Self::Ends(words) => ends_in_any(behind, words),
            Self::EndsNot(words) => !ends_in_any(behind, words),
            Self::Named(class, others) => {
                let near = behind.get(behind.len().saturating_sub(LOOK_BEHIND_BYTES)..);
                near.is_some_and(|near| ends_name(near, class, others))
            }
        }
    }
}

fn is_edge(behind: &[u8]) -> bool {
    !behind.last().is_some_and(|&byte| ALNUM.has(byte)) || ends_in_escape(behind)
}

/// Whether what stands close before says that a key follows: it is assigned, passed on or named.
fn tells(behind: &[u8]) -> bool {
    const SIGNS: Class = Class::of("=:>\"'`(");
    let near = behind.get(behind.len().saturating_sub(LOOK_BEHIND_BYTES)..);
    let near = near.unwrap_or_default();
    near.iter().any(|&byte| SIGNS.has(byte)) || ["key", "token"].iter().any(|word| contains(near, word))
}

fn ends_name(behind: &[u8], class: Class, others: &Names) -> bool {
    let Some((last, before)) = behind.split_last() else {
        return false;
    };
    if !class.has(*last) || is_inside_value(behind) {
        return false;
    }
    let joint = |byte: &u8| matches!(byte, b'_' | b'-' | b'.' | b' ');
    let bare = |text: &[u8]| text.iter().rposition(|byte| !joint(byte)).map_or(0, |at| at + 1);
    // The last byte may begin the name itself.
    let other = |text: &[u8]| others.end_one(text.get(..bare(text)).unwrap_or_default());
    !other(behind) && !other(before)
}

/// Whether the bytes are rather a generated value that goes on than the beginning of a name.
fn is_inside_value(behind: &[u8]) -> bool {
    let digits = behind.iter().filter(|byte| byte.is_ascii_digit()).count();
    behind.len() == LOOK_BEHIND_BYTES && digits >= 3 && behind.iter().all(|&byte| ALNUM.has(byte))
}

/// Whether an escape ends here: `\n` and its like in source code, `%3D` in URLs.
fn ends_in_escape(behind: &[u8]) -> bool {
    match behind {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

fn ends_in_any(behind: &[u8], words: &[&str]) -> bool {
    let Some(last) = behind.last() else {
        return words.contains(&"");
    };
    // Most words end otherwise, which one byte tells.
    let ends_alike = |word: &&&str| {
        word.bytes()
            .last()
            .is_none_or(|end| end.eq_ignore_ascii_case(last))
    };
    words.iter().filter(ends_alike).any(|word| {
        let from = behind.len().checked_sub(word.len());
        from.and_then(|from| behind.get(from..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// The verdict on a shape at one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not there, whatever follows.
    Absent,
    /// It is not there, but a long value is that is none: what names stand in it are parts of it.
    Rejected(Range<usize>),
    /// What follows decides.
    Undecided,
    /// It is there, so far as it says; with a tail when it may go on beyond the text.
    Present(Match),
}

/// Where a shape is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// What is here of it.
    pub span: Range<usize>,
    /// Where the part ends that the verdict was about: the same however the text is cut.
    pub sure_to: usize,
    /// How it may go on beyond the text.
    pub tail: Option<Tail>,
}

impl Verdict {
    /// Whether it is not there, whatever follows.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Rejected(_))
    }
}

/// Walks a shape from `at`. `complete` says that the text ends where `text` ends.
pub(crate) fn walk(shape: &[Part], text: &[u8], at: usize, complete: bool) -> Verdict {
    let mut walk = Walk {
        text,
        complete,
        start: at,
        at,
    };
    for part in shape {
        match walk.take(part) {
            Took::Some(bytes) => walk.at += bytes,
            Took::Nothing => return Verdict::Absent,
            Took::Rejected(from, to) => return Verdict::Rejected(walk.at + from..walk.at + to),
            Took::Wait => return Verdict::Undecided,
            Took::Open(sure, bytes, tail) => {
                return Verdict::Present(Match {
                    span: walk.start..walk.at + sure + bytes,
                    sure_to: walk.at + sure,
                    tail,
                });
            }
        }
    }
    Verdict::Present(Match {
        span: walk.start..walk.at,
        sure_to: walk.at,
        tail: None,
    })
}

struct Walk<'t> {
    text: &'t [u8],
    complete: bool,
    start: usize,
    at: usize,
}

enum Took {
    Some(usize),
    Nothing,
    Rejected(usize, usize),
    Wait,
    /// So many bytes, and so many more of its tail.
    Open(usize, usize, Option<Tail>),
}

impl Walk<'_> {
    fn take(&mut self, part: &Part) -> Took {
        let rest = self.text.get(self.at..).unwrap_or_default();
        match *part {
            Part::Lit(word) => self.one_of(rest, &[word]),
            Part::AnyOf(words) => self.one_of(rest, words),
            Part::Run(class, min, max) => self.run(rest, class, min, max),
            Part::Mark => {
                self.start = self.at;
                Took::Some(0)
            }
            Part::NotNext(class) => self.not_next(rest, class),
            Part::Unless(words) => self.unless(rest, words),
            Part::NotThen(class, max, words) => self.not_then(rest, class, max, words),
            Part::Check(holds) => {
                let taken = self.text.get(self.start..self.at).unwrap_or_default();
                if holds(taken) {
                    Took::Some(0)
                } else {
                    Took::Nothing
                }
            }
            Part::Ahead(class, max, holds) => self.ahead(rest, class, max, holds),
            Part::Assigned { upper, test } => {
                let read = assigned::read(rest, self.complete, upper, test);
                self.value(rest, read, Tail::Run(VALUE_ON))
            }
            Part::Chosen(test) => {
                let read = password::read(rest, self.complete, test);
                self.value(rest, read, Tail::Run(Class::of("")))
            }
            Part::Open(tail) => self.open(rest, tail),
        }
    }

    /// The finding is the value alone, with what the tail adds to it.
    fn value(&mut self, rest: &[u8], read: Read, tail: Tail) -> Took {
        match read {
            Read::Nothing => Took::Nothing,
            Read::Rejected(from, to) => Took::Rejected(from, to),
            Read::Wait => Took::Wait,
            Read::Value(start, end) => {
                self.start = self.at + start;
                match self.open(rest.get(end..).unwrap_or_default(), tail) {
                    Took::Open(_, bytes, tail) => Took::Open(end, bytes, tail),
                    took => took,
                }
            }
        }
    }

    fn one_of(&self, rest: &[u8], words: &[&str]) -> Took {
        for word in words {
            if rest.starts_with(word.as_bytes()) {
                return Took::Some(word.len());
            }
            if self.may_become(rest, word) {
                return Took::Wait;
            }
        }
        Took::Nothing
    }

    fn unless(&self, rest: &[u8], words: &[&str]) -> Took {
        match self.one_of(rest, words) {
            Took::Some(_) => Took::Nothing,
            Took::Wait => Took::Wait,
            Took::Nothing | Took::Rejected(..) | Took::Open(..) => Took::Some(0),
        }
    }

    fn not_then(&self, rest: &[u8], class: Class, max: usize, words: &[&str]) -> Took {
        let gap = class.run(rest, max);
        match rest.get(gap..) {
            Some([]) if gap < max && !self.complete => Took::Wait,
            behind => self.unless(behind.unwrap_or_default(), words),
        }
    }

    fn may_become(&self, rest: &[u8], word: &str) -> bool {
        !self.complete && rest.len() < word.len() && word.as_bytes().starts_with(rest)
    }

    fn run(&self, rest: &[u8], class: Class, min: usize, max: usize) -> Took {
        let taken = class.run(rest, max);
        let cut = taken == rest.len() && taken < max;
        match () {
            () if cut && !self.complete => Took::Wait,
            () if taken < min => Took::Nothing,
            () => Took::Some(taken),
        }
    }

    fn ahead(&self, rest: &[u8], class: Class, max: usize, holds: fn(&[u8]) -> bool) -> Took {
        let seen = class.run(rest, max);
        let cut = seen == rest.len() && seen < max;
        match () {
            () if holds(rest.get(..seen).unwrap_or_default()) => Took::Some(0),
            () if cut && !self.complete => Took::Wait,
            () => Took::Nothing,
        }
    }

    fn not_next(&self, rest: &[u8], class: Class) -> Took {
        match rest.first() {
            Some(&byte) if class.has(byte) => Took::Nothing,
            None if !self.complete => Took::Wait,
            _ => Took::Some(0),
        }
    }

    fn open(&self, rest: &[u8], mut tail: Tail) -> Took {
        let (bytes, ended) = tail.feed(rest);
        Took::Open(0, bytes, (!ended && !self.complete).then_some(tail))
    }
}

/// The most bytes after its start that a shape's verdict can depend on.
#[cfg(test)]
pub(crate) fn bound(shape: &[Part]) -> usize {
    let longest = |words: &[&str]| words.iter().map(|word| word.len()).max().unwrap_or(0);
    shape
        .iter()
        .map(|part| match part {
            Part::Lit(word) => word.len(),
            Part::AnyOf(words) | Part::Unless(words) => longest(words),
            Part::Run(_, _, max) | Part::Ahead(_, max, _) => *max,
            Part::NotNext(_) => 1,
            Part::NotThen(_, max, words) => max + longest(words),
            Part::Assigned { .. } => assigned::ASSIGNED_BYTES_MAX,
            Part::Chosen(_) => password::NAMED_PASSWORD_BYTES_MAX,
            Part::Mark | Part::Check(_) | Part::Open(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{DIGIT, TOKEN};

    const SHAPE: &[Part] = &[
        Part::Lit("id_"),
        Part::Mark,
        Part::Run(DIGIT, 2, 4),
        Part::NotNext(ALNUM),
    ];

    fn present(span: Range<usize>) -> Verdict {
        Verdict::Present(Match {
            sure_to: span.end,
            span,
            tail: None,
        })
    }

    #[test]
    fn verdicts_wait_exactly_while_the_future_matters() {
        assert_eq!(walk(SHAPE, b"i", 0, false), Verdict::Undecided);
        assert_eq!(walk(SHAPE, b"ix", 0, false), Verdict::Absent);
        assert_eq!(walk(SHAPE, b"id_1", 0, false), Verdict::Undecided);
        assert_eq!(walk(SHAPE, b"id_1", 0, true), Verdict::Absent);
        assert_eq!(walk(SHAPE, b"id_12", 0, true), present(3..5));
        assert_eq!(walk(SHAPE, b"id_1234", 0, false), Verdict::Undecided);
        assert_eq!(walk(SHAPE, b"id_1234 ", 0, false), present(3..7));
        assert_eq!(walk(SHAPE, b"id_12345", 0, false), Verdict::Absent);
    }

    #[test]
    fn alternatives_prefer_the_longer() {
        let shape = &[Part::AnyOf(&["abc", "ab", ""]), Part::Lit("!")];
        assert_eq!(walk(shape, b"ab", 0, false), Verdict::Undecided);
        assert_eq!(walk(shape, b"ab!", 0, false), present(0..3));
        assert_eq!(walk(shape, b"!", 0, false), present(0..1));
    }

    #[test]
    fn an_open_end_reports_what_is_there_and_goes_on() {
        let shape = &[
            Part::Lit("k-"),
            Part::Run(DIGIT, 2, 2),
            Part::Open(Tail::Run(TOKEN)),
        ];
        assert_eq!(
            walk(shape, b"k-12ab", 0, false),
            Verdict::Present(Match {
                span: 0..6,
                sure_to: 4,
                tail: Some(Tail::Run(TOKEN)),
            })
        );
        assert_eq!(
            walk(shape, b"k-12ab ", 0, false),
            Verdict::Present(Match {
                span: 0..6,
                sure_to: 4,
                tail: None,
            })
        );
    }

    #[test]
    fn what_stands_behind_a_match_is_no_part_of_it() {
        let shape = &[
            Part::Run(DIGIT, 2, 2),
            Part::NotThen(Class::of(" ,"), 3, &["none"]),
        ];
        assert_eq!(walk(shape, b"12 ", 0, false), Verdict::Undecided);
        assert_eq!(walk(shape, b"12 ", 0, true), present(0..2));
        assert_eq!(walk(shape, b"12, no", 0, false), Verdict::Undecided);
        assert_eq!(walk(shape, b"12, none", 0, false), Verdict::Absent);
        assert_eq!(walk(shape, b"12, nor", 0, false), present(0..2));
        assert_eq!(walk(shape, b"12    none", 0, false), present(0..2));
    }

    #[test]
    fn what_is_told_has_a_sign_or_a_name_close_before_it() {
        for (behind, told) in [
            ("", false),
            ("\n", false),
            ("see ", false),
            ("key=", true),
            ("my key is ", true),
            ("value: '", true),
            ("key = x; and a long way from it ", false),
        ] {
            assert_eq!(Before::Told(true).allows(behind.as_bytes()), told, "{behind}");
            assert_eq!(Before::Told(false).allows(behind.as_bytes()), !told, "{behind}");
        }
        assert!(!Before::Told(true).allows(b"key=a") && !Before::Told(false).allows(b"a"));
    }

    #[test]
    fn edges_know_escapes() {
        assert!(Before::Edge.allows(b""));
        assert!(Before::Edge.allows(b"= "));
        assert!(!Before::Edge.allows(b"ta"));
        assert!(Before::Edge.allows(br"\n"));
        assert!(Before::Edge.allows(b"token%3D"));
    }
}
