//! How one log went from key to key: the statements of successions, with how the log stood at each, and which key may
//! therefore have signed which of its heads.

use serde::{Deserialize, Serialize};

use super::{Fault, HexHash, Place, Tampered};
use crate::merkle::{Hash, empty_root};
use crate::note::{Checkpoint, open_signed};
use crate::succession::{self, Chain, Trust};

/// A succession, as evidence of one log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// The signed statement.
    pub note: String,
    /// How the log stood; nothing if it had no signed head then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<LogHead>,
}

/// A log's head at a succession, and the path to what the statement signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: HexHash,
    /// Its place among the heads.
    pub index: u64,
    /// The path, hex, from the leaf up.
    pub path: Vec<HexHash>,
}

impl Handover {
    /// Of the log of that name. `heads` are all that the statement speaks of, in their order.
    pub fn of(note: &str, heads: &[Checkpoint], origin: &str) -> Self {
        let head = succession::place_of(heads, origin).map(|(index, head, path)| LogHead {
            size: head.size,
            root: HexHash(head.root),
            index,
            path: path.into_iter().map(HexHash).collect(),
        });
        Self {
            note: note.to_owned(),
            head,
        }
    }
}

/// The keys of one log: which of them signed up to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeys {
    chain: Chain,
    /// How the log stood when each key but the newest went.
    heads: Vec<Checkpoint>,
}

impl LogKeys {
    /// The keys of the log of that name, believed.
    // threat: AGP-R1
    // threat: ANP-0012
    pub fn of(trust: &Trust<'_>, origin: &str, handovers: &[Handover]) -> Result<Self, Fault> {
        let notes: Vec<&str> = handovers.iter().map(|one| one.note.as_str()).collect();
        Self::on(trust.chain(&notes)?, origin, handovers)
    }

    fn on(chain: Chain, origin: &str, handovers: &[Handover]) -> Result<Self, Fault> {
        let mut heads: Vec<Checkpoint> = Vec::with_capacity(handovers.len());
        for (statement, handover) in chain.statements().iter().zip(handovers) {
            let number = statement.number;
            let head = handover.head.as_ref();
            let stood = Checkpoint {
                origin: origin.to_owned(),
                size: head.map_or(0, |head| head.size),
                root: head.map_or_else(empty_root, |head| head.root.0),
            };
            if let Some(head) = head {
                let path: Vec<Hash> = head.path.iter().map(|hash| hash.0).collect();
                if !succession::is_among(statement, &stood, head.index, &path) {
                    return Err(Fault::NotHandedOver { number });
                }
            }
            // A log is not handed over shorter than it was before.
            if let Some(before) = heads.last() {
                let same = before.size == stood.size && before.root == stood.root;
                if stood.size < before.size || (stood.size == before.size && !same) {
                    return Err(Fault::NotHandedOver { number });
                }
            }
            heads.push(stood);
        }
        Ok(Self { chain, heads })
    }

    /// The same for whoever has the heads themselves, `None` for where the log had none, and has held them against what
    /// the statements signed.
    pub fn own(chain: Chain, origin: &str, heads: impl Iterator<Item = Option<Checkpoint>>) -> Self {
        let empty = || Checkpoint {
            origin: origin.to_owned(),
            size: 0,
            root: empty_root(),
        };
        let heads = heads.map(|head| head.unwrap_or_else(empty)).collect();
        Self { chain, heads }
    }

    /// Reads a signed head, and whether it was this key's to sign.
    // threat: AGP-R1
    pub(super) fn open(&self, note: &str, at: Place) -> Result<(Checkpoint, Signed), Tampered> {
        let opened = open_signed(note, self.chain.keys());
        let (checkpoint, key) = opened.map_err(|error| Fault::Note(error).at(at))?;
        self.judge(&checkpoint, key).map_err(|fault| fault.at(at))?;
        let signed = match self.heads.get(key) {
            Some(head) if checkpoint.size < head.size => Signed::Before(head.size),
            _ => Signed::Within,
        };
        Ok((checkpoint, signed))
    }

    /// Reads a signed head without more ado: for whoever has the log itself.
    pub fn believed(&self, note: &str) -> Result<Checkpoint, Fault> {
        let (checkpoint, key) = open_signed(note, self.chain.keys())?;
        self.judge(&checkpoint, key).map(|()| checkpoint)
    }

    /// Whether the key of that place may have signed this head: one signs from where it took over up to where it handed
    /// over, and nothing else.
    pub fn judge(&self, checkpoint: &Checkpoint, key: usize) -> Result<(), Fault> {
        let (size, same) = (checkpoint.size, |head: &&Checkpoint| head.size == checkpoint.size);
        if let Some(until) = self.heads.get(key).filter(|head| size > head.size) {
            let key = self
                .chain
                .keys()
                .get(key)
                .map(ToString::to_string)
                .unwrap_or_default();
            let until = until.size;
            return Err(Fault::Superseded { key, size, until });
        }
        let taken_over = key.checked_sub(1).and_then(|before| self.heads.get(before));
        if let Some(known) = taken_over.filter(|head| size < head.size) {
            let known = known.size;
            return Err(Fault::RolledBack { now: size, known });
        }
        match self
            .heads
            .iter()
            .filter(same)
            .any(|head| head.root != checkpoint.root)
        {
            true => Err(Fault::Forked { size }),
            false => Ok(()),
        }
    }

    /// What the log's root must be at the size it has now, if a key was replaced there.
    pub(super) fn compare(&self, size: u64, root: &Hash) -> Result<(), Fault> {
        let forked = self
            .heads
            .iter()
            .any(|head| head.size == size && head.root != *root);
        match forked {
            true => Err(Fault::Forked { size }),
            false => Ok(()),
        }
    }

    /// Whether a key was replaced when the log was of this size.
    pub(super) fn is_handover(&self, size: u64) -> bool {
        self.heads.iter().any(|head| head.size == size)
    }

    /// How long the log was when the newest key took over.
    pub(super) fn handed_over(&self) -> u64 {
        self.heads.last().map_or(0, |head| head.size)
    }

    /// The keys.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// Where a head stands to its key.
pub(super) enum Signed {
    /// It is the newest key's, or the one that its key handed over.
    Within,
    /// It is older than what its key handed over, which had so many entries.
    Before(u64),
}
