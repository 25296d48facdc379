//! A whole ledger as lines of JSON: a header, every entry in order, and after the entries that it covers
//! each signed head. The last line is a head that covers everything. Of audit records and entries that were removed
//! because their time was over, the hashes stand at the beginning.

use std::collections::HashSet;

use domain::{Money, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::handover::{Handover, LogKeys};
use super::kind::{Facts, Kind};
use super::proof::{HexHash, Proof, verify_audit_proof};
use super::{Fault, Place, Tampered, check_tenant, same_history};
use crate::merkle::{Frontier, Hash, leaf_hash};
use crate::note::{Checkpoint, Verifier};
use crate::retention::{EntriesRemoval, Removal};
use crate::succession::{SUCCESSIONS_MAX, SuccessionError, Trust};

/// The format's version.
const FORMAT: u32 = 1;
/// The longest line that is read: an entry of the longest kind, escaped.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExportLine {
    /// The first line of a ledger.
    Ledger(LedgerHeader),
    /// The first line of an audit log.
    Audit(LedgerHeader),
    /// How the log went from one key to the next. All of them come right after the header, the oldest first.
    Succession(Handover),
    /// An entry.
    Entry(ExportedEntry),
    /// The place of an audit record or entry that was removed.
    Removed(RemovedEntry),
    /// Of a ledger: the proof of the audit record that tells of its removed entries, before the first of those.
    Retention(Box<Proof>),
    /// A signed head over all the entries so far.
    Checkpoint(String),
}

/// What an export is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerHeader {
    /// 1.
    pub format: u32,
    /// The log's name.
    pub origin: String,
    /// The key its heads are signed with now. Information only: trust the one that came another way.
    pub verifier: String,
}

impl LedgerHeader {
    fn new(origin: &str, verifier: &Verifier) -> Self {
        Self {
            format: FORMAT,
            origin: origin.into(),
            verifier: verifier.to_string(),
        }
    }
}

/// An entry with its place and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hash of its bytes as a leaf; says which entry was changed.
    pub leaf: HexHash,
    /// Its canonical bytes, as text.
    pub bytes: String,
}

/// What is left of an audit record or entry that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hash of what its bytes were as a leaf.
    pub leaf: HexHash,
}

impl ExportLine {
    /// The first line of a ledger.
    pub fn header(origin: &str, verifier: &Verifier) -> Self {
        Self::Ledger(LedgerHeader::new(origin, verifier))
    }

    /// The first line of an audit log.
    pub fn audit_header(origin: &str, verifier: &Verifier) -> Self {
        Self::Audit(LedgerHeader::new(origin, verifier))
    }

    /// The line of an entry; `None` if its bytes are not text.
    pub fn entry(index: u64, bytes: &[u8]) -> Option<Self> {
        let leaf = HexHash(leaf_hash(bytes));
        let bytes = String::from_utf8(bytes.to_vec()).ok()?;
        Some(Self::Entry(ExportedEntry { index, leaf, bytes }))
    }

    /// As [`ExportLine::entry`], with the hash that was kept since the entry came: where its bytes were changed since, that
    /// says which.
    pub fn entry_as_kept(index: u64, bytes: &[u8], leaf: Hash) -> Option<Self> {
        let bytes = String::from_utf8(bytes.to_vec()).ok()?;
        let leaf = HexHash(leaf);
        Some(Self::Entry(ExportedEntry { index, leaf, bytes }))
    }

    /// The line of a record that was removed.
    pub const fn removed(index: u64, leaf: Hash) -> Self {
        let leaf = HexHash(leaf);
        Self::Removed(RemovedEntry { index, leaf })
    }

    /// The line of a signed head. Goes right after the last entry that it covers.
    pub fn checkpoint(note: &str) -> Self {
        Self::Checkpoint(note.into())
    }

    /// The line, without its newline.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a verified export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Whose it is; `None` if it has no entries.
    pub tenant: Option<TenantId>,
    /// How many entries.
    pub entries: u64,
    /// Of them, the first so many were removed by retention: their hashes stand.
    pub removed: u64,
    /// The newest record of that, and its place.
    pub removal: Option<(u64, Removal)>,
    /// Of a ledger: what the audit log says of the removal, and when that was recorded.
    pub retention: Option<(UnixMillis, EntriesRemoval)>,
    /// How many signed heads.
    pub checkpoints: u64,
    /// The root over everything.
    pub root: Hash,
    /// The signed head of everything, as it stands in the export: with what witnesses put below it.
    pub head: String,
    /// What all of it cost.
    pub cost: Money,
    /// When the first entry by time was settled; `None` if there is none.
    pub first: Option<UnixMillis>,
    /// When the last one was.
    pub last: Option<UnixMillis>,
    /// The key that signs now.
    pub key: String,
    /// How often the key was replaced.
    pub successions: u64,
    /// Which key signed up to where; `None` only while it is being read.
    pub keys: Option<LogKeys>,
    /// How long the log was by the checkpoint kept from earlier, if there was one.
    pub since: Option<u64>,
}

/// Verifies an export line by line, in memory that does not grow with the entries' contents. `known` is a
/// checkpoint kept from earlier, if any: without one a ledger cut off at an older signed head cannot be
/// told from one that never was longer.
///
/// The first fault ends it: after one nothing is worth reporting.
// threat: AGP-R1
// threat: AGP-R2
// threat: ANP-0012
pub fn verify_export<'t, I>(
    lines: I,
    trust: impl Into<Trust<'t>>,
    known: Option<&Checkpoint>,
) -> Result<Report, Tampered>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    verify(Kind::Ledger, lines, trust.into(), known)
}

/// [`verify_export`] for an audit log: every record is in its one form, in its place, of the log's own tenant, and
/// under a signed head; and what is missing at the beginning is what a record says was removed.
// threat: AGP-R3
// threat: ANP-0012
pub fn verify_audit_export<'t, I>(
    lines: I,
    trust: impl Into<Trust<'t>>,
    known: Option<&Checkpoint>,
) -> Result<Report, Tampered>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    verify(Kind::Audit, lines, trust.into(), known)
}

fn verify<I>(kind: Kind, lines: I, trust: Trust<'_>, known: Option<&Checkpoint>) -> Result<Report, Tampered>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut lines = lines.into_iter().zip(1..);
    let (first, _) = lines
        .next()
        .ok_or_else(|| Fault::Unreadable("it is empty".into()).at(Place::Header))?;
    let header = header(kind, read_line(first.as_ref(), 1)?)?;
    let mut handovers = Vec::new();
    let mut next = lines.next();
    while let Some((line, number)) = &next
        && let ExportLine::Succession(handover) = read_line(line.as_ref(), *number)?
    {
        if handovers.len() >= SUCCESSIONS_MAX {
            return Err(Fault::Succession(SuccessionError::TooMany).at(Place::Header));
        }
        handovers.push(handover);
        next = lines.next();
    }
    let mut reading = Reading::start(kind, header, &handovers, trust, known)?;
    for (line, number) in next.into_iter().chain(lines) {
        match read_line(line.as_ref(), number)? {
            ExportLine::Ledger(_) | ExportLine::Audit(_) => {
                return Err(Fault::Unreadable("a second header".into()).at(Place::Line(number)));
            }
            ExportLine::Succession(_) => {
                let what = Fault::Unreadable("a succession that does not stand with the header".into());
                return Err(what.at(Place::Line(number)));
            }
            ExportLine::Entry(entry) => reading.entry(&entry)?,
            ExportLine::Removed(removed) => reading.removed(&removed)?,
            ExportLine::Retention(proof) => reading.retention(&proof, Place::Line(number))?,
            ExportLine::Checkpoint(note) => reading.checkpoint(&note)?,
        }
    }
    reading.finish()
}

fn header(kind: Kind, line: ExportLine) -> Result<LedgerHeader, Tampered> {
    let header = match (kind, line) {
        (Kind::Ledger, ExportLine::Ledger(header)) | (Kind::Audit, ExportLine::Audit(header)) => header,
        _ => return Err(Fault::Unreadable("the first line is not a header".into()).at(Place::Header)),
    };
    match header.format == FORMAT {
        true => Ok(header),
        false => Err(Fault::Unreadable("unknown format".into()).at(Place::Header)),
    }
}

fn read_line(line: &str, number: u64) -> Result<ExportLine, Tampered> {
    let unreadable = |what: String| Fault::Unreadable(what).at(Place::Line(number));
    if line.len() > LINE_BYTES_MAX {
        return Err(unreadable(format!("longer than {LINE_BYTES_MAX} bytes")));
    }
    serde_json::from_str(line).map_err(|error| unreadable(error.to_string()))
}

/// How far the verification has come.
struct Reading<'a> {
    kind: Kind,
    keys: LogKeys,
    /// Heads that were believed before.
    known: Vec<Checkpoint>,
    origin: String,
    frontier: Frontier,
    seen: HashSet<u128>,
    /// How many entries the last good head covers.
    covered: u64,
    report: Report,
    trust: Trust<'a>,
}

impl<'a> Reading<'a> {
    fn start(
        kind: Kind,
        header: LedgerHeader,
        handovers: &[Handover],
        trust: Trust<'a>,
        known: Option<&Checkpoint>,
    ) -> Result<Self, Tampered> {
        let keys = LogKeys::of(&trust, &header.origin, handovers);
        let keys = keys.map_err(|fault| fault.at(Place::Header))?;
        if keys.chain().newest().map(ToString::to_string).as_ref() != Some(&header.verifier) {
            return Err(Fault::OtherKey.at(Place::Header));
        }
        let frontier = Frontier::new();
        let report = Report {
            origin: header.origin.clone(),
            tenant: None,
            entries: 0,
            removed: 0,
            removal: None,
            retention: None,
            checkpoints: 0,
            root: frontier.root(),
            head: String::new(),
            cost: Money::ZERO,
            first: None,
            last: None,
            key: header.verifier,
            successions: handovers.len().try_into().unwrap_or(u64::MAX),
            keys: None,
            since: None,
        };
        let mut reading = Self {
            kind,
            keys,
            known: known.into_iter().cloned().collect(),
            origin: header.origin,
            frontier,
            seen: HashSet::new(),
            covered: 0,
            report,
            trust,
        };
        reading.take_kept()?;
        reading.compare_with_known(Place::Header).map(|()| reading)
    }

    /// The checkpoint kept from earlier, and that every head known before is of this log.
    fn take_kept(&mut self) -> Result<(), Tampered> {
        if let Some(kept) = self.trust.kept() {
            let (kept, _) = self.keys.open(kept, Place::Kept)?;
            self.report.since = Some(kept.size);
            self.known.push(kept);
        }
        match self.known.iter().any(|known| known.origin != self.origin) {
            true => Err(Fault::OtherLog(self.origin.clone()).at(Place::Header)),
            false => Ok(()),
        }
    }

    fn entry(&mut self, line: &ExportedEntry) -> Result<(), Tampered> {
        let due = self.frontier.size();
        let here = Place::Entry(due);
        if line.index != due {
            return Err(Fault::OutOfOrder { due }.at(here));
        }
        let leaf = leaf_hash(line.bytes.as_bytes());
        if leaf != line.leaf.0 {
            return Err(Fault::LeafMismatch.at(here));
        }
        let facts = self.kind.read(line.bytes.as_bytes(), due);
        let facts = facts.map_err(|error| Fault::Entry(error).at(here))?;
        let stem = self.kind.stem(&self.origin);
        let stem = stem.ok_or_else(|| Fault::OtherLog(self.origin.clone()).at(here))?;
        check_tenant(stem, facts.tenant, here)?;
        if !self.seen.insert(facts.id) {
            return Err(facts.doubled.at(here));
        }
        self.frontier.push(leaf);
        self.count(&facts);
        if let Some(removal) = facts.removal {
            self.told(due, removal);
        }
        self.compare_with_known(here)
    }

    /// The audit log of the ledger's own tenant says under a signed head what was removed.
    // threat: AGP-T4
    // threat: ANP-0012
    fn retention(&mut self, proof: &Proof, here: Place) -> Result<(), Tampered> {
        if self.kind != Kind::Ledger || self.frontier.size() > 0 || self.report.retention.is_some() {
            let what =
                Fault::Unreadable("a record of a removal that does not stand before the entries".into());
            return Err(what.at(here));
        }
        // What was kept from earlier is the ledger's head, and says nothing of the audit log.
        let verified = verify_audit_proof(proof, self.trust.since(None));
        let verified = verified.map_err(|tampered| tampered.what.at(here))?;
        if Kind::Audit.stem(&verified.checkpoint.origin) != Some(self.origin.as_str()) {
            return Err(Fault::OtherLog(verified.checkpoint.origin).at(here));
        }
        let told = EntriesRemoval::told_by(&verified.record);
        let told = told.ok_or_else(|| Fault::Removed.at(here))?;
        self.report.retention = Some((verified.record.at, told));
        Ok(())
    }

    /// Only from the beginning on anything is ever removed, and of a ledger only what its tenant's audit log tells of.
    // threat: AGP-R3
    // threat: ANP-0012
    fn removed(&mut self, line: &RemovedEntry) -> Result<(), Tampered> {
        let due = self.frontier.size();
        let here = Place::Entry(due);
        if line.index != due {
            return Err(Fault::OutOfOrder { due }.at(here));
        }
        let told = self.report.retention.map_or(0, |(_, told)| told.below);
        if (self.kind == Kind::Ledger && due >= told) || self.report.removed != due {
            return Err(Fault::Removed.at(here));
        }
        self.frontier.push(line.leaf.0);
        self.report.removed += 1;
        self.compare_with_known(here)
    }

    /// Removals only ever go further: the furthest speaks for all.
    fn told(&mut self, index: u64, removal: Removal) {
        let known = self.report.removal.map_or(0, |(_, known)| known.below);
        if removal.below > known {
            self.report.removal = Some((index, removal));
        }
    }

    fn count(&mut self, facts: &Facts) {
        let report = &mut self.report;
        report.tenant = Some(facts.tenant);
        report.cost = report.cost.plus(facts.cost);
        report.first = Some(report.first.map_or(facts.at, |first| first.min(facts.at)));
        report.last = report.last.max(Some(facts.at));
    }

    fn checkpoint(&mut self, note: &str) -> Result<(), Tampered> {
        let found = self.frontier.size();
        let here = Place::Checkpoint(found);
        let (head, _) = self.keys.open(note, here)?;
        if head.origin != self.origin {
            return Err(Fault::OtherLog(head.origin).at(here));
        }
        if head.size != found {
            return Err(Fault::SizeMismatch {
                signed: head.size,
                found,
            }
            .at(here));
        }
        if head.root != self.frontier.root() {
            return Err(Fault::RootMismatch { size: found }.at(Place::Entries {
                from: self.covered,
                to: found,
            }));
        }
        self.covered = found;
        self.report.checkpoints += 1;
        note.clone_into(&mut self.report.head);
        Ok(())
    }

    /// When the log has come to the size of a head that is known, or that one key handed over to the next, it must
    /// have that head's root.
    fn compare_with_known(&self, at: Place) -> Result<(), Tampered> {
        let size = self.frontier.size();
        if !self.keys.is_handover(size) && self.known.iter().all(|known| known.size != size) {
            return Ok(());
        }
        let root = self.frontier.root();
        self.keys.compare(size, &root).map_err(|fault| fault.at(at))?;
        let mut same_size = self.known.iter().filter(|known| known.size == size);
        same_size.try_for_each(|known| same_history(known, &root, at))
    }

    fn finish(mut self) -> Result<Report, Tampered> {
        let now = self.frontier.size();
        let before = self.known.iter().map(|known| known.size).max();
        let known = before.unwrap_or(0).max(self.keys.handed_over());
        if known > now {
            return Err(Fault::RolledBack { now, known }.at(Place::End));
        }
        if self.covered != now || self.report.checkpoints == 0 {
            return Err(Fault::Unsigned { from: self.covered }.at(Place::End));
        }
        let (gone, told) = (self.report.removed, self.report.removal);
        let told = match self.kind {
            // Each was held against it when it came.
            Kind::Ledger => gone,
            Kind::Audit => told.map_or(0, |(_, removal)| removal.below),
        };
        if gone > told {
            return Err(Fault::Removed.at(Place::Entries { from: told, to: gone }));
        }
        self.report.entries = now;
        self.report.root = self.frontier.root();
        self.report.keys = Some(self.keys);
        Ok(self.report)
    }
}
