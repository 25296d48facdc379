//! The ledger entry: what one call was, what it used, what it cost, and digests that pin its contents.
//!
//! An entry never holds a prompt, an answer or a credential.

use std::borrow::Cow;
use std::sync::Arc;

use domain::{
    ActorId, DataClass, KeyId, Money, NodeId, Operation, ProjectId, RequestId, TeamId, TenantId, UnixMillis,
    Usage,
};
use serde::{Deserialize, Serialize};

use crate::{Charge, Digest, Labels};

mod canonical;

/// The longest entry or intent that is read.
pub const ENTRY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that are not an entry, or not the only way to write one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Longer than [`ENTRY_BYTES_MAX`].
    #[error("an entry of {0} bytes is longer than {ENTRY_BYTES_MAX}")]
    TooLong(usize),
    /// Not such a JSON object.
    #[error("not an entry: {0}")]
    Malformed(String),
    /// It reads, but written again it would look otherwise: another field order, white space, an
    /// unknown or superfluous field. Two spellings of one entry would have two hashes.
    #[error("not in canonical form: differs at byte {0}")]
    NotCanonical(usize),
    /// A record of the journal that another version of the gate wrote.
    #[error("record format {0} is not known: ship it with the version of the gate that wrote it")]
    UnknownFormat(u8),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered to the last byte.
    Completed,
    /// The gate said no; the refusal's stable code.
    Refused(Cow<'static, str>),
    /// The caller left before the last byte.
    ClientGone,
    /// The provider failed after the call was sent; the refusal's stable code.
    UpstreamFailed(Cow<'static, str>),
    /// The gate's process died; billed at the reserved bound.
    Interrupted,
    /// Made elsewhere, with money that was held here. How it ended, as whoever made it says: `completed`, `failed` or
    /// `voided`; `expired` where nobody said.
    Reported(Cow<'static, str>),
    /// No call: a correction of what one cost.
    Adjusted,
}

/// Where an entry's token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider said so.
    Provider,
    /// Counted here by tokenizer, for want of a provider's figure.
    Estimated,
    /// The upper bound that was reserved, for want of anything better.
    Bound,
    /// Nothing was used.
    None,
    /// Whoever made the call said so: another gateway, not the provider itself.
    Reported,
}

/// One line of a tenant's ledger. Its canonical bytes are [`Entry::to_bytes`]; the Merkle leaf is hashed
/// over exactly those, and they are stored as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The request, and the entry's own id.
    pub id: RequestId,
    /// Whose ledger.
    pub tenant: TenantId,
    /// The credential's team.
    pub team: TeamId,
    /// The credential's project.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project: Option<ProjectId>,
    /// The credential.
    pub key: KeyId,
    /// Which node served it.
    pub node: NodeId,
    /// When the request's head had been read.
    pub started: UnixMillis,
    /// When it was settled.
    pub finished: UnixMillis,
    /// What was asked.
    pub operation: Operation,
    /// The caller's dialect: `openai` or `anthropic`.
    pub dialect: Cow<'static, str>,
    /// The model the caller named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<Arc<str>>,
    /// `provider/upstream-model` that served it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status the caller got.
    pub status: u16,
    /// Calls made upstream: 0 for a refusal or cache hit, more than 1 after retries and fallbacks.
    pub attempts: u16,
    /// Whether the answer came from the cache.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cached: bool,
    /// What was used.
    pub usage: Usage,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// What it cost.
    pub cost: Money,
    /// The price list the cost was reckoned by.
    pub price_version: Arc<str>,
    /// What it took from each budget of money.
    pub charges: Vec<Charge>,
    /// Ids of the Cedar policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub policies: Vec<String>,
    /// Rules of guards that fired, with the verdict; never what they matched.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<String>,
    /// BLAKE3 of the request body as received, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_digest: Option<Digest>,
    /// BLAKE3 of the response body as sent, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response_digest: Option<Digest>,
    /// What stood for the key: `token`, `jwt` or `certificate`; nothing where the key itself was presented.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<Cow<'static, str>>,
    /// BLAKE3 of the signature that the caller made over the request, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature_digest: Option<Digest>,
    /// What it took from each budget of tokens, in tokens.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub token_charges: Vec<Charge>,
    /// Whose the credential is: the person or service account it was made for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<ActorId>,
    /// The credential's tags, sorted.
    #[serde(skip_serializing_if = "is_nothing", default)]
    pub tags: Arc<[String]>,
    /// What the caller says of the call, for reports; nobody else vouches for it.
    #[serde(skip_serializing_if = "Labels::is_empty", default)]
    pub labels: Labels,
    /// The session of an agent that the call is a part of, as the caller names it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<Arc<str>>,
    /// BLAKE3 of what is kept of the exchange itself, where anything is, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exchange: Option<Digest>,
    /// The entry whose cost this one corrects: no call of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub adjusts: Option<RequestId>,
    /// What the call carried, where anything is kept of its exchange: how long that is kept depends on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data_class: Option<DataClass>,
}

fn is_nothing(tags: &Arc<[String]>) -> bool {
    tags.is_empty()
}

impl Entry {
    /// Room for the canonical bytes as most are; longer ones grow.
    pub(crate) const BYTES_USUAL: usize = 1280;

    /// A completed chat that used nothing and cost nothing, of nobody in particular: where tests and measurements
    /// begin, so that they say only what they are about.
    pub fn sample(id: RequestId, tenant: TenantId) -> Self {
        Self {
            id,
            tenant,
            team: TeamId::from_u128(1),
            project: None,
            key: KeyId::from_u128(1),
            node: NodeId::from_u128(1),
            started: UnixMillis(0),
            finished: UnixMillis(0),
            operation: Operation::Chat,
            dialect: "openai".into(),
            model: None,
            target: None,
            outcome: Outcome::Completed,
            status: 200,
            attempts: 1,
            cached: false,
            usage: Usage::default(),
            usage_source: UsageSource::Provider,
            cost: Money::ZERO,
            price_version: "1".into(),
            charges: Vec::new(),
            policies: Vec::new(),
            findings: Vec::new(),
            request_digest: None,
            response_digest: None,
            credential: None,
            signature_digest: None,
            token_charges: Vec::new(),
            owner: None,
            tags: [].into(),
            labels: Labels::default(),
            session: None,
            exchange: None,
            adjusts: None,
            data_class: None,
        }
    }

    /// The canonical bytes: compact JSON in field order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES_USUAL);
        self.write_bytes(&mut bytes);
        bytes
    }

    /// Appends the canonical bytes.
    pub(crate) fn write_bytes(&self, out: &mut Vec<u8>) {
        canonical::write(self, out);
    }

    /// The entry that has exactly these canonical bytes.
    // threat: AGP-R2
    // threat: ANP-0012
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let entry: Self =
            serde_json::from_slice(bytes).map_err(|error| EntryError::Malformed(error.to_string()))?;
        let again = entry.to_bytes();
        if again == bytes {
            return Ok(entry);
        }
        let pairs = again.iter().zip(bytes);
        Err(EntryError::NotCanonical(
            pairs.take_while(|(ours, theirs)| ours == theirs).count(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::BudgetId;

    /// An entry with every field set.
    fn full() -> Entry {
        Entry {
            id: RequestId::from_u128(1),
            tenant: TenantId::from_u128(2),
            team: TeamId::from_u128(3),
            project: Some(ProjectId::from_u128(4)),
            key: KeyId::from_u128(5),
            node: NodeId::from_u128(6),
            started: UnixMillis(1_795_316_650_000),
            finished: UnixMillis(1_795_316_651_234),
            operation: Operation::Chat,
            dialect: "openai".into(),
            model: Some("gpt \"quoted\" ü \u{1F600}".into()),
            target: Some("openai/gpt-4o".into()),
            outcome: Outcome::UpstreamFailed("upstream_timeout".into()),
            status: 504,
            attempts: 2,
            cached: true,
            usage: Usage {
                input: 1,
                output: 2,
                cache_read: 3,
                cache_write: 4,
                reasoning: 1,
                cache_write_long: 5,
                audio_input: 6,
                audio_output: 1,
                tier: domain::Tier::Flex,
                units: domain::Units {
                    input_ms: Some(1_500),
                    output_images: Some(0),
                    ..domain::Units::UNKNOWN
                },
            },
            usage_source: UsageSource::Provider,
            cost: Money::from_nanos(42),
            price_version: "a1b2c3d4e5f6".into(),
            charges: vec![Charge {
                budget: BudgetId::from_u128(7),
                window_start: UnixMillis(0),
                amount: Money::from_nanos(42),
            }],
            policies: vec!["policy0".into()],
            findings: vec!["secrets.aws_access_key:redact".into()],
            request_digest: Some(Digest([0; 32])),
            response_digest: Some(Digest([255; 32])),
            credential: None,
            signature_digest: None,
            token_charges: vec![Charge {
                budget: BudgetId::from_u128(8),
                window_start: UnixMillis(0),
                amount: Money::from_nanos(10),
            }],
            owner: Some(ActorId::User(domain::UserId::from_u128(9))),
            tags: ["cost-center:4711".to_owned(), "eu-only".to_owned()].into(),
            labels: Labels::parse("outcome=resolved, feature=\"search\"").unwrap(),
            session: Some("agent \"7\"".into()),
            exchange: Some(Digest([1; 32])),
            adjusts: Some(RequestId::from_u128(10)),
            data_class: Some(DataClass::Restricted),
        }
    }

    fn bare() -> Entry {
        Entry {
            project: None,
            model: None,
            target: None,
            outcome: Outcome::Completed,
            cached: false,
            usage: Usage::default(),
            usage_source: UsageSource::None,
            charges: vec![],
            policies: vec![],
            findings: vec![],
            request_digest: None,
            response_digest: None,
            token_charges: vec![],
            owner: None,
            tags: [].into(),
            labels: Labels::default(),
            session: None,
            exchange: None,
            adjusts: None,
            data_class: None,
            ..full()
        }
    }

    #[test]
    fn entries_read_back_and_keep_their_bytes() {
        for entry in [full(), bare()] {
            let bytes = entry.to_bytes();
            let read = Entry::from_bytes(&bytes).unwrap();
            assert_eq!(read, entry);
            assert_eq!(read.to_bytes(), bytes);
        }
    }

    /// The format is for ever: hashes over it are signed. This test changes only with a new format.
    #[test]
    fn the_canonical_form_is_pinned() {
        let text = String::from_utf8(bare().to_bytes()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"id":"req_00000000000000000000000000000001","tenant":"tnt_00000000000000000000000000000002","#,
                r#""team":"team_00000000000000000000000000000003","key":"key_00000000000000000000000000000005","#,
                r#""node":"node_00000000000000000000000000000006","started":1795316650000,"finished":1795316651234,"#,
                r#""operation":"chat","dialect":"openai","outcome":"completed","status":504,"attempts":2,"#,
                r#""usage":{"input":0,"output":0},"usage_source":"none","cost":42,"price_version":"a1b2c3d4e5f6","#,
                r#""charges":[]}"#
            )
        );
    }

    /// What came later stands behind all that was there before.
    #[test]
    fn who_spent_is_said_at_the_end() {
        let spent = Entry {
            owner: full().owner,
            tags: full().tags,
            labels: full().labels,
            ..bare()
        };
        let text = String::from_utf8(spent.to_bytes()).unwrap();
        let plain = String::from_utf8(bare().to_bytes()).unwrap();
        let said = concat!(
            r#","owner":"usr_00000000000000000000000000000009","tags":["cost-center:4711","eu-only"],"#,
            r#""labels":{"feature":"\"search\"","outcome":"resolved"}}"#
        );
        assert_eq!(
            Some(text.as_str()),
            plain
                .strip_suffix('}')
                .map(|plain| format!("{plain}{said}"))
                .as_deref()
        );
    }

    #[test]
    fn agp_r2_a_second_spelling_of_an_entry_is_refused() {
        let text = String::from_utf8(bare().to_bytes()).unwrap();
        let spellings = [
            text.replace("\"cost\":42", "\"cost\": 42"),
            format!("{text}\n"),
            format!(" {text}"),
            text.replace("\"status\":504,\"attempts\":2", "\"attempts\":2,\"status\":504"),
            text.replace("\"charges\":[]", "\"charges\":[],\"policies\":[]"),
            text.replace("\"charges\":[]", "\"charges\":[],\"note\":\"unknown\""),
            text.replace("\"dialect\":\"openai\"", "\"dialect\":\"op\\u0065nai\""),
            text.replace(
                "req_00000000000000000000000000000001",
                "req_0000000000000000000000000000000A",
            ),
            text.replace("\"cost\":42", "\"cost\":42,\"cached\":false"),
            text.replace("\"charges\":[]", "\"charges\":[],\"tags\":[]"),
            text.replace("\"charges\":[]", "\"charges\":[],\"labels\":{}"),
            text.replace(
                "\"charges\":[]",
                "\"charges\":[],\"labels\":{\"b\":\"1\",\"a\":\"1\"}",
            ),
        ];
        for spelling in spellings {
            assert!(
                matches!(
                    Entry::from_bytes(spelling.as_bytes()),
                    Err(EntryError::NotCanonical(_))
                ),
                "{spelling}"
            );
        }
    }

    #[test]
    fn what_is_not_an_entry_is_refused() {
        let text = String::from_utf8(bare().to_bytes()).unwrap();
        for bad in [
            String::new(),
            "{}".into(),
            "[]".into(),
            text.replace("\"cost\":42", "\"cost\":42.0"),
            text.replace("\"cost\":42", "\"cost\":42,\"cost\":1"),
            text.replace("\"status\":504", "\"status\":70000"),
            text.replace("tnt_", "team_"),
            text.replace("\"outcome\":\"completed\"", "\"outcome\":\"perfect\""),
            text.chars().take(text.len() - 1).collect(),
        ] {
            assert!(
                matches!(Entry::from_bytes(bad.as_bytes()), Err(EntryError::Malformed(_))),
                "{bad}"
            );
        }
        let long = vec![b' '; ENTRY_BYTES_MAX + 1];
        assert_eq!(
            Entry::from_bytes(&long),
            Err(EntryError::TooLong(ENTRY_BYTES_MAX + 1))
        );
        assert!(matches!(
            Entry::from_bytes(&long[1..]),
            Err(EntryError::Malformed(_))
        ));
    }
}
