//! Streams made to get text past the watch, or to make it dear.

use super::*;

const KEY: &str = concat!("ghp_", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx");

fn watch(families: guard::Families) -> Watch {
    let plan = Plan::of(&guard::Guards::default(), families);
    Watch::of(plan, UnixMillis(0), None, Asks::Nobody)
}

fn secrets() -> guard::Families {
    guard::Families {
        secrets: Some(guard::families::Secrets::default()),
        ..guard::Families::default()
    }
}

fn personal() -> guard::Families {
    guard::Families {
        personal: Some(guard::families::Personal {
            output: Mode::Redact,
            ..Default::default()
        }),
        ..guard::Families::default()
    }
}

fn feed(watch: &mut Watch, dialect: Dialect, out: &mut String) {
    while let Watched::Clear(event) = watch.next(dialect) {
        out.push_str(std::str::from_utf8(&event.raw).unwrap());
    }
}

/// What leaves of events with these data, and how many findings there were.
fn passed(mut watch: Watch, dialect: Dialect, events: &[String]) -> (String, usize) {
    let (mut reader, mut out) = (dialect::StreamReader::new(dialect), String::new());
    for json in events {
        let event = SseEvent::parse(format!("data: {json}\n\n").into());
        reader
            .read_pieces(&event, &mut |piece| watch.text(piece, dialect))
            .unwrap();
        watch.hold(event);
        feed(&mut watch, dialect, &mut out);
    }
    watch.finish();
    feed(&mut watch, dialect, &mut out);
    let found = watch.channels.iter().map(|it| it.found.len()).sum();
    (out, found)
}

fn leaks(dialect: Dialect, event: String) -> bool {
    let (out, found) = passed(watch(secrets()), dialect, &[event]);
    assert!(found > 0, "{out}");
    out.contains(KEY)
}

#[test]
fn agp_i3_every_string_of_an_event_is_redacted() {
    let citation = |more: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"citations_delta","citation":{{"cited_text":"the key is {KEY} as set"{more}}}}}}}"#
        )
    };
    assert!(!leaks(Dialect::Anthropic, citation("")));
    assert!(!leaks(
        Dialect::Anthropic,
        citation(r#","document_title":"Runbook""#)
    ));
    for input in [
        format!(r#"{{"a":"{KEY}"}}"#),
        format!(r#"{{"a":"{KEY}","b":"c"}}"#),
        format!(r#"{{"a":["x","{KEY}","y"]}}"#),
    ] {
        let block = format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use","id":"a","name":"n","input":{input}}}}}"#
        );
        assert!(!leaks(Dialect::Anthropic, block));
    }
    assert!(!leaks(
        Dialect::OpenAi,
        format!(r#"{{"error":"bad prompt: {KEY} ok"}}"#)
    ));
}

#[test]
fn agp_i3_token_probabilities_do_not_spell_what_is_redacted() {
    let (half, rest) = KEY.split_at(12);
    let chunk = |token: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{}},"logprobs":{{"content":[{{"token":"{token}"}}]}}}}]}}"#
        )
    };
    let (out, _) = passed(
        watch(secrets()),
        Dialect::OpenAi,
        &[chunk(half), chunk(rest), chunk(" and")],
    );
    assert!(!out.contains(half) && !out.contains(rest), "{out}");
}

fn arguments(piece: &str) -> String {
    let piece = serde_json::to_string(piece).unwrap();
    format!(
        r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":{piece}}}}}]}}}}]}}"#
    )
}

/// The arguments that the caller puts together.
fn put_together(out: &str) -> String {
    let events = out.lines().filter_map(|line| line.strip_prefix("data: "));
    let said = events.map(|json| {
        let chunk: serde_json::Value = serde_json::from_str(json).unwrap();
        let said = &chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"];
        said.as_str().unwrap().to_owned()
    });
    said.collect()
}

#[test]
fn agp_i3_arguments_in_pieces_are_read_as_what_they_say() {
    let json = r#"{"k":"card\n4111111111111111\nhi\njane.doe\u0040example.com\n","d":1}"#;
    for size in [1, 3, 7, 200] {
        let pieces: Vec<String> = json
            .as_bytes()
            .chunks(size)
            .map(|piece| arguments(std::str::from_utf8(piece).unwrap()))
            .collect();
        let (out, _) = passed(watch(personal()), Dialect::OpenAi, &pieces);
        let said: serde_json::Value = serde_json::from_str(&put_together(&out)).unwrap();
        assert_eq!(
            said["k"], "card\n[redacted:payment_card]\nhi\n[redacted:email_address]\n",
            "{size}"
        );
    }
}

/// Took the square of it when every event looked at all findings.
#[test]
fn ctx_t5_a_held_answer_full_of_findings_leaves_in_one_pass() {
    let many = 10_000;
    let mut watch = watch(personal());
    watch.holds_all = true;
    let events: Vec<String> = (0..many)
        .map(|at| {
            format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"jo{at}@example{at}.com, "}}}}]}}"#)
        })
        .collect();
    let (out, found) = passed(watch, Dialect::OpenAi, &events);
    assert_eq!(found, many);
    assert_eq!(out.matches("[redacted:email_address]").count(), many);
}

#[test]
fn ctx_t5_texts_side_by_side_are_bounded() {
    let mut watch = watch(secrets());
    let (mut reader, dialect) = (dialect::StreamReader::new(Dialect::OpenAi), Dialect::OpenAi);
    let is_damaged = (0..2000).any(|at| {
        let json = format!(r#"{{"choices":[{{"index":{at},"delta":{{"content":"hello "}}}}]}}"#);
        let event = SseEvent::parse(format!("data: {json}\n\n").into());
        reader
            .read_pieces(&event, &mut |piece| watch.text(piece, dialect))
            .unwrap();
        watch.hold(event);
        matches!(watch.next(dialect), Watched::Damaged(_))
    });
    assert!(is_damaged);
    assert!(watch.channels.len() <= 1025);
}
