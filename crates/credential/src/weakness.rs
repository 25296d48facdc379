//! Secrets that are none: empty, or what everybody leaves in place.

use domain::Secret;

/// Why a resolved secret must not be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Nothing in it.
    #[error("the secret is empty")]
    Empty,
    /// A placeholder out of an example.
    #[error("the secret is a placeholder")]
    Placeholder,
}

/// What examples and tutorials put where a secret belongs; compared without case and separators.
const PLACEHOLDERS: [&str; 18] = [
    "changeme",
    "changethis",
    "replaceme",
    "yourkeyhere",
    "yourapikey",
    "yourapikeyhere",
    "yoursecret",
    "secret",
    "password",
    "passwd",
    "postgres",
    "default",
    "example",
    "test",
    "admin",
    "none",
    "todo",
    "xxx",
];

/// Whether `secret` is one that nobody can have meant. An empty one is never of use; a placeholder is
/// tolerable in development only, which the caller decides.
// threat: CTX-T2
pub fn weakness(secret: &Secret) -> Option<Weakness> {
    let text = secret.expose().trim();
    if text.is_empty() {
        return Some(Weakness::Empty);
    }
    let bare: zeroize::Zeroizing<String> = zeroize::Zeroizing::new(
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect(),
    );
    let repeated = bare.chars().all(|c| bare.starts_with(c));
    (repeated || PLACEHOLDERS.contains(&bare.as_str())).then_some(Weakness::Placeholder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctx_t2_empty_and_placeholder_secrets_are_noticed() {
        let of = |text: &str| weakness(&Secret::new(text));
        for empty in ["", " ", "\n"] {
            assert_eq!(of(empty), Some(Weakness::Empty));
        }
        for placeholder in [
            "changeme",
            "CHANGE-ME",
            "your_api_key_here",
            "xxxxxxxx",
            "0000",
            "***",
            "Secret",
        ] {
            assert_eq!(of(placeholder), Some(Weakness::Placeholder), "{placeholder}");
        }
        for real in ["changeme2x9", "sk-proj-abcdef", "correct horse battery staple"] {
            assert_eq!(of(real), None, "{real}");
        }
    }
}
