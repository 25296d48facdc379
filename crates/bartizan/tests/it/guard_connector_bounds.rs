//! What bounds guards outside, on a real gate: a tenant's consents, time and room that run out, and what a record holds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Answer, Client, Reply, ScriptedProvider};

use crate::canary::shown_entry;
use crate::guards::{anthropic_stream, asking, openai_stream, said};
use crate::history_people::{make, person, put, root, text};
use crate::scene::{Scene, builder, code};

const BOUND: Duration = Duration::from_secs(30);

async fn scene(outside: &ScriptedProvider, guards: &str, how: &str) -> Scene {
    let address = format!("{}/look", outside.base_url());
    Scene::with(&format!(
        "guards:\n  {guards}\n  connectors:\n    - {{ name: outside, kind: http, address: \"{address}\", timeout_ms: 10000, cache_ms: 0, {how} }}\n"
    ))
    .await
}

/// Minds one word.
fn minding(word: &'static str) -> Reply {
    Reply::from_request(move |asked| {
        let asked = asked.json();
        let texts = asked["texts"].as_array().unwrap().iter().enumerate();
        let minded = texts.filter(|(_, it)| it["text"].as_str().unwrap().contains(word));
        let found: Vec<Value> = minded
            .map(|(at, _)| json!({"text": at, "rule": "word", "kind": "custom"}))
            .collect();
        Reply::json(200, &json!({"findings": found}))
    })
}

async fn streamed(client: &Client, path: &str, body: &Value) -> (u16, String, String) {
    let live = client.stream(path, body).await;
    let id = live.headers["x-request-id"].to_str().unwrap().to_owned();
    let (status, body) = (live.status, live.body().await.unwrap());
    (status, id, String::from_utf8_lossy(&body).into_owned())
}

/// A tenant, its administrator and a caller of its.
struct House {
    base: String,
    admin: Client,
    caller: Client,
}

impl House {
    async fn build(scene: &Scene) -> Self {
        let root = root(&scene.gate).await;
        let id = text(
            &make(&root, "/api/v1/tenants", &json!({"name": "acme"})).await,
            "id",
        );
        let base = format!("/api/v1/tenants/{id}");
        let team = text(
            &make(&root, &format!("{base}/teams"), &json!({"name": "care"})).await,
            "id",
        );
        let key = json!({"name": "ci", "all_models": true});
        let key = make(&root, &format!("{base}/teams/{team}/keys"), &key).await;
        Self {
            admin: person(&scene.gate, &root, (&id, "acme"), "ann", Some("tenant_admin")).await,
            caller: scene.gate.data().bearer(&text(&key, "secret")),
            base,
        }
    }

    async fn consent(&self, document: &Value) {
        let set = put(&self.admin, &format!("{}/consents", self.base), document).await;
        assert_eq!(set.status, 200, "{}", set.text());
    }

    async fn ask(&self, stream: bool) -> Answer {
        let caller = self.caller.header("x-bartizan-data-class", "restricted");
        caller
            .post("/v1/messages", &asking("m-an", "hello there", stream))
            .await
    }

    async fn until(&self, is_so: impl Fn(&Answer) -> bool) -> Answer {
        let since = Instant::now();
        loop {
            let answer = self.ask(false).await;
            if is_so(&answer) {
                return answer;
            }
            assert!(since.elapsed() < BOUND, "{}: {}", answer.status, answer.text());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

/// Providers may get it all: the connector may not.
fn consents(providers: &[&str], regions: &[&str]) -> Value {
    json!({"consents": [{"data_class": "restricted", "providers": providers, "regions": regions,
        "by": "dpo@acme.example", "on": "2026-01-01"}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0017_a_connector_that_the_tenant_consented_not_to_is_not_asked() {
    for (how, direction) in [
        ("on_failure: block, input: block", "input"),
        ("on_failure: block, output: redact, region: us-east", "output"),
        ("on_failure: flag, input: block, output: block", "both"),
        ("on_failure: block, input: observe", "observed"),
    ] {
        let outside = ScriptedProvider::start().await;
        outside.script("*", minding("thermite"));
        let scene = scene(&outside, "secrets: { input: redact }", how).await;
        let house = House::build(&scene).await;
        house.until(|answer| answer.status == 200).await;
        assert!(
            !outside.requests().is_empty(),
            "{how}: nobody minds where nothing is said"
        );

        house.consent(&consents(&["oa", "an"], &[])).await;
        let is_refused = matches!(direction, "input" | "output");
        let said_no = house
            .until(|answer| match is_refused {
                true => answer.status == 403,
                false => {
                    outside.forget_requests();
                    answer.status == 200
                }
            })
            .await;
        if is_refused {
            assert_eq!(code(&said_no), "consent_missing");
            let said = said_no.text();
            assert!(
                said.contains("guard connector `outside`") && said.contains("restricted data"),
                "{said}"
            );
            assert_eq!(said.contains("us-east"), direction == "output", "{said}");
        }
        // Until the change is known some were asked.
        let since = Instant::now();
        let id = loop {
            outside.forget_requests();
            scene.provider.forget_requests();
            let answer = house.ask(false).await;
            if outside.requests().is_empty() {
                assert_eq!(scene.provider.requests().is_empty(), is_refused, "{how}");
                break answer.header("x-request-id").unwrap().to_owned();
            }
            assert!(since.elapsed() < BOUND, "{how}");
        };
        let entry = entry(&scene, &id).await.to_string();
        let noted = |way: &str| entry.contains(&format!("{way}:outside:no_consent"));
        assert_eq!(noted("input"), direction != "output", "{entry}");
        assert_eq!(noted("output"), matches!(direction, "output" | "both"), "{entry}");
        assert!(entry.contains("consents:1"), "{entry}");
        let (status, _, streamed) = streamed(
            &house.caller.header("x-bartizan-data-class", "restricted"),
            "/v1/messages",
            &asking("m-an", "and so", true),
        )
        .await;
        let is_named = streamed.contains("guard connector `outside`");
        assert_eq!((status == 403, is_named), (is_refused, is_refused), "{streamed}");
        assert!(outside.requests().is_empty(), "{how}");

        // A consent that names it lets it be asked, and what stays in the house wants none.
        house.consent(&consents(&["oa", "an", "outside"], &[])).await;
        house
            .until(|answer| answer.status == 200 && !outside.requests().is_empty())
            .await;
    }
}

/// The entry of a call of acme's.
async fn entry(scene: &Scene, id: &str) -> Value {
    let since = Instant::now();
    loop {
        let shown = scene
            .gate
            .cli_json(&["--json", "ledger", "show", "--tenant", "acme"])
            .await;
        let all = shown.as_array().unwrap().iter();
        if let Some(line) = all.clone().find(|line| line["entry"]["id"] == id) {
            return line["entry"].clone();
        }
        assert!(since.elapsed() < BOUND, "no entry {id}: {shown}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0017_what_may_not_leave_the_house_goes_to_a_connector_in_it_alone() {
    for (place, is_in_house) in [("self_hosted: true", true), ("region: eu", false)] {
        let (outside, own) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
        outside.script("*", minding("thermite"));
        let config = format!(
            "store: {{ refresh_every_ms: 20 }}
providers:
  - {{ name: own, kind: anthropic, base_url: \"{0}\", credential: \"env:AN_KEY\", models: [small], self_hosted: true }}
models:
  - {{ name: m-an, targets: [{{ provider: own, model: small }}] }}
prices: {{ overrides: [{{ provider: own, model: \"*\", input_per_million: 1, output_per_million: 2 }}] }}
guards:
  connectors:
    - {{ name: outside, kind: http, address: \"{1}/look\", on_failure: block, input: block, cache_ms: 0, {place} }}
",
            own.base_url(),
            outside.base_url()
        );
        let scene = Scene::raise(own, builder().config(config)).await;
        let house = House::build(&scene).await;
        house.until(|answer| answer.status == 200).await;
        house.consent(&json!({"content_leaves": false})).await;
        if is_in_house {
            // As long as a change may take to be known.
            for _ in 0..30 {
                outside.forget_requests();
                let answer = house.ask(false).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert!(!outside.requests().is_empty());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        } else {
            let refused = house.until(|answer| answer.status == 403).await;
            let said = refused.text();
            assert!(
                said.contains("content_leaves") && said.contains("`outside`"),
                "{said}"
            );
            outside.forget_requests();
            assert_eq!(house.ask(false).await.status, 403);
            assert!(outside.requests().is_empty());
        }
    }
}

/// Takes guards longer than a millisecond, and holds nothing that they look for.
fn slow() -> String {
    "key = ghp_ sk-ant- ".repeat(3_000)
}

#[tokio::test]
async fn anp_0010_a_connector_that_blocks_sees_a_stream_whose_own_guards_ran_out_of_time() {
    let slow = slow();
    for (end, on_failure, is_away) in [
        (" thermite at last ", "block", false),
        (" bread at last ", "block", false),
        (" bread at last ", "block", true),
        (" bread at last ", "flag", true),
    ] {
        let outside = ScriptedProvider::start().await;
        outside.script(
            "*",
            if is_away {
                Reply::error(500, "no")
            } else {
                minding("thermite")
            },
        );
        let guards = "deadline_ms: 1\n  on_timeout: flag\n  personal: { output: observe }\n  secrets: { input: off, output: redact }";
        let scene = scene(
            &outside,
            guards,
            &format!("on_failure: {on_failure}, output: block, text_bytes_max: 1000000"),
        )
        .await;
        for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
            let what = format!("{path} {end} {on_failure} {is_away}");
            let texts = [slow.as_str(), " the", " middle ", end];
            let stream = if model == "m-oa" {
                openai_stream(&texts)
            } else {
                anthropic_stream(&texts)
            };
            // In pieces, so that what follows comes when there is no time left.
            scene
                .provider
                .script("*", Reply::sse([(0, stream)]).in_pieces(4_000));
            let (status, id, text) = streamed(&scene.client(), path, &asking(model, "go", true)).await;
            assert_eq!(status, 200, "{what}");
            let findings = shown_entry(&scene, &id).await["findings"].to_string();
            assert!(findings.contains("output:guard:timeout"), "{what}: {findings}");
            assert_eq!(
                findings.contains("output:outside:unavailable"),
                is_away,
                "{what}: {findings}"
            );
            let passes = !end.contains("thermite") && (!is_away || on_failure == "flag");
            assert_eq!(text.contains("sk-ant-"), passes, "{what}");
            if passes {
                let whole = said(text.as_bytes(), true);
                assert!(whole.ends_with(&format!(" the middle {end}")), "{what}");
            } else {
                assert!(text.contains("guard connector `outside`"), "{what}");
            }
        }
        assert!(!outside.requests().is_empty());
    }
}

#[tokio::test]
async fn agp_d2_one_that_only_observes_ends_no_answer_that_is_too_long_to_be_kept() {
    let long = "words of an answer ".repeat(400);
    for (mode, passes) in [("observe", true), ("block", false)] {
        let outside = ScriptedProvider::start().await;
        outside.script("*", minding("thermite"));
        let scene = scene(
            &outside,
            "secrets: { output: redact }",
            &format!("on_failure: block, output: {mode} }}\nserver: {{ answer_bytes_max: 4096"),
        )
        .await;
        let texts: Vec<&str> = long.split_inclusive(' ').collect();
        scene
            .provider
            .script("*", Reply::sse([(0, openai_stream(&texts))]));
        let (_, id, text) = streamed(
            &scene.client(),
            "/v1/chat/completions",
            &asking("m-oa", "go", true),
        )
        .await;
        let findings = shown_entry(&scene, &id).await["findings"].to_string();
        assert_eq!(said(text.as_bytes(), true) == long, passes, "{mode}: {text}");
        assert_eq!(
            findings.contains("output:outside:unavailable"),
            passes,
            "{mode}: {findings}"
        );
        assert!(outside.requests().is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn agp_d2_a_record_holds_so_many_findings_and_says_that_there_were_more() {
    let outside = ScriptedProvider::start().await;
    outside.script(
        "*",
        Reply::from_request(|_| {
            let found = |number| json!({"text": 0, "rule": format!("r{number}"), "kind": "custom"});
            Reply::json(
                200,
                &json!({"findings": (0..9_000).map(found).collect::<Vec<_>>()}),
            )
        }),
    );
    let scene = scene(
        &outside,
        "secrets: { input: redact }",
        "on_failure: block, input: observe",
    )
    .await;
    let answer = scene
        .client()
        .post("/v1/messages", &asking("m-an", "hello", false))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let entry = shown_entry(&scene, answer.header("x-request-id").unwrap()).await;
    let findings = entry["findings"].as_array().unwrap();
    assert_eq!((findings.len(), findings.last()), (257, Some(&json!("more"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_a_document_that_would_take_long_to_make_ready_is_refused_at_once() {
    let outside = ScriptedProvider::start().await;
    let scene = scene(
        &outside,
        "secrets: { input: redact }",
        "on_failure: flag, input: observe",
    )
    .await;
    let house = House::build(&scene).await;
    let rule = |number| json!({"name": format!("r{number}"), "pattern": "\\w{120}", "input": "block"});
    let profile = |number| json!({"name": format!("p{number}"), "guards": {"custom": {"rules": (0..12).map(rule).collect::<Vec<_>>()}}});
    let heavy = json!({"profiles": (0..16).map(profile).collect::<Vec<_>>()});
    let guards = format!("{}/guards", house.base);
    let began = Instant::now();
    let refused = put(&house.admin, &guards, &heavy).await;
    let took = began.elapsed();
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(
        refused.text().contains("weigh") && refused.text().contains("/profiles/0/guards/custom/rules/"),
        "{}",
        refused.text()
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
    // What is light enough holds soon after.
    let light = json!({"profiles": [{"name": "own", "guards": {"custom": {"rules": [
        {"name": "heron", "pattern": "hello \\w+", "input": "block"}]}}}]});
    let set = put(&house.admin, &guards, &light).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let blocked = house.until(|answer| answer.status == 400).await;
    assert!(blocked.text().contains("heron"), "{}", blocked.text());
}
