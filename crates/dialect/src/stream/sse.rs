//! Splits bytes into server-sent events, whatever the chunking, and keeps each event's exact bytes.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::DialectError;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event: its bytes as they came, its terminating blank line included, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The exact bytes: forwarding these forwards the event unchanged.
    pub raw: Bytes,
    name: Range<usize>,
    data: Data,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    None,
    /// One line: where it stands in `raw`.
    Line(Range<usize>),
    /// Several lines, joined.
    Joined(Vec<u8>),
}

impl SseEvent {
    /// Reads one event from its bytes.
    pub fn parse(raw: Bytes) -> Self {
        let mut event = Self {
            raw: Bytes::new(),
            name: 0..0,
            data: Data::None,
        };
        let start = if raw.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let mut at = start;
        while at < raw.len() {
            let line = line_at(&raw, at);
            at = line.next;
            event.field(&raw, line.text);
        }
        event.raw = raw;
        event
    }

    fn field(&mut self, raw: &[u8], line: Range<usize>) {
        let text = raw.get(line.clone()).unwrap_or_default();
        let colon = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(colon).unwrap_or_default();
        let space = usize::from(rest.get(1) == Some(&b' '));
        let value = (line.start + colon + 1 + space).min(line.end)..line.end;
        match name {
            b"event" => self.name = value,
            b"data" => self.add_data(raw, value),
            _ => {}
        }
    }

    fn add_data(&mut self, raw: &[u8], value: Range<usize>) {
        let text = raw.get(value.clone()).unwrap_or_default();
        let mut lines = match std::mem::replace(&mut self.data, Data::None) {
            Data::None => {
                self.data = Data::Line(value);
                return;
            }
            Data::Line(first) => raw.get(first).unwrap_or_default().to_vec(),
            Data::Joined(lines) => lines,
        };
        lines.push(b'\n');
        lines.extend_from_slice(text);
        self.data = Data::Joined(lines);
    }

    /// The event's name, when it has one.
    pub fn name(&self) -> Option<&str> {
        let name = std::str::from_utf8(self.raw.get(self.name.clone())?).ok()?;
        (!name.is_empty()).then_some(name)
    }

    /// The event's data, lines joined by a newline. Empty when there is none.
    pub fn data(&self) -> &[u8] {
        match &self.data {
            Data::None => &[],
            Data::Line(span) => self.raw.get(span.clone()).unwrap_or_default(),
            Data::Joined(lines) => lines,
        }
    }

    /// Whether there is data: comments and bare names are kept, and mean nothing to a dialect.
    pub const fn has_data(&self) -> bool {
        !matches!(self.data, Data::None)
    }

    /// The data as text, whatever is not UTF-8 replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.data())
    }

    /// The bytes of an event with other data on one line, its other lines as they were.
    pub(crate) fn with_data(&self, data: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(self.raw.len() + data.len());
        let mut at = if self.raw.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let mut written = false;
        while at < self.raw.len() {
            let line = line_at(&self.raw, at);
            let text = self.raw.get(line.text.clone()).unwrap_or_default();
            if !(text.starts_with(b"data:") || text == b"data") {
                out.extend_from_slice(self.raw.get(at..line.next).unwrap_or_default());
            } else if !written {
                written = true;
                out.extend_from_slice(b"data: ");
                out.extend(data.iter().map(|byte| {
                    if matches!(byte, b'\n' | b'\r') {
                        b' '
                    } else {
                        *byte
                    }
                }));
                out.extend_from_slice(self.raw.get(line.text.end..line.next).unwrap_or_default());
            }
            at = line.next;
        }
        out.freeze()
    }
}

struct Line {
    text: Range<usize>,
    next: usize,
}

/// The line that starts at `at`, without and with its ending.
fn line_at(raw: &[u8], at: usize) -> Line {
    let rest = raw.get(at..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(rest.len());
    let ending = match (rest.get(length), rest.get(length + 1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(_), _) => 1,
        (None, _) => 0,
    };
    Line {
        text: at..at + length,
        next: at + length + ending,
    }
}

/// Splits a stream of bytes into events.
///
/// An event that lies within one chunk is a slice of it; only what crosses chunks is copied, once. What
/// one event may hold is bounded.
#[derive(Debug)]
pub struct SseSplitter {
    event_bytes_max: usize,
    /// Bytes of the last chunk, while nothing is carried over.
    chunk: Bytes,
    /// Bytes carried over from earlier chunks; everything pending is here when it is not empty.
    carried: BytesMut,
    /// How many pending bytes were looked at, and where their current line starts.
    scanned: usize,
    line_at: usize,
    started: bool,
}

impl SseSplitter {
    /// A splitter that refuses events larger than this.
    // threat: ANP-0008
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            event_bytes_max,
            chunk: Bytes::new(),
            carried: BytesMut::new(),
            scanned: 0,
            line_at: 0,
            started: false,
        }
    }

    /// Takes the next bytes. Call [`Self::next`] until it has no more.
    pub fn push(&mut self, chunk: Bytes) {
        if self.carried.is_empty() && self.chunk.is_empty() {
            self.chunk = chunk;
            return;
        }
        self.carry();
        self.carried.extend_from_slice(&chunk);
    }

    fn carry(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        self.carried.extend_from_slice(&chunk);
    }

    /// The next whole event, if there is one.
    #[expect(clippy::should_implement_trait, reason = "it fails, and goes on after `None`")]
    pub fn next(&mut self) -> Result<Option<SseEvent>, DialectError> {
        let end = self.scan();
        if end.unwrap_or(self.scanned) > self.event_bytes_max {
            return Err(DialectError::EventTooLarge {
                max: self.event_bytes_max,
            });
        }
        let Some(end) = end else { return Ok(None) };
        let raw = if self.carried.is_empty() {
            self.chunk.split_to(end)
        } else {
            self.carried.split_to(end).freeze()
        };
        (self.scanned, self.line_at, self.started) = (0, 0, true);
        Ok(Some(SseEvent::parse(raw)))
    }

    /// What is left at the end of the stream: bytes without a terminating blank line, which no client
    /// takes for an event. They were read by nobody and are not for forwarding.
    pub fn finish(&mut self) -> Option<Bytes> {
        self.carry();
        let left = std::mem::take(&mut self.carried).freeze();
        (self.scanned, self.line_at) = (0, 0);
        (!left.is_empty()).then_some(left)
    }

    /// Looks for the end of the first pending event. A `\r` at the very end waits for its `\n`.
    fn scan(&mut self) -> Option<usize> {
        let pending: &[u8] = if self.carried.is_empty() {
            &self.chunk
        } else {
            &self.carried
        };
        let mark = usize::from(!self.started && pending.starts_with(BYTE_ORDER_MARK)) * BYTE_ORDER_MARK.len();
        loop {
            let rest = pending.get(self.scanned..).unwrap_or_default();
            let Some(found) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.scanned = pending.len();
                return None;
            };
            let at = self.scanned + found;
            let ending = match (pending.get(at), pending.get(at + 1)) {
                (Some(b'\r'), None) => {
                    self.scanned = at;
                    return None;
                }
                (Some(b'\r'), Some(b'\n')) => 2,
                _ => 1,
            };
            let blank = at == self.line_at.max(mark);
            self.scanned = at + ending;
            self.line_at = self.scanned;
            if blank {
                return Some(self.scanned);
            }
        }
    }
}
