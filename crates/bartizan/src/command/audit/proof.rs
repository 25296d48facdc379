//! The proof that one record is in its tenant's audit log: taken out of the store, and verified anywhere.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use domain::{AuditId, TenantId, TenantScope};
use ledger::AuditRecord;
use ledger::bundle::{LINE_BYTES_MAX, Proof, prove_audit, verify_audit_proof};
use serde::Serialize;
use store::{LogKind, Signing, SigningNow, StoreError, StoredAudit, StoredCheckpoint};

use crate::cli::At;
use crate::command::arguments::rfc3339;
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::ledger::trust::{TrustArgs, Trusted, WitnessesArgs};
use crate::command::ledger::verify::{broken, cosigners, hexed, says_nothing_of, unreadable};
use crate::command::ledger::{checkpoint_file, destination, settled, witnessed};
use crate::command::show::{Show, Shown, finish};
use crate::command::table::facts;
use crate::failure::{Failure, Hint};

/// Which record, and where the proof goes.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// The record's id, as `bartizan audit list --json` and the API show it
    #[arg(value_name = "RECORD")]
    record: AuditId,
    /// Look in this tenant only; `platform` for the instance's own
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Where to write the proof; standard output when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// An older checkpoint of this audit log: the proof also shows that nothing was rewritten since
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
    /// Under the newest head that so many witnesses cosigned; without, under the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    witnesses: usize,
}

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan audit verify-proof proof.json --key ledger.key

Verifies the signature, the path to the signed root, and that the record is in its one canonical form and of the log's \
own tenant. Exits with 4 and says where it broke if anything does not hold. Needs no store, no network and no running \
instance: with --key it runs anywhere.")]
pub struct VerifyProofArgs {
    /// The proof
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// A checkpoint of this audit log, kept from earlier: the log must contain all that it covered
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
    #[command(flatten)]
    witnesses: WitnessesArgs,
}

/// Writes the proof of one record.
// threat: AGP-R3
pub async fn prove(args: &ProofArgs, instance: &Instance) -> Result<(), Failure> {
    let signing = instance.signing()?;
    let (scope, stored) = find(args, instance).await?;
    let origin = signing.origin(scope.tenant(), LogKind::Audit);
    let log = (&scope, LogKind::Audit);
    let (head, keys) = witnessed(instance, &signing, log, (stored.index, args.witnesses)).await?;
    let of_log = keys.of_log(&origin);
    let since = args.since.as_deref();
    let old = since.map(|path| checkpoint_file(path, &of_log)).transpose()?;
    if let Some(old) = old.as_ref().filter(|old| old.size > head.size) {
        return Err(Failure::tampered(format!(
            "the checkpoint covers {} records, but the audit log has {}: it was rolled back",
            old.size, head.size
        )));
    }
    let old_size = old.as_ref().map(|old| old.size);
    let proof = proof_under(instance, (&scope, &stored), (&head, &keys, &origin), old_size).await?;
    let text = serde_json::to_string_pretty(&proof).map_err(|e| Failure::new(e.to_string()))?;
    let mut out = destination(args.out.as_deref())?;
    finish(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// The proof of a record, under a head that is signed.
// threat: AGP-R3
pub(in crate::command) async fn of_record(
    instance: &Instance,
    signing: &Arc<Signing>,
    (scope, stored): (&TenantScope, &StoredAudit),
) -> Result<Proof, Failure> {
    let origin = signing.origin(scope.tenant(), LogKind::Audit);
    let (head, keys) = settled(instance, signing, (scope, LogKind::Audit), stored.index).await?;
    proof_under(instance, (scope, stored), (&head, &keys, &origin), None).await
}

async fn proof_under(
    instance: &Instance,
    (scope, stored): (&TenantScope, &StoredAudit),
    (head, keys, origin): (&StoredCheckpoint, &SigningNow, &str),
    old_size: Option<u64>,
) -> Result<Proof, Failure> {
    let leaves = instance
        .store
        .log_leaves(scope, LogKind::Audit, 0, head.size)
        .await?;
    let proof = prove_audit(&stored.bytes, stored.index, &leaves, &head.note, old_size);
    let mut proof = proof
        .ok_or_else(|| Failure::tampered(format!("record {} is not where it should be", stored.index)))?;
    proof.successions = keys.handovers(origin);
    // A proof that does not hold is found here and not by whoever gets it.
    verify_audit_proof(&proof, keys.signer()?.verifier()).map_err(|e| {
        Failure::tampered(format!(
            "the audit log does not bear out record {}: {e}",
            stored.index
        ))
    })?;
    Ok(proof)
}

/// The record, in whichever log it is.
async fn find(args: &ProofArgs, instance: &Instance) -> Result<(TenantScope, StoredAudit), Failure> {
    let tenants = match args.tenant.as_deref() {
        Some("platform") => vec![TenantId::PLATFORM],
        Some(named) => vec![
            Names::read(instance.store.as_ref())
                .await?
                .tenant(Some(named))?
                .id,
        ],
        None => {
            let directory = instance.store.load().await?;
            let all = directory.tenants.iter().map(|tenant| tenant.id);
            all.chain([TenantId::PLATFORM]).collect()
        }
    };
    for tenant in tenants {
        let scope = TenantScope::operator(tenant);
        match instance.store.audit_record(&scope, args.record).await {
            Ok(stored) => return Ok((scope, stored)),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let what = format!("no audit log has a record {}", args.record);
    Err(Failure::not_found(what)
        .hint("what retention removed cannot be proved any more, only its hash is left"))
}

#[derive(Debug, Serialize)]
struct Held {
    verified: &'static str,
    origin: String,
    index: u64,
    size: u64,
    root: String,
    key: String,
    since: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cosigned_by: Vec<String>,
    record: AuditRecord,
}

impl Shown for Held {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "verified: {} is in the audit log", self.record.id)?;
        let since = self.since.map_or_else(
            || "not compared (--since)".to_owned(),
            |size| format!("only grew since the checkpoint at {size}"),
        );
        facts(
            out,
            &[
                ("audit log", self.origin.clone()),
                (
                    "record",
                    format!("{} of {} under a signed root", self.index, self.size),
                ),
                ("at", rfc3339(self.record.at).unwrap_or_default()),
                ("who", super::who(&self.record)),
                ("act", self.record.act.clone()),
                ("outcome", super::outcome(&self.record)),
                ("target", self.record.target.clone().unwrap_or_default()),
                ("root", self.root.clone()),
                ("signed by", self.key.clone()),
                ("history", since),
                ("cosigned by", cosigners(&self.cosigned_by)),
            ],
        )
    }
}

/// Verifies a proof offline.
// threat: AGP-R3
// threat: ANP-0012
pub async fn verify(args: &VerifyProofArgs, at: &At, show: Show) -> Result<(), Failure> {
    let trusted = Trusted::given(&args.trust, at)
        .await?
        .since(args.since.as_deref())?
        .witnessed_by(&args.witnesses)?;
    let path = args.file.as_path();
    let proof = read(path)?;
    if let Some(known) = trusted
        .claimed(None)
        .filter(|known| says_nothing_of(&proof, known))
    {
        let (path, size) = (path.display(), known.size);
        let what = format!("`{path}` says nothing about the checkpoint at {size}");
        return Err(Failure::tampered(what)
            .hint("take the proof with `bartizan audit proof … --since` that checkpoint"));
    }
    let held = verify_audit_proof(&proof, trusted.trust()).map_err(|e| broken(path, &e))?;
    let (head, origin) = (
        (&*proof.checkpoint, held.checkpoint.size),
        &held.checkpoint.origin,
    );
    let cosigned_by = trusted.cosigned(head, origin)?;
    show.say(&Held {
        verified: "audit_proof",
        cosigned_by,
        origin: held.checkpoint.origin,
        index: held.index,
        size: held.checkpoint.size,
        root: hexed(&held.checkpoint.root),
        key: held.key,
        since: held.since,
        record: held.record,
    })
}

fn read(path: &Path) -> Result<Proof, Failure> {
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let bytes_max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(bytes_max)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(path, &e))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Failure::tampered(format!("`{}` is no proof: {e}", path.display())))
}
