//! Placeholders and back: nothing is lost, whatever the text, and however an answer is cut or written.

use guard::{Finding, Kind, Masker, Personal, SURE, Unmasker};
use proptest::prelude::*;

fn finding(rule: &'static str, start: usize, end: usize) -> Finding {
    Finding {
        span: start..end,
        rule: rule.into(),
        category: "",
        kind: Kind::Personal,
        score: SURE,
    }
}

/// A masker with two addresses and a person.
fn masked() -> (Masker, String) {
    let personal = Personal::new();
    let text = "My name is Ada Lovelace. Write to ada@example.org or bob@example.net, not ada@example.org!";
    let mut found = Vec::new();
    personal.scan(text, &mut found);
    let mut masker = Masker::new();
    let masked = masker.mask(text, &found);
    (masker, masked)
}

fn streamed(unmasker: &Unmasker, pieces: &[&str]) -> String {
    let (mut unmasker, mut out) = (unmasker.clone(), String::new());
    for piece in pieces {
        unmasker.push(piece, &mut out);
    }
    unmasker.finish(&mut out);
    assert!(!unmasker.holds_back());
    out
}

#[test]
fn anp_0010_the_same_value_has_the_same_placeholder() {
    let (masker, masked) = masked();
    assert_eq!(
        masked,
        "My name is <PERSON_1>. Write to <EMAIL_ADDRESS_1> or <EMAIL_ADDRESS_2>, not <EMAIL_ADDRESS_1>!"
    );
    assert_eq!(masker.len(), 3);
}

#[test]
fn anp_0010_what_models_make_of_a_placeholder_is_understood() {
    let (masker, _) = masked();
    let unmasker = masker.unmasker();
    for written in [
        "<EMAIL_ADDRESS_1>",
        "<email_address_1>",
        "<Email Address 1>",
        "< EMAIL_ADDRESS_1 >",
        "<EMAIL-ADDRESS-1>",
        "<EMAIL\\_ADDRESS\\_1>",
        "\\<EMAIL_ADDRESS_1\\>",
        "\\u003cEMAIL_ADDRESS_1\\u003e",
        "\\u003Cemail_address_1\\u003E",
        "&lt;EMAIL_ADDRESS_1&gt;",
        "EMAIL_ADDRESS_1",
    ] {
        let text = format!("Ask {written}, please");
        assert_eq!(unmasker.unmask(&text), "Ask ada@example.org, please", "{written}");
        for cut in 0..=text.len() {
            let pieces = [&text[..cut], &text[cut..]];
            assert_eq!(
                streamed(&unmasker, &pieces),
                "Ask ada@example.org, please",
                "{written} cut at {cut}"
            );
        }
    }
}

#[test]
fn anp_0010_what_is_no_placeholder_of_ours_is_left() {
    let (masker, _) = masked();
    let unmasker = masker.unmasker();
    for text in [
        "<EMAIL_ADDRESS_3>",
        "<EMAIL_ADDRESS_12>",
        "EMAIL_ADDRESS_12",
        "MY_EMAIL_ADDRESS_1",
        "EMAIL_ADDRESS_1X",
        "email_address_1",
        "email address 1",
        "a < b && c > d \\u003",
        "<PERSON>",
        "\\",
        "&l",
    ] {
        assert_eq!(unmasker.unmask(text), text);
        let pieces: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        assert_eq!(streamed(&unmasker, &pieces), text);
    }
}

#[test]
fn anp_0010_clean_text_is_handed_on_at_once() {
    let (masker, _) = masked();
    let (mut unmasker, mut out) = (masker.unmasker(), String::new());
    for piece in ["It is ", "P", "ossible", " that <b", ">bold</b> ", "x \\", "n"] {
        unmasker.push(piece, &mut out);
    }
    assert_eq!(out, "It is Possible that <b>bold</b> x \\n");
    unmasker.push(" <PERSON_", &mut out);
    assert!(unmasker.holds_back() && out.ends_with("\\n "));
    unmasker.push("1> said", &mut out);
    assert!(out.ends_with(" Ada Lovelace said"));
}

#[test]
fn anp_0010_a_callers_own_placeholder_is_not_taken_for_ours() {
    let text =
        "Keep <EMAIL_ADDRESS_1> and \\u003cemail address 2\\u003e; EMAIL_ADDRESS_3 too; mask x@example.org";
    let start = text.find("x@").unwrap();
    let mut masker = Masker::new();
    let masked = masker.mask(text, &[finding("email_address", start, text.len())]);
    assert!(masked.ends_with("mask <EMAIL_ADDRESS_4>"), "{masked}");
    assert_eq!(masker.unmasker().unmask(&masked), text);
}

#[test]
fn anp_0010_other_texts_of_the_request_are_reserved_before() {
    let mut masker = Masker::new();
    masker.reserve("what does <PERSON_1> mean?");
    assert_eq!(masker.mask("Ada", &[finding("person", 0, 3)]), "<PERSON_2>");
}

#[test]
fn values_are_escaped_in_json() {
    let mut masker = Masker::new();
    let value = "a \"b\" \\ c\nd";
    let masked = masker.mask(value, &[finding("street_address", 0, value.len())]);
    let json = format!("{{\"to\":\"{masked}\"}}");
    let back = masker.unmasker().in_json().unmask(&json);
    let back: serde_json::Value = serde_json::from_str(&back).unwrap();
    assert_eq!(back["to"], value);
}

#[test]
fn anp_0020_neither_shows_what_it_knows() {
    let (masker, _) = masked();
    let mut unmasker = masker.unmasker();
    unmasker.push("secret <PERS", &mut String::new());
    for shown in [format!("{masker:?}"), format!("{unmasker:?}")] {
        assert!(
            !shown.contains("ada") && !shown.contains("Ada") && !shown.contains("PERS"),
            "{shown}"
        );
    }
}

/// Texts of pieces that are, hold, or nearly are placeholders, and spans in them.
fn cases() -> impl Strategy<Value = (String, Vec<(usize, usize, bool)>)> {
    let atoms = prop::sample::select(vec![
        "ada",
        " ",
        "<",
        ">",
        "PERSON_1",
        "<PERSON_1>",
        "person 2",
        "<EMAIL_ADDRESS_",
        "1",
        "2",
        "_",
        "\\u003c",
        "&lt;",
        "é",
        "漢",
        "\\",
        "PERSON",
        "&gt;",
        "-",
        "S",
        "x@y.org",
        "\\_",
    ]);
    prop::collection::vec(atoms, 0..24).prop_flat_map(|atoms| {
        let text = atoms.concat();
        let most = text.len();
        let spans = prop::collection::vec((0..=most, 0..=most, any::<bool>()), 0..6);
        (Just(text), spans)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anp_0010_unmasking_is_the_inverse_of_masking((text, spans) in cases(), size in 1_usize..9) {
        let findings: Vec<Finding> = spans
            .iter()
            .map(|(one, other, person)| {
                let rule = if *person { "person" } else { "email_address" };
                finding(rule, *one.min(other), *one.max(other))
            })
            .collect();
        let mut masker = Masker::new();
        let masked = masker.mask(&text, &findings);
        let unmasker = masker.unmasker();
        prop_assert_eq!(&unmasker.unmask(&masked), &text, "{}", masked);
        let mut pieces = Vec::new();
        let mut rest = masked.as_str();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(streamed(&unmasker, &pieces), text);
    }

    /// Whatever a model writes: in pieces it is what it is whole.
    #[test]
    fn anp_0010_pieces_unmask_as_the_whole((text, _) in cases(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let (masker, _) = masked();
        let unmasker = masker.unmasker();
        let mut at: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut % (text.len() + 1))).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let pieces: Vec<&str> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        prop_assert_eq!(streamed(&unmasker, &pieces), unmasker.unmask(&text));
    }
}
