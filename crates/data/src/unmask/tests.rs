//! However a stream is cut, what its caller puts together is what the whole answer says.

use guard::{Action, Finding, Found, Kind, Masker, SURE};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const MAIL: &str = "ada@example.org";
/// With everything that JSON escapes.
const STREET: &str = "12 \"Old\" Mill\\Lane\nYork";

fn unmasker() -> Unmasker {
    let mut masker = Masker::new();
    for (rule, value) in [("email_address", MAIL), ("street_address", STREET)] {
        let finding = Finding {
            span: 0..value.len(),
            rule: rule.into(),
            kind: Kind::Personal,
            category: "",
            score: SURE,
        };
        let found = Found {
            finding,
            action: Action::Mask,
            would: None,
            excepted: false,
        };
        masker.learn(value, std::slice::from_ref(&found));
        let _ = masker.replace(value, &[found]);
    }
    masker.into_unmasker()
}

/// One piece of a stream: of which kind, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    Thinking,
    Text,
    Tool,
}

fn openai(kind: Kinds, text: &str) -> String {
    let delta = match kind {
        Kinds::Thinking => json!({"reasoning_content": text}),
        Kinds::Text => json!({"content": text}),
        Kinds::Tool => json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}),
    };
    let chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
    format!("data: {chunk}\n\n")
}

fn anthropic(kind: Kinds, text: &str) -> String {
    let (index, delta) = match kind {
        Kinds::Thinking => (0, json!({"type": "thinking_delta", "thinking": text})),
        Kinds::Text => (1, json!({"type": "text_delta", "text": text})),
        Kinds::Tool => (2, json!({"type": "input_json_delta", "partial_json": text})),
    };
    let event = json!({"type": "content_block_delta", "index": index, "delta": delta});
    format!("event: content_block_delta\ndata: {event}\n\n")
}

fn stop(index: u32) -> String {
    format!("event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n")
}

/// A stream of a thought, an answer and a call's arguments, each cut at these places.
fn stream(dialect: Dialect, texts: [&str; 3], cuts: &[usize]) -> String {
    let mut out = String::new();
    for (index, (kind, text)) in (0..).zip([Kinds::Thinking, Kinds::Text, Kinds::Tool].into_iter().zip(texts))
    {
        let mut places: Vec<usize> = cuts
            .iter()
            .map(|cut| text.floor_char_boundary(cut % (text.len() + 1)))
            .collect();
        places.extend([0, text.len()]);
        // Some pieces are empty.
        places.extend(places.first().copied());
        places.sort_unstable();
        for pair in places.windows(2) {
            let piece = &text[pair[0]..pair[1]];
            out += &match dialect {
                Dialect::OpenAi => openai(kind, piece),
                Dialect::Anthropic => anthropic(kind, piece),
            };
            out += match dialect {
                Dialect::OpenAi => ": still here\n\n",
                Dialect::Anthropic => "event: ping\ndata: {\"type\":\"ping\"}\n\n",
            };
        }
        if dialect == Dialect::Anthropic {
            out += &stop(index);
        }
    }
    out + match dialect {
        Dialect::OpenAi => {
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        Dialect::Anthropic => "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    }
}

fn shown(dialect: Dialect, stream: &str) -> String {
    let mut unmasking = Unmasking::new(dialect, unmasker());
    let shown = unmasking.push(Bytes::copy_from_slice(stream.as_bytes())).unwrap();
    String::from_utf8(shown.to_vec()).unwrap()
}

/// The thought, the answer and the arguments as a caller puts them together, in order; and that nothing comes of a part
/// after the next has begun.
fn put_together(dialect: Dialect, stream: &str) -> [String; 3] {
    let (mut splitter, mut reader) = (SseSplitter::new(usize::MAX), StreamReader::new(dialect));
    splitter.push(Bytes::copy_from_slice(stream.as_bytes()));
    let (mut texts, mut last) = ([const { String::new() }; 3], 0);
    while let Some(event) = splitter.next().unwrap() {
        let mut take = |channel: Channel, text: &str| {
            let at = match channel.kind {
                ChannelKind::Reasoning => 0,
                ChannelKind::Text => 1,
                ChannelKind::ToolArguments(_) => 2,
                other => panic!("{other:?} in {stream}"),
            };
            assert!(at >= last || text.is_empty(), "late: {stream}");
            last = last.max(at);
            texts[at].push_str(text);
        };
        reader.read(&event, &mut take).unwrap();
    }
    texts
}

#[test]
fn anp_0010_whole_answers_get_their_values_back_escaped_as_where_they_stand() {
    let inner = json!({"to": "<STREET_ADDRESS_1>", "mail": "EMAIL_ADDRESS_1"}).to_string();
    let nested = json!({"body": inner}).to_string();
    let openai = json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant",
        "content": "Write to <EMAIL ADDRESS 1>, not <EMAIL_ADDRESS_2>",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": inner}},
            {"id": "d", "type": "function", "function": {"name": "f", "arguments": nested}}]}}]});
    let anthropic = json!({"type": "message", "content": [{"type": "thinking", "thinking": "<email_address_1>?", "signature": "s"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"to": "<STREET_ADDRESS_1>"}}]});
    let unmasked = |body: &Value| -> Value {
        let unmasker = unmasker();
        let put_back = |text: &str| changed(text, unmasker.unmask(text));
        let body = dialect::redact_response(Endpoint::ChatCompletions, body.to_string().as_bytes(), &mut {
            put_back
        });
        serde_json::from_slice(&body.unwrap()).unwrap()
    };
    let back = unmasked(&openai);
    let message = &back["choices"][0]["message"];
    assert_eq!(
        message["content"],
        format!("Write to {MAIL}, not <EMAIL_ADDRESS_2>")
    );
    let arguments = |at: usize| -> Value {
        let text = message["tool_calls"][at]["function"]["arguments"]
            .as_str()
            .unwrap();
        serde_json::from_str(text).unwrap()
    };
    assert_eq!(arguments(0), json!({"to": STREET, "mail": MAIL}));
    let inner: Value = serde_json::from_str(arguments(1)["body"].as_str().unwrap()).unwrap();
    assert_eq!(inner, json!({"to": STREET, "mail": MAIL}));
    let back = unmasked(&anthropic);
    assert_eq!(back["content"][0]["thinking"], format!("{MAIL}?"));
    assert_eq!(back["content"][1]["input"]["to"], STREET);
}

#[test]
fn anp_0010_what_is_held_back_comes_before_what_ends_its_channel_and_clean_events_are_not_touched() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let texts = ["so <EMAIL_", "to <EMAIL_ADDRESS", "{\"a\":\"<STREET"];
        let stream_of = stream(dialect, texts, &[]);
        let back = shown(dialect, &stream_of);
        assert_eq!(put_together(dialect, &back), texts.map(str::to_owned), "{back}");
        let clean = stream(dialect, ["hm", "no <b>placeholder</b>", "{\"a\":1}"], &[3, 9]);
        assert_eq!(shown(dialect, &clean), clean);
    }
}

#[test]
fn anp_0010_the_last_chunk_of_a_choice_may_bring_text_and_other_choices_go_on() {
    let chunk = |choice: u32, text: &str, finish: Option<&str>| {
        let chunk = json!({"id": "c1", "choices": [{"index": choice, "delta": {"content": text}, "finish_reason": finish}]});
        format!("data: {chunk}\n\n")
    };
    let all = [
        chunk(0, "a <EMAIL_", None),
        chunk(1, "b <EMAIL_AD", None),
        chunk(0, "ADDRESS_", Some("length")),
        chunk(1, "DRESS_1>", Some("stop")),
        "data: [DONE]\n\n".to_owned(),
    ];
    let back = shown(Dialect::OpenAi, &all.concat());
    assert!(
        back.contains("\"content\":\"<EMAIL_ADDRESS_\"") && back.contains(&format!("\"content\":\"{MAIL}\"")),
        "{back}"
    );
    assert_eq!(back.matches("\"index\"").count(), 4, "{back}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anp_0010_however_a_stream_is_cut_the_caller_reads_what_the_whole_says(
        cuts in prop::collection::vec(any::<usize>(), 0..24),
        is_openai in any::<bool>(),
    ) {
        let dialect = if is_openai { Dialect::OpenAi } else { Dialect::Anthropic };
        let texts = [
            "They mean < email address 1 >, or \\<EMAIL\\_ADDRESS\\_1\\>.",
            "Ask EMAIL_ADDRESS_1 or <EMAIL_ADDRESS_12> at <STREET_ADDRESS_1> é <EMAIL",
            r#"{"to": "\u003cEMAIL_ADDRESS_1\u003e", "at": "<Street-Address-1>"}"#,
        ];
        let back = put_together(dialect, &shown(dialect, &stream(dialect, texts, &cuts)));
        let unmasker = unmasker();
        prop_assert_eq!(&back[0], &format!("They mean {MAIL}, or {MAIL}."));
        prop_assert_eq!(&back[1], &unmasker.unmask(texts[1]));
        let arguments: Value = serde_json::from_str(&back[2]).unwrap();
        prop_assert_eq!(arguments, json!({"to": MAIL, "at": STREET}));
    }
}
