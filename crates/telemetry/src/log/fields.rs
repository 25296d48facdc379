//! Values that are secret by the name that stands before them: headers and fields, in JSON, in Rust's `Debug`, in plain
//! text, or as `name=value`.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use guard::{Finding, Kind};

/// Compared without regard to case; `-` and `_` are the same.
const NAMES: [&str; 20] = [
    "authorization",
    "cookie",
    "api-key",
    "api_key",
    "apikey",
    "password",
    "passwd",
    "secret",
    "secret-key",
    "secret_key",
    "access_token",
    "access-token",
    "refresh_token",
    "refresh-token",
    "id_token",
    "session_token",
    "auth-token",
    "auth_token",
    "private_key",
    "credential",
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(NAMES)
        .ok()
});

/// Appends the values of secret fields in `text`.
pub(super) fn scan(text: &str, found: &mut Vec<Finding>) {
    let Some(finder) = FINDER.as_ref() else { return };
    for name in finder.find_iter(text).map(|name| name.end()) {
        let rest = text.get(name..).unwrap_or_default();
        if let Some((skip, length)) = value(rest) {
            found.push(Finding {
                span: name + skip..name + skip + length,
                rule: "field".into(),
                category: "",
                kind: Kind::Secret,
                score: guard::SURE,
            });
        }
    }
}

/// Where the value after a name is: bytes to skip, and its length. `None` if no `:` or `=` follows.
fn value(rest: &str) -> Option<(usize, usize)> {
    let quote = |c: char| matches!(c, '"' | '\'' | '\\');
    let after_quotes = rest.trim_start_matches(quote).trim_start();
    let after_sign = after_quotes.strip_prefix([':', '='])?;
    let value = after_sign.trim_start();
    let bare = value.trim_start_matches(quote);
    let quoted = bare.len() < value.len();
    let length = if quoted {
        bare.find(['"', '\'', '\\', '\n'])
    } else {
        bare.find(['"', '\\', '\n', ',', '}', ']', ')'])
    };
    let length = length.unwrap_or(bare.len());
    let worth = !bare.get(..length).unwrap_or_default().trim().is_empty();
    worth.then_some((rest.len() - bare.len(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &str) -> String {
        let mut found = Vec::new();
        scan(text, &mut found);
        guard::redact(text, &found)
    }

    #[test]
    fn agp_i1_values_of_secret_fields_go_whatever_they_look_like() {
        for (line, clean) in [
            (
                r#"{"authorization":"Bearer plain words"}"#,
                r#"{"authorization":"[redacted:field]"}"#,
            ),
            (
                r#"{\"Proxy-Authorization\": \"Basic x\"}"#,
                r#"{\"Proxy-Authorization\": \"[redacted:field]\"}"#,
            ),
            ("Set-Cookie: a=b; c=d\nnext", "Set-Cookie: [redacted:field]\nnext"),
            (
                "x-api-key=hunter2, other=1",
                "x-api-key=[redacted:field], other=1",
            ),
            (
                r#"Login { password: "a, b", name: "n" }"#,
                r#"Login { password: "[redacted:field]", name: "n" }"#,
            ),
        ] {
            assert_eq!(scrubbed(line), clean);
        }
    }

    #[test]
    fn words_without_a_value_stay() {
        for line in [
            "the secret is out",
            "password: \"\"",
            "cookies are nice",
            "no authorization",
        ] {
            assert_eq!(scrubbed(line), line);
        }
    }
}
