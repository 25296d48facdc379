//! Proofs of possession (DPoP), stolen, replayed and made for something else.

use std::time::Duration;

use domain::UnixMillis;
use identity::jwt::{KeySet, Presented, Proof, ProvenRequest, Refused, Shown, check_proof};
use identity::signature::Window;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::*;

const TOKEN: &str = "an access token";
const REQUEST: ProvenRequest<'_> = ProvenRequest {
    method: "POST",
    uri: "https://gate.example/v1/chat/completions?a=b",
    access_token: TOKEN,
    nonce: None,
};

fn public(jwk: Value) -> Value {
    with(jwk, json!({"kid": null}))
}

fn header() -> Value {
    json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": public(ec_jwk())})
}

fn payload() -> Value {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, TOKEN.as_bytes());
    json!({
        "jti": "p-1", "htm": "POST", "htu": "https://gate.example/v1/chat/completions",
        "iat": NOW_S, "ath": b64(hash),
    })
}

fn check(header: Value, payload: Value) -> Result<Proof, Refused> {
    check_proof(
        &token_by("ES256", &header, &payload),
        &REQUEST,
        &Window::default(),
        NOW,
    )
}

/// RFC 9449, figure 12 and its thumbprint.
#[test]
fn the_proof_of_the_rfc_holds() {
    let proof = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXp",
        "Da0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6",
        "IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxl",
        "Lm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1",
        "OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpL",
        "jA"
    );
    let request = ProvenRequest {
        method: "GET",
        uri: "https://resource.example.org/protectedresource",
        access_token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
        nonce: None,
    };
    let proof = check_proof(proof, &request, &Window::default(), UnixMillis(1_562_262_618_000)).unwrap();
    assert_eq!(b64(proof.key), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.id, "e1j3V_bKic8-LAEB");
}

#[test]
fn ctx_t3_a_bound_token_and_its_proof_go_together() {
    let proof = check(header(), payload()).unwrap();
    assert_eq!(proof.remember_until, UnixMillis(NOW.0 + 60_000));
    let bound = token(&with(claims(), json!({"cnf": {"jkt": b64(proof.key)}})));
    let verified = Presented::read(&bound).unwrap().verify(&issuer(), NOW).unwrap();
    let shown = Shown {
        key: Some(proof.key),
        ..Shown::default()
    };
    assert_eq!(verified.claims(&shown).unwrap().subject, "ada");
    // The thief's own key makes good proofs for nothing.
    let own = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": public(ed_jwk())});
    let proof = check_proof(
        &token_by("EdDSA", &own, &payload()),
        &REQUEST,
        &Window::default(),
        NOW,
    )
    .unwrap();
    let verified = Presented::read(&bound).unwrap().verify(&issuer(), NOW).unwrap();
    let shown = Shown {
        key: Some(proof.key),
        ..Shown::default()
    };
    assert_eq!(verified.claims(&shown), Err(Refused::Binding));
}

#[test]
fn anp_0001_a_proof_for_another_request_is_refused() {
    for change in [
        json!({"htm": "GET"}),
        json!({"htm": "post"}),
        json!({"htu": "https://gate.example/v1/embeddings"}),
        json!({"htu": "https://evil.example/v1/chat/completions"}),
        json!({"htu": "http://gate.example/v1/chat/completions"}),
        json!({"htu": "/v1/chat/completions"}),
        json!({"ath": b64([0; 32])}),
        json!({"ath": "x"}),
    ] {
        assert_eq!(
            check(header(), with(payload(), change)),
            Err(Refused::OtherRequest)
        );
    }
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        for value in [json!(null), json!([1])] {
            let judged = check(header(), with(payload(), json!({name: value})));
            assert_eq!(judged, Err(Refused::Claim(name.into())));
        }
    }
}

#[test]
fn anp_0001_a_proof_is_good_for_a_minute() {
    let at = |seconds: i64| check(header(), with(payload(), json!({"iat": NOW_S + seconds}))).map(|_| ());
    assert_eq!(at(-60), Ok(()));
    assert_eq!(at(-61), Err(Refused::Expired));
    assert_eq!(at(10), Ok(()));
    assert_eq!(at(11), Err(Refused::NotYet));
    let named = |id: String| check(header(), with(payload(), json!({"jti": id}))).is_ok();
    assert!(!named(String::new()));
    assert!(named("x".repeat(128)));
    assert!(!named("x".repeat(129)));
}

#[test]
fn anp_0001_a_proof_is_as_old_as_is_configured() {
    let window = Window::new(Duration::from_secs(5), Duration::ZERO).unwrap();
    let at = |seconds: i64| {
        let payload = with(payload(), json!({"iat": NOW_S + seconds}));
        check_proof(&token_by("ES256", &header(), &payload), &REQUEST, &window, NOW)
    };
    assert_eq!(at(-5).map(|proof| proof.issued.0), Ok((NOW_S - 5) * 1000));
    assert_eq!(at(-6), Err(Refused::Expired));
    assert!(at(0).is_ok());
    assert_eq!(at(1), Err(Refused::NotYet));
}

#[test]
fn anp_0001_a_nonce_that_was_asked_for_must_be_there() {
    let asked = ProvenRequest {
        nonce: Some("n-1"),
        ..REQUEST
    };
    for (nonce, good) in [
        (json!("n-1"), true),
        (json!("n-2"), false),
        (json!(null), false),
        (json!(7), false),
    ] {
        let proof = token_by("ES256", &header(), &with(payload(), json!({"nonce": nonce})));
        assert_eq!(
            check_proof(&proof, &asked, &Window::default(), NOW).is_ok(),
            good,
            "{nonce}"
        );
        assert!(check_proof(&proof, &REQUEST, &Window::default(), NOW).is_ok());
    }
}

#[test]
fn agp_s3_a_proof_is_signed_by_the_key_it_shows() {
    let refused = |change: Value| check(with(header(), change), payload()).unwrap_err();
    assert_eq!(refused(json!({"jwk": public(ed_jwk())})), Refused::Signature);
    assert_eq!(
        refused(json!({"jwk": with(ec_jwk(), json!({"d": "AAAA"}))})),
        Refused::UnknownKey
    );
    assert_eq!(
        refused(json!({"jwk": {"kty": "oct", "k": "AAAA"}})),
        Refused::UnknownKey
    );
    assert_eq!(refused(json!({"jwk": null})), Refused::UnknownKey);
    assert_eq!(refused(json!({"alg": "EdDSA"})), Refused::Signature);
    assert_eq!(refused(json!({"alg": "HS256"})), Refused::Algorithm);
    assert_eq!(refused(json!({"alg": "none"})), Refused::Algorithm);
    assert_eq!(refused(json!({"crit": ["x"]})), Refused::Critical);
    for typ in [json!("JWT"), json!("at+jwt"), json!(null)] {
        assert_eq!(refused(json!({"typ": typ})), Refused::Type);
    }
}

#[test]
fn ctx_t1_a_proof_is_no_access_token() {
    let payload = with(claims(), payload());
    let proof = token_by(
        "ES256",
        &json!({"typ": "dpop+jwt", "alg": "ES256", "kid": "ec"}),
        &payload,
    );
    assert_eq!(judge(&proof), Err(Refused::Type));
    assert!(KeySet::parse(&published().to_string()).is_ok());
}

proptest! {
    #[test]
    fn arbitrary_proofs_never_panic(text in "\\PC*", method in "\\PC{0,5}", uri in "\\PC*") {
        let request = ProvenRequest { method: &method, uri: &uri, access_token: &text, nonce: None };
        prop_assert!(check_proof(&text, &request, &Window::default(), NOW).is_err());
        prop_assert!(check_proof(&token_by("ES256", &header(), &payload()), &request, &Window::default(), NOW).is_err());
    }
}
