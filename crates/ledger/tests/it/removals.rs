//! Audit logs of which the beginning was removed, proofs of single records, and every way to tamper with either.

use domain::{AuditId, TenantId, UnixMillis};
use ledger::bundle::{
    ExportLine, Fault, Place, Proof, Report, Tampered, audit_origin_of, prove, prove_audit,
    verify_audit_export, verify_audit_proof, verify_audit_proof_since, verify_proof,
};
use ledger::merkle::{Hash, leaf_hash, root_of};
use ledger::note::{Checkpoint, Signer};
use ledger::retention::{EntriesRemoval, Removal};
use ledger::{AuditActor, AuditRecord};
use proptest::prelude::*;

use crate::forge::TENANT;

/// A tenant's audit log; of what was removed, the bytes are gone.
struct Log {
    signer: Signer,
    leaves: Vec<Hash>,
    kept: Vec<Option<Vec<u8>>>,
}

impl Log {
    fn new() -> Self {
        Self {
            signer: Signer::from_seed("gate.example", &[7; 32]).unwrap(),
            leaves: Vec::new(),
            kept: Vec::new(),
        }
    }

    fn whose(&self) -> (AuditId, TenantId) {
        (AuditId::from_u128(self.kept.len() as u128 + 1), TENANT)
    }

    fn append(&mut self, record: &AuditRecord) {
        let bytes = record.to_bytes();
        self.leaves.push(leaf_hash(&bytes));
        self.kept.push(Some(bytes));
    }

    fn act(&mut self) {
        let actor = AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned());
        let record = AuditRecord::done(self.whose(), UnixMillis(7), actor, "keys.create");
        self.append(&record);
    }

    /// As retention does it.
    fn remove(&mut self, below: usize) {
        let from = self.kept.iter().take_while(|bytes| bytes.is_none()).count();
        if below <= from {
            return;
        }
        let removal = Removal::new(from as u64, below as u64, 1_000);
        let record = removal.record(self.whose(), UnixMillis(8));
        self.kept[..below].fill(None);
        self.append(&record);
    }

    fn origin(&self) -> String {
        audit_origin_of("gate.example", TENANT)
    }

    fn head(&self, size: usize) -> Checkpoint {
        Checkpoint {
            origin: self.origin(),
            size: size as u64,
            root: root_of(&self.leaves[..size]),
        }
    }

    fn note(&self) -> String {
        self.signer.sign(&self.head(self.kept.len())).unwrap()
    }

    fn export(&self) -> Vec<String> {
        let mut lines = vec![ExportLine::audit_header(&self.origin(), self.signer.verifier())];
        for (index, bytes) in self.kept.iter().enumerate() {
            lines.push(match bytes {
                Some(bytes) => ExportLine::entry(index as u64, bytes).unwrap(),
                None => ExportLine::removed(index as u64, self.leaves[index]),
            });
        }
        lines.push(ExportLine::checkpoint(&self.note()));
        lines.iter().map(ExportLine::to_line).collect()
    }

    fn verified(&self, known: Option<&Checkpoint>) -> Result<Report, Tampered> {
        verify_audit_export(self.export(), self.signer.verifier(), known)
    }

    fn proof(&self, index: usize) -> Proof {
        let bytes = self.kept[index].as_ref().unwrap();
        prove_audit(bytes, index as u64, &self.leaves, &self.note(), None).unwrap()
    }
}

fn of(acts: usize) -> Log {
    let mut log = Log::new();
    (0..acts).for_each(|_| log.act());
    log
}

#[test]
fn agp_r3_what_retention_removed_is_told_and_the_rest_still_verifies() {
    let mut log = of(6);
    let known = log.head(5);
    log.remove(4);
    log.act();
    let report = log.verified(Some(&known)).unwrap();
    assert_eq!((report.entries, report.removed), (8, 4));
    let (index, removal) = report.removal.unwrap();
    assert_eq!((index, removal), (6, Removal::new(0, 4, 1_000)));
    // A record that told of an earlier removal may go with a later one.
    log.remove(7);
    let report = log.verified(Some(&known)).unwrap();
    assert_eq!((report.entries, report.removed), (9, 7));
    assert_eq!(report.removal.unwrap(), (8, Removal::new(4, 7, 1_000)));
}

#[test]
fn anp_0012_a_record_that_somebody_else_removed_is_tampering() {
    let mut log = of(8);
    log.remove(3);
    log.act();
    // In the middle, further than was said, and the record that says so.
    for (index, place) in [
        (5, Place::Entry(5)),
        (3, Place::Entries { from: 3, to: 4 }),
        (8, Place::Entry(8)),
        (9, Place::Entry(9)),
    ] {
        let bytes = log.kept[index].take();
        let broken = log.verified(None).unwrap_err();
        let expected = Tampered {
            at: place,
            what: Fault::Removed,
        };
        assert_eq!(broken, expected, "{index}");
        log.kept[index] = bytes;
    }
    assert!(log.verified(None).is_ok());
}

#[test]
fn agp_r3_a_removal_that_nobody_recorded_is_tampering() {
    let mut log = of(5);
    log.kept[0] = None;
    assert_eq!(log.verified(None).unwrap_err().what, Fault::Removed);
    // Nor does it help to say so as somebody else.
    let removal = Removal::new(0, 1, 1_000);
    let told = AuditRecord {
        actor: AuditActor::Operator("root".to_owned()),
        ..removal.record(log.whose(), UnixMillis(8))
    };
    log.append(&told);
    assert_eq!(log.verified(None).unwrap_err().what, Fault::Removed);
}

/// An export of a ledger whose first entries went, and the proof of what its audit log says of that.
fn without_first(forge: &crate::forge::Forge, count: usize, gone: u64, proof: Option<&Proof>) -> Vec<String> {
    let mut lines = forge.export(&[count]);
    for index in 0..gone {
        let at = usize::try_from(index).unwrap();
        lines[1 + at] = ExportLine::removed(index, forge.leaves(count)[at]).to_line();
    }
    if let Some(proof) = proof {
        lines.insert(1, ExportLine::Retention(Box::new(proof.clone())).to_line());
    }
    lines
}

fn removal(below: u64) -> EntriesRemoval {
    EntriesRemoval {
        from: 0,
        below,
        until: UnixMillis(5),
        keep_ms: 1_000,
    }
}

/// The proof of a record in the audit log of the forge's tenant.
fn told(record: impl FnOnce((AuditId, TenantId)) -> AuditRecord, origin: &str, seed: u8) -> Proof {
    let signer = Signer::from_seed("gate.example", &[seed; 32]).unwrap();
    let mut log = of(3);
    log.append(&record(log.whose()));
    log.act();
    let head = Checkpoint {
        origin: origin.to_owned(),
        ..log.head(5)
    };
    let bytes = log.kept[3].as_ref().unwrap();
    prove_audit(bytes, 3, &log.leaves, &signer.sign(&head).unwrap(), None).unwrap()
}

#[test]
fn agp_t4_entries_that_retention_removed_are_told_and_others_are_tampering() {
    let forge = crate::forge::Forge::new(4);
    let verified = |lines: &[String]| ledger::bundle::verify_export(lines, forge.verifier(), None);
    let origin = audit_origin_of("gate.example", TENANT);
    let good = told(|whose| removal(2).record(whose, UnixMillis(8)), &origin, 7);
    let report = verified(&without_first(&forge, 4, 2, Some(&good))).unwrap();
    assert_eq!((report.entries, report.removed), (4, 2));
    assert_eq!(report.retention, Some((UnixMillis(8), removal(2))));
    // What was told may not have been carried out.
    assert_eq!(
        verified(&without_first(&forge, 4, 1, Some(&good)))
            .unwrap()
            .removed,
        1
    );
    // Nobody told of it, or of less.
    for (gone, proof, at) in [(1, None, 0), (3, Some(&good), 2)] {
        let expected = Tampered {
            at: Place::Entry(at),
            what: Fault::Removed,
        };
        assert_eq!(
            verified(&without_first(&forge, 4, gone, proof)),
            Err(expected),
            "{gone}"
        );
    }
    // In the middle.
    let mut lines = without_first(&forge, 4, 0, Some(&good));
    lines[3] = ExportLine::removed(1, forge.leaves(4)[1]).to_line();
    assert_eq!(verified(&lines).unwrap_err().what, Fault::Removed);
    // Another hash in the place of what went.
    let mut lines = without_first(&forge, 4, 2, Some(&good));
    lines[3] = ExportLine::removed(1, [7; 32]).to_line();
    assert!(verified(&lines).is_err());
    // Told by somebody else, of another log, under another key, behind the entries, or twice.
    let by_user = |whose| AuditRecord {
        actor: AuditActor::Operator("root".to_owned()),
        ..removal(2).record(whose, UnixMillis(8))
    };
    let another = TenantId::from_u128(9);
    let elsewhere = audit_origin_of("gate.example", another);
    let theirs = |(id, _)| removal(2).record((id, another), UnixMillis(8));
    let ours = |whose| removal(2).record(whose, UnixMillis(8));
    for bad in [
        told(by_user, &origin, 7),
        told(theirs, &elsewhere, 7),
        told(ours, &forge.origin, 7),
        told(ours, &origin, 99),
    ] {
        assert!(verified(&without_first(&forge, 4, 2, Some(&bad))).is_err());
    }
    let mut late = without_first(&forge, 4, 2, Some(&good));
    let line = late.remove(1);
    late.insert(4, line.clone());
    assert!(verified(&late).is_err());
    let mut twice = without_first(&forge, 4, 2, Some(&good));
    twice.insert(1, line);
    assert!(verified(&twice).is_err());
}

#[test]
fn agp_r3_every_record_that_is_left_is_proved() {
    let mut log = of(9);
    let known = log.head(4);
    log.remove(5);
    for index in 5..10 {
        let json = serde_json::to_string(&log.proof(index)).unwrap();
        let read: Proof = serde_json::from_str(&json).unwrap();
        let verified = verify_audit_proof(&read, log.signer.verifier()).unwrap();
        assert_eq!((verified.index, verified.checkpoint.size), (index as u64, 10));
        assert_eq!(verified.record.to_bytes(), *log.kept[index].as_ref().unwrap());
        let bytes = log.kept[index].as_ref().unwrap();
        let since = prove_audit(bytes, index as u64, &log.leaves, &log.note(), Some(4)).unwrap();
        assert!(verify_audit_proof_since(&since, log.signer.verifier(), &known).is_ok());
        let forked = Checkpoint {
            root: [0; 32],
            ..known.clone()
        };
        assert!(verify_audit_proof_since(&since, log.signer.verifier(), &forked).is_err());
        assert!(verify_audit_proof_since(&read, log.signer.verifier(), &known).is_err());
    }
}

#[test]
fn anp_0012_a_changed_proof_of_a_record_is_refused() {
    let log = of(9);
    let good = log.proof(4);
    let thief = Signer::from_seed("gate.example", &[8; 32]).unwrap();
    let entry = |entry: String| Proof {
        entry,
        ..good.clone()
    };
    let mut path = good.clone();
    path.inclusion[1].0[3] ^= 1;
    let mut short = good.clone();
    short.inclusion.pop();
    for bad in [
        entry(good.entry.replace("ann@", "bob@")),
        entry(good.entry.replace("keys.create", "keys.delete")),
        entry(format!("{} ", good.entry)),
        Proof {
            index: 5,
            ..good.clone()
        },
        Proof {
            size: 8,
            ..good.clone()
        },
        Proof {
            format: "bartizan-proof/1".to_owned(),
            ..good.clone()
        },
        Proof {
            checkpoint: thief.sign(&log.head(9)).unwrap(),
            ..good.clone()
        },
        path,
        short,
    ] {
        assert!(
            verify_audit_proof(&bad, log.signer.verifier()).is_err(),
            "{bad:?}"
        );
    }
    assert!(verify_audit_proof(&good, log.signer.verifier()).is_ok());
    assert!(
        verify_proof(&good, log.signer.verifier()).is_err(),
        "it is no entry's"
    );
}

#[test]
fn anp_0012_a_record_proves_nothing_under_the_ledgers_head() {
    let log = of(3);
    let bytes = log.kept[1].as_ref().unwrap();
    let ledgers = Checkpoint {
        origin: log.origin().trim_end_matches("/audit").to_owned(),
        ..log.head(3)
    };
    let note = log.signer.sign(&ledgers).unwrap();
    let proof = prove_audit(bytes, 1, &log.leaves, &note, None).unwrap();
    let refused = verify_audit_proof(&proof, log.signer.verifier()).unwrap_err();
    assert!(matches!(refused.what, Fault::OtherLog(_)), "{refused}");
    let entry = prove(bytes, 1, &log.leaves, &log.note()).unwrap();
    assert!(verify_proof(&entry, log.signer.verifier()).is_err());
}

proptest! {
    /// Acts and removals in any order: all of it verifies, also against every head from before; one record more that
    /// goes does not.
    #[test]
    fn anp_0012_removals_in_any_order_verify_and_one_more_does_not(
        steps in proptest::collection::vec((0_usize..4, any::<prop::sample::Index>()), 1..40),
        known in any::<prop::sample::Index>(),
        stolen in any::<prop::sample::Index>(),
        bit in 0_usize..256,
    ) {
        let mut log = of(1);
        let mut heads = vec![log.head(1)];
        for (step, place) in steps {
            match step {
                0 => log.remove(place.index(log.kept.len() + 1)),
                _ => log.act(),
            }
            heads.push(log.head(log.kept.len()));
        }
        let gone = log.kept.iter().take_while(|bytes| bytes.is_none()).count();
        let known = &heads[known.index(heads.len())];
        let report = log.verified(Some(known)).unwrap();
        prop_assert_eq!((report.entries, report.removed), (log.kept.len() as u64, gone as u64));

        let stolen = gone + stolen.index(log.kept.len() - gone);
        let bytes = log.kept[stolen].take();
        prop_assert_eq!(log.verified(Some(known)).unwrap_err().what, Fault::Removed);
        log.kept[stolen] = bytes;

        if gone > 0 {
            let honest = log.note();
            let mut lines = log.export();
            let mut leaf = log.leaves[stolen % gone];
            leaf[bit / 8] ^= 1 << (bit % 8);
            lines[1 + stolen % gone] = ExportLine::removed((stolen % gone) as u64, leaf).to_line();
            prop_assert!(lines.last().unwrap().contains(&serde_json::to_string(&honest).unwrap()));
            prop_assert!(verify_audit_export(&lines, log.signer.verifier(), None).is_err());
        }
    }
}
