//! Evidence that leaves the gate: proofs of single entries and exports of whole ledgers, verified offline
//! with nothing but the log's public key.
//!
//! What is verified: every hash, path and signature, that entries are in canonical form and belong to the
//! tenant that the log is named for, and, against a checkpoint kept from earlier, that history was only
//! ever added to. What cannot be: that a call which left no entry never happened; for that a witness
//! keeps checkpoints and the tenant its receipts.

use domain::{AuditId, RequestId, TenantId};

use crate::merkle::Hash;
use crate::note::NoteError;
use crate::succession::SuccessionError;
use crate::{EntryError, note};

mod export;
mod handover;
mod kind;
mod proof;

pub use export::{
    ExportLine, ExportedEntry, LINE_BYTES_MAX, LedgerHeader, RemovedEntry, Report, verify_audit_export,
    verify_export,
};
pub use handover::{Handover, LogHead, LogKeys};
pub use proof::{
    Consistency, HexHash, Proof, Verified, VerifiedRecord, prove, prove_along, prove_audit,
    prove_audit_along, prove_since, verify_audit_proof, verify_audit_proof_since, verify_proof,
    verify_proof_since,
};

/// The name of a tenant's log: what its checkpoints are of. `log` is the gate's, for example its host name.
pub fn origin_of(log: &str, tenant: TenantId) -> String {
    format!("{log}/{tenant}")
}

/// The name of the log of who did what in a tenant: another log than its ledger, and so another name.
pub fn audit_origin_of(log: &str, tenant: TenantId) -> String {
    format!("{}/audit", origin_of(log, tenant))
}

/// Evidence that does not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Tampered {
    /// Where the first thing wrong is.
    pub at: Place,
    /// What is wrong there.
    pub what: Fault,
}

/// A place in a proof or export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of an export, from 1.
    Line(u64),
    /// The header.
    Header,
    /// The entry of this index.
    Entry(u64),
    /// Somewhere in entries `from` up to but not including `to`: between two signed heads.
    Entries {
        /// The first that may be wrong.
        from: u64,
        /// One past the last.
        to: u64,
    },
    /// The checkpoint that covers this many entries.
    Checkpoint(u64),
    /// The checkpoint that was kept from earlier.
    Kept,
    /// After the last line.
    End,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Header => f.write_str("header"),
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Entries { from, to } => write!(f, "entries {from} to {}", to.saturating_sub(1)),
            Self::Checkpoint(size) => write!(f, "checkpoint at {size}"),
            Self::Kept => f.write_str("the checkpoint kept from earlier"),
            Self::End => f.write_str("end"),
        }
    }
}

/// What is wrong with a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not the format.
    #[error("not readable: {0}")]
    Unreadable(String),
    /// The entry's bytes are not an entry's.
    #[error("{0}")]
    Entry(#[from] EntryError),
    /// The checkpoint cannot be believed.
    #[error("{0}")]
    Note(#[from] NoteError),
    /// The export is of a log with another key than the one that was trusted.
    #[error("the export names another key than the one given")]
    OtherKey,
    /// Its keys do not follow each other.
    #[error("{0}")]
    Succession(#[from] SuccessionError),
    /// How the log stood at a succession is not what was signed then.
    #[error("how the log stood at succession {number} is not what was signed then")]
    NotHandedOver {
        /// Which succession, from 1.
        number: u64,
    },
    /// Signed with a key after it was replaced.
    #[error("signed over {size} entries with `{key}`, a key that was replaced at {until}")]
    Superseded {
        /// Which key.
        key: String,
        /// What it signed.
        size: u64,
        /// Up to where it might.
        until: u64,
    },
    /// Signed with a replaced key, perhaps before it was replaced.
    #[error(
        "signed over {size} entries with a key that was replaced at {until}, and nothing shows that this is the history \
         that was handed over: take the proof again"
    )]
    Unproven {
        /// What was signed.
        size: u64,
        /// Where the key was replaced.
        until: u64,
    },
    /// Checkpoint or entry of another log than the rest.
    #[error("it belongs to `{0}`, another log")]
    OtherLog(String),
    /// An entry of another tenant than the log's.
    #[error("it belongs to another tenant, {0}")]
    OtherTenant(TenantId),
    /// Entries are missing, doubled or out of order: this index was due.
    #[error("entry {due} was due")]
    OutOfOrder {
        /// The index that should have come.
        due: u64,
    },
    /// Only the hash is there, and no record says that the gate removed the rest because its time was over.
    #[error("it was removed, and no record of the gate's says so")]
    Removed,
    /// The bytes do not have the hash beside them.
    #[error("its bytes do not have the hash that stands beside them")]
    LeafMismatch,
    /// Two entries of one request.
    #[error("a second entry of request {0}")]
    Doubled(RequestId),
    /// Two records of one id.
    #[error("a second record {0}")]
    DoubledRecord(AuditId),
    /// The path does not lead from the entry to the signed root.
    #[error("the path does not lead to the signed root")]
    NotIncluded,
    /// The entries do not have the root that was signed.
    #[error("the entries do not have the root that was signed at {size}")]
    RootMismatch {
        /// The size of the signed head.
        size: u64,
    },
    /// The checkpoint is of another size than the entries or the proof.
    #[error("the checkpoint covers {signed} entries where {found} were due")]
    SizeMismatch {
        /// What was signed.
        signed: u64,
        /// What is there.
        found: u64,
    },
    /// Entries after the last checkpoint, or none at the end: the tail is missing or unsigned.
    #[error("entries from {from} on are not covered by a checkpoint")]
    Unsigned {
        /// The first that is not covered.
        from: u64,
    },
    /// Shorter than a log that was signed before.
    #[error("the log has {now} entries, but {known} were signed before: it was rolled back")]
    RolledBack {
        /// How long it is now.
        now: u64,
        /// How long it was known to be.
        known: u64,
    },
    /// Another history than the one that was signed before.
    #[error("another history than the one signed before at {size}: the log was forked")]
    Forked {
        /// The size of the head that was known.
        size: u64,
    },
}

impl Fault {
    fn at(self, at: Place) -> Tampered {
        Tampered { at, what: self }
    }
}

/// Refuses an entry that lies in a log not named for its tenant: a head of one tenant's log proves
/// nothing about another's.
// threat: ANP-0012
fn check_tenant(origin: &str, tenant: TenantId, at: Place) -> Result<(), Tampered> {
    match origin
        .rsplit('/')
        .next()
        .is_some_and(|last| last == tenant.to_string())
    {
        true => Ok(()),
        false => Err(Fault::OtherTenant(tenant).at(at)),
    }
}

/// What two roots of the same size must be.
fn same_history(known: &note::Checkpoint, root: &Hash, at: Place) -> Result<(), Tampered> {
    match known.root == *root {
        true => Ok(()),
        false => Err(Fault::Forked { size: known.size }.at(at)),
    }
}
