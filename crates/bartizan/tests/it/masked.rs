//! Masks from outside: a provider that echoes gets placeholders only, callers get their own values back, and no file, log or
//! record of the gate holds any.

use ledger::Kept;
use serde_json::{Value, json};
use testkit::Reply;

use crate::canary::shown_entry;
use crate::guards::{WAYS, anthropic_stream, asking, openai_stream, said};
use crate::history::{keep, nowhere, shown};
use crate::scene::{Scene, call};

const ADA: &str = "ada.lovelace@analytical-engine.org";
const BOB: &str = "bob@difference-engine.org";
const MASK: &str = "personal: { input: mask, output: redact }, secrets: { input: redact, output: redact }";

fn secret() -> String {
    format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0".repeat(2).get(..36).unwrap())
}

async fn masked(more: &str) -> Scene {
    Scene::with(&format!("guards: {{ {MASK} }}\n{more}")).await
}

/// What the last message of a request says, in either dialect.
fn asked(body: &Value) -> String {
    let content = &body["messages"].as_array().unwrap().last().unwrap()["content"];
    let text = content.as_str().or_else(|| content[0]["text"].as_str());
    text.unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Says what it was asked: whole, or letter by letter.
pub fn echo() -> Reply {
    Reply::from_request(|request| {
        let body = request.json();
        let text = format!("You said: {}", asked(&body));
        if body["stream"] != json!(true) {
            return Reply::text(&text);
        }
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        let stream = match request.path.contains("messages") {
            true => anthropic_stream(&letters),
            false => openai_stream(&letters),
        };
        Reply::sse([(0, stream)]).in_pieces(61)
    })
}

/// Calls a tool with what it was asked.
fn echo_into_tool() -> Reply {
    Reply::from_request(|request| {
        let arguments = json!({"to": asked(&request.json()), "n": 1}).to_string();
        Reply::tool_calls(&[("send", &arguments)])
    })
}

fn sent(scene: &Scene) -> String {
    let all = scene.provider.requests();
    let bodies = all
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned());
    bodies.collect()
}

/// The arguments of the tool call in an answer.
fn arguments(body: &[u8], stream: bool) -> Value {
    let text = said(body, stream);
    if !text.is_empty() {
        return serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    }
    let whole: Value = serde_json::from_slice(body).unwrap();
    let blocks = whole["content"].as_array().unwrap();
    blocks.iter().find(|block| block["type"] == "tool_use").unwrap()["input"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_anp_0017_the_provider_gets_placeholders_and_the_caller_the_values() {
    let scene = masked("").await;
    let secret = secret();
    let ask = format!("Is <EMAIL_ADDRESS_1> {ADA}, or {BOB}? Not {ADA}. Key {secret}.");
    let masked = "Is <EMAIL_ADDRESS_1> <EMAIL_ADDRESS_2>, or <EMAIL_ADDRESS_3>? Not <EMAIL_ADDRESS_2>. \
                  Key [redacted:github_token].";
    let answered =
        format!("You said: Is <EMAIL_ADDRESS_1> {ADA}, or {BOB}? Not {ADA}. Key [redacted:github_token].");
    let mut ids = Vec::new();
    for (path, model) in WAYS {
        for stream in [false, true] {
            let what = format!("{path} {model} {stream}");
            scene.provider.forget_requests();
            scene.provider.script("*", echo());
            let live = scene.client().stream(path, &asking(model, &ask, stream)).await;
            ids.push(live.headers["x-request-id"].to_str().unwrap().to_owned());
            let answer = live.body().await.unwrap();
            assert_eq!(said(&answer, stream), answered, "{what}");
            let got = sent(&scene);
            assert!(got.contains(masked), "{what}: {got}");
            assert!(
                !got.contains("lovelace") && !got.contains("difference"),
                "{what}: {got}"
            );

            scene.provider.script("*", echo_into_tool());
            let live = scene.client().stream(path, &asking(model, &ask, stream)).await;
            let answer = live.body().await.unwrap();
            let expected = json!({"to": answered.trim_start_matches("You said: "), "n": 1});
            assert_eq!(arguments(&answer, stream), expected, "{what}");
        }
    }
    for id in [&ids[1], ids.last().unwrap()] {
        let entry = shown_entry(&scene, id).await;
        let findings = entry["findings"].to_string();
        assert!(findings.contains("input:email_address:mask"), "{findings}");
        assert!(
            findings.contains("input:github_token:redact") && !findings.contains("output:"),
            "{findings}"
        );
    }
    nowhere(
        &scene.gate.data_dir(),
        &["lovelace", "difference-engine", "EMAIL_ADDRESS_2"],
    );
    let logs = scene.gate.lines().all().concat() + &scene.gate.health().get("/metrics").await.text();
    assert!(!logs.contains("lovelace") && !logs.contains("EMAIL_ADDRESS_2"));
}

/// Wherever a value stands, it has one placeholder: in messages, parts, results and arguments of tools, definitions.
#[tokio::test]
async fn anp_0010_anp_0003_one_value_has_one_placeholder_over_the_whole_request() {
    let scene = masked("").await;
    let escaped = ADA.replace('@', "\\u0040");
    let body = json!({"model": "m-oa", "max_tokens": 5, "messages": [
        {"role": "system", "content": format!("You help {BOB}.")},
        {"role": "user", "content": [{"type": "text", "text": format!("I am {ADA}")}, {"type": "text", "text": ADA}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function":
            {"name": "f", "arguments": format!("{{\"to\":\"{escaped}\",\"cc\":[\"{BOB}\"]}}")}}]},
        {"role": "tool", "tool_call_id": "c", "content": format!("{{\"owner\":\"{ADA}\"}}")},
    ]});
    scene.provider.script(
        "*",
        Reply::text("{\"is\": \"<email_address_2>\", \"or\": \"<EMAIL_ADDRESS_9>\"}"),
    );
    let answer = scene.client().post("/v1/chat/completions", &body).await;
    assert_eq!(
        answer.json()["choices"][0]["message"]["content"],
        format!("{{\"is\": \"{ADA}\", \"or\": \"<EMAIL_ADDRESS_9>\"}}")
    );
    let requests = scene.provider.requests();
    let sent: Value = requests[0].json();
    let at = |place: &str| sent.pointer(place).unwrap().clone();
    assert_eq!(at("/messages/0/content"), "You help <EMAIL_ADDRESS_1>.");
    assert_eq!(at("/messages/1/content/0/text"), "I am <EMAIL_ADDRESS_2>");
    assert_eq!(at("/messages/1/content/1/text"), "<EMAIL_ADDRESS_2>");
    let arguments = at("/messages/2/tool_calls/0/function/arguments");
    let arguments: Value = serde_json::from_str(arguments.as_str().unwrap()).unwrap();
    assert_eq!(
        arguments,
        json!({"to": "<EMAIL_ADDRESS_2>", "cc": ["<EMAIL_ADDRESS_1>"]})
    );
    assert_eq!(at("/messages/3/content"), "{\"owner\":\"<EMAIL_ADDRESS_2>\"}");
}

/// The answer to one caller is kept with its placeholders; another caller reads their own values in it.
#[tokio::test]
async fn anp_0010_agp_d4_a_cached_answer_gets_the_values_of_who_asks() {
    let scene = masked("cache: { enabled: true }\n").await;
    scene.provider.script("*", echo());
    let mut bodies = Vec::new();
    for who in [ADA, BOB, ADA] {
        let answer = scene
            .client()
            .post("/v1/messages", &asking("m-an", &format!("I am {who}"), false))
            .await;
        bodies.push(said(&answer.body, false));
    }
    assert_eq!(scene.provider.requests().len(), 1, "cached");
    assert_eq!(bodies, [ADA, BOB, ADA].map(|who| format!("You said: I am {who}")));
    // Who writes the placeholder gets the placeholder.
    let answer = scene
        .client()
        .post("/v1/messages", &asking("m-an", "I am <EMAIL_ADDRESS_1>", false))
        .await;
    assert_eq!(said(&answer.body, false), "You said: I am <EMAIL_ADDRESS_1>");
}

/// What the output guard finds is redacted before values come back: theirs pass, others do not.
#[tokio::test]
async fn anp_0010_anp_0023_the_output_guard_sees_placeholders_and_not_the_values_behind_them() {
    let scene = masked("").await;
    let stranger = "eve@difference-engine.org";
    let text = format!("<EMAIL_ADDRESS_1> met {stranger} today");
    for (path, model) in WAYS {
        for stream in [false, true] {
            scene.provider.script("*", Reply::text(&text));
            let live = scene
                .client()
                .stream(path, &asking(model, &format!("I am {ADA}"), stream))
                .await;
            let answer = said(&live.body().await.unwrap(), stream);
            assert_eq!(
                answer,
                format!("{ADA} met [redacted:email_address] today"),
                "{path} {model} {stream}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_history_keeps_placeholders_where_it_is_redacted_and_all_where_it_is_full() {
    let scene = masked("").await;
    scene.provider.script("*", echo());
    for kept in [Kept::Redacted, Kept::Full] {
        keep(&scene, "default", &scene.key, kept).await;
        for stream in [false, true] {
            let ask = asking("m-oa", &format!("I am {ADA}"), stream);
            let live = scene.client().stream("/v1/chat/completions", &ask).await;
            let id = live.headers["x-request-id"].to_str().unwrap().parse().unwrap();
            let answer = live.body().await.unwrap();
            assert!(said(&answer, stream).ends_with(ADA));
            let one = shown(&scene, id).await;
            let what = format!("{kept} {stream}: {one}");
            assert_eq!(one["standing"], "original", "{what}");
            let exchange = &one["exchange"];
            assert_eq!(exchange["request"]["bytes"], ask.to_string().len(), "{what}");
            assert_eq!(exchange["answer"]["bytes"], answer.len(), "{what}");
            let text = |side: &str| exchange[side]["text"].as_str().unwrap().to_owned();
            if kept == Kept::Redacted {
                assert!(!one.to_string().contains("lovelace"), "{what}");
                assert!(text("request").contains("I am <EMAIL_ADDRESS_1>"), "{what}");
                assert!(text("answer").contains("I am <EMAIL_ADDRESS_1>"), "{what}");
            } else {
                assert_eq!(text("request"), ask.to_string(), "{what}");
                assert_eq!(text("answer").as_bytes(), answer, "{what}");
            }
        }
    }
    nowhere(&scene.gate.data_dir(), &["lovelace", "EMAIL_ADDRESS_1"]);
}

/// Of a request in which nothing was masked the answer's bytes pass as they are, placeholders and all.
#[tokio::test]
async fn anp_0010_where_nothing_was_masked_answers_pass_untouched() {
    let scene = masked("").await;
    for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
        let texts = ["<EMAIL_", "ADDRESS_1> <", "PERSON_1"];
        let stream = match model {
            "m-oa" => openai_stream(&texts),
            _ => anthropic_stream(&texts),
        };
        scene
            .provider
            .script("*", Reply::sse([(0, stream.clone())]).in_pieces(40));
        let mut ask = call(model);
        ask["stream"] = json!(true);
        if model == "m-oa" {
            ask["stream_options"] = json!({"include_usage": true});
        }
        let got = scene.client().stream(path, &ask).await.body().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&got), stream, "{path}");
    }
}
