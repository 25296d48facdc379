//! The proof that one entry is in a tenant's ledger, or one record in its audit log: everything to verify it but the
//! log's public key.

use serde::{Deserialize, Serialize};

use super::handover::{Handover, LogKeys, Signed};
use super::kind::Kind;
use super::{Fault, Place, Tampered, check_tenant, same_history};
use crate::merkle::{self, Hash};
use crate::note::{self, Checkpoint};
use crate::succession::Trust;
use crate::{AuditRecord, Entry};

/// One entry or audit record with its path to a signed root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `bartizan-proof/1`, or `bartizan-audit-proof/1` of an audit record.
    pub format: String,
    /// The entry's or record's canonical bytes, as text.
    pub entry: String,
    /// Its place in the log, from 0.
    pub index: u64,
    /// How long the log was.
    pub size: u64,
    /// The inclusion path, hex, from the leaf up.
    pub inclusion: Vec<HexHash>,
    /// The signed head of that size.
    pub checkpoint: String,
    /// That the log of an earlier size is a beginning of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// How the log went from key to key, the oldest succession first; left out where its key was never replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successions: Vec<Handover>,
}

/// A consistency path from an earlier head to the proof's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// How long the log was then.
    pub old_size: u64,
    /// The path, hex.
    pub path: Vec<HexHash>,
}

/// A hash, 64 lower-case hex digits in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HexHash(pub Hash);

impl std::fmt::Display for HexHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for HexHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for HexHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash: Option<Hash> = hex::decode(&text).ok().and_then(|bytes| bytes.try_into().ok());
        hash.filter(|hash| hex::encode(hash) == text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected 64 lower-case hex digits"))
    }
}

/// What a proof proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The entry.
    pub entry: Entry,
    /// Its place in the log.
    pub index: u64,
    /// The head that covers it.
    pub checkpoint: Checkpoint,
    /// How long the log was by the checkpoint kept from earlier, if there was one.
    pub since: Option<u64>,
    /// The log's newest key.
    pub key: String,
}

/// What a proof of an audit record proved.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedRecord {
    /// The record.
    pub record: AuditRecord,
    /// Its place in the log.
    pub index: u64,
    /// The head that covers it.
    pub checkpoint: Checkpoint,
    /// How long the log was by the checkpoint kept from earlier, if there was one.
    pub since: Option<u64>,
    /// The log's newest key.
    pub key: String,
}

/// Makes the proof of the entry with `bytes` at `index`. `leaves` are the hashes of all the entries that
/// `checkpoint`, a signed note, covers. `None` if there is no such leaf or the bytes are not text.
pub fn prove(bytes: &[u8], index: u64, leaves: &[Hash], checkpoint: &str) -> Option<Proof> {
    let size = u64::try_from(leaves.len()).ok()?;
    prove_along(
        bytes,
        (index, size),
        merkle::inclusion_proof(leaves, index)?,
        checkpoint,
    )
}

/// As [`prove`], along a path that is known: of the entry at `index` to the head at `size`.
pub fn prove_along(
    bytes: &[u8],
    (index, size): (u64, u64),
    path: Vec<Hash>,
    checkpoint: &str,
) -> Option<Proof> {
    Some(Proof {
        format: format_of(Kind::Ledger).into(),
        entry: String::from_utf8(bytes.to_vec()).ok()?,
        index,
        size,
        inclusion: hexed(path),
        checkpoint: checkpoint.into(),
        consistency: None,
        successions: Vec::new(),
    })
}

impl Proof {
    /// The same, with the path that shows that the log only grew since it had `old_size` entries.
    #[must_use]
    pub fn since(self, old_size: u64, path: Vec<Hash>) -> Self {
        let path = hexed(path);
        Self {
            consistency: Some(Consistency { old_size, path }),
            ..self
        }
    }
}

/// As [`prove`], with the path that shows that nothing was rewritten since the log had `old_size` entries.
pub fn prove_since(
    bytes: &[u8],
    index: u64,
    leaves: &[Hash],
    checkpoint: &str,
    old_size: u64,
) -> Option<Proof> {
    let path = hexed(merkle::consistency_proof(leaves, old_size)?);
    let proof = prove(bytes, index, leaves, checkpoint)?;
    Some(Proof {
        consistency: Some(Consistency { old_size, path }),
        ..proof
    })
}

/// Makes the proof of the audit record with `bytes` at `index`, as [`prove`] does of an entry, with the path from
/// `old_size` where one is named.
pub fn prove_audit(
    bytes: &[u8],
    index: u64,
    leaves: &[Hash],
    checkpoint: &str,
    old_size: Option<u64>,
) -> Option<Proof> {
    let proof = match old_size {
        Some(old_size) => prove_since(bytes, index, leaves, checkpoint, old_size)?,
        None => prove(bytes, index, leaves, checkpoint)?,
    };
    Some(Proof {
        format: format_of(Kind::Audit).into(),
        ..proof
    })
}

/// As [`prove_along`], of an audit record.
pub fn prove_audit_along(
    bytes: &[u8],
    place: (u64, u64),
    path: Vec<Hash>,
    checkpoint: &str,
) -> Option<Proof> {
    Some(Proof {
        format: format_of(Kind::Audit).into(),
        ..prove_along(bytes, place, path, checkpoint)?
    })
}

/// Whether the entry is in the ledger of whoever is trusted, and, if a checkpoint was kept from earlier, whether the log
/// only grew since.
// threat: AGP-R1
// threat: AGP-R2
pub fn verify_proof<'t>(proof: &Proof, trust: impl Into<Trust<'t>>) -> Result<Verified, Tampered> {
    let included = included(Kind::Ledger, proof, &trust.into())?;
    let entry = Entry::from_bytes(proof.entry.as_bytes());
    Ok(Verified {
        entry: entry.map_err(|error| Fault::Entry(error).at(Place::Entry(proof.index)))?,
        index: proof.index,
        checkpoint: included.checkpoint,
        since: included.since,
        key: included.key,
    })
}

/// As [`verify_proof`], and whether the log only grew since `known`, a head kept from earlier that is believed already.
// threat: ANP-0012
pub fn verify_proof_since<'t>(
    proof: &Proof,
    trust: impl Into<Trust<'t>>,
    known: &Checkpoint,
) -> Result<Verified, Tampered> {
    let verified = verify_proof(proof, trust)?;
    only_grew(proof, &verified.checkpoint, known)?;
    Ok(Verified {
        since: Some(known.size),
        ..verified
    })
}

/// Whether the record is in the audit log of whoever is trusted, and, if a checkpoint was kept from earlier, whether the
/// log only grew since.
// threat: AGP-R3
pub fn verify_audit_proof<'t>(
    proof: &Proof,
    trust: impl Into<Trust<'t>>,
) -> Result<VerifiedRecord, Tampered> {
    let included = included(Kind::Audit, proof, &trust.into())?;
    let record = AuditRecord::from_bytes(proof.entry.as_bytes());
    Ok(VerifiedRecord {
        record: record.map_err(|error| Fault::Entry(error).at(Place::Entry(proof.index)))?,
        index: proof.index,
        checkpoint: included.checkpoint,
        since: included.since,
        key: included.key,
    })
}

/// As [`verify_audit_proof`], and whether the log only grew since `known`, a head kept from earlier that is believed
/// already.
// threat: ANP-0012
pub fn verify_audit_proof_since<'t>(
    proof: &Proof,
    trust: impl Into<Trust<'t>>,
    known: &Checkpoint,
) -> Result<VerifiedRecord, Tampered> {
    let verified = verify_audit_proof(proof, trust)?;
    only_grew(proof, &verified.checkpoint, known)?;
    Ok(VerifiedRecord {
        since: Some(known.size),
        ..verified
    })
}

const fn format_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => "bartizan-proof/1",
        Kind::Audit => "bartizan-audit-proof/1",
    }
}

/// What the bytes are proved to be under.
struct Included {
    checkpoint: Checkpoint,
    since: Option<u64>,
    key: String,
}

/// The signed head of a log of this kind that the entry is proved to be under, and that the log only grew since what
/// was kept.
fn included(kind: Kind, proof: &Proof, trust: &Trust<'_>) -> Result<Included, Tampered> {
    let here = Place::Entry(proof.index);
    if proof.format != format_of(kind) {
        return Err(Fault::Unreadable("unknown format".into()).at(Place::Header));
    }
    let (keys, checkpoint) = signed_head(proof, trust)?;
    let facts = kind.read(proof.entry.as_bytes(), proof.index);
    let facts = facts.map_err(|error| Fault::Entry(error).at(here))?;
    let stem = kind.stem(&checkpoint.origin);
    let stem = stem.ok_or_else(|| Fault::OtherLog(checkpoint.origin.clone()).at(here))?;
    check_tenant(stem, facts.tenant, here)?;
    let leaf = merkle::leaf_hash(proof.entry.as_bytes());
    let path = hashes(&proof.inclusion);
    if !merkle::verify_inclusion(&leaf, proof.index, proof.size, &path, &checkpoint.root) {
        return Err(Fault::NotIncluded.at(here));
    }
    let since = match trust.kept() {
        Some(kept) => {
            let (known, _) = keys.open(kept, Place::Kept)?;
            only_grew(proof, &checkpoint, &known)?;
            Some(known.size)
        }
        None => None,
    };
    Ok(Included {
        checkpoint,
        since,
        key: keys.chain().newest().map(ToString::to_string).unwrap_or_default(),
    })
}

/// The head that the proof leads to, signed by a key that might.
fn signed_head(proof: &Proof, trust: &Trust<'_>) -> Result<(LogKeys, Checkpoint), Tampered> {
    let here = Place::Checkpoint(proof.size);
    let claimed = note::claimed(&proof.checkpoint).map_err(|error| Fault::Note(error).at(here))?;
    let keys = LogKeys::of(trust, &claimed.origin, &proof.successions);
    let keys = keys.map_err(|fault| fault.at(Place::Header))?;
    let (checkpoint, signed) = keys.open(&proof.checkpoint, here)?;
    if checkpoint.size != proof.size {
        let fault = Fault::SizeMismatch {
            signed: checkpoint.size,
            found: proof.size,
        };
        return Err(fault.at(here));
    }
    match signed {
        Signed::Within => Ok((keys, checkpoint)),
        // Whoever stole the key after it was replaced could sign another history of this size.
        Signed::Before(until) => {
            let size = checkpoint.size;
            Err(Fault::Unproven { size, until }.at(here))
        }
    }
}

/// Whether the log under `head` begins with the one under `known`.
fn only_grew(proof: &Proof, head: &Checkpoint, known: &Checkpoint) -> Result<(), Tampered> {
    let here = Place::Checkpoint(head.size);
    if known.origin != head.origin {
        return Err(Fault::OtherLog(head.origin.clone()).at(here));
    }
    if head.size < known.size {
        return Err(Fault::RolledBack {
            now: head.size,
            known: known.size,
        }
        .at(here));
    }
    if head.size == known.size {
        return same_history(known, &head.root, here);
    }
    let path = proof
        .consistency
        .as_ref()
        .filter(|path| path.old_size == known.size);
    let path = path
        .map(|consistency| hashes(&consistency.path))
        .unwrap_or_default();
    match merkle::verify_consistency(known.size, &known.root, head.size, &head.root, &path) {
        true => Ok(()),
        false => Err(Fault::Forked { size: known.size }.at(here)),
    }
}

fn hexed(hashes: Vec<Hash>) -> Vec<HexHash> {
    hashes.into_iter().map(HexHash).collect()
}

fn hashes(hexed: &[HexHash]) -> Vec<Hash> {
    hexed.iter().map(|hash| hash.0).collect()
}
