//! Signed notes: fixed vectors made with another implementation, and everything that must be refused.

use ledger::merkle::empty_root;
use ledger::note::{Checkpoint, NOTE_BYTES_MAX, NoteError, SIGNATURES_MAX, Signer, Verifier, open};

const NAME: &str = "gate.example/tnt_00000000000000000000000000000002";
/// Made with Python's `cryptography`, from the seed 00 01 … 1f.
const VERIFIER: &str =
    "gate.example/tnt_00000000000000000000000000000002+803ca354+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const NOTE: &str = "gate.example/tnt_00000000000000000000000000000002
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

— gate.example/tnt_00000000000000000000000000000002 gDyjVPST+foaBdd+zicgxYR3slb/RVg5lFToWbVE3LmypQsBbxqQuMOEPhNtvwtx6FcQBCyiQR7dsesDw/rHiq4xMQs=
";

fn signer() -> Signer {
    let mut seed = [0; 32];
    (0u8..).zip(&mut seed).for_each(|(n, byte)| *byte = n);
    Signer::from_seed(NAME, &seed).unwrap()
}

fn verifier() -> Verifier {
    Verifier::parse(VERIFIER).unwrap()
}

fn empty() -> Checkpoint {
    Checkpoint {
        origin: NAME.into(),
        size: 0,
        root: empty_root(),
    }
}

fn gate() -> Signer {
    Signer::from_seed("gate.example", &[1; 32]).unwrap()
}

/// A good signature by `gate.example` over whatever text: what [`Signer::sign`] would refuse to make.
fn signed(text: &str) -> String {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let mut blob = hex::decode(gate().verifier_text().split('+').nth(1).unwrap()).unwrap();
    blob.extend(pair.sign(text.as_bytes()).as_ref());
    let blob = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
    format!("{text}\n— gate.example {blob}\n")
}

#[test]
fn notes_agree_with_another_implementation() {
    assert_eq!(signer().verifier_text(), VERIFIER);
    assert_eq!(signer().sign(&empty()).unwrap(), NOTE);
    assert_eq!(open(NOTE, &[verifier()]), Ok(empty()));
}

/// The example verifier key and note of the signed-note format's reference implementation, Go's sumdb/note.
#[test]
fn the_reference_implementations_key_is_read() {
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(Verifier::parse(key).unwrap().to_string(), key);
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    // Its signature is good, so that what is refused is that its text is no checkpoint.
    let refused = open(note, &[Verifier::parse(key).unwrap()]).unwrap_err();
    assert!(matches!(refused, NoteError::NotACheckpoint(_)), "{refused}");
    let changed = note.replace("answer", "Answer");
    let refused = open(&changed, &[Verifier::parse(key).unwrap()]).unwrap_err();
    assert_eq!(refused, NoteError::BadSignature("PeterNeumann".into()));
}

#[test]
fn agp_r2_no_byte_of_a_note_can_be_changed() {
    for at in 0..NOTE.len() {
        for bit in 0..8 {
            let mut bytes = NOTE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(open(&changed, &[verifier()]).is_err(), "{at}.{bit}: {changed}");
            }
        }
    }
    for cut in (0..NOTE.len()).filter(|cut| NOTE.is_char_boundary(*cut)) {
        assert!(open(&NOTE[..cut], &[verifier()]).is_err(), "{cut}");
    }
    for longer in [
        format!("{NOTE}\n"),
        format!("{NOTE} "),
        format!("\n{NOTE}"),
        format!("x\n\n{NOTE}"),
    ] {
        assert!(open(&longer, &[verifier()]).is_err(), "{longer}");
    }
}

#[test]
fn unknown_signatures_are_passed_over_and_wrong_known_ones_are_not() {
    let stranger = Signer::from_seed("witness.example", &[9; 32]).unwrap();
    let line = |note: &str| note.lines().last().unwrap().to_owned();
    let theirs = Signer::from_seed(NAME, &[9; 32]).unwrap();
    let with = format!("{NOTE}{}\n", line(&theirs.sign(&empty()).unwrap()));
    assert_eq!(open(&with, &[verifier()]), Ok(empty()), "same name, another key");

    assert_eq!(
        open(NOTE, &[stranger.verifier().clone()]),
        Err(NoteError::UnknownKey)
    );
    assert_eq!(open(NOTE, &[]), Err(NoteError::UnknownKey));

    let other = Checkpoint { size: 1, ..empty() };
    let wrong = format!("{NOTE}{}\n", line(&signer().sign(&other).unwrap()));
    assert_eq!(
        open(&wrong, &[verifier()]),
        Err(NoteError::BadSignature(NAME.into()))
    );
}

#[test]
fn anp_0012_a_key_speaks_for_its_own_log_and_those_below() {
    let gate = Signer::from_seed("gate.example", &[1; 32]).unwrap();
    let head = |origin: &str| Checkpoint {
        origin: origin.into(),
        ..empty()
    };
    for origin in ["gate.example", "gate.example/a", "gate.example/a/b"] {
        let note = gate.sign(&head(origin)).unwrap();
        assert_eq!(open(&note, &[gate.verifier().clone()]), Ok(head(origin)));
    }
    for origin in ["gate.example2", "gate", "other/gate.example", ""] {
        assert!(gate.sign(&head(origin)).is_err(), "{origin}");
    }
    for origin in ["gate.examples/a", "other.example", "gate"] {
        let (origin, key) = (origin.to_owned(), "gate.example".to_owned());
        let note = signed(&head(&origin).to_string());
        let refused = Err(NoteError::WrongOrigin { origin, key });
        assert_eq!(
            open(&note, &[gate.verifier().clone()]),
            refused,
            "a witness is not the log"
        );
    }
    assert!(
        gate.sign(&head("gate.example/a\nb")).is_err(),
        "an origin is one line"
    );
}

#[test]
fn keys_are_read_strictly() {
    for bad in [
        "",
        "name",
        "name+00000000",
        "name+00000000+",
        &VERIFIER.replace("803ca354", "803ca355"),
        &VERIFIER.replace("803ca354", "803CA354"),
        &VERIFIER.replace("AQOhB7", "AgOhB7"),
        &VERIFIER.replace("gate", "gbte"),
        &VERIFIER.replace("gate", "ga te"),
        &VERIFIER[..VERIFIER.len() - 4],
        &format!("{VERIFIER}AAAA"),
    ] {
        assert!(matches!(Verifier::parse(bad), Err(NoteError::BadKey(_))), "{bad}");
    }
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(Signer::from_seed(name, &[1; 32]).is_err(), "{name}");
    }
}

#[test]
fn a_signer_does_not_show_its_seed() {
    let shown = format!("{:?}", signer());
    assert_eq!(shown, format!("Signer({VERIFIER})"));
}

#[test]
fn a_checkpoint_is_written_in_one_way() {
    // Signed by the right key, so that only the text can be what is refused.
    let sizes = [
        "",
        "00",
        "01",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1.0",
        "18446744073709551616",
    ];
    let text = |size: &str, root: &str| format!("gate.example\n{size}\n{root}\n");
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let opened = |text: &str| open(&signed(text), &[gate().verifier().clone()]);
    assert_eq!(opened(&text("0", root)).unwrap().root, empty_root());
    assert!(opened(&format!("{}extension line\n", text("0", root))).is_ok());
    for size in sizes {
        assert!(
            matches!(opened(&text(size, root)), Err(NoteError::NotACheckpoint(_))),
            "{size}"
        );
    }
    for bad in [
        "",
        "47DE",
        &root.replace("FU=", "FV="),
        &root.replace('=', ""),
        &format!("{root}AAAA"),
    ] {
        assert!(
            matches!(opened(&text("0", bad)), Err(NoteError::NotACheckpoint(_))),
            "{bad}"
        );
    }
    assert!(opened("gate.example\n0\n").is_err());
}

#[test]
fn notes_are_limited() {
    let signature = NOTE.lines().last().unwrap();
    let many = |count: usize| {
        let stranger = signature.replacen("gate", "gbte", 1);
        let strangers = format!("{stranger}\n").repeat(count - 1);
        format!("{NOTE}{strangers}")
    };
    assert!(open(&many(SIGNATURES_MAX), &[verifier()]).is_ok());
    assert_eq!(
        open(&many(SIGNATURES_MAX + 1), &[verifier()]),
        Err(NoteError::TooLarge)
    );
    let long = format!("{}{NOTE}", "x".repeat(NOTE_BYTES_MAX));
    assert_eq!(open(&long, &[verifier()]), Err(NoteError::TooLarge));
}
