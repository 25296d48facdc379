//! Tokens read by an implementation of somebody else's, and keys looked at over time.

use credential::MasterKey;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::*;

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);

fn call<'a>() -> Call<'a> {
    Call {
        issuer: "https://gate.example",
        audience: "https://vllm.internal",
        subject: "key_1",
        tenant: "tenant_1",
        team: "team_1",
        project: None,
        model: "m",
        id: "req_1.1",
        method: "POST",
        address: "https://vllm.internal/v1/messages",
        body: b"abc",
    }
}

fn seal(master: &MasterKey) -> credential::SealingKey {
    master.sealing_key("test").unwrap()
}

/// What an implementation of somebody else's reads of a token, with the published keys and nothing else.
fn read(token: &str, published: &str) -> Result<Value, String> {
    let set: JwkSet = serde_json::from_str(published).unwrap();
    let header = decode_header(token).map_err(|e| e.to_string())?;
    let jwk = set.find(&header.kid.unwrap()).ok_or("no such key")?;
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_audience(&["https://vllm.internal"]);
    rules.set_issuer(&["https://gate.example"]);
    rules.validate_exp = false;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    decode(token, &key, &rules)
        .map(|read| read.claims)
        .map_err(|e| e.to_string())
}

#[test]
fn anp_0009_a_token_says_for_whom_to_whom_and_of_what() {
    let keys = VouchKeys::first(NOW).unwrap();
    let token = keys
        .signing(NOW)
        .unwrap()
        .token(&call(), NOW, Duration::from_millis(60_001));
    let claims = read(&token, &keys.key_set(NOW)).unwrap();
    let expected = serde_json::json!({
        "iss": "https://gate.example", "aud": "https://vllm.internal", "sub": "key_1",
        "iat": 1_900_000_000, "nbf": 1_900_000_000, "exp": 1_900_000_061, "jti": "req_1.1",
        "tenant": "tenant_1", "team": "team_1", "model": "m",
        "htm": "POST", "htu": "https://vllm.internal/v1/messages",
        "body_sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    });
    assert_eq!(claims, expected);
    let stranger = VouchKeys::first(NOW).unwrap();
    assert!(read(&token, &stranger.key_set(NOW)).is_err());
}

#[test]
fn anp_0009_no_verifier_meets_a_key_that_is_not_published() {
    let minute = Duration::from_secs(60);
    let first = VouchKeys::first(NOW).unwrap();
    let old = first.signing(NOW).unwrap().id().to_owned();
    let rotated = first.rotated(Rotation::Announced, NOW).unwrap();
    assert_eq!(
        rotated.rotated(Rotation::Announced, NOW).unwrap_err(),
        BadVouchKeys::UnderWay
    );
    let at = |keys: &VouchKeys, at: UnixMillis| -> (String, Vec<String>) {
        let published = keys.published(at).map(|key| key.id().to_owned()).collect();
        (keys.signing(at).unwrap().id().to_owned(), published)
    };
    let (signing, published) = at(&rotated, NOW);
    assert_eq!((signing, published.len()), (old.clone(), 2));
    let begins = NOW.plus(PUBLISHED_BEFORE);
    let (signing, published) = at(&rotated, begins);
    assert!(signing != old && published == [old.clone(), signing.clone()]);
    let over = begins.plus(PUBLISHED_AFTER);
    assert_eq!(at(&rotated, UnixMillis(over.0 - 1)).1.len(), 2);
    assert!(at(&rotated, over).1.iter().eq([&signing]));
    // The next rotation forgets who is not met any more, and only them.
    let next = rotated.rotated(Rotation::Announced, over.plus(minute)).unwrap();
    assert_eq!(at(&next, over.plus(minute)).1[0], signing);
    let at_once = next.rotated(Rotation::AtOnce, over.plus(minute)).unwrap();
    let (now_signing, published) = at(&at_once, over.plus(minute));
    assert!(published.iter().eq([&now_signing]) && now_signing != signing);
}

#[test]
fn agp_cred_2_2_kept_keys_open_under_their_own_root_and_unchanged_only() {
    let (master, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let first = VouchKeys::first(NOW).unwrap();
    let keys = first.rotated(Rotation::Announced, NOW).unwrap();
    let text = keys.to_document(&seal(&master)).unwrap();
    let again = VouchKeys::from_document(&text, &seal(&master)).unwrap();
    assert_eq!(again.key_set(NOW), keys.key_set(NOW));
    assert!(VouchKeys::from_document(&text, &seal(&other)).is_err());
    let later = text.replace(
        &format!("\"signs_from\":{}", NOW.0),
        "\"signs_from\":1999999999999",
    );
    assert_ne!(later, text);
    assert!(VouchKeys::from_document(&later, &seal(&master)).is_err());
}

#[test]
fn agp_i1_nothing_private_is_published_or_shown() {
    let keys = VouchKeys::first(NOW).unwrap();
    let published: Value = serde_json::from_str(&keys.key_set(NOW)).unwrap();
    let mut members: Vec<_> = published["keys"][0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    members.sort();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    let shown = format!("{keys:?}");
    assert!(
        shown.starts_with("VouchKeys([[identity key ") && shown.len() < 90,
        "{shown}"
    );
}
