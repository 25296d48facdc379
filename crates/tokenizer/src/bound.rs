//! The bound that a reservation is made with. Never looks at the text, only at its size.

/// Tokens that a chat template may add around one message (role, separators, name).
pub const MESSAGE_TOKENS_MAX: u64 = 16;

/// Tokens that one image may cost: the largest tile grids of today's vision models stay below it.
pub const IMAGE_TOKENS_MAX: u64 = 16_384;

/// Tokens that a chat template may add once per request (preamble, date, tool header, reply priming).
pub const TEMPLATE_TOKENS_MAX: u64 = 256;

/// An upper bound of the prompt tokens of a request.
///
/// A byte-level tokenizer never makes more tokens than there are bytes, because each token stands
/// for at least one byte; the rest is what templates and images add. Saturates instead of wrapping.
///
/// `text_bytes` counts every text that reaches the model: prompts, tool definitions, schemas.
// threat: AGP-D1
#[must_use]
pub const fn upper_bound(text_bytes: u64, messages: u32, images: u32) -> u64 {
    text_bytes
        .saturating_add(MESSAGE_TOKENS_MAX.saturating_mul(messages as u64))
        .saturating_add(IMAGE_TOKENS_MAX.saturating_mul(images as u64))
        .saturating_add(TEMPLATE_TOKENS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_d1_the_bound_grows_with_every_part_and_never_wraps() {
        assert_eq!(upper_bound(0, 0, 0), TEMPLATE_TOKENS_MAX);
        assert_eq!(
            upper_bound(10, 2, 1),
            10 + 32 + IMAGE_TOKENS_MAX + TEMPLATE_TOKENS_MAX
        );
        assert_eq!(upper_bound(u64::MAX, u32::MAX, u32::MAX), u64::MAX);
    }
}
