//! Signed requests: changed, replayed, signed by somebody else.

use domain::UnixMillis;
use identity::signature::{
    Body, Cover, Headers, Presented, Refused, Replay, Request, SigningKey, Terms, VerifyingKey, Window,
    fresh_nonce, sign,
};
use identity::token::SigningSecret;
use proptest::prelude::*;

use crate::client::*;
use crate::forge::{EC, NOW};

#[test]
fn what_is_signed_verifies() {
    let ed = SigningKey::ed25519(&[7; 32]).unwrap();
    let public = VerifyingKey::public(&ed.public().unwrap()).unwrap();
    let secret = SigningSecret::generate().unwrap().to_secret();
    let hmac = SigningKey::hmac_sha256(secret.expose().as_bytes()).unwrap();
    let shared = VerifyingKey::hmac_sha256(secret.expose().as_bytes()).unwrap();
    let ec = SigningKey::pkcs8(EC.to_pkcs8v1().unwrap().as_ref()).unwrap();
    let point = VerifyingKey::public(&ec.public().unwrap()).unwrap();
    for (signs, verifies) in [(&ed, &public), (&ec, &point), (&hmac, &shared)] {
        for cover in [Cover::TargetUri, Cover::PathAndQuery] {
            let terms = Terms {
                cover,
                nonce: &fresh_nonce().unwrap(),
                ..TERMS
            };
            let headers = sign(&REQUEST, BODY, signs, &terms).unwrap();
            let fields: Vec<(&str, &[u8])> = vec![
                ("content-type", b"application/json"),
                (
                    "content-digest",
                    headers.content_digest.as_deref().unwrap().as_bytes(),
                ),
                ("signature-input", headers.signature_input.as_bytes()),
                ("signature", headers.signature.as_bytes()),
            ];
            let presented = Presented::read(&Request {
                fields: &fields,
                ..REQUEST
            })
            .unwrap();
            assert_eq!(presented.key_id(), "key_1");
            let signed = presented.verify(verifies, &Window::default(), NOW).unwrap();
            assert_eq!((signed.nonce.as_str(), signed.created), (terms.nonce, NOW));
            assert_eq!(signed.remember_until, UnixMillis(NOW.0 + 60_000));
            assert_eq!(signed.body.check(BODY), Ok(()));
        }
    }
    assert_eq!(hmac.public(), None);
    assert_eq!(
        format!("{hmac:?} {public:?}"),
        "[hmac-sha256 signing key] [ed25519 verifying key]"
    );
}

#[test]
fn the_form_on_the_wire_never_changes() {
    let headers = signed();
    assert_eq!(
        headers.signature_input,
        "sig=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\");created=1800000000;\
         nonce=\"0123456789abcdef\";keyid=\"key_1\";alg=\"hmac-sha256\""
    );
    assert_eq!(
        headers.signature,
        "sig=:qF1YuFV1qn1AeK4RmGajx6/LRaZbIM48CLnyXsfxwdw=:"
    );
}

#[test]
fn anp_0001_a_changed_request_is_refused() {
    let headers = signed();
    assert!(presented(&REQUEST, &headers).is_ok());
    let other_type: &[(&str, &[u8])] = &[("content-type", b"text/plain")];
    let twice: &[(&str, &[u8])] = &[
        ("content-type", b"application/json"),
        ("content-type", b"text/plain"),
    ];
    for changed in [
        Request {
            method: "PUT",
            ..REQUEST
        },
        Request {
            method: "post",
            ..REQUEST
        },
        Request {
            target_uri: "https://gate.example/v1/embeddings?a=b",
            ..REQUEST
        },
        Request {
            target_uri: "https://gate.example/v1/chat/completions?a=c",
            ..REQUEST
        },
        Request {
            target_uri: "https://evil.example/v1/chat/completions?a=b",
            ..REQUEST
        },
        Request {
            fields: other_type,
            ..REQUEST
        },
        Request {
            fields: twice,
            ..REQUEST
        },
    ] {
        assert_eq!(
            presented(&changed, &headers),
            Err(Refused::Signature),
            "{changed:?}"
        );
    }
    let absent = Request {
        fields: &[],
        ..REQUEST
    };
    assert_eq!(
        presented(&absent, &headers),
        Err(Refused::Absent("content-type".into()))
    );
    for bent in [
        Headers {
            signature: signed().signature.replacen("=:", "=:AAAA", 1),
            ..signed()
        },
        Headers {
            signature_input: headers.signature_input.replace("1800000000", "1800000001"),
            ..signed()
        },
        Headers {
            signature_input: headers.signature_input.replace(NONCE, "0123456789abcdeg"),
            ..signed()
        },
        Headers {
            signature_input: headers.signature_input.replace("key_1", "key_2"),
            ..signed()
        },
        Headers {
            content_digest: Some(
                signed()
                    .content_digest
                    .unwrap()
                    .replace("sha-256=:", "sha-256=:A"),
            ),
            ..signed()
        },
    ] {
        assert_eq!(presented(&REQUEST, &bent).unwrap_err(), Refused::Signature);
    }
}

#[test]
fn anp_0001_another_body_is_refused() {
    let signed = presented(&REQUEST, &signed()).unwrap();
    assert_eq!(signed.body.check(b"{}"), Err(Refused::Body));
    assert_eq!(signed.body.check(b""), Err(Refused::Body));
    // What was signed without a body has none.
    let headers = sign(&REQUEST, b"", &key(), &TERMS).unwrap();
    assert_eq!(headers.content_digest, None);
    let bodiless = presented(&REQUEST, &headers).unwrap();
    assert_eq!(bodiless.body, Body::Empty);
    assert_eq!(bodiless.body.check(BODY), Err(Refused::Body));
    // A digest that is there and not covered is anybody's.
    let smuggled = Headers {
        content_digest: self::signed().content_digest,
        ..headers
    };
    assert_eq!(presented(&REQUEST, &smuggled).unwrap().body, Body::Empty);
}

#[test]
fn anp_0001_a_request_that_was_seen_is_not_admitted_again() {
    let mut replay = Replay::new(100, 10, NOW);
    let mut send = || {
        let signed = presented(&REQUEST, &signed()).unwrap();
        replay.admit(
            &signed.key_id,
            &signed.nonce,
            signed.created,
            signed.remember_until,
            NOW,
        )
    };
    assert!(send().is_ok());
    assert!(send().is_err());
}

proptest! {
    #[test]
    fn anp_0001_whatever_is_signed_verifies_and_nothing_else(
        method in "[A-Z]{1,7}", path in "(/[a-z0-9%._~-]{0,5}){1,3}", query in "(\\?[a-z=&]{0,8})?",
        value in "[ -~]{0,20}", body in proptest::collection::vec(any::<u8>(), 0..40), at: proptest::sample::Index,
    ) {
        let uri = format!("https://gate.example{path}{query}");
        let fields: Vec<(&str, &[u8])> = vec![("X-Any", value.as_bytes())];
        let request = Request { method: &method, target_uri: &uri, fields: &fields };
        for cover in [Cover::TargetUri, Cover::PathAndQuery] {
            let headers = sign(&request, &body, &key(), &Terms { cover, ..TERMS }).unwrap();
            let signed = presented(&request, &headers).unwrap();
            prop_assert_eq!(signed.body.check(&body), Ok(()));
            let mut other = body.clone();
            other.push(0);
            prop_assert!(signed.body.check(&other).is_err());
            let mut bent = uri.clone();
            // The host is not covered by path and query.
            let after_host = "https://gate.example/".len();
            let at = after_host + at.index(uri.len() - after_host + 1);
            bent.insert(at, 'X');
            let bent = Request { target_uri: &bent, ..request };
            prop_assert!(presented(&bent, &headers).is_err());
        }
    }

    #[test]
    fn anp_0001_arbitrary_signatures_are_refused_without_panic(
        input in "\\PC*|sig=\\(\"@method\"\\)\\PC*", signature in "\\PC*|sig=:[A-Za-z0-9+/=]{0,20}:", uri in "\\PC*",
    ) {
        let fields: Vec<(&str, &[u8])> =
            vec![("signature-input", input.as_bytes()), ("signature", signature.as_bytes()), ("x", b"\xff")];
        let request = Request { method: "GET", target_uri: &uri, fields: &fields };
        prop_assert!(verify(&request, NOW).is_err());
    }
}
