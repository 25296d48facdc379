//! Taking evidence out of a ledger: proofs of single entries, exports, signed roots.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{RequestId, TenantScope, UnixMillis};
use ledger::bundle::{ExportLine, origin_of, prove as proof_of, prove_since, verify_proof};
use ledger::note::{Checkpoint, Signer, Verifier, open};
use store::{LogKind, StoreError, StoredCheckpoint, StoredEntry};
use telemetry::Metrics;
use worker::{Checkpointer, WorkerError};

use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::finish;
use crate::failure::{Failure, Hint};

use super::{ExportArgs, ProveArgs};

/// Entries read at once.
const ENTRIES_A_READ: u64 = 512;

/// Writes the proof of one entry.
// threat: AGP-R1
// threat: AGP-R2
pub async fn prove(args: &ProveArgs, instance: &Instance) -> Result<(), Failure> {
    let signer = Arc::new(instance.home.signer(&instance.config.ledger.origin)?);
    let names = Names::read(instance.store.as_ref()).await?;
    let (scope, stored) = find(args, instance, &names).await?;
    let head = match instance.store.checkpoint(&scope).await? {
        Some(head)
            if head.size > stored.index
                && open(&head.note, std::slice::from_ref(signer.verifier())).is_ok() =>
        {
            head
        }
        _ => signed_now(instance, &signer, &scope, LogKind::Ledger).await?,
    };
    let leaves = instance.store.leaf_hashes(&scope, 0, head.size).await?;
    let proof = match &args.since {
        None => proof_of(&stored.bytes, stored.index, &leaves, &head.note),
        Some(path) => {
            let old = checkpoint_file(path, signer.verifier())?;
            if old.size > head.size {
                return Err(Failure::tampered(format!(
                    "`{}` covers {} entries, but the ledger has {}: it was rolled back",
                    path.display(),
                    old.size,
                    head.size
                )));
            }
            prove_since(&stored.bytes, stored.index, &leaves, &head.note, old.size)
        }
    };
    let proof = proof
        .ok_or_else(|| Failure::tampered(format!("entry {} is not where it should be", stored.index)))?;
    // A proof that does not hold is found here and not by whoever gets it.
    verify_proof(&proof, signer.verifier()).map_err(|e| {
        Failure::tampered(format!(
            "the ledger does not bear out entry {}: {e}",
            stored.index
        ))
    })?;
    let text = serde_json::to_string_pretty(&proof).map_err(|e| Failure::new(e.to_string()))?;
    write(args.out.as_deref(), |out| writeln!(out, "{text}"))
}

/// Writes the newest signed root.
pub async fn checkpoint(args: &ExportArgs, instance: &Instance) -> Result<(), Failure> {
    let signer = Arc::new(instance.home.signer(&instance.config.ledger.origin)?);
    let names = Names::read(instance.store.as_ref()).await?;
    let scope = TenantScope::operator(names.tenant(args.tenant.as_deref())?.id);
    let head = signed_now(instance, &signer, &scope, LogKind::Ledger).await?;
    write(args.out.as_deref(), |out| out.write_all(head.note.as_bytes()))
}

/// Writes a whole ledger.
pub async fn export(args: &ExportArgs, instance: &Instance) -> Result<(), Failure> {
    let signer = Arc::new(instance.home.signer(&instance.config.ledger.origin)?);
    let names = Names::read(instance.store.as_ref()).await?;
    let scope = TenantScope::operator(names.tenant(args.tenant.as_deref())?.id);
    let head = signed_now(instance, &signer, &scope, LogKind::Ledger).await?;
    let origin = origin_of(signer.verifier().name(), scope.tenant());
    let mut out = destination(args.out.as_deref())?;
    finish(writeln!(
        out,
        "{}",
        ExportLine::header(&origin, signer.verifier()).to_line()
    ))?;
    let mut next = 0;
    while next < head.size {
        let read = instance
            .store
            .entries(&scope, next, ENTRIES_A_READ.min(head.size - next))
            .await?;
        let newest = read
            .last()
            .map(|entry| entry.index)
            .filter(|newest| *newest >= next);
        let newest =
            newest.ok_or_else(|| Failure::tampered(format!("entry {next} is missing from the ledger")))?;
        next = newest.saturating_add(1);
        for entry in &read {
            let line = ExportLine::entry(entry.index, &entry.bytes);
            let line = line.ok_or_else(|| Failure::tampered(format!("entry {} is not text", entry.index)))?;
            finish(writeln!(out, "{}", line.to_line()))?;
        }
    }
    finish(writeln!(out, "{}", ExportLine::checkpoint(&head.note).to_line()).and_then(|()| out.flush()))
}

/// The entry, in whichever tenant's ledger it is.
async fn find(
    args: &ProveArgs,
    instance: &Instance,
    names: &Names,
) -> Result<(TenantScope, StoredEntry), Failure> {
    let only = names.tenant_if_named(args.tenant.as_deref())?;
    for tenant in names
        .all()
        .tenants
        .iter()
        .filter(|tenant| only.is_none_or(|only| only == tenant.id))
    {
        let scope = TenantScope::operator(tenant.id);
        match instance.store.entry(&scope, args.request).await {
            Ok(entry) => return Ok((scope, entry)),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(unknown(args.request))
}

fn unknown(request: RequestId) -> Failure {
    Failure::not_found(format!("no ledger has an entry of {request}"))
        .hint("a call gets there within a second of its end; `bartizan ledger show` lists the newest")
}

/// The newest signed root after signing what has grown: the same note that the serving instance signs.
pub async fn signed_now(
    instance: &Instance,
    signer: &Arc<Signer>,
    scope: &TenantScope,
    log: LogKind,
) -> Result<StoredCheckpoint, Failure> {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let mut checkpointer = Checkpointer::new(instance.store.clone(), signer.clone(), Duration::ZERO, metrics);
    let signed = checkpointer
        .checkpoint(scope.tenant(), log, UnixMillis::now())
        .await;
    match signed {
        Ok(_) => {}
        Err(error @ WorkerError::Tampered { .. }) => return Err(Failure::tampered(error.to_string())),
        Err(error) => return Err(Failure::new(error.to_string())),
    }
    let head = instance.store.log_checkpoint(scope, log).await?;
    head.ok_or_else(|| match log {
        LogKind::Ledger => Failure::not_found("the ledger has no entries yet").hint("make a call first"),
        LogKind::Audit => Failure::not_found("the audit log has no records yet"),
    })
}

/// A checkpoint kept in a file, if the key signed it.
pub fn checkpoint_file(path: &Path, verifier: &Verifier) -> Result<Checkpoint, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("`{}` cannot be read: {e}", path.display())))?;
    open(&text, std::slice::from_ref(verifier)).map_err(|e| {
        Failure::tampered(format!(
            "`{}` is no checkpoint of this ledger: {e}",
            path.display()
        ))
    })
}

fn write(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = destination(path)?;
    finish(write(&mut out).and_then(|()| out.flush()))
}

/// A file that only its owner reads, or standard output.
pub fn destination(path: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let file = file.map_err(|e| Failure::new(format!("`{}` cannot be written: {e}", path.display())))?;
    Ok(Box::new(BufWriter::new(file)))
}
