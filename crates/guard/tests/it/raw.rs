//! The quick test on bytes that are not decoded never misses what decoding would show.

use guard::Secrets;
use proptest::prelude::*;

use crate::samples::{ALNUM, after, noise, samples};

/// The text as a JSON string, with some characters written as escapes that JSON allows.
fn escaped(text: &str, every: usize) -> String {
    let mut out = String::from("{\"content\":\"");
    for (at, c) in text.chars().enumerate() {
        match c {
            '/' if at % 2 == 0 => out.push_str("\\/"),
            _ if every > 0 && c.is_ascii() && at % every == 0 => {
                out.push_str(&format!("\\u{:04X}", c as u32))
            }
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\"}"
}

#[test]
fn agp_i3_escapes_hide_nothing_from_the_quick_test() {
    let secrets = Secrets::new();
    for (rule, before, secret) in samples() {
        let text = format!("say\n{before}{secret}{}", after(rule));
        for every in [0, 1, 2, 3, 7, 50] {
            let raw = escaped(&text, every);
            let decoded: serde_json::Value = serde_json::from_str(&raw).unwrap();
            assert_eq!(decoded["content"], text);
            assert!(secrets.may_match(raw.as_bytes()), "{rule} every {every}");
        }
    }
}

#[test]
fn ordinary_bodies_pass_the_quick_test() {
    let secrets = Secrets::new();
    let bodies = [
        r#"{"model":"gpt-4o","max_tokens":4096,"messages":[{"role":"user","content":"What is a token? See https://example.com/a."}]}"#,
        r#"{"content":"Gr\u00fc\u00dfe \ud83d\ude00\n\tand \"quotes\" about api_key and passwords"}"#,
        r#"{"image_url":{"url":"https://cdn.example.com/x.png"},"user":"task-based"}"#,
    ];
    for body in bodies {
        assert!(!secrets.may_match(body.as_bytes()), "{body}");
    }
    let with = format!(r#"{{"content":"\n ghp_{}"}}"#, noise(ALNUM, 36, 1));
    assert!(secrets.may_match(with.as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agp_i3_a_quick_no_is_certain(pick in any::<prop::sample::Index>(), left in "\\PC{0,20}", right in "\\PC{0,20}", every in 0_usize..9) {
        let secrets = Secrets::new();
        let all = samples();
        let (rule, before, secret) = &all[pick.index(all.len())];
        let text = format!("{left}{before}{secret}{}{right}", after(rule));
        let mut found = Vec::new();
        secrets.scan(&text, &mut found);
        if !found.is_empty() {
            prop_assert!(secrets.may_match(escaped(&text, every).as_bytes()));
            prop_assert!(secrets.may_match(text.as_bytes()));
        }
    }
}
