//! Placeholders and back: nothing is lost, whatever the text, and however an answer is cut or written.

use std::sync::LazyLock;

use guard::{Action, Finding, Found, Kind, Masker, Personal, SURE, Unmasker};
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

fn with(action: Action, findings: &[Finding]) -> Vec<Found> {
    let found = |finding: &Finding| Found {
        finding: finding.clone(),
        action,
        would: None,
        excepted: false,
    };
    findings.iter().map(found).collect()
}

/// A text of a request that has no other, with what was found masked.
fn mask(masker: &mut Masker, text: &str, findings: &[Finding]) -> String {
    let found = with(Action::Mask, findings);
    masker.learn(text, &found);
    masker.replace(text, &found).unwrap_or_else(|| text.to_owned())
}

/// A masker with two addresses and a person.
fn masked() -> (Masker, String) {
    let personal = Personal::new();
    let text = "My name is Ada Lovelace. Write to ada@example.org or bob@example.net, not ada@example.org!";
    let mut found = Vec::new();
    personal.scan(text, &mut found);
    let mut masker = Masker::new();
    let masked = mask(&mut masker, text, &found);
    (masker, masked)
}

/// What the next ones who look find in a text that was replaced before.
#[test]
fn anp_0010_what_others_find_gets_placeholders_of_the_same_table() {
    let (mut masker, masked) = masked();
    let span = |text: &str| {
        let at = masked.find(text).unwrap();
        (at, at + text.len())
    };
    let found = |rule, (start, end): (usize, usize)| finding(rule, start, end);
    let others = [
        // A placeholder's letters, and one with words around it.
        found("presidio:PERSON", span("PERSON_1")),
        found("presidio:LOCATION", span("to <EMAIL")),
        found("presidio:ORGANIZATION", span("My")),
        found("own:code_name", span("name")),
    ];
    let again = mask(&mut masker, &masked, &others);
    assert_eq!(
        again,
        "<ORGANIZATION_1> <CODE_NAME_1> is <PERSON_1>. Write <LOCATION_1> or <EMAIL_ADDRESS_2>, not <EMAIL_ADDRESS_1>!"
    );
    // A value that is a part of a placeholder's name is not found again in one.
    let word = "EMAIL";
    assert_eq!(mask(&mut masker, word, &[found("own:word", (0, 5))]), "<WORD_1>");
    assert_eq!(mask(&mut masker, &again, &[]), again);
    assert_eq!(
        masker.into_unmasker().unmask(&again),
        "My name is Ada Lovelace. Write to ada@example.org or bob@example.net, not ada@example.org!"
    );
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
    let unmasker = masker.into_unmasker();
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
    let unmasker = masker.into_unmasker();
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
    let (mut unmasker, mut out) = (masker.into_unmasker(), String::new());
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
    let masked = mask(&mut masker, text, &[finding("email_address", start, text.len())]);
    assert!(masked.ends_with("mask <EMAIL_ADDRESS_4>"), "{masked}");
    assert_eq!(masker.into_unmasker().unmask(&masked), text);
}

#[test]
fn anp_0010_other_texts_of_the_request_are_reserved_before() {
    let mut masker = Masker::new();
    masker.learn("what does <PERSON_1> mean?", &[]);
    assert_eq!(mask(&mut masker, "Ada", &[finding("person", 0, 3)]), "<PERSON_2>");
}

#[test]
fn values_are_escaped_in_json() {
    let mut masker = Masker::new();
    let value = "a \"b\" \\ c\nd";
    let masked = mask(&mut masker, value, &[finding("street_address", 0, value.len())]);
    let json = format!("{{\"to\":\"{masked}\"}}");
    let back = masker.into_unmasker().in_json().unmask(&json);
    let back: serde_json::Value = serde_json::from_str(&back).unwrap();
    assert_eq!(back["to"], value);
}

#[test]
fn anp_0020_neither_shows_what_it_knows() {
    let (masker, _) = masked();
    let known = format!("{masker:?}");
    let mut unmasker = masker.into_unmasker();
    unmasker.push("secret <PERS", &mut String::new());
    for shown in [known, format!("{unmasker:?}")] {
        assert!(
            !shown.contains("ada") && !shown.contains("Ada") && !shown.contains("PERS"),
            "{shown}"
        );
    }
}

#[test]
fn anp_0010_a_value_found_once_is_replaced_in_every_text_and_only_as_a_word() {
    let mut masker = Masker::new();
    let first = "My name is Ada Lovelace";
    let found = with(Action::Mask, &[finding("person", 11, first.len())]);
    // The text in which no rule finds it comes first.
    masker.learn("Ada Lovelace wants tea", &[]);
    masker.learn(first, &found);
    let replaced = masker.replace("Ada Lovelace wants tea; not Ada Lovelaces or NAda Lovelace", &[]);
    assert_eq!(
        replaced.as_deref(),
        Some("<PERSON_1> wants tea; not Ada Lovelaces or NAda Lovelace")
    );
    assert_eq!(
        masker.replace(first, &found).as_deref(),
        Some("My name is <PERSON_1>")
    );
    assert_eq!(masker.replace("nobody", &[]), None);
}

#[test]
fn anp_0010_placeholders_and_markers_are_put_in_one_pass_and_the_strictest_wins() {
    let text = "see ada@example.org:8080/ghp and bob@example.org";
    let bob = text.find("bob").unwrap();
    let mut found = with(
        Action::Mask,
        &[
            finding("email_address", 4, 19),
            finding("email_address", bob, text.len()),
        ],
    );
    found.extend(with(Action::Redact, &[finding("url_password", 15, 28)]));
    found.extend(with(Action::Redact, &[finding("other", 28, 29)]));
    found.extend(with(Action::Observe, &[finding("word", 0, 3)]));
    let mut masker = Masker::new();
    masker.learn(text, &found);
    let masked = masker.replace(text, &found).unwrap();
    assert_eq!(masked, "see [redacted:url_password]and <EMAIL_ADDRESS_1>");
    // What is redacted is not put back: it is not even known.
    assert_eq!(masker.len(), 1);
    assert_eq!(
        masker.into_unmasker().unmask(&masked),
        "see [redacted:url_password]and bob@example.org"
    );
}

#[test]
fn anp_0010_placeholders_of_rules_with_few_letters_or_numbers_are_not_mistaken() {
    let mut masker = Masker::new();
    let text = "x URL_VALUE_1, the <my url value 2> and 10.0.0.1";
    let masked = mask(&mut masker, text, &[finding("url", text.len() - 8, text.len())]);
    assert_eq!(masked, "x URL_VALUE_1, the <my url value 2> and <URL_VALUE_3>");
    assert_eq!(
        mask(&mut masker, "abc", &[finding("ipv4 addr.", 0, 3)]),
        "<IPV_ADDR_1>"
    );
    // Taken, by its last letters.
    assert_eq!(mask(&mut masker, "def", &[finding("42", 0, 3)]), "<VALUE_3>");
    assert_eq!(masker.into_unmasker().unmask(&masked), text);
}

#[test]
fn anp_0010_values_are_escaped_where_a_text_begins_as_json_does() {
    let value = "12 \"Main\" St\nX";
    let mut masker = Masker::new();
    mask(&mut masker, value, &[finding("street_address", 0, value.len())]);
    let unmasker = masker.into_unmasker();
    for json in [
        r#"{"to":"<STREET_ADDRESS_1>"}"#,
        r#" [ {"to":"STREET_ADDRESS_1"}]"#,
        r#"["<street address 1>"]"#,
    ] {
        let back = unmasker.unmask(json);
        let back: serde_json::Value = serde_json::from_str(&back).unwrap();
        assert!(back.to_string().contains("Main"), "{back}");
        let pieces: Vec<&str> = json.split_inclusive(|_: char| true).collect();
        assert_eq!(streamed(&unmasker, &pieces), unmasker.unmask(json));
    }
    for prose in [
        "<STREET_ADDRESS_1> {\"a\"",
        "[1] <STREET_ADDRESS_1>",
        "to { <STREET_ADDRESS_1>",
    ] {
        assert!(unmasker.unmask(prose).contains(value), "{prose}");
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

/// What puts back the values of one, and of another: none, two, or four of them.
static KNOWING: LazyLock<[[Unmasker; 3]; 2]> = LazyLock::new(|| {
    let knowing = |who: &str, most: usize| {
        let mut masker = Masker::new();
        for number in 0..most {
            let value = format!("{who}{number}@");
            let end = value.len();
            mask(&mut masker, &value, &[finding("person", 0, end - 1)]);
            mask(&mut masker, &value, &[finding("email_address", 0, end)]);
        }
        masker.into_unmasker()
    };
    ["Zoe", "Max"].map(|who| [0, 1, 2].map(|most| knowing(who, most)))
});
/// A finding within a number leaves its beginning, which is no placeholder of ours then.
#[test]
fn anp_0010_what_is_left_of_a_lookalike_is_no_placeholder() {
    let text = "PERSON_12 EMAIL_ADDRESS_34";
    for at in [8, 25] {
        let mut masker = Masker::new();
        let masked = mask(&mut masker, text, &[finding("person", at, at + 1)]);
        assert_eq!(masker.into_unmasker().unmask(&masked), text, "{masked}");
    }
}

static KNOWN: LazyLock<Unmasker> = LazyLock::new(|| masked().0.into_unmasker());

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
        let masked = mask(&mut masker, &text, &findings);
        let unmasker = masker.into_unmasker();
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

    /// What one request's values put into an answer is theirs alone, and a placeholder that is not theirs stays.
    #[test]
    fn anp_0010_anp_0017_no_value_of_one_request_gets_into_the_answer_to_another(
        (answer, _) in cases(),
        ours in 0_usize..3,
        theirs in 1_usize..3,
    ) {
        let (one, other) = (&KNOWING[0][ours], &KNOWING[1][theirs]);
        let (to_one, to_other) = (one.unmask(&answer), other.unmask(&answer));
        prop_assert!(!to_one.contains("Max") && !to_other.contains("Zoe"));
        // What is put back is all that changes: with the same number of values the answers differ in nothing else.
        if ours == theirs {
            prop_assert_eq!(to_one.replace("Zoe", "Max"), to_other);
        }
        if ours == 0 {
            prop_assert_eq!(to_one, answer);
        }
    }

    /// Whatever a model writes: in pieces it is what it is whole.
    #[test]
    fn anp_0010_pieces_unmask_as_the_whole((text, _) in cases(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let unmasker = &*KNOWN;
        let mut at: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut % (text.len() + 1))).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let pieces: Vec<&str> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        prop_assert_eq!(streamed(unmasker, &pieces), unmasker.unmask(&text));
    }
}
