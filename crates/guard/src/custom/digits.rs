//! What the digits of a match prove. Never decides what is a match.

use super::settings::Check;
use crate::personal::{luhn, mod_97};

/// Whether a match proves itself.
pub(super) fn proves(check: Check, text: &str) -> bool {
    match check {
        Check::None => true,
        Check::Luhn => {
            let digits: Vec<u8> = text
                .bytes()
                .filter(u8::is_ascii_digit)
                .map(|b| b - b'0')
                .collect();
            digits.len() > 1 && luhn(&digits)
        }
        Check::Mod97 => {
            let kept: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
            kept.len() > 2 && mod_97(kept.iter()) == 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_reckoned_over_digits_and_letters_alone() {
        assert!(proves(Check::Luhn, "4111-1111-1111-1111"));
        assert!(!proves(Check::Luhn, "4111-1111-1111-1112"));
        assert!(!proves(Check::Luhn, "no digits"));
        // The example of ISO 7064: 794 has the check digits 44.
        assert!(proves(Check::Mod97, "79444"));
        assert!(!proves(Check::Mod97, "79445"));
        assert!(proves(Check::None, ""));
    }
}
