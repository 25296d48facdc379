//! Usage reports.

use domain::{KeyId, NodeId, TeamId, UnixMillis, Usage};
use ledger::Outcome;

use super::fixtures::{Engine, House, MIDNIGHT, nanos};
use crate::{UsageGroup, UsageQuery, UsageRow};

const DAY_MS: i64 = 86_400_000;
const ALWAYS: (UnixMillis, UnixMillis) = (UnixMillis(0), UnixMillis(i64::MAX));

async fn usage(
    store: &Engine,
    house: &House,
    by: UsageGroup,
    (from, until): (UnixMillis, UnixMillis),
) -> Vec<UsageRow> {
    store
        .usage(&house.scope, &UsageQuery { from, until, by })
        .await
        .unwrap()
}

fn row(group: impl ToString, requests: u64, refused: u64, tokens: (u64, u64), cost: i64) -> UsageRow {
    let (prompt_tokens, output_tokens) = tokens;
    UsageRow {
        group: group.to_string(),
        requests,
        refused,
        prompt_tokens,
        output_tokens,
        cost: nanos(cost),
    }
}

pub(super) async fn usage_sums_by_every_group(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let (team, key) = (TeamId::generate(), KeyId::generate());
    let shipments = [
        house.shipment_of(node, |entry| entry.cost = nanos(7)),
        house.shipment_of(node, |entry| {
            entry.model = Some("large".into());
            entry.usage = Usage {
                input: 1,
                output: 2,
                cache_read: 10,
                cache_write: 100,
                reasoning: 1,
                ..Usage::default()
            };
            entry.cost = nanos(50);
            entry.finished = UnixMillis(MIDNIGHT.0 + DAY_MS);
        }),
        house.shipment_of(node, |entry| {
            (entry.team, entry.key, entry.model) = (team, key, None);
            entry.outcome = Outcome::Refused("model_not_found".into());
            entry.usage = Usage::default();
            entry.finished = UnixMillis(MIDNIGHT.0 - 1);
        }),
        house.shipment_of(node, |entry| {
            entry.outcome = Outcome::UpstreamFailed("upstream_timeout".into());
            entry.cost = nanos(3);
        }),
    ];
    store.append(&house.scope, node, &shipments).await.unwrap();
    let own = house.key.id;
    let by = async |group| usage(&store, &house, group, ALWAYS).await;
    let models = [
        row("large", 1, 0, (111, 2), 50),
        row("small", 2, 0, (20, 10), 10),
        row("-", 1, 1, (0, 0), 0),
    ];
    assert_eq!(by(UsageGroup::Model).await, models);
    assert_eq!(
        by(UsageGroup::Key).await,
        [row(own, 3, 0, (131, 12), 60), row(key, 1, 1, (0, 0), 0)]
    );
    assert_eq!(
        by(UsageGroup::Team).await,
        [
            row(house.team.id, 3, 0, (131, 12), 60),
            row(team, 1, 1, (0, 0), 0)
        ]
    );
    let days = [
        row("2026-11-23", 1, 0, (111, 2), 50),
        row("2026-11-22", 2, 0, (20, 10), 10),
        row("2026-11-21", 1, 1, (0, 0), 0),
    ];
    assert_eq!(by(UsageGroup::Day).await, days);
}

pub(super) async fn usage_counts_only_the_window_asked_for(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    assert_eq!(usage(&store, &house, UsageGroup::Day, ALWAYS).await, []);
    for offset in [-1, 0, 1, 2] {
        let shipment = house.shipment_of(node, |entry| entry.finished = UnixMillis(MIDNIGHT.0 + offset));
        store.append(&house.scope, node, &[shipment]).await.unwrap();
    }
    let window = (MIDNIGHT, UnixMillis(MIDNIGHT.0 + 2));
    let rows = usage(&store, &house, UsageGroup::Model, window).await;
    assert_eq!(
        rows,
        [row("small", 2, 0, (20, 10), 0)],
        "from is included, until is not"
    );
    assert_eq!(
        usage(&store, &house, UsageGroup::Model, (MIDNIGHT, MIDNIGHT)).await,
        []
    );
}

pub(super) async fn usage_of_enormous_counts_saturates(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let enormous = || {
        house.shipment_of(node, |entry| {
            entry.usage = Usage {
                input: u64::MAX,
                output: u64::MAX,
                ..Usage::default()
            };
            entry.cost = nanos(i64::MAX);
        })
    };
    store
        .append(&house.scope, node, &[enormous(), enormous(), enormous()])
        .await
        .unwrap();
    let rows = usage(&store, &house, UsageGroup::Model, ALWAYS).await;
    assert_eq!((rows[0].requests, rows[0].cost), (3, nanos(i64::MAX)));
    assert!(
        rows[0].prompt_tokens >= i64::MAX as u64 && rows[0].output_tokens >= i64::MAX as u64,
        "{rows:?}"
    );
}
