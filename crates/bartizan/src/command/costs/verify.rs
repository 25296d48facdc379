//! Whether an exported file is what it was, and whether the ledger still says what the file does.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use control::sheets::Sheeted;
use domain::{TenantId, TenantScope, UnixMillis};
use exports::{Digesting, FORMAT, Manifest, Rows, digest_of, write};
use jiff::Timestamp;
use ledger::merkle::{Frontier, leaf_hash};
use serde::Serialize;
use store::{EntrySpan, LogKind, cost_names, gather_costs};

use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::failure::{Failure, Hint};
use crate::pricing::Priced;

use super::file::manifest_of;
use super::{ROWS_MAX, costs_failure, said};

/// The longest manifest that is read.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Serialize)]
struct Verified {
    /// Whether nothing disagrees.
    is_good: bool,
    entries: u64,
    cost_nanos: i64,
    /// Whether the file, made anew, has the same bytes. Names and price lists that changed since make others.
    is_reproduced: bool,
    differences: Vec<String>,
}

impl Shown for Verified {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        said(out, &self.differences)?;
        if !self.is_good {
            return writeln!(out, "does not verify");
        }
        let how = match self.is_reproduced {
            true => "made anew it is the same, byte for byte",
            false => "made anew it differs: names or the price list changed since, its sums did not",
        };
        writeln!(
            out,
            "verified: {} entries, {} nano-dollars; {how}",
            self.entries, self.cost_nanos
        )
    }
}

/// Verifies it.
// threat: AGP-R2
// threat: ANP-0012
pub(super) async fn run(path: &Path, instance: &Instance, show: Show) -> Result<(), Failure> {
    let manifest = read(path)?;
    let mut differences = file_differences(path, &manifest)?;
    let tenant: TenantId = manifest
        .tenant
        .parse()
        .map_err(|_| unreadable(path, "it names no tenant"))?;
    let scope = TenantScope::operator(tenant);
    let span = EntrySpan {
        from: moment(&manifest.from).ok_or_else(|| unreadable(path, "`from` is no time"))?,
        until: moment(&manifest.until).ok_or_else(|| unreadable(path, "`until` is no time"))?,
        size: manifest.ledger.size,
    };
    let leaves = match instance.store.leaf_hashes(&scope, 0, span.size).await {
        Ok(leaves) => leaves,
        Err(_) => {
            differences.push(format!(
                "the ledger has fewer than the {} entries it had",
                span.size
            ));
            Vec::new()
        }
    };
    differences.extend(checkpoint_differences(instance, &manifest, &leaves, tenant).await?);
    let mut rows = Rows::new(manifest.grain, ROWS_MAX);
    let mut strangers = 0u64;
    let seen = |index: u64, bytes: &[u8]| {
        let leaf = usize::try_from(index).ok().and_then(|index| leaves.get(index));
        strangers += u64::from(leaf != Some(&leaf_hash(bytes)));
    };
    let list = Arc::new(Priced::of(&instance.config)?);
    let pricing = Sheeted::of(instance.store.as_ref(), scope.tenant(), list).await?;
    let gathered = gather_costs(
        instance.store.as_ref(),
        (&scope, &span),
        &mut rows,
        &pricing,
        seen,
    )
    .await;
    gathered.map_err(costs_failure)?;
    if strangers > 0 {
        differences.push(format!(
            "{strangers} entries are not those that the log's hashes are of"
        ));
    }
    differences.extend(manifest.against(rows.total()).differences);
    let names = cost_names(instance.store.as_ref(), &scope, &instance.config.ledger.origin).await?;
    let mut anew = Digesting::new(io::sink());
    write(manifest.kind, &rows, &names, &mut anew).map_err(|error| Failure::new(error.to_string()))?;
    let verified = Verified {
        is_good: differences.is_empty(),
        entries: manifest.ledger.entries,
        cost_nanos: manifest.sums.cost_nanos,
        is_reproduced: anew.finish().1 == manifest.sha256,
        differences,
    };
    show.say(&verified)?;
    match verified.is_good {
        true => Ok(()),
        false => Err(Failure::tampered(format!(
            "`{}` does not agree with the ledger",
            path.display()
        ))),
    }
}

fn read(path: &Path) -> Result<Manifest, Failure> {
    let place = manifest_of(path);
    let mut text = String::new();
    let file = File::open(&place).and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text));
    file.map_err(|error| {
        Failure::usage(format!("`{}` cannot be read: {error}", place.display()))
            .hint("the manifest is written beside the file, and has to be beside it")
    })?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| unreadable(path, &error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(unreadable(path, "it is of a format that is not known here"));
    }
    Ok(manifest)
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("`{}` is no manifest: {why}", manifest_of(path).display()))
}

fn moment(text: &str) -> Option<UnixMillis> {
    let at: Timestamp = text.parse().ok()?;
    Some(UnixMillis(at.as_millisecond()))
}

fn file_differences(path: &Path, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let unread = |error: io::Error| Failure::usage(format!("`{}` cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(unread)?;
    let (sha256, bytes) = digest_of(BufReader::new(file)).map_err(unread)?;
    let is_same = sha256 == manifest.sha256 && bytes == manifest.bytes;
    let what = format!("the file is not the one of the manifest: {bytes} bytes, SHA-256 {sha256}");
    Ok(if is_same { Vec::new() } else { vec![what] })
}

/// Whether the signed root of the manifest is over the log as it is.
async fn checkpoint_differences(
    instance: &Instance,
    manifest: &Manifest,
    leaves: &[[u8; 32]],
    tenant: TenantId,
) -> Result<Vec<String>, Failure> {
    let Some(note) = &manifest.ledger.checkpoint else {
        return Ok(vec!["the manifest has no signed root of the ledger".to_owned()]);
    };
    let signing = instance.signing()?;
    let origin = signing.origin(tenant, LogKind::Ledger);
    let keys = signing.now().await?;
    let opened = match keys.of_log(&origin).believed(note) {
        Ok(opened) => opened,
        Err(error) => return Ok(vec![format!("the manifest's root is not this ledger's: {error}")]),
    };
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    let mut differences = Vec::new();
    if opened.origin != origin || opened.size != manifest.ledger.size {
        differences.push("the manifest's root is of another log, or of another length".to_owned());
    } else if frontier.root() != opened.root {
        differences.push("the ledger is not the one that was signed: its root is another".to_owned());
    }
    Ok(differences)
}
