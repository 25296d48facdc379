//! Taking evidence out of a ledger: proofs of single entries, exports, signed roots.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{RequestId, TenantScope, UnixMillis};
use ledger::bundle::{ExportLine, LogKeys, prove_along, verify_proof};
use ledger::note::Checkpoint;
use store::cosigned::Cosigned;
use store::{LogKind, Paths, Signing, SigningNow, StoreError, StoredCheckpoint, StoredEntry};
use telemetry::Metrics;
use worker::{Checkpointer, WorkerError};

use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::finish;
use crate::failure::{Failure, Hint};

use super::{ExportArgs, ProveArgs, removals};

/// Entries read at once.
const ENTRIES_A_READ: u64 = 512;
/// How often it is looked again because the key was replaced meanwhile.
const SETTLING_TRIES: u32 = 5;

/// Writes the proof of one entry.
// threat: AGP-R1
// threat: AGP-R2
pub async fn prove(args: &ProveArgs, instance: &Instance) -> Result<(), Failure> {
    let signing = instance.signing()?;
    let names = Names::read(instance.store.as_ref()).await?;
    let (scope, stored) = find(args, instance, &names).await?;
    let origin = signing.origin(scope.tenant(), LogKind::Ledger);
    let log = (&scope, LogKind::Ledger);
    let (head, keys) = witnessed(instance, &signing, log, (stored.index, args.witnesses)).await?;
    let of_log = keys.of_log(&origin);
    let paths = Paths::new(instance.store.clone());
    let place = (stored.index, head.size);
    let path = paths.inclusion(&scope, LogKind::Ledger, place).await?;
    let mut proof = prove_along(&stored.bytes, place, path, &head.note)
        .ok_or_else(|| Failure::tampered(format!("entry {} is not text", stored.index)))?;
    if let Some(path) = &args.since {
        let old = checkpoint_file(path, &of_log)?;
        if old.size > head.size {
            return Err(Failure::tampered(format!(
                "`{}` covers {} entries, but the ledger has {}: it was rolled back",
                path.display(),
                old.size,
                head.size
            )));
        }
        let sizes = (old.size, head.size);
        proof = proof.since(old.size, paths.consistency(&scope, LogKind::Ledger, sizes).await?);
    }
    proof.successions = keys.handovers(&origin);
    // A proof that does not hold is found here and not by whoever gets it.
    verify_proof(&proof, keys.signer()?.verifier()).map_err(|e| {
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
    let signing = instance.signing()?;
    let names = Names::read(instance.store.as_ref()).await?;
    let scope = TenantScope::operator(names.tenant(args.tenant.as_deref())?.id);
    let head = match args.witnesses {
        0 => signed_now(instance, &signing, &scope, LogKind::Ledger).await?,
        demanded => cosigned(instance, (&scope, LogKind::Ledger), (0, demanded)).await?,
    };
    write(args.out.as_deref(), |out| out.write_all(head.note.as_bytes()))
}

/// Writes a whole ledger.
pub async fn export(args: &ExportArgs, instance: &Instance) -> Result<(), Failure> {
    let signing = instance.signing()?;
    let names = Names::read(instance.store.as_ref()).await?;
    let scope = TenantScope::operator(names.tenant(args.tenant.as_deref())?.id);
    let log = (&scope, LogKind::Ledger);
    let kept = instance.store.entries_kept(&scope).await?;
    let (head, keys) = witnessed(instance, &signing, log, (u64::MAX, args.witnesses)).await?;
    let origin = signing.origin(scope.tenant(), LogKind::Ledger);
    let mut out = destination(args.out.as_deref())?;
    let header = ExportLine::header(&origin, keys.signer()?.verifier());
    let handovers = keys.handovers(&origin).into_iter().map(ExportLine::Succession);
    for line in std::iter::once(header).chain(handovers) {
        finish(writeln!(out, "{}", line.to_line()))?;
    }
    if kept.from > 0
        && let Some(proof) = removals::told(instance, &signing, &scope, kept.from).await?
    {
        let line = ExportLine::Retention(Box::new(proof)).to_line();
        finish(writeln!(out, "{line}"))?;
    }
    let mut next = 0;
    while next < head.size.min(kept.from) {
        let end = head.size.min(kept.from).min(next + ENTRIES_A_READ);
        for leaf in instance.store.leaf_hashes(&scope, next, end).await? {
            finish(writeln!(out, "{}", ExportLine::removed(next, leaf).to_line()))?;
            next += 1;
        }
    }
    while next < head.size {
        let read = instance
            .store
            .entries(&scope, next, ENTRIES_A_READ.min(head.size - next))
            .await?;
        let newest = read
            .last()
            .map(|entry| entry.index)
            .filter(|newest| *newest >= next);
        let Some(newest) = newest else {
            return Err(removals::missing(instance, &scope, next).await);
        };
        // As they were when the entries came: so it can be told which was changed since.
        let leaves = instance.store.leaf_hashes(&scope, next, newest + 1).await?;
        next = newest.saturating_add(1);
        for (entry, leaf) in read.iter().zip(leaves) {
            let line = ExportLine::entry_as_kept(entry.index, &entry.bytes, leaf);
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
        .hint("a call gets there within a second of its end, and leaves when `ledger.keep_days` are over; `bartizan ledger show` lists the newest")
}

/// A signed root, over the entry at `index` or, if there is none that covers it, over everything; and the keys of the same
/// moment: should the key be replaced meanwhile, again.
pub async fn settled(
    instance: &Instance,
    signing: &Arc<Signing>,
    (scope, log): (&TenantScope, LogKind),
    index: u64,
) -> Result<(StoredCheckpoint, Arc<SigningNow>), Failure> {
    let origin = signing.origin(scope.tenant(), log);
    for _ in 0..SETTLING_TRIES {
        let keys = signing.now().await?;
        let of_log = keys.of_log(&origin);
        let kept = instance.store.log_checkpoint(scope, log).await?;
        let head = match kept.filter(|kept| kept.size > index && of_log.believed(&kept.note).is_ok()) {
            Some(kept) => kept,
            None => signed_now(instance, signing, scope, log).await?,
        };
        if signing.now().await?.epoch == keys.epoch {
            return Ok((head, keys));
        }
    }
    Err(Failure::new(
        "the key of the logs is replaced again and again: run this again",
    ))
}

/// [`settled`]; where witnesses are demanded, the newest head that so many cosigned; where not, with what any put below it.
pub async fn witnessed(
    instance: &Instance,
    signing: &Arc<Signing>,
    (scope, log): (&TenantScope, LogKind),
    (index, demanded): (u64, usize),
) -> Result<(StoredCheckpoint, Arc<SigningNow>), Failure> {
    if demanded > 0 {
        let least = if index == u64::MAX { 0 } else { index };
        let head = cosigned(instance, (scope, log), (least, demanded)).await?;
        return Ok((head, signing.now().await?));
    }
    let (head, keys) = settled(instance, signing, (scope, log), index).await?;
    let kept = Cosigned::read(instance.store.as_ref(), scope, log).await?;
    Ok((kept.below(head), keys))
}

/// The newest head over the entry at `index` that so many witnesses cosigned.
async fn cosigned(
    instance: &Instance,
    (scope, log): (&TenantScope, LogKind),
    (index, demanded): (u64, usize),
) -> Result<StoredCheckpoint, Failure> {
    let kept = Cosigned::read(instance.store.as_ref(), scope, log).await?;
    let head = kept.newest(demanded).filter(|head| head.size > index);
    head.ok_or_else(|| {
        Failure::not_found(format!("no head over this is cosigned by {demanded} witness(es)"))
            .hint("who serves asks those of `ledger.witnesses`, each as often as its `every_ms` says")
    })
}

/// The newest signed root after signing what has grown: the same note that the serving instance signs.
pub async fn signed_now(
    instance: &Instance,
    signing: &Arc<Signing>,
    scope: &TenantScope,
    log: LogKind,
) -> Result<StoredCheckpoint, Failure> {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let mut checkpointer =
        Checkpointer::new(instance.store.clone(), signing.clone(), Duration::ZERO, metrics);
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

/// A checkpoint kept in a file, if a key of the log's signed it that might.
pub fn checkpoint_file(path: &Path, keys: &LogKeys) -> Result<Checkpoint, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("`{}` cannot be read: {e}", path.display())))?;
    keys.believed(&text).map_err(|e| {
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
