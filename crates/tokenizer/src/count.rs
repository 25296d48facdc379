//! Counts tokens. Never fails and never takes more than bounded time per byte.
//!
//! Time: ordinary text takes about 10 ns a byte; text built to be slow costs at most a few hundred
//! nanoseconds a byte for its first [`SLICED_BYTES_MAX`] bytes and nothing measurable after them. The
//! first count with an encoding also builds its vocabulary (about half a second, once a process).

use crate::encoding::{Encoding, encoding_for};
use crate::runs::{Portion, portions, slices};

/// Bytes of oversized runs that are tokenized in slices; the rest of them is estimated by size.
const SLICED_BYTES_MAX: usize = 256 * 1_024;

/// The name an estimate by size goes by.
const BY_SIZE: &str = "bytes/4";

/// A number of tokens and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Tokens of the text alone, without what a chat template adds.
    pub tokens: u64,
    /// Whether the model's own tokenizer counted the whole text; an estimate otherwise.
    pub exact: bool,
    /// Which tokenizer counted: a vocabulary's name, or `bytes/4`.
    pub tokenizer: &'static str,
}

/// Counts `text` as `model` would; an unknown model gets an estimate of a token per four bytes.
#[must_use]
pub fn count(model: &str, text: &str) -> Count {
    encoding_for(model).map_or_else(|| by_size(text), |encoding| count_with(encoding, text))
}

/// Counts `text` with one encoding.
#[must_use]
pub fn count_with(encoding: Encoding, text: &str) -> Count {
    let Some(vocabulary) = tiktoken::get_encoding(encoding.name()) else {
        return by_size(text);
    };
    let mut tally = Tally {
        vocabulary,
        tokens: 0,
        exact: true,
        sliced_bytes: 0,
    };
    for portion in portions(text) {
        tally.add(portion);
    }
    Count {
        tokens: tally.tokens,
        exact: tally.exact,
        tokenizer: encoding.name(),
    }
}

fn by_size(text: &str) -> Count {
    Count {
        tokens: quarter(text.len()),
        exact: false,
        tokenizer: BY_SIZE,
    }
}

/// A token per four bytes, rounded up: at least one for any text at all.
fn quarter(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX)
}

struct Tally {
    vocabulary: &'static tiktoken::CoreBpe,
    tokens: u64,
    exact: bool,
    sliced_bytes: usize,
}

impl Tally {
    fn add(&mut self, portion: Portion<'_>) {
        match portion {
            Portion::Text(text) => self.add_text(text),
            Portion::Oversized(run) => self.add_oversized(run),
        }
    }

    fn add_text(&mut self, text: &str) {
        let tokens = u64::try_from(self.vocabulary.count(text)).unwrap_or(u64::MAX);
        self.tokens = self.tokens.saturating_add(tokens);
    }

    // threat: AGP-D1
    fn add_oversized(&mut self, run: &str) {
        self.exact = false;
        for slice in slices(run) {
            if self.sliced_bytes < SLICED_BYTES_MAX {
                self.sliced_bytes = self.sliced_bytes.saturating_add(slice.len());
                self.add_text(slice);
            } else {
                self.tokens = self.tokens.saturating_add(quarter(slice.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_models_are_counted_exactly() {
        let counted = count("gpt-4o", "hello world");
        assert_eq!(
            counted,
            Count {
                tokens: 2,
                exact: true,
                tokenizer: "o200k_base"
            }
        );
        assert_eq!(count("gpt-4", "tiktoken is great!").tokens, 6);
        assert_eq!(count("gpt-4o", "").tokens, 0);
    }

    #[test]
    fn unknown_models_are_estimated_and_say_so() {
        assert_eq!(
            count("some-model", "hello"),
            Count {
                tokens: 2,
                exact: false,
                tokenizer: "bytes/4"
            }
        );
        assert_eq!(count("some-model", "h").tokens, 1);
        assert_eq!(count("some-model", "").tokens, 0);
    }

    #[test]
    fn special_tokens_in_the_text_are_plain_text() {
        // threat: AGP-D1 (a caller must not shrink the count with control words)
        assert!(count("gpt-4o", "<|endoftext|>").tokens > 1);
    }

    #[test]
    fn agp_d1_oversized_runs_are_estimates_close_to_the_count() {
        let run = "a".repeat(20_000);
        let counted = count("gpt-4o", &run);
        let whole = tiktoken::get_encoding("o200k_base").unwrap().count(&run) as u64;
        assert!(!counted.exact);
        assert!(
            counted.tokens >= whole && counted.tokens < whole + 100,
            "{} {whole}",
            counted.tokens
        );
    }

    #[test]
    fn agp_d1_hostile_megabytes_are_mostly_estimated_by_size() {
        let run = "a".repeat(4_000_000);
        let counted = count("gpt-4o", &run);
        assert!(counted.tokens >= 900_000, "{}", counted.tokens);
    }
}
