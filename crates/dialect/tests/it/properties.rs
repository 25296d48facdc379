//! Properties that hold for every input.

use std::collections::BTreeMap;

use bytes::Bytes;
use dialect::{BodyLimits, Dialect, Endpoint, Rewrite, SseSplitter, StreamReader, StreamTranslator};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{cut, events, translate};

const DIALECTS: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

/// Hands bytes to everything that takes bytes from outside.
pub fn exercise(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    for endpoint in Endpoint::ALL {
        let envelope = dialect::read_request(endpoint, bytes, &BodyLimits::default());
        let rewrite = Rewrite {
            model: Some("other"),
            max_output_tokens: Some(9),
            include_usage: true,
        };
        if let Ok(envelope) = &envelope {
            let rewritten = dialect::rewrite_request(endpoint, &body, envelope, &rewrite).unwrap();
            serde_json::from_slice::<Value>(&rewritten).expect("a rewrite leaves JSON");
        }
        let _ = dialect::visit_request_text(endpoint, bytes, &mut |_| {});
        let _ = dialect::redact_request(endpoint, bytes, &mut |_, _| Some("x".into()));
        let _ = dialect::read_response(endpoint, bytes);
        let _ = dialect::visit_response_text(endpoint, bytes, &mut |_| {});
        let _ = dialect::redact_response(endpoint, bytes, &mut |_| Some("x".into()));
        for dialect in DIALECTS {
            let _ = dialect::translate_request(endpoint, bytes, dialect, &rewrite);
            let _ = dialect::translate_response(endpoint, dialect, bytes, "m");
        }
    }
    exercise_stream(&body);
}

fn exercise_stream(stream: &Bytes) {
    let as_event = Bytes::from([b"data: ", &**stream, b"\n\n"].concat());
    for (stream, dialect) in [stream.clone(), as_event]
        .iter()
        .flat_map(|s| DIALECTS.map(|d| (s, d)))
    {
        let mut splitter = SseSplitter::new(1 << 16);
        let mut reader = StreamReader::new(dialect);
        let mut translators = DIALECTS.map(|to| StreamTranslator::new(to.chat(), dialect, "m".into(), true));
        let mut out = Vec::new();
        splitter.push(stream.clone());
        while let Ok(Some(event)) = splitter.next() {
            let _ = reader.read(&event, &mut |_, _| {});
            let _ = dialect::edit_event(dialect, &event, &mut |_, _| Some("x".into()));
            for translator in &mut translators {
                let _ = translator.push(&event, &mut out);
            }
        }
        translators
            .iter_mut()
            .for_each(|translator| translator.finish(&mut out));
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut found = Vec::new();
    for direction in std::fs::read_dir(golden).unwrap() {
        for case in std::fs::read_dir(direction.unwrap().path()).unwrap() {
            for file in std::fs::read_dir(case.unwrap().path()).unwrap() {
                found.push(std::fs::read(file.unwrap().path()).unwrap());
            }
        }
    }
    found.sort();
    found
}

fn mutate(seed: &[u8], changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let pieces = [
        &b"\""[..],
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"\\",
        b"\n\n",
        b"\\u0000",
        b"1e9",
        b"\xff",
    ];
    let mut text = seed.to_vec();
    for (at, how, byte) in changes {
        let at = at % (text.len() + 1);
        match how % 4 {
            0 if at < text.len() => text[at] = *byte,
            1 if at < text.len() => drop(text.remove(at)),
            2 => text.truncate(at),
            _ => drop(text.splice(at..at, pieces[usize::from(*byte) % pieces.len()].iter().copied())),
        }
    }
    text
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9f64..1e9).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// One thing an answer holds.
#[derive(Debug, Clone)]
struct Answer {
    thinking: String,
    text: String,
    tools: Vec<Value>,
}

fn answers() -> impl Strategy<Value = Answer> {
    let tool = prop::collection::vec((any::<String>(), any::<String>()), 0..3)
        .prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k, Value::from(v))).collect()));
    (
        any::<String>(),
        any::<String>(),
        prop::collection::vec(tool, 0..4),
    )
        .prop_map(|(thinking, text, tools)| Answer {
            thinking,
            text,
            tools,
        })
}

/// A text in pieces.
fn pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (characters.len() + 1)).collect();
    places.extend([0, characters.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| characters[pair[0]..pair[1]].iter().collect())
        .collect()
}

fn sse(events: &[Value]) -> Vec<u8> {
    events
        .iter()
        .flat_map(|event| format!("data: {event}\n\n").into_bytes())
        .collect()
}

/// The answer as OpenAI's chunks; pieces of parallel tool calls interleave by `order`.
fn as_chunks(answer: &Answer, cuts: &[usize], order: &[usize]) -> Vec<u8> {
    let chunk = |delta: Value, finish: Option<&str>| json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let mut all: Vec<Value> = Vec::new();
    all.extend(
        pieces(&answer.thinking, cuts)
            .into_iter()
            .map(|p| chunk(json!({"reasoning_content": p}), None)),
    );
    all.extend(
        pieces(&answer.text, cuts)
            .into_iter()
            .map(|p| chunk(json!({"content": p}), None)),
    );
    let mut queues: Vec<Vec<Value>> = Vec::new();
    for (index, input) in answer.tools.iter().enumerate() {
        all.push(chunk(json!({"tool_calls": [{"index": index, "id": format!("t{index}"), "type": "function", "function": {"name": "f", "arguments": ""}}]}), None));
        let mut queue: Vec<Value> = pieces(&input.to_string(), cuts)
            .into_iter()
            .map(|p| {
                chunk(
                    json!({"tool_calls": [{"index": index, "function": {"arguments": p}}]}),
                    None,
                )
            })
            .collect();
        queue.reverse();
        queues.push(queue);
    }
    let mut turns = order.iter().cycle();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let waiting: Vec<usize> = (0..queues.len()).filter(|at| !queues[*at].is_empty()).collect();
        let chosen = waiting[turns.next().copied().unwrap_or(0) % waiting.len()];
        all.extend(queues[chosen].pop());
    }
    all.push(chunk(json!({}), Some("stop")));
    [sse(&all), b"data: [DONE]\n\n".to_vec()].concat()
}

/// The answer as Anthropic's events.
fn as_blocks(answer: &Answer, cuts: &[usize]) -> Vec<u8> {
    let mut all = vec![
        json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 0}}}),
    ];
    let mut index = 0;
    let mut block = |start: Value, kind: &str, member: &str, text: &str, end: Option<Value>| {
        all.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        for piece in pieces(text, cuts) {
            all.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, member: piece}}));
        }
        all.extend(end.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        all.push(json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    let signature = json!({"type": "signature_delta", "signature": "c2ln"});
    block(
        json!({"type": "thinking", "thinking": ""}),
        "thinking_delta",
        "thinking",
        &answer.thinking,
        Some(signature),
    );
    block(
        json!({"type": "text", "text": ""}),
        "text_delta",
        "text",
        &answer.text,
        None,
    );
    for (at, input) in answer.tools.iter().enumerate() {
        let start = json!({"type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {}});
        block(
            start,
            "input_json_delta",
            "partial_json",
            &input.to_string(),
            None,
        );
    }
    all.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
    );
    all.push(json!({"type": "message_stop"}));
    sse(&all)
}

fn parsed(stream: Vec<u8>) -> Vec<Value> {
    let events = events([Bytes::from(stream)]).unwrap();
    events
        .iter()
        .filter(|e| e.data() != b"[DONE]")
        .map(|e| serde_json::from_slice(e.data()).unwrap())
        .collect()
}

/// What a client of Anthropic's puts together, checking that blocks come one after the other.
fn assemble_anthropic(stream: Vec<u8>) -> Answer {
    let mut answer = Answer {
        thinking: String::new(),
        text: String::new(),
        tools: Vec::new(),
    };
    let mut open: Option<(u64, String)> = None;
    let mut next = 0;
    for event in parsed(stream) {
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert!(
                    open.is_none() && index == Some(next),
                    "blocks are numbered, one open at a time"
                );
                open = Some((next, String::new()));
                next += 1;
            }
            "content_block_delta" => {
                let (at, json) = open.as_mut().expect("a delta within a block");
                assert_eq!(index, Some(*at));
                let delta = &event["delta"];
                answer.thinking += delta["thinking"].as_str().unwrap_or("");
                answer.text += delta["text"].as_str().unwrap_or("");
                *json += delta["partial_json"].as_str().unwrap_or("");
            }
            "content_block_stop" => {
                let (_, json) = open.take().expect("a block to stop");
                answer
                    .tools
                    .extend((!json.is_empty()).then(|| serde_json::from_str::<Value>(&json).unwrap()));
            }
            _ => {}
        }
    }
    assert!(open.is_none(), "every block is stopped");
    answer
}

/// What a client of OpenAI's puts together, and the signature of its thinking.
fn assemble_openai(stream: Vec<u8>) -> (Answer, String) {
    let mut answer = Answer {
        thinking: String::new(),
        text: String::new(),
        tools: Vec::new(),
    };
    let (mut calls, mut signature) = (BTreeMap::<u64, String>::new(), String::new());
    for chunk in parsed(stream) {
        let delta = &chunk["choices"][0]["delta"];
        answer.thinking += delta["reasoning_content"].as_str().unwrap_or("");
        answer.text += delta["content"].as_str().unwrap_or("");
        signature += delta["thinking_blocks"][0]["signature"].as_str().unwrap_or("");
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let text = calls.entry(call["index"].as_u64().unwrap()).or_default();
            *text += call["function"]["arguments"].as_str().unwrap_or("");
        }
    }
    answer.tools = calls
        .into_values()
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect();
    (answer, signature)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn ctx_t5_nothing_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
    }

    #[test]
    fn ctx_t5_nothing_panics_on_broken_bodies(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..5),
    ) {
        exercise(&mutate(&seed, &changes));
    }

    #[test]
    fn anp_0003_json_is_what_the_standard_reader_takes_for_json(
        value in any_json(),
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..3),
    ) {
        let text = mutate(value.to_string().as_bytes(), &changes);
        let theirs = serde_json::from_slice::<Value>(&text);
        let ours = dialect::translate_response(Endpoint::ChatCompletions, Dialect::OpenAi, &text, "m");
        let too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assume!(!too_large);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn anp_0003_every_string_of_a_message_is_seen_as_the_standard_reader_decodes_it(text in any::<String>()) {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for content in [serde_json::to_string(&text).unwrap(), format!("\"{escaped}\"")] {
            let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#);
            let mut seen = Vec::new();
            dialect::visit_request_text(Endpoint::ChatCompletions, body.as_bytes(), &mut |part| seen.push(part.text.into_owned())).unwrap();
            prop_assert_eq!(&seen, std::slice::from_ref(&text));
            let envelope = dialect::read_request(Endpoint::ChatCompletions, body.as_bytes(), &BodyLimits::default()).unwrap();
            prop_assert_eq!(envelope.text_bytes, text.len() as u64);
        }
    }

    #[test]
    fn anp_0003_what_redaction_is_asked_about_is_what_guards_see(unknown in any_json(), content in any_json()) {
        let body = json!({"model": "m", "unknown": unknown, "messages": [{"role": "user", "content": content}]}).to_string();
        let (mut seen, mut asked) = (Vec::new(), Vec::new());
        dialect::visit_request_text(Endpoint::Messages, body.as_bytes(), &mut |part| seen.push(part.text.into_owned())).unwrap();
        let same = dialect::redact_request(Endpoint::Messages, body.as_bytes(), &mut |_, text| { asked.push(text.to_owned()); None }).unwrap();
        prop_assert_eq!(seen, asked);
        prop_assert_eq!(same, body.into_bytes());
    }

    #[test]
    fn a_rewrite_changes_the_model_and_keeps_the_rest(
        unknown in any_json(), model in any::<String>(), other in any::<String>(), pretty in any::<bool>(),
    ) {
        prop_assume!(!model.is_empty());
        let value = json!({"x_before": unknown, "model": model, "messages": [{"role": "user", "content": "hi"}], "x_after": unknown});
        let body = Bytes::from(if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap());
        let limits = BodyLimits::default();
        let envelope = dialect::read_request(Endpoint::ChatCompletions, &body, &limits).unwrap();
        let rewrite = Rewrite { model: Some(&other), ..Rewrite::default() };
        let out = dialect::rewrite_request(Endpoint::ChatCompletions, &body, &envelope, &rewrite).unwrap();
        let (literal, replaced) = (serde_json::to_string(&model).unwrap(), serde_json::to_string(&other).unwrap());
        let text = String::from_utf8(body.to_vec()).unwrap();
        let at = text.rfind("\"messages\"").and_then(|end| text[..end].rfind(&literal)).unwrap();
        let expected = [&text[..at], &replaced, &text[at + literal.len()..]].concat();
        prop_assert_eq!(String::from_utf8(out.to_vec()).unwrap(), expected);
        let none = dialect::rewrite_request(Endpoint::ChatCompletions, &body, &envelope, &Rewrite::default()).unwrap();
        prop_assert_eq!(none.as_ptr(), body.as_ptr());
    }

    #[test]
    fn any_chunking_gives_the_same_events(
        lines in prop::collection::vec((prop::sample::select(vec!["data: {\"a\":1}", "data:x", "event: ping", ": c", "", "id: 1", "data"]),
            prop::sample::select(vec!["\n", "\r\n", "\r"])), 0..20),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let stream = Bytes::from(lines.iter().map(|(line, end)| format!("{line}{end}")).collect::<String>());
        let whole = events([stream.clone()]).unwrap();
        prop_assert_eq!(&whole, &events(cut(&stream, &cuts)).unwrap());
        let raw: Vec<u8> = whole.iter().flat_map(|event| event.raw.to_vec()).collect();
        prop_assert_eq!(&raw[..], &stream[..raw.len()]);
    }

    #[test]
    fn openais_chunks_assemble_to_the_same_message_however_they_are_cut_and_interleaved(
        answer in answers(), cuts in prop::collection::vec(any::<usize>(), 0..6), order in prop::collection::vec(any::<usize>(), 1..8),
    ) {
        let out = translate(Endpoint::Messages, Dialect::OpenAi, &as_chunks(&answer, &cuts, &order)).unwrap();
        let legal_end = out.ends_with(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        prop_assert!(legal_end);
        let found = assemble_anthropic(out);
        prop_assert_eq!((found.thinking, found.text, found.tools), (answer.thinking, answer.text, answer.tools));
    }

    #[test]
    fn anthropics_events_assemble_to_the_same_message_however_they_are_cut(
        answer in answers(), cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let out = translate(Endpoint::ChatCompletions, Dialect::Anthropic, &as_blocks(&answer, &cuts)).unwrap();
        prop_assert!(out.ends_with(b"data: [DONE]\n\n"));
        let (found, signature) = assemble_openai(out);
        prop_assert_eq!((found.thinking, found.text, found.tools), (answer.thinking, answer.text, answer.tools));
        prop_assert_eq!(signature, "c2ln");
    }

    #[test]
    fn there_and_back_gives_the_same_message(answer in answers(), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        let openai = translate(Endpoint::ChatCompletions, Dialect::Anthropic, &as_blocks(&answer, &cuts)).unwrap();
        let found = assemble_anthropic(translate(Endpoint::Messages, Dialect::OpenAi, &openai).unwrap());
        prop_assert_eq!((found.thinking, found.text, found.tools), (answer.thinking, answer.text, answer.tools));
    }

    #[test]
    fn a_stream_cut_anywhere_still_ends_legally(answer in answers(), at in any::<usize>()) {
        for (caller, upstream, stream) in [
            (Endpoint::Messages, Dialect::OpenAi, as_chunks(&answer, &[], &[0])),
            (Endpoint::ChatCompletions, Dialect::Anthropic, as_blocks(&answer, &[])),
        ] {
            let out = translate(caller, upstream, &stream[..at % stream.len()]).unwrap();
            let last = String::from_utf8(out.clone()).unwrap();
            match caller.dialect() {
                Dialect::OpenAi => prop_assert!(last.ends_with("data: [DONE]\n\n")),
                Dialect::Anthropic => {
                    let last = parsed(out).pop().unwrap();
                    prop_assert!(last["type"] == "error" || last["type"] == "message_stop");
                }
            }
        }
    }
}
