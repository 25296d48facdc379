//! Tenants, teams, keys and budgets as people change them.

use credential::KeyState;
use domain::{KeyId, TeamId, TenantId, TenantScope, UnixMillis, UserId};
use ledger::{Budget, BudgetScope, Only, Pause, Terms, Unit, Window};

use super::fixtures::{Engine, House, nanos};
use crate::{Change, Record, RecordKind, StoreError};

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict(_)))
}

pub(super) async fn what_is_created_is_loaded(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let budget = a.new_budget(500);
    store.put_budget(&a.scope, &budget).await.unwrap();
    let dump = store.load().await.unwrap();
    assert_eq!(dump.revision, store.revision().await.unwrap());
    assert_eq!(dump.tenants.len(), 2);
    assert_eq!(dump.teams.len(), 2);
    assert_eq!(dump.keys.len(), 2);
    for house in [&a, &b] {
        assert!(dump.tenants.contains(&house.tenant));
        assert!(dump.teams.contains(&house.team));
        assert!(dump.keys.contains(&house.key));
    }
    assert_eq!(dump.budgets, [budget]);
}

pub(super) async fn the_first_master_key_is_kept(store: Engine) {
    let revision = store.revision().await.unwrap();
    let claims = (0..8).map(|node| {
        let store = store.clone();
        tokio::spawn(async move { store.claim_master_key(&format!("node {node}")).await.unwrap() })
    });
    let mut kept = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        kept.push(claim.await.unwrap());
    }
    kept.dedup();
    assert_eq!(kept.len(), 1, "all are told the same: {kept:?}");
    assert_eq!(store.claim_master_key("late").await.unwrap(), kept[0]);
    assert_eq!(store.revision().await.unwrap(), revision, "nobody need load anew");
}

pub(super) async fn the_revision_rises_with_every_change_and_only_then(store: Engine) {
    let house = House::plan();
    let mut last = store.revision().await.unwrap();
    let mut rose = async |what: &str| {
        let now = store.revision().await.unwrap();
        assert!(now > last, "{what} left the revision at {now}");
        last = now;
    };
    store.create_tenant(&house.tenant).await.unwrap();
    rose("create_tenant").await;
    store.create_team(&house.scope, &house.team).await.unwrap();
    rose("create_team").await;
    store.create_key(&house.scope, &house.key).await.unwrap();
    rose("create_key").await;
    let mut revoked = house.key.clone();
    revoked.state = KeyState::Revoked;
    store
        .replace_key(&house.scope, &house.key, &revoked)
        .await
        .unwrap();
    rose("replace_key").await;
    let budget = house.budget(&store, 5).await;
    rose("put_budget").await;
    store.delete_budget(&house.scope, budget).await.unwrap();
    rose("delete_budget").await;
    // Which policies are in force is a record that data planes hear of; which there are is none.
    let platform = TenantScope::operator(TenantId::PLATFORM);
    let standing = |kind, document: &str| Record {
        kind,
        id: "policies".to_owned(),
        parent: None,
        name: None,
        created: UnixMillis(0),
        document: document.to_owned(),
    };
    let (one, two) = (
        standing(RecordKind::PolicyStanding, "1"),
        standing(RecordKind::PolicyStanding, "2"),
    );
    for change in [
        Change::Create(one.clone()),
        Change::Replace {
            before: one,
            after: two.clone(),
        },
        Change::Remove(two),
    ] {
        store
            .commit(&platform, std::slice::from_ref(&change), None)
            .await
            .unwrap();
        rose("a change of policies").await;
    }
    let version = Change::Create(standing(RecordKind::PolicyVersion, "1"));
    store.commit(&platform, &[version], None).await.unwrap();
    assert!(is_conflict(&store.create_tenant(&house.tenant).await));
    assert!(is_conflict(&store.create_key(&house.scope, &house.key).await));
    store.keys(&house.scope).await.unwrap();
    assert_eq!(
        store.revision().await.unwrap(),
        last,
        "reads and refused writes change nothing"
    );
}

/// All tenants' at once, of the kinds that calls are answered by and of no other; every change is heard of, and a
/// version stays as it is.
pub(super) async fn agp_e1_documents_that_calls_are_answered_by_are_read_over_all_tenants(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let document = |kind, id: &str, text: &str| Record {
        kind,
        id: id.to_owned(),
        parent: None,
        name: None,
        created: UnixMillis(7),
        document: text.to_owned(),
    };
    let of = |house: &House, kind, text: &str| (house.tenant.id, document(kind, "document", text));
    for (kind, version) in [
        (RecordKind::TenantGuards, RecordKind::TenantGuardsVersion),
        (RecordKind::Consents, RecordKind::ConsentsVersion),
        (RecordKind::Sample, RecordKind::SampleVersion),
        (RecordKind::PromptInUse, RecordKind::PromptVersion),
    ] {
        assert_eq!(store.documents(kind).await, Ok(Vec::new()));
        let mut last = store.revision().await.unwrap();
        let mut rose = async |what: &str| {
            let now = store.revision().await.unwrap();
            assert!(now > last, "{what} left the revision at {now}");
            last = now;
        };
        for house in [&a, &b] {
            let changes = [
                Change::Create(document(version, "0000000001", "{}")),
                Change::Create(document(kind, "document", "{}")),
            ];
            store.commit(&house.scope, &changes, None).await.unwrap();
            rose("what is new").await;
        }
        let mut expected = vec![of(&a, kind, "{}"), of(&b, kind, "{}")];
        expected.sort_by_key(|(tenant, _)| tenant.to_string());
        assert_eq!(store.documents(kind).await, Ok(expected));
        let replaced = Change::Replace {
            before: document(kind, "document", "{}"),
            after: document(kind, "document", "[]"),
        };
        store.commit(&a.scope, &[replaced], None).await.unwrap();
        rose("what is replaced").await;
        let removed = Change::Remove(document(kind, "document", "{}"));
        store.commit(&b.scope, &[removed], None).await.unwrap();
        rose("what is removed").await;
        assert_eq!(store.documents(kind).await, Ok(vec![of(&a, kind, "[]")]));
        assert_eq!(store.documents(version).await, Ok(Vec::new()));
        let rewritten = Change::Replace {
            before: document(version, "0000000001", "{}"),
            after: document(version, "0000000001", "[]"),
        };
        assert!(is_conflict(&store.commit(&a.scope, &[rewritten], None).await));
    }
    for kind in [
        RecordKind::Session,
        RecordKind::User,
        RecordKind::PolicyStanding,
        RecordKind::Prompt,
    ] {
        assert_eq!(store.documents(kind).await, Ok(Vec::new()));
    }
}

pub(super) async fn taken_ids_and_names_conflict(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let mut tenant = a.tenant.clone();
    tenant.name = "another name".to_owned();
    assert!(is_conflict(&store.create_tenant(&tenant).await), "tenant id");
    tenant = a.tenant.clone();
    tenant.id = TenantId::generate();
    assert!(is_conflict(&store.create_tenant(&tenant).await), "tenant name");

    let mut team = a.team.clone();
    team.name = "another name".to_owned();
    assert!(is_conflict(&store.create_team(&a.scope, &team).await), "team id");
    team = a.team.clone();
    team.id = TeamId::generate();
    assert!(
        is_conflict(&store.create_team(&a.scope, &team).await),
        "team name"
    );
    assert_eq!(a.team.name, b.team.name, "two tenants may use the same team name");

    let mut key = a.new_key();
    key.id = a.key.id;
    assert!(is_conflict(&store.create_key(&a.scope, &key).await), "key id");
    key = a.new_key();
    key.digest = b.key.digest;
    assert!(
        is_conflict(&store.create_key(&a.scope, &key).await),
        "digest, also of another tenant"
    );
    assert_eq!(store.keys(&a.scope).await.unwrap(), [a.key]);
}

pub(super) async fn a_key_needs_a_team_of_its_tenant(store: Engine) {
    let (a, b) = (House::build(&store).await, House::build(&store).await);
    let mut key = a.new_key();
    key.team = b.team.id;
    assert_eq!(store.create_key(&a.scope, &key).await, Err(StoreError::NotFound));
    key.team = TeamId::generate();
    assert_eq!(store.create_key(&a.scope, &key).await, Err(StoreError::NotFound));
    let mut moved = a.key.clone();
    moved.team = b.team.id;
    assert_eq!(
        store.replace_key(&a.scope, &a.key, &moved).await,
        Err(StoreError::NotFound)
    );
    let nobody = House::plan();
    assert_eq!(
        store.create_team(&nobody.scope, &nobody.team).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.put_budget(&nobody.scope, &nobody.new_budget(1)).await,
        Err(StoreError::NotFound)
    );
}

pub(super) async fn replace_key_is_compare_and_swap(store: Engine) {
    let house = House::build(&store).await;
    let (mut first, mut second) = (house.key.clone(), house.key.clone());
    first.name = "first".to_owned();
    first.digest = [1; 32];
    first.predecessor = None;
    second.name = "second".to_owned();
    store.replace_key(&house.scope, &house.key, &first).await.unwrap();
    assert!(is_conflict(
        &store.replace_key(&house.scope, &house.key, &second).await
    ));
    assert_eq!(store.keys(&house.scope).await.unwrap(), [first.clone()]);
    store.replace_key(&house.scope, &first, &second).await.unwrap();
    assert_eq!(store.load().await.unwrap().keys, [second.clone()]);

    let other = house.new_key();
    store.create_key(&house.scope, &other).await.unwrap();
    let mut stolen = second.clone();
    stolen.digest = other.digest;
    assert!(
        is_conflict(&store.replace_key(&house.scope, &second, &stolen).await),
        "digest of another key"
    );
    let mut renamed = second.clone();
    renamed.id = KeyId::generate();
    assert_eq!(
        store.replace_key(&house.scope, &second, &renamed).await,
        Err(StoreError::NotFound)
    );
    let unknown = house.new_key();
    assert_eq!(
        store.replace_key(&house.scope, &unknown, &unknown).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        store.keys(&house.scope).await.unwrap(),
        [second, other],
        "oldest first"
    );
}

pub(super) async fn one_of_many_concurrent_replacements_wins(store: Engine) {
    let house = House::build(&store).await;
    let mut tasks = tokio::task::JoinSet::new();
    for attempt in 0..8 {
        let (store, house) = (store.clone(), house.clone());
        tasks.spawn(async move {
            let mut after = house.key.clone();
            after.name = format!("attempt {attempt}");
            store.replace_key(&house.scope, &house.key, &after).await
        });
    }
    let results = tasks.join_all().await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        1,
        "{results:?}"
    );
    assert_eq!(
        results.iter().filter(|result| is_conflict(result)).count(),
        7,
        "{results:?}"
    );
}

pub(super) async fn put_budget_replaces_limit_and_name_only(store: Engine) {
    let house = House::build(&store).await;
    let stored = house.new_budget(100);
    store.put_budget(&house.scope, &stored).await.unwrap();
    let mut changed = stored.clone();
    changed.limit = nanos(200);
    changed.name = "doubled".to_owned();
    changed.scope = BudgetScope::Tenant;
    changed.window = Window::Day;
    changed.terms.marks = vec![50];
    store.put_budget(&house.scope, &changed).await.unwrap();
    changed.scope = stored.scope;
    changed.window = stored.window;
    changed.terms = stored.terms.clone();
    assert_eq!(store.budgets(&house.scope).await.unwrap(), [changed.clone()]);
    assert_eq!(store.load().await.unwrap().budgets, [changed]);
    store.delete_budget(&house.scope, stored.id).await.unwrap();
    assert_eq!(
        store.delete_budget(&house.scope, stored.id).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.budgets(&house.scope).await.unwrap(), []);
}

pub(super) async fn a_budget_is_replaced_as_it_was_read_or_not_at_all(store: Engine) {
    let house = House::build(&store).await;
    let before = house.new_budget(100);
    store.put_budget(&house.scope, &before).await.unwrap();
    let raised = Budget {
        limit: nanos(200),
        ..before.clone()
    };
    let renamed = Budget {
        name: "renamed".to_owned(),
        ..before.clone()
    };
    let replace = |before: &Budget, after: &Budget| Change::ReplaceBudget {
        before: Box::new(before.clone()),
        after: Box::new(after.clone()),
    };
    let first = replace(&before, &raised);
    store.commit(&house.scope, &[first], None).await.unwrap();
    let second = store
        .commit(&house.scope, &[replace(&before, &renamed)], None)
        .await;
    assert!(is_conflict(&second), "{second:?}");
    let yearly = Budget {
        window: Window::Year,
        ..raised.clone()
    };
    let other_window = store
        .commit(&house.scope, &[replace(&raised, &yearly)], None)
        .await;
    assert_eq!(other_window, Err(StoreError::NotFound));
    let kept = store.budgets(&house.scope).await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&raised));
    store.delete_budget(&house.scope, before.id).await.unwrap();
    let gone = store
        .commit(&house.scope, &[replace(&raised, &renamed)], None)
        .await;
    assert_eq!(gone, Err(StoreError::NotFound));
}

pub(super) async fn terms_are_replaced_but_not_what_is_counted(store: Engine) {
    let house = House::build(&store).await;
    let with = |terms: Terms| Budget {
        terms,
        ..house.new_budget(100)
    };
    let mut before = with(Terms {
        only: Only {
            model: Some("small \u{1F600} 'quoted'".to_owned()),
            ..Only::default()
        },
        unit: Unit::Tokens,
        marks: vec![50, 80],
        ..Terms::default()
    });
    before.scope = BudgetScope::User(UserId::from_u128(9));
    store.put_budget(&house.scope, &before).await.unwrap();
    assert_eq!(store.budgets(&house.scope).await.unwrap(), [before.clone()]);
    let mut paused = before.clone();
    paused.terms.paused = Some(Pause {
        since: UnixMillis(5),
        why: "it runs away".to_owned(),
    });
    let replace = |before: &Budget, after: &Budget| Change::ReplaceBudget {
        before: Box::new(before.clone()),
        after: Box::new(after.clone()),
    };
    let revision = store.revision().await.unwrap();
    let pause = replace(&before, &paused);
    store
        .commit(&house.scope, std::slice::from_ref(&pause), None)
        .await
        .unwrap();
    assert_eq!(store.load().await.unwrap().budgets, [paused.clone()]);
    assert!(
        store.revision().await.unwrap() > revision,
        "every replica hears of it"
    );
    let again = store.commit(&house.scope, &[pause], None).await;
    assert!(is_conflict(&again), "{again:?}");
    let mut other = paused.clone();
    other.terms.only.model = None;
    let mut money = paused.clone();
    money.terms.unit = Unit::Money;
    for changed in [other, money] {
        let refused = store
            .commit(&house.scope, &[replace(&paused, &changed)], None)
            .await;
        assert_eq!(refused, Err(StoreError::NotFound));
    }
}

pub(super) async fn many_replicas_may_put_the_same_budget_at_once(store: Engine) {
    let house = House::build(&store).await;
    let budget = house.new_budget(100);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, scope, budget) = (store.clone(), house.scope, budget.clone());
        tasks.spawn(async move { store.put_budget(&scope, &budget).await });
    }
    for result in tasks.join_all().await {
        result.unwrap();
    }
    assert_eq!(store.budgets(&house.scope).await.unwrap(), [budget]);
    assert_eq!(
        store
            .budgets(&TenantScope::operator(TenantId::generate()))
            .await
            .unwrap(),
        []
    );
}
