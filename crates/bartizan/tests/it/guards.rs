//! The secrets guard from outside: both directions, every mode, both dialects and across them, whole and
//! streamed, and secrets cut in two at every byte.

use serde_json::{Value, json};
use testkit::client::data_lines;
use testkit::{Reply, ScriptedProvider};

use crate::canary::shown_entry;
use crate::scene::{self, Scene, call};

/// Path and model: each dialect to each kind of provider.
pub const WAYS: [(&str, &str); 4] = [
    ("/v1/chat/completions", "m-oa"),
    ("/v1/chat/completions", "m-an"),
    ("/v1/messages", "m-oa"),
    ("/v1/messages", "m-an"),
];

fn secret() -> String {
    format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0".repeat(2).get(..36).unwrap())
}

async fn guarded(input: &str, output: &str) -> Scene {
    Scene::with(&format!(
        "guards: {{ secrets: {{ input: {input}, output: {output} }} }}\n"
    ))
    .await
}

pub fn asking(model: &str, content: &str, stream: bool) -> Value {
    let mut body = call(model);
    body["messages"][0]["content"] = json!(content);
    body["stream"] = json!(stream);
    body
}

/// All text of an answer, whole or streamed, in either dialect.
pub fn said(body: &[u8], stream: bool) -> String {
    let text = String::from_utf8_lossy(body);
    let values: Vec<Value> = match stream {
        true => data_lines(&text)
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
        false => vec![serde_json::from_slice(body).unwrap()],
    };
    values.iter().map(words).collect()
}

fn words(value: &Value) -> String {
    let one = |at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let places = [
        "/choices/0/message/content",
        "/choices/0/delta/content",
        "/content/0/text",
        "/delta/text",
        "/choices/0/delta/tool_calls/0/function/arguments",
        "/choices/0/message/tool_calls/0/function/arguments",
        "/delta/partial_json",
    ];
    places.map(one).concat()
}

#[tokio::test]
async fn agp_i1_anp_0017_secrets_in_prompts_by_mode() {
    let secret = secret();
    for mode in ["off", "observe", "redact", "block"] {
        let scene = guarded(mode, "off").await;
        for (path, model) in WAYS {
            for stream in [false, true] {
                scene.provider.forget_requests();
                let body = asking(model, &format!("my token is {secret}, keep it"), stream);
                let live = scene.client().stream(path, &body).await;
                let (status, id) = (
                    live.status,
                    live.headers["x-request-id"].to_str().unwrap().to_owned(),
                );
                let answer = live.body().await.unwrap();
                let sent: Vec<String> = scene
                    .provider
                    .requests()
                    .iter()
                    .map(|r| String::from_utf8_lossy(&r.body).into_owned())
                    .collect();
                let what = format!("{mode} {path} {model} {stream}");
                match mode {
                    "block" => {
                        assert_eq!((status, sent.len()), (400, 0), "{what}");
                        assert!(!String::from_utf8_lossy(&answer).contains(&secret), "{what}");
                    }
                    "redact" => {
                        assert_eq!((status, sent.len()), (200, 1), "{what}");
                        assert!(
                            !sent[0].contains(&secret)
                                && sent[0].contains("my token is [redacted:github_token], keep it"),
                            "{what}: {}",
                            sent[0]
                        );
                    }
                    _ => {
                        assert_eq!((status, sent.len()), (200, 1), "{what}");
                        assert!(sent[0].contains(&secret), "{what}");
                    }
                }
                if path == "/v1/messages" && model == "m-oa" {
                    let entry = shown_entry(&scene, &id).await;
                    let findings = entry["findings"].to_string();
                    assert_eq!(
                        findings.contains("github_token"),
                        mode != "off",
                        "{what}: {findings}"
                    );
                    assert!(!entry.to_string().contains(&secret), "{what}");
                    assert_eq!(
                        entry["cost"].to_string().trim_matches(['"', '0', '.']).is_empty(),
                        mode == "block",
                        "{what}: {entry}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn agp_i3_anp_0023_secrets_in_answers_by_mode() {
    let secret = secret();
    for mode in ["off", "observe", "redact", "block"] {
        let scene = guarded("off", mode).await;
        for reply in [
            Reply::text(&format!("the token is {secret}, yes")),
            Reply::tool_calls(&[("f", &json!({"t": secret, "x": "yes"}).to_string())]),
        ] {
            scene.provider.script("*", reply);
            for (path, model) in WAYS {
                for stream in [false, true] {
                    let live = scene
                        .client()
                        .stream(path, &asking(model, "say it", stream))
                        .await;
                    let status = live.status;
                    let id = live.headers["x-request-id"].to_str().unwrap().to_owned();
                    let answer = live.body().await.unwrap();
                    let text = String::from_utf8_lossy(&answer).into_owned();
                    let what = format!("{mode} {path} {model} {stream}: {text}");
                    match mode {
                        "block" => {
                            assert_eq!(status, if stream { 200 } else { 502 }, "{what}");
                            assert!(!text.contains(&secret[..12]), "{what}");
                            assert!(text.contains("withheld"), "{what}");
                            if stream && path == "/v1/messages" {
                                assert!(text.contains("event: error\ndata: {\"type\":\"error\""), "{what}");
                                assert!(!text.contains("message_stop"), "{what}");
                            } else if stream {
                                assert!(
                                    text.contains("output_blocked") && text.ends_with("data: [DONE]\n\n"),
                                    "{what}"
                                );
                            }
                            if path == "/v1/messages" {
                                let entry = shown_entry(&scene, &id).await;
                                let billed = entry["usage"]["output"].as_u64().unwrap_or(0)
                                    + entry["usage"]["input"].as_u64().unwrap_or(0);
                                assert!(billed > 0, "what the provider did is billed: {entry}");
                                assert!(entry["findings"].to_string().contains("github_token"), "{entry}");
                            }
                        }
                        "redact" => {
                            assert_eq!(status, 200, "{what}");
                            assert!(!text.contains(&secret[..12]), "{what}");
                            assert!(
                                text.contains("[redacted:github_token]") && text.contains("yes"),
                                "{what}"
                            );
                        }
                        _ => {
                            assert_eq!(status, 200, "{what}");
                            assert!(
                                said(&answer, stream).contains(&secret) || text.contains(&secret),
                                "{what}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// OpenAI's stream of these texts.
pub fn openai_stream(texts: &[&str]) -> String {
    let mut out = String::new();
    for text in texts {
        let event = json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]});
        out.push_str(&format!("data: {event}\n\n"));
    }
    out + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\ndata: [DONE]\n\n"
}

/// Anthropic's.
pub fn anthropic_stream(texts: &[&str]) -> String {
    let event = |name: &str, value: Value| format!("event: {name}\ndata: {value}\n\n");
    let mut out = event(
        "message_start",
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "x", "stop_reason": null, "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    );
    out += &event(
        "content_block_start",
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    );
    for text in texts {
        out += &event(
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        );
    }
    out += &event(
        "content_block_stop",
        json!({"type": "content_block_stop", "index": 0}),
    );
    out += &event(
        "message_delta",
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
    );
    out + &event("message_stop", json!({"type": "message_stop"}))
}

pub fn play(scene: &Scene, model: &str, texts: &[&str]) {
    let body = if model == "m-oa" {
        openai_stream(texts)
    } else {
        anthropic_stream(texts)
    };
    scene.provider.script("*", Reply::sse([(0, body)]));
}

#[tokio::test]
async fn agp_i3_a_secret_cut_at_every_byte_is_redacted_all_the_same() {
    let scene = guarded("off", "redact").await;
    let secret = secret();
    let (before, after) = ("here: ", " and on");
    let text = format!("{before}{secret}{after}");
    for (path, model) in WAYS {
        // Across dialects every third place is enough: the guard stands before the translator.
        let same = (path == "/v1/chat/completions") == (model == "m-oa");
        for cut in (0..=text.len()).step_by(if same { 1 } else { 3 }) {
            let (one, two) = text.split_at(cut);
            play(&scene, model, &[one, two]);
            let live = scene.client().stream(path, &asking(model, "say it", true)).await;
            let answer = live.body().await.unwrap();
            assert_eq!(
                said(&answer, true),
                format!("{before}[redacted:github_token]{after}"),
                "{path} {model} cut at {cut}"
            );
        }
        let letters: Vec<String> = text.chars().map(String::from).collect();
        play(
            &scene,
            model,
            &letters.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let answer = scene
            .client()
            .stream(path, &asking(model, "say it", true))
            .await
            .body()
            .await
            .unwrap();
        assert_eq!(
            said(&answer, true),
            format!("{before}[redacted:github_token]{after}"),
            "{path} {model} letter by letter"
        );
    }
}

/// The guard's hold-back must not cost a clean stream a byte or a moment: what comes goes on at once.
#[tokio::test]
async fn agp_i3_clean_streams_are_not_touched_nor_delayed_by_the_guard() {
    let scene = guarded("redact", "redact").await;
    let texts = [
        "no ",
        "secret gh",
        "p_ here",
        " sk-",
        " just words that end in gh",
    ];
    for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
        let body = if model == "m-oa" {
            openai_stream(&texts)
        } else {
            anthropic_stream(&texts)
        };
        scene
            .provider
            .script("*", Reply::sse([(0, body.clone())]).in_pieces(50));
        let mut ask = asking(model, "say it", true);
        if model == "m-oa" {
            ask["stream_options"] = json!({"include_usage": true});
        }
        let got = scene.client().stream(path, &ask).await.body().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&got), body);
    }
    // The first word arrives while the provider still thinks about the second.
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
    scene.provider.script(
        "*",
        Reply::sse([(0, first.to_owned()), (1_500, openai_stream(&["end"]))]),
    );
    let mut live = scene
        .client()
        .stream("/v1/chat/completions", &asking("m-oa", "say it", true))
        .await;
    let piece = live.next().await.unwrap().unwrap();
    assert!(
        piece.after.as_millis() < 1_000 && String::from_utf8_lossy(&piece.bytes).contains("word "),
        "{piece:?}"
    );
    assert_eq!(live.pieces().await.1, None);
}

/// Places in a request where a secret might hide from a guard that reads only the last message.
#[tokio::test]
async fn anp_0003_agp_i1_secrets_are_found_wherever_a_model_would_read_them() {
    let scene = guarded("block", "off").await;
    let secret = secret();
    let escaped: String = secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let openai =
        |messages: Value| json!({"model": "m-oa", "max_tokens": 5, "messages": messages}).to_string();
    let bodies = [
        ("/v1/chat/completions", openai(json!([{"role": "system", "content": secret}, {"role": "user", "content": "hi"}]))),
        ("/v1/chat/completions", openai(json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": secret}]}]))),
        ("/v1/chat/completions", openai(json!([{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": format!("{{\"t\":\"{secret}\"}}")}}]}, {"role": "tool", "tool_call_id": "c", "content": "ok"}]))),
        ("/v1/chat/completions", openai(json!([{"role": "tool", "tool_call_id": "c", "content": secret}]))),
        ("/v1/chat/completions", openai(json!([{"role": "user", "content": "X"}])).replace("\"X\"", &format!("\"{escaped}\""))),
        ("/v1/completions", json!({"model": "m-oa", "max_tokens": 5, "prompt": secret}).to_string()),
        ("/v1/completions", json!({"model": "m-oa", "max_tokens": 5, "prompt": ["a", secret]}).to_string()),
        ("/v1/embeddings", json!({"model": "m-oa", "input": ["a", secret]}).to_string()),
        ("/v1/messages", json!({"model": "m-an", "max_tokens": 5, "system": secret, "messages": [{"role": "user", "content": "hi"}]}).to_string()),
        ("/v1/messages", json!({"model": "m-an", "max_tokens": 5, "system": [{"type": "text", "text": secret}], "messages": [{"role": "user", "content": "hi"}]}).to_string()),
        ("/v1/messages", json!({"model": "m-an", "max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": secret}]}]}]}).to_string()),
        ("/v1/messages", json!({"model": "m-an", "max_tokens": 5, "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"deep": [{"t": secret}]}}]}, {"role": "user", "content": "hi"}]}).to_string()),
    ];
    let client = scene.client().header("content-type", "application/json");
    for (path, body) in bodies {
        let answer = client
            .request(http::Method::POST, path, bytes::Bytes::from(body.clone()))
            .await
            .unwrap();
        assert_eq!(
            (answer.status, scene::code(&answer).as_str()),
            (400, "input_blocked"),
            "{path}: {body}"
        );
    }
    assert!(scene.provider.requests().is_empty());
}

/// What the gate itself answers with is inspected too: a cached answer, after the guard was made stricter.
#[tokio::test]
async fn agp_i3_agp_d4_answers_from_the_cache_pass_the_guard() {
    let provider = ScriptedProvider::start().await;
    let base = scene::providers(&provider.base_url());
    let with = |mode: &str| {
        format!("{base}cache: {{ enabled: true }}\nguards: {{ secrets: {{ input: off, output: {mode} }} }}\n")
    };
    let scene = Scene::raise(provider, scene::builder().config(with("observe"))).await;
    scene
        .provider
        .script("*", Reply::text(&format!("it is {}", secret())));
    let ask = || async { scene.client().post("/v1/messages", &call("m-an")).await };
    assert!(ask().await.text().contains(&secret()));
    assert!(ask().await.text().contains(&secret()));
    assert_eq!(scene.provider.requests().len(), 1, "cached");
    scene.gate.write_config(&with("redact"));
    scene
        .gate
        .lines()
        .wait_for(
            "the new configuration is in force",
            std::time::Duration::from_secs(5),
        )
        .await;
    let answer = ask().await.text();
    assert!(
        !answer.contains(&secret()) && answer.contains("[redacted:github_token]"),
        "{answer}"
    );
}
