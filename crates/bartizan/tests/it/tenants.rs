//! Two tenants on one gate: what one of them has, does or uses up is nothing to the other.

use std::time::Duration;

use domain::RequestId;
use serde_json::{Value, json};
use store::Directory;
use testkit::{Client, Gate, Reply};

use crate::scene::{Scene, call, code, streamed};

/// `bartizan …` on the gate's folder; what it printed, read as JSON.
async fn command(gate: &Gate, line: &str) -> Value {
    gate.cli_json(&line.split(' ').chain(["--json"]).collect::<Vec<_>>())
        .await
}

/// A key of the tenant's and team's, without limits of its own, once the gate knows it.
async fn key_of(scene: &Scene, tenant: &str, team: &str) -> Client {
    named_key(scene, tenant, team, &RequestId::generate().to_string()).await
}

async fn named_key(scene: &Scene, tenant: &str, team: &str, name: &str) -> Client {
    let line = format!(
        "keys create --tenant {tenant} --team {team} --name {name} --all-models --rpm none --tpm none --concurrent none --streams none"
    );
    let made = command(&scene.gate, &line).await;
    let client = scene.gate.data().bearer(made["key"].as_str().unwrap());
    for _ in 0..100 {
        if client.get("/v1/models").await.status == 200 {
            return client;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the gate does not know the key");
}

async fn ask(client: &Client, body: &Value) -> testkit::Answer {
    client.post("/v1/chat/completions", body).await
}

#[tokio::test]
async fn agp_i2_agp_d4_anp_0010_a_cached_answer_is_for_its_tenant_its_question_and_its_time() {
    let scene = Scene::with("cache: { enabled: true, ttl_ms: 2000 }\n").await;
    command(&scene.gate, "tenants create elsewhere").await;
    let (own, other) = (scene.client(), key_of(&scene, "elsewhere", "default").await);
    let colleague = key_of(&scene, "default", "default").await;
    let reached = || scene.provider.requests().len();

    let question = call("m-oa");
    scene
        .provider
        .script("*", Reply::text("the first tenant's secret plan"));
    let first = ask(&own, &question).await;
    assert_eq!((first.status, reached()), (200, 1));
    scene.provider.script("*", Reply::text("another answer"));
    let again = ask(&own, &question).await;
    assert_eq!((again.status, reached()), (200, 1), "cached");
    assert!(again.text().contains("secret plan"));
    assert_eq!(
        ask(&colleague, &question).await.text(),
        again.text(),
        "one tenant, one cache"
    );
    assert_eq!(reached(), 1);

    let foreign = ask(&other, &question).await;
    assert_eq!((foreign.status, reached()), (200, 2), "another tenant asks anew");
    assert!(!foreign.text().contains("secret plan"), "{}", foreign.text());

    // One byte of difference, another model, a stream: other questions.
    let mut nearly = question.clone();
    nearly["messages"][0]["content"] = json!("Say hello!");
    assert!(!ask(&own, &nearly).await.text().contains("secret plan"));
    assert_eq!(reached(), 3);
    let stream = ask(&own, &streamed("m-oa")).await;
    assert!(!stream.text().contains("secret plan"));
    assert_eq!(reached(), 4, "streams are not cached");

    tokio::time::sleep(Duration::from_millis(2300)).await;
    assert!(
        !ask(&own, &question).await.text().contains("secret plan"),
        "kept beyond its time"
    );
    assert_eq!(reached(), 5);
}

#[tokio::test]
async fn agp_i2_agp_e1_a_revoked_key_gets_nothing_from_the_cache() {
    let scene = Scene::with("cache: { enabled: true }\n").await;
    let leaving = named_key(&scene, "default", "default", "leaving").await;
    assert_eq!(ask(&scene.client(), &call("m-oa")).await.status, 200);
    assert_eq!(ask(&leaving, &call("m-oa")).await.status, 200);
    assert_eq!(scene.provider.requests().len(), 1, "cached");
    command(&scene.gate, "keys revoke leaving").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let refused = ask(&leaving, &call("m-oa")).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
}

#[tokio::test]
async fn anp_0004_agp_d1_limits_of_a_tenant_and_of_a_team_hold_for_all_their_keys_together() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    command(gate, "tenants create small --rpm 3").await;
    command(gate, "tenants create large").await;
    command(gate, "teams create interns --tenant large --rpm 2").await;
    let small = [
        key_of(&scene, "small", "default").await,
        key_of(&scene, "small", "default").await,
    ];
    let interns = [
        key_of(&scene, "large", "interns").await,
        key_of(&scene, "large", "interns").await,
    ];
    let large = key_of(&scene, "large", "default").await;

    for (keys, limit, level) in [(&small, 3, "tenant"), (&interns, 2, "team")] {
        let mut passed = 0;
        for turn in 0..8 {
            let answer = ask(&keys[turn % 2], &call("m-oa")).await;
            if answer.status == 200 {
                passed += 1;
                continue;
            }
            assert_eq!((answer.status, code(&answer).as_str()), (429, "rate_limited"));
            assert!(
                answer.text().contains(&format!("this {level} may make {limit}")),
                "{}",
                answer.text()
            );
        }
        assert_eq!(passed, limit, "{level}");
    }
    for _ in 0..6 {
        assert_eq!(ask(&large, &call("m-oa")).await.status, 200, "the other team");
        assert_eq!(
            ask(&scene.client(), &call("m-oa")).await.status,
            200,
            "the other tenant"
        );
    }
    let dump = scene.store().await.load().await.unwrap();
    let small = dump.tenants.iter().find(|tenant| tenant.name == "small").unwrap();
    assert_eq!(small.limits.requests_per_minute, Some(3));
}

#[tokio::test]
async fn agp_d2_concurrency_of_a_tenant_holds_for_all_its_keys_together() {
    let scene = Scene::with("").await;
    command(&scene.gate, "tenants create small --concurrent 2 --streams 1").await;
    let keys = [
        key_of(&scene, "small", "default").await,
        key_of(&scene, "small", "default").await,
    ];
    scene.provider.script("*", Reply::text("slow").delay(800));
    let body = call("m-oa");
    let (a, b, c, d) = tokio::join!(
        ask(&keys[0], &body),
        ask(&keys[1], &body),
        ask(&keys[0], &body),
        ask(&keys[1], &body)
    );
    let statuses = [&a, &b, &c, &d].map(|answer| answer.status);
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        2,
        "{statuses:?}"
    );
    let refused: Vec<_> = [&a, &b, &c, &d]
        .into_iter()
        .filter(|answer| answer.status != 200)
        .collect();
    for answer in refused {
        assert_eq!(
            (answer.status, code(answer).as_str()),
            (429, "too_many_concurrent")
        );
    }
    assert_eq!(ask(&keys[0], &body).await.status, 200, "places are free again");
}
