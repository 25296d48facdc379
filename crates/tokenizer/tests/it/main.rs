//! The promises of counting, for every tokenizer: bounded above, bounded in time, never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

mod error;

use proptest::prelude::*;
use tokenizer::{Encoding, RUN_BYTES_MAX, TEMPLATE_TOKENS_MAX, count, count_with, upper_bound};

/// Text of many kinds: words, scripts, control words, and whatever else.
fn texts() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "<|endoftext|>",
        "<|im_start|>",
        "\u{0}",
        "\u{FDFA}",
        "ﬁ",
        "漢字",
        "क्षि",
        "👩‍👩‍👧‍👦",
        "\r\n\n",
        "     ",
        "0123456789",
        "it's",
        "...///",
    ]);
    let atom = prop_oneof![
        known.prop_map(str::to_owned),
        "\\PC{0,24}",
        "[a-zA-Z ]{0,40}",
        any::<String>()
    ];
    prop::collection::vec(atom, 0..10).prop_map(|atoms| atoms.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agp_d1_no_count_exceeds_the_upper_bound(text in texts()) {
        let bound = upper_bound(text.len() as u64, 0, 0) - TEMPLATE_TOKENS_MAX;
        for encoding in Encoding::ALL {
            prop_assert!(count_with(encoding, &text).tokens <= bound, "{encoding:?}");
        }
        prop_assert!(count("unheard-of", &text).tokens <= bound);
    }

    #[test]
    fn some_text_is_at_least_some_tokens(text in "\\PC{1,40}") {
        for encoding in [Encoding::O200k, Encoding::Llama3] {
            prop_assert!(count_with(encoding, &text).tokens > 0);
        }
    }
}

#[test]
fn agp_d1_the_bound_holds_for_oversized_runs_too() {
    for unit in ["a", " ", "\n", "!", "क्", "漢", "😀", "\u{1}"] {
        let run = unit.repeat(RUN_BYTES_MAX + 1);
        let counted = count_with(Encoding::O200k, &run);
        assert!(
            counted.tokens <= run.len() as u64 && counted.tokens > 0,
            "{unit:?}"
        );
        assert!(!counted.exact, "{unit:?}");
    }
}

#[test]
fn ordinary_chinese_without_spaces_is_counted_exactly() {
    let text = "今天天气很好，我们去公园散步吧。".repeat(400);
    assert!(text.len() > 4 * RUN_BYTES_MAX);
    assert!(count("gpt-4o", &text).exact);
}
