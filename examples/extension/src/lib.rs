//! Finds project codes such as `NW-482913-2`: two capital letters, six digits, and a check digit that tells them from any
//! other number written like it. The letters say which part of the company it is, so that each is a rule of its own:
//! `northwind` or `other`.
//!
//! The upper half is the guard, plain Rust that `cargo test` runs. The lower half is how Bartizan calls it.

/// One project code in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Where it starts, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Whose it is.
    pub rule: &'static str,
}

const BYTES: usize = "NW-482913-2".len();

/// All project codes of a text, from left to right.
pub fn codes(text: &[u8]) -> Vec<Code> {
    let mut codes = Vec::new();
    let mut at = 0;
    while let Some(candidate) = text.get(at..at + BYTES) {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let free = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_alphanumeric);
        if free(before) && free(text.get(at + BYTES)) && is_code(candidate) {
            let rule = if candidate.starts_with(b"NW") {
                "northwind"
            } else {
                "other"
            };
            codes.push(Code {
                start: at,
                end: at + BYTES,
                rule,
            });
            at += BYTES;
        } else {
            at += 1;
        }
    }
    codes
}

fn is_code(candidate: &[u8]) -> bool {
    let [a, b, b'-', digits @ .., b'-', check] = candidate else {
        return false;
    };
    let letters = a.is_ascii_uppercase() && b.is_ascii_uppercase();
    if !letters || !digits.iter().chain([check]).all(u8::is_ascii_digit) {
        return false;
    }
    // Each digit counts one more than the one before it: two that were swapped do not go unnoticed.
    let sum: u32 = digits
        .iter()
        .zip(2..)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    sum % 11 % 10 == u32::from(check - b'0')
}

// --- how Bartizan calls it ---------------------------------------------------------------------------------------------

/// The version of the interface that this was made for.
#[unsafe(no_mangle)]
pub extern "C" fn bartizan_guard_abi() -> i32 {
    1
}

/// A place for a text. Nothing is ever given back: each text has an instance of this module for itself.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(bytes: i32) -> *mut u8 {
    let place = vec![0_u8; bytes as usize].leak();
    place.as_mut_ptr()
}

/// Judges the text there.
///
/// # Safety
///
/// `text` is what `allocate` gave for so many `bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inspect(text: *const u8, bytes: i32, _direction: i32, _origin: i32) -> i64 {
    let text = unsafe { core::slice::from_raw_parts(text, bytes as usize) };
    let mut answer = Vec::new();
    for code in codes(text) {
        let numbers = [
            code.start,
            code.end,
            100,
            code.rule.as_ptr() as usize,
            code.rule.len(),
        ];
        answer.extend(numbers.iter().flat_map(|number| (*number as u32).to_le_bytes()));
    }
    let answer = answer.leak();
    (answer.as_ptr() as i64) << 32 | answer.len() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, &str)> {
        codes(text.as_bytes())
            .iter()
            .map(|code| (&text[code.start..code.end], code.rule))
            .collect()
    }

    #[test]
    fn a_code_is_found_by_its_check_digit() {
        assert_eq!(
            found("move NW-482913-2 and SB-100000-2 to März"),
            [("NW-482913-2", "northwind"), ("SB-100000-2", "other")]
        );
    }

    #[test]
    fn what_looks_like_one_is_none() {
        for text in [
            "NW-482913-8",
            "NW-842913-2",
            "xNW-482913-2",
            "NW-482913-20",
            "nw-482913-7",
            "NW-48291",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
