//! Entries to measure with: like those of a governed chat call.

use domain::{BudgetId, KeyId, Money, NodeId, RequestId, TeamId, TenantId, UnixMillis, Usage};
use ledger::{Charge, Digest, Entry};

/// Whose.
pub const TENANT: TenantId = TenantId::from_u128(1);
/// On the day that begins here, one call every 26 seconds.
const FROM: i64 = 1_795_305_600_000;

/// How many milliseconds apart so many calls are: many are those of a quarter of a year.
pub fn apart(count: u64) -> i64 {
    let quarter_ms = 90 * 86_400_000;
    i64::try_from(quarter_ms / count.max(1))
        .unwrap_or(1)
        .clamp(1, 26_000)
}

/// The entry of call `number`.
pub fn entry(number: u64) -> Entry {
    entry_at(number, 26_000)
}

/// The entry of call `number`, where calls are so far apart.
pub fn entry_at(number: u64, every_ms: i64) -> Entry {
    let finished = UnixMillis(FROM + i64::try_from(number).unwrap_or(0) * every_ms);
    let charge = |budget| Charge {
        budget: BudgetId::from_u128(budget),
        window_start: UnixMillis(0),
        amount: Money::from_nanos(1_234_500),
    };
    Entry {
        team: TeamId::from_u128(u128::from(number % 12)),
        key: KeyId::from_u128(u128::from(number % 200)),
        node: NodeId::from_u128(1),
        started: UnixMillis(finished.0 - 900),
        finished,
        model: Some(
            if number.is_multiple_of(3) {
                "gpt-4o"
            } else {
                "gpt-4o-mini"
            }
            .into(),
        ),
        target: Some("openai/gpt-4o-2024-08-06".into()),
        usage: Usage {
            input: 800 + number % 400,
            output: 120 + number % 90,
            ..Usage::default()
        },
        cost: Money::from_nanos(1_234_500),
        price_version: "a1b2c3d4e5f6".into(),
        charges: vec![charge(10), charge(11), charge(12)],
        policies: vec!["tenant-keys-may-call".to_owned()],
        request_digest: Some(Digest([7; 32])),
        response_digest: Some(Digest([9; 32])),
        ..Entry::sample(RequestId::from_u128(u128::from(number) + 1), TENANT)
    }
}
