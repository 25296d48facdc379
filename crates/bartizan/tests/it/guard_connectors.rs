//! Guards outside, from the caller's side and from theirs: servers that play Presidio, OpenAI's moderation, a judging model and
//! one of one's own, asked by the running gate in both directions, whole and streamed.

use serde_json::{Value, json};
use testkit::{Received, Reply, ScriptedProvider};

use crate::canary::shown_entry;
use crate::guards::{WAYS, asking, said};
use crate::masked::echo;
use crate::scene::{self, Scene};

const CREDENTIAL: &str = "a-credential-of-a-guard-outside";

/// A gate with one connector to `outside`, said as `how` says.
async fn scene(outside: &ScriptedProvider, how: &str) -> Scene {
    let address = outside.base_url();
    let config = format!(
        "guards:\n  connectors:\n    - {{ name: outside, address: \"{address}\", credential: \"env:GUARD\", timeout_ms: 10000, {how} }}\n"
    );
    Scene::built(&config, |builder| builder.env("GUARD", CREDENTIAL)).await
}

/// Presidio, as far as it knows one name, counting as Python does.
fn presidio() -> Reply {
    Reply::from_request(|asked| {
        let text = asked.json()["text"].as_str().unwrap().to_owned();
        let at = text.find("Zoë").map(|at| text[..at].chars().count());
        let found = at.map(|at| json!({"entity_type": "PERSON", "start": at, "end": at + 3, "score": 0.85}));
        Reply::json(200, &found.into_iter().collect::<Value>())
    })
}

/// Moderation that minds one word.
fn moderation() -> Reply {
    Reply::from_request(|asked| {
        let of = |text: &Value| {
            let is_so = text.as_str().unwrap().contains("thermite");
            let score = if is_so { 0.98 } else { 0.01 };
            json!({"flagged": is_so, "categories": {"illicit/violent": is_so}, "category_scores": {"illicit/violent": score}})
        };
        let results: Vec<Value> = asked.json()["input"].as_array().unwrap().iter().map(of).collect();
        Reply::json(200, &json!({"id": "modr-1", "model": "omni", "results": results}))
    })
}

fn texts_of(requests: &[Received]) -> String {
    let bodies = requests
        .iter()
        .map(|it| String::from_utf8_lossy(&it.body).into_owned());
    bodies.collect()
}

async fn findings(scene: &Scene, id: &str) -> String {
    shown_entry(scene, id).await["findings"].to_string()
}

async fn answered(scene: &Scene, path: &str, body: &Value) -> (u16, String, Vec<u8>) {
    let live = scene.client().stream(path, body).await;
    let id = live.headers["x-request-id"].to_str().unwrap().to_owned();
    (live.status, id, live.body().await.unwrap().to_vec())
}

#[tokio::test]
async fn anp_0017_what_presidio_finds_does_not_reach_the_provider() {
    let outside = ScriptedProvider::start().await;
    outside.script("/analyze", presidio());
    let scene = scene(
        &outside,
        "kind: presidio, on_failure: block, input: redact, cache_ms: 0",
    )
    .await;
    let secret = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0".repeat(2).get(..36).unwrap());
    for (path, model) in WAYS {
        for stream in [false, true] {
            scene.provider.forget_requests();
            outside.forget_requests();
            let body = asking(model, &format!("año 🙂 ask Zoë, with {secret}"), stream);
            let (status, id, _) = answered(&scene, path, &body).await;
            assert_eq!(status, 200, "{path} {model} {stream}");
            let sent = texts_of(&scene.provider.requests());
            assert!(
                sent.contains("año 🙂 ask [redacted:presidio:PERSON], with [redacted:github_token]"),
                "{sent}"
            );
            let seen = texts_of(&outside.requests());
            assert!(
                seen.contains("Zoë") && !seen.contains(&secret),
                "it sees what our own guards leave: {seen}"
            );
            assert!(
                outside
                    .requests()
                    .iter()
                    .all(|it| it.header("authorization") == Some(&*format!("Bearer {CREDENTIAL}")))
            );
            if model == "m-oa" {
                let findings = findings(&scene, &id).await;
                assert!(
                    findings.contains("input:presidio:PERSON:redact") && !findings.contains("Zoë"),
                    "{findings}"
                );
            }
        }
    }
}

#[tokio::test]
async fn anp_0010_what_presidio_finds_in_answers_is_replaced_whole_and_streamed() {
    let outside = ScriptedProvider::start().await;
    outside.script("/analyze", presidio());
    let scene = scene(&outside, "kind: presidio, on_failure: block, output: redact").await;
    scene
        .provider
        .script("*", Reply::text("ñ it was Zoë who said so").in_pieces(7));
    for (path, model) in WAYS {
        for stream in [false, true] {
            let (status, _, answer) = answered(&scene, path, &asking(model, "who?", stream)).await;
            let text = said(&answer, stream);
            assert_eq!(
                (status, &*text),
                (200, "ñ it was [redacted:presidio:PERSON] who said so"),
                "{path} {model} {stream}"
            );
        }
    }
    assert!(
        outside.requests().len() < WAYS.len() * 2,
        "the same answer is not asked about again"
    );
}

#[tokio::test]
async fn anp_0003_what_moderation_minds_is_blocked_on_the_way_in() {
    let outside = ScriptedProvider::start().await;
    outside.script("/v1/moderations", moderation());
    let scene = scene(
        &outside,
        "kind: openai_moderation, model: omni-moderation-latest, on_failure: block, input: block",
    )
    .await;
    for (path, model) in WAYS {
        let (status, id, answer) =
            answered(&scene, path, &asking(model, "how is thermite made?", false)).await;
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(status, 400, "{text}");
        assert!(
            text.contains("input_blocked") || text.contains("invalid_request"),
            "{text}"
        );
        assert!(
            text.contains("guard connector `outside`") && text.contains("moderation:illicit/violent"),
            "{text}"
        );
        if path == "/v1/messages" {
            assert!(
                findings(&scene, &id)
                    .await
                    .contains("input:moderation:illicit/violent:block")
            );
        }
        assert_eq!(
            answered(&scene, path, &asking(model, "how is bread made?", false))
                .await
                .0,
            200
        );
    }
    assert_eq!(
        scene.provider.requests().len(),
        WAYS.len(),
        "nothing else was sent"
    );
    assert!(
        outside
            .requests()
            .iter()
            .all(|it| it.json()["model"] == "omni-moderation-latest")
    );
}

#[tokio::test]
async fn anp_0010_what_moderation_minds_in_an_answer_is_withheld_whole_and_streamed() {
    let outside = ScriptedProvider::start().await;
    outside.script("/v1/moderations", moderation());
    for mode in ["block", "observe"] {
        let scene = scene(
            &outside,
            &format!("kind: openai_moderation, on_failure: block, output: {mode}"),
        )
        .await;
        scene
            .provider
            .script("*", Reply::text("Mix it well, and thermite is what you have"));
        for (path, model) in WAYS {
            for stream in [false, true] {
                let (status, id, answer) = answered(&scene, path, &asking(model, "how?", stream)).await;
                let text = String::from_utf8_lossy(&answer);
                let what = format!("{mode} {path} {model} {stream}: {text}");
                if mode == "observe" {
                    assert_eq!(
                        (status, &*said(&answer, stream)),
                        (200, "Mix it well, and thermite is what you have"),
                        "{what}"
                    );
                } else {
                    assert_eq!(status, if stream { 200 } else { 502 }, "{what}");
                    assert!(!text.contains("Mix") && !text.contains("well"), "{what}");
                    assert!(text.contains("guard connector `outside`"), "{what}");
                }
                if (path, model) == ("/v1/messages", "m-oa") {
                    let findings = findings(&scene, &id).await;
                    assert!(
                        findings.contains(&format!("output:moderation:illicit/violent:{mode}")),
                        "{what} {findings}"
                    );
                    let cost = shown_entry(&scene, &id).await["cost"].to_string();
                    assert!(
                        !cost.trim_matches(['"', '0', '.']).is_empty(),
                        "the answer was made, and is paid: {cost}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn agp_d2_one_that_is_away_is_decided_as_written_and_never_silently() {
    for (on_failure, direction, expected) in [
        ("block", "input", 503),
        ("block", "output", 503),
        ("flag", "input", 200),
        ("flag", "output", 200),
    ] {
        let outside = ScriptedProvider::start().await;
        let how = format!("kind: presidio, on_failure: {on_failure}, {direction}: redact");
        let scene = scene(&outside, &how).await;
        scene.provider.script("*", Reply::text("words of the answer"));
        for reply in [
            Reply::error(500, "no"),
            Reply::body(200, "application/json", "{}"),
        ] {
            outside.script("*", reply);
            for stream in [false, true] {
                scene.provider.forget_requests();
                let (status, id, answer) =
                    answered(&scene, "/v1/messages", &asking("m-oa", "who?", stream)).await;
                let text = String::from_utf8_lossy(&answer);
                let what = format!("{on_failure} {direction} {stream}: {text}");
                let is_late = expected == 503 && direction == "output" && stream;
                assert_eq!(status, if is_late { 200 } else { expected }, "{what}");
                if expected == 503 {
                    assert!(
                        text.contains("guard connector `outside`") && !text.contains("words of"),
                        "{what}"
                    );
                } else {
                    assert!(said(&answer, stream).contains("words of the answer"), "{what}");
                }
                assert_eq!(
                    scene.provider.requests().is_empty(),
                    expected == 503 && direction == "input",
                    "{what}"
                );
                assert!(
                    findings(&scene, &id)
                        .await
                        .contains(&format!("{direction}:outside:unavailable")),
                    "{what}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_judge_and_a_server_of_ones_own_are_asked_for_the_calls_they_are_for() {
    let outside = ScriptedProvider::start().await;
    outside.script(
        "/v1/chat/completions",
        Reply::from_request(|asked| {
            let text = asked.json()["messages"][1]["content"]
                .as_str()
                .unwrap()
                .to_owned();
            let verdict = if text.contains("thermite") {
                "unsafe\nS9"
            } else {
                "safe"
            };
            Reply::json(
                200,
                &json!({"choices": [{"message": {"content": verdict}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 200, "completion_tokens": 3}}),
            )
        }),
    );
    outside.script(
        "/look",
        Reply::from_request(|asked| {
            let asked = asked.json();
            let texts = asked["texts"].as_array().unwrap().iter().enumerate();
            let marked = texts.filter(|(_, it)| it["text"].as_str().unwrap().contains("Project Heron"));
            let found: Vec<Value> = marked.map(|(at, it)| {
                let text = it["text"].as_str().unwrap();
                let start = text[..text.find("Project Heron").unwrap()].chars().count();
                json!({"text": at, "start": start, "end": start + 13, "rule": "code_name", "kind": "custom"})
            }).collect();
            Reply::json(200, &json!({"findings": found}))
        }),
    );
    let base = outside.base_url();
    let config = format!(
        "guards:
  connectors:
    - {{ name: judge, kind: judge, model: guard-3, address: \"{base}\", on_failure: block, input: block, timeout_ms: 10000, when: {{ models: [m-oa] }} }}
    - {{ name: names, kind: http, address: \"{base}/look\", on_failure: block, input: mask, timeout_ms: 10000, when: {{ models: [\"m-*\"] }} }}
  exceptions:
    - {{ rule: \"judge:indiscriminate_weapons\", until_ms: 4102444800000, reason: \"a museum\", when: {{ operations: [embeddings] }} }}
"
    );
    let scene = Scene::with(&config).await;
    let ask =
        async |model: &str, text: &str| answered(&scene, "/v1/messages", &asking(model, text, false)).await;
    let (status, _, answer) = ask("m-oa", "é Project Heron uses thermite").await;
    let text = String::from_utf8_lossy(&answer);
    assert!(
        status == 400 && text.contains("judge:indiscriminate_weapons"),
        "{text}"
    );
    let (status, id, _) = ask("m-an", "é Project Heron uses thermite").await;
    assert_eq!(status, 200, "the judge is not for this model");
    let sent = texts_of(&scene.provider.requests());
    assert!(
        sent.contains("é <CODE_NAME_1> uses thermite") && !sent.contains("Heron"),
        "{sent}"
    );
    assert!(findings(&scene, &id).await.contains("input:names:code_name:mask"));
    let metrics = scene.gate.health().get("/metrics").await.text();
    assert!(
        metrics.contains("bartizan_guard_connector_tokens_total{connector=\"judge\"} 203"),
        "{metrics}"
    );
    let own = outside
        .requests()
        .into_iter()
        .find(|it| it.path_only() == "/look")
        .unwrap()
        .json();
    assert_eq!(
        (&own["direction"], &own["model"]),
        (&json!("input"), &json!("m-oa"))
    );
    assert!(own["request_id"].as_str().unwrap().starts_with("req_") && own["texts"][0]["origin"] == "user");
    let log = scene.gate.lines().all().join("\n");
    assert!(!log.contains("Heron") && !log.contains("thermite"), "{log}");
}

/// What connectors mask stands in the same table as what the gate masks, and comes back in answers.
#[tokio::test]
async fn anp_0010_anp_0017_what_presidio_finds_is_masked_and_comes_back() {
    let outside = ScriptedProvider::start().await;
    outside.script("/analyze", presidio());
    let scene = scene(
        &outside,
        "kind: presidio, on_failure: block, input: mask }\n  personal: { input: mask, output: redact, kinds: [email]",
    )
    .await;
    scene.provider.script("*", echo());
    let mail = "ada.lovelace@analytical-engine.org";
    let ask = format!("<PERSON_1> año 🙂 ask Zoë ({mail}), Zoë or Zoës");
    let masked = "<PERSON_1> año 🙂 ask <PERSON_2> (<EMAIL_ADDRESS_1>), <PERSON_2> or Zoës";
    for (path, model) in WAYS {
        for stream in [false, true] {
            let what = format!("{path} {model} {stream}");
            scene.provider.forget_requests();
            let (status, id, answer) = answered(&scene, path, &asking(model, &ask, stream)).await;
            assert_eq!(
                (status, said(&answer, stream)),
                (200, format!("You said: {ask}")),
                "{what}"
            );
            let sent = texts_of(&scene.provider.requests());
            assert!(sent.contains(masked), "{what}: {sent}");
            assert!(!texts_of(&outside.requests()).contains(mail), "{what}");
            if (path, model) == ("/v1/messages", "m-an") {
                let entry = shown_entry(&scene, &id).await.to_string();
                assert!(
                    entry.contains("input:presidio:PERSON:mask") && !entry.contains("Zoë"),
                    "{entry}"
                );
            }
        }
    }
    let log = scene.gate.lines().all().join("\n");
    assert!(!log.contains("Zoë") && !log.contains(mail), "{log}");
    // A placeholder of another request stands for nothing here.
    let (_, _, answer) = answered(&scene, "/v1/messages", &asking("m-an", "I am <PERSON_2>", false)).await;
    assert_eq!(said(&answer, false), "You said: I am <PERSON_2>");
}

#[tokio::test]
async fn a_prompt_that_no_guard_can_read_does_not_pass_one_that_does_more_than_look() {
    let outside = ScriptedProvider::start().await;
    outside.script("*", presidio());
    for (mode, expected) in [("redact", 400), ("observe", 200)] {
        let scene = scene(
            &outside,
            &format!("kind: presidio, on_failure: block, input: {mode} }}\n  secrets: {{ input: off"),
        )
        .await;
        let body = json!({"model": "m-oa", "input": [1, 2, 3]});
        scene.provider.script("*", Reply::json(200, &json!({"object": "list", "model": "m-oa",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}})));
        let (status, _, answer) = answered(&scene, "/v1/embeddings", &body).await;
        assert_eq!(status, expected, "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn ctx_t2_a_connector_that_cannot_be_used_keeps_the_gate_from_starting() {
    let outside = ScriptedProvider::start().await;
    for (how, why) in [
        ("kind: presidio, input: redact", "on_failure"),
        ("kind: presidio, on_failure: block", "both `off`"),
        (
            "kind: judge, on_failure: block, input: block",
            "which model judges",
        ),
        (
            "kind: openai_moderation, on_failure: block, input: redact",
            "says what a text is, not where",
        ),
        (
            "kind: http, on_failure: block, input: redact, language: de",
            "means nothing",
        ),
        (
            "kind: http, on_failure: block, input: redact, timeout_ms: 1",
            "out of range",
        ),
    ] {
        let text = format!(
            "guards:\n  connectors:\n    - {{ name: outside, address: \"{}\", {how} }}\n",
            outside.base_url()
        );
        let failed = scene::builder().config(text).refuses().await;
        assert!(
            failed.contains(why) && (why == "on_failure" || failed.contains("guards.connectors[0]")),
            "{how}: {failed}"
        );
    }
}
