//! What samples, templates, variables and labels may be called, and names that have no place in a template. Decides nothing
//! about what stands there.

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// Digits of an id's text form, after its prefix and a `_`.
const ID_DIGITS: usize = 32;
/// The longest prefix of an id.
const PREFIX_BYTES_MAX: usize = 8;

/// Whether samples and templates may be called so: it stands in paths, bodies and entries of the ledger.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let begins = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= NAME_CHARS_MAX && text.starts_with(begins) && text.chars().all(is_part)
}

/// Whether a variable may be called so.
pub(crate) fn is_variable(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= NAME_CHARS_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(is_part)
}

/// Whether something in the text has the form of one of the gate's ids: letters, `_` and 32 hexadecimal digits. Whose it is
/// does not matter, and is not asked: the answer says nothing of who else is here.
// threat: ANP-B0009
#[must_use]
pub fn names_an_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .any(|(at, _)| {
            let before = bytes.get(..at).unwrap_or_default().iter().rev();
            let prefix = before.take_while(|byte| byte.is_ascii_alphabetic()).count();
            let after = bytes.get(at + 1..).unwrap_or_default().iter();
            let digits = after.take_while(|byte| byte.is_ascii_hexdigit()).count();
            (2..=PREFIX_BYTES_MAX).contains(&prefix) && digits == ID_DIGITS
        })
}
