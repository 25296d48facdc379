//! Receipts: what a client was given is what the gate gave, and nobody on the way changes that. Everything is verified as a
//! client would: by files it kept, the ledger's public key, and a command that opens no store.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Gate, Reply, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::money_scene::{Call, metered};
use crate::scene::{Scene, call, code, streamed};
use crate::signing::Machine;

const CHAT: &str = "/v1/chat/completions";
const OFTEN: &str = "ledger: { checkpoint_every_ms: 1000 }\n";
const PATIENCE: Duration = Duration::from_secs(30);

async fn scene() -> (Scene, Client) {
    let scene = Scene::with(OFTEN).await;
    let key = scene.new_key(|key| key.receipts = true).await;
    let (status, printed) = run(&scene.gate, &["ledger", "key"]).await;
    assert_eq!(status, 0, "{printed}");
    write(&scene.gate, "ledger.key", &printed);
    let client = scene.gate.data().bearer(&key);
    (scene, client)
}

async fn run(gate: &Gate, words: &[&str]) -> (i32, String) {
    let output = gate.cli(words).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn write(gate: &Gate, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(gate.folder().join(name), bytes).unwrap();
}

/// The head as `curl -D` writes it.
fn head(answer: &Answer) -> String {
    let mut text = format!("HTTP/1.1 {} OK\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text + "\r\n"
}

/// Keeps a call as a client would: `name.head`, `name.body` and `name.call`.
fn keep(gate: &Gate, name: &str, (body, answer): (&Value, &Answer)) {
    write(gate, &format!("{name}.head"), head(answer));
    write(gate, &format!("{name}.body"), &answer.body);
    write(gate, &format!("{name}.call"), body.to_string());
}

fn id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

/// The receipt, as soon as a signed head covers it.
async fn receipt(client: &Client, request: &str) -> Answer {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.get(&format!("/v1/receipts/{request}")).await;
        if answer.status == 200 {
            return answer;
        }
        assert!(matches!(answer.status, 202 | 404), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
        assert!(Instant::now() < until, "still {}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `bartizan receipt verify` on kept files.
async fn verify(gate: &Gate, files: &[(&str, &str)]) -> (i32, String) {
    let mut words = vec!["receipt", "verify"];
    for (option, file) in files {
        words.extend([*option, *file]);
    }
    if !files.iter().any(|(option, _)| *option == "--key") {
        words.extend(["--key", "ledger.key"]);
    }
    run(gate, &words).await
}

const GIVEN: [(&str, &str); 3] = [
    ("--head", "a.head"),
    ("--body", "a.body"),
    ("--request", "a.call"),
];

async fn holds(gate: &Gate, files: &[(&str, &str)]) {
    let (exit, said) = verify(gate, files).await;
    assert_eq!(exit, 0, "{files:?}: {said}");
    assert!(said.contains("verified"), "{said}");
}

async fn breaks(gate: &Gate, files: &[(&str, &str)], why: &str) {
    let (exit, said) = verify(gate, files).await;
    assert_eq!(exit, 4, "{files:?}: {said}");
    assert!(said.contains(why), "{files:?}: `{why}` is not in {said}");
}

#[tokio::test]
async fn agp_t2_what_a_client_got_is_proved_and_any_change_of_it_is_found() {
    let (scene, client) = scene().await;
    let gate = &scene.gate;
    let body = call("m-oa");
    let answer = client.post(CHAT, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-bartizan-model"), Some("m-oa"));
    assert_eq!(answer.header("x-bartizan-target"), Some("oa/m-oa"));
    keep(gate, "a", (&body, &answer));
    holds(gate, &GIVEN).await;
    holds(gate, &GIVEN[..2]).await;

    // Another call's, all of it as good as the first.
    let mut other_body = body.clone();
    other_body["messages"][0]["content"] = json!("Say goodbye.");
    scene.provider.script("*", Reply::text("Goodbye."));
    let other = client.post(CHAT, &other_body).await;
    scene.provider.unscript();
    assert_ne!(other.body, answer.body);
    keep(gate, "b", (&other_body, &other));
    for (name, answer) in [("a.json", &answer), ("b.json", &other)] {
        write(gate, name, &receipt(&client, &id(answer)).await.body);
    }
    let all = [&GIVEN[..], &[("--receipt", "a.json")]].concat();
    holds(gate, &all).await;
    holds(gate, &all[1..]).await;
    breaks(
        gate,
        &[&GIVEN[..], &[("--receipt", "b.json")]].concat(),
        "another request",
    )
    .await;
    breaks(
        gate,
        &[("--head", "b.head"), ("--body", "a.body")],
        "the body is not",
    )
    .await;
    let answers_b = [
        ("--head", "a.head"),
        ("--body", "a.body"),
        ("--request", "b.call"),
    ];
    breaks(gate, &answers_b, "it answers another request").await;
    let receipt_b = [("--receipt", "b.json"), ("--body", "a.body")];
    breaks(gate, &receipt_b, "the answer was another").await;
    let receipt_b = [
        ("--receipt", "b.json"),
        ("--body", "b.body"),
        ("--request", "a.call"),
    ];
    breaks(gate, &receipt_b, "the request was another").await;

    let good = head(&answer);
    let request = id(&answer);
    let changes = [
        ("the status", good.replacen("200 OK", "201 OK", 1)),
        (
            "the model",
            good.replace("x-bartizan-model: m-oa", "x-bartizan-model: m-an"),
        ),
        ("the target", good.replace("oa/m-oa", "an/m-an")),
        ("no target", without(&good, "x-bartizan-target")),
        ("no signature", without(&good, "signature")),
        ("no input", without(&good, "signature-input")),
        ("no digest", without(&good, "content-digest")),
        ("no request", without(&good, "x-bartizan-request-digest")),
        ("the request", good.replace(&request, &id(&other))),
        ("its time", good.replacen(";created=1", ";created=2", 1)),
        ("less covered", good.replacen("\"x-bartizan-target\" ", "", 1)),
        ("nothing covered", good.replacen("(\"@status\"", "(", 1)),
        (
            "a second target",
            good.replace("\r\n\r\n", "\r\nx-bartizan-target: an/m-an\r\n\r\n"),
        ),
    ];
    for (what, changed) in changes {
        assert_ne!(changed, good, "{what}");
        write(gate, "changed.head", changed);
        let files = [
            ("--head", "changed.head"),
            ("--body", "a.body"),
            ("--request", "a.call"),
        ];
        let (exit, said) = verify(gate, &files).await;
        assert_eq!(exit, 4, "{what}: {said}");
        let files = [&files[..], &[("--receipt", "a.json")]].concat();
        assert_eq!(verify(gate, &files).await.0, 4, "{what}, beside the receipt");
    }
    let mut flipped = answer.body.to_vec();
    flipped[5] ^= 1;
    write(gate, "flipped.body", flipped);
    breaks(
        gate,
        &[("--head", "a.head"), ("--body", "flipped.body")],
        "the body is not",
    )
    .await;
    let from_log = [("--receipt", "a.json"), ("--body", "flipped.body")];
    breaks(gate, &from_log, "the answer was another").await;
    let proof = receipt(&client, &request).await.text();
    write(gate, "forged.json", proof.replacen("oa/m-oa", "an/m-an", 1));
    breaks(
        gate,
        &[("--receipt", "forged.json"), ("--body", "a.body")],
        "signed root",
    )
    .await;
}

fn without(head: &str, name: &str) -> String {
    let line = |line: &&str| !line.starts_with(&format!("{name}: "));
    let kept: Vec<&str> = head.split("\r\n").filter(line).collect();
    kept.join("\r\n")
}

#[tokio::test]
async fn agp_t2_anp_0006_a_receipt_is_for_the_key_that_called() {
    let (scene, client) = scene().await;
    let gate = &scene.gate;
    let answer = client.post(CHAT, &call("m-oa")).await;
    let path = format!("/v1/receipts/{}", id(&answer));
    receipt(&client, &id(&answer)).await;
    let neighbour = scene.new_key(|key| key.receipts = true).await;
    let stranger = scene.foreign_key(|key| key.receipts = true).await;
    let plain = scene.new_key(|_| {}).await;
    let nobodys = client
        .get("/v1/receipts/req_00000000000000000000000000000001")
        .await;
    for key in [&neighbour, &stranger, &plain] {
        let refused = gate.data().bearer(key).get(&path).await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (404, "receipt_not_found")
        );
        let (said, unknown) = (refused.json(), nobodys.json());
        assert_eq!(said["error"], unknown["error"], "as if there were none");
    }
    for junk in ["x", "req_", "..%2fmodels", "req_zz", &"a".repeat(200)] {
        let refused = client.get(&format!("/v1/receipts/{junk}")).await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (404, "receipt_not_found"),
            "{junk}"
        );
    }
    assert_eq!(gate.data().get(&path).await.status, 401);
    // Who does not ask gets none, and no other header than before.
    let silent = gate.data().bearer(&plain).post(CHAT, &call("m-oa")).await;
    for name in [
        "signature",
        "signature-input",
        "content-digest",
        "x-bartizan-model",
        "x-bartizan-target",
    ] {
        assert!(silent.header(name).is_none(), "{name}");
    }
    // A token of the key's own sees what the key sees.
    let token = crate::tokens::exchange(&client, "").await.json()["access_token"].clone();
    let token = gate.data().bearer(token.as_str().unwrap());
    assert_eq!(token.get(&path).await.status, 200);
}

#[tokio::test]
async fn agp_t2_a_stream_is_proved_by_its_receipt() {
    let (scene, client) = scene().await;
    let gate = &scene.gate;
    for (name, path, model) in [
        ("o", CHAT, "m-oa"),
        ("t", CHAT, "m-an"),
        ("a", "/v1/messages", "m-an"),
    ] {
        let body = streamed(model);
        let answer = client.post(path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            answer.header("signature").is_none(),
            "its body is not known when its head leaves"
        );
        keep(gate, name, (&body, &answer));
        write(gate, "receipt.json", &receipt(&client, &id(&answer)).await.body);
        let (got, sent) = (format!("{name}.body"), format!("{name}.call"));
        let kept = [
            ("--receipt", "receipt.json"),
            ("--body", &got),
            ("--request", &sent),
        ];
        holds(gate, &kept).await;
        write(gate, &got, &answer.body[..answer.body.len() - 1]);
        breaks(gate, &kept, "the answer was another").await;
    }
}

#[tokio::test]
async fn agp_t2_agp_r1_an_answer_to_a_signed_request_is_bound_to_its_signature() {
    let (scene, machine) = (Scene::with(OFTEN).await, Machine::new());
    let gate = &scene.gate;
    let key = scene
        .new_key(|key| {
            machine.sign_for(key);
            key.receipts = true;
        })
        .await;
    let (_, printed) = run(gate, &["ledger", "key"]).await;
    write(gate, "ledger.key", &printed);
    let body = call("m-oa");
    let mut answers = Vec::new();
    for name in ["a", "b"] {
        let it = machine.call(CHAT, &gate.data(), &key, "POST");
        let headers = it.headers(&body.to_string());
        let answer = it.send_with(&body.to_string(), &headers).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        keep(gate, name, (&body, &answer));
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        write(gate, &format!("{name}.sent"), lines);
        answers.push(answer);
    }
    holds(gate, &[&GIVEN[..], &[("--request-head", "a.sent")]].concat()).await;
    // The very same call, answered twice: each answer is to its own request, and an old one is not taken for a new one.
    breaks(
        gate,
        &[&GIVEN[..], &[("--request-head", "b.sent")]].concat(),
        "does not fit",
    )
    .await;
    breaks(gate, &GIVEN, "give the head of the request").await;
    // The receipt is fetched as the key calls: signed.
    let path = format!("/v1/receipts/{}", id(&answers[0]));
    let until = Instant::now() + PATIENCE;
    loop {
        let got = machine.call(&path, &gate.data(), &key, "GET").send("").await;
        if got.status == 200 {
            write(gate, "a.json", &got.body);
            break;
        }
        assert!(Instant::now() < until, "{}", got.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        code(&gate.data().bearer(&key).get(&path).await),
        "signature_missing"
    );
    let all = [
        &GIVEN[..],
        &[("--request-head", "a.sent"), ("--receipt", "a.json")],
    ]
    .concat();
    holds(gate, &all).await;
    let entry: Value = serde_json::from_slice(&std::fs::read(gate.folder().join("a.json")).unwrap()).unwrap();
    let entry: Value = serde_json::from_str(entry["entry"].as_str().unwrap()).unwrap();
    assert!(entry["signature_digest"].is_string(), "{entry}");
}

#[tokio::test]
async fn agp_t2_an_old_answer_is_refused_where_its_age_counts() {
    let (scene, client) = scene().await;
    let body = call("m-oa");
    keep(&scene.gate, "a", (&body, &client.post(CHAT, &body).await));
    holds(&scene.gate, &[&GIVEN[..], &[("--max-age", "1h")]].concat()).await;
    let strict = [&GIVEN[..], &[("--max-age", "1s")]].concat();
    let until = Instant::now() + PATIENCE;
    while verify(&scene.gate, &strict).await.0 == 0 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    breaks(&scene.gate, &strict, "may have been sent again").await;
}

#[tokio::test]
async fn agp_t2_refusals_carry_receipts_too() {
    let (scene, client) = scene().await;
    let gate = &scene.gate;
    let body = call("none");
    let refused = client.post(CHAT, &body).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (404, "model_not_found")
    );
    keep(gate, "a", (&body, &refused));
    holds(gate, &GIVEN).await;
    write(gate, "a.json", &receipt(&client, &id(&refused)).await.body);
    holds(gate, &[&GIVEN[..], &[("--receipt", "a.json")]].concat()).await;
    scene.provider.script("*", Reply::error(500, "no"));
    let broken = client.post("/v1/messages", &call("m-an")).await;
    assert!(broken.status >= 500);
    keep(gate, "b", (&call("m-an"), &broken));
    let kept = [
        ("--head", "b.head"),
        ("--body", "b.body"),
        ("--request", "b.call"),
    ];
    holds(gate, &kept).await;
}

#[tokio::test]
async fn agp_t2_anp_0012_a_replaced_key_speaks_only_with_the_ledger_beside_it() {
    let (scene, client) = scene().await;
    let gate = &scene.gate;
    let body = call("m-oa");
    let before = client.post(CHAT, &body).await;
    keep(gate, "a", (&body, &before));
    receipt(&client, &id(&before)).await;
    assert_eq!(run(gate, &["ledger", "rotate-key"]).await.0, 0);
    let published = gate.control().get("/api/v1/ledger/key").await;
    write(gate, "published.json", &published.body);
    let newest = published.json()["verifier"].as_str().unwrap().to_owned();

    // Who knows of the replacement does not take the old key's word alone; with the ledger's beside it does.
    fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&GIVEN[..], more].concat()
    }
    breaks(
        gate,
        &with(&[("--published", "published.json")]),
        "a key that was replaced",
    )
    .await;
    write(gate, "a.json", &receipt(&client, &id(&before)).await.body);
    holds(
        gate,
        &with(&[("--published", "published.json"), ("--receipt", "a.json")]),
    )
    .await;

    // The gate signs with the new key as soon as it has looked.
    let until = Instant::now() + PATIENCE;
    let after = loop {
        let answer = client.post(CHAT, &body).await;
        let input = answer.header("signature-input").unwrap();
        // `name+hash+key`, and a key may hold a `+`.
        let named: Vec<&str> = newest.splitn(3, '+').take(2).collect();
        if input.contains(&format!("keyid=\"{}\"", named.join("+"))) {
            break answer;
        }
        assert!(Instant::now() < until, "{input}, and {newest}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    keep(gate, "a", (&body, &after));
    breaks(gate, &GIVEN, "none of the keys that are known here").await;
    holds(gate, &with(&[("--published", "published.json")])).await;
    holds(gate, &with(&[("--key", &newest)])).await;
    write(gate, "a.json", &receipt(&client, &id(&after)).await.body);
    holds(gate, &with(&[("--receipt", "a.json")])).await;
}

#[tokio::test]
async fn receipts_are_asked_for_by_command_and_by_api() {
    let (scene, _) = scene().await;
    let gate = &scene.gate;
    let made = gate
        .cli_json(&[
            "--json",
            "keys",
            "create",
            "--name",
            "proved",
            "--all-models",
            "--receipts",
        ])
        .await;
    let client = gate.data().bearer(made["key"].as_str().unwrap());
    let becomes = |wanted: bool| {
        let client = client.clone();
        async move {
            let until = Instant::now() + PATIENCE;
            loop {
                let body = Bytes::from(call("m-oa").to_string());
                let answer = client.request(Method::POST, CHAT, body).await.unwrap();
                if answer.status == 200 && answer.header("signature").is_some() == wanted {
                    return;
                }
                assert!(Instant::now() < until, "{}", answer.text());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    becomes(true).await;
    assert_eq!(
        run(gate, &["keys", "update", "proved", "--no-receipts"]).await.0,
        0
    );
    becomes(false).await;
    assert_eq!(run(gate, &["keys", "update", "proved", "--receipts"]).await.0, 0);
    becomes(true).await;
    let shown = run(gate, &["keys", "show", "proved"]).await.1;
    assert!(shown.contains("its answers are signed"), "{shown}");
}

/// What one node answers, another proves, from the database that they share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_t2_another_node_gives_the_receipt_and_it_proves_the_answer() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let (answering, proving) = tokio::join!(
        postgres.gate(&provider, None, "").start(),
        postgres.gate(&provider, None, "").start()
    );
    let house = postgres.house().await;
    let key = house.key_with(|key| key.receipts = true).await;
    let (at_answering, at_proving) = (key.at(&answering).await, key.at(&proving).await);
    let body = Call::new(2).body("gpt-4o");
    let answer = at_answering.post(CHAT, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    keep(&proving, "a", (&body, &answer));
    let (exit, printed) = run(&proving, &["ledger", "key"]).await;
    assert_eq!(exit, 0, "{printed}");
    write(&proving, "ledger.key", &printed);
    write(&proving, "a.json", &receipt(&at_proving, &id(&answer)).await.body);
    let all = [&GIVEN[..], &[("--receipt", "a.json")]].concat();
    holds(&proving, &all).await;
    let stranger = house.key().await.at(&proving).await;
    let foreign = stranger.get(&format!("/v1/receipts/{}", id(&answer))).await;
    assert_eq!(foreign.status, 404, "{}", foreign.text());
    drop((answering, proving));
    postgres.remove().await;
}
