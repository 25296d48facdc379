//! What a tenant keeps of a call's exchange: which part, for how long, and the record itself, whose digest the call's
//! ledger entry carries. Never reads a clock, never seals or stores anything; what a text says is in no `Debug`.

pub mod removal;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use domain::{ByClass, DataClass, KeyId, RequestId, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::bundle::{Proof, Tampered, Verified, verify_proof};
use crate::succession::Trust;
use crate::{Digest, Entry};

/// How much of each exchange is kept; each is more than the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Nothing.
    #[default]
    None,
    /// Sizes, roles, times: nothing of any text.
    Metadata,
    /// Texts too, without secrets and personal data that rules find.
    Redacted,
    /// Everything, up to the bound.
    Full,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Metadata, Self::Redacted, Self::Full];

    /// Its name in columns and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Metadata => "metadata",
            Self::Redacted => "redacted",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is `none`, `metadata`, `redacted` or `full`")]
pub struct NotKept;

impl FromStr for Kept {
    type Err = NotKept;

    fn from_str(text: &str) -> Result<Self, NotKept> {
        let found = Self::ALL.into_iter().find(|kept| kept.as_str() == text);
        found.ok_or(NotKept)
    }
}

/// What a tenant says of its exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keeping {
    /// How much of each.
    pub kept: Kept,
    /// For how many days.
    pub days: u16,
    /// For how many days at most where a call carries data of a class. 0: nothing is kept of it.
    #[serde(skip_serializing_if = "ByClass::is_none")]
    pub days_max: ByClass<u16>,
}

/// The longest that exchanges are kept: ten years.
pub const KEPT_DAYS_MAX: u16 = 3653;

impl Default for Keeping {
    fn default() -> Self {
        Self::NONE
    }
}

impl Keeping {
    /// Nothing is kept; what is left from before goes after thirty days.
    pub const NONE: Self = Self {
        kept: Kept::None,
        days: 30,
        days_max: ByClass::NONE,
    };

    /// For how many days what carries data of this class is kept, where the instance lets no tenant keep it for longer than
    /// `instance`: the shortest that applies. 0: not at all.
    // threat: ANP-0020
    pub fn days_of(&self, class: DataClass, instance: &ByClass<u16>) -> u16 {
        let bounds = [self.days_max.of(class), instance.of(class)];
        bounds.into_iter().flatten().fold(self.days, u16::min)
    }

    /// Exchanges that carry data of this class, or of a graver one, and began before this are over.
    pub fn until(&self, class: DataClass, instance: &ByClass<u16>, now: UnixMillis) -> UnixMillis {
        let days = i64::from(self.days_of(class, instance));
        UnixMillis(now.0.saturating_sub(days * 86_400_000))
    }

    /// Whether this keeps more than `before`, or anything for longer: also what is there already stays for these days.
    pub fn widens(&self, before: &Self) -> bool {
        let days = |keeping: &Self, class| keeping.days_of(class, &ByClass::NONE);
        let mut all = DataClass::ALL.into_iter();
        self.kept > before.kept || all.any(|class| days(self, class) > days(before, class))
    }
}

/// Why a side's text is not all there, or not there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// It goes on beyond the bound.
    Bound,
    /// The node had no room left for it.
    Room,
    /// It does not read, so that it could not be redacted.
    Unreadable,
}

/// One direction of an exchange.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// How long the body was, all of it.
    pub bytes: u64,
    /// What it was, by its media type; nothing where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How many messages of which role there were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub messages: BTreeMap<String, u64>,
    /// Why the model stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
    /// The body as text: as it was, or redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// What is kept of one call's exchange. Its canonical bytes are compact JSON in the order of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Which call.
    pub id: RequestId,
    /// Whose.
    pub tenant: TenantId,
    /// By which key.
    pub key: KeyId,
    /// When it came.
    pub started: UnixMillis,
    /// When it was over.
    pub finished: UnixMillis,
    /// When the provider began to answer, in milliseconds after it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<u64>,
    /// How much is kept of it.
    pub kept: Kept,
    /// The path that was called.
    pub path: String,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// The answer's status.
    pub status: u16,
    /// Whether the answer was a stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub streamed: bool,
    /// What it carried; an exchange of before this was written down says nothing, and counts as the gravest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
    /// As it was received.
    pub request: Side,
    /// As it was sent to the caller.
    pub answer: Side,
}

/// Why bytes are no exchange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// They do not read.
    #[error("it does not read as an exchange: {0}")]
    Form(String),
    /// The entry is of another call.
    #[error("the entry is of another call")]
    OtherCall,
    /// The entry says that nothing was kept.
    #[error("its entry says that nothing is kept of it")]
    NotKept,
    /// It is not what the entry says.
    #[error("it is not what its entry says: it was changed")]
    Changed,
}

impl Exchange {
    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Nothing in it can fail to serialize: keys are strings, numbers are integers.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What [`Exchange::to_bytes`] made, or JSON of the same content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExchangeError> {
        // Serde's texts may quote what they do not like: only where is told.
        serde_json::from_slice(bytes)
            .map_err(|error| ExchangeError::Form(format!("line {}, column {}", error.line(), error.column())))
    }

    /// What the ledger's entry carries: BLAKE3 of the canonical bytes.
    pub fn digest(&self) -> Digest {
        digest(&self.to_bytes())
    }

    /// Whether this is what `entry` says was kept of its call.
    // threat: ANP-0012
    // threat: AGP-R1
    pub fn must_be_of(&self, entry: &Entry) -> Result<(), ExchangeError> {
        if (entry.id, entry.tenant, entry.key) != (self.id, self.tenant, self.key) {
            return Err(ExchangeError::OtherCall);
        }
        let kept = entry.exchange.ok_or(ExchangeError::NotKept)?;
        match kept == self.digest() {
            true => Ok(()),
            false => Err(ExchangeError::Changed),
        }
    }
}

/// BLAKE3 of an exchange's canonical bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest(blake3::hash(bytes).into())
}

/// How a line of an export is known.
pub const EXPORTED: &str = "bartizan-exchange/1";

/// One line of an export: an exchange, and everything to verify it but the ledger's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// [`EXPORTED`].
    pub format: String,
    /// The exchange.
    pub exchange: Exchange,
    /// The proof that its call is in the ledger; left out while no signed head covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Why an exported exchange is not shown to be the original.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOriginal {
    /// Another format.
    #[error("it is of a format that this version does not know")]
    Format,
    /// It came out before the ledger was signed.
    #[error("it has no proof: it was exported before a signed head covered its call; export it again")]
    Unproved,
    /// The ledger's side does not hold.
    #[error(transparent)]
    Ledger(#[from] Tampered),
    /// The exchange is not what the ledger says.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Exported {
    /// A line.
    pub fn new(exchange: Exchange, proof: Option<Proof>) -> Self {
        Self {
            format: EXPORTED.to_owned(),
            exchange,
            proof,
        }
    }

    /// Whether the exchange is what was kept when its call ended, by the ledger of whoever is trusted.
    // threat: ANP-0012
    // threat: AGP-R1
    pub fn verify<'t>(&self, trust: impl Into<Trust<'t>>) -> Result<Verified, NotOriginal> {
        if self.format != EXPORTED {
            return Err(NotOriginal::Format);
        }
        let proof = self.proof.as_ref().ok_or(NotOriginal::Unproved)?;
        let verified = verify_proof(proof, trust)?;
        self.exchange.must_be_of(&verified.entry)?;
        Ok(verified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Exchange {
        let tenant = TenantId::from_u128(7);
        Exchange {
            id: RequestId::from_u128(1),
            tenant,
            key: KeyId::from_u128(3),
            started: UnixMillis(10),
            finished: UnixMillis(20),
            first_byte_ms: Some(4),
            kept: Kept::Full,
            path: "/v1/messages".to_owned(),
            model: Some("m".into()),
            status: 200,
            streamed: true,
            data_class: Some(DataClass::Confidential),
            request: Side {
                bytes: 4,
                text: Some("{\"é\u{7}\"}".to_owned()),
                ..Side::default()
            },
            answer: Side {
                bytes: 9,
                cut: Some(Cut::Bound),
                finish: Some("stop".to_owned()),
                messages: [("user".to_owned(), 2)].into(),
                ..Side::default()
            },
        }
    }

    #[test]
    fn canonical_bytes_read_back_also_when_they_were_laid_out_anew() {
        let exchange = sample();
        assert_eq!(Exchange::from_bytes(&exchange.to_bytes()), Ok(exchange.clone()));
        let value: serde_json::Value = serde_json::from_slice(&exchange.to_bytes()).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        assert_eq!(Exchange::from_bytes(&pretty).unwrap().digest(), exchange.digest());
    }

    #[test]
    fn anp_0012_an_exchange_is_held_against_its_own_entry_alone() {
        let exchange = sample();
        let entry = Entry {
            key: exchange.key,
            exchange: Some(exchange.digest()),
            ..Entry::sample(exchange.id, exchange.tenant)
        };
        assert_eq!(exchange.must_be_of(&entry), Ok(()));
        let other = Entry {
            id: RequestId::from_u128(2),
            ..entry.clone()
        };
        assert_eq!(exchange.must_be_of(&other), Err(ExchangeError::OtherCall));
        let without = Entry {
            exchange: None,
            ..entry.clone()
        };
        assert_eq!(exchange.must_be_of(&without), Err(ExchangeError::NotKept));
        let mut changed = exchange;
        changed.answer.bytes += 1;
        assert_eq!(changed.must_be_of(&entry), Err(ExchangeError::Changed));
    }

    #[test]
    fn agp_r_001_texts_are_in_no_debug() {
        assert!(!format!("{:?}", sample()).contains('é'));
    }

    #[test]
    fn keeping_widens_by_more_or_longer() {
        let of = |kept, days| Keeping {
            kept,
            days,
            days_max: ByClass::NONE,
        };
        let now = of(Kept::Metadata, 30);
        assert!(of(Kept::Full, 1).widens(&now) && of(Kept::Metadata, 31).widens(&now));
        assert!(
            of(Kept::None, 31).widens(&now),
            "what is there would stay for longer"
        );
        assert!(
            !of(Kept::None, 30).widens(&now) && !of(Kept::Metadata, 29).widens(&now) && !now.widens(&now)
        );
        let old: Keeping = serde_json::from_str("{}").unwrap();
        assert_eq!(old, Keeping::NONE);
        let until = of(Kept::Full, 1).until(DataClass::Public, &ByClass::NONE, UnixMillis(86_400_001));
        assert_eq!(until, UnixMillis(1));
    }

    #[test]
    fn anp_0020_the_shortest_time_that_applies_wins_whoever_said_it() {
        let tenant = |restricted| Keeping {
            kept: Kept::Full,
            days: 30,
            days_max: ByClass {
                confidential: Some(10),
                restricted,
                ..ByClass::NONE
            },
        };
        let instance = ByClass {
            internal: Some(20),
            restricted: Some(5),
            ..ByClass::NONE
        };
        let of = |keeping: Keeping| DataClass::ALL.map(|class| keeping.days_of(class, &instance));
        assert_eq!(of(tenant(None)), [30, 20, 10, 5]);
        assert_eq!(of(tenant(Some(0))), [30, 20, 10, 0]);
        assert_eq!(
            of(tenant(Some(300))),
            [30, 20, 10, 5],
            "nobody keeps for longer by this"
        );
        let short = Keeping {
            days: 3,
            ..tenant(None)
        };
        assert_eq!(of(short), [3; 4]);
        assert!(tenant(None).widens(&tenant(Some(9))) && !tenant(Some(9)).widens(&tenant(None)));
        let without = Keeping {
            days_max: ByClass::NONE,
            ..tenant(None)
        };
        assert!(without.widens(&tenant(None)) && !tenant(None).widens(&without));
    }
}
