//! Arguments of tools in a stream: JSON in pieces, read as what its strings say, and where that was written.
//!
//! Guards of whole answers see the strings; of a stream they would see escapes, and take `\n4111…` for a word that begins
//! with an n. What is found is replaced where it was written, whole escapes at a time.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

/// How far behind the text's end a finding may begin and still be replaced exactly; what begins before is replaced too, with
/// a little more. Above every guard's hold-back.
const KEPT_BYTES: u64 = 64 * 1024;

/// What was written in pieces of JSON, and what of it was read.
#[derive(Debug, Default)]
pub struct Written {
    read: u64,
    written: u64,
    /// An escape that has not ended: at most eleven bytes.
    open: String,
    /// Stretches that read otherwise than they are written, in order.
    turns: VecDeque<Turn>,
    /// Where the turns that were forgotten ended.
    forgotten: (u64, u64),
}

#[derive(Debug)]
struct Turn {
    read: Range<u64>,
    written: Range<u64>,
}

impl Written {
    /// The next piece with its escapes resolved. An escape cut in two comes with the piece that ends it.
    pub fn read<'t>(&mut self, piece: &'t str) -> Cow<'t, str> {
        if self.open.is_empty() && !piece.contains('\\') {
            self.plain(piece);
            return Cow::Borrowed(piece);
        }
        let mut text = std::mem::take(&mut self.open);
        text.push_str(piece);
        let (mut said, mut rest) = (String::with_capacity(text.len()), text.as_str());
        while let Some((plain, escaped)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
            self.plain(plain);
            said.push_str(plain);
            let Some((character, taken)) = escape(escaped) else {
                self.open = escaped.to_owned();
                return Cow::Owned(said);
            };
            said.push(character);
            self.turn(character.len_utf8() as u64, taken as u64);
            rest = escaped.get(taken..).unwrap_or_default();
        }
        self.plain(rest);
        said.push_str(rest);
        Cow::Owned(said)
    }

    /// So many bytes were written that are read elsewhere.
    pub fn skip(&mut self, written: usize) {
        self.turn(0, written as u64);
    }

    fn plain(&mut self, text: &str) {
        self.read = self.read.saturating_add(text.len() as u64);
        self.written = self.written.saturating_add(text.len() as u64);
    }

    fn turn(&mut self, read: u64, written: u64) {
        let turn = Turn {
            read: self.read..self.read.saturating_add(read),
            written: self.written..self.written.saturating_add(written),
        };
        (self.read, self.written) = (turn.read.end, turn.written.end);
        self.turns.push_back(turn);
        let old = self.read.saturating_sub(KEPT_BYTES);
        while let Some(turn) = self.turns.pop_front_if(|turn| turn.read.end < old) {
            self.forgotten = (turn.read.end, turn.written.end);
        }
    }

    /// Where this was written that was read there.
    pub fn place(&self, read: &Range<usize>) -> Range<usize> {
        let bytes = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let end = self.end(read.end as u64);
        bytes(self.start(read.start as u64).min(end))..bytes(end)
    }

    /// Up to where all was written that was read up to there.
    pub fn cleared(&self, read: u64) -> u64 {
        if read >= self.read {
            self.written
        } else {
            self.start(read)
        }
    }

    fn start(&self, at: u64) -> u64 {
        if at < self.forgotten.0 {
            // What is read is never longer than it is written.
            return at;
        }
        let ended = self.turns.partition_point(|turn| turn.read.end <= at);
        match self.turns.get(ended) {
            Some(turn) if turn.read.start <= at => turn.written.start,
            _ => self.after(ended, at),
        }
    }

    fn end(&self, at: u64) -> u64 {
        // A stretch that reads as nothing lies behind what ends where it stands.
        let ended = self
            .turns
            .partition_point(|turn| turn.read.end < at || (turn.read.end == at && !turn.read.is_empty()));
        match self.turns.get(ended) {
            Some(turn) if turn.read.start < at => turn.written.end,
            _ => self.after(ended, at),
        }
    }

    /// Where plain text behind the first `ended` turns was written.
    fn after(&self, ended: usize, at: u64) -> u64 {
        let turn = ended.checked_sub(1).and_then(|last| self.turns.get(last));
        let (read, written) = turn.map_or(self.forgotten, |turn| (turn.read.end, turn.written.end));
        written.saturating_add(at.saturating_sub(read))
    }
}

/// The character that an escape stands for and the bytes that it takes; `None` while more of it may come. What is no escape is
/// the backslash itself.
fn escape(text: &str) -> Option<(char, usize)> {
    let plain = |character| Some((character, 2));
    match text.as_bytes().get(1)? {
        b'"' => plain('"'),
        b'\\' => plain('\\'),
        b'/' => plain('/'),
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'u' => unicode(text),
        _ => Some(('\\', 1)),
    }
}

fn unicode(text: &str) -> Option<(char, usize)> {
    let high = match code(text) {
        Code::Open => return None,
        Code::No => return Some(('\\', 1)),
        Code::Unit(unit) => unit,
    };
    if let Some(character) = char::from_u32(high) {
        return Some((character, 6));
    }
    let lone = Some((char::REPLACEMENT_CHARACTER, 6));
    match text.get(6..).map_or(Code::No, code) {
        _ if high >= 0xDC00 => lone,
        Code::Open => None,
        Code::Unit(low @ 0xDC00..0xE000) => {
            let both = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            Some((char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER), 12))
        }
        _ => lone,
    }
}

/// Four hexadecimal digits after `\u`.
enum Code {
    Unit(u32),
    /// What is there so far may become one.
    Open,
    No,
}

fn code(text: &str) -> Code {
    let mut unit = 0;
    for at in 0..6 {
        let Some(byte) = text.as_bytes().get(at) else {
            return Code::Open;
        };
        match (at, char::from(*byte).to_digit(16)) {
            (0, _) if *byte == b'\\' => {}
            (1, _) if *byte == b'u' => {}
            (2.., Some(digit)) => unit = unit * 16 + digit,
            _ => return Code::No,
        }
    }
    Code::Unit(unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&str]) -> (Written, String) {
        let mut written = Written::default();
        let said = pieces
            .iter()
            .map(|piece| written.read(piece).into_owned())
            .collect();
        (written, said)
    }

    #[test]
    fn escapes_read_as_what_they_say_however_they_are_cut() {
        let text = r#"{"k":"a\n4111 \u0067hp \ud83d\ude00 \ud83d! \q \u12"#;
        let (whole, said) = read(&[text]);
        assert_eq!(said, "{\"k\":\"a\n4111 ghp \u{1F600} \u{FFFD}! \\q ");
        assert_eq!(whole.open, r"\u12");
        for at in 0..text.len() {
            let (_, cut) = read(&[&text[..at], &text[at..]]);
            assert_eq!(cut, said, "{at}");
        }
    }

    #[test]
    fn what_is_found_is_placed_on_whole_escapes() {
        let text = r#"{"k":"hi\njane\u0040x.org\n"}"#;
        let (mut written, said) = read(&[text]);
        let from = said.find("jane").unwrap();
        let found = from..from + "jane@x.org".len();
        assert_eq!(&text[written.place(&found)], r"jane\u0040x.org");
        assert_eq!(&text[written.place(&(from - 1..from + 5))], r"\njane\u0040");
        assert_eq!(written.cleared(said.len() as u64), text.len() as u64);
        // Read elsewhere: not part of what is found before it or behind it.
        written.skip(10);
        let _ = written.read("next");
        let end = said.len();
        assert_eq!(written.place(&(end - 1..end)).end, text.len());
        assert_eq!(written.place(&(end..end + 4)), text.len() + 10..text.len() + 14);
    }

    proptest! {
        #[test]
        fn every_character_is_found_where_it_was_written(said in "[a-z\"\\\\\n\u{e9}\u{1F600}]{0,40}", cut in 0usize..80) {
            let json = serde_json::to_string(&said).unwrap();
            let inner = &json[1..json.len() - 1];
            let at = inner.floor_char_boundary(cut.min(inner.len()));
            let (written, read) = read(&[&inner[..at], &inner[at..]]);
            prop_assert_eq!(&read, &said);
            for (start, character) in said.char_indices() {
                let place = written.place(&(start..start + character.len_utf8()));
                let back: String = serde_json::from_str(&format!("\"{}\"", &inner[place])).unwrap();
                prop_assert_eq!(back, character.to_string());
            }
        }
    }
}
