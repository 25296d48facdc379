//! How a model's name is matched: dates at its end, and patterns with `*`.

/// The name without a trailing `-2024-08-06`, `-20240806` or `-latest`; `None` if it has none.
pub(super) fn undated(name: &str) -> Option<&str> {
    if let Some(base) = name.strip_suffix("-latest") {
        return Some(base);
    }
    without_suffix(name, "-dddd-dd-dd").or_else(|| without_suffix(name, "-dddddddd"))
}

/// `name` without an end of the given shape, where `d` stands for a digit.
fn without_suffix<'a>(name: &'a str, shape: &str) -> Option<&'a str> {
    let (base, suffix) = name.split_at_checked(name.len().checked_sub(shape.len())?)?;
    let fits = suffix.bytes().zip(shape.bytes()).all(|(have, want)| match want {
        b'd' => have.is_ascii_digit(),
        other => have == other,
    });
    (fits && !base.is_empty()).then_some(base)
}

/// Whether `name` fits `pattern`, in which each `*` stands for any text, also none.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// How much of a pattern is not `*`.
pub(crate) fn letters(pattern: &str) -> usize {
    pattern.len() - pattern.matches('*').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_at_the_end_are_no_part_of_the_name() {
        for (name, base) in [
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("claude-3-5-haiku-latest", Some("claude-3-5-haiku")),
            ("gpt-4o", None),
            ("gpt-4o-2024-08-0x", None),
            ("gpt-4o-2024-8-6", None),
            ("-20240806", None),
            ("20240806", None),
            ("ü-2024-08-06", Some("ü")),
            ("ü0240806", None),
        ] {
            assert_eq!(undated(name), base, "{name}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*c", "abc", true),
            ("*c", "abcd", false),
            ("a*c", "ac", true),
            ("a*c", "a", false),
            ("aa*a", "aa", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn patterns_agree_with_a_plain_recursive_matcher(pattern in "[ab*]{0,7}", name in "[ab]{0,8}") {
            fn plain(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.split_first(), name.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), _) if plain(rest, name) => true,
                    (Some((b'*', _)), Some((_, after))) => plain(pattern, after),
                    (Some((want, rest)), Some((have, after))) if want == have => plain(rest, after),
                    _ => false,
                }
            }
            prop_assert_eq!(fits(&pattern, &name), plain(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
