//! Two tenants: no method reaches from one into the other.

use domain::{NodeId, UnixMillis};

use super::fixtures::{EXPIRES, Engine, House, MIDNIGHT, WINDOW, nanos, wish};
use crate::usage::{Dimension, Grain, UsageQuery, UsageReport};
use crate::{StoreError, StoredCheckpoint};

// threat: ANP-0007
pub(super) async fn anp_0007_directory_calls_never_reach_another_tenant(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    assert_eq!(store.keys(&a.scope).await.unwrap(), std::slice::from_ref(&a.key));
    assert_eq!(store.keys(&b.scope).await.unwrap(), std::slice::from_ref(&b.key));
    let mut renamed = b.key.clone();
    renamed.name = "mine now".to_owned();
    assert_eq!(
        store.replace_key(&a.scope, &b.key, &renamed).await,
        Err(StoreError::NotFound)
    );
    let mut disguised = renamed.clone();
    disguised.tenant = a.tenant.id;
    disguised.team = a.team.id;
    assert_eq!(
        store.replace_key(&a.scope, &disguised, &disguised).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.keys(&b.scope).await.unwrap(), [b.key]);
}

// threat: ANP-0007
pub(super) async fn anp_0007_budget_calls_never_reach_another_tenant(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let node = NodeId::generate();
    let budget = b.budget(&store, 100).await;
    let lease = b.lease(&store, budget, node, 60).await;
    assert_eq!(store.budgets(&a.scope).await.unwrap(), []);
    assert_eq!(
        store.delete_budget(&a.scope, budget).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.grow_lease(&a.scope, &wish(budget, node, 1, 1)).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.shrink_lease(&a.scope, &lease, nanos(5)).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.standing(&a.scope, budget, WINDOW).await,
        Err(StoreError::NotFound)
    );
    let mut taken = a.new_budget(1);
    taken.id = budget;
    let put = store.put_budget(&a.scope, &taken).await;
    assert!(matches!(put, Err(StoreError::Conflict(_))), "{put:?}");
    assert_eq!(b.standing(&store, budget).await, (0, 60, 0));
    assert_eq!(store.budgets(&b.scope).await.unwrap()[0].limit, nanos(100));
    // One node may hold leases of both tenants: what it does for one leaves the other alone.
    let own = a.budget(&store, 100).await;
    a.lease(&store, own, node, 10).await;
    a.spend(&store, node, own, 10).await;
    assert_eq!(b.standing(&store, budget).await, (0, 60, 0));
}

// threat: AGP-E1
pub(super) async fn agp_e1_log_calls_never_reach_another_tenant(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let node = NodeId::generate();
    let shipment = b.shipment(node, &[], 42);
    store
        .append(&b.scope, node, std::slice::from_ref(&shipment))
        .await
        .unwrap();
    let checkpoint = StoredCheckpoint {
        size: 1,
        signed: MIDNIGHT,
        note: "b\n".to_owned(),
    };
    store.put_checkpoint(&b.scope, &checkpoint).await.unwrap();
    assert_eq!(store.size(&a.scope).await.unwrap(), 0);
    assert_eq!(
        store.entry(&a.scope, shipment.posting.request).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.entries(&a.scope, 0, 10).await.unwrap(), []);
    assert_eq!(store.leaf_hashes(&a.scope, 0, 1).await, Err(StoreError::NotFound));
    assert_eq!(store.checkpoint(&a.scope).await.unwrap(), None);
    let always = UsageQuery::over(UnixMillis(0), EXPIRES);
    let by = always.clone().by(Dimension::ALL);
    for query in [&always, &by, &by.clone().each(Grain::Day)] {
        assert_eq!(
            store.usage(&a.scope, query).await.unwrap(),
            UsageReport::default()
        );
    }
    let own = StoredCheckpoint {
        note: "a\n".to_owned(),
        ..checkpoint.clone()
    };
    store.put_checkpoint(&a.scope, &own).await.unwrap();
    assert_eq!(store.checkpoint(&b.scope).await.unwrap(), Some(checkpoint));
    store
        .append(&a.scope, node, &[a.shipment(node, &[], 1)])
        .await
        .unwrap();
    assert_eq!(
        store.entries(&a.scope, 0, 10).await.unwrap()[0].index,
        0,
        "each log begins at 0"
    );
    assert_eq!(store.size(&b.scope).await.unwrap(), 1);
}

// threat: AGP-E1
pub(super) async fn agp_e1_values_of_another_tenant_are_not_taken_in(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let node = NodeId::generate();
    let mut team = b.team.clone();
    team.id = domain::TeamId::generate();
    team.name = "planted".to_owned();
    assert_eq!(
        store.create_team(&a.scope, &team).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.create_key(&a.scope, &b.new_key()).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.put_budget(&a.scope, &b.new_budget(5)).await,
        Err(StoreError::NotFound)
    );
    let planted = [a.shipment(node, &[], 1), b.shipment(node, &[], 1)];
    assert_eq!(
        store.append(&a.scope, node, &planted).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.size(&a.scope).await.unwrap(),
        0,
        "all of the batch or nothing"
    );
    assert_eq!(store.size(&b.scope).await.unwrap(), 0);
    assert_eq!(store.load().await.unwrap().teams.len(), 2);
}

// threat: AGP-E1
pub(super) async fn agp_e1_charges_never_reach_another_tenants_budget(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let node = NodeId::generate();
    let budget = b.budget(&store, 100).await;
    b.lease(&store, budget, node, 60).await;
    assert_eq!(
        a.spend(&store, node, budget, 50).await,
        1,
        "the entry is kept, its charge is nobody's"
    );
    assert_eq!(b.standing(&store, budget).await, (0, 60, 0));
}
