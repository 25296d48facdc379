//! The data folder: made 0700, with the sealed master key (0600), the node's id and the stores in it.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use credential::{MasterKey, purpose};
use domain::NodeId;
use ledger::note::Signer;

use crate::failure::{Failure, Hint};
use crate::resolve;

/// The variable whose passphrase wraps the master key.
pub const PASSPHRASE: &str = "BARTIZAN_MASTER_PASSPHRASE";

/// An opened data folder.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    /// The instance's root secret.
    pub master: MasterKey,
    /// Whose leases and journal this folder holds.
    pub node: NodeId,
}

impl Home {
    /// Opens the folder, making what is missing.
    // threat: AGP-CRED-2.2
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| trouble(dir, "made", &e))?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(|e| trouble(dir, "made private", &e))?;
        let dir = dir.canonicalize().map_err(|e| trouble(dir, "found", &e))?;
        let master = master(&dir.join("master.key"))?;
        let node = node(&dir.join("node.id"))?;
        Ok(Self { dir, master, node })
    }

    /// Opens a folder that must be there already: for commands that look at an instance.
    pub fn existing(dir: &Path) -> Result<Self, Failure> {
        if !dir.join("master.key").exists() {
            return Err(
                Failure::not_found(format!("`{}` is no data folder of an instance", dir.display()))
                    .hint("run `bartizan serve` once, or name the folder with --data-dir or --config"),
            );
        }
        Self::open(dir)
    }

    /// The embedded store's file.
    pub fn sqlite(&self) -> PathBuf {
        self.dir.join("bartizan.db")
    }

    /// The journal's folder.
    pub fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Who signs this instance's checkpoints.
    pub fn signer(&self, origin: &str) -> Result<Signer, Failure> {
        Signer::from_seed(origin, &self.master.derive(purpose::LEDGER_SIGNER))
            .map_err(|e| Failure::new(format!("checkpoints cannot be signed: {e}")))
    }
}

/// Reads the master key, or makes one. Two processes starting at once agree on one: the first to create
/// the file wins.
fn master(path: &Path) -> Result<MasterKey, Failure> {
    let passphrase = resolve::from_environment(PASSPHRASE);
    match std::fs::read_to_string(path) {
        Ok(text) => MasterKey::from_file(&text, passphrase.as_ref()).map_err(|e| {
            Failure::new(format!(
                "the master key in `{}` cannot be opened: {e}",
                path.display()
            ))
            .hint(format!("if it is wrapped under a passphrase, set {PASSPHRASE}"))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = MasterKey::generate().map_err(|e| Failure::new(e.to_string()))?;
            let text = key
                .to_file(passphrase.as_ref())
                .map_err(|e| Failure::new(e.to_string()))?;
            if create(path, text.as_bytes())? {
                Ok(key)
            } else {
                master(path)
            }
        }
        Err(error) => Err(trouble(path, "read", &error)),
    }
}

fn node(path: &Path) -> Result<NodeId, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|e| Failure::new(format!("`{}` is damaged: {e}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let id = NodeId::generate();
            if create(path, format!("{id}\n").as_bytes())? {
                Ok(id)
            } else {
                node(path)
            }
        }
        Err(error) => Err(trouble(path, "read", &error)),
    }
}

/// Writes a new private file whole, or says that it is there already.
fn create(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(|e| trouble(&fresh, "made", &e))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|e| trouble(&fresh, "written", &e))?;
    // A hard link does not replace: who comes second learns of it.
    let linked = std::fs::hard_link(&fresh, path);
    let _ = std::fs::remove_file(&fresh);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(trouble(path, "made", &error)),
    }
}

fn trouble(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be {what}: {error}", path.display()))
}
