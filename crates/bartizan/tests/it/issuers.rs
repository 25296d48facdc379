//! Tokens of registered issuers: forged, for somebody else, out of their time, of another tenant, stolen.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::UnixMillis;
use serde_json::{Value, json};
use testkit::{Answer, Client, Reply, ScriptedProvider};

use crate::scene::{self, Scene, call, code};

const CHAT: &str = "/v1/chat/completions";
const ISSUER: &str = "https://issuer.example/a";
const AUDIENCE: &str = "https://gate.example";

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair of an issuer's, or of a client's.
pub struct Pair(Ed25519KeyPair);

impl Pair {
    pub fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn jwk(&self) -> Value {
        json!({"crv": "Ed25519", "kty": "OKP", "x": b64(self.public())})
    }

    pub fn set(&self, kid: &str) -> Value {
        let mut jwk = self.jwk();
        jwk["kid"] = json!(kid);
        json!({"keys": [jwk]})
    }

    fn thumbprint(&self) -> String {
        b64(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{signed}.{}", b64(self.0.sign(signed.as_bytes())))
    }

    pub fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}), claims)
    }
}

fn now() -> i64 {
    UnixMillis::now().0 / 1000
}

pub fn claims(subject: &str) -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now() - 5, "exp": now() + 300})
}

pub fn with(mut value: Value, changes: Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    value
}

pub fn issuer(name: &str, tenant: &str, jwks: &str, more: &str) -> String {
    let iss = if name == "corp" {
        ISSUER
    } else {
        "https://issuer.example/b"
    };
    format!(
        "  - {{ name: {name}, issuer: \"{iss}\", audiences: [\"{AUDIENCE}\"], tenant: {tenant}, jwks: \"{jwks}\", \
         lifetime_max_ms: 600000, refresh_ms: 1000{more} }}\n"
    )
}

/// A gate that takes tokens of `corp` for the first tenant.
async fn scene(pair: &Pair, more: &str) -> Scene {
    let extra = format!(
        "issuers:\n{}",
        issuer("corp", "default", "@folder@/jwks.json", more)
    );
    let set = pair.set("k1").to_string();
    let scene = Scene::built(&extra, |builder| builder.file("jwks.json", set)).await;
    scene
        .new_key(|key| key.bindings = vec!["jwt:corp:ada".parse().unwrap()])
        .await;
    scene
}

fn bearing(scene: &Scene, token: &str) -> Client {
    scene.gate.data().bearer(token)
}

/// Asks until the gate has the issuer's keys and the binding.
pub async fn gets_in(client: impl Fn() -> Client) -> Answer {
    let until = Instant::now() + Duration::from_secs(12);
    loop {
        let answer = client().post(CHAT, &call("m-oa")).await;
        if answer.status == 200 || Instant::now() > until {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn agp_s3_a_good_token_gets_in_and_a_bad_one_never() {
    let (pair, stranger) = (Pair::new(), Pair::new());
    let scene = scene(&pair, "").await;
    let good = pair.token(&claims("ada"));
    let answer = gets_in(|| bearing(&scene, &good)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(bearing(&scene, &good).get("/v1/models").await.status, 200);
    let calls = scene.provider.requests().len();

    let header = json!({"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"});
    let head = |changes| with(header.clone(), changes);
    let unsigned = |alg: &str| {
        format!(
            "{}.{}.",
            b64(head(json!({"alg": alg})).to_string()),
            b64(claims("ada").to_string())
        )
    };
    let hs256 = {
        let head = head(json!({"alg": "HS256"}));
        let signed = format!("{}.{}", b64(head.to_string()), b64(claims("ada").to_string()));
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, pair.public()),
            signed.as_bytes(),
        );
        format!("{signed}.{}", b64(tag))
    };
    let mut own_jwk = stranger.jwk();
    own_jwk["kid"] = json!("k1");
    let bent = |changes| pair.token(&with(claims("ada"), changes));
    let attacks = [
        ("alg none", unsigned("none")),
        ("alg NONE", unsigned("NONE")),
        ("HS256 with the public key", hs256),
        ("another's signature", stranger.token(&claims("ada"))),
        (
            "a key of its own",
            stranger.sign(&head(json!({"jwk": own_jwk})), &claims("ada")),
        ),
        (
            "a set of its own",
            stranger.sign(&head(json!({"jku": "http://127.0.0.1:9/"})), &claims("ada")),
        ),
        (
            "kid is a path",
            pair.sign(&head(json!({"kid": "../../../../dev/null"})), &claims("ada")),
        ),
        (
            "kid is SQL",
            pair.sign(&head(json!({"kid": "' OR 1=1 --"})), &claims("ada")),
        ),
        (
            "critical",
            pair.sign(&head(json!({"crit": ["x"], "x": 1})), &claims("ada")),
        ),
        (
            "a proof",
            pair.sign(&head(json!({"typ": "dpop+jwt"})), &claims("ada")),
        ),
        ("another issuer", bent(json!({"iss": "https://issuer.example/b"}))),
        (
            "another audience",
            bent(json!({"aud": "https://elsewhere.example"})),
        ),
        ("no audience", bent(json!({"aud": null}))),
        ("expired", bent(json!({"iat": now() - 400, "exp": now() - 60}))),
        ("not yet", bent(json!({"nbf": now() + 120}))),
        ("from the future", bent(json!({"iat": now() + 120}))),
        ("for ever", bent(json!({"exp": now() + 100_000}))),
        ("no end", bent(json!({"exp": null}))),
        ("of nobody", bent(json!({"sub": "eve"}))),
        ("no subject", bent(json!({"sub": null}))),
        ("a list of subjects", bent(json!({"sub": ["ada"]}))),
        (
            "bound to a key that is not shown",
            bent(json!({"cnf": {"jkt": stranger.thumbprint()}})),
        ),
        ("bound to what nobody knows", bent(json!({"cnf": {"x": "y"}}))),
    ];
    for (why, token) in attacks {
        let answer = bearing(&scene, &token).post(CHAT, &call("m-oa")).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (401, "credential_invalid"),
            "{why}"
        );
        assert!(!scene.gate.lines().tail().contains(&token), "{why}: logged");
    }
    // Where Anthropic's clients put a key there is no token.
    let elsewhere = scene
        .gate
        .data()
        .header("x-api-key", &good)
        .post(CHAT, &call("m-oa"))
        .await;
    assert_eq!(elsewhere.status, 401);
    let exchanged = crate::tokens::exchange(&bearing(&scene, &good), "").await;
    assert_eq!(code(&exchanged), "not_exchangeable");
    assert_eq!(scene.provider.requests().len(), calls);
}

#[tokio::test]
async fn anp_0006_an_issuer_names_keys_of_its_own_tenant_only() {
    let (pair, other) = (Pair::new(), Pair::new());
    let extra = format!(
        "issuers:\n{}{}",
        issuer("corp", "default", "@folder@/jwks.json", ""),
        issuer("evil", "elsewhere", "@folder@/evil.json", "")
    );
    let (set, evil) = (pair.set("k1").to_string(), other.set("k1").to_string());
    let scene = Scene::built(&extra, |b| b.file("jwks.json", set).file("evil.json", evil)).await;
    // The victim is bound to what the attacker's issuer is called, too.
    scene
        .new_key(|key| {
            key.bindings = ["jwt:corp:ada", "jwt:evil:ada"]
                .map(|text| text.parse().unwrap())
                .to_vec();
        })
        .await;
    scene
        .foreign_key(|key| key.bindings = vec!["jwt:evil:bob".parse().unwrap()])
        .await;
    let evil =
        |subject: &str| other.token(&with(claims(subject), json!({"iss": "https://issuer.example/b"})));
    assert_eq!(
        gets_in(|| bearing(&scene, &pair.token(&claims("ada"))))
            .await
            .status,
        200
    );
    assert_eq!(gets_in(|| bearing(&scene, &evil("bob"))).await.status, 200);
    let crossed = bearing(&scene, &evil("ada")).post(CHAT, &call("m-oa")).await;
    assert_eq!(
        (crossed.status, code(&crossed).as_str()),
        (401, "credential_invalid")
    );
    let posing = other.token(&claims("ada"));
    assert_eq!(
        bearing(&scene, &posing).post(CHAT, &call("m-oa")).await.status,
        401
    );
}

/// A client with a token that is bound to its key pair.
struct Prover<'a> {
    scene: &'a Scene,
    pair: &'a Pair,
    token: String,
}

impl Prover<'_> {
    fn claims(&self) -> Value {
        json!({
            "htm": "POST", "htu": format!("http://{}{CHAT}", self.scene.gate.data().address()),
            "iat": now(), "jti": identity::signature::fresh_nonce().unwrap(),
            "ath": b64(digest(&SHA256, self.token.as_bytes())),
        })
    }

    fn proof(&self, claims: &Value) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.pair.jwk()});
        self.pair.sign(&header, claims)
    }

    fn client(&self, proof: &str) -> Client {
        let client = self
            .scene
            .gate
            .data()
            .header("authorization", &format!("DPoP {}", self.token));
        client.header("dpop", proof)
    }
}

#[tokio::test]
async fn ctx_t3_a_stolen_bound_token_is_of_no_use() {
    let (pair, client, thief) = (Pair::new(), Pair::new(), Pair::new());
    let scene = scene(&pair, ", binding: dpop").await;
    let bound = with(claims("ada"), json!({"cnf": {"jkt": client.thumbprint()}}));
    let token = pair.token(&bound);
    let prover = Prover {
        scene: &scene,
        pair: &client,
        token: token.clone(),
    };
    let answer = gets_in(|| prover.client(&prover.proof(&prover.claims()))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let refused = |client: Client, why: &'static str| async move {
        let answer = client.post(CHAT, &call("m-oa")).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (401, "credential_invalid"),
            "{why}"
        );
    };
    refused(bearing(&scene, &token), "without a proof").await;
    let bare = scene
        .gate
        .data()
        .header("authorization", &format!("DPoP {token}"));
    refused(bare, "the scheme without a proof").await;
    let stolen = Prover {
        scene: &scene,
        pair: &thief,
        token: token.clone(),
    };
    refused(
        stolen.client(&stolen.proof(&stolen.claims())),
        "the thief's proof",
    )
    .await;
    for (why, changes) in [
        ("another method", json!({"htm": "GET"})),
        (
            "another address",
            json!({"htu": "http://elsewhere/v1/chat/completions"}),
        ),
        ("another token", json!({"ath": b64([7; 32])})),
        ("stale", json!({"iat": now() - 90})),
        ("from the future", json!({"iat": now() + 60})),
        ("nameless", json!({"jti": ""})),
    ] {
        refused(prover.client(&prover.proof(&with(prover.claims(), changes))), why).await;
    }
    let unbound = pair.token(&claims("ada"));
    refused(bearing(&scene, &unbound), "unbound where it must be bound").await;
    // A proof is for one time.
    let proof = prover.proof(&prover.claims());
    assert_eq!(prover.client(&proof).post(CHAT, &call("m-oa")).await.status, 200);
    let again = prover.client(&proof).post(CHAT, &call("m-oa")).await;
    assert_eq!(code(&again), "signature_replayed");
}

#[tokio::test]
async fn agp_s3_keys_of_an_issuer_rotate() {
    let (old, new) = (Pair::new(), Pair::new());
    let provider = ScriptedProvider::start().await;
    provider.script("/jwks", Reply::json(200, &old.set("k1")));
    let jwks = format!("{}/jwks", provider.base_url().trim_end_matches("/v1"));
    let text = format!(
        "{}issuers:\n{}",
        scene::providers(&provider.base_url()),
        issuer("corp", "default", &jwks, ", keep_ms: 8000")
    );
    let scene = Scene::raise(provider, scene::builder().config(text)).await;
    scene
        .new_key(|key| key.bindings = vec!["jwt:corp:ada".parse().unwrap()])
        .await;
    let by = |pair: &Pair, kid: &str| pair.sign(&json!({"alg": "EdDSA", "kid": kid}), &claims("ada"));
    assert_eq!(gets_in(|| bearing(&scene, &by(&old, "k1"))).await.status, 200);
    scene.provider.script("/jwks", Reply::json(200, &new.set("k2")));
    assert_eq!(gets_in(|| bearing(&scene, &by(&new, "k2"))).await.status, 200);
    // The old one is gone with that.
    assert_eq!(
        bearing(&scene, &by(&old, "k1"))
            .post(CHAT, &call("m-oa"))
            .await
            .status,
        401
    );
    // Strangers' tokens do not make the gate ask and ask.
    let asked = || {
        scene
            .provider
            .requests()
            .iter()
            .filter(|it| it.path_only() == "/jwks")
            .count()
    };
    let before = asked();
    for n in 0..50 {
        let answer = bearing(&scene, &by(&old, &format!("x{n}")))
            .post(CHAT, &call("m-oa"))
            .await;
        assert_eq!(answer.status, 401);
    }
    assert!(asked() - before <= 3, "{before} {}", asked());
    // Nonsense replaces nothing; and what cannot be renewed is not believed for ever.
    scene.provider.script("/jwks", Reply::error(500, "no"));
    assert_eq!(gets_in(|| bearing(&scene, &by(&new, "k2"))).await.status, 200);
    let until = Instant::now() + Duration::from_secs(12);
    while bearing(&scene, &by(&new, "k2"))
        .post(CHAT, &call("m-oa"))
        .await
        .status
        == 200
    {
        assert!(Instant::now() < until, "still believed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
