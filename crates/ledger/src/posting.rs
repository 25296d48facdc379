//! The posting: what the books are kept by, taken from an entry when it is journaled.
//!
//! A record of the journal is the posting and behind it the entry's canonical bytes. So whoever carries entries
//! into a store knows where each belongs and what it charges without reading JSON; the bytes pass untouched.

use std::sync::Arc;

use domain::{KeyId, Money, RequestId, TeamId, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::compact::{self, Format};
use crate::{Charge, Entry, EntryError, Outcome};

/// Room for a posting as most are; longer ones grow.
const BYTES_USUAL: usize = 256;

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
    /// The model the caller named.
    pub model: Option<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Prompt tokens, all classes.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What it cost.
    pub cost: Money,
    /// What it took from each budget, of money and of tokens.
    pub charges: Vec<Charge>,
}

impl Posting {
    /// The posting of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self {
            request: entry.id,
            tenant: entry.tenant,
            finished: entry.finished,
            key: entry.key,
            team: entry.team,
            model: entry.model.clone(),
            outcome: entry.outcome.clone(),
            prompt_tokens: entry.usage.prompt(),
            output_tokens: entry.usage.output,
            cost: entry.cost,
            charges: [entry.charges.as_slice(), &entry.token_charges].concat(),
        }
    }

    /// Reads what [`Entry::to_record`] wrote: the posting, and the entry's canonical bytes.
    ///
    /// The bytes are not read through, but they must begin as those of the posting's request and tenant do: no
    /// entry comes into another tenant's ledger.
    // threat: ANP-0006
    pub fn read(record: &[u8]) -> Result<(Self, &[u8]), EntryError> {
        let (posting, bytes) = compact::read::<Self>(Format::Posting, record)?;
        if posting.begins(bytes) {
            return Ok((posting, bytes));
        }
        let why = "the entry is not the one that its posting names";
        Err(EntryError::Malformed(why.to_owned()))
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
