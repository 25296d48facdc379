//! The posting: what the books are kept by, taken from an entry when it is journaled.
//!
//! A record of the journal is the posting and behind it the entry's canonical bytes. So whoever carries entries
//! into a store knows where each belongs and what it charges without reading JSON; the bytes pass untouched.

use std::sync::Arc;

use domain::{ActorId, KeyId, Money, Operation, ProjectId, RequestId, TeamId, TenantId, UnixMillis, Usage};
use serde::{Deserialize, Serialize};

use crate::compact::{self, Format};
use crate::{Charge, Entry, EntryError, Labels, Outcome};

/// Room for a posting as most are; longer ones grow.
const BYTES_USUAL: usize = 384;

/// What a store keeps of an entry beside its canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The request, and the entry's own id.
    pub request: RequestId,
    /// Whose ledger.
    pub tenant: TenantId,
    /// When it was settled.
    pub finished: UnixMillis,
    /// The credential.
    pub key: KeyId,
    /// The credential's team.
    pub team: TeamId,
    /// The credential's project.
    pub project: Option<ProjectId>,
    /// Whose the credential is.
    pub owner: Option<ActorId>,
    /// The credential's tags, sorted.
    pub tags: Arc<[String]>,
    /// What the caller says of the call.
    pub labels: Labels,
    /// What was asked.
    pub operation: Operation,
    /// The model the caller named.
    pub model: Option<Arc<str>>,
    /// `provider/upstream-model` that served it.
    pub target: Option<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the answer came from the cache.
    pub cached: bool,
    /// What was used.
    pub tokens: Tokens,
    /// What it cost.
    pub cost: Money,
    /// The price list the cost was reckoned by.
    pub price_version: Arc<str>,
    /// What it took from each budget, of money and of tokens.
    pub charges: Vec<Charge>,
}

/// Tokens by class, each of them always written. The classes are those of [`Usage`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Prompt tokens at the full input price.
    pub input: u64,
    /// Generated tokens, reasoning and sound included.
    pub output: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to it for its usual time.
    pub cache_write: u64,
    /// Prompt tokens written to it for longer.
    pub cache_write_long: u64,
    /// Of `output`: tokens of reasoning.
    pub reasoning: u64,
    /// Prompt tokens of sound.
    pub audio_input: u64,
    /// Of `output`: tokens of sound.
    pub audio_output: u64,
}

impl Tokens {
    /// All prompt tokens, whatever they cost.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_long)
            .saturating_add(self.audio_input)
    }

    /// Class by class.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            cache_write_long: self.cache_write_long.saturating_add(other.cache_write_long),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_input: self.audio_input.saturating_add(other.audio_input),
            audio_output: self.audio_output.saturating_add(other.audio_output),
        }
    }
}

impl From<&Usage> for Tokens {
    fn from(usage: &Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            cache_write_long: usage.cache_write_long,
            reasoning: usage.reasoning,
            audio_input: usage.audio_input,
            audio_output: usage.audio_output,
        }
    }
}

/// A posting as the version before wrote it: only to see where the entry's bytes begin, which say the same and more.
type PostingOfKey = (
    RequestId,
    TenantId,
    UnixMillis,
    KeyId,
    TeamId,
    Option<Arc<str>>,
    Outcome,
    (u64, u64),
    Money,
    Vec<Charge>,
);

impl Posting {
    /// The posting of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self {
            request: entry.id,
            tenant: entry.tenant,
            finished: entry.finished,
            key: entry.key,
            team: entry.team,
            project: entry.project,
            owner: entry.owner,
            tags: entry.tags.clone(),
            labels: entry.labels.clone(),
            operation: entry.operation,
            model: entry.model.clone(),
            target: entry.target.clone(),
            outcome: entry.outcome.clone(),
            cached: entry.cached,
            tokens: Tokens::from(&entry.usage),
            cost: entry.cost,
            price_version: entry.price_version.clone(),
            charges: [entry.charges.as_slice(), &entry.token_charges].concat(),
        }
    }

    /// Reads what [`Entry::to_record`] wrote: the posting, and the entry's canonical bytes.
    ///
    /// The bytes are not read through, but they must begin as those of the posting's request and tenant do: no
    /// entry comes into another tenant's ledger.
    // threat: ANP-0006
    pub fn read(record: &[u8]) -> Result<(Self, &[u8]), EntryError> {
        if record.first() == Some(&(Format::PostingOfKey as u8)) {
            let (before, bytes) = compact::read::<PostingOfKey>(Format::PostingOfKey, record)?;
            let posting = Self::of(&Entry::from_bytes(bytes)?);
            return if (before.0, before.1) == (posting.request, posting.tenant) {
                Ok((posting, bytes))
            } else {
                Err(another())
            };
        }
        let (posting, bytes) = compact::read::<Self>(Format::Posting, record)?;
        if posting.begins(bytes) {
            return Ok((posting, bytes));
        }
        Err(another())
    }

    fn begins(&self, bytes: &[u8]) -> bool {
        let (request, tenant) = (self.request.text(), self.tenant.text());
        let said = [
            br#"{"id":""#,
            request.as_bytes(),
            br#"","tenant":""#,
            tenant.as_bytes(),
            b"\"",
        ];
        let rest = said.iter().try_fold(bytes, |rest, &part| rest.strip_prefix(part));
        rest.is_some()
    }
}

fn another() -> EntryError {
    EntryError::Malformed("the entry is not the one that its posting names".to_owned())
}

impl Entry {
    /// What the journal holds of the entry: its posting and its canonical bytes.
    // threat: AGP-R1
    pub fn to_record(&self) -> Vec<u8> {
        let room = BYTES_USUAL + Self::BYTES_USUAL;
        let mut record = compact::write(Format::Posting, &Posting::of(self), Vec::with_capacity(room));
        self.write_bytes(&mut record);
        record
    }
}
