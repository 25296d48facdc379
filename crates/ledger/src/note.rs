//! Signed tree heads: C2SP signed notes (Ed25519) around C2SP tlog checkpoints.
//!
//! Text formats only, read strictly: whatever other tools for transparency logs read and write.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::merkle::{Hash, sha256};

/// The longest note that is read.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// The most signatures a note may carry.
pub const SIGNATURES_MAX: usize = 64;

/// The signature type of plain Ed25519 in key hashes and verifier keys.
const ED25519_TYPE: u8 = 0x01;
const KEY_HASH_BYTES: usize = 4;
const SIGNATURE_PREFIX: &str = "— ";

/// Why a note is not a checkpoint that may be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`] or with more signatures than [`SIGNATURES_MAX`].
    #[error("the note is too large")]
    TooLarge,
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// A signed note whose text is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    NotACheckpoint(&'static str),
    /// None of its signatures is by a key that is known here.
    #[error("the note is not signed by a known key")]
    UnknownKey,
    /// A signature by a known key is wrong.
    #[error("the signature by `{0}` does not fit the note")]
    BadSignature(String),
    /// Signed with a key of another log.
    #[error("the checkpoint is of `{origin}`, which is not the log of key `{key}`")]
    WrongOrigin {
        /// What the checkpoint says it is of.
        origin: String,
        /// Whose signature it carries.
        key: String,
    },
    /// A key's name, text or seed cannot be one.
    #[error("not a key: {0}")]
    BadKey(&'static str),
}

/// Signs checkpoints. The name should be the log's origin, or a `/`-terminated beginning of it.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl Signer {
    /// The signer whose private key grows from these 32 bytes (RFC 8032).
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::BadKey("unusable seed"))?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| NoteError::BadKey("unusable seed"))?;
        Ok(Self {
            pair,
            verifier: Verifier::new(name, public)?,
        })
    }

    /// What others verify with.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// `name+hash+key`: the verifier as text, public.
    pub fn verifier_text(&self) -> String {
        self.verifier.to_string()
    }

    /// The signed note of a checkpoint. Refused if its origin is not this key's to sign, or no line of text.
    // threat: AGP-R1
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, NoteError> {
        checkpoint.check_origin()?;
        self.verifier.check_covers(&checkpoint.origin)?;
        Ok(self.sign_text(&checkpoint.to_string()))
    }

    /// The signed note of a text that ends in a newline. Whoever calls this makes sure that the text can be read
    /// as nothing but what it is meant to be.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let mut blob = self.verifier.key_hash.to_vec();
        blob.extend(self.pair.sign(text.as_bytes()).as_ref());
        format!(
            "{text}\n{SIGNATURE_PREFIX}{} {}\n",
            self.verifier.name,
            STANDARD.encode(blob)
        )
    }

    /// The signature over a message that is no note: it begins with a quotation mark and does not end with a newline.
    pub(crate) fn sign_message(&self, message: &str) -> Vec<u8> {
        debug_assert!(
            message.starts_with('"') && !message.ends_with('\n'),
            "no text of a note's"
        );
        self.pair.sign(message.as_bytes()).as_ref().to_vec()
    }

    /// The note with this key's signature after those that it has.
    pub(crate) fn sign_too(&self, note: &str) -> Result<String, NoteError> {
        let (text, _) = split(note, NOTE_BYTES_MAX)?;
        let own = self.sign_text(text);
        let line = own.rsplit_once("\n\n").map_or("", |(_, line)| line);
        Ok(format!("{note}{line}"))
    }
}

impl fmt::Debug for Signer {
    /// The public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

/// A public key with the name it signs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
    key_hash: [u8; KEY_HASH_BYTES],
}

impl Verifier {
    /// The key of that name.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::BadKey("a name has no spaces, no `+` and is not empty"));
        }
        Ok(Self {
            name: name.into(),
            key,
            key_hash: key_hash(name, &key),
        })
    }

    /// Reads `name+hash+key`: eight hex digits and base64, as [`Signer::verifier_text`] writes it.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::BadKey("expected `name+hash+key`"));
        };
        let key = STANDARD
            .decode(key)
            .map_err(|_| NoteError::BadKey("the key is not base64"))?;
        let Some((&ED25519_TYPE, key)) = key.split_first() else {
            return Err(NoteError::BadKey("not an Ed25519 key"));
        };
        let key = key
            .try_into()
            .map_err(|_| NoteError::BadKey("an Ed25519 key has 32 bytes"))?;
        let verifier = Self::new(name, key)?;
        if hex::encode(verifier.key_hash) != hash {
            return Err(NoteError::BadKey("the hash does not fit the name and key"));
        }
        Ok(verifier)
    }

    /// What the key signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `name+hash`: which key it is, without the key.
    pub fn id(&self) -> String {
        format!("{}+{}", self.name, hex::encode(self.key_hash))
    }

    /// Whether it signed this message, which is no note.
    pub(crate) fn verifies_message(&self, message: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        message.starts_with('"')
            && !message.ends_with('\n')
            && key.verify(message.as_bytes(), signature).is_ok()
    }

    /// A key speaks for the log of its own name and for those below it, `name/…`.
    // threat: ANP-0012
    pub(crate) fn check_covers(&self, origin: &str) -> Result<(), NoteError> {
        match origin.strip_prefix(&self.name) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(()),
            _ => Err(NoteError::WrongOrigin {
                origin: clip(origin),
                key: self.name.clone(),
            }),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_TYPE];
        key.extend(self.key);
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(self.key_hash),
            STANDARD.encode(key)
        )
    }
}

/// A tree head: which log, how long it is, and the hash over all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, unique in the world.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note of this checkpoint.
    pub fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        signer.sign(self)
    }

    /// Reads a checkpoint's text: origin, size, root, and lines of extensions, which are not understood here.
    fn read(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::NotACheckpoint("it has fewer than three lines"));
        };
        if lines.any(str::is_empty) {
            return Err(NoteError::NotACheckpoint("it has an empty line"));
        }
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = root.ok_or(NoteError::NotACheckpoint(
            "the third line is not the base64 of a hash",
        ))?;
        let checkpoint = Self {
            origin: origin.into(),
            size: read_size(size)?,
            root,
        };
        checkpoint.check_origin()?;
        Ok(checkpoint)
    }

    fn check_origin(&self) -> Result<(), NoteError> {
        if self.origin.is_empty() || self.origin.chars().any(char::is_control) {
            return Err(NoteError::NotACheckpoint("the origin is not a line of text"));
        }
        Ok(())
    }
}

impl fmt::Display for Checkpoint {
    /// The note's text, unsigned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        )
    }
}

/// Reads a signed checkpoint and believes it if at least one of `verifiers` signed it and none of them
/// signed something else. Signatures by other keys are passed over.
// threat: AGP-R1
// threat: AGP-R2
// threat: ANP-0012
pub fn open(note: &str, verifiers: &[Verifier]) -> Result<Checkpoint, NoteError> {
    open_signed(note, verifiers).map(|(checkpoint, _)| checkpoint)
}

/// [`open`], and which of `verifiers` signed it for the log: the last of them, if several did.
pub(crate) fn open_signed(note: &str, verifiers: &[Verifier]) -> Result<(Checkpoint, usize), NoteError> {
    let (text, signers) = open_text(note, verifiers, NOTE_BYTES_MAX)?;
    let checkpoint = Checkpoint::read(text)?;
    // A witness's signature alone does not speak for the log: one of the keys must be the log's own.
    let own = signers
        .iter()
        .map(|signer| signer.check_covers(&checkpoint.origin))
        .reduce(Result::or);
    own.unwrap_or(Err(NoteError::UnknownKey))?;
    let speaks = |verifier: &Verifier| {
        signers.contains(&verifier) && verifier.check_covers(&checkpoint.origin).is_ok()
    };
    let last = verifiers.iter().rposition(speaks).ok_or(NoteError::UnknownKey)?;
    Ok((checkpoint, last))
}

/// What a signed note claims, whoever signed it: to be believed by nobody.
pub fn claimed(note: &str) -> Result<Checkpoint, NoteError> {
    Checkpoint::read(split(note, NOTE_BYTES_MAX)?.0)
}

/// The notes of a file that holds many, an empty line behind each: line by line, so that a long file is not held in
/// memory. The last may be torn; whoever reads it sees that.
pub fn in_file<E>(
    lines: impl IntoIterator<Item = Result<String, E>>,
) -> impl Iterator<Item = Result<String, E>> {
    let mut lines = lines.into_iter();
    std::iter::from_fn(move || {
        let (mut note, mut ends) = (String::new(), 0);
        for line in lines.by_ref() {
            let line = match line {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            ends += usize::from(line.is_empty());
            if ends == 2 {
                break;
            }
            note.push_str(&line);
            note.push('\n');
        }
        (!note.is_empty()).then_some(Ok(note))
    })
}

/// The text of a signed note, and which of `verifiers` signed it: at least one did, and none something else.
pub(crate) fn open_text<'n, 'v>(
    note: &'n str,
    verifiers: &'v [Verifier],
    bytes_max: usize,
) -> Result<(&'n str, Vec<&'v Verifier>), NoteError> {
    let (text, signatures) = split(note, bytes_max)?;
    let mut signers = Vec::new();
    for line in signatures {
        let signature = NoteSignature::read(line)?;
        let Some(verifier) = verifiers.iter().find(|verifier| signature.claims(verifier)) else {
            continue;
        };
        signature.verify(verifier, text)?;
        signers.push(verifier);
    }
    match signers.is_empty() {
        true => Err(NoteError::UnknownKey),
        false => Ok((text, signers)),
    }
}

/// The text with its last newline, and the lines of signatures.
fn split(note: &str, bytes_max: usize) -> Result<(&str, Vec<&str>), NoteError> {
    if note.len() > bytes_max {
        return Err(NoteError::TooLarge);
    }
    if note.chars().any(|c| c != '\n' && c.is_ascii_control()) {
        return Err(NoteError::Malformed("it has control characters"));
    }
    let cut = note
        .rfind("\n\n")
        .ok_or(NoteError::Malformed("no empty line before the signatures"))?;
    let (text, signatures) = note
        .split_at_checked(cut + 1)
        .ok_or(NoteError::Malformed("cut within a character"))?;
    let signatures = signatures
        .strip_prefix('\n')
        .and_then(|lines| lines.strip_suffix('\n'));
    let lines: Vec<_> = signatures
        .ok_or(NoteError::Malformed("no newline at the end"))?
        .split('\n')
        .collect();
    if lines.len() > SIGNATURES_MAX {
        return Err(NoteError::TooLarge);
    }
    Ok((text, lines))
}

/// One line of signature.
struct NoteSignature<'a> {
    name: &'a str,
    key_hash: [u8; KEY_HASH_BYTES],
    bytes: Vec<u8>,
}

impl<'a> NoteSignature<'a> {
    fn read(line: &'a str) -> Result<Self, NoteError> {
        let wrong = NoteError::Malformed("a signature is not `— name base64`");
        let line = line.strip_prefix(SIGNATURE_PREFIX).ok_or(wrong.clone())?;
        let (name, blob) = line.split_once(' ').ok_or(wrong.clone())?;
        let blob = STANDARD.decode(blob).map_err(|_| wrong.clone())?;
        let (key_hash, bytes) = blob.split_first_chunk().ok_or(wrong.clone())?;
        if !is_key_name(name) || bytes.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            name,
            key_hash: *key_hash,
            bytes: bytes.to_vec(),
        })
    }

    fn claims(&self, verifier: &Verifier) -> bool {
        self.name == verifier.name && self.key_hash == verifier.key_hash
    }

    fn verify(&self, verifier: &Verifier, text: &str) -> Result<(), NoteError> {
        let key = UnparsedPublicKey::new(&ED25519, verifier.key);
        key.verify(text.as_bytes(), &self.bytes)
            .map_err(|_| NoteError::BadSignature(verifier.name.clone()))
    }
}

/// A decimal number in the only way to write it.
fn read_size(text: &str) -> Result<u64, NoteError> {
    let size = text.parse::<u64>().ok().filter(|size| size.to_string() == text);
    size.ok_or(NoteError::NotACheckpoint("the second line is not a size"))
}

/// `SHA-256(name || '\n' || type || key)`, its first four bytes.
fn key_hash(name: &str, key: &[u8; 32]) -> [u8; KEY_HASH_BYTES] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], key]);
    [a, b, c, d]
}

pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Error texts repeat what came in, but not a book of it.
fn clip(text: &str) -> String {
    text.chars().take(96).collect()
}
