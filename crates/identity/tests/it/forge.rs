//! An issuer's other half: keys that sign, and whatever an attacker likes to sign or not.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::UnixMillis;
use identity::jwt::{ClaimPaths, Claims, Issuer, KeySet, Presented, Refused, Rules, Shown};
use serde_json::{Value, json};

pub const NOW_S: i64 = 1_800_000_000;
pub const NOW: UnixMillis = UnixMillis(NOW_S * 1000);
pub const ISSUER: &str = "https://issuer.example/realms/a";
pub const AUDIENCE: &str = "https://gate.example";

/// Made once: RSA keys take a while.
pub static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
pub static EC: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
pub static ED: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn rsa_jwk(key: &RsaKeyPair) -> Value {
    let public = key.public_key();
    let (n, e) = (public.modulus(), public.exponent());
    json!({
        "kty": "RSA", "kid": "rsa",
        "n": b64(n.big_endian_without_leading_zero()), "e": b64(e.big_endian_without_leading_zero()),
    })
}

pub fn ec_jwk() -> Value {
    let point = EC.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(&point[1..33]), "y": b64(&point[33..])})
}

pub fn ed_jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(ED.public_key().as_ref())})
}

/// What the issuer publishes: a key of each kind.
pub fn published() -> Value {
    json!({"keys": [rsa_jwk(&RSA), ec_jwk(), ed_jwk()]})
}

pub fn rules() -> Rules {
    Rules {
        issuer: ISSUER.into(),
        audiences: vec![AUDIENCE.into()],
        access_tokens_only: false,
        bound_only: false,
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(3600),
        claims: ClaimPaths {
            subject: "sub".parse().unwrap(),
            team: Some("team".parse().unwrap()),
            scopes: Some("scope".parse().unwrap()),
        },
        require: Vec::new(),
        rules: Vec::new(),
    }
}

pub fn issuer() -> Issuer {
    Issuer::new(rules(), KeySet::parse(&published().to_string()).unwrap()).unwrap()
}

/// Claims that are good.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "team": "engines", "scope": "chat embed",
        "iat": NOW_S - 60, "nbf": NOW_S - 60, "exp": NOW_S + 600, "jti": "t-1",
    })
}

/// `value` with its members replaced; a null takes one out.
pub fn with(mut value: Value, changes: Value) -> Value {
    let map = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => drop(map.remove(name)),
            change => drop(map.insert(name.clone(), change.clone())),
        }
    }
    value
}

/// Signs `message` as the algorithm says.
pub fn signature(algorithm: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    match algorithm {
        "RS256" => {
            let mut out = vec![0; RSA.public_modulus_len()];
            RSA.sign(&RSA_PKCS1_SHA256, &random, message, &mut out).unwrap();
            out
        }
        "ES256" => EC.sign(&random, message).unwrap().as_ref().to_vec(),
        "EdDSA" => ED.sign(message).as_ref().to_vec(),
        other => panic!("no key for {other}"),
    }
}

/// A token with this header and these claims, signed by `algorithm` whatever the header says.
pub fn token_by(algorithm: &str, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = signature(algorithm, signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

/// A token as the issuer makes them.
pub fn token(claims: &Value) -> String {
    token_by(
        "EdDSA",
        &json!({"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}),
        claims,
    )
}

/// What the gate makes of a token.
pub fn judge(token: &str) -> Result<Claims, Refused> {
    Presented::read(token)?
        .verify(&issuer(), NOW)?
        .claims(&Shown::default())
}
