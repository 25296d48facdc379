//! `bartizan ledger`: looking at a tenant's ledger, taking evidence out of it, and verifying evidence anywhere.

mod certificate;
mod entries;
mod evidence;
pub(super) mod verify;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::RequestId;
use serde::Serialize;

use crate::cli::At;
use crate::failure::Failure;
use crate::home::Home;

use super::instance::{Instance, configuration};
use super::show::{Show, Shown};

pub use evidence::{checkpoint_file, destination, signed_now};
pub use verify::VerifyArgs;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Show the newest entries, the newest last
    #[command(after_help = "\
Examples:
  bartizan ledger show
  bartizan ledger show --last 100 --tenant acme
  bartizan ledger show --json | jq -r '.[] | select(.entry.status >= 400) | .entry.id'

Entries hold no prompt and no answer, only their digests. A call gets here within a second of its end.")]
    Show {
        /// Whose; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        last: u64,
    },
    /// Write the proof that one call is in the ledger, for whoever has the ledger's key
    #[command(after_help = "\
Examples:
  bartizan ledger prove req_0198f7c2a8d27c51b5a1f3d1c0ffee00 --out proof.json
  bartizan ledger prove req_0198f7c2a8d27c51b5a1f3d1c0ffee00 | bartizan ledger verify -
  bartizan ledger prove req_0198f7c2a8d27c51b5a1f3d1c0ffee00 --since last-month.checkpoint --out proof.json

The request's id is in the answer's `x-request-id` header. The proof holds the entry, its path to the root of the \
tenant's Merkle log, and the signed root; if no signed root covers the entry yet, one is signed now.")]
    Prove(ProveArgs),
    /// Write a tenant's whole ledger, with a signed root over all of it, as lines of JSON
    #[command(after_help = "\
Examples:
  bartizan ledger export --out ledger.jsonl
  bartizan ledger export --tenant acme | gzip > acme.jsonl.gz")]
    Export(ExportArgs),
    /// Verify a proof or an export with nothing but the ledger's public key
    Verify(VerifyArgs),
    /// Verify the certificate of a tenant's end, and that an export of its ledger goes with it
    VerifyCertificate(certificate::CertificateArgs),
    /// Print the newest signed root, to be kept elsewhere and held against later evidence
    #[command(after_help = "\
Examples:
  bartizan ledger checkpoint --out $(date +%Y-%m).checkpoint
  bartizan ledger verify ledger.jsonl --since 2026-06.checkpoint

Whoever keeps a checkpoint can tell later whether the ledger was rewritten or cut short.")]
    Checkpoint(ExportArgs),
    /// Print the ledger's public key, to be handed to whoever verifies
    #[command(after_help = "\
Examples:
  bartizan ledger key > ledger.key
  bartizan ledger verify proof.json --key \"$(cat ledger.key)\"")]
    Key,
}

/// Which entry, and where the proof goes.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// The request's id, from `x-request-id`
    #[arg(value_name = "REQUEST")]
    request: RequestId,
    /// Look in this tenant only
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Where to write the proof; standard output when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// An older checkpoint: the proof also shows that nothing was rewritten since
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
}

/// Whose, and where it goes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Where to write it; standard output when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs one of them.
pub async fn run(command: LedgerCommand, at: &At, show: Show) -> Result<(), Failure> {
    match command {
        LedgerCommand::Verify(args) => verify::run(&args, at, show),
        LedgerCommand::VerifyCertificate(args) => certificate::run(&args, at, show),
        LedgerCommand::Key => {
            let config = configuration(at)?;
            let signer = Home::existing(&config)?.sure()?.signer(&config.ledger.origin)?;
            show.say(&PublicKey {
                verifier: signer.verifier_text(),
            })
        }
        LedgerCommand::Show { tenant, last } => {
            entries::run(tenant.as_deref(), last, &Instance::open(at).await?, show).await
        }
        LedgerCommand::Prove(args) => evidence::prove(&args, &Instance::open(at).await?).await,
        LedgerCommand::Export(args) => evidence::export(&args, &Instance::open(at).await?).await,
        LedgerCommand::Checkpoint(args) => evidence::checkpoint(&args, &Instance::open(at).await?).await,
    }
}

#[derive(Debug, Serialize)]
struct PublicKey {
    verifier: String,
}

impl Shown for PublicKey {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.verifier)
    }
}
