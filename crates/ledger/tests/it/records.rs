//! What the journal and the store are given of an entry, for any entry: nothing is lost on the way, nothing is
//! taken for what it is not.

use std::sync::Arc;

use domain::{
    ActorId, BudgetId, DataClass, KeyId, Money, NodeId, Operation, ProjectId, RequestId, ServiceId, TeamId,
    TenantId, Tier, UnixMillis, Usage, UserId,
};
use ledger::{Charge, Digest, Entry, EntryError, Intent, Labels, Outcome, Posting, UsageSource};
use proptest::prelude::*;

/// Text with everything JSON escapes, or does not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9/_.-]{0,24}", any::<String>(), "[\\x00-\\x7f]{0,12}"]
}

fn shared() -> impl Strategy<Value = Arc<str>> {
    text().prop_map(Arc::from)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Completed),
        Just(Outcome::ClientGone),
        Just(Outcome::Interrupted),
        text().prop_map(|code| Outcome::Refused(code.into())),
        text().prop_map(|code| Outcome::UpstreamFailed(code.into())),
        text().prop_map(|how| Outcome::Reported(how.into())),
    ]
}

fn charge() -> impl Strategy<Value = Charge> {
    any::<(u128, i64, i64)>().prop_map(|(budget, window_start, amount)| Charge {
        budget: BudgetId::from_u128(budget),
        window_start: UnixMillis(window_start),
        amount: Money::from_nanos(amount),
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let few = || prop_oneof![Just(0), any::<u64>()];
    let tier = prop::sample::select(vec![Tier::Standard, Tier::Flex, Tier::Priority, Tier::Batch]);
    let units = (
        proptest::option::of(any::<u64>()),
        proptest::option::of(any::<u64>()),
    );
    let rest = (few(), few(), few(), few(), tier, units);
    (any::<u64>(), any::<u64>(), few(), few(), rest).prop_map(
        |(
            input,
            output,
            cache_read,
            cache_write,
            (reasoning, cache_write_long, audio_input, audio_output, tier, (input_ms, output_images)),
        )| {
            Usage {
                input,
                output,
                cache_read,
                cache_write,
                reasoning,
                cache_write_long,
                audio_input,
                audio_output,
                tier,
                units: domain::Units {
                    input_ms,
                    output_images,
                    ..domain::Units::UNKNOWN
                },
            }
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(vec![
        Operation::Chat,
        Operation::TextCompletion,
        Operation::Embeddings,
        Operation::CountTokens,
        Operation::ListModels,
    ])
}

fn source() -> impl Strategy<Value = UsageSource> {
    prop::sample::select(vec![
        UsageSource::Provider,
        UsageSource::Estimated,
        UsageSource::Bound,
        UsageSource::None,
        UsageSource::Reported,
    ])
}

fn digest() -> impl Strategy<Value = Option<Digest>> {
    prop::option::of(any::<[u8; 32]>().prop_map(Digest))
}

fn owner() -> impl Strategy<Value = ActorId> {
    any::<(bool, u128)>().prop_map(|(person, id)| {
        if person {
            ActorId::User(UserId::from_u128(id))
        } else {
            ActorId::Service(ServiceId::from_u128(id))
        }
    })
}

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map("[a-z0-9_.-]{1,32}", "[ -+--~]{1,64}", 0..=8).prop_map(|pairs| {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Labels::new(pairs.collect()).unwrap()
    })
}

prop_compose! {
    fn entries()(
        ids in any::<(u128, u128, u128, Option<u128>, u128, u128)>(),
        numbers in any::<(i64, i64, u16, u16, bool, i64)>(),
        kinds in (operation(), outcome(), source(), usage()),
        texts in (text(), prop::option::of(shared()), prop::option::of(shared()), shared()),
        charges in (prop::collection::vec(charge(), 0..4), prop::collection::vec(charge(), 0..3)),
        lists in (prop::collection::vec(text(), 0..3), prop::collection::vec(text(), 0..3)),
        digests in (digest(), digest()),
        shown in (prop::option::of(text()), digest()),
        said in (prop::option::of(owner()), prop::collection::vec(text(), 0..3), labels()),
        later in (prop::option::of(shared()), digest(), prop::option::of(any::<u128>())),
    ) -> Entry {
        Entry {
            id: RequestId::from_u128(ids.0),
            tenant: TenantId::from_u128(ids.1),
            team: TeamId::from_u128(ids.2),
            project: ids.3.map(ProjectId::from_u128),
            key: KeyId::from_u128(ids.4),
            node: NodeId::from_u128(ids.5),
            started: UnixMillis(numbers.0),
            finished: UnixMillis(numbers.1),
            operation: kinds.0,
            dialect: texts.0.into(),
            model: texts.1,
            target: texts.2,
            outcome: kinds.1,
            status: numbers.2,
            attempts: numbers.3,
            cached: numbers.4,
            usage: kinds.3,
            usage_source: kinds.2,
            cost: Money::from_nanos(numbers.5),
            price_version: texts.3,
            charges: charges.0,
            policies: lists.0,
            findings: lists.1,
            request_digest: digests.0,
            response_digest: digests.1,
            credential: shown.0.map(Into::into),
            signature_digest: shown.1,
            token_charges: charges.1,
            owner: said.0,
            tags: said.1.into(),
            labels: said.2,
            session: later.0,
            exchange: later.1,
            adjusts: later.2.map(RequestId::from_u128),
            data_class: later.2.map(|number| DataClass::ALL[usize::from(number % 2 == 0)]),
        }
    }
}

fn intent_of(entry: &Entry) -> Intent {
    Intent {
        id: entry.id,
        tenant: entry.tenant,
        team: entry.team,
        project: entry.project,
        key: entry.key,
        node: entry.node,
        started: entry.started,
        operation: entry.operation,
        dialect: entry.dialect.clone(),
        model: entry.model.clone().unwrap_or_default(),
        target: entry.target.clone(),
        bound: entry.cost,
        charges: entry.charges.clone(),
        price_version: entry.price_version.clone(),
        token_charges: entry.token_charges.clone(),
        owner: entry.owner,
        tags: entry.tags.clone(),
        labels: entry.labels.clone(),
        session: entry.session.clone(),
    }
}

proptest! {
    /// The canonical form is written by hand; serde_json, which reads it, must write the same.
    #[test]
    fn agp_r2_canonical_bytes_are_what_serde_json_writes(entry in entries()) {
        let bytes = entry.to_bytes();
        prop_assert_eq!(std::str::from_utf8(&bytes), Ok(&*serde_json::to_string(&entry).unwrap()));
        prop_assert_eq!(Entry::from_bytes(&bytes), Ok(entry));
    }

    #[test]
    fn agp_r1_a_record_holds_the_entrys_bytes_and_the_posting_they_give(entry in entries()) {
        let record = entry.to_record();
        let (posting, bytes) = Posting::read(&record).unwrap();
        prop_assert_eq!(bytes, entry.to_bytes());
        prop_assert_eq!(posting, Posting::of(&Entry::from_bytes(bytes).unwrap()));
    }

    #[test]
    fn agp_budget_3_2_intents_read_back(entry in entries()) {
        let intent = intent_of(&entry);
        prop_assert_eq!(Intent::from_bytes(&intent.to_bytes()), Ok(intent));
    }

    #[test]
    fn a_record_cut_within_its_posting_is_refused(entry in entries(), at: prop::sample::Index) {
        let record = entry.to_record();
        let posting_bytes = record.len() - entry.to_bytes().len();
        prop_assert!(Posting::read(&record[..at.index(posting_bytes)]).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(format in 0..6u8, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let record = [&[format][..], &bytes].concat();
        let _ = Posting::read(&record);
        let _ = Intent::from_bytes(&record);
    }

    /// A posting before another entry's bytes: another request's, or another tenant's.
    #[test]
    fn anp_0006_a_posting_that_names_another_entry_is_refused(
        entry in entries(), request: u128, tenant: u128, change_tenant: bool,
    ) {
        let other = if change_tenant {
            Entry { tenant: TenantId::from_u128(tenant), ..entry.clone() }
        } else {
            Entry { id: RequestId::from_u128(request), ..entry.clone() }
        };
        prop_assume!((other.id, other.tenant) != (entry.id, entry.tenant));
        let mut mixed = entry.to_record();
        mixed.truncate(mixed.len() - entry.to_bytes().len());
        mixed.extend(other.to_bytes());
        prop_assert!(matches!(Posting::read(&mixed), Err(EntryError::Malformed(_))));
    }
}

#[test]
fn records_of_another_format_are_refused_by_name() {
    let entry = crate::forge::entry(crate::forge::TENANT, 1);
    assert_eq!(
        Posting::read(&entry.to_bytes()),
        Err(EntryError::UnknownFormat(b'{'))
    );
    assert!(matches!(Posting::read(&[]), Err(EntryError::Malformed(_))));
    let long = vec![2; ledger::ENTRY_BYTES_MAX + 1];
    assert!(matches!(Posting::read(&long), Err(EntryError::TooLong(_))));
}

/// As the version before wrote it.
const POSTING_BEFORE: &str = concat!(
    "0210000000000000000000000000000003e91000000000000000000000000000000002a21f10000000000000000000000000",
    "00000005100000000000000000000000000000000301066770742d346f0310757073747265616d5f74696d656f75740a14d0",
    "bb1b0110000000000000000000000000000000070a880e",
);

const POSTING: &str = concat!(
    "0410000000000000000000000000000003e91000000000000000000000000000000002a21f10000000000000000000000000",
    "0000000510000000000000000000000000000000030001247376635f30303030303030303030303030303030303030303030",
    "30303030303030303038010765752d6f6e6c7901076f7574636f6d65087265736f6c7665640001066770742d346f010d6f70",
    "656e61692f6770742d346f0310757073747265616d5f74696d656f7574000a14000000000000d0bb1b0c6131623263336434",
    "653566360110000000000000000000000000000000070a880e",
);

fn pinned() -> Entry {
    Entry {
        charges: vec![Charge {
            budget: BudgetId::from_u128(7),
            window_start: UnixMillis(5),
            amount: Money::from_nanos(900),
        }],
        outcome: Outcome::UpstreamFailed("upstream_timeout".into()),
        ..crate::forge::entry(crate::forge::TENANT, 1)
    }
}

/// Journals on disks are read by the next version: a change here is a new format byte.
#[test]
fn the_postings_form_is_pinned() {
    let entry = Entry {
        owner: Some(ActorId::Service(ServiceId::from_u128(8))),
        tags: ["eu-only".to_owned()].into(),
        labels: Labels::parse("outcome=resolved").unwrap(),
        ..pinned()
    };
    let record = entry.to_record();
    let posting = &record[..record.len() - entry.to_bytes().len()];
    assert_eq!(hex::encode(posting), POSTING);
}

/// A journal that the version before left behind is read by this one: what its posting lacks is in the entry.
#[test]
fn agp_r1_a_posting_of_the_version_before_is_read() {
    let entry = pinned();
    let record = [hex::decode(POSTING_BEFORE).unwrap(), entry.to_bytes()].concat();
    let (posting, bytes) = Posting::read(&record).unwrap();
    assert_eq!((posting, bytes), (Posting::of(&entry), &*entry.to_bytes()));
    let another = Entry {
        id: RequestId::from_u128(77),
        ..entry
    };
    let mixed = [hex::decode(POSTING_BEFORE).unwrap(), another.to_bytes()].concat();
    assert!(matches!(Posting::read(&mixed), Err(EntryError::Malformed(_))));
}
