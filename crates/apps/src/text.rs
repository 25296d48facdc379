//! Which texts are kept at all: whole, normal, and without characters that only hide. Never changes a text but for its
//! normal form.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The text in Unicode's composed form (NFC); else why it is not kept.
// threat: ANP-0011 ANP-0021
pub(crate) fn normal(text: &str) -> Result<String, String> {
    if let Some(hidden) = text.chars().find(|c| is_hidden(*c)) {
        let code = u32::from(hidden);
        return Err(format!(
            "has the character U+{code:04X}, which nobody sees: leave it out (of control characters, line ends and tabs may stay)"
        ));
    }
    Ok(if is_nfc(text) {
        text.to_owned()
    } else {
        text.nfc().collect()
    })
}

/// Control characters, what turns the direction of text, tags, and code points that are none.
fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(code, 0x202A..=0x202E | 0x2066..=0x2069 | 0xFEFF | 0xE0000..=0xE007F | 0xFDD0..=0xFDEF)
        || code & 0xFFFE == 0xFFFE
}
