//! `bartizan audit`: who did what in a tenant. Looking at the log, taking it out, and verifying it anywhere.

pub(super) mod proof;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{TenantId, TenantScope};
use ledger::bundle::{ExportLine, verify_audit_export};
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use serde::Serialize;
use store::{AuditQuery, LogKind, StoredAudit};

use crate::cli::At;
use crate::failure::{Failure, Hint};

use super::arguments::{rfc3339, when};
use super::find::Names;
use super::instance::Instance;
use super::ledger::trust::{TrustArgs, Trusted};
use super::ledger::verify::{Lines, broken, hexed, signed_by, unreadable};
use super::ledger::{destination, settled};
use super::show::{Show, Shown, finish};
use super::table::{Column, Table, facts};

/// Records read at once.
const RECORDS_A_READ: u64 = 512;

const DAY_MS: u64 = 86_400_000;

/// What to do with an audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Show the newest records, the newest last
    #[command(after_help = "\
Examples:
  bartizan audit list --tenant acme
  bartizan audit list --tenant platform --last 100 --json")]
    List {
        /// Whose; `platform` for the instance's own; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        last: u64,
    },
    /// Write a tenant's whole audit log, with a signed root over all of it, as lines of JSON
    #[command(after_help = "\
Examples:
  bartizan audit export --tenant acme --out acme-audit.jsonl
  bartizan audit export --tenant platform | gzip > platform-audit.jsonl.gz")]
    Export {
        /// Whose; `platform` for the instance's own; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// Where to write it; standard output when left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify an export with nothing but the ledger's public key
    Verify(VerifyArgs),
    /// Write the proof that one record is in its tenant's audit log, for whoever has the ledger's key
    #[command(after_help = "\
Examples:
  bartizan audit proof aud_0198f7c2a8d27c51b5a1f3d1c0ffee00 --out proof.json
  bartizan audit verify-proof proof.json --key ledger.key

The proof holds the record, its path to the root of the log, and the signed root; if no signed root covers the record \
yet, one is signed now.")]
    Proof(proof::ProofArgs),
    /// Verify the proof of one record with nothing but the ledger's public key
    VerifyProof(proof::VerifyProofArgs),
}

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan audit verify acme-audit.jsonl --key ledger.key
  bartizan audit verify acme-audit.jsonl --key ledger.key --since 2026-06.checkpoint

Verifies every hash and signature, that records are in their one canonical form and of the log's own tenant, and, with \
--since, that the log only grew since that checkpoint. Exits with 4 and says where it broke if anything does not hold.")]
pub struct VerifyArgs {
    /// An export of an audit log
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// A checkpoint of this audit log, kept from earlier: the log must contain all that it covered
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
}

/// Runs one of them.
pub async fn run(command: AuditCommand, at: &At, show: Show) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify(args) => verify(&args, at, show).await,
        AuditCommand::Proof(args) => proof::prove(&args, &Instance::open(at).await?).await,
        AuditCommand::VerifyProof(args) => proof::verify(&args, at, show).await,
        AuditCommand::List { tenant, last } => list(tenant, last, &Instance::open(at).await?, show).await,
        AuditCommand::Export { tenant, out } => export(tenant, out, &Instance::open(at).await?).await,
    }
}

async fn scope(tenant: Option<&str>, instance: &Instance) -> Result<TenantScope, Failure> {
    let id = match tenant {
        Some("platform") => TenantId::PLATFORM,
        named => Names::read(instance.store.as_ref()).await?.tenant(named)?.id,
    };
    Ok(TenantScope::operator(id))
}

#[derive(Debug, Serialize)]
struct Line {
    index: u64,
    record: AuditRecord,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Records(Vec<Line>);

impl Shown for Records {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Number("#"),
            Column::Text("at"),
            Column::Text("who"),
            Column::Text("act"),
            Column::Text("outcome"),
            Column::Text("target"),
        ]);
        for Line { index, record } in &self.0 {
            table.row([
                index.to_string(),
                when(record.at),
                who(record),
                record.act.clone(),
                outcome(record),
                record.target.clone().unwrap_or_default(),
            ]);
        }
        table.write(out)
    }
}

fn who(record: &AuditRecord) -> String {
    match &record.actor {
        AuditActor::User(_, name) | AuditActor::Service(_, name) => name.clone(),
        AuditActor::Operator(account) => format!("machine: {account}"),
        AuditActor::Gate(task) => format!("gate: {task}"),
        AuditActor::Stranger(typed) => format!("stranger: {typed}"),
    }
}

fn outcome(record: &AuditRecord) -> String {
    match &record.outcome {
        AuditOutcome::Done => "done".to_owned(),
        AuditOutcome::Refused(code) => format!("refused: {code}"),
    }
}

async fn list(tenant: Option<String>, last: u64, instance: &Instance, show: Show) -> Result<(), Failure> {
    let scope = scope(tenant.as_deref(), instance).await?;
    let query = AuditQuery {
        count: last,
        ..AuditQuery::default()
    };
    let newest = instance.store.audit(&scope, &query).await?;
    let lines = newest.iter().rev().map(|stored| {
        let record = AuditRecord::from_bytes(&stored.bytes)
            .map_err(|e| Failure::tampered(format!("record {} cannot be read: {e}", stored.index)))?;
        Ok(Line {
            index: stored.index,
            record,
        })
    });
    show.say(&Records(lines.collect::<Result<_, Failure>>()?))
}

/// Writes a whole audit log. Of what retention removed, the hashes.
// threat: AGP-R3
async fn export(tenant: Option<String>, out: Option<PathBuf>, instance: &Instance) -> Result<(), Failure> {
    let scope = scope(tenant.as_deref(), instance).await?;
    let signing = instance.signing()?;
    // In this order: the record of what is gone now is under the head that is signed next.
    let kept_from = instance.store.audits_kept_from(&scope).await?;
    let (head, keys) = settled(instance, &signing, (&scope, LogKind::Audit), u64::MAX).await?;
    let origin = signing.origin(scope.tenant(), LogKind::Audit);
    let mut out = destination(out.as_deref())?;
    let header = ExportLine::audit_header(&origin, keys.signer()?.verifier());
    let handovers = keys.handovers(&origin).into_iter().map(ExportLine::Succession);
    for line in std::iter::once(header).chain(handovers) {
        finish(writeln!(out, "{}", line.to_line()))?;
    }
    let mut next = 0;
    while next < head.size.min(kept_from) {
        let end = head.size.min(kept_from).min(next + RECORDS_A_READ);
        for leaf in instance
            .store
            .log_leaves(&scope, LogKind::Audit, next, end)
            .await?
        {
            finish(writeln!(out, "{}", ExportLine::removed(next, leaf).to_line()))?;
            next += 1;
        }
    }
    while next < head.size {
        let end = head.size.min(next + RECORDS_A_READ);
        // As they were when the records came: so it can be told which was changed since.
        let leaves = instance
            .store
            .log_leaves(&scope, LogKind::Audit, next, end)
            .await?;
        for (stored, leaf) in between(instance, &scope, next, end)
            .await?
            .into_iter()
            .zip(leaves)
        {
            if stored.index != next {
                break;
            }
            let line = ExportLine::entry_as_kept(stored.index, &stored.bytes, leaf);
            let line = line.ok_or_else(|| Failure::tampered(format!("record {next} is not text")))?;
            finish(writeln!(out, "{}", line.to_line()))?;
            next += 1;
        }
        if next != end {
            return Err(missing(instance, &scope, next).await);
        }
    }
    finish(writeln!(out, "{}", ExportLine::checkpoint(&head.note).to_line()).and_then(|()| out.flush()))
}

/// A record that is not there: taken away, or removed by retention just now.
async fn missing(instance: &Instance, scope: &TenantScope, index: u64) -> Failure {
    match instance.store.audits_kept_from(scope).await {
        Ok(kept_from) if kept_from > index => {
            Failure::new("records were removed by retention while the log was read").hint("export it again")
        }
        _ => Failure::tampered(format!("record {index} is missing from the log")),
    }
}

/// Records from `from` up to `end`, oldest first.
async fn between(
    instance: &Instance,
    scope: &TenantScope,
    from: u64,
    end: u64,
) -> Result<Vec<StoredAudit>, Failure> {
    let query = AuditQuery {
        before: Some(end),
        count: end.saturating_sub(from),
        ..AuditQuery::default()
    };
    let mut stored = instance.store.audit(scope, &query).await?;
    stored.reverse();
    Ok(stored)
}

#[derive(Debug, Serialize)]
struct Held {
    verified: &'static str,
    origin: String,
    records: u64,
    /// Of them, how many retention removed; their hashes stand.
    removed: u64,
    /// The record that says so.
    removed_by: Option<u64>,
    kept_days: Option<u64>,
    checkpoints: u64,
    root: String,
    key: String,
    successions: u64,
    since: Option<u64>,
    first: Option<String>,
    last: Option<String>,
}

impl Shown for Held {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "verified: all {} records", self.records)?;
        let removed = match (self.removed.checked_sub(1), self.removed_by, self.kept_days) {
            (Some(last), Some(by), Some(days)) => {
                format!(
                    "records 0 to {last} by retention after {days} days (record {by}), their hashes stand"
                )
            }
            _ => "nothing".to_owned(),
        };
        let since = self.since.map_or_else(
            || "not compared (--since)".to_owned(),
            |size| format!("only grew since the checkpoint at {size}"),
        );
        facts(
            out,
            &[
                ("audit log", self.origin.clone()),
                ("removed", removed),
                ("first", self.first.clone().unwrap_or_default()),
                ("last", self.last.clone().unwrap_or_default()),
                ("root", self.root.clone()),
                ("signed by", signed_by(&self.key, self.successions)),
                ("history", since),
            ],
        )
    }
}

/// Verifies an export offline.
// threat: AGP-R3
// threat: ANP-0012
async fn verify(args: &VerifyArgs, at: &At, show: Show) -> Result<(), Failure> {
    let trusted = Trusted::given(&args.trust, at)
        .await?
        .since(args.since.as_deref())?;
    let path = args.file.as_path();
    let evidence = BufReader::new(File::open(path).map_err(|e| unreadable(path, &e))?);
    let mut trouble = None;
    let lines = Lines {
        evidence,
        trouble: &mut trouble,
    };
    let held = verify_audit_export(lines, trusted.trust(), None);
    if let Some(error) = trouble {
        return Err(unreadable(path, &error));
    }
    let report = held.map_err(|e| broken(path, &e))?;
    show.say(&Held {
        verified: "audit",
        origin: report.origin,
        records: report.entries,
        removed: report.removed,
        removed_by: report.removal.map(|(index, _)| index),
        kept_days: report.removal.map(|(_, removal)| removal.keep_ms / DAY_MS),
        checkpoints: report.checkpoints,
        root: hexed(&report.root),
        key: report.key,
        successions: report.successions,
        since: report.since,
        first: report.first.and_then(rfc3339),
        last: report.last.and_then(rfc3339),
    })
}
