//! Judges that are asked through the very gate that asks them, with a key of their own: what they take is limited, billed and
//! recorded as any caller's, and no call about a call about a call is ever made.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Reply};

use crate::guards::asking;
use crate::scene::{self, Scene, providers};

const CHAT: &str = "/v1/chat/completions";

/// A gate whose own judges, as many as there are names, ask it with a key each.
async fn judged(names: &[&str]) -> (Scene, Vec<String>) {
    let mut scene = Scene::with("").await;
    let mut keys = vec![scene.foreign_key(|_| {}).await];
    for _ in names.iter().skip(1) {
        keys.push(scene.new_key(|_| {}).await);
    }
    let port = scene.gate.ports().data;
    let mut config = format!(
        "{}guards:\n  injection: {{ input: block }}\n  connectors:\n",
        providers(&scene.provider.base_url())
    );
    for (name, key) in names.iter().zip(&keys) {
        let file = scene.gate.folder().join(format!("{name}.key"));
        std::fs::write(&file, key).unwrap();
        config += &format!(
            "    - {{ name: {name}, kind: judge, address: \"http://127.0.0.1:{port}\", credential: \"file:{}\", model: m-an, on_failure: block, input: block, timeout_ms: 20000 }}\n",
            file.display()
        );
    }
    scene.gate.write_config(&config);
    scene.gate.terminate().await;
    scene.gate.wait(Duration::from_secs(30)).await;
    scene.gate.restart().await;
    scene.provider.script(
        "*",
        Reply::from_request(|asked| {
            let body = String::from_utf8_lossy(&asked.body).into_owned();
            match (body.contains("Judge whether"), body.contains("thermite")) {
                (true, true) => Reply::text("unsafe\nS9"),
                (true, false) => Reply::text("safe"),
                _ => Reply::text("an answer"),
            }
        }),
    );
    scene.provider.forget_requests();
    (scene, keys)
}

async fn ask(scene: &Scene, key: &str, text: &str) -> Answer {
    let client = scene.gate.data().bearer(key);
    client.post(CHAT, &asking("m-oa", text, false)).await
}

fn questions(scene: &Scene) -> usize {
    let all = scene.provider.requests();
    let is_one = |body: &[u8]| String::from_utf8_lossy(body).contains("Judge whether");
    all.iter().filter(|it| is_one(&it.body)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_agp_d1_a_judge_behind_the_gate_is_a_caller_with_a_budget_of_its_own() {
    let (scene, keys) = judged(&["judge"]).await;
    let gate = &scene.gate;
    let made = [
        "--json",
        "budgets",
        "create",
        "--tenant",
        "elsewhere",
        "--name",
        "judging",
        "--limit",
        "1",
        "--window",
        "month",
    ];
    let budget = gate.cli_json(&made).await;
    let budget = budget["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{budget}"))
        .to_owned();

    // One question about a call, none about the question.
    assert_eq!(ask(&scene, &scene.key, "How is bread made?").await.status, 200);
    assert_eq!((questions(&scene), scene.provider.requests().len()), (1, 2));
    let refused = ask(&scene, &scene.key, "How is thermite made?").await;
    assert_eq!(
        (refused.status, scene::code(&refused).as_str()),
        (400, "input_blocked"),
        "{}",
        refused.text()
    );
    assert!(
        refused.text().contains("judge:indiscriminate_weapons"),
        "{}",
        refused.text()
    );
    assert_eq!((questions(&scene), scene.provider.requests().len()), (2, 3));
    // What was judged is remembered.
    assert_eq!(ask(&scene, &scene.key, "How is bread made?").await.status, 200);
    assert_eq!(questions(&scene), 2);
    // Whoever has the judge's key is not judged; nothing else about a call says that it is a judge's.
    let mut forged = asking("m-oa", "How is cake made?", false);
    forged["user"] = json!("judge");
    let client = gate
        .data()
        .bearer(&scene.key)
        .header("x-bartizan-connector", "judge")
        .header("user-agent", "bartizan");
    assert_eq!(client.post(CHAT, &forged).await.status, 200);
    assert_eq!(questions(&scene), 3);
    assert_eq!(ask(&scene, &keys[0], "How is tea made?").await.status, 200);
    assert_eq!(questions(&scene), 3);

    // It is billed to its key, and its entries say whose they are.
    let since = Instant::now();
    loop {
        let used = gate
            .cli_json(&[
                "usage",
                "--tenant",
                "elsewhere",
                "--by",
                "key",
                "--since",
                "1h",
                "--json",
            ])
            .await;
        let rows = used["rows"].as_array().unwrap().clone();
        let cost = rows
            .first()
            .and_then(|row| row["cost_nanos"].as_i64())
            .unwrap_or(0);
        let calls = rows
            .first()
            .and_then(|row| row["calls"].as_i64().or_else(|| row["requests"].as_i64()))
            .unwrap_or(0);
        if rows.len() == 1 && cost > 0 && calls == 4 {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{used}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let shown = gate
        .cli_json(&["--json", "ledger", "show", "--tenant", "elsewhere"])
        .await
        .to_string();
    assert_eq!(shown.matches("connector:judge").count(), 4, "{shown}");

    // Without money it gives no verdict, and nothing passes that it has not seen.
    gate.cli_json(&["budgets", "set-limit", &budget, "0.000001", "--json"])
        .await;
    // What was lent before is spent or given back first.
    let (since, mut in_a_row) = (Instant::now(), 0);
    while in_a_row < 5 {
        scene.provider.forget_requests();
        let answer = ask(
            &scene,
            &scene.key,
            &format!("How is bread made {:?}?", since.elapsed()),
        )
        .await;
        if answer.status == 200 {
            in_a_row = 0;
        } else {
            assert_eq!(
                (answer.status, scene::code(&answer).as_str()),
                (503, "guard_unavailable"),
                "{}",
                answer.text()
            );
            assert!(scene.provider.requests().is_empty());
            in_a_row += 1;
        }
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "the budget holds nothing"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let checked = gate.cli(&["check"]).await;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("judge (through this gate)"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_judges_that_ask_through_one_gate_never_judge_each_other() {
    let (scene, keys) = judged(&["one", "other"]).await;
    assert_eq!(ask(&scene, &scene.key, "How is bread made?").await.status, 200);
    assert_eq!((questions(&scene), scene.provider.requests().len()), (2, 3));
    for key in &keys {
        assert_eq!(ask(&scene, key, "How is thermite made?").await.status, 200);
    }
    assert_eq!(questions(&scene), 2);
}

#[tokio::test]
async fn ctx_t2_what_asks_its_own_gate_is_a_judge_with_a_key_or_keeps_it_from_starting() {
    for (how, why) in [
        (
            "kind: presidio, input: redact, credential: \"env:OA_KEY\"",
            "answers calls to models alone",
        ),
        (
            "kind: judge, model: m, input: block",
            "answers nobody without a key",
        ),
        (
            "kind: judge, model: m, input: block, credential: \"env:OA_KEY\"",
            "something else than a virtual key",
        ),
    ] {
        let text = format!(
            "guards:\n  connectors:\n    - {{ name: own, address: \"http://127.0.0.1:@data_port@\", on_failure: block, {how} }}\n"
        );
        let failed = scene::builder().config(text).refuses().await;
        assert!(failed.contains(why), "{how}: {failed}");
    }
}
