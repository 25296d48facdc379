//! Witnesses: somebody else who remembers how long each log was and what its root was, and signs a head only if the log
//! has done nothing but grow since. Formats are C2SP's: `tlog-witness` (`add-checkpoint`) and `tlog-cosignature`
//! (`cosignature/v1`, Ed25519), so that any such witness can be asked, and this one can be asked by any such log.
//!
//! Keeps nothing and reads no clock: what was seen, and when it is, are arguments.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::merkle::{Hash, empty_root, sha256, verify_consistency};
use crate::note::{self, Checkpoint, NOTE_BYTES_MAX, NoteError, Verifier, is_key_name};

/// The signature type of `cosignature/v1` in key hashes and keys.
const COSIGNATURE_TYPE: u8 = 0x04;
/// Key hash, time, signature.
const BLOB_BYTES: usize = 4 + 8 + 64;
/// The longest path there can be.
const PATH_MAX: usize = 63;
/// The longest request that is read: the path, and a note.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * 64;

/// Signs heads for others.
pub struct Cosigner {
    pair: Ed25519KeyPair,
    key: WitnessKey,
}

impl fmt::Debug for Cosigner {
    /// The public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.key)
    }
}

impl Cosigner {
    /// The witness of that name whose private key grows from these 32 bytes (RFC 8032).
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let unusable = || NoteError::BadKey("unusable seed");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| unusable())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| unusable())?;
        Ok(Self {
            pair,
            key: WitnessKey::new(name, public)?,
        })
    }

    /// What others verify with.
    pub const fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// The line that goes below the signatures of the head with this text: it is consistent with all that was seen.
    fn cosign(&self, head: &Checkpoint, at_s: u64) -> String {
        let message = message(&head.to_string(), at_s);
        let mut blob = self.key.hash.to_vec();
        blob.extend(at_s.to_be_bytes());
        blob.extend(self.pair.sign(message.as_bytes()).as_ref());
        format!("\u{2014} {} {}\n", self.key.name, STANDARD.encode(blob))
    }
}

/// What a cosignature is over.
fn message(text: &str, at_s: u64) -> String {
    format!("cosignature/v1\ntime {at_s}\n{text}")
}

/// A witness's public key with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key: [u8; 32],
    hash: [u8; 4],
}

impl WitnessKey {
    fn new(name: &str, key: [u8; 32]) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::BadKey("a name has no spaces, no `+` and is not empty"));
        }
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[COSIGNATURE_TYPE], &key]);
        Ok(Self {
            name: name.to_owned(),
            key,
            hash: [a, b, c, d],
        })
    }

    /// Reads `name+hash+key`, as it is printed.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::BadKey("expected `name+hash+key`"));
        };
        let blob = STANDARD
            .decode(key)
            .map_err(|_| NoteError::BadKey("the key is not base64"))?;
        let Some((&COSIGNATURE_TYPE, key)) = blob.split_first() else {
            return Err(NoteError::BadKey("not a witness's key"));
        };
        let key = key
            .try_into()
            .map_err(|_| NoteError::BadKey("an Ed25519 key has 32 bytes"))?;
        let read = Self::new(name, key)?;
        match hex::encode(read.hash) == hash {
            true => Ok(read),
            false => Err(NoteError::BadKey("the hash does not fit the name and key")),
        }
    }

    /// Who.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When this witness signed the note, Unix seconds: nothing if it did not, or signed something else.
    // threat: ANP-0012
    pub fn cosigned(&self, note: &str) -> Option<u64> {
        let cut = note.rfind("\n\n")?;
        let (text, lines) = note.split_at_checked(cut + 1)?;
        lines.lines().find_map(|line| self.signed_line(text, line))
    }

    fn signed_line(&self, text: &str, line: &str) -> Option<u64> {
        let blob = line
            .strip_prefix("\u{2014} ")?
            .strip_prefix(&*self.name)?
            .strip_prefix(' ')?;
        let blob: [u8; BLOB_BYTES] = STANDARD.decode(blob).ok()?.try_into().ok()?;
        let (hash, rest) = blob.split_first_chunk::<4>()?;
        let (at, signature) = rest.split_first_chunk::<8>()?;
        let at_s = u64::from_be_bytes(*at);
        let signed =
            UnparsedPublicKey::new(&ED25519, self.key).verify(message(text, at_s).as_bytes(), signature);
        (*hash == self.hash && signed.is_ok()).then_some(at_s)
    }

    /// The lines of an answer that are this witness's, over this note: what is kept of what came.
    pub fn lines_of(&self, note: &str, answer: &str) -> Option<String> {
        let cut = note.rfind("\n\n")?;
        let (text, _) = note.split_at_checked(cut + 1)?;
        let own: String = answer
            .lines()
            .filter(|line| self.signed_line(text, line).is_some())
            .map(|line| format!("{line}\n"))
            .collect();
        (!own.is_empty()).then_some(own)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![COSIGNATURE_TYPE];
        key.extend(self.key);
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(self.hash),
            STANDARD.encode(key)
        )
    }
}

/// What a log asks of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// How long the log was by what the witness saw last.
    pub old_size: u64,
    /// The path from there.
    pub path: Vec<Hash>,
    /// The signed head.
    pub note: String,
}

impl fmt::Display for AddCheckpoint {
    /// The request's body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl AddCheckpoint {
    /// Reads a request's body.
    pub fn read(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let size = lines.next()?.strip_prefix("old ")?;
        let old_size: u64 = size.parse().ok().filter(|read: &u64| read.to_string() == size)?;
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        let path: Option<Vec<Hash>> = lines.map(hash).collect();
        let path = path.filter(|path| path.len() <= PATH_MAX && text.len() <= REQUEST_BYTES_MAX)?;
        Some(Self {
            old_size,
            path,
            note: note.to_owned(),
        })
    }
}

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCosigned {
    /// Of a log that this witness does not look after.
    #[error("`{0}` is not a log of this witness's")]
    UnknownLog(String),
    /// Not signed by the log.
    #[error("{0}")]
    NotSigned(NoteError),
    /// The head is shorter than what the request says was seen.
    #[error("the head has fewer entries than the request says were seen")]
    Shorter,
    /// Something else was seen last: ask again from there.
    #[error("the last head that was seen has {0} entries")]
    SeenOther(u64),
    /// As long as what was seen, and another log: it was forked.
    #[error("another root was seen at {0}: the log was forked")]
    Forked(u64),
    /// No path leads from what was seen to this head.
    #[error("the path does not lead from the head that was seen at {0}: the log was forked")]
    Inconsistent(u64),
}

impl NotCosigned {
    /// The HTTP status (C2SP tlog-witness).
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownLog(_) => 404,
            Self::NotSigned(_) => 403,
            Self::Shorter => 400,
            Self::SeenOther(_) | Self::Forked(_) => 409,
            Self::Inconsistent(_) => 422,
        }
    }
}

/// Signs what is asked, if the log has only grown since `seen`, a head by its origin. The head is kept before the line
/// leaves; `logs` are the keys of the logs that this witness looks after.
// threat: ANP-0012
// threat: AGP-R1
pub fn cosign(
    asked: &AddCheckpoint,
    logs: &[Verifier],
    seen: impl FnOnce(&str) -> Option<Checkpoint>,
    (cosigner, at_s): (&Cosigner, u64),
) -> Result<(Checkpoint, String), NotCosigned> {
    let claimed = note::claimed(&asked.note).map_err(NotCosigned::NotSigned)?;
    let own: Vec<Verifier> = logs
        .iter()
        .filter(|log| log.check_covers(&claimed.origin).is_ok())
        .cloned()
        .collect();
    if own.is_empty() {
        return Err(NotCosigned::UnknownLog(claimed.origin));
    }
    let head = note::open(&asked.note, &own).map_err(NotCosigned::NotSigned)?;
    if asked.old_size > head.size {
        return Err(NotCosigned::Shorter);
    }
    let known = seen(&head.origin);
    let (size, root) = known.map_or_else(|| (0, empty_root()), |known| (known.size, known.root));
    if asked.old_size != size {
        return Err(NotCosigned::SeenOther(size));
    }
    if size == head.size && root != head.root {
        return Err(NotCosigned::Forked(size));
    }
    if !verify_consistency(size, &root, head.size, &head.root, &asked.path) {
        return Err(NotCosigned::Inconsistent(size));
    }
    let line = cosigner.cosign(&head, at_s);
    Ok((head, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{consistency_proof, leaf_hash, root_of};
    use crate::note::Signer;

    fn leaves(count: u32, salt: &str) -> Vec<Hash> {
        (0..count)
            .map(|n| leaf_hash(format!("{n}{salt}").as_bytes()))
            .collect()
    }

    fn signer() -> Signer {
        Signer::from_seed("log", &[7; 32]).unwrap()
    }

    fn cosigner() -> Cosigner {
        Cosigner::from_seed("witness.example", &[9; 32]).unwrap()
    }

    fn head(leaves: &[Hash]) -> Checkpoint {
        Checkpoint {
            origin: "log/t".into(),
            size: leaves.len() as u64,
            root: root_of(leaves),
        }
    }

    fn ask(leaves: &[Hash], old: u64) -> AddCheckpoint {
        let path = match old {
            0 => Vec::new(),
            old => consistency_proof(leaves, old).unwrap_or_default(),
        };
        AddCheckpoint {
            old_size: old,
            path,
            note: head(leaves).sign(&signer()).unwrap(),
        }
    }

    fn judged(asked: &AddCheckpoint, seen: Option<Checkpoint>) -> Result<(Checkpoint, String), NotCosigned> {
        let read = AddCheckpoint::read(&asked.to_string()).unwrap();
        assert_eq!(read, *asked);
        cosign(
            &read,
            &[signer().verifier().clone()],
            |_| seen,
            (&cosigner(), 1_700_000_000),
        )
    }

    #[test]
    fn anp_0012_a_log_that_only_grows_is_cosigned() {
        let mut seen = None;
        for size in [1, 1, 2, 7, 8, 20] {
            let all = leaves(size, "");
            let old = seen.as_ref().map_or(0, |seen: &Checkpoint| seen.size);
            let asked = ask(&all, old);
            let (head, line) = judged(&asked, seen).unwrap();
            let note = format!("{}{line}", asked.note);
            assert_eq!(cosigner().key().cosigned(&note), Some(1_700_000_000));
            assert_eq!(
                cosigner().key().lines_of(&asked.note, &format!("junk\n{line}")),
                Some(line)
            );
            assert!(note::open(&note, &[signer().verifier().clone()]).is_ok());
            seen = Some(head);
        }
    }

    #[test]
    fn anp_0012_agp_r1_forks_rollbacks_and_strangers_are_not() {
        let (all, other) = (leaves(9, ""), leaves(12, "x"));
        let seen = || Some(head(&all));
        let rolled_back = ask(&leaves(5, ""), 5);
        assert_eq!(judged(&rolled_back, seen()), Err(NotCosigned::SeenOther(9)));
        let refused = judged(
            &AddCheckpoint {
                old_size: 9,
                ..rolled_back
            },
            seen(),
        );
        assert_eq!(refused, Err(NotCosigned::Shorter));
        assert_eq!(judged(&ask(&other, 9), seen()), Err(NotCosigned::Inconsistent(9)));
        assert_eq!(
            judged(&ask(&leaves(9, "x"), 9), seen()),
            Err(NotCosigned::Forked(9))
        );
        assert_eq!(
            judged(&ask(&leaves(12, ""), 3), seen()),
            Err(NotCosigned::SeenOther(9))
        );
        assert_eq!(judged(&ask(&all, 9), None), Err(NotCosigned::SeenOther(0)));
        let stranger = Signer::from_seed("log", &[8; 32]).unwrap();
        let forged = AddCheckpoint {
            note: head(&all).sign(&stranger).unwrap(),
            ..ask(&all, 9)
        };
        assert!(matches!(judged(&forged, seen()), Err(NotCosigned::NotSigned(_))));
        let elsewhere = Signer::from_seed("elsewhere", &[7; 32]).unwrap();
        let foreign = Checkpoint {
            origin: "elsewhere/t".into(),
            ..head(&all)
        };
        let foreign = AddCheckpoint {
            note: foreign.sign(&elsewhere).unwrap(),
            ..ask(&all, 9)
        };
        assert!(matches!(
            judged(&foreign, seen()),
            Err(NotCosigned::UnknownLog(_))
        ));
    }

    #[test]
    fn anp_0012_a_cosignature_is_over_one_head_by_one_witness() {
        let asked = ask(&leaves(4, ""), 0);
        let (_, line) = judged(&asked, None).unwrap();
        let key = cosigner().key().clone();
        assert_eq!(WitnessKey::parse(&key.to_string()).unwrap(), key);
        let other = Cosigner::from_seed("witness.example", &[1; 32]).unwrap();
        assert_eq!(other.key().cosigned(&format!("{}{line}", asked.note)), None);
        let moved = ask(&leaves(5, ""), 0);
        assert_eq!(key.cosigned(&format!("{}{line}", moved.note)), None);
        assert_eq!(key.cosigned(&asked.note), None);
        assert!(Verifier::parse(&key.to_string()).is_err(), "a witness is no log");
        for text in ["", "old 1", "old 01\n\nx", "old 1\nshort\n\nx", "old -1\n\nx"] {
            assert_eq!(AddCheckpoint::read(text), None, "{text}");
        }
    }
}
