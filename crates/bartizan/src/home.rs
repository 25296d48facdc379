//! The data folder: made 0700, with the master key (0600), the root that it opens, the node's id and the stores in it.
//! The master key may be elsewhere: in the environment, in a file, or handed over by systemd.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::Config;
use credential::{MasterKey, RootError, SealedRoot, SecretRef};
use domain::{NodeId, Secret};
use store::{Signing, Store};
use zeroize::Zeroizing;

use crate::failure::{Failure, Hint};
use crate::resolve;

/// The variable whose passphrase wraps the master key.
pub const PASSPHRASE: &str = "BARTIZAN_MASTER_PASSPHRASE";
/// The name under which systemd may hand the master key over (`LoadCredential=`).
const CREDENTIAL: &str = "bartizan-master-key";
/// The sealed root's file.
const ROOT: &str = "root.key";
const KEY_BYTES_MAX: u64 = 16 << 10;

/// An opened data folder.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    /// The instance's root secret: what every other is derived from.
    pub master: MasterKey,
    /// Whose leases and journal this folder holds.
    pub node: NodeId,
    key: Key,
    /// Why the root is not known yet, if it is not: the store may have it for this master key.
    unsure: Option<RootError>,
}

/// The master key as it was found.
#[derive(Debug)]
struct Key {
    master: MasterKey,
    /// Whether it only wraps the root; else it is the root.
    wraps: bool,
    /// Where, unless in the data folder.
    elsewhere: Option<SecretRef>,
}

impl Home {
    /// Opens the folder, making what is missing.
    // threat: AGP-CRED-2.2
    pub fn open(config: &Config) -> Result<Self, Failure> {
        let dir = &config.data_dir;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| trouble(dir, "made", &e))?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(|e| trouble(dir, "made private", &e))?;
        let dir = dir.canonicalize().map_err(|e| trouble(dir, "found", &e))?;
        let key = match elsewhere(config) {
            Some(at) => Key::at(&at)?,
            None => Key::in_folder(&dir.join("master.key"))?,
        };
        let node = node(&dir.join("node.id"))?;
        let (master, unsure) = root(&dir.join(ROOT), &key)?;
        Ok(Self {
            dir,
            master,
            node,
            key,
            unsure,
        })
    }

    /// Opens a folder that must be there already: for commands that look at an instance.
    pub fn existing(config: &Config) -> Result<Self, Failure> {
        let dir = &config.data_dir;
        if !dir.join("node.id").exists() && !dir.join("master.key").exists() {
            return Err(
                Failure::not_found(format!("`{}` is no data folder of an instance", dir.display()))
                    .hint("run `bartizan serve` once, or name the folder with --data-dir or --config"),
            );
        }
        Self::open(config)
    }

    /// That the root is known: what opens no store cannot go without.
    pub fn sure(self) -> Result<Self, Failure> {
        self.must_be_sure()?;
        Ok(self)
    }

    /// The same, of one that goes on being used.
    pub fn must_be_sure(&self) -> Result<(), Failure> {
        self.unsure.map_or(Ok(()), |error| Err(retired(error)))
    }

    /// The master key: what opens the root, and nothing else.
    pub const fn key(&self) -> &MasterKey {
        &self.key.master
    }

    /// Whether the root is apart from the master key.
    pub const fn is_apart(&self) -> bool {
        self.key.wraps
    }

    /// Where the master key is, unless in the data folder.
    pub const fn key_elsewhere(&self) -> Option<&SecretRef> {
        self.key.elsewhere.as_ref()
    }

    /// Takes over the root that the store has for this master key.
    pub fn adopt(&mut self, root: MasterKey, sealed: &SealedRoot) -> Result<(), Failure> {
        self.keep_root(sealed)?;
        self.master = root;
        self.unsure = None;
        Ok(())
    }

    /// The sealed root, kept for commands that open no store, and for the next start.
    pub fn keep_root(&self, sealed: &SealedRoot) -> Result<(), Failure> {
        replace(&self.dir.join(ROOT), sealed.to_text().as_bytes())
    }

    /// Puts another master key into the data folder, guarded as the old one was.
    pub fn replace_key(&self, master: &MasterKey) -> Result<(), Failure> {
        let passphrase = resolve::from_environment(PASSPHRASE);
        let text = master.to_wrapping_file(passphrase.as_ref());
        self.write_key(&text.map_err(|e| Failure::new(e.to_string()))?)
    }

    /// The same master key in the data folder, under another passphrase or none.
    pub fn guard_key(&self, passphrase: Option<&Secret>) -> Result<(), Failure> {
        let text = match self.key.wraps {
            true => self.key.master.to_wrapping_file(passphrase),
            false => self.key.master.to_file(passphrase),
        };
        self.write_key(&text.map_err(|e| Failure::new(e.to_string()))?)
    }

    fn write_key(&self, text: &str) -> Result<(), Failure> {
        if let Some(at) = &self.key.elsewhere {
            return Err(Failure::usage(format!(
                "the master key is at `{at}`, which is not written from here"
            )));
        }
        replace(&self.dir.join("master.key"), text.as_bytes())
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

    /// Which key signs this instance's logs.
    pub fn signing(&self, store: Arc<dyn Store>, origin: &str) -> Result<Arc<Signing>, Failure> {
        let signing = Signing::new(store, origin, &self.master);
        let signing = signing.map_err(|e| Failure::new(format!("checkpoints cannot be signed: {e}")))?;
        Ok(Arc::new(signing))
    }
}

/// What the configuration names; else what systemd hands over.
fn elsewhere(config: &Config) -> Option<SecretRef> {
    let handed = || {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
        let file = Path::new(&folder).join(CREDENTIAL);
        (file.is_absolute() && file.exists()).then_some(SecretRef::File(file))
    };
    config.secrets.master_key.clone().or_else(handed)
}

impl Key {
    /// Out of the environment or a file that somebody else keeps.
    // threat: ANP-D0007
    pub fn at(at: &SecretRef) -> Result<Self, Failure> {
        let missing = || Failure::new(format!("there is no master key at `{at}`"));
        let text = match at {
            SecretRef::Env(name) => std::env::var(name).map(Zeroizing::new).map_err(|_| missing())?,
            SecretRef::File(path) => read(path).map_err(|e| trouble(path, "read", &e))?,
            _ => {
                return Err(Failure::usage(
                    "a master key is at an `env:` or `file:` reference",
                ));
            }
        };
        Ok(Self {
            elsewhere: Some(at.clone()),
            ..Self::opened(&text, &at.to_string())?
        })
    }

    /// Out of the data folder, or made there. Two processes starting at once agree on one: the first to create
    /// the file wins.
    fn in_folder(path: &Path) -> Result<Self, Failure> {
        match read(path) {
            Ok(text) => Self::opened(&text, &path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = MasterKey::generate().map_err(|e| Failure::new(e.to_string()))?;
                let passphrase = resolve::from_environment(PASSPHRASE);
                let text = key
                    .to_wrapping_file(passphrase.as_ref())
                    .map_err(|e| Failure::new(e.to_string()))?;
                if create(path, text.as_bytes())? {
                    Self::opened(&text, &path.display().to_string())
                } else {
                    Self::in_folder(path)
                }
            }
            Err(error) => Err(trouble(path, "read", &error)),
        }
    }

    fn opened(text: &str, at: &str) -> Result<Self, Failure> {
        let passphrase = resolve::from_environment(PASSPHRASE);
        let opened = MasterKey::from_file(text, passphrase.as_ref());
        let wraps = MasterKey::wraps_the_root(text);
        let (master, wraps) = opened.and_then(|key| Ok((key, wraps?))).map_err(|e| {
            Failure::new(format!("the master key in `{at}` cannot be opened: {e}"))
                .hint(format!("if it is wrapped under a passphrase, set {PASSPHRASE}"))
        })?;
        Ok(Self {
            master,
            wraps,
            elsewhere: None,
        })
    }
}

/// A master key that only wraps, from where it is to be used from now on.
pub fn wrapping_key(at: &SecretRef) -> Result<MasterKey, Failure> {
    let key = Key::at(at)?;
    if key.wraps {
        return Ok(key.master);
    }
    Err(Failure::usage(format!(
        "`{at}` is a master key of the old kind, which is a root itself"
    ))
    .hint("make a new one: bartizan secrets new-master-key"))
}

/// The root, as far as this folder knows it. One that cannot be opened here may be in the store.
fn root(path: &Path, key: &Key) -> Result<(MasterKey, Option<RootError>), Failure> {
    let unknown = |error| {
        let nobody = MasterKey::generate().map_err(|e| Failure::new(e.to_string()))?;
        Ok((nobody, Some(error)))
    };
    match read(path) {
        Ok(text) => match SealedRoot::from_text(&text).and_then(|sealed| sealed.open(&key.master)) {
            Ok(root) => Ok((root, None)),
            Err(RootError::Retired) => unknown(RootError::Retired),
            Err(error) => Err(retired(error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound && !key.wraps => Ok((key.master.duplicate(), None)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = MasterKey::generate().map_err(|e| Failure::new(e.to_string()))?;
            let sealed = SealedRoot::new(&made, &key.master).map_err(|e| Failure::new(e.to_string()))?;
            if create(path, sealed.to_text().as_bytes())? {
                Ok((made, None))
            } else {
                root(path, key)
            }
        }
        Err(error) => Err(trouble(path, "read", &error)),
    }
}

/// What to do about a root that does not open.
pub fn retired(error: RootError) -> Failure {
    Failure::new(error.to_string())
        .hint("give this node the instance's current `master.key`, or what `secrets.master_key` names")
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

fn read(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    std::fs::File::open(path)?
        .take(KEY_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// A private file beside the one that it shall become.
fn fresh(path: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
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
    Ok(fresh)
}

/// Writes a private file over the one that is there: at any moment the old one or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fresh = fresh(path, bytes)?;
    std::fs::rename(&fresh, path).map_err(|e| trouble(path, "replaced", &e))?;
    let folder = path.parent().map(std::fs::File::open);
    let synced = folder.map_or(Ok(()), |folder| folder.and_then(|folder| folder.sync_all()));
    synced.map_err(|e| trouble(path, "written for good", &e))
}

/// Writes a new private file whole, or says that it is there already.
fn create(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let fresh = fresh(path, bytes)?;
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
