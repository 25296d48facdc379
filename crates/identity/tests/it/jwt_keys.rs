//! Key sets as issuers publish them, and as they should not.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use identity::jwt::{BadKeySet, KEY_SET_BYTES_MAX, KEYS_MAX, KeySet, Unusable};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::*;

/// Why the key is left aside, beside one that is not.
fn left_aside(jwk: Value) -> Option<Unusable> {
    let other = with(ed_jwk(), json!({"kid": "other"}));
    let set = KeySet::parse(&json!({"keys": [jwk, other]}).to_string()).unwrap();
    assert_eq!(set.usable() + set.left_aside().len(), 2);
    set.left_aside().first().copied()
}

#[test]
fn keys_for_signatures_are_taken() {
    for jwk in [rsa_jwk(&RSA), ec_jwk(), ed_jwk()] {
        assert_eq!(left_aside(jwk.clone()), None);
        assert_eq!(left_aside(with(jwk.clone(), json!({"use": "sig"}))), None);
        assert_eq!(
            left_aside(with(jwk.clone(), json!({"key_ops": ["verify"], "x5t": "a"}))),
            None
        );
    }
    assert_eq!(left_aside(with(rsa_jwk(&RSA), json!({"alg": "RS256"}))), None);
    let set = KeySet::parse(&published().to_string()).unwrap();
    assert_eq!(format!("{set:?}"), "[3 keys, 0 left aside]");
}

#[test]
fn agp_s3_keys_for_other_things_are_left_aside() {
    for jwk in [rsa_jwk(&RSA), ec_jwk(), ed_jwk()] {
        for other in [
            json!({"use": "enc"}),
            json!({"use": 7}),
            json!({"key_ops": ["sign"]}),
            json!({"key_ops": "verify"}),
        ] {
            assert_eq!(left_aside(with(jwk.clone(), other)), Some(Unusable::Use));
        }
        assert_eq!(
            left_aside(with(jwk.clone(), json!({"d": "AAAA"}))),
            Some(Unusable::Private)
        );
        for alg in ["HS256", "none", "RSA-OAEP", "RS512", "PS256"] {
            assert_eq!(
                left_aside(with(jwk.clone(), json!({"alg": alg}))),
                Some(Unusable::Kind),
                "{alg}"
            );
        }
    }
    assert_eq!(
        left_aside(with(rsa_jwk(&RSA), json!({"alg": "ES256"}))),
        Some(Unusable::Kind)
    );
    assert_eq!(
        left_aside(json!({"kty": "oct", "k": "c2VjcmV0"})),
        Some(Unusable::Private)
    );
    assert_eq!(left_aside(json!({"kty": "oct"})), Some(Unusable::Kind));
    assert_eq!(
        left_aside(with(ec_jwk(), json!({"crv": "P-384"}))),
        Some(Unusable::Kind)
    );
    assert_eq!(
        left_aside(with(ed_jwk(), json!({"crv": "X25519"}))),
        Some(Unusable::Kind)
    );
}

#[test]
fn agp_s3_malformed_keys_are_left_aside() {
    let bad =
        |jwk: Value, change: Value| assert_eq!(left_aside(with(jwk, change)), Some(Unusable::Malformed));
    bad(ed_jwk(), json!({"x": b64([1; 31])}));
    bad(ed_jwk(), json!({"x": null}));
    bad(ed_jwk(), json!({"x": format!("{}=", b64([1; 32]))}));
    bad(ed_jwk(), json!({"kty": null}));
    bad(ed_jwk(), json!({"kid": 7}));
    bad(ed_jwk(), json!({"kid": "x".repeat(257)}));
    // Not on the curve.
    bad(ec_jwk(), json!({"y": b64([1; 32])}));
    bad(ec_jwk(), json!({"x": b64([0; 32]), "y": b64([0; 32])}));
    for e in [&[][..], &[1], &[2], &[0, 1, 0, 1], &[1, 0, 0, 0, 1]] {
        bad(rsa_jwk(&RSA), json!({"e": b64(e)}));
    }
    let public = RSA.public_key();
    let modulus = public.modulus();
    let padded = [&[0], modulus.big_endian_without_leading_zero()].concat();
    bad(rsa_jwk(&RSA), json!({"n": b64(padded)}));
}

#[test]
fn agp_s3_rsa_keys_of_less_than_2048_bits_are_left_aside() {
    // An odd modulus of 2047 bits, and of 1024; nobody knows a factor, nor needs to.
    let short = |bytes: usize, top: u8| {
        let mut n = vec![0xa5; bytes];
        n[0] = top;
        with(rsa_jwk(&RSA), json!({"n": b64(n)}))
    };
    assert_eq!(left_aside(short(256, 0x7f)), Some(Unusable::Size));
    assert_eq!(left_aside(short(128, 0xff)), Some(Unusable::Size));
    assert_eq!(left_aside(short(256, 0x80)), None);
    assert_eq!(left_aside(short(1024, 0x80)), None);
    assert_eq!(left_aside(short(1025, 0x01)), Some(Unusable::Size));
    let larger = RsaKeyPair::generate(KeySize::Rsa3072).unwrap();
    assert_eq!(left_aside(rsa_jwk(&larger)), None);
}

#[test]
fn ctx_t5_sets_have_bounds() {
    let of = |count: usize| {
        let keys: Vec<_> = (0..count)
            .map(|n| with(ed_jwk(), json!({"kid": n.to_string()})))
            .collect();
        KeySet::parse(&json!({"keys": keys}).to_string()).map(|set| set.usable())
    };
    assert_eq!(of(KEYS_MAX), Ok(KEYS_MAX));
    assert_eq!(of(KEYS_MAX + 1), Err(BadKeySet::TooMany));
    let text = json!({"keys": [ed_jwk()]}).to_string();
    let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert!(KeySet::parse(&padded(KEY_SET_BYTES_MAX)).is_ok());
    assert_eq!(
        KeySet::parse(&padded(KEY_SET_BYTES_MAX + 1)).unwrap_err(),
        BadKeySet::TooLong
    );
}

#[test]
fn agp_s3_sets_that_are_none_are_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[7]}"#,
        r#"{"keys":[],"keys":[]}"#,
    ] {
        assert_eq!(KeySet::parse(text).unwrap_err(), BadKeySet::Malformed, "{text}");
    }
    assert_eq!(
        KeySet::parse(r#"{"keys":[]}"#).unwrap_err(),
        BadKeySet::NoneUsable
    );
    let only_encryption = json!({"keys": [with(rsa_jwk(&RSA), json!({"use": "enc"}))]}).to_string();
    assert_eq!(
        KeySet::parse(&only_encryption).unwrap_err(),
        BadKeySet::NoneUsable
    );
    let twice = json!({"keys": [ed_jwk(), with(ec_jwk(), json!({"kid": "ed"}))]}).to_string();
    assert_eq!(KeySet::parse(&twice).unwrap_err(), BadKeySet::Ambiguous);
}

#[test]
fn agp_s3_without_a_name_there_must_be_no_choice() {
    let two = json!({"keys": [ed_jwk(), with(ed_jwk(), json!({"kid": "ed2"}))]}).to_string();
    let issuer = identity::jwt::Issuer::new(rules(), KeySet::parse(&two).unwrap()).unwrap();
    let unnamed = token_by("EdDSA", &json!({"alg": "EdDSA"}), &claims());
    let judged = identity::jwt::Presented::read(&unnamed)
        .unwrap()
        .verify(&issuer, NOW)
        .map(|_| ());
    assert_eq!(judged, Err(identity::jwt::Refused::UnknownKey));
}

proptest! {
    #[test]
    fn arbitrary_sets_never_panic(text in "\\PC*", n in proptest::collection::vec(any::<u8>(), 0..300), kty in "RSA|EC|OKP|oct", crv in "P-256|Ed25519|x") {
        let _ = KeySet::parse(&text);
        let jwk = json!({"kty": kty, "crv": crv, "n": b64(&n), "e": "AQAB", "x": b64(&n), "y": b64(&n)});
        let _ = KeySet::parse(&json!({"keys": [jwk]}).to_string());
    }
}
