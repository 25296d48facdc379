//! Calls with a key that wants them signed: forged, changed, replayed, stale.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{TenantScope, UnixMillis};
use identity::signature::Cover;
use serde_json::Value;
use store::{Directory, EntryLog};
use testkit::{Reply, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::scene::{self, Scene, becomes, call, code};
use crate::signing::{Headers, Machine};

const CHAT: &str = "/v1/chat/completions";

async fn scene() -> (Scene, Machine, String) {
    let (scene, machine) = (Scene::with("").await, Machine::new());
    let key = scene.new_key(|key| machine.sign_for(key)).await;
    (scene, machine, key)
}

fn chat() -> String {
    call("m-oa").to_string()
}

#[tokio::test]
async fn anp_0001_what_is_signed_gets_in_and_what_is_not_does_not() {
    let (scene, machine, key) = scene().await;
    let gate = scene.gate.data();
    let good = |path: &str, method| machine.call(path, &gate, &key, method);
    let answer = good(CHAT, "POST").send(&chat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let evidence = entries(&scene).await;
    assert_eq!(evidence.len(), 1);
    assert!(evidence[0]["signature_digest"].is_string() && evidence[0]["credential"].is_null());
    let mut in_parts = good(CHAT, "POST");
    in_parts.cover = Cover::PathAndQuery;
    assert_eq!(in_parts.send(&chat()).await.status, 200);
    let listed = good("/v1/models", "GET").send("").await;
    assert_eq!(listed.status, 200, "{}", listed.text());
    // Headers that reach a provider can be covered, and are then what they were.
    let mut covered = good("/v1/messages", "POST");
    covered.fields = vec![("anthropic-version", "2023-06-01")];
    let answer = covered.send(&call("m-an").to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let calls_before = scene.provider.requests().len();
    for (path, method, body) in [(CHAT, "POST", chat()), ("/v1/models", "GET", String::new())] {
        let plain = good(path, method).send_with(&body, &[]).await;
        assert_eq!((plain.status, code(&plain).as_str()), (401, "signature_missing"));
    }
    assert_eq!(scene.provider.requests().len(), calls_before);
    // Others are not asked for signatures.
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
}

#[tokio::test]
async fn anp_0001_a_signature_is_for_one_request_and_one_time() {
    let (scene, machine, key) = scene().await;
    let gate = scene.gate.data();
    let good = || machine.call(CHAT, &gate, &key, "POST");
    let ago = |seconds: i64| UnixMillis(UnixMillis::now().0 - seconds * 1000);
    let mut cases = Vec::new();
    let mut bend = |why: &'static str, bend: &dyn Fn(&mut crate::signing::SignedCall<'_>)| {
        let mut it = good();
        bend(&mut it);
        cases.push((why, it));
    };
    bend("another method", &|it| it.signed_method = "GET".into());
    bend("another path", &|it| {
        it.signed_url = it.signed_url.replace(CHAT, "/v1/completions")
    });
    bend("another query", &|it| it.signed_url.push_str("?a=b"));
    bend("a query that was not signed", &|it| it.path.push_str("?a=b"));
    bend("another host", &|it| {
        it.signed_url = format!("http://elsewhere{CHAT}")
    });
    bend("another scheme", &|it| {
        it.signed_url = it.signed_url.replace("http:", "https:")
    });
    bend("stale", &|it| it.created = ago(62));
    bend("from the future", &|it| it.created = ago(-13));
    bend("before 1970 was over", &|it| it.created = UnixMillis(0));
    bend("another key's name", &|it| it.key_id = "key_1".into());
    for (why, it) in cases {
        let answer = it.send(&chat()).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (401, "signature_invalid"),
            "{why}"
        );
    }
    let stranger = Machine::new();
    let mut forged = stranger.call(CHAT, &gate, &key, "POST");
    assert_eq!(code(&forged.send(&chat()).await), "signature_invalid", "forged");
    forged.key_id = good().key_id;
    assert_eq!(
        code(&forged.send(&chat()).await),
        "signature_invalid",
        "forged with the right name"
    );
    assert_eq!(scene.provider.requests().len(), 0);
}

/// What the ledger holds, once it holds something.
async fn entries(scene: &Scene) -> Vec<Value> {
    let store = scene.store().await;
    let tenant = store.load().await.unwrap().tenants[0].id;
    let scope = TenantScope::operator(tenant);
    for _ in 0..200 {
        let stored = store.entries(&scope, 0, 100).await.unwrap();
        if !stored.is_empty() {
            store.close().await;
            return stored
                .iter()
                .map(|entry| serde_json::from_slice(&entry.bytes).unwrap())
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing was shipped");
}

/// What an attacker can do to headers that were signed well.
fn changed(headers: &Headers, name: &str, change: impl Fn(&str) -> String) -> Headers {
    let change = |(of, value): &(String, String)| {
        let new = if of == name { change(value) } else { value.clone() };
        (of.clone(), new)
    };
    headers.iter().map(change).collect()
}

#[tokio::test]
async fn anp_0001_what_was_signed_cannot_be_changed() {
    let (scene, machine, key) = scene().await;
    let gate = scene.gate.data();
    let good = || machine.call(CHAT, &gate, &key, "POST");
    let headers = good().headers(&chat());
    let without = |name: &str| -> Headers { headers.iter().filter(|(of, _)| of != name).cloned().collect() };
    let other_body = call("m-oa").to_string().replace("hello", "goodbye");
    let attacks: Vec<(&str, Headers, String)> = vec![
        ("another body", headers.clone(), other_body),
        (
            "a body with a space more",
            headers.clone(),
            format!("{} ", chat()),
        ),
        ("no body", headers.clone(), String::new()),
        (
            "a digest of the other body",
            changed(&headers, "content-digest", |_| {
                "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:".into()
            }),
            chat(),
        ),
        ("no digest", without("content-digest"), chat()),
        ("no signature", without("signature"), chat()),
        (
            "no nonce",
            changed(&headers, "signature-input", |it| cut(it, ";nonce=\"")),
            chat(),
        ),
        (
            "no time",
            changed(&headers, "signature-input", |it| it.replace(";created=", ";tag=")),
            chat(),
        ),
        (
            "a later time",
            changed(&headers, "signature-input", |it| {
                it.replacen(";created=1", ";created=2", 1)
            }),
            chat(),
        ),
        (
            "less covered",
            changed(&headers, "signature-input", |it| it.replace("\"@method\" ", "")),
            chat(),
        ),
        (
            "nothing covered",
            changed(&headers, "signature-input", |it| format!("sig=(){}", after(it))),
            chat(),
        ),
        (
            "another algorithm",
            changed(&headers, "signature-input", |it| {
                it.replace("ed25519", "hmac-sha256")
            }),
            chat(),
        ),
        ("one bit", changed(&headers, "signature", flipped), chat()),
        (
            "empty",
            changed(&headers, "signature", |_| "sig=::".into()),
            chat(),
        ),
        (
            "two",
            changed(&headers, "signature", |it| {
                format!("{it}, {}", it.replace("sig=", "b="))
            }),
            chat(),
        ),
        (
            "garbage",
            changed(&headers, "signature-input", |_| "\u{7f}(".into()),
            chat(),
        ),
    ];
    for (why, headers, body) in attacks {
        if headers.iter().any(|(_, value)| value.contains('\u{7f}')) {
            continue; // Not even a header's value; the client does not send it.
        }
        let answer = good().send_with(&body, &headers).await;
        let code = code(&answer);
        assert_eq!(answer.status, 401, "{why}: {code}");
        assert!(
            matches!(code.as_str(), "signature_invalid" | "signature_missing"),
            "{why}: {code}"
        );
    }
    assert_eq!(scene.provider.requests().len(), 0);
    // All of that spent nothing: the request itself still gets in, once.
    let first = good().send_with(&chat(), &headers).await;
    assert_eq!(first.status, 200, "{}", first.text());
    for _ in 0..2 {
        let again = good().send_with(&chat(), &headers).await;
        assert_eq!((again.status, code(&again).as_str()), (401, "signature_replayed"));
    }
    let renamed = changed(&headers, "signature-input", |it| it.replacen("sig=", "other=", 1));
    let renamed = changed(&renamed, "signature", |it| it.replacen("sig=", "other=", 1));
    let again = good().send_with(&chat(), &renamed).await;
    assert_eq!(code(&again), "signature_replayed", "under another label");
    assert_eq!(scene.provider.requests().len(), 1);
}

fn cut(text: &str, from: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap();
    format!("{before}{}", rest.split_once('"').unwrap().1)
}

fn after(input: &str) -> &str {
    input.split_once(')').unwrap().1
}

fn flipped(signature: &str) -> String {
    let digits = signature.trim_start_matches("sig=:").trim_end_matches(':');
    let mut bytes = STANDARD.decode(digits).unwrap();
    bytes[7] ^= 1;
    format!("sig=:{}:", STANDARD.encode(bytes))
}

#[tokio::test]
async fn anp_0001_racing_copies_of_one_request_get_in_once() {
    let (scene, machine, key) = scene().await;
    let gate = scene.gate.data();
    let it = machine.call(CHAT, &gate, &key, "POST");
    let (body, headers) = (chat(), it.headers(&chat()));
    let answers = futures_util::future::join_all((0..8).map(|_| it.send_with(&body, &headers))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(scene.provider.requests().len(), 1);
}

#[tokio::test]
async fn anp_0001_a_nonce_is_remembered_over_a_restart() {
    let (mut scene, machine, key) = scene().await;
    let it = machine.call(CHAT, &scene.gate.data(), &key, "POST");
    let headers = it.headers(&chat());
    assert_eq!(it.send_with(&chat(), &headers).await.status, 200);
    scene.gate.kill9().await;
    scene.gate.restart().await;
    let again = it.send_with(&chat(), &headers).await;
    assert_eq!(code(&again), "signature_replayed", "{}", again.text());
}

#[tokio::test]
async fn anp_0001_a_request_is_not_replayed_at_another_replica() {
    let town = Postgres::start().await;
    let provider = ScriptedProvider::start().await;
    let one = town.gate(&provider, None, "").start().await;
    let other = town.gate(&provider, None, "").start().await;
    let machine = Machine::new();
    let pem = one.folder().join("m.pub");
    std::fs::write(&pem, machine.public()).unwrap();
    let made = one
        .cli_json(&[
            "--json",
            "keys",
            "create",
            "--name",
            "m",
            "--all-models",
            "--signing-key",
            "m.pub",
        ])
        .await;
    let key = made["key"].as_str().unwrap().to_owned();
    let proxied = "http://gate.example";
    // Both are asked under one name, as behind a load balancer.
    let call_at = |gate: &testkit::Gate| {
        let mut it = machine.call(CHAT, &gate.data(), &key, "POST");
        it.cover = Cover::PathAndQuery;
        it.signed_url = format!("{proxied}{CHAT}");
        it
    };
    known(&one, &machine, &key).await;
    known(&other, &machine, &key).await;
    let body = call("gpt-4o").to_string();
    let first = call_at(&one);
    let headers = first.headers(&body);
    let answer = first.send_with(&body, &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for gate in [&other, &one] {
        let again = call_at(gate).send_with(&body, &headers).await;
        assert_eq!((again.status, code(&again).as_str()), (401, "signature_replayed"));
    }
    let fresh = call_at(&other);
    assert_eq!(fresh.send(&body).await.status, 200);
    town.remove().await;
}

async fn known(gate: &testkit::Gate, machine: &Machine, key: &str) {
    for _ in 0..100 {
        if machine
            .call("/v1/models", &gate.data(), key, "GET")
            .send("")
            .await
            .status
            == 200
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the key never became known");
}

#[tokio::test]
async fn anp_0001_a_configured_address_is_the_only_one() {
    let scene = Scene::built("", |builder| builder).await;
    let machine = Machine::new();
    let key = scene.new_key(|key| machine.sign_for(key)).await;
    scene.gate.write_config(&format!(
        "{}listen: {{ public_url: \"https://gate.example.com\" }}\n",
        scene::providers(&scene.provider.base_url())
    ));
    scene.gate.hang_up().await;
    let gate = scene.gate.data();
    let mut ours = machine.call(CHAT, &gate, &key, "POST");
    ours.signed_url = format!("https://gate.example.com{CHAT}");
    let mut status = 0;
    for _ in 0..100 {
        ours.nonce = identity::signature::fresh_nonce().unwrap();
        status = ours.send(&chat()).await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status, 200);
    // What was signed for another gate is not for this one, whatever host the request says.
    let other = machine.call(CHAT, &gate, &key, "POST");
    assert_eq!(code(&other.send(&chat()).await), "signature_invalid");
}

#[tokio::test]
async fn the_command_line_makes_pairs_and_signs() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let pair = gate
        .cli_json(&["--json", "keys", "signing-key", "--out", "m.pem"])
        .await;
    assert_eq!(pair["public_key"], "m.pem.pub");
    let create = [
        "--json",
        "keys",
        "create",
        "--name",
        "m",
        "--all-models",
        "--signing-key",
        "m.pem.pub",
    ];
    let made = gate.cli_json(&create).await;
    let key = made["key"].as_str().unwrap();
    std::fs::write(gate.folder().join("call.json"), chat()).unwrap();
    let url = format!("http://{}{CHAT}", gate.data().address());
    let sign = [
        "--json",
        "sign-request",
        "--key",
        "m.pem",
        "--url",
        &url,
        "--body",
        "call.json",
    ];
    let client = gate.data().bearer(key);
    becomes(&client, 401).await;
    let mut answer = None;
    for _ in 0..50 {
        let headers: Value = gate.cli_json(&sign).await;
        let mut signed = client.clone();
        for (name, value) in headers.as_object().unwrap() {
            signed = signed.header(name, value.as_str().unwrap());
        }
        let got = signed.post(CHAT, &call("m-oa")).await;
        let done = got.status == 200;
        answer = Some(got);
        if done {
            break;
        }
    }
    assert_eq!(answer.unwrap().status, 200);
    // The signature is no longer asked for once the key is told so.
    gate.cli_json(&["--json", "keys", "update", "m", "--no-signing-key"])
        .await;
    becomes(&client, 200).await;
    scene.provider.script("*", Reply::usual());
    assert_eq!(client.post(CHAT, &call("m-oa")).await.status, 200);
}
