//! Calls that were made and paid for on days long past or just over, put into a ledger, and that ledger signed.

use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use finops::Day;
use ledger::Entry;
use ledger::bundle::origin_of;
use ledger::merkle::root_of;
use ledger::note::Checkpoint;
use serde_json::json;
use store::{Shipment, Store, StoredCheckpoint};

use crate::scene::{House, signer};

/// A call of the house's key, or of another key in another team, at noon of a day.
pub fn call(house: &House, day: Day, nanos: i64, other: Option<(&str, &str)>) -> Entry {
    let at = day.start().0 + 12 * 3_600_000;
    let (team, key) = other.unwrap_or((&house.team, &house.key));
    serde_json::from_value(json!({
        "id": RequestId::generate(), "tenant": house.tenant, "team": team, "key": key,
        "node": NodeId::from_u128(1), "started": at, "finished": at, "operation": "chat", "dialect": "openai",
        "model": "small", "target": "local/small", "outcome": "completed", "status": 200, "attempts": 1,
        "usage": {"input": 100, "output": 20}, "usage_source": "provider", "cost": nanos, "price_version": "1",
        "charges": [],
    }))
    .unwrap()
}

pub fn scope(house: &House) -> TenantScope {
    TenantScope::operator(house.tenant.parse().unwrap())
}

pub async fn ship(store: &dyn Store, house: &House, calls: &[Entry]) {
    let shipments: Vec<Shipment> = calls.iter().map(Shipment::from).collect();
    let new = store
        .append(&scope(house), NodeId::from_u128(1), &shipments)
        .await
        .unwrap();
    assert_eq!(new, calls.len() as u64);
}

/// Signs the ledger as it stands.
pub async fn sign(store: &dyn Store, house: &House) {
    let scope = scope(house);
    let size = store.size(&scope).await.unwrap();
    let head = Checkpoint {
        origin: origin_of("log", scope.tenant()),
        size,
        root: root_of(&store.leaf_hashes(&scope, 0, size).await.unwrap()),
    };
    let checkpoint = StoredCheckpoint {
        size,
        signed: UnixMillis::now(),
        note: signer().sign(&head).unwrap(),
    };
    store.put_checkpoint(&scope, &checkpoint).await.unwrap();
}
