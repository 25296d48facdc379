//! What own backends know the gate by, looked at where a backend stands: the token of each call, the keys that are
//! published, and how they change.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use testkit::{Gate, Received, Reply, ScriptedProvider};

use crate::scene::{self, Scene, call, streamed};

const KEYS: &str = "/.well-known/jwks.json";
const CHAT: &str = "/v1/chat/completions";
const HEADER: &str = "x-bartizan-identity";

/// `m-oa` is told who calls, `m-an` in a header of its own choice, `m-plain` is not, `m-auth` in `authorization`.
async fn scene() -> Scene {
    let provider = ScriptedProvider::start().await;
    let base = provider.base_url();
    let text = format!(
        "listen: {{ public_url: \"https://gate.example/\", data: \"127.0.0.1:@data_port@\", control: \"127.0.0.1:@control_port@\", health: \"127.0.0.1:@health_port@\" }}
store: {{ refresh_every_ms: 20 }}
providers:
  - {{ name: oa, kind: openai, base_url: \"{base}\", credential: \"env:OA_KEY\", models: [m-oa], identity_token: {{ audience: engine }} }}
  - {{ name: an, kind: anthropic, base_url: \"{base}\", credential: \"env:AN_KEY\", models: [m-an], identity_token: {{ audience: other, header: X-Caller, lifetime_ms: 5000 }} }}
  - {{ name: plain, kind: openai, base_url: \"{base}\", credential: \"env:OA_KEY\", models: [m-plain] }}
  - {{ name: auth, kind: openai, base_url: \"{base}\", models: [m-auth], identity_token: {{ audience: auth, header: authorization }} }}
prices:
  overrides:
    - {{ provider: oa, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: an, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: plain, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: auth, model: \"*\", input_per_million: 1, output_per_million: 2 }}
"
    );
    Scene::raise(provider, scene::builder().config(text)).await
}

async fn published(gate: &Gate) -> Vec<Value> {
    let answer = gate.data().get(KEYS).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    answer.json()["keys"].as_array().unwrap().clone()
}

fn ids(keys: &[Value]) -> BTreeSet<String> {
    let id = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    keys.iter().map(id).collect()
}

fn part(text: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// The claims, if one of these keys has signed them; which one it was.
fn read(token: &str, keys: &[Value]) -> (String, Value) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header = part(header);
    assert_eq!(
        (header["alg"].as_str(), header["typ"].as_str()),
        (Some("EdDSA"), Some("JWT"))
    );
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    (header["kid"].as_str().unwrap().to_owned(), part(claims))
}

fn only<'r>(received: &'r Received, name: &str) -> &'r str {
    let all: Vec<_> = received
        .headers
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .collect();
    assert_eq!(all.len(), 1, "{name}");
    &all[0].1
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes)
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[tokio::test]
async fn anp_0009_anp_0006_a_call_carries_who_makes_it_and_nothing_of_what_the_caller_says() {
    let scene = scene().await;
    let keys = published(&scene.gate).await;
    let spoofing = |key: &str| {
        let client = scene.gate.data().bearer(key).header(HEADER, "spoofed");
        client.header("x-caller", "spoofed").header("x-tenant", "spoofed")
    };
    let foreign = scene.foreign_key(|_| {}).await;
    let mut seen = BTreeSet::new();
    let mut tenants = BTreeSet::new();
    for (path, body, audience, header) in [
        (CHAT, call("m-oa"), "engine", HEADER),
        (CHAT, streamed("m-oa"), "engine", HEADER),
        ("/v1/messages", call("m-an"), "other", "x-caller"),
        ("/v1/messages", call("m-oa"), "engine", HEADER),
    ] {
        scene.provider.forget_requests();
        for key in [&scene.key, &foreign] {
            let answer = spoofing(key).post(path, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let received = scene.provider.requests();
        for one in &received {
            let token = only(one, header);
            let (_, claims) = read(token, &keys);
            assert_eq!(claims["iss"], "https://gate.example");
            assert_eq!(claims["aud"], audience);
            assert_eq!(claims["htm"], "POST");
            assert_eq!(
                claims["htu"],
                format!("{}{}", scene.provider.base_url(), one.path)
            );
            assert_eq!(claims["body_sha256"], sha256(&one.body));
            let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
            assert_eq!(lifetime, if audience == "other" { 5 } else { 60 });
            assert_eq!(claims["nbf"], claims["iat"]);
            assert!(
                seen.insert(claims["jti"].as_str().unwrap().to_owned()),
                "a second token of one name"
            );
            tenants.insert((claims["tenant"].to_string(), claims["sub"].to_string()));
            let all = format!("{:?}", one.headers);
            assert!(!all.contains("spoofed"), "{all}");
            let other = if header == HEADER { "x-caller" } else { HEADER };
            assert_eq!(one.header(other), None);
            assert!(scene.gate.lines().all().iter().all(|line| !line.contains(token)));
        }
    }
    let store = scene.store().await;
    let known = store::Directory::load(&store).await.unwrap().keys;
    let known: BTreeSet<_> = known
        .iter()
        .map(|key| (format!("\"{}\"", key.tenant), format!("\"{}\"", key.id)))
        .collect();
    assert!(tenants.len() == 2 && tenants.is_subset(&known), "{tenants:?}");
}

#[tokio::test]
async fn anp_0009_only_who_asks_for_it_is_told_and_where_it_asks() {
    let scene = scene().await;
    let keys = published(&scene.gate).await;
    assert_eq!(
        scene
            .client()
            .header(HEADER, "spoofed")
            .post(CHAT, &call("m-plain"))
            .await
            .status,
        200
    );
    assert_eq!(scene.client().post(CHAT, &call("m-auth")).await.status, 200);
    let received = scene.provider.requests();
    assert_eq!(received[0].header(HEADER), None);
    let bearer = only(&received[1], "authorization")
        .strip_prefix("Bearer ")
        .unwrap();
    assert_eq!(read(bearer, &keys).1["aud"], "auth");
}

/// A backend that repeats what it was sent hands no token to the caller.
#[tokio::test]
async fn anp_0024_a_token_does_not_come_back() {
    let scene = scene().await;
    let echo = |received: &Received| {
        let token = received.header(HEADER).unwrap_or("none").to_owned();
        Reply::error(400, &format!("cannot read {token}"))
    };
    scene.provider.script("*", Reply::from_request(echo));
    let answer = scene.client().post(CHAT, &call("m-oa")).await;
    assert_eq!(answer.status, 400);
    let token = scene.provider.requests()[0].header(HEADER).unwrap().to_owned();
    let signature = token.rsplit('.').next().unwrap();
    assert!(!answer.text().contains(signature), "{}", answer.text());
    assert!(
        scene
            .gate
            .lines()
            .all()
            .iter()
            .all(|line| !line.contains(signature))
    );
}

async fn signing(scene: &Scene) -> String {
    scene.provider.forget_requests();
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
    let received = scene.provider.requests();
    let keys = published(&scene.gate).await;
    read(received[0].header(HEADER).unwrap(), &keys).0
}

#[tokio::test]
async fn anp_0009_keys_outlive_a_restart_and_are_replaced_in_the_open() {
    let mut scene = scene().await;
    let first = signing(&scene).await;
    scene.gate.kill9().await;
    scene.gate.restart().await;
    assert_eq!(signing(&scene).await, first);
    let listed = scene.gate.cli_json(&["identity-keys", "list", "--json"]).await;
    assert_eq!(
        (listed[0]["id"].as_str(), &listed[0]["signs"]),
        (Some(first.as_str()), &true.into())
    );

    let rotated = scene.gate.cli_json(&["identity-keys", "rotate", "--json"]).await;
    assert_eq!(rotated.as_array().unwrap().len(), 2);
    becomes(&scene, |keys| keys.len() == 2 && keys.contains(&first)).await;
    assert_eq!(
        signing(&scene).await,
        first,
        "a key that nobody has heard of signs"
    );
    let again = scene.gate.cli(&["identity-keys", "rotate"]).await;
    assert!(!again.status.success());
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("rotate again"),
        "{again:?}"
    );

    scene
        .gate
        .cli_json(&["identity-keys", "rotate", "--at-once", "--json"])
        .await;
    becomes(&scene, |keys| keys.len() == 1 && !keys.contains(&first)).await;
    assert_ne!(signing(&scene).await, first);
}

async fn becomes(scene: &Scene, expected: impl Fn(&BTreeSet<String>) -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let keys = ids(&published(&scene.gate).await);
        if expected(&keys) {
            return;
        }
        assert!(Instant::now() < until, "{keys:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where nobody is told anything there is nothing to check it with.
#[tokio::test]
async fn anp_0009_no_keys_are_published_where_no_provider_wants_tokens() {
    let scene = Scene::with("").await;
    let answer = scene.gate.data().get(KEYS).await;
    assert_eq!(
        (answer.status, scene::code(&answer).as_str()),
        (404, "unknown_path")
    );
}
