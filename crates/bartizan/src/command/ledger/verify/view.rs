//! What held, for people and programs.

use std::io::{self, Write};

use domain::Money;
use serde::Serialize;

use crate::command::arguments::rfc3339;
use crate::command::show::Shown;
use crate::command::table::facts;

/// What held.
#[derive(Debug, Serialize)]
#[serde(tag = "verified", rename_all = "snake_case")]
pub enum Held {
    /// A proof.
    Proof(Box<ProofHeld>),
    /// An export.
    Export(Box<ExportHeld>),
}

/// A proof that held.
#[derive(Debug, Serialize)]
pub struct ProofHeld {
    /// The log's name.
    pub origin: String,
    /// The entry's place, from 0.
    pub index: u64,
    /// How many entries the signed root covers.
    pub size: u64,
    /// The signed root, hex.
    pub root: String,
    /// Whose signature was believed.
    pub key: String,
    /// The size of the older checkpoint that it was held against.
    pub since: Option<u64>,
    /// Names of the witnesses that cosigned the head, of those that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cosigned_by: Vec<String>,
    /// The entry.
    pub entry: ledger::Entry,
}

/// An export that held.
#[derive(Debug, Serialize)]
pub struct ExportHeld {
    /// The log's name.
    pub origin: String,
    /// How many entries.
    pub entries: u64,
    /// Of them, how many retention removed; their hashes stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
    /// How many signed roots.
    pub checkpoints: u64,
    /// The signed root, hex.
    pub root: String,
    /// Whose signature was believed: the newest key.
    pub key: String,
    /// How often the key was replaced.
    pub successions: u64,
    /// The size of the older checkpoint that it was held against.
    pub since: Option<u64>,
    /// Names of the witnesses that cosigned the head, of those that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cosigned_by: Vec<String>,
    /// When the first entry was settled.
    pub first: Option<String>,
    /// When the last one was.
    pub last: Option<String>,
    /// What all of it cost that is left.
    pub cost_nanos: Money,
}

/// What retention removed, as the tenant's audit log tells under a signed root.
#[derive(Debug, Serialize)]
pub struct Removed {
    /// How many, from entry 0 on.
    pub entries: u64,
    /// When that was recorded.
    pub on: Option<String>,
    /// All of them ended before.
    pub ended_before: Option<String>,
    /// The rule.
    pub kept_days: u64,
}

impl Removed {
    fn text(&self) -> String {
        format!(
            "entries 0 to {} under retention of {} days, recorded {}, their hashes verified",
            self.entries.saturating_sub(1),
            self.kept_days,
            self.on.as_deref().unwrap_or_default()
        )
    }
}

fn since(size: Option<u64>) -> String {
    size.map_or_else(
        || "not compared (--since)".to_owned(),
        |size| format!("only grew since the checkpoint at {size}"),
    )
}

/// Who cosigned, of those that were asked for.
pub fn cosigners(names: &[String]) -> String {
    match names {
        [] => "not asked for (--witness)".to_owned(),
        names => names.join(", "),
    }
}

/// The newest key, and whether there were others.
pub fn signed_by(key: &str, successions: u64) -> String {
    match successions {
        0 => key.to_owned(),
        1 => format!("{key}, which followed 1 other key"),
        more => format!("{key}, which followed {more} other keys"),
    }
}

impl Shown for Held {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Proof(proof) => proof.text(out),
            Self::Export(export) => export.text(out),
        }
    }
}

impl ProofHeld {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let entry = &self.entry;
        let model = entry.model.as_deref().unwrap_or("no model");
        let target = entry.target.as_deref().unwrap_or("nobody");
        writeln!(out, "verified: {} is in the ledger", entry.id)?;
        facts(
            out,
            &[
                ("ledger", self.origin.clone()),
                (
                    "entry",
                    format!("{} of {} under a signed root", self.index, self.size),
                ),
                (
                    "call",
                    format!("{} with {model}, served by {target}", entry.operation.as_str()),
                ),
                ("finished", rfc3339(entry.finished).unwrap_or_default()),
                (
                    "tokens",
                    format!("{} prompt, {} output", entry.usage.prompt(), entry.usage.output),
                ),
                ("cost", format!("${}", entry.cost)),
                ("root", self.root.clone()),
                ("signed by", self.key.clone()),
                ("history", since(self.since)),
                ("cosigned by", cosigners(&self.cosigned_by)),
            ],
        )
    }
}

impl ExportHeld {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "verified: all {} entries", self.entries)?;
        facts(
            out,
            &[
                ("ledger", self.origin.clone()),
                (
                    "entries",
                    format!("{}, {} signed roots", self.entries, self.checkpoints),
                ),
                (
                    "removed",
                    self.removed
                        .as_ref()
                        .map_or_else(|| "nothing".to_owned(), Removed::text),
                ),
                ("first", self.first.clone().unwrap_or_default()),
                ("last", self.last.clone().unwrap_or_default()),
                ("cost", format!("${}", self.cost_nanos)),
                ("root", self.root.clone()),
                ("signed by", signed_by(&self.key, self.successions)),
                ("history", since(self.since)),
                ("cosigned by", cosigners(&self.cosigned_by)),
            ],
        )
    }
}
