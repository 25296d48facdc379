//! Predicates over what a shape has matched. Each looks at a bounded stretch only.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::class::BASE64;
use crate::grade::seems_typed;
use crate::value::contains;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Whether the bytes are varied enough for a generated value: many different ones, no long repeats.
/// Rejects fillers (`xxxxxxxx`, `00000000`) and abbreviations.
pub(crate) fn varied(bytes: &[u8]) -> bool {
    is_distinct(bytes, 7.min(bytes.len().div_ceil(2)))
        && !repeats(bytes, 7)
        && !is_woven(bytes)
        && !is_marked_example(bytes)
}

/// So many bytes that repeat what stands a few before them are no accident.
const WOVEN_BYTES: usize = 13;

/// Whether two to four bytes follow each other again and again for as long as nothing generated does: `123123123123`.
fn is_woven(bytes: &[u8]) -> bool {
    (2..=4).any(|period| {
        let mut row = 0;
        let mut pairs = bytes.iter().zip(bytes.iter().skip(period));
        pairs.any(|(one, again)| {
            row = if one == again { row + 1 } else { 0 };
            row >= WOVEN_BYTES
        })
    })
}

/// Whether it says itself that it is none, as the keys in vendors' documentation do.
fn is_marked_example(bytes: &[u8]) -> bool {
    marks(bytes) && (contains(bytes, "example") || contains(bytes, "xxxxx"))
}

/// Whether `xa` or `xx`, in any case, is in the bytes: what every such mark has.
fn marks(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .any(|pair| matches!(pair, [b'x' | b'X', b'a' | b'A' | b'x' | b'X']))
}

/// Varied, with letters and digits both: what random text of some length has and words have not. The letters of a
/// vendor's prefix do not count.
pub(crate) fn mixed(bytes: &[u8]) -> bool {
    let body = bytes.get(bytes.len() / 4..).unwrap_or_default();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = body.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    digits >= 2 && letters >= 2 && varied(bytes)
}

/// Whether this is a key of Anthropic's, `sk-ant-` included: as its vendor makes them, or cut or of another sort, and then
/// none that somebody typed.
pub(crate) fn anthropic_key(bytes: &[u8]) -> bool {
    const KEYS: [&[u8]; 2] = [b"sk-ant-api03-", b"sk-ant-admin01-"];
    const KEY_BYTES: usize = 95;
    let body = KEYS.iter().find_map(|prefix| bytes.strip_prefix(*prefix));
    let is_whole = body.is_some_and(|body| body.len() == KEY_BYTES && body.ends_with(b"AA"));
    mixed(bytes) && (is_whole || !seems_typed(bytes))
}

/// Whether this is a token of Sourcegraph's, `sgp_` included: hexadecimal, alone or behind the name of an instance.
pub(crate) fn sourcegraph_token(bytes: &[u8]) -> bool {
    const INSTANCE_BYTES: usize = 16;
    const TOKEN_BYTES: usize = 40;
    let is_hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    let body = bytes.strip_prefix(b"sgp_").unwrap_or(bytes);
    let mut parts = body.rsplit(|&byte| byte == b'_');
    let token = parts.next().unwrap_or_default();
    let named = parts
        .next()
        .is_none_or(|instance| instance == b"local" || instance.len() == INSTANCE_BYTES && is_hex(instance));
    token.len() == TOKEN_BYTES && is_hex(token) && named && parts.next().is_none() && mixed(bytes)
}

/// Whether there are so many different bytes; looks no further than to the last of them.
pub(crate) fn is_distinct(bytes: &[u8], least: usize) -> bool {
    const EACH: usize = 16;
    let mut seen = [0_u64; 4];
    let enough = |seen: &[u64; 4]| seen.iter().map(|word| word.count_ones() as usize).sum::<usize>() >= least;
    least == 0
        || bytes.chunks(EACH).any(|chunk| {
            for &byte in chunk {
                if let Some(word) = seen.get_mut(usize::from(byte >> 6)) {
                    *word |= 1 << (byte & 63);
                }
            }
            enough(&seen)
        })
}

/// Whether one byte stands so many times in a row.
fn repeats(bytes: &[u8], times: usize) -> bool {
    let mut row = 1;
    bytes.windows(2).any(|pair| {
        row = if matches!(pair, [a, b] if a == b) {
            row + 1
        } else {
            1
        };
        row >= times
    })
}

/// Whether the bytes start with the header of a JWT: base64url JSON that names an `alg`.
pub(crate) fn jwt_header(bytes: &[u8]) -> bool {
    let header = bytes.split(|&byte| byte == b'.').next().unwrap_or_default();
    let decoded = decode_base64(header);
    let has_alg = decoded.windows(5).any(|window| window == br#""alg""#);
    has_alg && decoded.first() == Some(&b'{') && decoded.last() == Some(&b'}')
}

/// Whether the bytes are base64 of `name:password`, as in basic authentication.
pub(crate) fn basic_credentials(bytes: &[u8]) -> bool {
    let decoded = decode_base64(bytes);
    let printable = decoded
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let colon = decoded.iter().position(|&byte| byte == b':');
    printable && colon.is_some_and(|at| at > 0 && at + 1 < decoded.len())
}

/// Decodes base64 of either alphabet, padded or not; nothing when it is not base64.
fn decode_base64(text: &[u8]) -> Vec<u8> {
    let url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    let bare = text.split(|&byte| byte == b'=').next().unwrap_or_default();
    engine.decode(bare).unwrap_or_default()
}

/// Whether a password in a URL is a real one: no variable, no placeholder, no filler.
pub(crate) fn real_password(bytes: &[u8]) -> bool {
    let password = bytes.strip_suffix(b"@").unwrap_or(bytes);
    !is_reference(password) && !is_placeholder(password) && is_distinct(password, 3)
}

/// Whether the value refers to a secret instead of being one: `${VAR}`, `{{ x }}`, `<password>`, `%s`.
fn is_reference(bytes: &[u8]) -> bool {
    matches!(
        bytes.first(),
        Some(b'$' | b'{' | b'<' | b'[' | b'*' | b'#' | b'(')
    ) || matches!(bytes, [b'%', b'a'..=b'z' | b'('] | [b'%', b'(', ..])
}

const PLACEHOLDERS: [&str; 16] = [
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "user",
    "username",
    "changeme",
    "example",
    "redacted",
    "xxx",
    "your-password",
    "your_password",
    "yourpassword",
    "mypassword",
];

/// Whether the value is a word people write where a secret would stand.
fn is_placeholder(bytes: &[u8]) -> bool {
    PLACEHOLDERS
        .iter()
        .any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a PEM body follows: one unbroken stretch of base64, as every real key has.
pub(crate) fn key_material(bytes: &[u8]) -> bool {
    bytes
        .split(|&byte| !BASE64.has(byte))
        .any(|run| run.len() >= 32 && is_distinct(run, 8))
}

/// Whether this is the label of a private key's begin line.
pub(crate) fn private_key_label(bytes: &[u8]) -> bool {
    bytes.ends_with(b"PRIVATE KEY") || bytes.ends_with(b"PRIVATE KEY BLOCK")
}

/// Whether these bytes are base64 of the begin line of a private key.
pub(crate) fn encoded_private_key(bytes: &[u8]) -> bool {
    let whole = bytes.get(..bytes.len() / 4 * 4).unwrap_or_default();
    decode_base64(whole)
        .windows(11)
        .any(|window| window == b"PRIVATE KEY")
}

/// Whether there are letters of both cases.
pub(crate) fn both_cases(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_uppercase) && bytes.iter().any(u8::is_ascii_lowercase) && varied(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_are_not_varied() {
        assert!(!varied(b"xxxxxxxxxxxxxxxxxxxx"));
        assert!(!varied(b"AKIAXXXXXXXXXXXXXXXX"));
        assert!(varied(b"k9Qz7LmN2pRtVw"));
        assert!(!mixed(b"learning-rate-schedule"));
    }

    #[test]
    fn jwt_headers_decode_to_an_algorithm() {
        assert!(jwt_header(b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ"));
        assert!(!jwt_header(b"eyJmb28iOiJiYXIifQ.eyJ"));
    }

    #[test]
    fn basic_credentials_have_a_name_and_a_password() {
        assert!(basic_credentials(b"YWxhZGRpbjpvcGVuc2VzYW1l"));
        assert!(!basic_credentials(b"bm90aGluZy1oZXJlLWF0LWFsbA"));
    }
}
