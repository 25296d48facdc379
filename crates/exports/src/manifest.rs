//! What an exported file says of itself: its digest, its sums, and the part of the ledger it is made of.

use serde::{Deserialize, Serialize};

use crate::{Format, Grain, Total};

/// The format of manifests.
pub const FORMAT: &str = "bartizan-costs/1";

/// Sums of all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Entries of the ledger: calls, refused ones included.
    pub calls: u64,
    /// Prompt tokens, all classes.
    pub prompt_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
    /// What it cost.
    pub cost_nanos: i64,
}

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// The log they are in.
    pub origin: String,
    /// How many.
    pub entries: u64,
    /// The lowest index among them.
    pub first_index: Option<u64>,
    /// The highest.
    pub last_index: Option<u64>,
    /// Hex: a chain over their leaf hashes, in the order of their ends.
    pub digest: String,
    /// How long the log was: later entries are not in the file, whenever they ended.
    pub size: u64,
    /// The signed root over all of them, if there was an entry.
    pub checkpoint: Option<String>,
}

/// A file's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The file's form.
    pub kind: Format,
    /// FOCUS's version, where the form is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus_version: Option<String>,
    /// Whose.
    pub tenant: String,
    /// Entries that ended at or after, RFC 3339.
    pub from: String,
    /// Entries that ended before.
    pub until: String,
    /// How long charge periods are.
    pub grain: Grain,
    /// Rows of the file.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Its sums.
    pub sums: Sums,
    /// What it is made of.
    pub ledger: Ground,
}

/// What came of holding a manifest against the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What does not agree, each with what was said and what was found; nothing when all does.
    pub differences: Vec<String>,
}

impl Sums {
    /// Of all rows. Saturating: nobody has spent nine billion dollars.
    pub fn of(total: &Total) -> Self {
        let used = total.used;
        let clamped = |count: u128| u64::try_from(count).unwrap_or(u64::MAX);
        Self {
            calls: used.calls,
            prompt_tokens: clamped(used.prompt),
            output_tokens: clamped(used.output),
            cost_nanos: i64::try_from(used.nanos).unwrap_or(if used.nanos < 0 { i64::MIN } else { i64::MAX }),
        }
    }
}

impl Ground {
    /// These entries, of a log of this name and length.
    pub fn of(total: &Total, (origin, size): (&str, u64), checkpoint: Option<String>) -> Self {
        let ledger = &total.ledger;
        Self {
            origin: origin.to_owned(),
            entries: ledger.entries,
            first_index: ledger.first,
            last_index: ledger.last,
            digest: hex(&ledger.digest),
            size,
            checkpoint,
        }
    }
}

impl Manifest {
    /// Whether the ledger, read again, says the same.
    // threat: AGP-R2
    pub fn against(&self, total: &Total) -> Verdict {
        let found = Ground::of(total, (&self.ledger.origin, self.ledger.size), None);
        let sums = Sums::of(total);
        let pairs = [
            (
                "entries",
                self.ledger.entries.to_string(),
                found.entries.to_string(),
            ),
            (
                "lowest index",
                said(self.ledger.first_index),
                said(found.first_index),
            ),
            (
                "highest index",
                said(self.ledger.last_index),
                said(found.last_index),
            ),
            ("digest of the entries", self.ledger.digest.clone(), found.digest),
            ("calls", self.sums.calls.to_string(), sums.calls.to_string()),
            (
                "prompt tokens",
                self.sums.prompt_tokens.to_string(),
                sums.prompt_tokens.to_string(),
            ),
            (
                "output tokens",
                self.sums.output_tokens.to_string(),
                sums.output_tokens.to_string(),
            ),
            (
                "cost in nano-dollars",
                self.sums.cost_nanos.to_string(),
                sums.cost_nanos.to_string(),
            ),
        ];
        let differ = pairs.into_iter().filter(|(_, said, found)| said != found);
        Verdict {
            differences: differ
                .map(|(what, said, found)| format!("{what}: the manifest says {said}, the ledger {found}"))
                .collect(),
        }
    }
}

fn said(index: Option<u64>) -> String {
    index.map_or_else(|| "none".to_owned(), |index| index.to_string())
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
