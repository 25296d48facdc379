//! The root: the one secret that every other is derived from, sealed under each master key that may open it.
//!
//! A master key can be replaced because it only wraps: hashes of virtual keys, sessions, sealed values and the
//! ledger's signer hang on the root, which stays. An instance of the time before has a master key that is the root
//! itself; its first rotation gives it a master key that is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::MasterKey;

const FORMAT: &str = "bartizan-root-1";
/// Master keys at once: one, and one or two more while they are being replaced.
const KEYS_MAX: usize = 8;
/// What a master key is known by here.
const MARK: &str = "root-mark";
/// What it seals the root under.
const WRAP: &str = "root-wrap";

/// Why the root cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// Not a text of this kind.
    #[error("not the sealed root of a known version")]
    Form,
    /// This master key is none of those that open it: another instance's, or retired.
    #[error("the root is not sealed under this master key: it was retired, or is another instance's")]
    Retired,
    /// Changed.
    #[error("the sealed root was changed")]
    Damaged,
    /// Too many master keys at once.
    #[error("the root is sealed under too many master keys: finish the rotation first")]
    TooMany,
    /// No randomness, or the cipher failed.
    #[error("the root could not be sealed")]
    Sealing,
}

/// The root, sealed under one master key or, while that is being replaced, several; the newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedRoot {
    format: String,
    keys: Vec<Wrap>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrap {
    /// Which master key; says nothing about it.
    key: String,
    /// The root under it, base64.
    root: String,
}

fn mark(master: &MasterKey) -> String {
    hex::encode(*master.derive(MARK))
}

fn place(mark: &str) -> String {
    format!("{FORMAT} {mark}")
}

impl SealedRoot {
    /// `root`, under `master` alone.
    pub fn new(root: &MasterKey, master: &MasterKey) -> Result<Self, RootError> {
        let mut made = Self {
            format: FORMAT.to_owned(),
            keys: Vec::new(),
        };
        made.admit(root, master)?;
        Ok(made)
    }

    /// Reads what [`SealedRoot::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self, RootError> {
        let read: Self = serde_json::from_str(text).map_err(|_| RootError::Form)?;
        let fits = read.format == FORMAT && (1..=KEYS_MAX).contains(&read.keys.len());
        fits.then_some(read).ok_or(RootError::Form)
    }

    /// JSON: the root in it is sealed, and needs a master key to be of use.
    pub fn to_text(&self) -> String {
        // Texts only: there is nothing in it that cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The root.
    // threat: AGP-CRED-2.2
    pub fn open(&self, master: &MasterKey) -> Result<MasterKey, RootError> {
        let mark = mark(master);
        let wrap = self.keys.iter().find(|wrap| wrap.key == mark);
        let wrap = wrap.ok_or(RootError::Retired)?;
        let sealed = STANDARD.decode(&wrap.root).map_err(|_| RootError::Damaged)?;
        let key = master.sealing_key(WRAP).map_err(|_| RootError::Sealing)?;
        let opened = key.open(&sealed, place(&mark).as_bytes());
        let opened = Zeroizing::new(opened.map_err(|_| RootError::Damaged)?);
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| RootError::Damaged)?;
        Ok(MasterKey::from_bytes(bytes))
    }

    /// Lets `master` open it too, from now on as the newest.
    pub fn admit(&mut self, root: &MasterKey, master: &MasterKey) -> Result<(), RootError> {
        let mark = mark(master);
        let key = master.sealing_key(WRAP).map_err(|_| RootError::Sealing)?;
        let sealed = key.seal(root.bytes(), place(&mark).as_bytes());
        let root = STANDARD.encode(sealed.map_err(|_| RootError::Sealing)?);
        self.keys.retain(|wrap| wrap.key != mark);
        if self.keys.len() >= KEYS_MAX {
            return Err(RootError::TooMany);
        }
        self.keys.push(Wrap { key: mark, root });
        Ok(())
    }

    /// Whether `master` is the newest that opens it.
    pub fn is_newest(&self, master: &MasterKey) -> bool {
        self.keys.last().is_some_and(|wrap| wrap.key == mark(master))
    }

    /// Shuts out all master keys but the newest; how many those were.
    pub fn retire_old(&mut self) -> usize {
        let old = self.keys.len().saturating_sub(1);
        self.keys.drain(..old);
        old
    }

    /// How many master keys open it.
    pub const fn keys(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    fn opened(sealed: &SealedRoot, master: u8) -> Result<[u8; 32], RootError> {
        sealed.open(&key(master)).map(|root| *root.bytes())
    }

    #[test]
    fn agp_cred_2_2_a_retired_master_key_opens_nothing() {
        let mut sealed = SealedRoot::new(&key(9), &key(1)).unwrap();
        sealed.admit(&key(9), &key(2)).unwrap();
        assert_eq!(opened(&sealed, 1), Ok([9; 32]));
        assert_eq!(opened(&sealed, 2), Ok([9; 32]));
        assert!(sealed.is_newest(&key(2)) && !sealed.is_newest(&key(1)));
        assert_eq!(sealed.retire_old(), 1);
        assert_eq!(opened(&sealed, 1), Err(RootError::Retired));
        assert_eq!(opened(&sealed, 2), Ok([9; 32]));
        assert_eq!(opened(&sealed, 3), Err(RootError::Retired));
    }

    #[test]
    fn agp_cred_2_2_a_wrap_opens_under_no_other_keys_name_and_unchanged_only() {
        let mut sealed = SealedRoot::new(&key(9), &key(1)).unwrap();
        sealed.admit(&key(9), &key(2)).unwrap();
        let mut swapped = sealed.clone();
        swapped.keys[0].root = sealed.keys[1].root.clone();
        assert_eq!(opened(&swapped, 1), Err(RootError::Damaged));
        let text = sealed.to_text();
        assert_eq!(SealedRoot::from_text(&text).unwrap(), sealed);
        for wrong in [
            "",
            "{}",
            &text.replace("root-1", "root-2"),
            &text.replace("\"keys\"", "\"keyz\""),
        ] {
            assert_eq!(SealedRoot::from_text(wrong), Err(RootError::Form), "{wrong}");
        }
    }

    #[test]
    fn the_root_may_be_its_own_master_key_once_and_is_the_same_afterwards() {
        let mut sealed = SealedRoot::new(&key(1), &key(1)).unwrap();
        assert_eq!(opened(&sealed, 1), Ok([1; 32]));
        sealed.admit(&key(1), &key(2)).unwrap();
        sealed.retire_old();
        assert_eq!(opened(&sealed, 2), Ok([1; 32]));
        assert_eq!(opened(&sealed, 1), Err(RootError::Retired));
    }

    #[test]
    fn keys_are_bounded_and_counted_once_each() {
        let mut sealed = SealedRoot::new(&key(9), &key(1)).unwrap();
        for byte in [1, 1, 2, 3, 4, 5, 6, 7, 8] {
            sealed.admit(&key(9), &key(byte)).unwrap();
        }
        assert_eq!(sealed.keys(), KEYS_MAX);
        assert_eq!(sealed.admit(&key(9), &key(20)), Err(RootError::TooMany));
    }
}
