//! Where the content of calls goes: two providers, policies that let data to one of them, and callers who try to
//! have it sent to the other.

use std::time::{Duration, Instant};

use credential::Marks;
use domain::DataClass;
use serde_json::{Value, json};
use testkit::{Client, Reply, ScriptedProvider};

use crate::policies::{act, root, store};
use crate::scene::{Scene, builder, call, code, streamed};

const CHAT: &str = "/v1/chat/completions";
const CLASS: &str = "x-bartizan-data-class";

/// Restricted data, and that of keys with the tag, stays in the EU.
const EU_ONLY: &str = r#"
@id("restricted-stays-in-the-eu")
@reason("restricted data is served in the EU only")
forbid (principal, action == Action::"send", resource)
when { context.data_class.rank >= 3 || principal.tags.contains("eu-only") }
unless { resource has region && resource.region == "eu" };
"#;

/// The US one is preferred; `far` has no other.
fn config(eu: &ScriptedProvider, us: &ScriptedProvider) -> String {
    let (eu, us) = (eu.base_url(), us.base_url());
    format!(
        "store: {{ refresh_every_ms: 20 }}
providers:
  - {{ name: eu, kind: openai, base_url: \"{eu}\", credential: \"env:OA_KEY\", models: [big], region: eu, self_hosted: true }}
  - {{ name: us, kind: openai, base_url: \"{us}\", credential: \"env:OA_KEY\", models: [big], region: us }}
models:
  - {{ name: m, targets: [{{ provider: us, model: big, priority: 0 }}, {{ provider: eu, model: big, priority: 1 }}] }}
  - {{ name: far, targets: [{{ provider: us, model: big }}] }}
routing: {{ attempts_max: 4, breaker: {{ consecutive_failures_max: 1000 }} }}
prices:
  overrides:
    - {{ provider: eu, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: us, model: \"*\", input_per_million: 1, output_per_million: 2 }}
"
    )
}

/// The gate in front of both, and the US provider; the scene's own is in the EU.
async fn raise() -> (Scene, ScriptedProvider) {
    let (eu, us) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    let text = config(&eu, &us);
    (Scene::raise(eu, builder().config(text)).await, us)
}

fn forget(scene: &Scene, us: &ScriptedProvider) {
    scene.provider.forget_requests();
    us.forget_requests();
}

/// How many calls reached the EU and the US.
fn reached(scene: &Scene, us: &ScriptedProvider) -> (usize, usize) {
    (scene.provider.requests().len(), us.requests().len())
}

async fn in_force(scene: &Scene, client: &Client) {
    let root = root(&scene.gate).await;
    let number = store(&root, "calls", EU_ONLY).await;
    act(&root, number, "activate").await;
    let since = Instant::now();
    while client
        .header(CLASS, "restricted")
        .post(CHAT, &call("far"))
        .await
        .status
        != 403
    {
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{}",
            scene.gate.lines().tail()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn anp_0017_restricted_data_never_reaches_the_us_also_when_the_eu_is_down() {
    let (scene, us) = raise().await;
    let client = scene.client();
    let restricted = client.header(CLASS, "restricted");
    // Without a policy of one's own the header changes nothing, and nobody beyond the gate sees it.
    forget(&scene, &us);
    assert_eq!(restricted.post(CHAT, &call("m")).await.status, 200);
    assert_eq!(reached(&scene, &us), (0, 1));
    assert!(us.requests().iter().all(|seen| seen.header(CLASS).is_none()));
    in_force(&scene, &client).await;
    forget(&scene, &us);
    assert_eq!(client.post(CHAT, &call("m")).await.status, 200);
    assert_eq!(
        client
            .header(CLASS, "confidential")
            .post(CHAT, &call("m"))
            .await
            .status,
        200
    );
    assert_eq!(reached(&scene, &us), (0, 2));
    forget(&scene, &us);
    for body in [call("m"), streamed("m")] {
        assert_eq!(restricted.post(CHAT, &body).await.status, 200);
    }
    assert_eq!(restricted.post("/v1/messages", &call("m")).await.status, 200);
    assert_eq!(reached(&scene, &us), (3, 0));
    // The EU is down, each way it can be, and the US would answer: the call fails, and goes nowhere else.
    for reply in [
        Reply::error(503, "not now"),
        Reply::error(429, "not now"),
        Reply::error(401, "not now"),
        Reply::error(404, "not now"),
    ] {
        scene.provider.script("*", reply);
        forget(&scene, &us);
        for body in [call("m"), streamed("m")] {
            let answer = restricted.post(CHAT, &body).await;
            assert!(answer.status >= 400, "{}", answer.text());
        }
        let (eu, us) = reached(&scene, &us);
        assert!(eu > 0 && us == 0, "{eu} {us}");
    }
    // What may go there does: there is a fallback, and it is not what was withheld.
    scene.provider.unscript();
    us.script("*", Reply::error(503, "not now"));
    forget(&scene, &us);
    assert_eq!(client.post(CHAT, &call("m")).await.status, 200);
    let (eu, us) = reached(&scene, &us);
    assert!(eu == 1 && us >= 1, "{eu} {us}");
}

#[tokio::test]
async fn anp_0017_a_call_with_no_permitted_target_is_refused_with_the_reason_and_recorded() {
    let (scene, us) = raise().await;
    let client = scene.client();
    in_force(&scene, &client).await;
    forget(&scene, &us);
    let refused = client.header(CLASS, "restricted").post(CHAT, &call("far")).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (403, "policy_forbidden")
    );
    assert!(
        refused
            .text()
            .contains("restricted data is served in the EU only"),
        "{}",
        refused.text()
    );
    assert_eq!(
        client
            .header(CLASS, "restricted")
            .post(CHAT, &call("m"))
            .await
            .status,
        200
    );
    assert_eq!(reached(&scene, &us), (1, 0));
    // Both say which policies decided.
    let since = Instant::now();
    let served = [
        "calls-go-to-their-targets",
        "keys-use-what-they-list",
        "restricted-stays-in-the-eu",
    ];
    loop {
        let lines = scene.gate.cli_json(&["ledger", "show", "--json"]).await;
        let entries: Vec<&Value> = lines
            .as_array()
            .unwrap()
            .iter()
            .map(|line| &line["entry"])
            .collect();
        let has = |policies: Value| entries.iter().any(|entry| entry["policies"] == policies);
        if has(json!(["keys-use-what-they-list", "restricted-stays-in-the-eu"])) && has(json!(served)) {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{lines}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn anp_0017_no_caller_lowers_the_class_or_takes_a_tag_off() {
    let (scene, us) = raise().await;
    let grave = scene
        .new_key(|key| key.marks = Marks::new(Vec::new(), Some(DataClass::Restricted)).unwrap())
        .await;
    let made = scene
        .gate
        .cli_json(&[
            "keys",
            "create",
            "--name",
            "claims",
            "--all-models",
            "--tag",
            "eu-only",
            "--json",
        ])
        .await;
    assert_eq!(made["tags"], json!(["eu-only"]), "{made}");
    let tagged = made["key"].as_str().unwrap();
    in_force(&scene, &scene.client()).await;
    forget(&scene, &us);
    let mut calls = 0;
    for key in [grave.as_str(), tagged] {
        let client = scene.gate.data().bearer(key);
        for client in [
            client.clone(),
            client.header(CLASS, "public"),
            client.header(CLASS, "internal"),
            client.header("x-bartizan-tags", ""),
        ] {
            let answer = client.post(CHAT, &call("m")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            calls += 1;
        }
    }
    assert_eq!(reached(&scene, &us), (calls, 0));
    // What is no class, or two, is refused and not passed over.
    let client = scene.client();
    for bent in [
        client.header(CLASS, "Restricted"),
        client.header(CLASS, "restricted,public"),
        client.header(CLASS, "restricted; public"),
        client.header(CLASS, ""),
        client.header(CLASS, "public").header(CLASS, "restricted"),
        client
            .header(CLASS, "restricted")
            .header("X-Bartizan-Data-Class", "restricted"),
    ] {
        let answer = bent.post(CHAT, &call("m")).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (400, "data_class_invalid")
        );
    }
    assert_eq!(reached(&scene, &us), (calls, 0));
}

/// A key of the first tenant's whose calls stay in the EU.
async fn tagged(scene: &Scene) -> Client {
    let key = scene
        .new_key(|key| {
            key.name = "claims".to_owned();
            key.marks = Marks::new(vec!["eu-only".to_owned()], None).unwrap();
        })
        .await;
    scene.gate.data().bearer(&key)
}

/// Until so many calls are in the ledger.
async fn recorded(scene: &Scene, count: usize) {
    let since = Instant::now();
    loop {
        let lines = scene.gate.cli_json(&["ledger", "show", "--json"]).await;
        if lines.as_array().unwrap().len() == count {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{lines}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What `policy diff` finds, and its differences as key, model, target, answers, calls and calls sent there.
async fn diff(scene: &Scene, words: &[&str]) -> (Value, Vec<Value>) {
    let out = scene
        .gate
        .cli(&[&["policy", "diff", "--json"], words].concat())
        .await;
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    let lines = found["differences"].as_array().unwrap();
    assert_eq!(out.status.code(), Some(i32::from(!lines.is_empty())), "{found}");
    let cells = ["key", "model", "target", "from", "to", "calls", "sent"];
    let mut lines: Vec<Value> = lines
        .iter()
        .map(|line| cells.iter().map(|cell| line[*cell].clone()).collect())
        .collect();
    lines.sort_by_key(ToString::to_string);
    (found, lines)
}

const SENT: &str = "permit by calls-go-to-their-targets";
const MAY: &str = "permit by keys-use-what-they-list";
const HELD: &str = "deny by restricted-stays-in-the-eu";

#[tokio::test]
async fn anp_0017_recorded_calls_are_asked_again_of_where_they_went_and_where_they_could_go() {
    let (scene, _us) = raise().await;
    let (client, claims) = (scene.client(), tagged(&scene).await);
    for (client, model) in [(&client, "m"), (&claims, "m"), (&claims, "m"), (&claims, "far")] {
        assert_eq!(client.post(CHAT, &call(model)).await.status, 200);
    }
    recorded(&scene, 4).await;
    let folder = scene.gate.folder().join("next");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("own.cedar"), EU_ONLY).unwrap();
    let next = folder.to_str().unwrap();
    // All went to the US. `m` has another target, which stays; `far` has none, and its calls would be refused.
    let (found, lines) = diff(&scene, &["--to", next]).await;
    let held = [
        json!(["claims", "far", "us/big", SENT, HELD, 1, 1]),
        json!(["claims", "far", null, MAY, HELD, 1, 0]),
        json!(["claims", "m", "us/big", SENT, HELD, 2, 2]),
    ];
    assert_eq!(lines, held, "{found}");
    assert_eq!((&found["calls"], &found["questions"]), (&json!(4), &json!(8)));
    let unknown = found["not_known"].to_string();
    assert!(
        unknown.contains("data class") && unknown.contains("streamed"),
        "{found}"
    );
    // What a caller says of one call is in no record: it is asked as if all had said so.
    let (found, lines) = diff(&scene, &["--to", next, "--data-class", "restricted"]).await;
    let also = json!(["first key", "m", "us/big", SENT, HELD, 1, 1]);
    assert_eq!(lines, [&held[..], &[also]].concat(), "{found}");
    assert!(!found["not_known"].to_string().contains("data class"), "{found}");
    assert_eq!(diff(&scene, &["--to", "configured"]).await.1, Vec::<Value>::new());
    let out = scene.gate.cli(&["policy", "diff", "--to", next]).await;
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("sent there") && text.contains("not known of a recorded call:"),
        "{text}"
    );
    let acts = [
        "policy",
        "diff",
        "--plane",
        "control",
        "--to",
        "configured",
        "--data-class",
        "restricted",
    ];
    assert_eq!(scene.gate.cli(&acts).await.status.code(), Some(2));
    // Where a provider is gone nobody knows where it was: that is told, and nothing else is asked otherwise.
    let config = config(&scene.provider, &scene.provider);
    let left: Vec<_> = config
        .lines()
        .filter(|line| {
            !line.contains("name: us")
                && !line.contains("name: far")
                && !line.contains("provider: us, model: \"*")
        })
        .map(|line| line.replace("{ provider: us, model: big, priority: 0 }, ", ""))
        .collect();
    scene.gate.write_config(&left.join("\n"));
    let (found, lines) = diff(&scene, &["--to", next]).await;
    assert_eq!(
        (lines.len(), &found["targets_not_asked"]),
        (0, &json!(4)),
        "{found}"
    );
}

#[tokio::test]
async fn anp_0017_a_call_that_was_refused_for_want_of_a_target_is_asked_again_too() {
    let (scene, _us) = raise().await;
    let claims = tagged(&scene).await;
    in_force(&scene, &claims).await;
    let folder = scene.gate.folder().join("next");
    std::fs::create_dir(&folder).unwrap();
    // Another word for the same, and a wider one.
    std::fs::write(
        folder.join("own.cedar"),
        EU_ONLY.replace("restricted-stays", "stays"),
    )
    .unwrap();
    let next = folder.to_str().unwrap();
    let since = Instant::now();
    loop {
        let found = diff(&scene, &["--to", "configured"]).await;
        // How often the call was tried until the policy was in force is chance.
        let lines: Vec<_> = found
            .1
            .iter()
            .map(|line| json!([line[1], line[2], line[3], line[4]]))
            .collect();
        if lines
            == [
                json!(["far", "us/big", HELD, SENT]),
                json!(["far", null, HELD, MAY]),
            ]
        {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{}", found.0);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(diff(&scene, &["--to", next]).await.1, Vec::<Value>::new());
}

#[tokio::test]
async fn anp_0017_a_version_that_is_tried_out_is_asked_where_calls_may_be_sent() {
    let (scene, us) = raise().await;
    let claims = tagged(&scene).await;
    let root = root(&scene.gate).await;
    let number = store(&root, "calls", EU_ONLY).await;
    act(&root, number, "shadow").await;
    let path = format!("/api/v1/policies/versions/{number}/differences");
    let since = Instant::now();
    let found = loop {
        assert_eq!(claims.post(CHAT, &call("m")).await.status, 200);
        let found = root.get(&path).await.json();
        if found["items"][0].is_object() {
            break found;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let item = &found["items"][0];
    assert_eq!(
        (&item["active"], &item["shadow"]),
        (&json!(SENT), &json!(HELD)),
        "{found}"
    );
    let question = item["question"].as_str().unwrap();
    assert!(
        question.contains("of key claims") && question.ends_with("sent to us/big"),
        "{found}"
    );
    // Only one of its two targets is the matter, and no call went anywhere else.
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    let (eu, us) = reached(&scene, &us);
    assert!(eu == 0 && us > 0, "{eu} {us}");
}

/// The models that are listed, in both dialects.
async fn listed(client: &Client) -> [Vec<String>; 2] {
    let names = async |client: &Client| {
        let list = client.get("/v1/models").await;
        assert_eq!(list.status, 200, "{}", list.text());
        let list = list.json();
        let names = list["data"].as_array().unwrap().iter();
        names
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    [
        names(client).await,
        names(&client.header("anthropic-version", "2023-06-01")).await,
    ]
}

#[tokio::test]
async fn anp_0015_anp_0017_a_model_whose_calls_may_go_nowhere_is_not_listed() {
    let (scene, us) = raise().await;
    let (client, claims) = (scene.client(), tagged(&scene).await);
    let [all, again] = listed(&claims).await;
    assert_eq!(all, again);
    assert!(
        ["far", "m", "us/big", "eu/big"]
            .iter()
            .all(|name| all.contains(&(*name).to_owned())),
        "{all:?}"
    );
    in_force(&scene, &client).await;
    forget(&scene, &us);
    let in_the_eu: Vec<_> = all
        .iter()
        .filter(|name| !["far", "us/big"].contains(&name.as_str()))
        .cloned()
        .collect();
    let restricted = client.header(CLASS, "restricted");
    for held in [&claims, &restricted] {
        for names in listed(held).await {
            assert_eq!(names, in_the_eu);
        }
        for client in [held.clone(), held.header("anthropic-version", "2023-06-01")] {
            assert_eq!(client.get("/v1/models/far").await.status, 404);
            assert_eq!(client.get("/v1/models/m").await.status, 200);
        }
        // Who calls it all the same is told why not, as before.
        let refused = held.post(CHAT, &call("far")).await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (403, "policy_forbidden")
        );
    }
    for names in listed(&client).await {
        assert_eq!(names, all);
    }
    assert_eq!(client.get("/v1/models/far").await.status, 200);
    assert_eq!(reached(&scene, &us), (0, 0));
}
