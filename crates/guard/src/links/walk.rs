//! Finds where links are written in a text: markdown, HTML, style sheets and bare. Never says where they lead.
//!
//! It goes forward, once. What it looks back on and ahead at is bounded, so that a text in pieces gives the same places.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::text::{decoded, eq, trimmed};

/// The longest link, in bytes; what goes on is one all the same, and its length is a finding.
pub const LINK_BYTES_MAX: usize = 2_048;
/// How far a mark-up element or a label is looked back for.
pub(super) const BEHIND_BYTES: usize = 512;
/// How far the words of an HTML link are looked ahead for.
const AHEAD_BYTES: usize = 256;
/// The most bytes that are held back for a link.
pub const LINK_HOLD_BACK_BYTES_MAX: usize = LINK_BYTES_MAX + 2 * AHEAD_BYTES + GAP_BYTES + 16;
/// Spaces that may stand between the parts of an element.
const GAP_BYTES: usize = 8;
/// What shows whether a value is a whole address or a part of one.
const SCHEME_BYTES: usize = 40;

const TRIGGERS: [&str; 11] = [
    "http:", "https:", "ftp:", "ws:", "wss:", "www.", "](", "]:", "=", "url(", "@import",
];
const BARE_LAST: usize = 4;
const WWW: usize = 5;

static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostFirst)
        .build(TRIGGERS)
        .ok()
});

/// A link as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'t> {
    /// Its bytes in the window.
    pub(super) span: Range<usize>,
    /// What a reader of the mark-up takes for the address.
    pub(super) value: Cow<'t, str>,
    /// Whether it is followed without anybody asking for it.
    pub(super) loads: bool,
    /// What stands there for people to see, where that is not the address.
    pub(super) label: Option<Cow<'t, str>>,
    /// Whether it goes on beyond [`LINK_BYTES_MAX`].
    pub(super) long: bool,
}

/// What one step found.
pub(super) enum Step<'t> {
    /// Nothing before this is part of a link still unread; the link, if one was found.
    Next(usize, Option<Place<'t>>),
    /// What is here cannot be told yet. All but the last, where a link goes on, need a byte that can end it.
    Hungry {
        /// From here on.
        from: usize,
        /// Whether only the end of a link is missing.
        inside: bool,
    },
}

/// What ends a value.
#[derive(Clone, Copy)]
enum End {
    Bare(Option<u8>),
    Paren,
    Angle,
    Quote(u8),
    Space,
    Css,
}

/// A value that may be an address.
struct Target {
    from: usize,
    end: End,
    element: Element,
}

#[derive(Clone, Copy)]
enum Element {
    Markdown(usize),
    Definition,
    Html { loads: bool, anchor: bool },
    Style,
}

/// What could not be told for want of text.
struct Hungry;

type Told<T> = Result<T, Hungry>;

/// Whether a byte can end a link: before one comes, a link that is open stays open.
pub(super) const fn ends(byte: u8) -> bool {
    byte <= b' '
        || matches!(
            byte,
            b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}' | b'`' | b'|'
        )
        || byte >= 0x7F
}

/// Whether a byte ends a link that is too long.
pub(super) const fn ends_long(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b')' | b'`')
}

/// The next place from here on; `complete` says that nothing follows.
pub(super) fn step(text: &[u8], from: usize, complete: bool) -> Step<'_> {
    let stop = if complete { text.len() } else { begun(text, from) };
    let Some(automaton) = AUTOMATON.as_ref() else {
        return Step::Next(text.len(), None);
    };
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|rest| automaton.find(rest)) {
        let (start, end) = (at + found.start(), at + found.end());
        if start >= stop {
            break;
        }
        let number = found.pattern().as_usize();
        let look = Look { text, complete };
        let place = if number <= WWW {
            look.bare(start, end, number == WWW)
        } else {
            look.element(start, end, number)
        };
        match place {
            Ok(Some(place)) => return Step::Next(place.span.end, Some(place)),
            Ok(None) => at = end,
            Err(Hungry) => {
                let inside = text.len().saturating_sub(end) > 2 * SCHEME_BYTES;
                return Step::Hungry { from: start, inside };
            }
        }
    }
    Step::Next(stop.max(at.min(text.len())), None)
}

/// Where a trigger may have begun that is not yet complete.
fn begun(text: &[u8], from: usize) -> usize {
    let longest = 7;
    let first = text.len().saturating_sub(longest - 1).max(from);
    (first..text.len())
        .find(|at| {
            let tail = text.get(*at..).unwrap_or_default();
            let first = tail.first().map(u8::to_ascii_lowercase);
            matches!(first, Some(b'h' | b'f' | b'w' | b']' | b'u' | b'@'))
                && TRIGGERS.iter().any(|trigger| {
                    trigger.len() > tail.len()
                        && trigger
                            .as_bytes()
                            .get(..tail.len())
                            .is_some_and(|head| eq(head, tail))
                })
        })
        .unwrap_or(text.len())
}

struct Look<'t> {
    text: &'t [u8],
    complete: bool,
}

impl<'t> Look<'t> {
    fn byte(&self, at: usize) -> Told<Option<u8>> {
        match self.text.get(at) {
            None if !self.complete => Err(Hungry),
            byte => Ok(byte.copied()),
        }
    }

    /// An address that stands for itself.
    fn bare(&self, start: usize, end: usize, www: bool) -> Told<Option<Place<'t>>> {
        let before = start.checked_sub(1).and_then(|at| self.text.get(at)).copied();
        if www {
            if before
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'@' | b'-'))
            {
                return Ok(None);
            }
        } else {
            for at in end..end + 2 {
                if !self.byte(at)?.is_some_and(|byte| matches!(byte, b'/' | b'\\')) {
                    return Ok(None);
                }
            }
        }
        let (to, long) = self.end(start, End::Bare(before))?;
        let to = if long { to } else { trimmed(self.text, start..to) };
        if to <= end + 2 * usize::from(!www) {
            return Ok(None);
        }
        let raw = self.text.get(start..to).unwrap_or_default();
        let value = String::from_utf8_lossy(raw);
        Ok(Some(Place {
            span: start..to,
            value: if www {
                format!("https://{value}").into()
            } else {
                value
            },
            loads: false,
            label: None,
            long,
        }))
    }

    /// An address in mark-up, whatever it looks like.
    fn element(&self, start: usize, end: usize, number: usize) -> Told<Option<Place<'t>>> {
        let target = match number - BARE_LAST - 2 {
            0 => self.markdown(end, Element::Markdown(start))?,
            1 => self.markdown(end, Element::Definition)?,
            2 => self.attribute(start, end)?,
            3 => self.quoted(end, Element::Style, End::Css)?,
            _ => self.quoted(end, Element::Style, End::Space)?,
        };
        let Some(target) = target else { return Ok(None) };
        if !self.is_whole(target.from)? {
            return Ok(None);
        }
        let (to, long) = self.end(target.from, target.end)?;
        let span = target.from..to;
        let value = decoded(self.text.get(span.clone()).unwrap_or_default());
        let (loads, label) = match target.element {
            Element::Markdown(bracket) => self.label(bracket),
            Element::Definition | Element::Style => (true, None),
            Element::Html { loads, anchor } => {
                let label = if anchor && !long { self.words(to)? } else { None };
                (loads, label)
            }
        };
        Ok((!span.is_empty()).then_some(Place {
            span,
            value: value.into(),
            loads,
            label,
            long,
        }))
    }

    fn gap(&self, from: usize) -> Told<usize> {
        for at in from..from + GAP_BYTES {
            if !self.byte(at)?.is_some_and(|byte| byte.is_ascii_whitespace()) {
                return Ok(at);
            }
        }
        Ok(from + GAP_BYTES)
    }

    fn markdown(&self, end: usize, element: Element) -> Told<Option<Target>> {
        let from = self.gap(end)?;
        let angle = self.byte(from)? == Some(b'<');
        let plain = if matches!(element, Element::Definition) {
            End::Space
        } else {
            End::Paren
        };
        Ok(Some(Target {
            from: from + usize::from(angle),
            end: if angle { End::Angle } else { plain },
            element,
        }))
    }

    fn quoted(&self, end: usize, element: Element, otherwise: End) -> Told<Option<Target>> {
        let mut from = self.gap(end)?;
        // In a JSON string the quote is escaped.
        while from < end + 2 * GAP_BYTES && self.byte(from)? == Some(b'\\') {
            from += 1;
        }
        let quote = self
            .byte(from)?
            .filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        Ok(Some(Target {
            from: from + usize::from(quote.is_some()),
            end: quote.map_or(otherwise, End::Quote),
            element,
        }))
    }

    /// The value of an HTML attribute that holds an address.
    fn attribute(&self, equals: usize, end: usize) -> Told<Option<Target>> {
        let low = equals.saturating_sub(BEHIND_BYTES);
        let behind = self.text.get(low..equals).unwrap_or_default().trim_ascii_end();
        let letters = behind
            .iter()
            .rev()
            .take(16)
            .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b':'))
            .count();
        let (before, name) = behind.split_at(behind.len() - letters);
        let ends = |with: &str| {
            let at = name.len().checked_sub(with.len());
            at.and_then(|at| name.get(at..))
                .is_some_and(|tail| eq(tail, with.as_bytes()))
        };
        let loads = ["src", "srcset", "poster", "background"]
            .iter()
            .any(|it| ends(it));
        let clicks = ["action", "ping"].iter().any(|it| ends(it));
        if !loads && !clicks && !ends("href") && !eq(name, b"data") {
            return Ok(None);
        }
        // The element is looked for only where there is an address.
        let Some(target) = self.quoted(end, Element::Style, End::Space)? else {
            return Ok(None);
        };
        if !self.is_whole(target.from)? {
            return Ok(None);
        }
        let tag = before
            .iter()
            .rposition(|byte| *byte == b'<')
            .and_then(|at| before.get(at + 1..))
            .unwrap_or_default();
        let letters = tag.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let is = |name: &str| tag.get(..letters).is_some_and(|it| eq(it, name.as_bytes()));
        if eq(name, b"data") && !is("object") {
            return Ok(None);
        }
        let fetches = ["link", "image", "use", "base", "object", "feImage"]
            .iter()
            .any(|it| is(it));
        let element = Element::Html {
            loads: loads || fetches,
            anchor: is("a"),
        };
        let end = if ends("srcset") { End::Space } else { target.end };
        Ok(Some(Target {
            end,
            element,
            ..target
        }))
    }

    /// Whether what begins here is an address of its own: with a scheme, or with the host.
    fn is_whole(&self, from: usize) -> Told<bool> {
        let mut bytes = 0;
        let mut slashes = 0;
        for at in from..from + SCHEME_BYTES {
            let Some(byte) = self.byte(at)? else {
                return Ok(false);
            };
            match byte {
                b'/' | b'\\' if bytes == 0 => slashes += 1,
                b'\t' | b'\r' | b'\n' => {}
                _ if slashes >= 2 => return Ok(true),
                // A reference to a character may hide any of them.
                b'&' => return Ok(slashes == 0),
                _ if slashes == 1 => return Ok(false),
                b':' => return Ok(bytes > 0 && !self.is_picture(from)?),
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') => bytes += 1,
                byte if byte <= b' ' && bytes == 0 => {}
                _ => return Ok(false),
            }
        }
        Ok(slashes >= 2)
    }

    /// Whether it is a picture that is all here: it fetches nothing, and may be long.
    fn is_picture(&self, from: usize) -> Told<bool> {
        let mut bytes = Vec::new();
        for at in from..from + SCHEME_BYTES {
            let Some(byte) = self.byte(at)? else { break };
            if ends(byte) || matches!(byte, b',' | b';') {
                break;
            }
            bytes.push(byte.to_ascii_lowercase());
            if bytes.len() == 5 && bytes != b"data:" {
                return Ok(false);
            }
        }
        let kind = bytes.strip_prefix(b"data:image/".as_slice());
        Ok(kind.is_some_and(|kind| {
            let kinds: [&[u8]; 8] = [
                b"png", b"jpeg", b"jpg", b"gif", b"webp", b"avif", b"bmp", b"x-icon",
            ];
            kinds.contains(&kind)
        }))
    }

    /// Where a value ends, and whether it goes on for too long.
    fn end(&self, from: usize, end: End) -> Told<(usize, bool)> {
        let (mut open, mut square) = (0_u32, 0_u32);
        let limit = from + LINK_BYTES_MAX;
        for (at, &byte) in self.text.iter().enumerate().take(limit).skip(from) {
            open += u32::from(byte == b'(');
            square += u32::from(byte == b'[');
            let is_end = match end {
                End::Bare(before) => {
                    byte <= b' '
                        || matches!(byte, b'"' | b'<' | b'>' | b'`' | b'|' | 0x7F)
                        || (byte == b'\'' && before == Some(b'\''))
                        // The label of a link ends here, or what stands in brackets.
                        || (byte == b']' && square == 0)
                        || (byte == b')' && open == 0)
                        || (byte >= 0x80 && self.closes(at))
                }
                End::Paren => byte <= b' ' || byte == b'>' || (byte == b')' && open == 0),
                End::Angle => matches!(byte, b'>' | b'\n'),
                End::Quote(quote) => byte == quote,
                End::Space => byte <= b' ' || matches!(byte, b'>' | b'"' | b'\''),
                End::Css => byte <= b' ' || matches!(byte, b')' | b'"' | b'\''),
            };
            if is_end {
                return Ok((at, false));
            }
            match byte {
                b')' => open = open.saturating_sub(1),
                b']' => square = square.saturating_sub(1),
                _ => {}
            }
        }
        if self.text.len() >= limit {
            let mut at = limit;
            while at > from && self.text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
                at -= 1;
            }
            return Ok((at, true));
        }
        if self.complete {
            Ok((self.text.len(), false))
        } else {
            Err(Hungry)
        }
    }

    /// Whether a character beyond ASCII ends an address in running text: quotes and signs of other scripts.
    fn closes(&self, at: usize) -> bool {
        let head = self
            .text
            .get(at..(at + 4).min(self.text.len()))
            .unwrap_or_default();
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) => head
                .get(..error.valid_up_to())
                .and_then(|it| std::str::from_utf8(it).ok())
                .unwrap_or(""),
        };
        let first = text.chars().next();
        first.is_some_and(|c| c.is_whitespace() || matches!(c as u32, 0xAB | 0xBB | 0x2018..=0x201F | 0x2026 | 0x3000..=0x303F | 0xFF00..=0xFF0F | 0xFF1A..=0xFF1F))
    }

    /// The label before a markdown target, and whether it is an image's. One whose start is out of sight is taken for an
    /// image's.
    fn label(&self, bracket: usize) -> (bool, Option<Cow<'t, str>>) {
        let low = bracket.saturating_sub(BEHIND_BYTES);
        let behind = self.text.get(low..bracket).unwrap_or_default();
        let mut depth = 0_u32;
        for (at, byte) in behind.iter().enumerate().rev() {
            match byte {
                b']' => depth += 1,
                b'[' if depth > 0 => depth -= 1,
                b'[' => {
                    let image = at.checked_sub(1).and_then(|at| behind.get(at)) == Some(&b'!');
                    let label = behind.get(at + 1..).unwrap_or_default();
                    return (image, (!image).then(|| String::from_utf8_lossy(label)));
                }
                _ => {}
            }
        }
        (true, None)
    }

    /// What an HTML link shows.
    fn words(&self, from: usize) -> Told<Option<Cow<'t, str>>> {
        let seek = |from: usize, wanted: u8| {
            for at in from..from + AHEAD_BYTES {
                match self.byte(at)? {
                    Some(byte) if byte == wanted => return Ok(Some(at)),
                    None => return Ok(None),
                    _ => {}
                }
            }
            Ok(None)
        };
        let Some(open) = seek(from, b'>')? else {
            return Ok(None);
        };
        let close = seek(open + 1, b'<')?;
        let words = close.and_then(|close| self.text.get(open + 1..close));
        Ok(words.map(String::from_utf8_lossy))
    }
}
