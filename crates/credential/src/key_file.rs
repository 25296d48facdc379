//! The master key as the text of a file: wrapped under a passphrase, or bare and saying so.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Secret;
use zeroize::{Zeroize, Zeroizing};

use crate::checksum::crc32;
use crate::{MasterKey, SealError, open, random_32, seal};

const HEADER: &str = "bartizan-master-key v1";
/// Bounds of the work a passphrase costs: below is too weak, above would let a planted file stall the start.
const ITERATIONS_MIN: u32 = 600_000;
const ITERATIONS_MAX: u32 = 10_000_000;
const FILE_BYTES_MAX: usize = 4096;
const WRAP_AAD: &[u8] = b"bartizan master key file v1";

/// The line that says that the root is kept apart.
const WRAPS: &str = "root: apart\n";

const BARE_NOTE: &str = "\
# The master key of this Bartizan instance. It is NOT encrypted: only this file's permissions protect it.
# Whoever reads it can open everything this instance has sealed and forge its virtual keys' hashes and
# signatures. Set BARTIZAN_MASTER_PASSPHRASE to keep it wrapped under a passphrase. Without this file
# sealed data is lost: back it up apart from the data.
";
const WRAPPED_NOTE: &str = "\
# The master key of this Bartizan instance, wrapped under a passphrase (BARTIZAN_MASTER_PASSPHRASE).
# Without this file and the passphrase sealed data is lost: back both up, apart from the data and from
# each other.
";

/// What guards a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// The file's permissions alone.
    Permissions,
    /// A passphrase, and the permissions.
    Passphrase,
}

/// Why a key file could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Not such a file, or of a version this build does not know.
    #[error("not a master key file of a known version")]
    Form,
    /// A byte is wrong: damaged or edited.
    #[error("the master key file is damaged: its checksum does not match")]
    Checksum,
    /// Wrapped, and nothing to unwrap it with was given.
    #[error("the master key is wrapped: set BARTIZAN_MASTER_PASSPHRASE")]
    PassphraseMissing,
    /// Bare, although a passphrase is set: who set it believes the file to be wrapped.
    #[error("a passphrase is set, but the master key file is not wrapped")]
    NotWrapped,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    PassphraseEmpty,
    /// The wrong passphrase.
    #[error("the passphrase does not open the master key")]
    PassphraseWrong,
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    Randomness,
}

impl MasterKey {
    /// The text to store, wrapped under `passphrase` if there is one. Costs a noticeable fraction of a
    /// second with a passphrase, on purpose.
    pub fn to_file(&self, passphrase: Option<&Secret>) -> Result<Zeroizing<String>, KeyFileError> {
        self.write(passphrase, "")
    }

    /// The text to store of a key that only wraps the root: see [`crate::SealedRoot`].
    pub fn to_wrapping_file(&self, passphrase: Option<&Secret>) -> Result<Zeroizing<String>, KeyFileError> {
        self.write(passphrase, WRAPS)
    }

    fn write(&self, passphrase: Option<&Secret>, more: &str) -> Result<Zeroizing<String>, KeyFileError> {
        let (note, mut fields) = match passphrase {
            None => (
                BARE_NOTE,
                format!("wrap: none\nkey: {}\n", STANDARD.encode(self.bytes())),
            ),
            Some(passphrase) => (WRAPPED_NOTE, self.wrapped_fields(passphrase)?),
        };
        fields.push_str(more);
        let sum = crc32(fields.as_bytes());
        let text = Zeroizing::new(format!("{note}{HEADER}\n{fields}checksum: {sum:08x}\n"));
        fields.zeroize();
        Ok(text)
    }

    fn wrapped_fields(&self, passphrase: &Secret) -> Result<String, KeyFileError> {
        let salt = random_32().map_err(|_| KeyFileError::Randomness)?;
        let wrapping = stretch(passphrase, &salt, ITERATIONS_MIN)?;
        let sealed = seal(&wrapping, self.bytes(), WRAP_AAD).map_err(|_| KeyFileError::Randomness)?;
        let (salt, key) = (STANDARD.encode(*salt), STANDARD.encode(sealed));
        Ok(format!(
            "wrap: pbkdf2-hmac-sha256\niterations: {ITERATIONS_MIN}\nsalt: {salt}\nkey: {key}\n"
        ))
    }

    /// Reads what [`MasterKey::to_file`] wrote.
    ///
    /// A bare file is refused when a passphrase is given: silently accepting it would leave somebody
    /// believing that the key is wrapped.
    pub fn from_file(text: &str, passphrase: Option<&Secret>) -> Result<Self, KeyFileError> {
        let fields = Fields::read(text)?;
        match (fields.protection()?, passphrase) {
            (Protection::Permissions, None) => Ok(Self::from_bytes(*fields.bytes("key")?)),
            (Protection::Permissions, Some(_)) => Err(KeyFileError::NotWrapped),
            (Protection::Passphrase, None) => Err(KeyFileError::PassphraseMissing),
            (Protection::Passphrase, Some(passphrase)) => fields.unwrap_with(passphrase),
        }
    }

    /// Whether the key in this file's text only wraps the root; else it is the root itself.
    pub fn wraps_the_root(text: &str) -> Result<bool, KeyFileError> {
        Ok(Fields::read(text)?.0.contains(&("root", "apart")))
    }

    /// What guards the key in this file's text.
    pub fn protection_of(text: &str) -> Result<Protection, KeyFileError> {
        Fields::read(text)?.protection()
    }
}

/// A key file's `name: value` lines; comments are not part of them.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Result<Self, KeyFileError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(KeyFileError::Form);
        }
        let mut lines = text
            .lines()
            .map(str::trim_end)
            .filter(|l| !l.is_empty() && !l.starts_with('#'));
        if lines.next() != Some(HEADER) {
            return Err(KeyFileError::Form);
        }
        let mut fields: Vec<_> = lines
            .map(|line| line.split_once(": "))
            .collect::<Option<_>>()
            .ok_or(KeyFileError::Form)?;
        match fields.pop() {
            Some(("checksum", sum)) if sum == checksum(&fields) => Ok(Self(fields)),
            Some(("checksum", _)) => Err(KeyFileError::Checksum),
            _ => Err(KeyFileError::Form),
        }
    }

    fn get(&self, name: &str) -> Result<&'a str, KeyFileError> {
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| *value)
            .ok_or(KeyFileError::Form)
    }

    fn decoded(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        STANDARD
            .decode(self.get(name)?)
            .map(Zeroizing::new)
            .map_err(|_| KeyFileError::Form)
    }

    fn bytes(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
        to_32(&self.decoded(name)?)
    }

    fn protection(&self) -> Result<Protection, KeyFileError> {
        match self.get("wrap")? {
            "none" => Ok(Protection::Permissions),
            "pbkdf2-hmac-sha256" => Ok(Protection::Passphrase),
            _ => Err(KeyFileError::Form),
        }
    }

    fn unwrap_with(&self, passphrase: &Secret) -> Result<MasterKey, KeyFileError> {
        let iterations: u32 = self.get("iterations")?.parse().map_err(|_| KeyFileError::Form)?;
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
            return Err(KeyFileError::Form);
        }
        let wrapping = stretch(passphrase, &*self.bytes("salt")?, iterations)?;
        let opened = open(&wrapping, &self.decoded("key")?, WRAP_AAD)
            .map(Zeroizing::new)
            .map_err(|e| match e {
                SealError::Authenticity => KeyFileError::PassphraseWrong,
                SealError::Form | SealError::Sealing => KeyFileError::Form,
            })?;
        Ok(MasterKey::from_bytes(*to_32(&opened)?))
    }
}

fn to_32(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    bytes
        .try_into()
        .map(Zeroizing::new)
        .map_err(|_| KeyFileError::Form)
}

fn checksum(fields: &[(&str, &str)]) -> String {
    let text: Zeroizing<String> = Zeroizing::new(fields.iter().map(|(n, v)| format!("{n}: {v}\n")).collect());
    format!("{:08x}", crc32(text.as_bytes()))
}

/// PBKDF2-HMAC-SHA-256: the key that a passphrase stands for.
fn stretch(
    passphrase: &Secret,
    salt: &[u8; 32],
    iterations: u32,
) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    if passphrase.expose().is_empty() {
        return Err(KeyFileError::PassphraseEmpty);
    }
    let iterations = NonZeroU32::new(iterations).ok_or(KeyFileError::Form)?;
    let mut key = Zeroizing::new([0u8; 32]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        passphrase.expose().as_bytes(),
        key.as_mut_slice(),
    );
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn master() -> MasterKey {
        MasterKey::from_bytes([5; 32])
    }

    #[test]
    fn agp_cred_2_2_a_file_says_whether_its_key_is_the_root_and_nobody_changes_that_unseen() {
        let secret = Secret::new("correct horse");
        for passphrase in [None, Some(&secret)] {
            let text = master().to_wrapping_file(passphrase).unwrap();
            assert!(MasterKey::wraps_the_root(&text).unwrap());
            assert_eq!(
                MasterKey::from_file(&text, passphrase).unwrap().bytes(),
                master().bytes()
            );
            let without = text.replace(WRAPS, "");
            assert_eq!(MasterKey::wraps_the_root(&without), Err(KeyFileError::Checksum));
        }
        assert!(!MasterKey::wraps_the_root(&master().to_file(None).unwrap()).unwrap());
    }

    #[test]
    fn a_bare_file_reads_back_and_says_what_it_is() {
        let text = master().to_file(None).unwrap();
        assert!(text.contains("NOT encrypted"), "{}", *text);
        assert_eq!(MasterKey::protection_of(&text), Ok(Protection::Permissions));
        assert_eq!(
            MasterKey::from_file(&text, None).unwrap().bytes(),
            master().bytes()
        );
        let given = Secret::new("p");
        assert_eq!(
            MasterKey::from_file(&text, Some(&given)).unwrap_err(),
            KeyFileError::NotWrapped
        );
    }

    #[test]
    fn agp_i1_a_wrapped_file_opens_with_its_passphrase_only() {
        let (right, wrong) = (Secret::new("correct horse"), Secret::new("Correct horse"));
        let text = master().to_file(Some(&right)).unwrap();
        assert!(!text.contains(&STANDARD.encode([5u8; 32])));
        assert_eq!(MasterKey::protection_of(&text), Ok(Protection::Passphrase));
        assert_eq!(
            MasterKey::from_file(&text, Some(&right)).unwrap().bytes(),
            master().bytes()
        );
        assert_eq!(
            MasterKey::from_file(&text, Some(&wrong)).unwrap_err(),
            KeyFileError::PassphraseWrong
        );
        assert_eq!(
            MasterKey::from_file(&text, None).unwrap_err(),
            KeyFileError::PassphraseMissing
        );
        assert_eq!(
            master().to_file(Some(&Secret::new(""))).unwrap_err(),
            KeyFileError::PassphraseEmpty
        );
    }

    #[test]
    fn a_changed_file_is_damaged_and_weaker_work_is_refused() {
        let text = master().to_file(None).unwrap();
        let bent = text.replace("key: B", "key: C");
        assert_eq!(
            MasterKey::from_file(&bent, None).unwrap_err(),
            KeyFileError::Checksum
        );
        for count in [ITERATIONS_MIN - 1, ITERATIONS_MAX + 1] {
            let fields = format!("wrap: pbkdf2-hmac-sha256\niterations: {count}\nsalt: AA==\nkey: AA==\n");
            let text = format!("{HEADER}\n{fields}checksum: {:08x}\n", crc32(fields.as_bytes()));
            assert_eq!(
                MasterKey::from_file(&text, Some(&Secret::new("p"))).unwrap_err(),
                KeyFileError::Form
            );
        }
    }

    #[test]
    fn other_texts_are_no_key_files() {
        let long = "#".repeat(FILE_BYTES_MAX + 1);
        for text in [
            "",
            "bartizan-master-key v2\n",
            HEADER,
            "bartizan-master-key v1\nkey",
            long.as_str(),
        ] {
            assert_eq!(
                MasterKey::from_file(text, None).unwrap_err(),
                KeyFileError::Form,
                "{text:.40}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(?s).{0,200}") {
            let _ = MasterKey::from_file(&text, None);
            let _ = MasterKey::from_file(&format!("{HEADER}\n{text}"), None);
        }
    }
}
