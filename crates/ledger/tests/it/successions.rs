//! Keys that follow each other: whoever was given any of them follows the log to the newest, and nothing that was
//! changed, dropped, reordered, cut, forked or signed with a key that was replaced passes.

use domain::UnixMillis;
use ledger::bundle::{
    ExportLine, Fault, Handover, LogKeys, Place, Proof, Report, Tampered, prove, verify_export, verify_proof,
};
use ledger::certificate::{Certificate, CertificateError, Head, Revoked};
use ledger::merkle::root_of;
use ledger::note::{Checkpoint, NoteError, Signer, Verifier};
use ledger::succession::{Chain, Succession, SuccessionError, Trust};
use proptest::prelude::*;

use crate::forge::{Forge, TENANT};

/// A log whose key was replaced, and two others beside it.
#[derive(Debug)]
struct House {
    forge: Forge,
    signers: Vec<Signer>,
    /// How long the log was when each key but the newest went.
    went: Vec<usize>,
    notes: Vec<String>,
    handovers: Vec<Handover>,
}

fn signer(number: usize) -> Signer {
    Signer::from_seed("gate.example", &[u8::try_from(number).unwrap() + 50; 32]).unwrap()
}

impl House {
    /// `went`: how long the log was at each succession; `lost`: which keys were given up.
    fn new(count: usize, went: &[usize], lost: &[usize]) -> Self {
        let mut forge = Forge::new(count as u128);
        let signers: Vec<Signer> = (0..=went.len()).map(signer).collect();
        forge.signer = signer(went.len());
        let mut house = Self {
            forge,
            signers,
            went: went.to_vec(),
            notes: Vec::new(),
            handovers: Vec::new(),
        };
        for (at, size) in went.iter().enumerate() {
            let heads = house.heads(*size);
            let note = house.succession(at, &heads, lost.contains(&at));
            house
                .handovers
                .push(Handover::of(&note, &heads, &house.forge.origin));
            house.notes.push(note);
        }
        house
    }

    /// Heads of all logs, this one's among them if it is not empty.
    fn heads(&self, size: usize) -> Vec<Checkpoint> {
        let other = |name: &str| Checkpoint {
            origin: format!("gate.example/{name}"),
            size: 4,
            root: [9; 32],
        };
        let mut heads = vec![other("one")];
        if size > 0 {
            heads.push(self.forge.head(size));
        }
        heads.push(other("two"));
        heads
    }

    fn succession(&self, at: usize, heads: &[Checkpoint], lost: bool) -> String {
        let succession = Succession {
            number: at as u64 + 1,
            from: self.signers[at].verifier(),
            old: (!lost).then_some(&self.signers[at]),
            new: &self.signers[at + 1],
            at: UnixMillis(7),
            heads,
        };
        succession.sign().unwrap()
    }

    /// Which key signs a log of this size.
    fn key_at(&self, size: usize) -> usize {
        self.went.iter().filter(|went| size > **went).count()
    }

    fn note(&self, size: usize) -> String {
        self.signers[self.key_at(size)]
            .sign(&self.forge.head(size))
            .unwrap()
    }

    fn export(&self, heads: &[usize]) -> Vec<String> {
        let newest = self.signers.last().unwrap().verifier();
        let mut lines = vec![ExportLine::header(&self.forge.origin, newest)];
        lines.extend(self.handovers.iter().cloned().map(ExportLine::Succession));
        for size in 0..=self.forge.entries.len() {
            if let Some(last) = size.checked_sub(1) {
                lines.push(ExportLine::entry(last as u64, &self.forge.entries[last]).unwrap());
            }
            if heads.contains(&size) || size == self.forge.entries.len() {
                lines.push(ExportLine::checkpoint(&self.note(size)));
            }
        }
        lines.iter().map(ExportLine::to_line).collect()
    }

    fn proof(&self, index: usize, size: usize) -> Proof {
        let leaves = self.forge.leaves(size);
        let entry = &self.forge.entries[index];
        Proof {
            successions: self.handovers.clone(),
            ..prove(entry, index as u64, &leaves, &self.note(size)).unwrap()
        }
    }

    fn pin(&self, at: usize) -> &Verifier {
        self.signers[at].verifier()
    }
}

fn verify(lines: &[String], pinned: &Verifier) -> Result<Report, Tampered> {
    verify_export(lines, pinned, None)
}

#[test]
fn agp_r1_whoever_has_any_of_the_keys_follows_it_to_the_newest() {
    let house = House::new(12, &[3, 3, 8], &[]);
    let lines = house.export(&[2, 3, 5, 8, 10]);
    for pinned in 0..4 {
        let report = verify(&lines, house.pin(pinned)).unwrap();
        assert_eq!(
            (report.entries, report.successions, report.checkpoints),
            (12, 3, 6)
        );
        assert_eq!(report.key, house.pin(3).to_string());
        verify_proof(&house.proof(2, 12), house.pin(pinned)).unwrap();
        // Old checkpoints that were kept hold, each with the key that signed it then.
        for kept in [1, 2, 3, 4, 8, 9, 12] {
            let note = house.note(kept);
            let trust = Trust::from(house.pin(pinned)).since(Some(&note));
            assert_eq!(
                verify_export(&lines, trust, None).unwrap().since,
                Some(kept as u64)
            );
        }
    }
    let stranger = Signer::from_seed("gate.example", &[1; 32]).unwrap();
    let refused = verify(&lines, stranger.verifier()).unwrap_err();
    assert_eq!(refused.what, Fault::Succession(SuccessionError::OtherKey));
    let namesake = Signer::from_seed("other.example", &[50; 32]).unwrap();
    assert!(verify(&lines, namesake.verifier()).is_err());
}

#[test]
fn anp_0012_what_a_replaced_key_signs_afterwards_is_found_and_where() {
    let house = House::new(12, &[5], &[]);
    // The old key signs on, over the true log.
    let mut lines = house.export(&[]);
    let late = house.signers[0].sign(&house.forge.head(12)).unwrap();
    *lines.last_mut().unwrap() = ExportLine::checkpoint(&late).to_line();
    let superseded = Fault::Superseded {
        key: house.pin(0).to_string(),
        size: 12,
        until: 5,
    };
    for pinned in 0..2 {
        let refused = verify(&lines, house.pin(pinned)).unwrap_err();
        assert_eq!(
            refused,
            Tampered {
                at: Place::Checkpoint(12),
                what: superseded.clone()
            }
        );
    }
    let late_proof = Proof {
        checkpoint: late.clone(),
        ..house.proof(1, 12)
    };
    assert_eq!(
        verify_proof(&late_proof, house.pin(0)).unwrap_err().what,
        superseded
    );
    // A checkpoint that somebody was given as old.
    let kept = Trust::from(house.pin(0)).since(Some(&late));
    let refused = verify_export(house.export(&[]), kept, None).unwrap_err();
    assert_eq!((refused.at, refused.what), (Place::Kept, superseded));

    // Another history up to where it went, as the thief of the old key would sign it.
    let mut forged = House::new(12, &[5], &[]);
    forged.forge.entries.swap(1, 2);
    forged.handovers.clone_from(&house.handovers);
    let refused = verify(&forged.export(&[3, 5]), house.pin(0)).unwrap_err();
    assert_eq!(refused.what, Fault::Forked { size: 5 });
    for (size, what) in [
        (4, Fault::Unproven { size: 4, until: 5 }),
        (5, Fault::Forked { size: 5 }),
    ] {
        let refused = verify_proof(&forged.proof(1, size), house.pin(0)).unwrap_err();
        assert_eq!(refused.what, what);
    }
    // Without a word of the succession, by the old key alone: found by whoever knows what was published.
    let silent = Forge {
        signer: signer(0),
        ..Forge::new(12)
    };
    let silent = silent.export(&[12]);
    assert!(verify(&silent, house.pin(0)).is_ok(), "nobody could know");
    let knowing = Trust::from(house.pin(0)).published(&house.notes);
    let refused = verify_export(&silent, knowing, None).unwrap_err();
    assert_eq!(
        refused.what,
        Fault::Succession(SuccessionError::Missing { number: 1 })
    );
}

#[test]
fn agp_r1_successions_are_neither_dropped_swapped_nor_made_up() {
    let house = House::new(12, &[3, 6, 9], &[]);
    let good = house.export(&[]);
    assert!(verify(&good, house.pin(0)).is_ok());
    for at in 1..=3 {
        let mut dropped = good.clone();
        dropped.remove(at);
        for pinned in 0..4 {
            assert!(
                verify(&dropped, house.pin(pinned)).is_err(),
                "{at} dropped, {pinned} pinned"
            );
        }
        let mut doubled = good.clone();
        doubled.insert(at, good[at].clone());
        assert!(verify(&doubled, house.pin(0)).is_err());
        let mut late = good.clone();
        let moved = late.remove(at);
        late.insert(6, moved);
        assert!(verify(&late, house.pin(0)).is_err());
    }
    let mut swapped = good.clone();
    swapped.swap(1, 2);
    let refused = verify(&swapped, house.pin(0)).unwrap_err();
    assert_eq!(
        refused.what,
        Fault::Succession(SuccessionError::OutOfOrder { due: 1 })
    );
    // Cut before the newest key took over.
    let cut: Vec<String> = good[..4 + 8].to_vec();
    let refused = verify(&cut, house.pin(0)).unwrap_err();
    assert_eq!(refused.what, Fault::RolledBack { now: 8, known: 9 });
    // Another head than was signed, and none where there was one.
    let with_head = |bend: &dyn Fn(&mut Handover)| {
        let mut bent = House::new(12, &[3, 6, 9], &[]);
        bend(&mut bent.handovers[1]);
        verify(&bent.export(&[]), house.pin(0)).unwrap_err().what
    };
    let moved = with_head(&|one| one.head.as_mut().unwrap().size = 7);
    assert_eq!(moved, Fault::NotHandedOver { number: 2 });
    let emptied = with_head(&|one| one.head = None);
    assert_eq!(emptied, Fault::NotHandedOver { number: 2 });
    let index = with_head(&|one| one.head.as_mut().unwrap().index = 0);
    assert_eq!(index, Fault::NotHandedOver { number: 2 });
    // A thief of the second key hands over to a key of their own: seen by whoever knows what was published, and by
    // whoever has the true key.
    let mut thief = House::new(12, &[3, 6], &[]);
    thief.signers[2] = Signer::from_seed("gate.example", &[1; 32]).unwrap();
    let heads = thief.heads(6);
    let note = thief.succession(1, &heads, false);
    thief.handovers[1] = Handover::of(&note, &heads, &thief.forge.origin);
    let lines = thief.export(&[]);
    assert!(verify(&lines, house.pin(3)).is_err());
    let knowing = Trust::from(house.pin(0)).published(&house.notes);
    let refused = verify_export(&lines, knowing, None).unwrap_err();
    assert_eq!(
        refused.what,
        Fault::Succession(SuccessionError::Other { number: 2 })
    );
    // Nobody but the old key hands over, and the new one must be there.
    let heads = house.heads(3);
    let (old, new) = (&house.signers[0], &house.signers[2]);
    let note = Succession {
        number: 1,
        from: house.pin(1),
        old: Some(old),
        new,
        at: UnixMillis(1),
        heads: &heads,
    };
    let refused = Chain::establish(house.pin(1), &[note.sign().unwrap()]).unwrap_err();
    let unsigned = SuccessionError::Note {
        number: 1,
        what: NoteError::UnknownKey,
    };
    assert_eq!(refused, unsigned);
    let one_signature = |line: usize| {
        let (text, signatures) = house.notes[0].split_once("\n\n").unwrap();
        let line = signatures.lines().nth(line).unwrap();
        format!("{text}\n\n{line}\n")
    };
    for line in 0..2 {
        let refused = Chain::establish(house.pin(0), &[one_signature(line)]).unwrap_err();
        assert_eq!(refused, unsigned, "{line}");
    }
}

#[test]
fn agp_r1_a_lost_key_leads_nobody_on_and_the_new_one_holds_what_it_signed() {
    let house = House::new(12, &[3, 6, 9], &[1]);
    let lines = house.export(&[2, 5, 7]);
    for pinned in 0..2 {
        let refused = verify(&lines, house.pin(pinned)).unwrap_err();
        assert_eq!(
            refused.what,
            Fault::Succession(SuccessionError::GivenUp { number: 2 })
        );
    }
    for pinned in 2..4 {
        assert!(verify(&lines, house.pin(pinned)).is_ok());
        for kept in [2, 5, 8] {
            let note = house.note(kept);
            let trust = Trust::from(house.pin(pinned)).since(Some(&note));
            assert!(verify_export(&lines, trust, None).is_ok());
        }
        // The thief.
        let note = house.signers[1].sign(&house.forge.head(7)).unwrap();
        let trust = Trust::from(house.pin(pinned)).since(Some(&note));
        let refused = verify_export(&lines, trust, None).unwrap_err();
        assert!(
            matches!(
                refused.what,
                Fault::Superseded {
                    size: 7,
                    until: 6,
                    ..
                }
            ),
            "{refused}"
        );
    }
}

#[test]
fn anp_0016_a_certificate_of_a_replaced_key_is_not_believed_alone() {
    let house = House::new(4, &[2], &[]);
    let head = |suffix: &str| Head {
        origin: format!("gate.example/{TENANT}{suffix}"),
        size: 2,
        root: ledger::bundle::HexHash(root_of(&house.forge.leaves(2))),
    };
    let certificate = Certificate {
        tenant: TENANT,
        name: "acme".into(),
        begun: UnixMillis(1),
        finished: UnixMillis(2),
        by: ledger::AuditActor::Gate("offboarding".into()),
        reason: "done".into(),
        revoked: Revoked::default(),
        ledger: head(""),
        audit: head("/audit"),
        record: domain::AuditId::from_u128(1),
    };
    let (old, new) = (
        certificate.sign(&house.signers[0]).unwrap(),
        certificate.sign(&house.signers[1]).unwrap(),
    );
    assert_eq!(Certificate::open(&old, house.pin(0)).unwrap(), certificate);
    for pinned in 0..2 {
        let knowing = Trust::from(house.pin(pinned)).published(&house.notes);
        assert_eq!(Certificate::open(&new, knowing).unwrap(), certificate);
        let refused = Certificate::open(&old, knowing);
        assert_eq!(refused.unwrap_err(), CertificateError::Superseded);
        assert_eq!(
            Certificate::open_of_any(&old, knowing).unwrap(),
            (certificate.clone(), Some(0))
        );
    }
    assert!(
        Certificate::open(&new, house.pin(0)).is_err(),
        "nothing leads there"
    );
    // What its key might not sign any more.
    let keys = LogKeys::of(&house.pin(0).into(), &house.forge.origin, &house.handovers).unwrap();
    let longer = house.forge.head(3);
    assert!(keys.judge(&longer, 0).is_err() && keys.judge(&longer, 1).is_ok());
}

/// Sizes at which keys are replaced, in order.
fn rotations(count: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..=count, 0..5).prop_map(|mut sizes| {
        sizes.sort_unstable();
        sizes
    })
}

fn houses() -> impl Strategy<Value = House> {
    (1usize..14).prop_flat_map(|count| rotations(count).prop_map(move |went| House::new(count, &went, &[])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn agp_r1_honest_logs_pass_whichever_key_is_pinned(
        house in houses(), heads in proptest::collection::vec(1usize..14, 0..4), pinned: prop::sample::Index,
        kept: prop::sample::Index, proved: prop::sample::Index,
    ) {
        let count = house.forge.entries.len();
        let lines = house.export(&heads);
        let pinned = house.pin(pinned.index(house.signers.len()));
        let note = house.note(1 + kept.index(count));
        let trust = Trust::from(pinned).published(&house.notes).since(Some(&note));
        prop_assert_eq!(verify_export(&lines, trust, None).unwrap().entries, count as u64);
        prop_assert!(verify_proof(&house.proof(proved.index(count), count), pinned).is_ok());
    }

    #[test]
    fn anp_0012_no_change_passes_whichever_key_is_pinned(
        house in houses(), pinned: prop::sample::Index, at: prop::sample::Index, with: prop::sample::Index,
        how in 0usize..5, letter: prop::sample::Index,
    ) {
        let count = house.forge.entries.len();
        let good = house.export(&[count.div_ceil(2)]);
        let mut bad = good.clone();
        let (at, with) = (at.index(good.len()), with.index(good.len()));
        match how {
            0 => { bad.remove(at); }
            1 => bad.swap(at, with),
            2 => { bad.insert(at, good[with].clone()); }
            3 => bad.truncate(at),
            _ => {
                let place = letter.index(bad[at].len());
                let mut bytes = bad[at].clone().into_bytes();
                bytes[place] ^= 1;
                bad[at] = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        // A second checkpoint in the middle may go, come twice or trade places with itself: it says the same.
        let spare = |lines: &[String]| -> Vec<String> {
            let mut lines = lines.to_vec();
            lines.dedup();
            let last = lines.len().saturating_sub(1);
            let mut at = 0;
            lines.retain(|line| { at += 1; at > last || !line.starts_with("{\"checkpoint\"") });
            lines
        };
        prop_assume!(spare(&bad) != spare(&good));
        for pinned in [house.pin(pinned.index(house.signers.len())), house.pin(0)] {
            let trust = Trust::from(pinned).published(&house.notes);
            // Cut just after a checkpoint it is what the log was then: only who knows of a later one can tell.
            let was = how == 3 && bad.last().is_some_and(|line| line.starts_with("{\"checkpoint\""));
            let note = house.note(count);
            let trust = if was { trust.since(Some(&note)) } else { trust };
            let report = verify_export(&bad, trust, None);
            prop_assert!(report.is_err(), "{how} at {at} with {with}: {report:?}\n{bad:#?}");
        }
    }

    #[test]
    fn anp_0012_a_replaced_key_signs_nothing_that_passes(
        house in houses(), key: prop::sample::Index, pinned: prop::sample::Index, size: prop::sample::Index,
        changed: prop::sample::Index,
    ) {
        let count = house.forge.entries.len();
        prop_assume!(house.signers.len() > 1);
        let key = key.index(house.signers.len() - 1);
        let pinned = house.pin(pinned.index(house.signers.len()));
        let (went, size) = (house.went[key], 1 + size.index(count));
        // The true log, signed past where the key went.
        let late = house.signers[key].sign(&house.forge.head(size)).unwrap();
        let late = Proof { checkpoint: late, ..house.proof(0, size) };
        let passes = verify_proof(&late, pinned).is_ok();
        prop_assert_eq!(passes, size == went && (key == 0 || size >= house.went[key - 1]));
        // Another log up to where it went.
        if went > 0 {
            let mut forged = House::new(count, &house.went, &[]);
            let one = changed.index(went);
            forged.forge.entries[one] = crate::forge::entry(TENANT, 777).to_bytes();
            forged.handovers.clone_from(&house.handovers);
            prop_assert!(verify_export(forged.export(&[went]), pinned, None).is_err());
            let note = house.signers[key].sign(&forged.forge.head(went)).unwrap();
            let proof = Proof { checkpoint: note, ..forged.proof(one, went) };
            prop_assert!(verify_proof(&proof, pinned).is_err());
        }
    }
}
