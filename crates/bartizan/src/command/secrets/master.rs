//! The master key replaced, and its passphrase. Beside a gate that serves: what serves has the root in memory, and
//! needs a master key again at its next start.

use std::io::{self, IsTerminal, Read, Write};

use credential::{MasterKey, SealedRoot, SecretRef};
use domain::{Secret, TenantId};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::At;
use crate::command::instance::{Instance, configuration};
use crate::command::show::{Show, Shown, remark};
use crate::failure::{Failure, Hint};
use crate::home::{Home, PASSPHRASE, wrapping_key};
use crate::resolve::from_environment;
use crate::root;

/// The longest passphrase.
const PASSPHRASE_BYTES_MAX: u64 = 4096;

#[derive(Debug, Serialize)]
struct Rotated {
    master_keys: usize,
    retired: usize,
}

impl Shown for Rotated {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.retired {
            0 if self.master_keys > 1 => writeln!(
                out,
                "the new master key opens the root; so do {} older",
                self.master_keys - 1
            ),
            0 => writeln!(out, "there is one master key, and nothing to retire"),
            retired => writeln!(out, "{retired} older master keys open nothing any more"),
        }
    }
}

/// Lets another master key open the root, or shuts the older ones out.
///
/// At every step a node with the old or the new key starts: first the store lists both, then the data folder, then
/// the key itself is replaced. A run that was cut off is run again.
// threat: AGP-CRED-2.2
pub async fn rotate(to: Option<&SecretRef>, finish: bool, at: &At, show: Show) -> Result<(), Failure> {
    let instance = Instance::open(at).await?;
    let kept = root::kept(instance.store.as_ref()).await?;
    let (record, sealed) = kept.map_or((None, None), |(record, sealed)| (Some(record), Some(sealed)));
    let home = &instance.home;
    let mut sealed = match sealed {
        Some(sealed) => sealed,
        None => SealedRoot::new(&home.master, home.key()).map_err(|e| Failure::new(e.to_string()))?,
    };
    if finish {
        return retire(&instance, record, sealed, show).await;
    }
    let fresh = match (to, home.key_elsewhere()) {
        (Some(to), _) => wrapping_key(to)?,
        (None, None) => MasterKey::generate().map_err(|e| Failure::new(e.to_string()))?,
        (None, Some(at)) => {
            let what = format!("the master key is at `{at}`, which is not written from here");
            return Err(
                Failure::usage(what).hint("put a new one there beside the old, and name it with --to")
            );
        }
    };
    sealed
        .admit(&home.master, &fresh)
        .map_err(|e| Failure::new(e.to_string()))?;
    let change = root::change(record, &sealed);
    instance
        .record(TenantId::PLATFORM, "master_key.rotate", "root", &[change])
        .await?;
    home.keep_root(&sealed)?;
    match to {
        None => home.replace_key(&fresh)?,
        Some(to) => remark(&format!(
            "set `secrets.master_key: {to}` on every node before its next start"
        )),
    }
    remark("back the new master key up, give it to every node, then run this again with --finish");
    show.say(&Rotated {
        master_keys: sealed.keys(),
        retired: 0,
    })
}

async fn retire(
    instance: &Instance,
    record: Option<store::Record>,
    mut sealed: SealedRoot,
    show: Show,
) -> Result<(), Failure> {
    if !sealed.is_newest(instance.home.key()) {
        return Err(
            Failure::new("this node still has an older master key, and would shut itself out")
                .hint("give it the new one first, then run this again"),
        );
    }
    if !instance.home.is_apart() {
        return Err(
            Failure::new("the master key is the root itself: there is no newer one to keep")
                .hint("run this without --finish first"),
        );
    }
    let retired = sealed.retire_old();
    if retired > 0 {
        let change = root::change(record, &sealed);
        instance
            .record(TenantId::PLATFORM, "master_key.retire", "root", &[change])
            .await?;
    }
    instance.home.keep_root(&sealed)?;
    show.say(&Rotated {
        master_keys: sealed.keys(),
        retired,
    })
}

#[derive(Debug, Serialize)]
struct Guarded {
    passphrase: bool,
}

impl Shown for Guarded {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.passphrase {
            true => writeln!(
                out,
                "the master key is wrapped: set {PASSPHRASE} to the new passphrase from now on"
            ),
            false => writeln!(out, "the master key is not wrapped any more: unset {PASSPHRASE}"),
        }
    }
}

/// Another passphrase around the master key, a first one, or none.
// threat: AGP-CRED-2.2
pub fn passphrase(at: &At, show: Show) -> Result<(), Failure> {
    let home = Home::existing(&configuration(at)?)?;
    let given = typed()?;
    home.guard_key(given.as_ref())?;
    show.say(&Guarded {
        passphrase: given.is_some(),
    })
}

/// By standard input; nothing means none.
// threat: AGP-I1
fn typed() -> Result<Option<Secret>, Failure> {
    let trouble = |e: io::Error| Failure::new(format!("standard input cannot be read: {e}"));
    if io::stdin().is_terminal() {
        let first =
            Secret::new(rpassword::prompt_password("new passphrase (none: just return): ").map_err(trouble)?);
        let again = Secret::new(rpassword::prompt_password("again: ").map_err(trouble)?);
        if first.expose() != again.expose() {
            return Err(Failure::usage("the two are not the same: nothing was changed"));
        }
        return Ok((!first.expose().is_empty()).then_some(first));
    }
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin()
        .lock()
        .take(PASSPHRASE_BYTES_MAX)
        .read_to_string(&mut text);
    read.map_err(trouble)?;
    let line = text.trim_end_matches(['\r', '\n']);
    Ok((!line.is_empty()).then(|| Secret::new(line)))
}

/// A new master key's text, for whoever keeps master keys elsewhere than in data folders.
pub fn fresh() -> Result<(), Failure> {
    let key = MasterKey::generate().map_err(|e| Failure::new(e.to_string()))?;
    let text = key
        .to_wrapping_file(from_environment(PASSPHRASE).as_ref())
        .map_err(|e| Failure::new(e.to_string()))?;
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Failure::new(format!("standard output cannot be written: {e}")))
}
