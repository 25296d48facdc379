//! Who signs the logs after whom: each key that is replaced says, signed, which key comes after it and how every log
//! stood then. Whoever has been given one of these keys follows them to the newest.
//!
//! A statement is a signed note like a checkpoint, whose text is two lines: what it is, and JSON. The key that goes and
//! the key that comes both sign it: the one that comes to show that it is there, and so that whoever was given only that
//! one may believe what the keys before it signed. A key that was lost or stolen signs nothing: those who trust it are
//! not led on, and have to be told of the new one.

use domain::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::bundle::HexHash;
use crate::merkle::{Hash, inclusion_proof, leaf_hash, root_of};
use crate::note::{Checkpoint, NoteError, Signer, Verifier, open_text};

/// The first line, and the format's version.
pub const FORMAT: &str = "bartizan-succession/1";
/// The most successions that are followed.
pub const SUCCESSIONS_MAX: usize = 1024;
/// The longest statement that is read.
const STATEMENT_BYTES_MAX: usize = 8 * 1024;

/// Why keys do not follow each other as is claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// Not signed, or not by whom it should be.
    #[error("succession {number}: {what}")]
    Note {
        /// Which, from 1.
        number: u64,
        /// What is wrong.
        what: NoteError,
    },
    /// Signed, and something else.
    #[error("succession {number} is no statement of a succession: {why}")]
    NotOne {
        /// Which was due.
        number: u64,
        /// Why not.
        why: String,
    },
    /// Left out, doubled, or in another order.
    #[error("succession {due} was due")]
    OutOfOrder {
        /// Which should have come.
        due: u64,
    },
    /// The key that was trusted is none of them.
    #[error("the key that was given is none of those that signed this log")]
    OtherKey,
    /// The key that was trusted was given up, and could not say what comes after it.
    #[error(
        "the key before succession {number} was given up as lost or stolen: ask for the new key, by another way than \
         this evidence, and give that one"
    )]
    GivenUp {
        /// Which.
        number: u64,
    },
    /// Not what was published.
    #[error("succession {number} is another than the one that was published")]
    Other {
        /// Which.
        number: u64,
    },
    /// More was published than the evidence knows of.
    #[error(
        "succession {number} was published and is not in this evidence: it is older, or was cut: take it again"
    )]
    Missing {
        /// The first that is not there.
        number: u64,
    },
    /// Too many.
    #[error("more than {SUCCESSIONS_MAX} successions")]
    TooMany,
}

/// What is said when a key is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// From 1.
    pub number: u64,
    /// The key that goes.
    pub from: String,
    /// The key that comes.
    pub to: String,
    /// When, by the clock of whoever replaced it. Nothing depends on it.
    pub at: UnixMillis,
    /// How many logs had a signed head.
    pub logs: u64,
    /// The root over those heads: what the key that goes may have signed, and nothing longer.
    pub heads: HexHash,
    /// Whether the key that goes was lost or stolen, and did not sign this.
    #[serde(default, skip_serializing_if = "is_false")]
    pub given_up: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What makes a key follow another.
#[derive(Debug)]
pub struct Succession<'a> {
    /// From 1.
    pub number: u64,
    /// The key that goes.
    pub from: &'a Verifier,
    /// The same, if it is there to sign; else it is given up.
    pub old: Option<&'a Signer>,
    /// The key that comes.
    pub new: &'a Signer,
    /// When.
    pub at: UnixMillis,
    /// The newest signed head of every log that has one.
    pub heads: &'a [Checkpoint],
}

impl Succession<'_> {
    /// The signed statement.
    // threat: AGP-R1
    pub fn sign(&self) -> Result<String, NoteError> {
        let statement = Statement {
            number: self.number,
            from: self.from.to_string(),
            to: self.new.verifier_text(),
            at: self.at,
            logs: self.heads.len().try_into().unwrap_or(u64::MAX),
            heads: HexHash(root_of(&leaves(self.heads))),
            given_up: self.old.is_none(),
        };
        let json = serde_json::to_string(&statement)
            .map_err(|_| NoteError::Malformed("the statement cannot be written"))?;
        let text = format!("{FORMAT}\n{json}\n");
        let signed = self.old.unwrap_or(self.new).sign_text(&text);
        match self.old {
            Some(_) => self.new.sign_too(&signed),
            None => Ok(signed),
        }
    }
}

/// Heads as leaves of the tree that a statement has the root of: the text that is signed in a checkpoint, so that one
/// head can be shown without the others.
fn leaves(heads: &[Checkpoint]) -> Vec<Hash> {
    heads.iter().map(head_leaf).collect()
}

fn head_leaf(head: &Checkpoint) -> Hash {
    leaf_hash(head.to_string().as_bytes())
}

/// Where the log's head is among `heads`, and the path that shows it; `None` if it is not among them.
pub(crate) fn place_of(heads: &[Checkpoint], origin: &str) -> Option<(u64, Checkpoint, Vec<Hash>)> {
    let at = heads.iter().position(|head| head.origin == origin)?;
    let index = u64::try_from(at).ok()?;
    let path = inclusion_proof(&leaves(heads), index)?;
    Some((index, heads.get(at)?.clone(), path))
}

/// Whether the head is one of those that the statement speaks of.
pub(crate) fn is_among(statement: &Statement, head: &Checkpoint, index: u64, path: &[Hash]) -> bool {
    crate::merkle::verify_inclusion(&head_leaf(head), index, statement.logs, path, &statement.heads.0)
}

/// Keys that follow each other, the oldest first, all of them believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    keys: Vec<Verifier>,
    statements: Vec<Statement>,
}

impl Chain {
    /// Follows the keys from `pinned`, which is trusted, through `notes`: forward as each says what comes after it, and
    /// back as each signed for the one before.
    // threat: AGP-R1
    // threat: ANP-0012
    pub fn establish<N: AsRef<str>>(pinned: &Verifier, notes: &[N]) -> Result<Self, SuccessionError> {
        if notes.len() > SUCCESSIONS_MAX {
            return Err(SuccessionError::TooMany);
        }
        let mut chain = Self {
            keys: Vec::new(),
            statements: Vec::new(),
        };
        for (note, number) in notes.iter().zip(1..) {
            chain.follow(note.as_ref(), number, pinned)?;
        }
        if chain.keys.is_empty() {
            chain.keys.push(pinned.clone());
        }
        let pinned_at = chain.keys.iter().position(|key| key == pinned);
        let pinned_at = pinned_at.ok_or(SuccessionError::OtherKey)?;
        let gap = chain.statements.iter().skip(pinned_at).find(|one| one.given_up);
        match gap {
            Some(gap) => Err(SuccessionError::GivenUp { number: gap.number }),
            None => Ok(chain),
        }
    }

    /// Takes one in: its place, its keys and its signatures.
    fn follow(&mut self, note: &str, number: u64, pinned: &Verifier) -> Result<(), SuccessionError> {
        let not_one = |why: &str| SuccessionError::NotOne {
            number,
            why: why.to_owned(),
        };
        let statement = read(note).map_err(|why| not_one(&why))?;
        if statement.number != number {
            return Err(SuccessionError::OutOfOrder { due: number });
        }
        let key = |text: &str| {
            let key = Verifier::parse(text).map_err(|what| SuccessionError::Note { number, what })?;
            match key.name() == pinned.name() {
                true => Ok(key),
                false => Err(not_one("it is of logs of another name")),
            }
        };
        let (from, to) = (key(&statement.from)?, key(&statement.to)?);
        if self.keys.last().is_some_and(|last| *last != from) {
            return Err(SuccessionError::OutOfOrder { due: number });
        }
        if from == to || self.keys.contains(&to) {
            return Err(not_one("a key that was replaced comes back"));
        }
        let both = [from, to];
        let signed = open_text(note, &both, STATEMENT_BYTES_MAX);
        let (_, signers) = signed.map_err(|what| SuccessionError::Note { number, what })?;
        let [from, to] = &both;
        if !signers.contains(&to) || !(statement.given_up || signers.contains(&from)) {
            let what = NoteError::UnknownKey;
            return Err(SuccessionError::Note { number, what });
        }
        let [from, to] = both;
        if self.keys.is_empty() {
            self.keys.push(from);
        }
        self.keys.push(to);
        self.statements.push(statement);
        Ok(())
    }

    /// All keys, the oldest first.
    pub fn keys(&self) -> &[Verifier] {
        &self.keys
    }

    /// What was said, the oldest first.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The key that signs now.
    pub fn newest(&self) -> Option<&Verifier> {
        self.keys.last()
    }
}

/// The key that a statement says comes, whoever signed it: to be believed by nobody.
pub fn newest_of(note: &str) -> Result<Verifier, SuccessionError> {
    let statement = read(note).map_err(|why| SuccessionError::NotOne { number: 0, why })?;
    let number = statement.number;
    Verifier::parse(&statement.to).map_err(|what| SuccessionError::Note { number, what })
}

/// The statement in a note, whoever signed it.
fn read(note: &str) -> Result<Statement, String> {
    if note.len() > STATEMENT_BYTES_MAX {
        return Err("it is too long".to_owned());
    }
    let (text, _) = note.split_once("\n\n").ok_or("it is no signed note")?;
    let json = text.strip_prefix(FORMAT).and_then(|rest| rest.strip_prefix('\n'));
    serde_json::from_str(json.ok_or("the first line is another's")?).map_err(|error| error.to_string())
}

/// Whom somebody who verifies believes: one key that came to them another way, and what else they know.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    pinned: &'a Verifier,
    published: &'a [String],
    since: Option<&'a str>,
}

impl<'a> From<&'a Verifier> for Trust<'a> {
    fn from(pinned: &'a Verifier) -> Self {
        Self {
            pinned,
            published: &[],
            since: None,
        }
    }
}

impl<'a> Trust<'a> {
    /// The same, who has seen these successions published: evidence that knows of others, or of fewer, is refused.
    #[must_use]
    pub const fn published(self, published: &'a [String]) -> Self {
        Self { published, ..self }
    }

    /// The same, who has kept this checkpoint from earlier, a signed note.
    #[must_use]
    pub const fn since(self, since: Option<&'a str>) -> Self {
        Self { since, ..self }
    }

    /// The checkpoint from earlier.
    pub(crate) const fn kept(&self) -> Option<&'a str> {
        self.since
    }

    /// The keys of what was published alone: for what has no successions of its own.
    pub fn published_chain(&self) -> Result<Chain, SuccessionError> {
        Chain::establish(self.pinned, self.published)
    }

    /// The keys, as the evidence tells of them.
    // threat: ANP-0012
    pub fn chain<N: AsRef<str>>(&self, notes: &[N]) -> Result<Chain, SuccessionError> {
        for (published, number) in self.published.iter().zip(1u64..) {
            let at = usize::try_from(number - 1).unwrap_or(usize::MAX);
            match notes.get(at) {
                None => return Err(SuccessionError::Missing { number }),
                Some(told) if told.as_ref() != published => return Err(SuccessionError::Other { number }),
                Some(_) => {}
            }
        }
        Chain::establish(self.pinned, notes)
    }
}
