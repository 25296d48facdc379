//! How sure a match is that looks like a credential: a value that somebody typed along the alphabet or the keyboard's
//! digits stands in documentation more often than in a vault. Never decides whether there is a match.

use crate::families::SECRETS_SCORE_MIN;
use crate::shape::Match;

/// A value that seems typed is so sure, in percent of what its rule says.
const TYPED_PERCENT: u32 = 60;

/// The least that a match is graded down to: what the guard reports unless told otherwise.
const GRADED_MIN: u8 = SECRETS_SCORE_MIN;

/// So many bytes of a match are looked at.
const LOOKED_BYTES: usize = 64;

/// Fewer neighbours than this say nothing.
const NEIGHBOURS_MIN: usize = 11;

/// How sure a match in this text is, of a rule that is so sure of what is generated.
pub(crate) fn graded(score: u8, text: &[u8], found: &Match) -> u8 {
    let end = found.sure_to.min(found.span.start + LOOKED_BYTES);
    let value = text.get(found.span.start..end).unwrap_or_default();
    if score > GRADED_MIN && seems_typed(value) {
        let less = u32::from(score) * TYPED_PERCENT / 100;
        u8::try_from(less).unwrap_or(score).max(GRADED_MIN)
    } else {
        score
    }
}

/// Whether most letters and digits follow each other as they do in the alphabet, forward or back: side by side
/// (`abcdef1234`), or in turn (`a1b2c3`).
pub(crate) fn seems_typed(value: &[u8]) -> bool {
    follows(value, 1) || follows(value, 2)
}

fn follows(value: &[u8], apart: usize) -> bool {
    let (mut pairs, mut next) = (0, 0);
    for (one, other) in value.iter().zip(value.iter().skip(apart)) {
        let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
        if one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric() {
            pairs += 1;
            let is_round = matches!((one, other), (b'9', b'0') | (b'0', b'9'));
            // Of what is in turn, a repeated one is no step.
            let near = one.abs_diff(other);
            next += usize::from(is_round || near == 1 || near == 0 && apart == 1);
        }
    }
    pairs >= NEIGHBOURS_MIN && 2 * next >= pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_along_the_alphabet_is_typed() {
        for value in [
            "abcdefghijklmnop1234567890",
            "ghp_1234567890abcdef1234567890ABCDEF",
            "a1b2c3d4e5f6g7h8",
            "Z9y8X7w6V5u4T3s2",
            "000011112222333344445555",
        ] {
            assert!(seems_typed(value.as_bytes()), "{value}");
        }
        for value in [
            "abc123",
            "951bc382db9abad29c68634761dd6e19",
            "4b18315e-6b7d-4337-b449-5d38f5a189ec",
            "k9Qz7LmN2pRtVwXyB4dF6hJ8sT1uC3eG",
            "vzqhlaqwknrxqlhtzvbn",
        ] {
            assert!(!seems_typed(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_typed_value_is_less_sure_and_still_reported() {
        let text = b"key=abcdefghijklmnop1234567890";
        let found = |sure_to: usize| Match {
            span: 4..text.len(),
            sure_to,
            tail: None,
        };
        assert_eq!(graded(100, text, &found(text.len())), 60);
        assert_eq!(graded(80, text, &found(text.len())), GRADED_MIN);
        assert_eq!(graded(40, text, &found(text.len())), 40);
        // What is not part of the verdict does not count.
        assert_eq!(graded(100, text, &found(10)), 100);
    }
}
