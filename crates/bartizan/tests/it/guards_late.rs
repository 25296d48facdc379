//! Guards that take longer than they may: the call is refused, or passes and its record says so.

use serde_json::{Value, json};
use testkit::{Reply, ScriptedProvider};

use crate::canary::shown_entry;
use crate::guards::{anthropic_stream, asking, openai_stream};
use crate::refusals::{Both, both, config};
use crate::scene::{self, Scene};

/// Takes guards longer than a millisecond, and holds nothing that they look for.
fn slow() -> String {
    "key = ghp_ sk-ant- ".repeat(3_000)
}

fn secret() -> String {
    format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0".repeat(2).get(..36).unwrap())
}

/// A call that takes the guards too long, in both dialects.
pub async fn refused() -> Both {
    let provider = ScriptedProvider::start().await;
    let text = config(&provider.base_url()).replace(
        "guards: {",
        "guards: { deadline_ms: 1, personal: { input: observe },",
    );
    let scene = Scene::raise(provider, scene::builder().config(text)).await;
    let slow = slow();
    both(&scene.client(), "m", |body| {
        body["messages"][0]["content"] = json!(slow);
    })
    .await
}

async fn with(guards: &str) -> Scene {
    Scene::with(&format!(
        "guards: {{ deadline_ms: 1, personal: {{ input: observe, output: observe }}, {guards} }}\n"
    ))
    .await
}

/// A slow text with a secret, and after it one that is not looked at any more.
fn late(model: &str) -> Value {
    let mut body = asking(model, "", false);
    body["messages"] = json!([
        {"role": "user", "content": format!("{} first {}", slow(), secret())},
        {"role": "user", "content": format!("second {}", secret())},
    ]);
    body
}

#[tokio::test]
async fn anp_0008_agp_d2_guards_that_take_too_long_refuse_or_the_record_says_so() {
    let scene = with("secrets: { input: redact }").await;
    let answer = scene.client().post("/v1/messages", &late("m-an")).await;
    assert_eq!(
        (answer.status, scene::code(&answer).as_str()),
        (503, "guard_timeout")
    );
    assert!(scene.provider.requests().is_empty(), "nothing was sent");

    let scene = with("on_timeout: flag, secrets: { input: redact }").await;
    let answer = scene.client().post("/v1/messages", &late("m-an")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = String::from_utf8_lossy(&scene.provider.requests()[0].body).into_owned();
    assert!(
        sent.contains("first [redacted:github_token]"),
        "what was found is dealt with"
    );
    let entry = shown_entry(&scene, answer.header("x-request-id").unwrap()).await;
    assert!(
        entry["findings"].to_string().contains("input:guard:timeout"),
        "{entry}"
    );
}

#[tokio::test]
async fn anp_0008_agp_i3_answers_that_take_the_guards_too_long_end_or_the_record_says_so() {
    for flags in [false, true] {
        let mode = if flags { "flag" } else { "refuse" };
        let scene = with(&format!(
            "on_timeout: {mode}, secrets: {{ input: off, output: redact }}"
        ))
        .await;
        let slow = slow();
        for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
            let texts = [slow.as_str(), " the", " end "];
            let stream = match model {
                "m-oa" => openai_stream(&texts),
                _ => anthropic_stream(&texts),
            };
            for (stream, reply) in [(true, Reply::sse([(0, stream)])), (false, Reply::text(&slow))] {
                scene.provider.script("*", reply);
                let live = scene.client().stream(path, &asking(model, "go", stream)).await;
                let (status, id) = (
                    live.status,
                    live.headers["x-request-id"].to_str().unwrap().to_owned(),
                );
                let text = String::from_utf8_lossy(&live.body().await.unwrap()).into_owned();
                let what = format!("{mode} {path} {stream}");
                let entry = shown_entry(&scene, &id).await;
                if flags {
                    assert_eq!(status, 200, "{what}");
                    assert!(text.contains(if stream { " end " } else { "sk-ant-" }), "{what}");
                    assert!(
                        entry["findings"].to_string().contains("output:guard:timeout"),
                        "{what}: {entry}"
                    );
                } else {
                    assert_eq!(status, if stream { 200 } else { 503 }, "{what}");
                    assert!(
                        !text.contains("sk-ant-") && text.contains("did not get through the answer"),
                        "{what}"
                    );
                    assert!(entry.to_string().contains("guard_timeout"), "{what}: {entry}");
                }
            }
        }
    }
}
