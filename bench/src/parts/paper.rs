//! Entries to measure with: like those of a governed chat call.

use domain::{BudgetId, KeyId, Money, NodeId, Operation, RequestId, TeamId, TenantId, UnixMillis, Usage};
use ledger::{Charge, Digest, Entry, Labels, Outcome, UsageSource};

/// Whose.
pub const TENANT: TenantId = TenantId::from_u128(1);
/// On the day that begins here, one call every 26 seconds.
const FROM: i64 = 1_795_305_600_000;

/// The entry of call `number`.
pub fn entry(number: u64) -> Entry {
    let finished = UnixMillis(FROM + i64::try_from(number).unwrap_or(0) * 26_000);
    let charge = |budget| Charge {
        budget: BudgetId::from_u128(budget),
        window_start: UnixMillis(0),
        amount: Money::from_nanos(1_234_500),
    };
    Entry {
        id: RequestId::from_u128(u128::from(number) + 1),
        tenant: TENANT,
        team: TeamId::from_u128(u128::from(number % 12)),
        project: None,
        key: KeyId::from_u128(u128::from(number % 200)),
        node: NodeId::from_u128(1),
        started: UnixMillis(finished.0 - 900),
        finished,
        operation: Operation::Chat,
        dialect: "openai".into(),
        model: Some(
            if number.is_multiple_of(3) {
                "gpt-4o"
            } else {
                "gpt-4o-mini"
            }
            .into(),
        ),
        target: Some("openai/gpt-4o-2024-08-06".into()),
        outcome: Outcome::Completed,
        status: 200,
        attempts: 1,
        cached: false,
        usage: Usage {
            input: 800 + number % 400,
            output: 120 + number % 90,
            ..Usage::default()
        },
        usage_source: UsageSource::Provider,
        cost: Money::from_nanos(1_234_500),
        price_version: "a1b2c3d4e5f6".into(),
        charges: vec![charge(10), charge(11), charge(12)],
        policies: vec!["tenant-keys-may-call".to_owned()],
        findings: Vec::new(),
        request_digest: Some(Digest([7; 32])),
        response_digest: Some(Digest([9; 32])),
        credential: None,
        signature_digest: None,
        token_charges: Vec::new(),
        owner: None,
        tags: [].into(),
        labels: Labels::default(),
    }
}
