//! Entries, leaves, proofs and signatures.

use std::hint::black_box;
use std::time::Instant;

use domain::TenantId;
use ledger::bundle::{ExportLine, origin_of, verify_export};
use ledger::merkle::{Frontier, inclusion_proof, leaf_hash, verify_inclusion};
use ledger::note::{self, Checkpoint, Signer};

use super::{Part, failed, nanos, paper};
use crate::failure::Outcome;

/// What can be measured without a store.
pub fn measure(leaves: u64) -> Outcome<Vec<Part>> {
    let entry = paper::entry(1);
    let bytes = entry.to_bytes();
    let written = nanos(1_000, || drop(black_box(entry.to_bytes())));
    let by_serde = nanos(1_000, || drop(black_box(serde_json::to_vec(&entry))));
    let hashed = nanos(1_000, || _ = black_box(leaf_hash(&bytes)));
    let mut parts = vec![
        Part::alone("an entry's canonical bytes", written, "ns").beside("serde_json of the same", by_serde),
        Part::alone(format!("its leaf ({} bytes)", bytes.len()), hashed, "ns"),
    ];
    parts.extend(proofs(leaves)?);
    parts.extend(export(leaves)?);
    Ok(parts)
}

fn proofs(leaves: u64) -> Outcome<Vec<Part>> {
    let hashes: Vec<_> = (0..leaves).map(|at| leaf_hash(&at.to_be_bytes())).collect();
    let (mut frontier, index) = (Frontier::default(), leaves / 3);
    hashes.iter().for_each(|leaf| frontier.push(*leaf));
    let root = frontier.root();
    let proof = inclusion_proof(&hashes, index).ok_or_else(|| failed("no proof"))?;
    let leaf = hashes.get(index as usize).ok_or_else(|| failed("no leaf"))?;
    let verified = nanos(500, || {
        assert!(verify_inclusion(leaf, index, leaves, &proof, &root))
    });
    let made = nanos(1, || drop(black_box(inclusion_proof(&hashes, index))));
    let signer = Signer::from_seed("bench", &[7; 32]).map_err(failed)?;
    let head = Checkpoint {
        origin: "bench/log".to_owned(),
        size: leaves,
        root,
    };
    let signed = head.sign(&signer).map_err(failed)?;
    let verifiers = [signer.verifier().clone()];
    let signing = nanos(50, || drop(black_box(head.sign(&signer))));
    let opening = nanos(50, || drop(black_box(note::open(&signed, &verifiers))));
    let size = format!("of one leaf among {leaves}");
    Ok(vec![
        Part::alone(format!("a proof {size}, made from all leaves"), made / 1e6, "ms"),
        Part::alone(format!("a proof {size}, verified"), verified / 1e3, "µs"),
        Part::alone("a signed head, made", signing / 1e3, "µs"),
        Part::alone("a signed head, verified", opening / 1e3, "µs"),
    ])
}

/// An export of a tenth as many entries, verified as an auditor would.
fn export(leaves: u64) -> Outcome<Vec<Part>> {
    let origin = origin_of("bench", TenantId::from_u128(1));
    let signer = Signer::from_seed("bench", &[7; 32]).map_err(failed)?;
    let (mut frontier, count) = (Frontier::default(), leaves / 10);
    let mut lines = vec![ExportLine::header(&origin, signer.verifier()).to_line()];
    for index in 0..count {
        let bytes = paper::entry(index).to_bytes();
        frontier.append(&bytes);
        lines.push(
            ExportLine::entry(index, &bytes)
                .ok_or_else(|| failed("no line"))?
                .to_line(),
        );
    }
    let head = Checkpoint {
        origin,
        size: count,
        root: frontier.root(),
    };
    lines.push(ExportLine::checkpoint(&head.sign(&signer).map_err(failed)?).to_line());
    let from = Instant::now();
    let report = verify_export(&lines, signer.verifier(), None).map_err(failed)?;
    let rate = report.entries as f64 / from.elapsed().as_secs_f64();
    Ok(vec![Part::alone(
        format!("an export of {count} entries, verified"),
        rate,
        "entries/s",
    )])
}
