//! Where an HTTP/1.1 message ends, found as cheaply as possible.
//!
//! Trusts its peers: it is for measuring on loopback, never for serving strangers.

/// A message being read piece by piece.
#[derive(Debug, Default)]
pub struct Message {
    head: Vec<u8>,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Length(usize),
    ChunkSize(Vec<u8>),
    ChunkData(usize),
    ChunkEnd(u8),
    Trailer(u8),
    Done,
}

/// The bytes are no message this reader understands.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl Message {
    /// Ready for the next message.
    pub fn reset(&mut self) {
        self.head.clear();
        self.state = State::Head;
    }

    /// The status of an answer; 0 when the head is no answer's.
    pub fn status(&self) -> u16 {
        let digits = self
            .head
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Whether a request is a GET.
    pub fn is_get(&self) -> bool {
        self.head.starts_with(b"GET ")
    }

    /// Takes the next bytes, handing body bytes to `body`; true when the message is complete.
    pub fn feed(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<bool, Malformed> {
        while !bytes.is_empty() && self.state != State::Done {
            let used = self.step(bytes, body)?;
            bytes = bytes.get(used..).unwrap_or_default();
        }
        match bytes.is_empty() {
            true => Ok(self.state == State::Done),
            false => Err(Malformed),
        }
    }

    fn step(&mut self, bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<usize, Malformed> {
        match &mut self.state {
            State::Head => return self.head_step(bytes),
            State::Length(left) => {
                let used = pass(bytes, left, body);
                if *left == 0 {
                    self.state = State::Done;
                }
                return Ok(used);
            }
            State::ChunkSize(line) => {
                let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                    line.extend_from_slice(bytes);
                    return Ok(bytes.len());
                };
                line.extend_from_slice(bytes.get(..end).unwrap_or_default());
                let size = chunk_size(line).ok_or(Malformed)?;
                self.state = if size == 0 {
                    State::Trailer(1)
                } else {
                    State::ChunkData(size)
                };
                return Ok(end + 1);
            }
            State::ChunkData(left) => {
                let used = pass(bytes, left, body);
                if *left == 0 {
                    self.state = State::ChunkEnd(2);
                }
                return Ok(used);
            }
            State::ChunkEnd(1) => self.state = State::ChunkSize(Vec::new()),
            State::ChunkEnd(left) => *left -= 1,
            // One line feed was the size line's; two in a row (carriage returns aside) end the message.
            State::Trailer(feeds) => match bytes.first() {
                Some(b'\n') if *feeds == 1 => self.state = State::Done,
                Some(b'\n') => *feeds = 1,
                Some(b'\r') => {}
                _ => *feeds = 0,
            },
            State::Done => {}
        }
        Ok(1)
    }

    fn head_step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        let from = before.saturating_sub(3);
        let Some(at) = self.head.get(from..).and_then(|tail| find(tail, b"\r\n\r\n")) else {
            return if self.head.len() > 64 * 1024 {
                Err(Malformed)
            } else {
                Ok(bytes.len())
            };
        };
        let end = from + at + 4;
        self.head.truncate(end);
        self.state = body_state(&self.head)?;
        Ok(end - before)
    }
}

/// Hands at most `left` bytes on and counts them down.
fn pass(bytes: &[u8], left: &mut usize, body: &mut impl FnMut(&[u8])) -> usize {
    let used = bytes.len().min(*left);
    body(bytes.get(..used).unwrap_or_default());
    *left -= used;
    used
}

fn body_state(head: &[u8]) -> Result<State, Malformed> {
    if let Some(length) = header(head, b"content-length") {
        let text = std::str::from_utf8(length).map_err(|_| Malformed)?;
        return match text.trim().parse().map_err(|_| Malformed)? {
            0 => Ok(State::Done),
            length => Ok(State::Length(length)),
        };
    }
    if header(head, b"transfer-encoding").is_some() {
        return Ok(State::ChunkSize(Vec::new()));
    }
    match head.starts_with(b"HTTP/") {
        // An answer that ends with its connection cannot be measured on a kept one.
        true => Err(Malformed),
        false => Ok(State::Done),
    }
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (key, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?;
    usize::from_str_radix(text.split(';').next()?.trim(), 16).ok()
}

/// The first place of `needle`, quick when its first byte is rare.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle.first()?;
    let mut from = 0;
    loop {
        let at = from + hay.get(from..)?.iter().position(|byte| byte == first)?;
        if hay.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> (Result<bool, Malformed>, String, u16) {
        let (mut message, mut body) = (Message::default(), Vec::new());
        let mut last = Ok(false);
        for piece in pieces {
            last = message.feed(piece, &mut |bytes| body.extend_from_slice(bytes));
        }
        (last, String::from_utf8(body).unwrap(), message.status())
    }

    #[test]
    fn any_cutting_reads_the_same() {
        let plain: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunked: &[u8] =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n";
        let trailed: &[u8] =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na: b\r\n\r\n";
        for message in [plain, chunked, trailed] {
            for size in 1..=message.len() {
                let pieces: Vec<&[u8]> = message.chunks(size).collect();
                assert_eq!(read(&pieces), (Ok(true), "hello".to_owned(), 200), "size {size}");
            }
        }
    }

    #[test]
    fn requests_without_body_are_complete() {
        assert_eq!(read(&[b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"]).0, Ok(true));
        assert_eq!(
            read(&[b"HTTP/1.1 204 No\r\ncontent-length: 0\r\n\r\n"]),
            (Ok(true), String::new(), 204)
        );
    }

    #[test]
    fn excess_and_endless_answers_are_malformed() {
        assert_eq!(read(&[b"GET / HTTP/1.1\r\n\r\nx"]).0, Err(Malformed));
        assert_eq!(read(&[b"HTTP/1.1 200 OK\r\n\r\n"]).0, Err(Malformed));
    }

    #[test]
    fn finds_needles() {
        assert_eq!(find(b"aab", b"ab"), Some(1));
        assert_eq!(find(b"aa", b"ab"), None);
        assert_eq!(find(b"", b"a"), None);
    }
}
