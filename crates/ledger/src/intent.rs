//! The intent: what a call may cost, written down before it is sent, so that a crash cannot hide spend.

use std::borrow::Cow;
use std::sync::Arc;

use domain::{
    ActorId, KeyId, Money, NodeId, Operation, ProjectId, RequestId, TeamId, TenantId, UnixMillis, Usage,
};
use serde::{Deserialize, Serialize};

use crate::compact::{self, Format};
use crate::{Charge, Entry, EntryError, Labels, Outcome, UsageSource};

/// Room for an intent as most are; longer ones grow.
const BYTES_USUAL: usize = 320;

/// Journaled before a call goes upstream. An intent without an entry of the same id, found when the
/// journal is replayed, was in flight when the process died: [`Intent::interrupted`] bills it at its bound.
// threat: AGP-BUDGET-3.2
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The request; its entry has the same id.
    pub id: RequestId,
    /// Whose ledger.
    pub tenant: TenantId,
    /// The credential's team.
    pub team: TeamId,
    /// The credential's project.
    pub project: Option<ProjectId>,
    /// The credential.
    pub key: KeyId,
    /// Which node serves it.
    pub node: NodeId,
    /// When the request's head had been read.
    pub started: UnixMillis,
    /// What is asked.
    pub operation: Operation,
    /// The caller's dialect.
    pub dialect: Cow<'static, str>,
    /// The model the caller named.
    pub model: Arc<str>,
    /// `provider/upstream-model` that is about to be called.
    pub target: Option<Arc<str>>,
    /// The most that it can cost.
    pub bound: Money,
    /// What is reserved from each budget of money: the bound.
    pub charges: Vec<Charge>,
    /// The price list the bound was reckoned by.
    pub price_version: Arc<str>,
    /// What is reserved from each budget of tokens, in tokens.
    pub token_charges: Vec<Charge>,
    /// Whose the credential is.
    pub owner: Option<ActorId>,
    /// The credential's tags, sorted.
    pub tags: Arc<[String]>,
    /// What the caller says of the call.
    pub labels: Labels,
    /// The session of an agent that the call is a part of.
    pub session: Option<Arc<str>>,
}

impl Intent {
    /// What the journal holds of the intent.
    pub fn to_bytes(&self) -> Vec<u8> {
        compact::write(Format::Intent, self, Vec::with_capacity(BYTES_USUAL))
    }

    /// The intent that [`Intent::to_bytes`] wrote, with nothing behind it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        // Earlier ones ended where a list begins now, or an owner or a session is said: it was empty, and nobody.
        let missing: &[u8] = match bytes.first() {
            Some(&first) if first == Format::IntentOfMoney as u8 => &[0; 5],
            Some(&first) if first == Format::IntentOfKey as u8 => &[0; 4],
            Some(&first) if first == Format::IntentOfLabels as u8 => &[0; 1],
            _ => &[],
        };
        if !missing.is_empty() {
            let now = [
                &[Format::Intent as u8],
                bytes.get(1..).unwrap_or_default(),
                missing,
            ]
            .concat();
            return Self::from_bytes(&now);
        }
        match compact::read(Format::Intent, bytes)? {
            (intent, []) => Ok(intent),
            (_, rest) => Err(EntryError::Malformed(format!("{} bytes behind it", rest.len()))),
        }
    }

    /// The entry of a call that nobody saw the end of: billed at the bound, for it may have cost that
    /// much. No status is known to have reached the caller, so it is 0.
    pub fn interrupted(self, finished: UnixMillis) -> Entry {
        Entry {
            id: self.id,
            tenant: self.tenant,
            team: self.team,
            project: self.project,
            key: self.key,
            node: self.node,
            started: self.started,
            finished,
            operation: self.operation,
            dialect: self.dialect,
            model: Some(self.model),
            target: self.target,
            outcome: Outcome::Interrupted,
            status: 0,
            attempts: 1,
            cached: false,
            usage: Usage::default(),
            usage_source: UsageSource::Bound,
            cost: self.bound,
            price_version: self.price_version,
            charges: self.charges,
            policies: Vec::new(),
            findings: Vec::new(),
            request_digest: None,
            response_digest: None,
            credential: None,
            signature_digest: None,
            token_charges: self.token_charges,
            owner: self.owner,
            tags: self.tags,
            labels: self.labels,
            session: self.session,
            exchange: None,
            adjusts: None,
            data_class: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::BudgetId;

    /// As the version before wrote it.
    const PINNED: &str = concat!(
        "011000000000000000000000000000000001100000000000000000000000000000000210000000000000000000000000",
        "000000030010000000000000000000000000000000051000000000000000000000000000000006c8010009616e746872",
        "6f7069630466617374010d6c6f63616c2f736d6f6c6c6d32880e0210000000000000000000000000000000070a880e10",
        "000000000000000000000000000000080a880e0c613162326333643465356636",
    );

    fn intent() -> Intent {
        let charge = |budget| Charge {
            budget: BudgetId::from_u128(budget),
            window_start: UnixMillis(5),
            amount: Money::from_nanos(900),
        };
        Intent {
            id: RequestId::from_u128(1),
            tenant: TenantId::from_u128(2),
            team: TeamId::from_u128(3),
            project: None,
            key: KeyId::from_u128(5),
            node: NodeId::from_u128(6),
            started: UnixMillis(100),
            operation: Operation::Chat,
            dialect: "anthropic".into(),
            model: "fast".into(),
            target: Some("local/smollm2".into()),
            bound: Money::from_nanos(900),
            charges: vec![charge(7), charge(8)],
            price_version: "a1b2c3d4e5f6".into(),
            token_charges: vec![],
            owner: None,
            tags: [].into(),
            labels: Labels::default(),
            session: None,
        }
    }

    #[test]
    fn intents_read_back_whole_and_with_nothing_behind() {
        let bytes = intent().to_bytes();
        assert_eq!(Intent::from_bytes(&bytes), Ok(intent()));
        for cut in 0..bytes.len() {
            assert!(Intent::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(
            Intent::from_bytes(&longer),
            Err(EntryError::Malformed(_))
        ));
        let long = vec![1; crate::ENTRY_BYTES_MAX + 1];
        assert!(matches!(Intent::from_bytes(&long), Err(EntryError::TooLong(_))));
    }

    #[test]
    fn an_intent_of_another_format_is_refused_by_name() {
        let json = br#"{"id":"req_00000000000000000000000000000001"}"#;
        assert_eq!(Intent::from_bytes(json), Err(EntryError::UnknownFormat(b'{')));
    }

    /// Journals on disks are read by the next version: a change here is a new `Format`.
    #[test]
    fn the_form_is_pinned() {
        let (money, tokens) = (&PINNED[2..], "0110000000000000000000000000000000090a9a01");
        let (owner, tags, labels) = (
            format!("0124{}", hex::encode("usr_00000000000000000000000000000001")),
            format!("0102{}", hex::encode("eu")),
            format!("0101{}01{}", hex::encode("a"), hex::encode("1")),
        );
        let full = Intent {
            owner: Some(ActorId::User(domain::UserId::from_u128(1))),
            tags: ["eu".to_owned()].into(),
            labels: Labels::parse("a=1").unwrap(),
            session: Some("s1".into()),
            ..with_tokens()
        };
        let before = hex::decode(format!("05{money}{tokens}{owner}{tags}{labels}")).unwrap();
        let pinned = format!("06{money}{tokens}{owner}{tags}{labels}0102{}", hex::encode("s1"));
        assert_eq!(hex::encode(full.to_bytes()), pinned);
        assert_eq!(Intent::from_bytes(&full.to_bytes()), Ok(full.clone()));
        assert_eq!(
            hex::encode(with_tokens().to_bytes()),
            format!("06{money}{tokens}00000000")
        );
        // The version before knew no sessions.
        let full = Intent {
            session: None,
            ..full
        };
        assert_eq!(Intent::from_bytes(&before), Ok(full));
        for cut in 0..before.len() {
            assert!(Intent::from_bytes(&before[..cut]).is_err(), "{cut}");
        }
        assert!(Intent::from_bytes(&[&before[..], &[0]].concat()).is_err());
    }

    fn with_tokens() -> Intent {
        Intent {
            token_charges: vec![Charge {
                budget: BudgetId::from_u128(9),
                window_start: UnixMillis(5),
                amount: Money::from_nanos(77),
            }],
            ..intent()
        }
    }

    /// A journal that the version before left behind is read by this one.
    #[test]
    fn agp_budget_3_2_an_intent_from_before_owners_is_read() {
        let tokens = "0110000000000000000000000000000000090a9a01";
        let before = hex::decode(format!("03{}{tokens}", &PINNED[2..])).unwrap();
        assert_eq!(Intent::from_bytes(&before), Ok(with_tokens()));
        for cut in 0..before.len() {
            assert!(Intent::from_bytes(&before[..cut]).is_err(), "{cut}");
        }
        assert!(Intent::from_bytes(&[&before[..], &[0]].concat()).is_err());
    }

    /// So is one of the version before that.
    #[test]
    fn agp_budget_3_2_an_intent_from_before_token_budgets_is_read() {
        let before = hex::decode(PINNED).unwrap();
        assert_eq!(Intent::from_bytes(&before), Ok(intent()));
        for cut in 0..before.len() {
            assert!(Intent::from_bytes(&before[..cut]).is_err(), "{cut}");
        }
        assert!(Intent::from_bytes(&[&before[..], &[0]].concat()).is_err());
    }

    #[test]
    fn an_entry_is_not_an_intent_nor_the_other_way_round() {
        let entry = intent().interrupted(UnixMillis(200));
        assert!(Intent::from_bytes(&entry.to_record()).is_err());
        assert!(Intent::from_bytes(&entry.to_bytes()).is_err());
        assert!(crate::Posting::read(&intent().to_bytes()).is_err());
        assert!(Entry::from_bytes(&intent().to_bytes()).is_err());
    }

    #[test]
    fn agp_budget_3_2_an_interrupted_call_is_billed_at_its_bound_to_every_budget() {
        let entry = intent().interrupted(UnixMillis(200));
        assert_eq!(
            (entry.cost, entry.charges.clone()),
            (intent().bound, intent().charges)
        );
        assert_eq!(
            (entry.id, entry.tenant, entry.key),
            (intent().id, intent().tenant, intent().key)
        );
        assert_eq!(
            (entry.outcome.clone(), entry.usage_source),
            (Outcome::Interrupted, UsageSource::Bound)
        );
        assert_eq!(
            (entry.started, entry.finished),
            (UnixMillis(100), UnixMillis(200))
        );
        assert_eq!(Entry::from_bytes(&entry.to_bytes()), Ok(entry));
    }
}
