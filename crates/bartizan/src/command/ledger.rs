//! `bartizan ledger`: looking at a tenant's ledger, taking evidence out of it, and verifying evidence anywhere.

mod anchor;
mod certificate;
mod entries;
mod evidence;
mod keys;
mod removals;
pub(super) mod trust;
pub(super) mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::RequestId;

use crate::cli::At;
use crate::failure::Failure;

use super::instance::Instance;
use super::show::Show;

pub use evidence::{checkpoint_file, destination, settled, witnessed};
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
    /// Hand the newest signed heads to a witness, and keep them with its signatures
    Witness(anchor::WitnessArgs),
    /// Print the ledger's public key, to be handed to whoever verifies
    #[command(after_help = "\
Examples:
  bartizan ledger key > ledger.key
  bartizan ledger verify proof.json --key \"$(cat ledger.key)\"
  bartizan ledger key --json > published.json       with how it followed the keys before it")]
    Key,
    /// Replace the key that signs the ledgers, beside whoever serves
    #[command(after_help = "\
Examples:
  bartizan ledger rotate-key
  bartizan ledger rotate-key --without-old          the old key was stolen, or does not open any more

The old key signs which key comes after it and how every log stood then, and is forgotten. Whoever has it, or any before \
it, follows to the new one. Every replica signs with the new key from the next checkpoint on; no restart is needed.")]
    RotateKey {
        /// The old key is lost or stolen and signs nothing: everybody who verifies has to be told of the new one
        #[arg(long)]
        without_old: bool,
    },
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
    /// Under the newest head that so many witnesses cosigned; without, under the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    witnesses: usize,
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
    /// Up to the newest head that so many witnesses cosigned; without, up to the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    witnesses: usize,
}

/// Runs one of them.
pub async fn run(command: LedgerCommand, at: &At, show: Show) -> Result<(), Failure> {
    match command {
        LedgerCommand::Verify(args) => verify::run(&args, at, show).await,
        LedgerCommand::VerifyCertificate(args) => certificate::run(&args, at, show).await,
        LedgerCommand::Witness(args) => anchor::run(&args, &Instance::open(at).await?, show).await,
        LedgerCommand::Key => keys::show(&Instance::open(at).await?, show).await,
        LedgerCommand::RotateKey { without_old } => {
            keys::rotate(without_old, &Instance::open(at).await?, show).await
        }
        LedgerCommand::Show { tenant, last } => {
            entries::run(tenant.as_deref(), last, &Instance::open(at).await?, show).await
        }
        LedgerCommand::Prove(args) => evidence::prove(&args, &Instance::open(at).await?).await,
        LedgerCommand::Export(args) => evidence::export(&args, &Instance::open(at).await?).await,
        LedgerCommand::Checkpoint(args) => evidence::checkpoint(&args, &Instance::open(at).await?).await,
    }
}
