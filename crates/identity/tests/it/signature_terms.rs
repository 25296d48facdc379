//! Signatures by the right key that say too little, or something else than is understood.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::time::Duration;

use identity::signature::{
    Headers, Presented, Refused, Request, Signed, SigningKey, VerifyingKey, Window, sign,
};

use crate::client::*;
use crate::forge::NOW;

/// A signature over whatever is said, by the right key: what a client might send that means well or not.
fn signed_over(components: &str, params: &str, base: &str) -> Result<Signed, Refused> {
    use aws_lc_rs::hmac;
    use base64::Engine;
    let params = format!("({components}){params}");
    let base = format!("{base}\"@signature-params\": {params}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), base.as_bytes());
    let headers = Headers {
        content_digest: None,
        signature_input: format!("sig={params}"),
        signature: format!(
            "sig=:{}:",
            base64::engine::general_purpose::STANDARD.encode(signature)
        ),
    };
    presented(&REQUEST, &headers)
}

const COVERED: &str = r#""@method" "@target-uri""#;
const PARAMS: &str = r#";created=1800000000;nonce="0123456789abcdef";keyid="key_1""#;

fn covered_base() -> String {
    format!("\"@method\": POST\n\"@target-uri\": {URI}\n")
}

#[test]
fn anp_0001_too_little_covered_is_refused() {
    let base = covered_base();
    assert!(signed_over(COVERED, PARAMS, &base).is_ok());
    let uri = format!("\"@target-uri\": {URI}\n");
    assert_eq!(
        signed_over(r#""@target-uri""#, PARAMS, &uri),
        Err(Refused::NotCovered("@method"))
    );
    assert_eq!(
        signed_over(r#""@method""#, PARAMS, "\"@method\": POST\n"),
        Err(Refused::NotCovered("@target-uri"))
    );
    assert_eq!(
        signed_over(
            r#""@method" "@path""#,
            PARAMS,
            "\"@method\": POST\n\"@path\": /v1/chat/completions\n"
        ),
        Err(Refused::NotCovered("@target-uri"))
    );
    assert_eq!(signed_over("", PARAMS, ""), Err(Refused::NotCovered("@method")));
    assert!(
        signed_over(
            r#""@method" "@path" "@query""#,
            PARAMS,
            "\"@method\": POST\n\"@path\": /v1/chat/completions\n\"@query\": ?a=b\n"
        )
        .is_ok()
    );
}

#[test]
fn anp_0001_components_with_other_meanings_are_refused() {
    for component in [
        "\"@method\"",
        "\"content-type\";sf",
        "\"content-type\";key=\"a\"",
        "\"@method\";req",
        "\"@query-param\";name=\"a\"",
        "\"@status\"",
        "\"Content-Type\"",
        "\"signature\"",
    ] {
        let judged = signed_over(&format!("{COVERED} {component}"), PARAMS, &covered_base());
        assert!(
            matches!(judged, Err(Refused::Component(_))),
            "{component} {judged:?}"
        );
    }
    for component in ["method", "7", ":AAAA:", "?1"] {
        let judged = signed_over(&format!("{COVERED} {component}"), PARAMS, &covered_base());
        assert_eq!(judged, Err(Refused::Malformed));
    }
    let many: String = (0..33).map(|n| format!(" \"x-{n}\"")).collect();
    assert_eq!(signed_over(&many, PARAMS, ""), Err(Refused::Malformed));
}

#[test]
fn anp_0001_each_parameter_is_there_and_of_its_type() {
    let with = |from: &str, to: &str| signed_over(COVERED, &PARAMS.replace(from, to), &covered_base());
    let bad = |name: &str| Err(Refused::Parameter(name.into()));
    assert_eq!(with(";created=1800000000", ""), bad("created"));
    assert_eq!(with("1800000000", "1800000000.5"), bad("created"));
    assert_eq!(with("1800000000", "\"1800000000\""), bad("created"));
    assert_eq!(with("1800000000", "-1"), bad("created"));
    assert_eq!(with("1800000000", "999999999999999"), bad("created"));
    assert_eq!(with(&format!(";nonce=\"{NONCE}\""), ""), bad("nonce"));
    assert_eq!(with(NONCE, "0123456789abcde"), bad("nonce"));
    assert!(with(NONCE, &"n".repeat(128)).is_ok());
    assert_eq!(with(NONCE, &"n".repeat(129)), bad("nonce"));
    assert_eq!(with(";keyid=\"key_1\"", ""), bad("keyid"));
    assert_eq!(with("\"key_1\"", "key_1"), bad("keyid"));
    assert_eq!(with("\"key_1\"", "\"\""), bad("keyid"));
    assert_eq!(with("\"key_1\"", "\"key_1\";x=1"), bad("x"));
    assert!(with("\"key_1\"", "\"key_1\";tag=\"app\"").is_ok());
    assert!(with("\"key_1\"", "\"key_1\";alg=\"hmac-sha256\"").is_ok());
}

#[test]
fn agp_s3_the_algorithm_is_the_keys() {
    for alg in ["ed25519", "none", "rsa-v1_5-sha256", "HMAC-SHA256", ""] {
        let params = format!("{PARAMS};alg=\"{alg}\"");
        let judged = signed_over(COVERED, &params, &covered_base());
        assert_eq!(judged, Err(Refused::Parameter("alg".into())), "{alg}");
    }
    // An HMAC under the public key is no signature of the private one.
    let ed = SigningKey::ed25519(&[7; 32]).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = pair.public_key().as_ref();
    assert!(ed.public().is_some());
    let forged = sign(&REQUEST, b"", &SigningKey::hmac_sha256(public).unwrap(), &TERMS).unwrap();
    let input = forged.signature_input.replace(";alg=\"hmac-sha256\"", "");
    for input in [forged.signature_input.clone(), input] {
        let fields: Vec<(&str, &[u8])> = vec![
            ("content-type", b"application/json"),
            ("signature-input", input.as_bytes()),
            ("signature", forged.signature.as_bytes()),
        ];
        let presented = Presented::read(&Request {
            fields: &fields,
            ..REQUEST
        })
        .unwrap();
        let key = VerifyingKey::ed25519(public.try_into().unwrap()).unwrap();
        assert!(presented.verify(&key, &Window::default(), NOW).is_err());
    }
}

#[test]
fn anp_0001_a_signature_is_good_for_a_minute() {
    let at = |created: i64, now: i64, extra: &str| {
        let params = format!(
            "{}{extra}",
            PARAMS.replace("1800000000", &(1_800_000_000 + created).to_string())
        );
        signed_over(COVERED, &params, &covered_base())
            .and(Ok(now))
            .map(|_| ())
    };
    assert_eq!(at(-60, 0, ""), Ok(()));
    assert_eq!(at(-61, 0, ""), Err(Refused::Expired));
    assert_eq!(at(10, 0, ""), Ok(()));
    assert_eq!(at(11, 0, ""), Err(Refused::NotYet));
    assert_eq!(at(0, 0, ";expires=1800000001"), Ok(()));
    assert_eq!(at(0, 0, ";expires=1800000000"), Err(Refused::Expired));
    assert_eq!(
        at(0, 0, ";expires=\"x\""),
        Err(Refused::Parameter("expires".into()))
    );
    let five = Duration::from_secs(300);
    assert!(Window::new(five, five).is_some());
    assert!(Window::new(five + Duration::from_millis(1), five).is_none());
    assert!(Window::new(five, five + Duration::from_millis(1)).is_none());
}

#[test]
fn anp_0001_unsigned_ambiguous_and_malformed_signatures_are_refused() {
    let refused = |input: &[&str], signature: &[&str]| {
        let mut fields: Vec<(&str, &[u8])> = FIELDS.to_vec();
        fields.extend(input.iter().map(|line| ("signature-input", line.as_bytes())));
        fields.extend(signature.iter().map(|line| ("signature", line.as_bytes())));
        verify(
            &Request {
                fields: &fields,
                ..REQUEST
            },
            NOW,
        )
        .unwrap_err()
    };
    let good = sign(&REQUEST, b"", &key(), &TERMS).unwrap();
    let (input, signature) = (good.signature_input.as_str(), good.signature.as_str());
    assert_eq!(refused(&[], &[]), Refused::Missing);
    assert_eq!(refused(&[input], &[]), Refused::Missing);
    assert_eq!(refused(&[], &[signature]), Refused::Missing);
    let second = (
        input.replacen("sig", "two", 1),
        signature.replacen("sig", "two", 1),
    );
    assert_eq!(
        refused(&[input, &second.0], &[signature, &second.1]),
        Refused::Several
    );
    assert_eq!(refused(&[input], &[&second.1]), Refused::Malformed);
    assert_eq!(refused(&[""], &[""]), Refused::Several);
    for (input, signature) in [
        ("sig", signature),
        ("sig=1", signature),
        ("sig=(", signature),
        (input, "sig"),
        (input, "sig=(:AAAA:)"),
        (input, "sig=\"AAAA\""),
        (input, "sig=:A:"),
    ] {
        assert_eq!(
            refused(&[input], &[signature]),
            Refused::Malformed,
            "{input} {signature}"
        );
    }
    let long = format!("{input};tag=\"{}\"", "x".repeat(4096));
    assert_eq!(refused(&[&long], &[signature]), Refused::Malformed);
}

#[test]
fn ctx_t3_short_secrets_are_refused() {
    assert!(SigningKey::hmac_sha256(&[1; 31]).is_err());
    assert!(VerifyingKey::hmac_sha256(&[1; 31]).is_err());
    assert!(VerifyingKey::hmac_sha256(&[1; 32]).is_ok());
}
