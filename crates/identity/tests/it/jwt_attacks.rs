//! Tokens nobody issued.

use aws_lc_rs::hmac;
use identity::jwt::{Presented, Refused, TOKEN_BYTES_MAX};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::*;

fn unsigned(header: &Value, signature: &str) -> String {
    format!(
        "{}.{}.{signature}",
        b64(header.to_string()),
        b64(claims().to_string())
    )
}

#[test]
fn agp_s3_tokens_without_a_signature_are_refused() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for signature in ["", "AAAA"] {
            let token = unsigned(&json!({"alg": alg, "typ": "JWT"}), signature);
            assert_eq!(judge(&token), Err(Refused::Algorithm), "{alg}");
        }
    }
    assert_eq!(
        judge(&unsigned(&json!({"typ": "JWT"}), "")),
        Err(Refused::Malformed)
    );
    // The algorithm stays, the signature goes.
    for (alg, kid) in [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        let token = unsigned(&json!({"alg": alg, "kid": kid}), "");
        assert_eq!(judge(&token), Err(Refused::Signature));
        // An ECDSA signature of zeros verified in somebody's library once.
        let token = unsigned(&json!({"alg": alg, "kid": kid}), &b64([0; 64]));
        assert_eq!(judge(&token), Err(Refused::Signature));
    }
}

#[test]
fn agp_s3_a_public_key_is_no_shared_secret() {
    let published = rsa_jwk(&RSA);
    let texts = [published.to_string(), published["n"].as_str().unwrap().to_owned()];
    for alg in ["HS256", "HS384", "HS512"] {
        for secret in &texts {
            let signed = unsigned(&json!({"alg": alg, "kid": "rsa"}), "");
            let signed = signed.trim_end_matches('.');
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let token = format!("{signed}.{}", b64(hmac::sign(&key, signed.as_bytes())));
            assert_eq!(judge(&token), Err(Refused::Algorithm));
        }
    }
}

#[test]
fn agp_s3_the_header_cannot_choose_another_algorithm_for_a_key() {
    let kinds = [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")];
    for (said, _) in kinds {
        for (signed, kid) in kinds {
            let token = token_by(signed, &json!({"alg": said, "kid": kid}), &claims());
            if said == signed {
                assert!(judge(&token).is_ok());
            } else {
                assert_eq!(judge(&token), Err(Refused::UnknownKey), "{said} {signed}");
            }
        }
    }
    for weaker in [
        "RS384", "RS512", "PS256", "RS1", "ES256K", "ES384", "Ed448", "A256KW", "dir",
    ] {
        let token = token_by("RS256", &json!({"alg": weaker, "kid": "rsa"}), &claims());
        assert_eq!(judge(&token), Err(Refused::Algorithm), "{weaker}");
    }
}

#[test]
fn agp_s3_a_key_id_is_a_name_and_nothing_else() {
    for kid in [
        "../../../../dev/null",
        "/etc/passwd",
        "https://evil.example/keys.json",
        "' OR 1=1 --",
        "ed\u{0}",
        "ED",
        "",
        "rsa",
    ] {
        let token = token_by("EdDSA", &json!({"alg": "EdDSA", "kid": kid}), &claims());
        assert_eq!(judge(&token), Err(Refused::UnknownKey), "{kid}");
    }
    for kid in [json!(7), json!(["ed"]), json!({"ed": 1}), json!(null)] {
        let token = token_by("EdDSA", &json!({"alg": "EdDSA", "kid": kid}), &claims());
        assert_eq!(judge(&token), Err(Refused::Malformed));
    }
}

#[test]
fn agp_s3_keys_that_a_token_brings_along_are_not_used() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let own = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(own.public_key().as_ref())});
    let header = json!({
        "alg": "EdDSA", "kid": "ed", "jwk": jwk,
        "jku": "https://evil.example/keys.json", "x5u": "https://evil.example/c.pem", "x5c": ["AAAA"],
    });
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let token = format!("{signed}.{}", b64(own.sign(signed.as_bytes())));
    assert_eq!(judge(&token), Err(Refused::Signature));
}

#[test]
fn agp_s3_critical_extensions_are_refused_known_or_not() {
    for crit in [
        json!(["b64"]),
        json!(["exp"]),
        json!([]),
        json!(["x", "x"]),
        json!("x"),
        json!(null),
    ] {
        let header = json!({"alg": "EdDSA", "kid": "ed", "crit": crit, "b64": false, "x": 1});
        assert_eq!(
            judge(&token_by("EdDSA", &header, &claims())),
            Err(Refused::Critical)
        );
    }
}

#[test]
fn agp_s3_what_has_two_readings_is_refused() {
    let (header, payload) = (r#"{"alg":"EdDSA","kid":"ed"}"#, claims().to_string());
    let sign = |header: &str, payload: &str| {
        let signed = format!("{}.{}", b64(header), b64(payload));
        format!("{signed}.{}", b64(signature("EdDSA", signed.as_bytes())))
    };
    assert!(judge(&sign(header, &payload)).is_ok());
    for header in [
        r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#,
        r#"{"alg":"EdDSA","kid":"x","kid":"ed"}"#,
        r#"{"alg":"EdDSA","kid":"ed"} {}"#,
        r#"["EdDSA"]"#,
    ] {
        assert_eq!(
            judge(&sign(header, &payload)),
            Err(Refused::Malformed),
            "{header}"
        );
    }
    let twice = payload.replacen('{', r#"{"sub":"eve","#, 1);
    assert_eq!(judge(&sign(header, &twice)), Err(Refused::Malformed));
    // A token in a token.
    let nested = sign(
        r#"{"alg":"EdDSA","kid":"ed","cty":"JWT"}"#,
        &sign(header, &payload),
    );
    assert_eq!(judge(&nested), Err(Refused::Malformed));
}

#[test]
fn agp_s3_other_spellings_of_a_token_are_refused() {
    let good = token(&claims());
    assert!(judge(&good).is_ok());
    let parts: Vec<_> = good.split('.').collect();
    for bad in [
        format!("{good}="),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{good}."),
        format!("{good}.{}", parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!(".{}.{}", parts[1], parts[2]),
        good.replace('.', ".."),
        good.replace('.', "/"),
        good.replacen('e', "é", 1),
    ] {
        assert_eq!(judge(&bad), Err(Refused::Malformed), "{bad}");
    }
    // The last character of a signature of 64 bytes has four bits to spare: other ones are no spelling.
    let last = good.chars().last().unwrap();
    let others = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .filter(|c| *c != last);
    for other in others {
        let bent = format!("{}{other}", &good[..good.len() - 1]);
        assert!(judge(&bent).is_err());
    }
}

#[test]
fn ctx_t5_a_token_has_a_greatest_length() {
    let fits = |pad: usize| token(&with(claims(), json!({"pad": "x".repeat(pad)})));
    let base = fits(0).len();
    let mut pad = (TOKEN_BYTES_MAX - base) * 3 / 4;
    while fits(pad).len() < TOKEN_BYTES_MAX - 1 {
        pad += 1;
    }
    assert!(judge(&fits(pad)).is_ok());
    assert_eq!(judge(&fits(pad + 4)), Err(Refused::TooLong));
    assert_eq!(judge(&"a".repeat(1 << 20)), Err(Refused::TooLong));
}

proptest! {
    #[test]
    fn agp_s3_a_token_with_any_bit_changed_is_refused(at: proptest::sample::Index, bit in 0u32..7) {
        let mut bytes = token(&claims()).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(judge(&String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn agp_s3_arbitrary_text_is_refused_without_panic(text in "\\PC*", parts in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}") {
        prop_assert!(Presented::read(&text).is_err());
        prop_assert!(Presented::read(&parts).is_err());
    }

    #[test]
    fn agp_s3_arbitrary_json_well_signed_never_panics(header in json_object(), payload in json_object()) {
        let header = with(header, json!({"alg": "EdDSA"}));
        let _ = judge(&token_by("EdDSA", &header, &payload));
        let _ = judge(&token_by("EdDSA", &json!({"alg": "EdDSA"}), &with(claims(), payload)));
    }
}

/// Objects whose names are those that are looked at, and whose values are anything.
fn json_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,9}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("jkt|x5t#S256|\\PC{0,3}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let name = "iss|sub|aud|exp|nbf|iat|jti|cnf|team|scope|kid|typ|crit|jwk";
    proptest::collection::btree_map(name, value, 0..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}
