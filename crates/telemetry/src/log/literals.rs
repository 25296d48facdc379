//! Secrets that are known by their text, in every spelling a log line may give them.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter texts are not secrets, and replacing them would spoil every line.
const SECRET_BYTES_MIN: usize = 6;

/// A spelling shorter than this would match by chance.
const SPELLING_BYTES_MIN: usize = 6;

/// The spellings of one secret: as it is, percent-encoded (characters beyond ASCII matter here; the rest is decoded before
/// it is looked at), hexadecimal, and in base64 wherever it stands in the encoded text (`user:secret` of basic
/// authentication).
pub(super) fn spellings(secret: &str) -> Vec<String> {
    if secret.len() < SECRET_BYTES_MIN {
        return Vec::new();
    }
    let mut all = vec![secret.to_owned(), percent(secret, false), percent(secret, true)];
    all.push(secret.escape_debug().to_string());
    all.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    for before in 0..3 {
        all.push(base64_core(&STANDARD_NO_PAD, secret, before));
        all.push(base64_core(&URL_SAFE_NO_PAD, secret, before));
    }
    all.retain(|spelling| spelling.len() >= SPELLING_BYTES_MIN);
    all.sort_unstable();
    all.dedup();
    all
}

/// One automaton for all of them; `None` for none.
pub(super) fn automaton(spellings: &[String]) -> Option<AhoCorasick> {
    if spellings.is_empty() {
        return None;
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(spellings)
        .ok()
}

fn percent(text: &str, upper: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        })
        .collect()
}

/// The characters that depend on the secret alone when `before` bytes stand before it (counted modulo 3).
fn base64_core(engine: &impl Engine, secret: &str, before: usize) -> String {
    let text = [&vec![0; before], secret.as_bytes()].concat();
    let encoded = engine.encode(&text);
    let shared = [0, 2, 3].get(before).copied().unwrap_or(0);
    let whole = text.len() * 8 / 6;
    encoded.get(shared..whole).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agp_i1_base64_is_recognised_wherever_the_secret_stands(
            before in "[ -~]{0,7}", secret in "[ -~]{9,40}", after in "[ -~]{0,7}",
        ) {
            let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
            let spellings = spellings(&secret);
            prop_assert!(spellings.iter().any(|s| encoded.contains(s.as_str())), "{encoded} {spellings:?}");
        }
    }

    #[test]
    fn short_texts_are_not_secrets() {
        assert_eq!(spellings("12345"), Vec::<String>::new());
        assert!(spellings("123456").contains(&"123456".to_owned()));
    }
}
