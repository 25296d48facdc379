//! An OpenID provider in software that says whatever it is told to: what attackers run, and a good one too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use credential::{MasterKey, purpose};
use domain::{TenantId, TenantScope};
use serde_json::{Value, json};
use store::{Change, Record, RecordKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scene::Instance;

pub const CLIENT: &str = "gate";
pub const SECRET: &str = "what:only/the+two%of=us&know";

pub type Turn = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What it says next.
pub struct Script {
    /// Claims beside those that come from the request.
    pub person: Value,
    /// Changes the claims before they are signed.
    pub turn: Option<Turn>,
    /// The header's algorithm, and how it is signed: `ES256`, `HS256` or `none`.
    pub algorithm: &'static str,
    /// Signed with another key than the one it publishes.
    pub with_another_key: bool,
    /// Changes what it says of itself.
    pub metadata: Option<Turn>,
    codes: HashMap<String, Asked>,
    /// How often the token endpoint was asked.
    pub exchanges: usize,
}

#[derive(Clone)]
struct Asked {
    nonce: String,
    challenge: String,
    redirect: String,
}

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    pub script: Arc<Mutex<Script>>,
    key: Arc<EcdsaKeyPair>,
    other: Arc<EcdsaKeyPair>,
}

/// What comes back in the browser's address.
#[derive(Debug, Clone)]
pub struct Back {
    pub code: String,
    pub state: String,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn query(text: &str) -> HashMap<String, String> {
    let text = text.split_once('?').map_or(text, |(_, query)| query);
    let read = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (read(name), read(value)))
        .collect()
}

fn now_s() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs()
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let key = || Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
        let script = Script {
            person: json!({"sub": "u-1", "email": "ann@example.com", "email_verified": true, "name": "Ann"}),
            turn: None,
            algorithm: "ES256",
            with_another_key: false,
            metadata: None,
            codes: HashMap::new(),
            exchanges: 0,
        };
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            script: Arc::new(Mutex::new(script)),
            key: key(),
            other: key(),
        };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = serving.clone();
                tokio::spawn(async move { provider.answer(stream).await });
            }
        });
        provider
    }

    pub fn told(&self, tell: impl FnOnce(&mut Script)) {
        tell(&mut self.script.lock().unwrap());
    }

    /// What a person's browser does at the authorization endpoint: they sign in, and are sent back.
    pub fn authorize(&self, address: &str) -> Back {
        let asked = query(address);
        assert!(
            address.starts_with(&format!("{}/authorize?", self.issuer)),
            "{address}"
        );
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let code = b64(uuid());
        let kept = Asked {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect: asked["redirect_uri"].clone(),
        };
        self.told(|script| {
            script.codes.insert(code.clone(), kept);
        });
        Back {
            code,
            state: asked["state"].clone(),
        }
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        loop {
            let Ok(count) = stream.read(&mut buffer).await else {
                return;
            };
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                if count == 0 {
                    return;
                }
                continue;
            };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) || count == 0 {
                break;
            }
        }
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (status, answer) = self.said(head, body);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let _ = stream.write_all(format!("{head}{answer}").as_bytes()).await;
    }

    fn said(&self, head: &str, body: &str) -> (u16, Value) {
        match head.split(' ').nth(1).unwrap_or_default() {
            "/.well-known/openid-configuration" => {
                let mut said = json!({
                    "issuer": self.issuer,
                    "authorization_endpoint": format!("{}/authorize", self.issuer),
                    "token_endpoint": format!("{}/token", self.issuer),
                    "jwks_uri": format!("{}/jwks", self.issuer),
                });
                if let Some(turn) = &self.script.lock().unwrap().metadata {
                    turn(&mut said);
                }
                (200, said)
            }
            "/jwks" => {
                let point = self.key.public_key().as_ref();
                let key = json!({"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256",
                    "x": b64(&point[1..33]), "y": b64(&point[33..])});
                (200, json!({"keys": [key]}))
            }
            "/token" => self.exchange(head, body),
            _ => (404, json!({})),
        }
    }

    fn exchange(&self, head: &str, body: &str) -> (u16, Value) {
        let mut script = self.script.lock().unwrap();
        script.exchanges += 1;
        let form = query(body);
        let plain = format!(
            "{CLIENT}:{}",
            percent_encoding::utf8_percent_encode(SECRET, percent_encoding::NON_ALPHANUMERIC)
        );
        let basic = format!("Basic {}", STANDARD.encode(plain));
        let is_client = head.lines().any(|line| {
            line.split_once(": ")
                .is_some_and(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == basic)
        });
        let Some(asked) = script.codes.remove(&form["code"]) else {
            return (400, json!({"error": "invalid_grant"}));
        };
        let proof = b64(digest(&SHA256, form["code_verifier"].as_bytes()));
        if !is_client || proof != asked.challenge || form["redirect_uri"] != asked.redirect {
            return (401, json!({"error": "invalid_client"}));
        }
        let mut claims = script.person.clone();
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(CLIENT)),
            ("nonce", json!(asked.nonce)),
            ("iat", json!(now_s())),
            ("exp", json!(now_s() + 300)),
            (
                "at_hash",
                json!(b64(&digest(&SHA256, b"an access token").as_ref()[..16])),
            ),
        ] {
            claims[name] = value;
        }
        if let Some(turn) = &script.turn {
            turn(&mut claims);
        }
        let token = self.signed(&script, &claims);
        (
            200,
            json!({"access_token": "an access token", "token_type": "Bearer", "id_token": token}),
        )
    }

    fn signed(&self, script: &Script, claims: &Value) -> String {
        let header = json!({"alg": script.algorithm, "kid": "one", "typ": "JWT"});
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = match script.algorithm {
            "ES256" => {
                let key = if script.with_another_key {
                    &self.other
                } else {
                    &self.key
                };
                let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                b64(signature)
            }
            "HS256" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
                b64(hmac::sign(&key, signed.as_bytes()))
            }
            _ => String::new(),
        };
        format!("{signed}.{signature}")
    }
}

fn uuid() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}

/// How single sign-on is stored.
pub async fn sso_record(instance: &Instance, tenant: TenantId) -> Record {
    let scope = TenantScope::operator(tenant);
    let found = instance.store.record(&scope, RecordKind::Sso, "sso").await;
    found.unwrap()
}

/// Stores the client secret as releases did that sealed it under a key of the instance's.
pub async fn seal_as_before(instance: &Instance, tenant: TenantId, before: Record) {
    let key = MasterKey::from_bytes([7; 32])
        .sealing_key(purpose::LOGINS)
        .unwrap();
    let place = format!("the client secret of {tenant}");
    let sealed = key.seal(SECRET.as_bytes(), place.as_bytes()).unwrap();
    let mut document: Value = serde_json::from_str(&before.document).unwrap();
    document["client_secret"] = STANDARD.encode(sealed).into();
    let after = Record {
        document: document.to_string(),
        ..before.clone()
    };
    let changes = [Change::Replace { before, after }];
    let scope = TenantScope::operator(tenant);
    instance.store.commit(&scope, &changes, None).await.unwrap();
}
