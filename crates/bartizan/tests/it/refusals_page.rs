//! The page about refusals, made from the code.

use std::fmt::Write;
use std::path::Path;

use data::refusal::{Code, Fault};

/// `docs/refusals.md` says what the code says.
#[test]
fn the_page_of_refusals_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/refusals.md");
    let page = page();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/refusals.md is out of date: run the test with UPDATE_GENERATED=1"
    );
}

fn page() -> String {
    let mut page = String::from(
        "<!-- Generated from `crates/data/src/refusal.rs` by the test `the_page_of_refusals_is_up_to_date` \
         (UPDATE_GENERATED=1 writes it); do not edit. -->

# Refusals

Every \"no\" of the data plane. The code is stable; the sentence beside it in an answer may change. In OpenAI's
dialect it is also `error.code`; in both it is the header `x-refusal-code`. Every refusal carries `x-request-id`; those
that may succeed later carry `retry-after`. `upstream_refused` is answered with the provider's own status.

| code | status | stage | whose fault | meaning |
|---|---|---|---|---|
",
    );
    for code in Code::ALL {
        let fault = match code.fault() {
            Fault::Downstream => "the caller's",
            Fault::Upstream => "the provider's",
            Fault::Ours => "the gate's",
        };
        let stage = snake(&format!("{:?}", code.stage()));
        let _ = writeln!(
            page,
            "| `{}` | {} | {stage} | {fault} | {} |",
            code.as_str(),
            code.status(),
            code.meaning().trim()
        );
    }
    page
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
