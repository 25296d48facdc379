//! `sealed:NAME`: values in one file, sealed with AES-256-GCM under a key of the file's own, which is sealed
//! under a key derived from the master key. The file is replaced whole or not at all.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use credential::{SealedName, SealingKey, SecretRef};
use domain::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::files::off_the_runtime;
use crate::{SECRET_BYTES_MAX, SecretError, Secrets, Versioned, taken_in};

const FORMAT: &str = "bartizan-sealed-1";
/// A larger file was not written by us.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Values at most: every one of them is read to get one.
const VALUES_MAX: usize = 10_000;

/// What is wrong with the sealed file.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// The file cannot be read or written.
    #[error("`{0}` cannot be {1}: {2}")]
    Io(PathBuf, &'static str, std::io::Error),
    /// It is not such a file, or was changed.
    #[error("`{0}` is damaged: {1}")]
    Damaged(PathBuf, &'static str),
    /// It is sealed under another master key.
    #[error("`{0}` was changed, or is sealed under another master key")]
    Key(PathBuf),
    /// No more fits.
    #[error("{0}")]
    Full(&'static str),
    /// No randomness, or the cipher failed.
    #[error("sealing failed")]
    Sealing,
}

/// The sealed file, and the key to it. There is a file once something was put into it.
#[derive(Debug, Clone)]
pub struct SealedFile {
    path: PathBuf,
    key: Arc<SealingKey>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    /// The file's own key, sealed under ours.
    key: String,
    values: BTreeMap<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    version: u64,
    sealed: String,
}

/// A value in clear, and its version.
type Plain = (Zeroizing<Vec<u8>>, u64);

/// An opened file.
struct Opened {
    key: Zeroizing<[u8; 32]>,
    values: BTreeMap<String, Value>,
}

impl SealedFile {
    /// The file at `path`, opened and sealed with `key`.
    pub fn new(path: impl Into<PathBuf>, key: SealingKey) -> Self {
        Self {
            path: path.into(),
            key: Arc::new(key),
        }
    }

    /// Names and versions of what is in it.
    pub fn list(&self) -> Result<Vec<(String, u64)>, SealedError> {
        let opened = self.open()?;
        let list = opened.into_iter().flat_map(|opened| opened.values);
        Ok(list.map(|(name, value)| (name, value.version)).collect())
    }

    /// Puts a value in, over an older one of its name; returns its version.
    // threat: AGP-CRED-2.2
    pub fn put(&self, name: &SealedName, value: &Secret) -> Result<u64, SealedError> {
        let _alone = self.lock()?;
        let mut opened = match self.open()? {
            Some(opened) => opened,
            None => Opened::empty()?,
        };
        let version = opened.values.get(name.as_str()).map_or(0, |old| old.version) + 1;
        let known = opened.values.contains_key(name.as_str());
        if !known && opened.values.len() >= VALUES_MAX || value.expose().len() > SECRET_BYTES_MAX {
            return Err(SealedError::Full(
                "no more or no larger values fit into the sealed file",
            ));
        }
        let sealed = opened.seal(name.as_str(), version, value.expose().as_bytes())?;
        opened.values.insert(name.as_str().to_owned(), sealed);
        self.write(&opened, &self.key)?;
        Ok(version)
    }

    /// Takes a value out; whether it was there.
    pub fn remove(&self, name: &SealedName) -> Result<bool, SealedError> {
        let _alone = self.lock()?;
        let Some(mut opened) = self.open()? else {
            return Ok(false);
        };
        let removed = opened.values.remove(name.as_str()).is_some();
        if removed {
            self.write(&opened, &self.key)?;
        }
        Ok(removed)
    }

    /// Seals everything anew: the values under a new key of the file's own, that key under `new`. Returns how
    /// many values there are. A file that does not open wholly stays as it is.
    pub fn rewrap(&self, new: &SealingKey) -> Result<usize, SealedError> {
        let _alone = self.lock()?;
        let Some(old) = self.open()? else { return Ok(0) };
        let mut fresh = Opened::empty()?;
        for (name, value) in &old.values {
            let plain = old.plain(name, value).ok_or_else(|| self.foreign())?;
            let sealed = fresh.seal(name, value.version, &plain)?;
            fresh.values.insert(name.clone(), sealed);
        }
        self.write(&fresh, new)?;
        Ok(fresh.values.len())
    }

    fn value(&self, name: &SealedName) -> Result<Option<Plain>, SealedError> {
        let Some(opened) = self.open()? else {
            return Ok(None);
        };
        let Some(value) = opened.values.get(name.as_str()) else {
            return Ok(None);
        };
        let plain = opened.plain(name.as_str(), value).ok_or_else(|| self.foreign())?;
        Ok(Some((plain, value.version)))
    }

    /// `None` where there is no file yet.
    fn open(&self) -> Result<Option<Opened>, SealedError> {
        let damaged = |why| SealedError::Damaged(self.path.clone(), why);
        let text = match read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble("read", error)),
        };
        let content: Content =
            serde_json::from_slice(&text).map_err(|_| damaged("not a file of sealed values"))?;
        if content.format != FORMAT {
            return Err(damaged("of a format this build does not know"));
        }
        let sealed = STANDARD
            .decode(&content.key)
            .map_err(|_| damaged("its key is no base64"))?;
        let opened = self.key.open(&sealed, key_place().as_bytes());
        let key = Zeroizing::new(opened.map_err(|_| self.foreign())?);
        let key = <[u8; 32]>::try_from(key.as_slice()).map_err(|_| damaged("its key is too short"))?;
        Ok(Some(Opened {
            key: Zeroizing::new(key),
            values: content.values,
        }))
    }

    /// Written beside, then moved over: a reader sees the old file or the new one.
    fn write(&self, opened: &Opened, key: &SealingKey) -> Result<(), SealedError> {
        let sealed = key.seal(opened.key.as_slice(), key_place().as_bytes());
        let content = ContentRef {
            format: FORMAT,
            key: STANDARD.encode(sealed.map_err(|_| SealedError::Sealing)?),
            values: &opened.values,
        };
        let text = serde_json::to_vec_pretty(&content).map_err(|_| SealedError::Sealing)?;
        let fresh = self.path.with_extension("new");
        let written = private(&fresh).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(|error| self.trouble("written", error))?;
        std::fs::rename(&fresh, &self.path).map_err(|error| self.trouble("replaced", error))
    }

    /// Held while the file is read, changed and written: commands may run at the same time.
    fn lock(&self) -> Result<File, SealedError> {
        let held = private(&self.path.with_extension("lock")).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        held.map_err(|error| self.trouble("locked", error))
    }

    fn trouble(&self, what: &'static str, error: std::io::Error) -> SealedError {
        SealedError::Io(self.path.clone(), what, error)
    }

    fn foreign(&self) -> SealedError {
        SealedError::Key(self.path.clone())
    }
}

#[derive(Serialize)]
struct ContentRef<'a> {
    format: &'a str,
    key: String,
    values: &'a BTreeMap<String, Value>,
}

impl Opened {
    fn empty() -> Result<Self, SealedError> {
        let mut key = Zeroizing::new([0u8; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| SealedError::Sealing)?;
        Ok(Self {
            key,
            values: BTreeMap::new(),
        })
    }

    fn seal(&self, name: &str, version: u64, plain: &[u8]) -> Result<Value, SealedError> {
        let sealed = credential::seal(&self.key, plain, value_place(name, version).as_bytes());
        Ok(Value {
            version,
            sealed: STANDARD.encode(sealed.map_err(|_| SealedError::Sealing)?),
        })
    }

    fn plain(&self, name: &str, value: &Value) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = STANDARD.decode(&value.sealed).ok()?;
        let plain = credential::open(&self.key, &sealed, value_place(name, value.version).as_bytes());
        plain.ok().map(Zeroizing::new)
    }
}

/// A sealed text opens only in its own place.
fn key_place() -> String {
    format!("{FORMAT} key")
}

fn value_place(name: &str, version: u64) -> String {
    format!("{FORMAT} value {version} {name}")
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[async_trait]
impl Secrets for SealedFile {
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        let SecretRef::Sealed(name) = reference else {
            return Err(SecretError::unconfigured(reference));
        };
        let (file, name) = (self.clone(), name.clone());
        let found = off_the_runtime(move || Ok(file.value(&name))).await;
        let why = |error: &dyn std::fmt::Display| format!("cannot be opened: {error}").into();
        let found = match found {
            Ok(Ok(found)) => found,
            Ok(Err(error @ (SealedError::Damaged(..) | SealedError::Key(_)))) => {
                return Err(SecretError::Malformed(reference.clone(), why(&error)));
            }
            Ok(Err(error)) => return Err(SecretError::Unavailable(reference.clone(), why(&error))),
            Err(error) => return Err(SecretError::Unavailable(reference.clone(), why(&error))),
        };
        let absent = || SecretError::NotFound(reference.clone(), "is not in the sealed file".into());
        let (plain, version) = found.ok_or_else(absent)?;
        let text = std::str::from_utf8(&plain)
            .map_err(|_| SecretError::Malformed(reference.clone(), "is not text".into()))?;
        Ok(Versioned {
            value: taken_in(reference, text)?,
            version: Some(version),
        })
    }
}
