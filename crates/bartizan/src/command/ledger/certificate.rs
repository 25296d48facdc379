//! Verifying the certificate of a tenant's end offline, and an export of its ledger against it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ledger::bundle::{LogKeys, Report, Tampered, verify_audit_export, verify_export};
use ledger::certificate::{CERTIFICATE_BYTES_MAX, Certificate};
use ledger::note::Checkpoint;
use serde::Serialize;

use crate::cli::At;
use crate::command::arguments::rfc3339;
use crate::command::show::{Show, Shown};
use crate::command::table::facts;
use crate::failure::{Failure, Hint};

use super::trust::{TrustArgs, Trusted};
use super::verify::{Lines, broken, unreadable};

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan ledger verify-certificate acme.certificate --key ledger.key
  bartizan ledger verify-certificate acme.certificate --key ledger.key --export acme.jsonl

Verifies the signature, that the certificate speaks of logs of this key, and, with --export, that the ledger in that \
file holds everything that it held when the tenant ended. Exits with 4 if anything does not hold. Needs no store, no \
network and no running instance: with --key it runs anywhere.")]
pub struct CertificateArgs {
    /// The certificate, as `bartizan tenants certificate` prints it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// An export of the tenant's ledger, to be held against the certificate
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// An export of the tenant's audit log, to be held against the certificate
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Held {
    verified: &'static str,
    key: String,
    /// How many entries the export has; `None` if none was given.
    entries: Option<u64>,
    /// The same of the export of the audit log.
    records: Option<u64>,
    certificate: Certificate,
}

impl Shown for Held {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let certificate = &self.certificate;
        let revoked = &certificate.revoked;
        writeln!(out, "verified: {} has ended", certificate.name)?;
        facts(
            out,
            &[
                ("tenant", certificate.tenant.to_string()),
                ("begun", rfc3339(certificate.begun).unwrap_or_default()),
                ("finished", rfc3339(certificate.finished).unwrap_or_default()),
                ("reason", certificate.reason.clone()),
                ("keys revoked", revoked.keys.len().to_string()),
                ("sessions ended", revoked.sessions.len().to_string()),
                ("users disabled", revoked.users.len().to_string()),
                ("services disabled", revoked.services.len().to_string()),
                (
                    "content key destroyed",
                    revoked.content_key.clone().unwrap_or_else(|| "none".to_owned()),
                ),
                ("ledger then", format!("{} entries", certificate.ledger.size)),
                ("audit log then", format!("{} records", certificate.audit.size)),
                ("signed by", self.key.clone()),
                (
                    "export",
                    self.entries.map_or_else(
                        || "not compared (--export)".to_owned(),
                        |entries| format!("holds all of it, {entries} entries"),
                    ),
                ),
                (
                    "audit export",
                    self.records.map_or_else(
                        || "not compared (--audit)".to_owned(),
                        |records| format!("holds all of it, {records} records"),
                    ),
                ),
            ],
        )
    }
}

/// Verifies.
// threat: ANP-0016
// threat: AGP-R2
pub async fn run(args: &CertificateArgs, at: &At, show: Show) -> Result<(), Failure> {
    let trusted = Trusted::given(&args.trust, at).await?;
    let text = read(&args.file)?;
    let opened = Certificate::open_of_any(&text, trusted.trust());
    let (certificate, replaced) = opened
        .map_err(|error| Failure::tampered(format!("`{}` does not verify: {error}", args.file.display())))?;
    let (ledger, audit) = (certificate.ledger.as_known(), certificate.audit.as_known());
    let trust = trusted.trust();
    let entries = args
        .export
        .as_deref()
        .map(|path| held(path, |lines| verify_export(lines, trust, Some(&ledger))))
        .transpose()?;
    let records = args
        .audit
        .as_deref()
        .map(|path| held(path, |lines| verify_audit_export(lines, trust, Some(&audit))))
        .transpose()?;
    if let Some(key) = replaced {
        let keys = records.as_ref().and_then(|report| report.keys.as_ref());
        might_sign(key, keys, &audit, &args.file)?;
    }
    let key = trust
        .published_chain()
        .ok()
        .and_then(|chain| chain.newest().map(ToString::to_string));
    show.say(&Held {
        verified: "certificate",
        key: key.unwrap_or_default(),
        entries: entries.map(|report| report.entries),
        records: records.map(|report| report.entries),
        certificate,
    })
}

/// A certificate of a key that was replaced: whoever stole that key could have signed it yesterday. Beside the audit log
/// it is known how that stood when the key went.
// threat: ANP-0016
fn might_sign(key: usize, keys: Option<&LogKeys>, audit: &Checkpoint, path: &Path) -> Result<(), Failure> {
    let Some(keys) = keys else {
        let what = format!(
            "`{}` is signed with a key that has been replaced: alone it proves nothing",
            path.display()
        );
        return Err(Failure::tampered(what).hint("give an export of the tenant's audit log with --audit"));
    };
    keys.judge(audit, key)
        .map_err(|fault| Failure::tampered(format!("`{}` does not verify: {fault}", path.display())))
}

/// How much an export holds that holds.
fn held(
    path: &Path,
    verify: impl FnOnce(Lines<'_, BufReader<File>>) -> Result<Report, Tampered>,
) -> Result<Report, Failure> {
    let evidence = BufReader::new(File::open(path).map_err(|e| unreadable(path, &e))?);
    let mut trouble = None;
    let held = verify(Lines {
        evidence,
        trouble: &mut trouble,
    });
    if let Some(error) = trouble {
        return Err(unreadable(path, &error));
    }
    held.map_err(|e| broken(path, &e))
}

fn read(path: &Path) -> Result<String, Failure> {
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    // One byte more than a certificate may have, so that a longer one is seen to be.
    let bytes_max = u64::try_from(CERTIFICATE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut text = String::new();
    file.take(bytes_max)
        .read_to_string(&mut text)
        .map_err(|e| unreadable(path, &e))?;
    Ok(text)
}
