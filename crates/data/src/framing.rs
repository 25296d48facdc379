//! Where messages begin and end on an HTTP/1.1 connection, read from its bytes.
//!
//! hyper tidies a head before a service sees it: `content-length` beside `transfer-encoding` is gone, and
//! equal lengths are one. What two readers could take in two ways is therefore looked for here, before
//! hyper reads. The bytes are never changed or held back, and nothing is answered: a message is only
//! marked, by its place in the connection.

use memchr::memchr;

/// Follows one connection's bytes from message to message.
///
/// It looks no further than the first message that ends the connection: one in two framings, or a chunked
/// one (`docs/decisions/0006`). Heads are as large as hyper lets them be; of a body nothing is kept.
#[derive(Debug)]
pub struct Framing {
    at: At,
    /// Whole heads so far.
    heads: u64,
}

#[derive(Debug)]
enum At {
    Head(Head),
    /// This many bytes of a body are still to come.
    Body(u64),
    /// The connection ends with this message.
    Last,
}

/// A head under way.
#[derive(Debug, Default)]
struct Head {
    /// A line of which the end has not come.
    begun: Vec<u8>,
    has_request_line: bool,
    length: Option<u64>,
    is_chunked: bool,
    is_ambiguous: bool,
}

/// What a line has done to a head.
enum Line {
    More,
    /// That was the empty line at its end.
    End,
}

impl Default for Framing {
    fn default() -> Self {
        Self {
            at: At::Head(Head::default()),
            heads: 0,
        }
    }
}

impl Framing {
    /// Reads on. Returns the number, counted from 0, of a message in two framings, if its head ends here.
    pub fn read(&mut self, mut bytes: &[u8]) -> Option<u64> {
        loop {
            match &mut self.at {
                At::Last => return None,
                At::Body(left) => {
                    let skip = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = bytes.get(skip..)?;
                    *left = left.saturating_sub(skip as u64);
                    if *left > 0 {
                        return None;
                    }
                    self.at = At::Head(Head::default());
                }
                At::Head(head) => {
                    let end = memchr(b'\n', bytes);
                    let Some((line, rest)) = end.and_then(|at| bytes.split_at_checked(at + 1)) else {
                        head.begun.extend_from_slice(bytes);
                        return None;
                    };
                    bytes = rest;
                    let Line::End = head.take(line) else {
                        continue;
                    };
                    let (ambiguous, next) = (head.is_ambiguous, head.next());
                    self.at = next;
                    self.heads += 1;
                    if ambiguous {
                        return Some(self.heads - 1);
                    }
                }
            }
        }
    }
}

impl Head {
    fn take(&mut self, line: &[u8]) -> Line {
        if self.begun.is_empty() {
            return self.note(line);
        }
        let mut whole = std::mem::take(&mut self.begun);
        whole.extend_from_slice(line);
        self.note(&whole)
    }

    /// Lines end at LF, with CR or without, as for hyper's parser; empty ones before the request line are
    /// skipped (RFC 9112 section 2.2).
    fn note(&mut self, line: &[u8]) -> Line {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line.is_empty(), self.has_request_line) {
            (true, true) => return Line::End,
            (true, false) => {}
            (false, false) => self.has_request_line = true,
            (false, true) => self.field(line),
        }
        Line::More
    }

    fn field(&mut self, line: &[u8]) {
        // Neither of the two, as nearly every line is; read for each request, so worth a look at the first letter.
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T')) {
            return;
        }
        let Some((name, value)) = memchr(b':', line).and_then(|at| line.split_at_checked(at)) else {
            return; // No header line: hyper refuses the head.
        };
        let value = || value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = digits(value());
            self.is_ambiguous |= self.length.is_some() || length.is_none();
            self.length = Some(length.unwrap_or(0));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_ambiguous |= self.is_chunked || !value().eq_ignore_ascii_case(b"chunked");
            self.is_chunked = true;
        }
        self.is_ambiguous |= self.is_chunked && self.length.is_some();
    }

    fn next(&self) -> At {
        if self.is_ambiguous || self.is_chunked {
            At::Last
        } else {
            At::Body(self.length.unwrap_or(0))
        }
    }
}

/// A number in digits and nothing else, where `str::parse` would take a sign.
fn digits(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_number
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: &str = "GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n";
    const BODY: &str = "POST / HTTP/1.1\r\nContent-Length: 12\r\nhost: a\r\n\r\na\r\n\r\nb: c\r\n\r\n";
    const EQUAL: &str = "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n";

    fn marked(framing: &str) -> Option<u64> {
        Framing::default().read(format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}\r\nx").as_bytes())
    }

    #[test]
    fn anp_0024_two_framings_are_marked() {
        for good in [
            "",
            "content-length: 1\r\n",
            "CONTENT-LENGTH:1\n",
            "content-length:\t 1 \t\r\n",
            "transfer-encoding: chunked\r\n",
            "Transfer-Encoding:  CHUNKED \r\n",
            "x-content-length: 1\r\ncontent-length: 1\r\n",
        ] {
            assert_eq!(marked(good), None, "{good}");
        }
        for bad in [
            "content-length: 1\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\nx: y\r\nContent-Length: 1\r\n",
            "content-length: 1\r\ncontent-length: 1\r\n",
            "content-length: 1\ncontent-length: 2\n",
            "content-length: 1, 1\r\n",
            "content-length: +1\r\n",
            "content-length:\r\n",
            "content-length: 99999999999999999999999\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: identity\r\n",
        ] {
            assert_eq!(marked(bad), Some(0), "{bad}");
        }
    }

    #[test]
    fn anp_0024_a_body_is_no_head_and_a_chunked_message_is_the_last() {
        let hidden = EQUAL.len();
        let body = format!("POST / HTTP/1.1\r\ncontent-length: {hidden}\r\n\r\n{EQUAL}");
        assert_eq!(Framing::default().read(body.as_bytes()), None);
        assert_eq!(
            Framing::default().read(format!("{body}{EQUAL}").as_bytes()),
            Some(1)
        );
        let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(
            Framing::default().read(format!("{chunked}{EQUAL}").as_bytes()),
            None
        );
    }

    proptest! {
        /// However the bytes are cut, the same message is marked.
        #[test]
        fn anp_0024_cuts_change_nothing(
            messages in proptest::collection::vec(prop_oneof![Just(PLAIN), Just(BODY), Just("\r\n"), Just("\n")], 0..8),
            cuts in proptest::collection::vec(1_usize..40, 1..20),
        ) {
            let honest = messages.iter().filter(|message| message.len() > 2).count();
            let bytes = messages.concat() + EQUAL + PLAIN;
            let (mut framing, mut rest, mut found) = (Framing::default(), bytes.as_bytes(), None);
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                found = found.or(framing.read(piece));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, Some(honest as u64));
        }
    }
}
