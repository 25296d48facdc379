//! Links in streams: the same however a text is cut, little held back, and time linear in length.

use std::time::Duration;

use guard::families::{Images, LinkRules};
use guard::{LINK_BYTES_MAX, LINK_HOLD_BACK_BYTES_MAX};
use proptest::prelude::*;

use crate::links::{NOW, joined, observed, pieces, plan, scanned, streamed};

/// What this thread has worked, not waited, in nanoseconds; nothing where the system does not tell.
pub(crate) fn worked() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = told.split(' ').next();
    first.and_then(|first| first.parse().ok()).unwrap_or(0)
}

#[test]
fn a_link_without_end_is_told_and_holds_no_more_than_a_link_may() {
    let plan = plan(observed());
    let text = format!("see https://evil.test/{} and on", "é7".repeat(3 * LINK_BYTES_MAX));
    let whole = joined(scanned(&plan, &text));
    assert_eq!(whole, [("link:too_long".to_owned(), 4, text.len() - 7)]);
    for size in [1, 5, 1_000] {
        let (found, held) = streamed(&plan, None, &pieces(&text, size));
        assert_eq!(found, whole);
        assert!(held as usize <= LINK_HOLD_BACK_BYTES_MAX + size, "{held}");
    }
}

#[test]
fn prose_is_not_held() {
    let plan = plan(observed());
    let mut follow = plan.follow();
    let text = "The house is old, and the garden (with a pond) is older = not new [1]: fine, so.";
    assert_eq!(follow.push(&plan, text, NOW, &mut Vec::new()), text.len() as u64);
}

const PARTS: [&str; 34] = [
    "https://",
    "http:",
    "//",
    "evil.test",
    "good.example",
    "/x",
    "?q=",
    "{data}",
    " ",
    "\n",
    "![",
    "](",
    ")",
    "[",
    "]: ",
    "<img src=",
    "\"",
    "'",
    "<a href=\"",
    ">",
    "<",
    "url(",
    "&#104;",
    "javascript:",
    "data:image/png;base64,",
    "www.",
    "é",
    "。",
    "@",
    "@import ",
    "\\",
    "=",
    "bWVyZ2VyIHdpdGggTm9ydGh3aW5k",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agp_i3_links_are_the_same_however_a_text_is_cut(
        parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..40),
        cuts in prop::collection::vec(1_usize..30, 1..60),
    ) {
        let text = parts.concat();
        let plan = plan(LinkRules { allow: vec!["good.example".into()], images: Images::OwnOnly, ..observed() });
        let whole = joined(scanned(&plan, &text));
        let mut rest = text.as_str();
        let mut cut = Vec::new();
        for size in cuts {
            let (piece, more) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
            cut.push(piece);
            rest = more;
        }
        cut.push(rest);
        prop_assert_eq!(streamed(&plan, None, &cut).0, whole.clone());
        prop_assert_eq!(streamed(&plan, None, &pieces(&text, 1)).0, whole.clone());
        for (_, start, end) in whole {
            prop_assert!(text.is_char_boundary(start) && text.is_char_boundary(end));
        }
    }

    #[test]
    fn links_never_panic(text in "\\PC{0,300}") {
        let plan = plan(LinkRules { allow: vec!["good.example".into()], ..observed() });
        scanned(&plan, &text);
        scanned(&plan, &format!("![x](https://{text})"));
    }
}

/// A megabyte of the worst takes no more than a few times what a quarter of it takes.
#[test]
fn time_is_linear_in_length() {
    let plan = plan(LinkRules {
        allow: vec!["good.example".into()],
        images: Images::OwnOnly,
        ..observed()
    });
    let worst = [
        "](//a.b",
        "](",
        "![",
        "=",
        "src=",
        "http:",
        "http://",
        "https://a",
        "www.",
        "[",
        "]",
        "(",
        "<a href=//a.b>",
        "url(",
        "&#",
        "%25",
        "//a",
        "https://a.b/?q={",
        "https://a.b/?u=//c.d&",
        "![x](https://a.b/?d=bWVyZ2VyIHdpdGggTm9y) ",
        "@import",
    ];
    for part in worst {
        let time = |bytes: usize| {
            let text = part.repeat(bytes / part.len());
            let start = worked();
            scanned(&plan, &text);
            Duration::from_nanos(worked() - start)
        };
        let (quarter, whole) = (time(1 << 16), time(1 << 18));
        assert!(
            whole < quarter * 12 + Duration::from_millis(200),
            "{part}: {quarter:?} {whole:?}"
        );
    }
}
