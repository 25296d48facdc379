//! Proofs and exports, and every way to tamper with them.

use domain::{Money, TenantId, UnixMillis};
use ledger::bundle::{
    ExportLine, Fault, Place, Proof, Report, Tampered, prove, prove_since, verify_export, verify_proof,
    verify_proof_since,
};
use ledger::note::NoteError;
use proptest::prelude::*;

use crate::forge::{Forge, TENANT, entry};

fn proof(forge: &Forge, index: usize) -> Proof {
    let size = forge.entries.len();
    prove(
        &forge.entries[index],
        index as u64,
        &forge.leaves(size),
        &forge.note(size),
    )
    .unwrap()
}

fn tampered(proof: &Proof, forge: &Forge) -> Tampered {
    verify_proof(proof, forge.verifier()).unwrap_err()
}

#[test]
fn agp_r1_every_entry_is_proved_and_the_proof_survives_json() {
    let forge = Forge::new(11);
    for index in 0..11 {
        let json = serde_json::to_string(&proof(&forge, index)).unwrap();
        let read: Proof = serde_json::from_str(&json).unwrap();
        let verified = verify_proof(&read, forge.verifier()).unwrap();
        assert_eq!(verified.entry, entry(TENANT, index as u128));
        assert_eq!((verified.index, verified.checkpoint.size), (index as u64, 11));
    }
}

#[test]
fn agp_r2_a_changed_proof_is_refused_and_says_where() {
    let forge = Forge::new(11);
    let good = proof(&forge, 4);
    let here = Place::Entry(4);

    let mut cheaper = good.clone();
    cheaper.entry = cheaper.entry.replace("\"cost\":225000", "\"cost\":1");
    assert_eq!(
        tampered(&cheaper, &forge),
        Tampered {
            at: here,
            what: Fault::NotIncluded
        }
    );

    let mut spaced = good.clone();
    spaced.entry.push(' ');
    let spaced = tampered(&spaced, &forge);
    assert!(matches!(spaced, Tampered { at, what: Fault::Entry(_) } if at == here));

    let moved = Proof {
        index: 5,
        ..good.clone()
    };
    assert_eq!(
        tampered(&moved, &forge),
        Tampered {
            at: Place::Entry(5),
            what: Fault::NotIncluded
        }
    );

    let mut path = good.clone();
    path.inclusion[0].0[0] ^= 1;
    assert_eq!(tampered(&path, &forge).what, Fault::NotIncluded);
    path.inclusion.clear();
    assert_eq!(tampered(&path, &forge).what, Fault::NotIncluded);

    let resized = Proof {
        size: 12,
        ..good.clone()
    };
    let fault = Fault::SizeMismatch {
        signed: 11,
        found: 12,
    };
    assert_eq!(
        tampered(&resized, &forge),
        Tampered {
            at: Place::Checkpoint(12),
            what: fault
        }
    );

    let other = Proof {
        format: "bartizan-proof/2".into(),
        ..good.clone()
    };
    assert_eq!(tampered(&other, &forge).at, Place::Header);

    let mut rewritten = good;
    rewritten.checkpoint = rewritten.checkpoint.replace("\n11\n", "\n12\n");
    let bad = Fault::Note(NoteError::BadSignature("gate.example".into()));
    assert_eq!(
        tampered(&rewritten, &forge),
        Tampered {
            at: Place::Checkpoint(11),
            what: bad
        }
    );
}

#[test]
fn agp_r1_a_proof_signed_by_another_key_is_refused() {
    let (forge, thief) = (Forge::new(11), Forge::of(TENANT, 11, 8));
    let stolen = Proof {
        checkpoint: thief.note(11),
        ..proof(&forge, 4)
    };
    assert_eq!(tampered(&stolen, &forge).what, Fault::Note(NoteError::UnknownKey));
}

#[test]
fn anp_0012_a_head_of_one_tenants_log_proves_nothing_about_another() {
    let other = TenantId::from_u128(9);
    let mut mixed = Forge::new(4);
    mixed.entries[2] = entry(other, 2).to_bytes();
    assert_eq!(
        tampered(&proof(&mixed, 2), &mixed),
        Tampered {
            at: Place::Entry(2),
            what: Fault::OtherTenant(other)
        }
    );
    assert!(verify_proof(&proof(&mixed, 1), mixed.verifier()).is_ok());
}

#[test]
fn anp_0012_a_log_that_only_grew_is_told_from_one_rolled_back_or_forked() {
    let forge = Forge::new(11);
    let since = |forge: &Forge, old: usize| {
        let size = forge.entries.len();
        let leaves = forge.leaves(size);
        prove_since(&forge.entries[1], 1, &leaves, &forge.note(size), old as u64).unwrap()
    };
    for old in 0..=11 {
        let proof = since(&forge, old);
        assert!(
            verify_proof_since(&proof, forge.verifier(), &forge.head(old)).is_ok(),
            "{old}"
        );
    }

    let mut shorter = Forge::new(11);
    shorter.entries.truncate(8);
    let fault = Fault::RolledBack { now: 8, known: 11 };
    let refused = verify_proof_since(&since(&shorter, 8), forge.verifier(), &forge.head(11)).unwrap_err();
    assert_eq!(
        refused,
        Tampered {
            at: Place::Checkpoint(8),
            what: fault
        }
    );

    let mut fork = Forge::new(11);
    fork.entries[6] = entry(TENANT, 600).to_bytes();
    for (old, honest) in [(6, true), (7, false), (10, false), (11, false)] {
        let answer = verify_proof_since(&since(&fork, old), forge.verifier(), &forge.head(old));
        assert_eq!(answer.is_ok(), honest, "{old}");
        if let Err(refused) = answer {
            assert_eq!(refused.what, Fault::Forked { size: old as u64 });
        }
    }

    let without = proof(&forge, 1);
    let refused = verify_proof_since(&without, forge.verifier(), &forge.head(5)).unwrap_err();
    assert_eq!(refused.what, Fault::Forked { size: 5 }, "no path, no trust");

    let other = Forge::of(TenantId::from_u128(9), 11, 7);
    let refused = verify_proof_since(&without, forge.verifier(), &other.head(11)).unwrap_err();
    assert_eq!(refused.what, Fault::OtherLog(forge.origin.clone()));
}

fn check(lines: &[String], forge: &Forge) -> Result<Report, Tampered> {
    verify_export(lines, forge.verifier(), None)
}

#[test]
fn agp_r2_an_untouched_export_verifies_and_sums_up() {
    let forge = Forge::new(10);
    let report = check(&forge.export(&[0, 3, 7, 10]), &forge).unwrap();
    assert_eq!((report.entries, report.checkpoints), (10, 4));
    assert_eq!(
        (report.tenant, report.origin.as_str()),
        (Some(TENANT), forge.origin.as_str())
    );
    assert_eq!(report.cost, Money::from_nanos(2_250_000));
    assert_eq!(
        (report.first, report.last),
        (Some(UnixMillis(2_000)), Some(UnixMillis(2_009)))
    );
    assert_eq!(report.root, forge.head(10).root);
    for known in 0..=10 {
        let lines = forge.export(&[10]);
        assert!(
            verify_export(&lines, forge.verifier(), Some(&forge.head(known))).is_ok(),
            "{known}"
        );
    }
    let empty = Forge::new(0);
    assert_eq!(check(&empty.export(&[0]), &empty).unwrap().tenant, None);
}

/// An export of ten entries with heads at 3, 7 and 10: line 0 is the header, entry 4 is line 6.
fn lines() -> (Forge, Vec<String>) {
    let forge = Forge::new(10);
    let lines = forge.export(&[3, 7, 10]);
    assert!(lines[6].contains("\"index\":4"));
    (forge, lines)
}

#[test]
fn agp_r2_a_changed_entry_is_named() {
    let (forge, mut lines) = lines();
    lines[6] = lines[6].replace("225000", "125000");
    assert_eq!(
        check(&lines, &forge).unwrap_err(),
        Tampered {
            at: Place::Entry(4),
            what: Fault::LeafMismatch
        }
    );
}

#[test]
fn agp_r2_a_changed_entry_with_a_new_hash_is_placed_between_two_signed_heads() {
    let (forge, mut lines) = lines();
    let mut forged = Forge::new(10);
    forged.entries[4] = entry(TENANT, 400).to_bytes();
    lines[6] = ExportLine::entry(4, &forged.entries[4]).unwrap().to_line();
    let what = Fault::RootMismatch { size: 7 };
    assert_eq!(
        check(&lines, &forge).unwrap_err(),
        Tampered {
            at: Place::Entries { from: 3, to: 7 },
            what
        }
    );
}

#[test]
fn agp_r2_a_dropped_doubled_or_reordered_entry_is_named() {
    let (forge, good) = lines();
    let mut dropped = good.clone();
    dropped.remove(6);
    let due = Tampered {
        at: Place::Entry(4),
        what: Fault::OutOfOrder { due: 4 },
    };
    assert_eq!(check(&dropped, &forge).unwrap_err(), due);

    let mut swapped = good.clone();
    swapped.swap(6, 7);
    assert_eq!(check(&swapped, &forge).unwrap_err(), due);

    let mut doubled = good.clone();
    doubled.insert(6, good[6].clone());
    assert_eq!(check(&doubled, &forge).unwrap_err().at, Place::Entry(5));

    // Renumbered so that it looks in order: the signed head tells.
    let mut closed = Forge::new(10);
    closed.entries.remove(4);
    let mut renumbered = closed.export(&[]);
    renumbered.insert(4, ExportLine::checkpoint(&forge.note(3)).to_line());
    renumbered.push(ExportLine::checkpoint(&forge.note(10)).to_line());
    let what = Fault::SizeMismatch { signed: 10, found: 9 };
    assert_eq!(
        check(&renumbered, &forge).unwrap_err(),
        Tampered {
            at: Place::Checkpoint(9),
            what
        }
    );
}

#[test]
fn agp_r2_one_request_is_billed_once() {
    let mut forge = Forge::new(6);
    forge.entries.push(entry(TENANT, 2).to_bytes());
    let what = Fault::Doubled(entry(TENANT, 2).id);
    assert_eq!(
        check(&forge.export(&[7]), &forge).unwrap_err(),
        Tampered {
            at: Place::Entry(6),
            what
        }
    );
}

#[test]
fn agp_r2_a_truncated_export_is_noticed_at_every_line() {
    let (forge, good) = lines();
    for cut in 0..good.len() {
        let answer = check(&good[..cut], &forge);
        // Right after a signed head it is a whole, older ledger; only an older checkpoint can tell.
        let whole = matches!(cut, 5 | 10);
        assert_eq!(answer.is_ok(), whole, "{cut}");
        let known = verify_export(&good[..cut], forge.verifier(), Some(&forge.head(10)));
        assert!(known.is_err(), "{cut}");
    }
    let refused = verify_export(&good[..10], forge.verifier(), Some(&forge.head(10))).unwrap_err();
    assert_eq!(
        refused,
        Tampered {
            at: Place::End,
            what: Fault::RolledBack { now: 7, known: 10 }
        }
    );
    assert_eq!(
        check(&good[..9], &forge).unwrap_err().what,
        Fault::Unsigned { from: 3 }
    );
}

#[test]
fn agp_r2_entries_after_the_last_head_are_not_believed() {
    let (forge, mut lines) = lines();
    lines.push(
        ExportLine::entry(10, &entry(TENANT, 10).to_bytes())
            .unwrap()
            .to_line(),
    );
    assert_eq!(
        check(&lines, &forge).unwrap_err(),
        Tampered {
            at: Place::End,
            what: Fault::Unsigned { from: 10 }
        }
    );
}

#[test]
fn anp_0012_a_fork_is_named_at_the_head_that_was_known() {
    let forge = Forge::new(10);
    let mut fork = Forge::new(12);
    fork.entries[2] = entry(TENANT, 200).to_bytes();
    let lines = fork.export(&[12]);
    assert!(verify_export(&lines, forge.verifier(), Some(&forge.head(2))).is_ok());
    for known in 3..=10 {
        let refused = verify_export(&lines, forge.verifier(), Some(&forge.head(known))).unwrap_err();
        let what = Fault::Forked { size: known as u64 };
        assert_eq!(
            refused,
            Tampered {
                at: Place::Entry(known as u64 - 1),
                what
            }
        );
    }
}

#[test]
fn agp_r1_an_export_signed_again_with_another_key_is_refused() {
    let (forge, thief) = (Forge::new(10), Forge::of(TENANT, 10, 8));
    let mut lines = thief.export(&[10]);
    assert_eq!(
        check(&lines, &forge).unwrap_err(),
        Tampered {
            at: Place::Header,
            what: Fault::OtherKey
        }
    );
    lines[0] = forge.export(&[])[0].clone();
    let what = Fault::Note(NoteError::UnknownKey);
    assert_eq!(
        check(&lines, &forge).unwrap_err(),
        Tampered {
            at: Place::Checkpoint(10),
            what
        }
    );
}

#[test]
fn anp_0012_another_tenants_entries_and_heads_are_refused() {
    let (forge, other) = (Forge::new(4), Forge::of(TenantId::from_u128(9), 4, 7));
    let mut lines = forge.export(&[4]);
    lines[2] = other.export(&[])[2].clone();
    assert!(matches!(
        check(&lines, &forge).unwrap_err(),
        Tampered {
            at: Place::Entry(1),
            what: Fault::OtherTenant(_)
        }
    ));
    let mut lines = forge.export(&[4]);
    lines[5] = ExportLine::checkpoint(&other.note(4)).to_line();
    assert_eq!(
        check(&lines, &forge).unwrap_err().what,
        Fault::OtherLog(other.origin.clone())
    );
    let refused = verify_export(forge.export(&[4]), forge.verifier(), Some(&other.head(4))).unwrap_err();
    assert_eq!(refused.at, Place::Header);
}

#[test]
fn what_is_not_an_export_is_refused() {
    let (forge, good) = lines();
    for bad in [
        "",
        "{}",
        "null",
        "{\"entry\":1}",
        "{\"checkpoint\":\"\"}",
        "{\"other\":\"\"}",
    ] {
        let mut lines = good.clone();
        lines[6] = bad.into();
        assert!(check(&lines, &forge).is_err(), "{bad}");
        lines[0] = bad.into();
        assert!(check(&lines, &forge).is_err(), "{bad}");
    }
    let mut two = good.clone();
    two.insert(3, good[0].clone());
    assert_eq!(check(&two, &forge).unwrap_err().at, Place::Line(4));
    assert!(check(&[], &forge).is_err());
    assert!(check(&good[1..], &forge).is_err());
}

#[test]
fn the_message_says_where_and_what() {
    let (forge, mut lines) = lines();
    lines[6] = lines[6].replace("225000", "125000");
    let text = check(&lines, &forge).unwrap_err().to_string();
    assert_eq!(
        text,
        "entry 4: its bytes do not have the hash that stands beside them"
    );
}

proptest! {
    /// Whatever single byte of an export is changed, either it is refused or it says the same.
    #[test]
    fn agp_r2_no_changed_byte_changes_the_report(line in 0usize..14, at in any::<prop::sample::Index>(), to in 0x20u8..0x7f) {
        let (forge, mut lines) = lines();
        let report = check(&lines, &forge).unwrap();
        let mut bytes = lines[line].clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(changed) = String::from_utf8(bytes) {
            lines[line] = changed;
            if let Ok(again) = check(&lines, &forge) {
                prop_assert_eq!(again, report);
            }
        }
    }
}
