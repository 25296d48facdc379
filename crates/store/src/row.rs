//! Values as columns and back: what engines that store rows share, and how days are named.

use std::fmt::Display;
use std::str::FromStr;

use domain::{AuditId, KeyId, Money, RequestId, TeamId, UnixMillis};
use ledger::{AuditActor, Outcome, merkle};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{AuditEntry, AuditQuery, Shipment, StoreError, TenantState};

/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 86_400_000;

/// The columns that are kept of an entry beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryColumns {
    /// The request.
    pub request: RequestId,
    /// When it was settled.
    pub finished: UnixMillis,
    /// The credential.
    pub key: KeyId,
    /// The credential's team.
    pub team: TeamId,
    /// The model the caller named, as [`text`] keeps it. The entry's bytes keep it as it was.
    pub model: Option<String>,
    /// How it ended: the outcome's stable name.
    pub outcome: &'static str,
    /// Prompt tokens, all classes.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What it cost.
    pub cost: Money,
    /// The Merkle leaf of its bytes.
    pub leaf: merkle::Hash,
}

/// By what a request is known that comes again after its entry was removed. Says nothing about the rest of its id, 74 bits
/// that nobody guesses; requests of one time have marks that lie together.
pub fn mark(request: RequestId) -> [u8; 16] {
    let id = request.as_bytes();
    let time = id.iter().take(4);
    let digest = merkle::leaf_hash(id);
    let mut mark = [0; 16];
    for (place, byte) in mark.iter_mut().zip(time.chain(&digest)) {
        *place = *byte;
    }
    mark
}

/// When a log's entries are filed that come in this order, the latest before at `filed`: each at the latest end so far.
/// Within the years that engines have room for.
pub fn filed(filed: i64, finished: impl IntoIterator<Item = UnixMillis>) -> Vec<i64> {
    let ends = finished.into_iter().scan(filed, |latest, end| {
        *latest = end.0.min(FILED_MAX).max(*latest).max(0);
        Some(*latest)
    });
    ends.collect()
}

/// The end of the year 2199.
const FILED_MAX: i64 = 7_258_118_399_999;

/// How much of a text that somebody else chose its column keeps.
pub const TEXT_CHARS_MAX: usize = 256;

/// A text fit for a column and an index: at most [`TEXT_CHARS_MAX`] characters, and no NUL, which not every
/// database can hold.
pub fn text(chosen: &str) -> String {
    if chosen.len() <= TEXT_CHARS_MAX && !chosen.contains('\0') {
        return chosen.to_owned();
    }
    chosen
        .chars()
        .take(TEXT_CHARS_MAX)
        .map(|char| if char == '\0' { '\u{fffd}' } else { char })
        .collect()
}

/// The outcome's name of a refusal.
pub const REFUSED: &str = "refused";

impl EntryColumns {
    /// The columns of a shipment.
    pub fn of(shipment: &Shipment) -> Self {
        let posting = &shipment.posting;
        Self {
            request: posting.request,
            finished: posting.finished,
            key: posting.key,
            team: posting.team,
            model: posting.model.as_deref().map(text),
            outcome: outcome_name(&posting.outcome),
            prompt_tokens: posting.tokens.prompt(),
            output_tokens: posting.tokens.output,
            cost: posting.cost,
            leaf: merkle::leaf_hash(&shipment.bytes),
        }
    }
}

/// The columns that are kept of an audit record beside its bytes; texts as [`text`] keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditColumns {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: UnixMillis,
    /// The id of the user or service that acted.
    pub actor: Option<String>,
    /// What was done.
    pub act: String,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// The Merkle leaf of its bytes.
    pub leaf: merkle::Hash,
}

impl AuditColumns {
    /// The columns of an entry.
    pub fn of(audit: &AuditEntry) -> Self {
        let record = &audit.record;
        let actor = match &record.actor {
            AuditActor::User(id, _) | AuditActor::Service(id, _) => Some(text(id)),
            AuditActor::Operator(_) | AuditActor::Gate(_) | AuditActor::Stranger(_) => None,
        };
        Self {
            id: record.id,
            at: record.at,
            actor,
            act: text(&record.act),
            target: record.target.as_deref().map(text),
            leaf: merkle::leaf_hash(&audit.bytes),
        }
    }

    /// Whether the record is among those asked for, wherever in the log it is.
    pub fn answer(&self, query: &AuditQuery) -> bool {
        query.from.is_none_or(|from| from <= self.at)
            && query.until.is_none_or(|until| self.at < until)
            && query.act.as_ref().is_none_or(|act| *act == self.act)
            && (query.actor.is_none() || query.actor == self.actor)
            && (query.target.is_none() || query.target == self.target)
    }
}

pub(crate) const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Refused(_) => REFUSED,
        Outcome::ClientGone => "client_gone",
        Outcome::UpstreamFailed(_) => "upstream_failed",
        Outcome::Interrupted => "interrupted",
        Outcome::Reported(_) => "reported",
        Outcome::Adjusted => "adjusted",
    }
}

/// Behind which end and place a reading by time goes on; at its beginning nothing has a place below 0.
pub fn behind(from: UnixMillis, after: Option<(UnixMillis, u64)>) -> (i64, i64) {
    let begin = (from.0, -1);
    after.map_or(begin, |(at, index)| (at.0, signed(index)).max(begin))
}

/// A count as a signed column; saturates.
pub fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A signed column as a count; a negative one is damage.
pub fn unsigned(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|_| damaged("a count", "negative"))
}

/// A value as a JSON text column.
pub fn encode<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| damaged("a document", error))
}

/// A JSON text column as a value.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged("a document", error))
}

/// A tenant's state column as a state.
pub fn state(text: &str) -> Result<TenantState, StoreError> {
    let mut all = TenantState::ALL.into_iter();
    all.find(|state| state.as_str() == text)
        .ok_or_else(|| damaged("a tenant's state", format!("`{text}` is none")))
}

/// An id column as an id.
pub fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error| damaged("an id", error))
}

/// A column of an id's 16 bytes as its bits.
pub fn bits(bytes: &[u8]) -> Result<u128, StoreError> {
    let bytes = bytes.try_into().map_err(|_| damaged("an id", "not 16 bytes"))?;
    Ok(u128::from_be_bytes(bytes))
}

/// A hash column as a hash.
pub fn hash(bytes: &[u8]) -> Result<merkle::Hash, StoreError> {
    bytes.try_into().map_err(|_| damaged("a hash", "not 32 bytes"))
}

/// Damage in `what`.
pub fn damaged(what: &str, why: impl Display) -> StoreError {
    StoreError::Damaged(format!("{what}: {why}"))
}

/// The name of the UTC day in which this is.
pub fn day_of(at: UnixMillis) -> String {
    day_name(at.0.div_euclid(DAY_MS))
}

/// The name of the `day`th UTC day since 1970: `2026-11-22`.
pub fn day_name(day: i64) -> String {
    jiff::Timestamp::from_millisecond(day.saturating_mul(DAY_MS))
        .map_or_else(|_| "-".to_owned(), |time| time.strftime("%F").to_string())
}
