//! What machines show beside keys: nonces that are spent once, bindings that stand for one key.

use credential::{Binding, KeyRecord};
use domain::UnixMillis;

use super::fixtures::{Engine, House, MIDNIGHT};
use crate::StoreError;

pub(super) async fn anp_0001_a_nonce_is_spent_once_by_however_many_at_once(store: Engine) {
    let house = House::build(&store).await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, scope) = (store.clone(), house.scope);
        racers.spawn(async move { store.spend_nonce(&scope, &[7; 32], MIDNIGHT).await });
    }
    let answers = racers.join_all().await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(true)).count(), 1);
    assert_eq!(
        store.spend_nonce(&house.scope, &[8; 32], MIDNIGHT).await,
        Ok(true)
    );
    // Tenants have nothing to do with each other's.
    let other = House::build(&store).await;
    assert_eq!(
        store.spend_nonce(&other.scope, &[7; 32], MIDNIGHT).await,
        Ok(true)
    );
}

pub(super) async fn nonces_are_forgotten_when_they_are_over_and_not_before(store: Engine) {
    let houses = [House::build(&store).await, House::build(&store).await];
    let later = UnixMillis(MIDNIGHT.0 + 1);
    for house in &houses {
        assert_eq!(
            store.spend_nonce(&house.scope, &[1; 32], MIDNIGHT).await,
            Ok(true)
        );
        assert_eq!(store.spend_nonce(&house.scope, &[2; 32], later).await, Ok(true));
    }
    assert_eq!(store.forget_nonces(MIDNIGHT).await, Ok(0));
    assert_eq!(store.forget_nonces(later).await, Ok(2));
    assert_eq!(store.forget_nonces(later).await, Ok(0));
    for house in &houses {
        assert_eq!(store.spend_nonce(&house.scope, &[1; 32], later).await, Ok(true));
        assert_eq!(store.spend_nonce(&house.scope, &[2; 32], later).await, Ok(false));
    }
}

pub(super) async fn agp_s1_a_binding_stands_for_one_key(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let binding = |text: &str| -> Binding { text.parse().unwrap() };
    let (one, two) = (binding("jwt:corp:ada"), binding("certificate:spiffe://a/b"));
    let with = |house: &House, bindings: &[&Binding]| KeyRecord {
        bindings: bindings.iter().map(|one| (*one).clone()).collect(),
        ..house.new_key()
    };
    let taken = |answer| matches!(answer, Err(StoreError::Conflict(_)));
    let first = with(&house, &[&one, &two]);
    store.create_key(&house.scope, &first).await.unwrap();
    for owner in [&house, &other] {
        let second = with(owner, &[&two]);
        assert!(taken(store.create_key(&owner.scope, &second).await));
    }
    let changed = KeyRecord {
        bindings: vec![two.clone()],
        ..other.key.clone()
    };
    assert!(taken(store.replace_key(&other.scope, &other.key, &changed).await));
    // Another tenant's issuer of that name is another issuer.
    assert!(taken(
        store.create_key(&house.scope, &with(&house, &[&one])).await
    ));
    store
        .create_key(&other.scope, &with(&other, &[&one]))
        .await
        .unwrap();
    assert!(taken(
        store
            .create_key(
                &house.scope,
                &with(&house, &[&binding("certificate:a"), &binding("certificate:a")])
            )
            .await
    ));
    // What a key gives up, and all that a revoked one had, others may have.
    let fewer = KeyRecord {
        bindings: vec![one.clone()],
        ..first.clone()
    };
    store.replace_key(&house.scope, &first, &fewer).await.unwrap();
    store
        .replace_key(&other.scope, &other.key, &changed)
        .await
        .unwrap();
    store
        .replace_key(&house.scope, &fewer, &fewer.revoke())
        .await
        .unwrap();
    store
        .create_key(&house.scope, &with(&house, &[&one]))
        .await
        .unwrap();
    let stored = store.keys(&other.scope).await.unwrap();
    assert!(stored.iter().any(|key| key.bindings == [two.clone()]));
}
