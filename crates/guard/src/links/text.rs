//! Small readings of the text of links: references to characters, percent signs, what ends a sentence. Never keeps any.

use std::ops::Range;

use percent_encoding::percent_decode_str;

/// Rounds of percent-encoding that are undone.
const ROUNDS: usize = 3;

/// Equal but for ASCII case.
pub(super) const fn eq(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A value of mark-up as its reader takes it: references to characters undone, edges trimmed, line ends dropped.
pub(super) fn decoded(raw: &[u8]) -> String {
    let raw = String::from_utf8_lossy(raw);
    let raw = raw.trim_end_matches('\\');
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let (c, used) = reference(after).unwrap_or(('&', 1));
        out.push(c);
        rest = after.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out.retain(|c| !matches!(c, '\t' | '\r' | '\n'));
    out.trim_matches(|c: char| c <= ' ').to_owned()
}

/// A reference to a character at the start, and its bytes.
fn reference(text: &str) -> Option<(char, usize)> {
    let head: &str = text.get(..text.floor_char_boundary(12))?;
    if let Some(digits) = head.strip_prefix("&#") {
        let (radix, digits) = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => (16, digits),
            None => (10, digits),
        };
        let length = digits
            .bytes()
            .take_while(|byte| (*byte as char).is_digit(radix))
            .count();
        let number = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let used = head.len() - digits.len() + length;
        let closed = usize::from(digits.as_bytes().get(length) == Some(&b';'));
        return Some((char::from_u32(number)?, used + closed));
    }
    const NAMED: [(&str, char); 12] = [
        ("&amp;", '&'),
        ("&colon;", ':'),
        ("&sol;", '/'),
        ("&bsol;", '\\'),
        ("&period;", '.'),
        ("&commat;", '@'),
        ("&Tab;", '\t'),
        ("&NewLine;", '\n'),
        ("&quest;", '?'),
        ("&equals;", '='),
        ("&num;", '#'),
        ("&quot;", '"'),
    ];
    let named = NAMED.iter().find(|(name, _)| head.starts_with(name));
    named.map(|(name, c)| (*c, name.len()))
}

/// Where a bare address ends that a sentence goes on behind: without its stops, and brackets that open before it.
pub(super) fn trimmed(text: &[u8], span: Range<usize>) -> usize {
    let link = text.get(span.clone()).unwrap_or_default();
    // Most end in a letter.
    if link
        .last()
        .is_some_and(|last| last.is_ascii_alphanumeric() || *last == b'/')
    {
        return span.end;
    }
    let count = |sign: u8| link.iter().filter(|byte| **byte == sign).count();
    let pairs = [(b'(', b')'), (b'[', b']'), (b'{', b'}')];
    let mut over = pairs.map(|(open, close)| count(close).saturating_sub(count(open)));
    let mut end = span.end;
    while end > span.start {
        let Some(last) = text.get(end - 1) else { break };
        let pair = pairs.iter().position(|(_, close)| close == last);
        let is_over = pair.and_then(|pair| over.get_mut(pair));
        match is_over {
            Some(over) if *over > 0 => *over -= 1,
            _ if matches!(
                last,
                b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*' | b'_' | b'~' | b'\\'
            ) => {}
            _ => break,
        }
        end -= 1;
    }
    end
}

/// With percent-encoding undone, as often as it was done.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = text.to_owned();
    for _ in 0..ROUNDS {
        if !out.contains('%') {
            break;
        }
        let next = percent_decode_str(&out).decode_utf8_lossy().into_owned();
        if next == out {
            break;
        }
        out = next;
    }
    out
}
