//! Offboarding certificates: what is signed is read again, and nothing else is.

use domain::{AuditId, TenantId, UnixMillis};
use ledger::AuditActor;
use ledger::bundle::{HexHash, audit_origin_of, origin_of};
use ledger::certificate::{Certificate, CertificateError, FORMAT, Head, Revoked};
use ledger::note::{Checkpoint, NoteError, Signer, open};

fn signer() -> Signer {
    Signer::from_seed("gate.example", &[1; 32]).unwrap()
}

fn head(origin: String, size: u64) -> Head {
    Head {
        origin,
        size,
        root: HexHash([3; 32]),
    }
}

fn certificate() -> Certificate {
    let tenant = TenantId::from_u128(7);
    Certificate {
        tenant,
        name: "acmé \u{7f} \"x\"\n".to_owned(),
        begun: UnixMillis(1),
        finished: UnixMillis(2),
        by: AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned()),
        reason: "the contract ended".to_owned(),
        revoked: Revoked {
            keys: vec!["key_1".to_owned(), "key_2".to_owned()],
            sessions: vec!["ses_1".to_owned()],
            content_key: Some("ab".repeat(32)),
            ..Revoked::default()
        },
        ledger: head(origin_of("gate.example", tenant), 12),
        audit: head(audit_origin_of("gate.example", tenant), 3),
        record: AuditId::from_u128(9),
    }
}

/// A good signature over whatever text.
fn signed(text: &str) -> String {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let mut blob = hex::decode(signer().verifier_text().split('+').nth(1).unwrap()).unwrap();
    blob.extend(pair.sign(text.as_bytes()).as_ref());
    let blob = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
    format!("{text}\n— gate.example {blob}\n")
}

#[test]
fn anp_0016_a_certificate_is_read_as_it_was_signed() {
    let text = certificate().sign(&signer()).unwrap();
    assert!(text.starts_with("bartizan-offboarding/1\n{\"tenant\":\"tnt_"));
    assert_eq!(
        Certificate::open(&text, signer().verifier()).unwrap(),
        certificate()
    );
}

#[test]
fn anp_0016_every_flipped_byte_of_a_certificate_is_refused() {
    let text = certificate().sign(&signer()).unwrap().into_bytes();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bent = text.clone();
            bent[at] ^= 1 << bit;
            let Ok(bent) = String::from_utf8(bent) else {
                continue;
            };
            let read = Certificate::open(&bent, signer().verifier());
            assert!(read.is_err(), "byte {at}, bit {bit}");
        }
        let cut = String::from_utf8_lossy(&text[..at]).into_owned();
        assert!(
            Certificate::open(&cut, signer().verifier()).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn agp_r3_a_certificate_is_no_checkpoint_and_a_checkpoint_no_certificate() {
    let tenant = TenantId::from_u128(7);
    let checkpoint = Checkpoint {
        origin: origin_of("gate.example", tenant),
        size: 12,
        root: [3; 32],
    };
    let note = checkpoint.sign(&signer()).unwrap();
    let read = Certificate::open(&note, signer().verifier());
    assert!(matches!(read, Err(CertificateError::NotOne(_))), "{read:?}");
    let certificate = certificate().sign(&signer()).unwrap();
    let read = open(&certificate, &[signer().verifier().clone()]);
    assert!(matches!(read, Err(NoteError::NotACheckpoint(_))), "{read:?}");
}

#[test]
fn anp_0016_neither_another_key_nor_another_tenants_logs_nor_more_members_are_believed() {
    let stranger = Signer::from_seed("gate.example", &[2; 32]).unwrap();
    let text = certificate().sign(&stranger).unwrap();
    let read = Certificate::open(&text, signer().verifier());
    assert_eq!(read, Err(CertificateError::Note(NoteError::UnknownKey)));
    let other = Certificate {
        ledger: head(origin_of("gate.example", TenantId::from_u128(8)), 12),
        ..certificate()
    };
    assert!(matches!(
        other.sign(&signer()),
        Err(CertificateError::OtherLog(_))
    ));
    let json = serde_json::to_string(&other).unwrap().replace('\u{7f}', "");
    let read = Certificate::open(&signed(&format!("{FORMAT}\n{json}\n")), signer().verifier());
    assert!(matches!(read, Err(CertificateError::OtherLog(_))), "{read:?}");
    let json = serde_json::to_string(&certificate())
        .unwrap()
        .replace('\u{7f}', "");
    assert!(Certificate::open(&signed(&format!("{FORMAT}\n{json}\n")), signer().verifier()).is_ok());
    let more = json.replacen('{', "{\"note\":1,", 1);
    for text in [
        format!("{FORMAT}\n{more}\n"),
        format!("{FORMAT} \n{json}\n"),
        format!("{FORMAT}\n{json}\n{json}\n"),
        format!("{json}\n"),
    ] {
        let read = Certificate::open(&signed(&text), signer().verifier());
        assert!(matches!(read, Err(CertificateError::NotOne(_))), "{read:?}");
    }
}
