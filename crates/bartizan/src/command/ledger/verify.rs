//! Verifying evidence offline: a proof or an export, and the ledger's public key. No store is opened.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use domain::Money;
use ledger::bundle::{
    LINE_BYTES_MAX, Proof, Report, Tampered, Verified, verify_export, verify_proof, verify_proof_since,
};
use ledger::note::{Checkpoint, Verifier};
use serde::Serialize;

use crate::cli::At;
use crate::command::arguments::{quoted, rfc3339};
use crate::command::instance::configuration;
use crate::command::show::{Show, Shown};
use crate::command::table::facts;
use crate::failure::{Failure, Hint};
use crate::home::Home;

use super::evidence::checkpoint_file;

/// How an export's first line begins.
const EXPORT_BEGINS: &[u8] = b"{\"ledger\":";

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan ledger verify proof.json --key 'bartizan+d3adb33f+AQ…'
  bartizan ledger verify ledger.jsonl --key ledger.key --since 2026-06.checkpoint
  bartizan ledger verify proof.json                    with the key of the instance on this machine

Verifies every hash, path and signature, that entries are in their one canonical form and of the ledger's own tenant, \
and, with --since, that the ledger only grew since that checkpoint. Exits with 4 and says where it broke if anything \
does not hold. Needs no store, no network and no running instance: with --key it runs anywhere.")]
pub struct VerifyArgs {
    /// A proof or an export; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The ledger's public key as `bartizan ledger key` prints it, or a file that holds it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A checkpoint kept from earlier: the ledger must contain all that it covered
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
}

/// What held.
#[derive(Debug, Serialize)]
#[serde(tag = "verified", rename_all = "snake_case")]
enum Held {
    Proof(Box<ProofHeld>),
    Export(ExportHeld),
}

#[derive(Debug, Serialize)]
struct ProofHeld {
    origin: String,
    index: u64,
    size: u64,
    root: String,
    key: String,
    since: Option<u64>,
    entry: ledger::Entry,
}

#[derive(Debug, Serialize)]
struct ExportHeld {
    origin: String,
    entries: u64,
    checkpoints: u64,
    root: String,
    key: String,
    since: Option<u64>,
    first: Option<String>,
    last: Option<String>,
    cost_nanos: Money,
}

/// Verifies.
// threat: AGP-R1
// threat: AGP-R2
// threat: ANP-0012
pub fn run(args: &VerifyArgs, at: &At, show: Show) -> Result<(), Failure> {
    let verifier = verifier(args.key.as_deref(), at)?;
    let known = args.since.as_deref().map(|path| checkpoint_file(path, &verifier)).transpose()?;
    let held = if args.file == Path::new("-") {
        verify(BufReader::new(io::stdin()), &args.file, &verifier, known.as_ref())?
    } else {
        let file = File::open(&args.file).map_err(|e| unreadable(&args.file, &e))?;
        verify(BufReader::new(file), &args.file, &verifier, known.as_ref())?
    };
    show.say(&held)
}

fn verify(
    mut evidence: impl BufRead,
    path: &Path,
    verifier: &Verifier,
    known: Option<&Checkpoint>,
) -> Result<Held, Failure> {
    let beginning = evidence.fill_buf().map_err(|e| unreadable(path, &e))?;
    if beginning.starts_with(EXPORT_BEGINS) { export(evidence, path, verifier, known) } else { proof(evidence, path, verifier, known) }
}

fn proof(evidence: impl BufRead, path: &Path, verifier: &Verifier, known: Option<&Checkpoint>) -> Result<Held, Failure> {
    let bytes_max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    evidence.take(bytes_max).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    let proof: Proof = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::tampered(format!("`{}` is neither a proof nor an export: {e}", path.display())))?;
    let held = match known {
        Some(known) => verify_proof_since(&proof, verifier, known),
        None => verify_proof(&proof, verifier),
    };
    let Verified { entry, index, checkpoint } = held.map_err(|e| broken(path, &e))?;
    Ok(Held::Proof(Box::new(ProofHeld {
        origin: checkpoint.origin,
        index,
        size: checkpoint.size,
        root: hexed(&checkpoint.root),
        key: verifier.to_string(),
        since: known.map(|known| known.size),
        entry,
    })))
}

fn export(evidence: impl BufRead, path: &Path, verifier: &Verifier, known: Option<&Checkpoint>) -> Result<Held, Failure> {
    let mut trouble = None;
    let lines = Lines { evidence, trouble: &mut trouble };
    let held = verify_export(lines, verifier, known);
    if let Some(error) = trouble {
        return Err(unreadable(path, &error));
    }
    let Report { origin, entries, checkpoints, root, cost, first, last, .. } = held.map_err(|e| broken(path, &e))?;
    Ok(Held::Export(ExportHeld {
        origin,
        entries,
        checkpoints,
        root: hexed(&root),
        key: verifier.to_string(),
        since: known.map(|known| known.size),
        first: first.and_then(rfc3339),
        last: last.and_then(rfc3339),
        cost_nanos: cost,
    }))
}

/// Lines of a file, none longer than any that is worth reading.
struct Lines<'a, R> {
    evidence: R,
    /// Why there are no more, if not because the file ended.
    trouble: &'a mut Option<io::Error>,
}

impl<R: BufRead> Iterator for Lines<'_, R> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        // One byte more than a line may have, so that the verifier sees that it is too long.
        let bytes_max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
        let mut line = Vec::new();
        match self.evidence.by_ref().take(bytes_max).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                Some(String::from_utf8_lossy(line).into_owned())
            }
            Err(error) => {
                *self.trouble = Some(error);
                None
            }
        }
    }
}

/// The key that was given, else that of the instance here.
fn verifier(given: Option<&str>, at: &At) -> Result<Verifier, Failure> {
    let Some(given) = given else {
        let config = configuration(at)?;
        let home = Home::existing(&config.data_dir).map_err(|_| {
            Failure::usage("there is no instance here whose key could be used")
                .hint("give the ledger's public key with --key, as `bartizan ledger key` prints it")
        })?;
        return Ok(home.signer(&config.ledger.origin)?.verifier().clone());
    };
    Verifier::parse(given.trim()).or_else(|error| {
        let from_file = std::fs::read_to_string(given).ok().map(|text| Verifier::parse(text.trim()));
        from_file.unwrap_or(Err(error)).map_err(|e| {
            Failure::usage(format!("{} is no ledger's key: {e}", quoted(given)))
                .hint("`bartizan ledger key` prints it, where the instance is")
        })
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("`{}` cannot be read: {error}", path.display()))
}

fn broken(path: &Path, tampered: &Tampered) -> Failure {
    Failure::tampered(format!("`{}` does not verify: {tampered}", path.display()))
}

fn hexed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn since(size: Option<u64>) -> String {
    size.map_or_else(|| "not compared (--since)".to_owned(), |size| format!("only grew since the checkpoint at {size}"))
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
        facts(out, &[
            ("ledger", self.origin.clone()),
            ("entry", format!("{} of {} under a signed root", self.index, self.size)),
            ("call", format!("{} with {model}, served by {target}", entry.operation.as_str())),
            ("finished", rfc3339(entry.finished).unwrap_or_default()),
            ("tokens", format!("{} prompt, {} output", entry.usage.prompt(), entry.usage.output)),
            ("cost", format!("${}", entry.cost)),
            ("root", self.root.clone()),
            ("signed by", self.key.clone()),
            ("history", since(self.since)),
        ])
    }
}

impl ExportHeld {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "verified: all {} entries", self.entries)?;
        facts(out, &[
            ("ledger", self.origin.clone()),
            ("entries", format!("{}, {} signed roots", self.entries, self.checkpoints)),
            ("first", self.first.clone().unwrap_or_default()),
            ("last", self.last.clone().unwrap_or_default()),
            ("cost", format!("${}", self.cost_nanos)),
            ("root", self.root.clone()),
            ("signed by", self.key.clone()),
            ("history", since(self.since)),
        ])
    }
}
