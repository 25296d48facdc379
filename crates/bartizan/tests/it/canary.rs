//! Secrets planted in every input, looked for in every output.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use testkit::{Cut, Gate, Reply, ScriptedProvider};

use crate::scene::{self, Scene, providers};

/// Text that stands for a secret; none looks like another, and none is a word of anything else.
fn canary(place: &str) -> String {
    let digest = letters_of(place);
    format!("cnry{}{digest}", place.replace(['_', '-'], ""))
}

/// Letters that depend on the place and on nothing else.
fn letters_of(place: &str) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut out = String::new();
    for round in 0..24_u8 {
        for byte in place.bytes().chain([round]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        out.push(char::from(b'a' + u8::try_from((state >> 40) % 26).unwrap()));
    }
    out
}

/// Every way a secret may be written down: as it is, hexadecimal, or base64 at any of three offsets.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec(), hex(secret).into_bytes()];
    for offset in 0..3 {
        let mut padded = vec![b'x'; offset];
        padded.extend_from_slice(secret.as_bytes());
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            // What the padding and the last letters become says nothing.
            let inner = text
                .get(if offset == 0 { 0 } else { 4 }..text.len() - 4)
                .unwrap()
                .to_owned();
            forms.push(inner.into_bytes());
        }
    }
    forms
}

fn hex(secret: &str) -> String {
    secret.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Where a secret was planted, and the secret.
type Planted = Vec<(String, String)>;

/// Panics with the place of a secret that is in `output`.
fn assert_clean(output: &[u8], name: &str, planted: &Planted) {
    for (place, secret) in planted {
        for form in forms(secret) {
            if let Some(at) = output.windows(form.len()).position(|window| window == form) {
                let from = at.saturating_sub(120);
                let around =
                    String::from_utf8_lossy(&output[from..(at + form.len()).min(output.len())]).into_owned();
                panic!("{name} holds the secret of {place}: …{around}");
            }
        }
    }
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            all.push((path.display().to_string(), bytes));
        }
    }
    all
}

#[test]
fn a_secret_is_found_in_every_form_it_is_looked_for_in() {
    let secret = canary("itself");
    let planted = vec![("itself".to_owned(), secret.clone())];
    let written = [
        secret.clone(),
        hex(&secret),
        STANDARD.encode(&secret),
        STANDARD.encode(format!("ab{secret}cd")),
        URL_SAFE_NO_PAD.encode(format!("a{secret}")),
    ];
    for text in written {
        let output = format!("before {text} after").into_bytes();
        assert!(
            std::panic::catch_unwind(|| assert_clean(&output, "it", &planted)).is_err(),
            "{text}"
        );
    }
    assert_clean(b"nothing here", "it", &planted);
}

/// An error that repeats the credential it was called with, as some providers do.
fn echoing(status: u16, words: &str) -> Reply {
    let words = words.to_owned();
    Reply::from_request(move |request| {
        let key = request
            .header("authorization")
            .or_else(|| request.header("x-api-key"))
            .unwrap_or_default();
        let key = key.trim_start_matches("Bearer ");
        Reply::json(
            status,
            &json!({"type": "error", "error": {"type": "x", "message": format!("{words} {key}, {key}.")}}),
        )
    })
}

/// The gate with everything that could tell: logs at their loudest, traces, journal, store, metrics.
#[tokio::test]
async fn agp_i1_agp_cred_3_1_agp_cred_3_2_planted_secrets_are_in_no_output() {
    let collector = ScriptedProvider::start().await;
    collector.script("*", Reply::body(200, "application/x-protobuf", ""));
    let collector_token = canary("otlp_token");
    let provider = ScriptedProvider::start().await;
    let text = format!(
        "{}telemetry:
  log: {{ level: trace }}
  otlp: {{ endpoint: \"{}\", headers: {{ x-collector-token: \"env:COLLECTOR_TOKEN\" }} }}
cache: {{ enabled: true }}
server: {{ body_timeout_ms: 300 }}
",
        providers(&provider.base_url()),
        collector.base_url()
    );
    let (openai, anthropic) = (
        format!("sk-{}", canary("oa_credential")),
        format!("sk-ant-{}", canary("an_credential")),
    );
    let builder = Gate::builder(scene::BINARY)
        .env("OA_KEY", &openai)
        .env("AN_KEY", &anthropic)
        .env("COLLECTOR_TOKEN", &collector_token)
        .config(text);
    let mut scene = Scene::raise(provider, builder).await;

    let mut planted: Planted = vec![
        ("otlp token".to_owned(), collector_token),
        ("openai credential".to_owned(), openai.clone()),
        ("anthropic credential".to_owned(), anthropic.clone()),
        ("virtual key".to_owned(), scene.key.clone()),
    ];
    let made = scene
        .gate
        .cli_json(&["--json", "keys", "create", "--name", "second", "--all-models"])
        .await;
    planted.push(("second key".to_owned(), made["key"].as_str().unwrap().to_owned()));
    let bad_key = format!("btz_{}", canary("bad_key"));
    planted.push(("bad key".to_owned(), bad_key.clone()));
    let mut plant = |place: &str| {
        let secret = canary(place);
        planted.push((place.to_owned(), secret.clone()));
        secret
    };

    let headers: Vec<(String, String)> = [
        "cookie",
        "x-custom-token",
        "x-forwarded-for",
        "user-agent",
        "referer",
        "x-request-id",
        "proxy-authorization",
        "openai-organization",
        "anthropic-beta-x",
        "if-none-match",
    ]
    .iter()
    .map(|name| {
        (
            (*name).to_owned(),
            plant(&format!("header {name}").replace(' ', "_")),
        )
    })
    .collect();
    let query = plant("query");
    let body = json!({
        "model": "m-oa", "max_tokens": 20, "user": plant("user"), "metadata": {"note": plant("metadata")}, "zz_unknown": {"deep": [plant("unknown")]},
        "messages": [
            {"role": "system", "content": plant("system")},
            {"role": "user", "name": plant("name"), "content": [{"type": "text", "text": plant("prompt")}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": json!({"password": plant("tool_args")}).to_string()}}]},
            {"role": "tool", "tool_call_id": "c1", "content": plant("tool_result")},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": plant("tool_description"), "parameters": {"type": "object"}}}],
    });
    let messages = json!({
        "model": "m-an", "max_tokens": 20, "system": plant("an_system"), "metadata": {"user_id": plant("an_user")},
        "messages": [{"role": "user", "content": plant("an_prompt")}],
    });
    let (unknown_model, answer_text) = (plant("unknown_model"), plant("answer"));
    let (broken_json, bad_path) = (plant("broken_json"), plant("path"));
    let provider_words = plant("provider_error");

    let client = headers
        .iter()
        .fold(scene.client(), |client, (name, value)| client.header(name, value));
    let client = client.header("content-type", "application/json");
    // The caller's own answers hold what the caller sent; errors must not hold credentials.
    let mut told: Vec<Bytes> = Vec::new();
    let replies = [
        Reply::usual(),
        Reply::text(&answer_text),
        Reply::tool_calls(&[("f", &json!({"secret": answer_text}).to_string())]),
        echoing(401, "Incorrect API key provided:"),
        echoing(400, "bad request of"),
        echoing(500, &provider_words),
        Reply::body(
            500,
            "text/html",
            format!("<html>{provider_words} {openai}</html>"),
        ),
        Reply::json(200, &json!({"oops": provider_words, "key": openai})),
        Reply::usual().cut_after(30, Cut::Rst),
        Reply::hang_up(Cut::Fin),
        Reply::garbage(),
        Reply::redirect(302, &format!("http://127.0.0.1:1/?key={openai}")),
    ];
    for reply in replies {
        scene.provider.script("*", reply);
        for path in ["/v1/chat/completions", "/v1/messages"] {
            for stream in [false, true] {
                let mut body = if path == "/v1/messages" {
                    messages.clone()
                } else {
                    body.clone()
                };
                body["stream"] = json!(stream);
                let path = format!("{path}?token={query}");
                let answer = client
                    .request(Method::POST, &path, Bytes::from(body.to_string()))
                    .await;
                told.extend(answer.map(|answer| answer.body));
            }
        }
    }
    let mut absent = messages.clone();
    absent["model"] = json!(unknown_model);
    let odd: [(&str, String); 5] = [
        (
            "/v1/chat/completions",
            format!("{{\"model\":\"m-oa\",{broken_json}"),
        ),
        ("/v1/messages", absent.to_string()),
        (
            "/v1/embeddings",
            json!({"model": "m-oa", "input": broken_json}).to_string(),
        ),
        (
            "/v1/completions",
            json!({"model": "m-oa", "prompt": broken_json, "max_tokens": 5}).to_string(),
        ),
        (&format!("/v1/{bad_path}"), "{}".to_owned()),
    ]
    .map(|(path, body)| (path.to_owned().leak() as &str, body));
    for (path, body) in odd {
        client
            .request(Method::POST, path, Bytes::from(body))
            .await
            .unwrap();
    }
    for key in [&bad_key, &openai] {
        let answer = scene.gate.data().bearer(key).get("/v1/models").await;
        assert_eq!(answer.status, 401);
        told.push(answer.body);
    }
    let metrics = scene.gate.health().get("/metrics").await.body;
    let control = scene
        .gate
        .control()
        .header("authorization", &format!("Bearer {}", scene.key))
        .get("/api/v1/keys")
        .await
        .body;
    for command in [
        &["--json", "keys", "list"][..],
        &["--json", "usage"],
        &["--json", "models"],
        &["--json", "budgets", "list"],
    ] {
        let output = scene.gate.cli(command).await;
        assert_clean(&output.stdout, &format!("{command:?}"), &planted);
        assert_clean(&output.stderr, &format!("{command:?}"), &planted);
    }
    scene.gate.terminate().await;
    scene.gate.wait(Duration::from_secs(20)).await;

    let credentials: Planted = planted
        .iter()
        .filter(|(place, _)| place.contains("credential") || place.contains("key") || place.contains("token"))
        .cloned()
        .collect();
    for body in &told {
        assert_clean(body, "an answer", &credentials);
    }
    assert_clean(&metrics, "/metrics", &planted);
    assert_clean(&control, "the control listener", &planted);
    let lines = scene.gate.lines().all();
    assert!(lines.len() > 20, "the log is on");
    let first = |line: &str| line.contains("shown this once") || line.starts_with("  curl ");
    let log: Vec<String> = lines.into_iter().filter(|line| !first(line)).collect();
    assert_clean(log.join("\n").as_bytes(), "the log", &planted);
    let written = files(&scene.gate.data_dir());
    let stored: usize = written
        .iter()
        .filter(|(name, _)| name.contains("bartizan.db"))
        .map(|(_, bytes)| bytes.len())
        .sum();
    assert!(stored > 20_000, "the store was looked into: {stored} bytes");
    for (name, bytes) in written {
        // A model that does not exist is what was asked for, not what was said: no entry names it either.
        assert_clean(&bytes, &name, &planted);
    }
    let spans = collector.requests();
    assert!(!spans.is_empty(), "traces arrived");
    let others: Planted = planted
        .iter()
        .filter(|(place, _)| place != "otlp token")
        .cloned()
        .collect();
    for request in spans {
        assert_clean(&request.body, "a trace", &planted);
        assert_clean(
            format!("{:?}", request.headers).as_bytes(),
            "a trace's head",
            &others,
        );
    }
}

/// What is kept of a prompt is its digest: not a secret, and enough to prove what was asked.
#[tokio::test]
async fn ctx_t4_the_ledger_keeps_digests_and_no_content() {
    let scene = Scene::with("").await;
    let prompt = canary("digested");
    let body = json!({"model": "m-oa", "max_tokens": 5, "messages": [{"role": "user", "content": prompt}]})
        .to_string();
    let client = scene.client().header("content-type", "application/json");
    let answer = client
        .request(Method::POST, "/v1/chat/completions", Bytes::from(body.clone()))
        .await
        .unwrap();
    let id = answer.header("x-request-id").unwrap().to_owned();
    let text = shown_entry(&scene, &id).await.to_string();
    assert!(
        text.contains(blake3::hash(body.as_bytes()).to_hex().as_str()),
        "{text}"
    );
    assert!(
        text.contains(blake3::hash(&answer.body).to_hex().as_str()),
        "{text}"
    );
    assert!(
        !text.contains(&prompt) && !text.contains("scripted provider"),
        "{text}"
    );
    assert!(holds(answer.text().as_bytes(), b"scripted provider"));
}

/// A ledger entry by its request's id, once it is in the store.
pub async fn shown_entry(scene: &Scene, id: &str) -> Value {
    for _ in 0..100 {
        let shown = scene.gate.cli_json(&["--json", "ledger", "show"]).await;
        if let Some(entry) = find(&shown, id) {
            return entry.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!(
        "no entry {id}: {}",
        scene.gate.cli_json(&["--json", "ledger", "show"]).await
    );
}

/// The object with this id, however the list is wrapped.
fn find<'v>(value: &'v Value, id: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) if map.get("id").is_some_and(|own| own == id) => Some(value),
        Value::Object(map) => map.values().find_map(|inner| find(inner, id)),
        Value::Array(list) => list.iter().find_map(|inner| find(inner, id)),
        _ => None,
    }
}
