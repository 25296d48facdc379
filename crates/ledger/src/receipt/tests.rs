//! What is signed verifies, and nothing else does.

use domain::{RequestId, UnixMillis};

use super::*;

const PATHS: &[&str] = &["/v1/messages", "/v1/chat/completions"];
const BODY: &[u8] = b"{\"answer\":42}";
const SENT: &[u8] = b"{\"question\":6}";

fn signer(seed: u8) -> Signer {
    Signer::from_seed("log", &[seed; 32]).unwrap()
}

fn said() -> Said<'static> {
    Said {
        status: 200,
        request: RequestId::from_u128(7),
        model: Some("größer 100%"),
        target: Some("oa/m"),
        path: "/v1/chat/completions",
        request_digest: Some(sha256(&[SENT])),
        signed: Some((Some("sha-256=:AA==:"), "sig=:AAAA:")),
    }
}

fn asked_fields() -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("Content-Digest", "sha-256=:AA==:"),
        pair("Signature", "sig=:AAAA:"),
    ]
}

fn fields(said: &Said<'_>, signer: &Signer) -> Vec<(String, String)> {
    let signed = said.sign(BODY, UnixMillis(1_000_500), signer);
    let id = ("X-Request-Id".to_owned(), said.request.to_string());
    let own = signed.into_iter().map(|(name, value)| (name.to_owned(), value));
    std::iter::once(id).chain(own).collect()
}

fn held(
    fields: &[(String, String)],
    status: u16,
    body: &[u8],
    request: &[(String, String)],
) -> Result<Receipt, ReceiptError> {
    let keys = [signer(1).verifier().clone(), signer(2).verifier().clone()];
    let answer = Kept { status, fields, body };
    let asked = Asked {
        paths: PATHS,
        fields: request,
        body: Some(SENT),
    };
    verify(&answer, &asked, &keys)
}

#[test]
fn agp_t2_what_was_signed_verifies() {
    let fields = fields(&said(), &signer(2));
    let receipt = held(&fields, 200, BODY, &asked_fields()).unwrap();
    assert_eq!(
        (receipt.status, receipt.key, receipt.at),
        (200, 1, UnixMillis(1_000_000))
    );
    assert_eq!(receipt.model.as_deref(), Some("gr%C3%B6%C3%9Fer%20100%25"));
    assert_eq!(receipt.path, "/v1/chat/completions");
    assert!(receipt.is_fresh(UnixMillis(1_060_000), 60).is_ok());
    assert_eq!(
        receipt.is_fresh(UnixMillis(1_061_000), 60),
        Err(ReceiptError::Stale(61))
    );
    for (name, value) in &fields {
        assert!(
            value.bytes().all(|b| (b' '..=b'~').contains(&b)),
            "{name}: {value}"
        );
    }
}

#[test]
fn agp_t2_nothing_of_an_answer_can_be_changed() {
    let good = fields(&said(), &signer(1));
    let request = asked_fields();
    assert!(held(&good, 200, BODY, &request).is_ok());
    assert_eq!(held(&good, 201, BODY, &request), Err(ReceiptError::Signature));
    assert_eq!(
        held(&good, 200, b"{\"answer\":43}", &request),
        Err(ReceiptError::Body)
    );
    // Each character of each header.
    for (at, (name, value)) in good.iter().enumerate() {
        for place in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let mut changed = good.clone();
            changed[at].1 = String::from_utf8(bytes).unwrap();
            assert!(held(&changed, 200, BODY, &request).is_err(), "{name} at {place}");
        }
        let mut without = good.clone();
        without.remove(at);
        assert!(held(&without, 200, BODY, &request).is_err(), "without {name}");
        let mut twice = good.clone();
        twice.push(good[at].clone());
        assert!(held(&twice, 200, BODY, &request).is_err(), "{name} twice");
    }
}

#[test]
fn agp_t2_an_answer_to_another_request_is_refused() {
    let good = fields(&said(), &signer(1));
    let mut other = asked_fields();
    other[1].1 = "sig=:BBBB:".to_owned();
    assert_eq!(held(&good, 200, BODY, &other), Err(ReceiptError::Signature));
    assert_eq!(
        held(&good, 200, BODY, &[]),
        Err(ReceiptError::NoRequest("content-digest".into()))
    );
    let unsigned = fields(
        &Said {
            signed: None,
            ..said()
        },
        &signer(1),
    );
    assert!(held(&unsigned, 200, BODY, &[]).is_ok());
    let to_another = Said {
        request_digest: Some([1; 32]),
        signed: None,
        ..said()
    };
    let to_another = fields(&to_another, &signer(1));
    assert_eq!(held(&to_another, 200, BODY, &[]), Err(ReceiptError::OtherRequest));
    let elsewhere = Said {
        path: "/v1/embeddings",
        signed: None,
        ..said()
    };
    assert_eq!(
        held(&fields(&elsewhere, &signer(1)), 200, BODY, &[]),
        Err(ReceiptError::Signature)
    );
}

#[test]
fn agp_t2_a_stranger_signs_nothing() {
    let forged = fields(&said(), &signer(3));
    let refused = held(&forged, 200, BODY, &asked_fields());
    assert!(matches!(refused, Err(ReceiptError::UnknownKey(_))), "{refused:?}");
    // Under the name of a key that is known.
    let (known, own) = (signer(1).verifier().id(), signer(3).verifier().id());
    let renamed: Vec<_> = forged
        .into_iter()
        .map(|(name, value)| (name, value.replace(&own, &known)))
        .collect();
    assert_eq!(
        held(&renamed, 200, BODY, &asked_fields()),
        Err(ReceiptError::Signature)
    );
}

#[test]
fn agp_t2_what_stands_beside_the_signature_unsigned_is_refused() {
    let bare = Said {
        model: None,
        target: None,
        ..said()
    };
    let mut fields = fields(&bare, &signer(1));
    assert!(held(&fields, 200, BODY, &asked_fields()).is_ok());
    fields.push((MODEL.to_owned(), "finer".to_owned()));
    assert_eq!(
        held(&fields, 200, BODY, &asked_fields()),
        Err(ReceiptError::Signature)
    );
}

#[test]
fn agp_t2_a_receipt_is_no_note_and_a_note_no_receipt() {
    let all = fields(&said(), &signer(1));
    let keys = [signer(1).verifier().clone()];
    let (_, input) = all.iter().find(|(name, _)| name == SIGNATURE_INPUT).unwrap();
    assert!(!input.ends_with('\n'));
    let (_, signature) = all.iter().find(|(name, _)| name == SIGNATURE).unwrap();
    let text = kept::signature(signature).unwrap();
    let note = format!(
        "log\n1\n{}\n\n\u{2014} log {}\n",
        STANDARD.encode([0; 32]),
        STANDARD.encode(text)
    );
    assert!(crate::note::open(&note, &keys).is_err());
}
