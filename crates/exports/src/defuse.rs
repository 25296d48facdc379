//! Text that a spreadsheet would compute is made text again before it is written into a table.

use std::borrow::Cow;

/// The same, with an apostrophe before it if a spreadsheet would take it for a formula.
// threat: AGP-R3
pub fn defused(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

/// Whether a spreadsheet would run it.
pub(crate) fn is_formula(text: &str) -> bool {
    let begins = text.trim_start_matches([' ', '\u{a0}']).chars().next();
    begins.is_some_and(|first| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '＝' | '＋' | '－' | '＠'
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_r3_what_a_spreadsheet_would_compute_is_text() {
        for text in ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1", "|cmd"] {
            assert_eq!(defused(text), format!("'{text}"));
        }
        for text in ["gpt-4o", "", "a=b", "'=1"] {
            assert_eq!(defused(text), text);
        }
    }
}
