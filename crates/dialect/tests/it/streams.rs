//! Live streams: splitting, reading, editing.

use bytes::Bytes;
use dialect::{
    Channel, ChannelKind, Dialect, DialectError, EventClass, SseEvent, SseSplitter, StreamFacts,
    StreamReader, edit_event,
};
use domain::Usage;

use crate::support::events;

fn one(raw: &str) -> SseEvent {
    SseEvent::parse(Bytes::copy_from_slice(raw.as_bytes()))
}

fn data(json: &str) -> SseEvent {
    one(&format!("data: {json}\n\n"))
}

type Read = (Vec<EventClass>, Vec<(Channel, String)>, StreamFacts);

fn read(dialect: Dialect, all: &[SseEvent]) -> Read {
    let mut reader = StreamReader::new(dialect);
    let mut texts = Vec::new();
    let classes = all
        .iter()
        .map(|event| {
            reader
                .read(event, &mut |channel, text| texts.push((channel, text.to_owned())))
                .unwrap()
        })
        .collect();
    (classes, texts, reader.facts().clone())
}

const fn channel(choice: u32, kind: ChannelKind) -> Channel {
    Channel { choice, kind }
}

#[test]
fn lines_end_in_all_three_ways_and_raw_bytes_stay() {
    let stream = "\u{feff}: hello\nevent: a\ndata: 1\n\ndata:2\r\ndata: 3\r\n\r\nid: x\rdata\r\rretry: 5\n\n\ndata: left";
    let mut splitter = SseSplitter::new(100);
    splitter.push(Bytes::from_static(stream.as_bytes()));
    let mut found = Vec::new();
    while let Some(event) = splitter.next().unwrap() {
        found.push(event);
    }
    let said: Vec<(Option<&str>, &[u8], bool)> =
        found.iter().map(|e| (e.name(), e.data(), e.has_data())).collect();
    assert_eq!(
        said,
        [
            (Some("a"), b"1".as_slice(), true),
            (None, b"2\n3", true),
            (None, b"", true),
            (None, b"", false),
            (None, b"", false)
        ]
    );
    let left = splitter.finish().unwrap();
    assert_eq!(left, "data: left");
    let raw: Vec<u8> = found
        .iter()
        .flat_map(|event| event.raw.to_vec())
        .chain(left.to_vec())
        .collect();
    assert_eq!(raw, stream.as_bytes());
}

#[test]
fn an_event_within_a_chunk_is_not_copied() {
    let chunk = Bytes::from("data: 1\n\ndata: 2\n\n".to_owned());
    let found = events([chunk.clone()]).unwrap();
    assert_eq!(found[1].raw.as_ptr(), chunk[9..].as_ptr());
}

#[test]
fn anp_0008_an_event_is_bounded_however_it_comes() {
    let event = format!("data: {}\n\n", "x".repeat(92));
    for (max, fits) in [(100, true), (99, false)] {
        for size in [1, 7, 100] {
            let mut splitter = SseSplitter::new(max);
            let result: Result<Vec<_>, _> = event
                .as_bytes()
                .chunks(size)
                .map(|chunk| {
                    splitter.push(Bytes::copy_from_slice(chunk));
                    splitter.next()
                })
                .collect();
            match result {
                Ok(found) => assert!(fits && found.iter().flatten().count() == 1),
                Err(error) => assert_eq!((fits, error), (false, DialectError::EventTooLarge { max })),
            }
        }
    }
}

#[test]
fn openai_chunks_are_told_apart() {
    let stream = [
        one(": comment\n\n"),
        data(
            r#"{"id":"c","choices":[{"index":1,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        ),
        data(r#"{"choices":[{"delta":{"content":"h\u0069"},"index":1}],"usage":null}"#),
        data(r#"{"choices":[{"index":0,"delta":{"reasoning":"r","reasoning_content":"r"}}]}"#),
        data(
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":3,"function":{"name":"f","arguments":"{"}}]}}]}"#,
        ),
        data(r#"{"choices":[{"index":0,"delta":{"refusal":"no"},"finish_reason":"stop"}]}"#),
        data(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
        data(
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":2}}}"#,
        ),
        data("[DONE]"),
    ];
    let (classes, texts, facts) = read(Dialect::OpenAi, &stream);
    use EventClass::{Delta, End, FinalDelta, Other, Terminator, UsageOnly};
    assert_eq!(
        classes,
        [
            Other, Other, Delta, Delta, Delta, FinalDelta, End, UsageOnly, Terminator
        ]
    );
    let expected = [
        (channel(1, ChannelKind::Text), "hi"),
        (channel(0, ChannelKind::Other), "r"),
        (channel(0, ChannelKind::Reasoning), "r"),
        (channel(0, ChannelKind::ToolName(3)), "f"),
        (channel(0, ChannelKind::ToolArguments(3)), "{"),
        (channel(0, ChannelKind::Refusal), "no"),
    ];
    assert_eq!(texts, expected.map(|(channel, text)| (channel, text.to_owned())));
    let usage = Usage {
        input: 3,
        output: 6,
        cache_read: 2,
        ..Usage::default()
    };
    assert_eq!(
        facts,
        StreamFacts {
            usage: Some(usage),
            tier: domain::Tier::Standard,
            saw_terminator: true,
            output_text_bytes: 8,
            error: None
        }
    );
}

#[test]
fn agp_r1_anthropic_usage_is_merged_and_never_shrinks() {
    let stream = [
        one(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n",
        ),
        one("event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        data(
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
        ),
        data(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        ),
        data(
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"cited_text":"c t"}}}"#,
        ),
        data(r#"{"type":"content_block_stop","index":0}"#),
        data(
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":7}}"#,
        ),
        data(r#"{"type":"message_stop"}"#),
    ];
    let (classes, texts, facts) = read(Dialect::Anthropic, &stream);
    use EventClass::{Delta, End, Other, Terminator};
    assert_eq!(classes, [Other, Other, Delta, Delta, Delta, End, End, Terminator]);
    assert!(texts.contains(&(channel(0, ChannelKind::ToolArguments(0)), "{}".to_owned())));
    assert!(texts.contains(&(channel(1, ChannelKind::Other), "c t".to_owned())));
    assert_eq!(
        facts.usage,
        Some(Usage {
            input: 9,
            output: 7,
            cache_read: 4,
            ..Usage::default()
        })
    );
    assert!(facts.saw_terminator);
}

#[test]
fn an_upstreams_error_is_kept() {
    for (dialect, event) in [
        (
            Dialect::OpenAi,
            r#"{"error":{"message":"busy now","type":"server_error"}}"#,
        ),
        (
            Dialect::Anthropic,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"busy now"}}"#,
        ),
    ] {
        let (_, texts, facts) = read(dialect, &[data(event)]);
        assert_eq!(facts.error.as_deref(), Some("busy now"));
        assert!(
            texts.iter().any(|(_, text)| text == "busy now"),
            "the caller would read it"
        );
    }
}

#[test]
fn anp_0003_an_event_whose_name_and_type_disagree_is_refused() {
    let event = one(
        "event: ping\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n",
    );
    assert!(
        StreamReader::new(Dialect::Anthropic)
            .read(&event, &mut |_, _| {})
            .is_err()
    );
}

#[test]
fn an_edit_changes_the_text_and_nothing_else() {
    let event = one(
        "id: 7\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"my \\u0073ecret\"},\"x\" : 1.50}]}\r\n\r\n",
    );
    let edited = edit_event(Dialect::OpenAi, &event, &mut |_, text| {
        text.contains("secret").then(|| "my \"***\"".into())
    });
    assert_eq!(
        edited.unwrap(),
        "id: 7\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"my \\\"***\\\"\"},\"x\" : 1.50}]}\r\n\r\n"
    );
    let same = edit_event(Dialect::OpenAi, &event, &mut |_, _| None).unwrap();
    assert_eq!(same.as_ptr(), event.raw.as_ptr(), "the very same bytes");
}

#[test]
fn anp_0010_token_probabilities_do_not_spell_what_was_edited_away() {
    let event = data(
        r#"{"choices":[{"index":0,"delta":{"content":"secret"},"logprobs":{"content":[{"token":"secret"}]}}]}"#,
    );
    let edited = edit_event(Dialect::OpenAi, &event, &mut |_, _| Some("***".into())).unwrap();
    assert!(!String::from_utf8_lossy(&edited).contains("secret"));
}

#[test]
fn anp_0010_an_edit_leaves_no_second_copy_of_the_data() {
    let event =
        one("\u{feff}data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\"secret\"}}]}\n\n");
    let edited = edit_event(Dialect::OpenAi, &event, &mut |_, _| Some("***".into())).unwrap();
    let edited = SseEvent::parse(edited);
    assert!(!String::from_utf8_lossy(&edited.raw).contains("secret"));
    let (_, texts, _) = read(Dialect::OpenAi, &[edited]);
    assert_eq!(texts, [(channel(0, ChannelKind::Text), "***".to_owned())]);
}

#[test]
fn text_held_back_goes_out_in_the_channel_it_came_from() {
    let first = data(r#"{"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","choices":[]}"#);
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let mut reader = StreamReader::new(dialect);
        if dialect == Dialect::OpenAi {
            reader.read(&first, &mut |_, _| {}).unwrap();
        }
        for kind in [
            ChannelKind::Text,
            ChannelKind::Reasoning,
            ChannelKind::ToolArguments(2),
        ] {
            let sent = SseEvent::parse(reader.text_event(channel(2, kind), "a\n\"b").into());
            let (classes, texts, _) = read(dialect, std::slice::from_ref(&sent));
            assert_eq!(classes, [EventClass::Delta]);
            assert_eq!(texts, [(channel(2, kind), "a\n\"b".to_owned())]);
            assert_eq!(sent.text().contains("\"created\":7"), dialect == Dialect::OpenAi);
        }
    }
}

#[test]
fn what_is_not_of_the_dialect_is_the_upstreams_fault() {
    for bad in [
        "data: nonsense\n\n",
        "data: {\"choices\":[{]}\n\n",
        "data: {\"choices\":[1]}\n\n",
    ] {
        let refused = StreamReader::new(Dialect::OpenAi)
            .read(&one(bad), &mut |_, _| {})
            .unwrap_err();
        assert!(matches!(refused, DialectError::BadUpstream { .. }), "{refused}");
    }
}
