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
