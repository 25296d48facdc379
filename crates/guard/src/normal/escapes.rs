//! Undoes percent, entity and backslash escapes, in one pass. Never interprets what comes out.

use super::map::Pieces;
use super::{Found, Via};

/// The longest escape that is read, in bytes.
const ESCAPE_BYTES_MAX: usize = 12;

/// The text with its escapes undone, where there are any but those of line ends and quotes.
pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut pieces = Pieces::default();
    let mut undone = 0_usize;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest
            .iter()
            .position(|byte| matches!(byte, b'%' | b'&' | b'\\'))
            .unwrap_or(rest.len());
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        at += plain;
        let Some(rest) = rest.get(plain..).filter(|rest| !rest.is_empty()) else {
            break;
        };
        let window = rest.get(..ESCAPE_BYTES_MAX).unwrap_or(rest);
        if let Some((length, mut escape)) = escape(window) {
            at += length;
            if let Escape::Code(high @ 0xD800..=0xDBFF) = escape
                && let Some((length, low)) = low_surrogate(bytes.get(at..).unwrap_or_default())
            {
                at += length;
                escape = Escape::Code(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            }
            undone += usize::from(escape.tells());
            escape.write(&mut out);
            pieces.note(out.len(), at);
        } else {
            out.extend(rest.first());
            at += 1;
        }
    }
    if undone > 0 {
        found.push(Found {
            text: printed(&out),
            via: Via::Escapes,
            making: pieces.map(),
        });
    }
}

/// The bytes as text of the same length; what is no UTF-8 becomes question marks.
fn printed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

enum Escape {
    /// A byte of UTF-8, as percent escapes are.
    Byte(u8),
    /// The code of a character.
    Code(u32),
    /// A line end or a quote, as in every JSON string.
    Usual(u8),
    /// A sign that stands for itself, with a needless escape.
    Needless(u8),
}

impl Escape {
    const fn tells(&self) -> bool {
        !matches!(self, Self::Usual(_))
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) | Self::Usual(byte) | Self::Needless(byte) => out.push(*byte),
            Self::Code(code) => {
                let c = char::from_u32(*code).unwrap_or(' ');
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

fn escape(window: &[u8]) -> Option<(usize, Escape)> {
    match window {
        [b'%', digits @ ..] => {
            let byte = hex(digits.get(..2)?)?;
            Some((3, Escape::Byte(u8::try_from(byte).ok()?)))
        }
        [b'&', rest @ ..] => entity(rest),
        [b'\\', rest @ ..] => backslash(rest),
        _ => None,
    }
}

fn entity(rest: &[u8]) -> Option<(usize, Escape)> {
    let end = rest.iter().position(|byte| *byte == b';')?;
    let code = match rest.get(..end)? {
        [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        name => u32::from(match name {
            b"lt" => b'<',
            b"gt" => b'>',
            b"amp" => b'&',
            b"quot" => b'"',
            b"apos" => b'\'',
            b"nbsp" | b"ensp" | b"emsp" | b"Tab" | b"NewLine" => b' ',
            b"shy" | b"zwnj" | b"zwj" => return Some((end + 2, Escape::Code(0xAD))),
            b"colon" => b':',
            b"period" => b'.',
            b"comma" => b',',
            b"excl" => b'!',
            _ => return None,
        }),
    };
    Some((end + 2, Escape::Code(code)))
}

fn backslash(rest: &[u8]) -> Option<(usize, Escape)> {
    match rest {
        [b'u', b'{', digits @ ..] => {
            let end = digits.iter().position(|byte| *byte == b'}')?;
            Some((end + 4, Escape::Code(hex(digits.get(..end)?)?)))
        }
        [b'u', digits @ ..] if digits.len() >= 4 => Some((6, Escape::Code(hex(digits.get(..4)?)?))),
        [b'U', digits @ ..] if digits.len() >= 8 => Some((10, Escape::Code(hex(digits.get(..8)?)?))),
        [b'x', digits @ ..] if hex(digits.get(..2)?).is_some() => {
            Some((4, Escape::Code(hex(digits.get(..2)?)?)))
        }
        [b'n' | b'r' | b't', ..] => Some((2, Escape::Usual(b' '))),
        [sign @ (b'"' | b'\'' | b'/' | b'\\'), ..] => Some((2, Escape::Usual(*sign))),
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => Some((
            4,
            Escape::Code(u32::from(a - b'0') * 64 + u32::from(b - b'0') * 8 + u32::from(c - b'0')),
        )),
        [sign, ..] if sign.is_ascii_graphic() || *sign == b' ' => Some((2, Escape::Needless(*sign))),
        _ => None,
    }
}

fn low_surrogate(rest: &[u8]) -> Option<(usize, u32)> {
    match backslash(rest.strip_prefix(b"\\")?)? {
        (length, Escape::Code(low @ 0xDC00..=0xDFFF)) => Some((length, low)),
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, digit| {
        Some((value << 4) | char::from(*digit).to_digit(16)?)
    })
}
