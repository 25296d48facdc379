//! What is refused before anything is decided: limits, doubles, wrong types.

use dialect::{BodyLimits, DialectError, Endpoint, Envelope, read_request};
use serde_json::json;

fn read(endpoint: Endpoint, body: &str) -> Result<Envelope, DialectError> {
    read_request(endpoint, body.as_bytes(), &BodyLimits::default())
}

fn chat(body: &str) -> Result<Envelope, DialectError> {
    read(Endpoint::ChatCompletions, body)
}

fn refusal(body: &str) -> String {
    chat(body).expect_err(body).to_string()
}

const HI: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

#[test]
fn an_envelope_says_what_the_gate_must_know() {
    let body = r#" {"model":"gpt\u002d4o","stream":true,"stream_options":{"include_usage":true},"max_tokens":5,
        "max_completion_tokens":7,"n":3,"tools":[{"type":"function","function":{"name":"f"}}],
        "messages":[{"role":"system","content":"\u00e9"},{"role":"user","content":[{"type":"text","text":"abc"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]} "#;
    let envelope = chat(body).unwrap();
    assert_eq!(envelope.model, "gpt-4o");
    assert!(envelope.stream && envelope.include_usage && envelope.tools && !envelope.token_ids);
    assert_eq!((envelope.max_output_tokens, envelope.choices), (Some(7), 3));
    assert_eq!((envelope.images, envelope.messages), (1, 2));
    assert_eq!(envelope.text_bytes, "éabcf".len() as u64);
}

#[test]
fn anp_0003_a_deciding_field_given_twice_is_refused_by_name() {
    for (field, twice) in [
        ("model", r#""model":"cheap","model":"dear""#),
        ("model", r#""model":"cheap","mod\u0065l":"dear""#),
        ("stream", r#""model":"m","stream":false,"stream":true"#),
        ("max_tokens", r#""model":"m","max_tokens":1,"max_tokens":999999"#),
        (
            "stream_options.include_usage",
            r#""model":"m","stream_options":{"include_usage":true,"include_usage":false}"#,
        ),
    ] {
        assert_eq!(
            refusal(&format!("{{{twice},{HI}}}")),
            format!("field `{field}` is given more than once")
        );
    }
    assert!(refusal(&format!(r#"{{"model":"m",{HI},{HI}}}"#)).contains("`messages`"));
}

#[test]
fn anp_0003_a_field_that_passes_for_another_is_refused() {
    for name in [
        "Model",
        "MODEL",
        "Max_Tokens",
        "me\u{17f}\u{17f}ages",
        "max_to\u{212a}ens",
    ] {
        let refused = refusal(&format!(r#"{{"model":"m","{name}":1,{HI}}}"#));
        assert!(refused.contains("only by case"), "{refused}");
    }
    assert!(
        chat(&format!(r#"{{"model":"m","Modelled":1,{HI}}}"#)).is_ok(),
        "other names are free"
    );
}

#[test]
fn known_fields_of_the_wrong_type_are_named() {
    for (field, given) in [
        ("model", r#""model":1"#),
        ("model", r#""model":"""#),
        ("stream", r#""model":"m","stream":"yes""#),
        ("max_tokens", r#""model":"m","max_tokens":-1"#),
        ("max_tokens", r#""model":"m","max_tokens":1.5"#),
        (
            "max_completion_tokens",
            r#""model":"m","max_completion_tokens":"9""#,
        ),
        ("n", r#""model":"m","n":0"#),
        ("n", r#""model":"m","n":99999999999"#),
        ("tools", r#""model":"m","tools":{}"#),
        ("stream_options", r#""model":"m","stream_options":[]"#),
    ] {
        let refused = refusal(&format!("{{{given},{HI}}}"));
        assert!(
            refused.starts_with(&format!("field `{field}` must be ")),
            "{refused}"
        );
    }
    assert!(refusal(r#"{"model":"m","messages":"hi"}"#).starts_with("field `messages` must be"));
    assert!(refusal(r#"{"model":"m","messages":["hi"]}"#).starts_with("field `messages` must be"));
    let system = read(Endpoint::Messages, &format!(r#"{{"model":"m","system":7,{HI}}}"#));
    assert!(
        system
            .unwrap_err()
            .to_string()
            .starts_with("field `system` must be")
    );
}

#[test]
fn what_must_be_there_is_missed_by_name() {
    assert_eq!(refusal(&format!("{{{HI}}}")), "field `model` is missing");
    assert_eq!(refusal(r#"{"model":"m"}"#), "field `messages` is missing");
    assert_eq!(
        refusal(r#"{"model":"m","messages":[]}"#),
        "field `messages` is missing"
    );
    for (endpoint, field) in [(Endpoint::Completions, "prompt"), (Endpoint::Embeddings, "input")] {
        let refused = read(endpoint, r#"{"model":"m"}"#).unwrap_err();
        assert_eq!(refused, DialectError::Missing { field: field.into() });
    }
}

#[test]
fn ctx_t5_what_is_not_one_json_object_is_refused() {
    for body in [
        "",
        " ",
        "{",
        "[]",
        "1",
        "null",
        r#""x""#,
        "{}x",
        "{} {}",
        "\u{feff}{}",
        "{'a':1}",
        r#"{"a":01}"#,
    ] {
        let refused = chat(body).expect_err(body);
        assert!(
            matches!(
                refused,
                DialectError::NotJson { .. } | DialectError::NotAnObject | DialectError::Missing { .. }
            ),
            "{refused}"
        );
    }
    assert!(
        chat(&format!(r#"{{"model":"m",{HI}}}x"#)).is_err(),
        "nothing may follow"
    );
    let not_utf8 = [br#"{"model":"m"#.as_slice(), b"\xff\"}"].concat();
    assert!(read_request(Endpoint::ChatCompletions, &not_utf8, &BodyLimits::default()).is_err());
    assert!(
        chat(r#"{"model":"\ud800","messages":[]}"#).is_err(),
        "half a surrogate pair is no text"
    );
}

#[test]
fn anp_0008_limits_hold_at_the_limit_and_one_past_it() {
    let limits = BodyLimits {
        depth_max: 6,
        messages_max: 3,
        tools_max: 2,
        images_max: 2,
    };
    let read = |body: String| read_request(Endpoint::ChatCompletions, body.as_bytes(), &limits);
    let too_many = |field, max| Err(DialectError::TooMany { field, max });

    let messages =
        |n| json!({"model": "m", "messages": vec![json!({"role": "user", "content": "x"}); n]}).to_string();
    assert_eq!(read(messages(3)).unwrap().messages, 3);
    assert_eq!(read(messages(4)), too_many("messages", 3));

    let tools =
        |n| json!({"model": "m", "messages": [{}], "tools": vec![json!({"name": "f"}); n]}).to_string();
    assert!(read(tools(2)).unwrap().tools);
    assert_eq!(read(tools(3)), too_many("tools", 2));

    let image = json!({"type": "image", "source": {"type": "url", "url": "https://x"}});
    let images = |n| json!({"model": "m", "messages": [{"content": vec![image.clone(); n]}]}).to_string();
    assert_eq!(read(images(2)).unwrap().images, 2);
    assert_eq!(read(images(3)), too_many("images", 2));

    let deep = |n: usize| {
        format!(
            r#"{{"model":"m","messages":[{{}}],"x":{}1{}}}"#,
            "[".repeat(n),
            "]".repeat(n)
        )
    };
    assert!(read(deep(5)).is_ok());
    assert_eq!(read(deep(6)), too_many("nesting", 6));
}

#[test]
fn ctx_t5_no_nesting_exhausts_the_stack() {
    let limits = BodyLimits {
        depth_max: u32::MAX,
        ..BodyLimits::default()
    };
    let body = format!(r#"{{"model":"m","x":{}"#, "[".repeat(1_000_000));
    let refused = read_request(Endpoint::ChatCompletions, body.as_bytes(), &limits);
    assert_eq!(
        refused,
        Err(DialectError::TooMany {
            field: "nesting",
            max: 128
        })
    );
    assert!(dialect::visit_request_text(Endpoint::ChatCompletions, body.as_bytes(), &mut |_| {}).is_err());
    assert!(dialect::read_response(Endpoint::Messages, body.as_bytes()).is_err());
}

#[test]
fn agp_d1_every_answer_that_will_be_generated_is_counted() {
    let completions = |body: &str| read(Endpoint::Completions, body).unwrap();
    assert_eq!(
        completions(r#"{"model":"m","prompt":"x","n":2,"best_of":5}"#).choices,
        5
    );
    assert_eq!(
        completions(r#"{"model":"m","prompt":["x","y","z"],"n":2}"#).choices,
        6
    );
    assert_eq!(completions(r#"{"model":"m","prompt":[1,2,3],"n":2}"#).choices, 2);
    let ids = completions(r#"{"model":"m","prompt":[[1,2],[3]],"n":2}"#);
    assert_eq!((ids.choices, ids.token_ids), (4, true));
}

#[test]
fn agp_d1_numbers_and_names_in_tool_data_count_as_text() {
    let plain = chat(&format!(r#"{{"model":"m",{HI}}}"#)).unwrap().text_bytes;
    let numbers = vec!["1234567890"; 100].join(",");
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"f","input":{{"xs":[{numbers}]}}}}]}}]}}"#
    );
    assert!(read(Endpoint::Messages, &body).unwrap().text_bytes > plain + 1_000);
}

/// What a bound may leave out must be asked for in so many words; a name spelled with escapes is the same name.
#[test]
fn agp_d1_dear_tiers_and_long_caches_are_seen_wherever_they_are_asked_for() {
    let read = |endpoint, more: &str| {
        let body =
            format!(r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}]{more}}}"#);
        let envelope = read_request(endpoint, body.as_bytes(), &BodyLimits::default()).unwrap();
        (envelope.dear_tier, envelope.long_cache)
    };
    let at = |place: &str, cache: &str| match place {
        "top" => format!(r#","cache_control":{cache}"#),
        "system" => format!(r#","system":[{{"type":"text","text":"x","cache_control":{cache}}}]"#),
        _ => {
            format!(r#","tools":[{{"name":"f","input_schema":{{"type":"object"}},"cache_control":{cache}}}]"#)
        }
    };
    for place in ["top", "system", "tool"] {
        for (cache, long) in [
            (r#"{"type":"ephemeral"}"#, false),
            (r#"{"type":"ephemeral","ttl":"5m"}"#, false),
            (r#"{"type":"ephemeral","ttl":"1h"}"#, true),
            (r#"{"type":"ephemeral","t\u0074l":"1h"}"#, true),
            (r#"{"type":"ephemeral","ttl":"1\u0068"}"#, true),
            (r#"{"type":"ephemeral","ttl":3600}"#, true),
        ] {
            let found = read(Endpoint::Messages, &at(place, cache));
            assert_eq!(found, (true, long), "{place} {cache}");
        }
    }
    for (tier, dear) in [
        (r#""default""#, false),
        (r#""flex""#, false),
        (r#""standard_only""#, false),
        (r#""auto""#, true),
        (r#""priority""#, true),
        (r#""def\u0061ult ""#, true),
        ("null", true),
    ] {
        let found = read(Endpoint::ChatCompletions, &format!(r#","service_tier":{tier}"#));
        assert_eq!(found, (dear, false), "{tier}");
    }
}
