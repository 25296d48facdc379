//! Runs that may be encoded text: base64, base32, hexadecimal, codes of characters, Morse. Takes for text
//! only what reads like text.

use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::fold::readable;
use super::signs::ENCODED_RUN;
use super::{Found, Via};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Runs of the signs of base64; also over line ends, where lines are long and of one length.
pub(super) fn runs(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let start = at + rest.iter().take_while(|byte| !coding(**byte)).count();
        let mut end = start + length(bytes, start);
        let first = end - start;
        // Folded lines, as mail has them: each but the last as long as the first.
        while first >= 60 && bytes.get(end).is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            let next = end
                + bytes
                    .get(end..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|byte| matches!(**byte, b'\n' | b'\r'))
                    .count();
            let more = length(bytes, next);
            if more == 0 || more > first {
                break;
            }
            end = next + more;
            if more < first {
                break;
            }
        }
        if end - start >= ENCODED_RUN {
            run(bytes.get(start..end).unwrap_or_default(), start..end, found);
        }
        at = end.max(start + 1);
    }
}

fn length(bytes: &[u8], from: usize) -> usize {
    bytes
        .get(from..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| coding(**byte))
        .count()
}

const fn coding(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

fn run(raw: &[u8], span: Range<usize>, found: &mut Vec<Found>) {
    // A name, a word, a path of words: no encoding has letters of one case alone, but for hex and base32.
    let run: Vec<u8> = raw
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let stem: &[u8] = run.strip_prefix(b"0x").unwrap_or(&run);
    let decoded = if stem.iter().all(u8::is_ascii_hexdigit) {
        text(hex(stem)).map(|text| (text, Via::Hex))
    } else if stem
        .iter()
        .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7' | b'='))
    {
        text(base32(stem)).map(|text| (text, Via::Base32))
    } else {
        None
    };
    let decoded = decoded.or_else(|| base64(&run).map(|text| (text, Via::Base64)));
    if let Some((text, via)) = decoded {
        found.push(Found::whole(text, via, span));
    }
}

fn base64(run: &[u8]) -> Option<String> {
    let mixed = run.iter().any(u8::is_ascii_lowercase)
        && run
            .iter()
            .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !mixed {
        return None;
    }
    let standard: Vec<u8> = run
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    // Something may stand before it, as in `data=SGVsbG8`: what is behind the last inner sign is tried too.
    let whole = standard.as_slice();
    let tail = whole
        .iter()
        .rposition(|byte| *byte == b'=')
        .map_or(whole, |last| {
            let trimmed = whole.trim_ascii_end();
            if last + 1 == trimmed.len() {
                whole
            } else {
                whole.get(last + 1..).unwrap_or(whole)
            }
        });
    text(BASE64.decode(whole).ok()).or_else(|| {
        let cut = tail.len() - usize::from(tail.len() % 4 == 1);
        text(BASE64.decode(tail.get(..cut)?).ok())
    })
}

fn hex(run: &[u8]) -> Option<Vec<u8>> {
    run.chunks(2)
        .map(|pair| {
            let (high, low) = (pair.first()?, pair.get(1)?);
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
        })
        .collect()
}

fn base32(run: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(run.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in run.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xFF).ok()?);
        }
    }
    Some(out)
}

/// Decoded bytes that read like text, or are as printable as no accident makes them: another encoding.
fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    let text = String::from_utf8(bytes?).ok()?;
    let printable = text.len() >= ENCODED_RUN && text.bytes().all(|byte| (b' '..0x7F).contains(&byte));
    (printable || readable(&text)).then_some(text)
}

/// The fewest codes in a row that are taken for text.
const CODES_MIN: usize = 6;

/// So much around groups is looked at too.
const AROUND_BYTES: usize = 16;

/// Groups that stand in a row, each the code of one character or more. Looks at a range of the text, in bytes.
pub(super) fn groups(text: &str, range: Range<usize>, found: &mut Vec<Found>) {
    let mut rows = [
        Row::new(Via::Hex, hex_group),
        Row::new(Via::Binary, binary_group),
        Row::new(Via::Decimal, decimal_group),
        Row::new(Via::Morse, morse_group),
    ];
    // A short code before or behind belongs to the row; no group is cut.
    let before = text.floor_char_boundary(range.start.saturating_sub(AROUND_BYTES));
    let before = text.get(..before).unwrap_or_default();
    let start = before.trim_end_matches(|c: char| !c.is_whitespace()).len();
    let behind = text.ceil_char_boundary(range.end + AROUND_BYTES);
    let rest = text.get(behind..).unwrap_or_default();
    let end = rest
        .find(char::is_whitespace)
        .map_or(text.len(), |more| behind + more);
    let mut at = start;
    for piece in text
        .get(start..end)
        .unwrap_or_default()
        .split_inclusive([' ', ',', ';', '\n', '\t', ':', '[', ']', '(', ')', '"', '\''])
    {
        let group = piece.trim_end_matches([' ', ',', ';', '\n', '\t', ':', '[', ']', '(', ')', '"', '\'']);
        let span = at..at + group.len();
        at += piece.len();
        // Words are no codes: most groups are not worth four looks.
        let first = match group.as_bytes() {
            [] => continue,
            [first, ..] => *first,
        };
        if group.len() > 8 || !(first.is_ascii_hexdigit() || matches!(first, b'.' | b'-' | b'/')) {
            for row in rows.iter_mut().filter(|row| row.codes > 0) {
                row.end(found);
            }
            continue;
        }
        for row in &mut rows {
            row.take(group, span.clone(), found);
        }
    }
    for row in &mut rows {
        row.end(found);
    }
}

struct Row {
    via: Via,
    read: fn(&str) -> Option<char>,
    text: String,
    codes: usize,
    span: Range<usize>,
}

impl Row {
    fn new(via: Via, read: fn(&str) -> Option<char>) -> Self {
        Self {
            via,
            read,
            text: String::new(),
            codes: 0,
            span: 0..0,
        }
    }

    fn take(&mut self, group: &str, span: Range<usize>, found: &mut Vec<Found>) {
        match (self.read)(group) {
            None => self.end(found),
            Some(c) => {
                if self.codes == 0 {
                    self.span.start = span.start;
                }
                self.span.end = span.end;
                self.codes += 1;
                self.text.push(c);
            }
        }
    }

    fn end(&mut self, found: &mut Vec<Found>) {
        let text = std::mem::take(&mut self.text);
        let codes = std::mem::take(&mut self.codes);
        if codes >= CODES_MIN && readable(&text) {
            found.push(Found::whole(text, self.via, self.span.clone()));
        }
    }
}

fn code(value: u32) -> Option<char> {
    char::from_u32(value).filter(|c| *c == '\n' || (' '..'\u{7F}').contains(c))
}

fn hex_group(group: &str) -> Option<char> {
    let digits = group.strip_prefix("0x").unwrap_or(group);
    (digits.len() == 2).then(|| u32::from_str_radix(digits, 16).ok().and_then(code))?
}

fn binary_group(group: &str) -> Option<char> {
    matches!(group.len(), 7 | 8).then(|| u32::from_str_radix(group, 2).ok().and_then(code))?
}

fn decimal_group(group: &str) -> Option<char> {
    matches!(group.len(), 2 | 3).then(|| group.parse().ok().and_then(code))?
}

#[rustfmt::skip]
const MORSE: [(&str, char); 37] = [
    (".-", 'a'), ("-...", 'b'), ("-.-.", 'c'), ("-..", 'd'), (".", 'e'), ("..-.", 'f'), ("--.", 'g'),
    ("....", 'h'), ("..", 'i'), (".---", 'j'), ("-.-", 'k'), (".-..", 'l'), ("--", 'm'), ("-.", 'n'),
    ("---", 'o'), (".--.", 'p'), ("--.-", 'q'), (".-.", 'r'), ("...", 's'), ("-", 't'), ("..-", 'u'),
    ("...-", 'v'), (".--", 'w'), ("-..-", 'x'), ("-.--", 'y'), ("--..", 'z'), ("-----", '0'),
    (".----", '1'), ("..---", '2'), ("...--", '3'), ("....-", '4'), (".....", '5'), ("-....", '6'),
    ("--...", '7'), ("---..", '8'), ("----.", '9'), ("/", ' '),
];

fn morse_group(group: &str) -> Option<char> {
    let short = group.len() <= 5 && group.starts_with(['.', '-', '/']);
    short.then(|| {
        MORSE
            .iter()
            .find(|(signs, _)| *signs == group)
            .map(|(_, letter)| *letter)
    })?
}
