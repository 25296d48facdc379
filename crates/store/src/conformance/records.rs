//! Documents: unique, swapped only as they were read, paged, swept.

use domain::{TenantScope, UnixMillis};

use super::acts::{all, audit, record, user};
use super::fixtures::{Engine, House, MIDNIGHT};
use crate::{Change, Place, Record, RecordKind, RecordQuery, Sort, SortedQuery, StoreError};

pub(super) async fn records_come_back_as_they_were(store: Engine) {
    let house = House::build(&store).await;
    let mut odd = user("usr_1", "ann \u{1F600} 'quoted'");
    odd.parent = Some("team_1".to_owned());
    odd.document = "{\"text\":\"ü\\u0000\"}".to_owned();
    store
        .commit(&house.scope, &[Change::Create(odd.clone())], None)
        .await
        .unwrap();
    let by_id = store.record(&house.scope, RecordKind::User, "usr_1").await;
    assert_eq!(by_id, Ok(odd.clone()));
    let by_name = store
        .record_named(&house.scope, RecordKind::User, "ann \u{1F600} 'quoted'")
        .await;
    assert_eq!(by_name, Ok(odd));
    for missing in [
        store.record(&house.scope, RecordKind::Login, "usr_1").await,
        store.record(&house.scope, RecordKind::User, "usr_2").await,
        store.record_named(&house.scope, RecordKind::User, "Ann").await,
    ] {
        assert_eq!(missing, Err(StoreError::NotFound));
    }
}

pub(super) async fn ids_and_names_of_records_are_unique_within_kind_and_tenant(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let first = user("usr_1", "ann");
    store
        .commit(&house.scope, &[Change::Create(first.clone())], None)
        .await
        .unwrap();
    for taken in [user("usr_1", "bob"), user("usr_2", "ann")] {
        let refused = store.commit(&house.scope, &[Change::Create(taken)], None).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    // Another kind, another tenant, and no name at all are no clash. None of it concerns a data plane.
    let revision = store.revision().await.unwrap();
    let login = record(RecordKind::Login, "usr_1", None);
    let nameless = record(RecordKind::Login, "usr_2", None);
    let changes = [Change::Create(login), Change::Create(nameless)];
    let entry = audit(house.tenant.id, 0, "users.create");
    store.commit(&house.scope, &changes, Some(&entry)).await.unwrap();
    store
        .commit(&other.scope, &[Change::Create(first)], None)
        .await
        .unwrap();
    assert_eq!(store.revision().await.unwrap(), revision);
}

pub(super) async fn a_record_is_replaced_and_removed_only_as_it_was_read(store: Engine) {
    let house = House::build(&store).await;
    let (ann, bob) = (user("usr_1", "ann"), user("usr_2", "bob"));
    let changes = [Change::Create(ann.clone()), Change::Create(bob)];
    store.commit(&house.scope, &changes, None).await.unwrap();
    let mut changed = ann.clone();
    changed.document = "{}".to_owned();
    changed.name = Some("anna".to_owned());
    let replace = |before: &Record, after: &Record| Change::Replace {
        before: before.clone(),
        after: after.clone(),
    };
    store
        .commit(&house.scope, &[replace(&ann, &changed)], None)
        .await
        .unwrap();
    let mut clash = changed.clone();
    clash.name = Some("bob".to_owned());
    for stale in [
        replace(&ann, &changed),
        Change::Remove(ann.clone()),
        replace(&changed, &clash),
    ] {
        let refused = store.commit(&house.scope, &[stale], None).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    store
        .commit(&house.scope, &[Change::Remove(changed.clone())], None)
        .await
        .unwrap();
    for gone in [replace(&changed, &ann), Change::Remove(changed)] {
        let refused = store.commit(&house.scope, &[gone], None).await;
        assert_eq!(refused, Err(StoreError::NotFound));
    }
}

pub(super) async fn pages_of_records_are_in_order_and_complete(store: Engine) {
    let house = House::build(&store).await;
    let mut changes = Vec::new();
    for number in 0..7 {
        let mut made = record(RecordKind::Project, &format!("prj_{number}"), None);
        made.parent = Some(if number % 2 == 0 { "even" } else { "odd" }.to_owned());
        changes.push(Change::Create(made));
    }
    changes.reverse();
    store.commit(&house.scope, &changes, None).await.unwrap();
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = RecordQuery {
            after: after.as_deref(),
            count: 3,
            ..all(RecordKind::Project)
        };
        let page = store.records(&house.scope, &query).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|record| record.id));
    }
    let expected: Vec<String> = (0..7).map(|number| format!("prj_{number}")).collect();
    assert_eq!(seen, expected);
    let query = RecordQuery {
        parent: Some("odd"),
        ..all(RecordKind::Project)
    };
    assert_eq!(store.records(&house.scope, &query).await.unwrap().len(), 3);
}

/// Bytes, whatever language the database speaks: a page that ends elsewhere than the next begins loses records.
pub(super) async fn ids_are_in_the_order_of_their_bytes(store: Engine) {
    let house = House::build(&store).await;
    let sorted = ["B", "_", "a", "a-b", "aa", "b", "\u{e9}"];
    let changes: Vec<Change> = sorted
        .iter()
        .rev()
        .map(|id| Change::Create(record(RecordKind::Project, id, None)))
        .collect();
    store.commit(&house.scope, &changes, None).await.unwrap();
    for (index, id) in sorted.iter().enumerate() {
        let query = RecordQuery {
            after: Some(id),
            ..all(RecordKind::Project)
        };
        let rest = store.records(&house.scope, &query).await.unwrap();
        let rest: Vec<&str> = rest.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(rest, sorted[index + 1..], "after `{id}`");
    }
}

/// What a caller may look for and not every database can hold is not there; it is no fault of the store's.
pub(super) async fn what_cannot_be_stored_is_not_found(store: Engine) {
    let house = House::build(&store).await;
    let nonsense = "a\u{0}b";
    for found in [
        store.record(&house.scope, RecordKind::User, nonsense).await,
        store.record_named(&house.scope, RecordKind::User, nonsense).await,
        store.session(nonsense).await.map(|(_, record)| record),
    ] {
        assert_eq!(found, Err(StoreError::NotFound));
    }
}

pub(super) async fn ctx_t3_a_session_is_found_by_its_digest_alone(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let session = record(RecordKind::Session, "ses_1", Some("d1"));
    store
        .commit(&house.scope, &[Change::Create(session.clone())], None)
        .await
        .unwrap();
    let elsewhere = record(RecordKind::Session, "ses_2", Some("d2"));
    store
        .commit(&other.scope, &[Change::Create(elsewhere)], None)
        .await
        .unwrap();
    // A record of another kind with a name like a digest is no session.
    store
        .commit(&other.scope, &[Change::Create(user("usr_1", "d3"))], None)
        .await
        .unwrap();
    // Nobody may put one of another tenant's digests in front of it.
    let planted = record(RecordKind::Session, "ses_9", Some("d1"));
    let refused = store.commit(&other.scope, &[Change::Create(planted)], None).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.session("d1").await, Ok((house.tenant.id, session)));
    assert_eq!(store.session("d2").await.unwrap().0, other.tenant.id);
    for nothing in ["d3", "d", "", "D1"] {
        assert_eq!(
            store.session(nothing).await,
            Err(StoreError::NotFound),
            "{nothing}"
        );
    }
}

pub(super) async fn ctx_t3_a_service_token_is_found_by_its_digest_and_is_no_session(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let token = record(RecordKind::ServiceToken, "tok_1", Some("d1"));
    store
        .commit(&house.scope, &[Change::Create(token.clone())], None)
        .await
        .unwrap();
    let planted = record(RecordKind::ServiceToken, "tok_9", Some("d1"));
    let refused = store.commit(&other.scope, &[Change::Create(planted)], None).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    // The same text as a session elsewhere is another thing.
    let session = record(RecordKind::Session, "ses_1", Some("d1"));
    store
        .commit(&other.scope, &[Change::Create(session)], None)
        .await
        .unwrap();
    let found = store.bearer(RecordKind::ServiceToken, "d1").await;
    assert_eq!(found, Ok((house.tenant.id, token)));
    assert_eq!(store.session("d1").await.unwrap().0, other.tenant.id);
    let mail = user("usr_1", "d2");
    store
        .commit(&house.scope, &[Change::Create(mail)], None)
        .await
        .unwrap();
    for (kind, digest) in [(RecordKind::ServiceToken, "d2"), (RecordKind::User, "d2")] {
        assert_eq!(store.bearer(kind, digest).await, Err(StoreError::NotFound));
    }
}

pub(super) async fn sweeping_removes_old_records_of_one_kind(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let aged = |kind, id: &str, minute: i64| Record {
        created: UnixMillis(MIDNIGHT.0 + minute * 60_000),
        ..record(kind, id, None)
    };
    for scope in [&house.scope, &other.scope] {
        let changes = [
            Change::Create(aged(RecordKind::Replay, "r1", 1)),
            Change::Create(aged(RecordKind::Replay, "r2", 2)),
            Change::Create(aged(RecordKind::User, "u1", 1)),
        ];
        store.commit(scope, &changes, None).await.unwrap();
    }
    let until = UnixMillis(MIDNIGHT.0 + 120_000);
    assert_eq!(store.sweep(RecordKind::Replay, until).await, Ok(2));
    assert_eq!(store.sweep(RecordKind::Replay, until).await, Ok(0));
    assert_eq!(store.sweep(RecordKind::Session, until).await, Ok(0));
    for lasting in [RecordKind::User, RecordKind::Login, RecordKind::Grant] {
        let refused = store.sweep(lasting, UnixMillis(i64::MAX)).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    for scope in [&house.scope, &other.scope] {
        let left = store.records(scope, &all(RecordKind::Replay)).await.unwrap();
        assert_eq!(left.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["r2"]);
        assert_eq!(
            store.records(scope, &all(RecordKind::User)).await.unwrap().len(),
            1
        );
    }
}

/// In every order, forwards and backwards, of all and of one parent's: pages one after another are the whole.
pub(super) async fn pages_in_every_order_are_the_whole_sorted(store: Engine) {
    let house = House::build(&store).await;
    // Many of one moment, names in another order than ids, bytes that languages sort otherwise.
    let names = [
        "b",
        "B",
        "a",
        "\u{e9}",
        "z",
        "aa",
        "_",
        "\u{1f600}",
        "Z",
        "0",
        "a b",
        "y",
    ];
    let mut made = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let mut one = record(
            RecordKind::Project,
            &format!("prj_{}", (number * 7) % 12),
            Some(name),
        );
        one.created = UnixMillis(MIDNIGHT.0 + i64::try_from(number % 4).unwrap());
        one.parent = Some(if number % 3 == 0 { "odd" } else { "even" }.to_owned());
        made.push(one);
    }
    let changes: Vec<Change> = made.iter().cloned().map(Change::Create).collect();
    store.commit(&house.scope, &changes, None).await.unwrap();
    let other = House::build(&store).await;
    store
        .commit(&other.scope, &[Change::Create(user("usr_9", "elsewhere"))], None)
        .await
        .unwrap();
    for (sort, descending, parent, count) in [
        (Sort::Created, false, None, 1),
        (Sort::Created, true, None, 5),
        (Sort::Created, true, Some("even"), 2),
        (Sort::Name, false, None, 5),
        (Sort::Name, true, None, 1),
        (Sort::Name, false, Some("odd"), 3),
        (Sort::Name, true, None, 100),
    ] {
        let query = SortedQuery {
            kind: RecordKind::Project,
            parent,
            sort,
            descending,
            after: None,
            count,
        };
        let mut expected: Vec<&Record> = made.iter().collect();
        expected.retain(|one| parent.is_none() || one.parent.as_deref() == parent);
        expected.sort_by(|a, b| match sort {
            Sort::Created => (a.created, &a.id).cmp(&(b.created, &b.id)),
            Sort::Name => a.name.cmp(&b.name),
        });
        if descending {
            expected.reverse();
        }
        let found = pages(&store, &house.scope, &query, &[]).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
        let elsewhere = store.records_sorted(&other.scope, &query).await.unwrap();
        assert_eq!(elsewhere, [], "of another tenant");
    }
}

/// What was there all the time is on one page exactly; what came behind the cursor is too, what came before it is not.
pub(super) async fn what_comes_and_goes_between_pages_doubles_and_hides_nothing_else(store: Engine) {
    for (sort, descending) in [
        (Sort::Created, false),
        (Sort::Created, true),
        (Sort::Name, false),
        (Sort::Name, true),
    ] {
        let house = House::build(&store).await;
        let at = |minute: i64| {
            let mut one = record(
                RecordKind::Project,
                &format!("prj_{minute:03}"),
                Some(&format!("n{minute:03}")),
            );
            one.created = UnixMillis(MIDNIGHT.0 + minute);
            one
        };
        let changes: Vec<Change> = (0..10).map(|n| Change::Create(at(n * 10))).collect();
        store.commit(&house.scope, &changes, None).await.unwrap();
        let query = SortedQuery {
            kind: RecordKind::Project,
            parent: None,
            sort,
            descending,
            after: None,
            count: 3,
        };
        // After the first page of three: one before where it ended, one behind, one that goes.
        let meanwhile = [
            Change::Create(at(5)),
            Change::Create(at(85)),
            Change::Remove(at(50)),
        ];
        let found = pages(&store, &house.scope, &query, &meanwhile).await;
        let expected = match descending {
            false => [0, 10, 20, 30, 40, 60, 70, 80, 85, 90],
            true => [90, 80, 70, 60, 40, 30, 20, 10, 5, 0],
        };
        let expected: Vec<String> = expected.iter().map(|minute| format!("prj_{minute:03}")).collect();
        let found: Vec<&String> = found.iter().map(|one| &one.id).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{query:?}");
    }
}

/// All pages, one after another; `meanwhile` is done after the first.
async fn pages(
    store: &Engine,
    scope: &TenantScope,
    query: &SortedQuery<'_>,
    meanwhile: &[Change],
) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let is_first = all.is_empty();
        let after = all.last().map(|last| Place {
            created: last.created,
            name: last.name.as_deref().unwrap(),
            id: &last.id,
        });
        let found = store
            .records_sorted(scope, &SortedQuery { after, ..*query })
            .await;
        let found = found.unwrap();
        assert!(found.len() as u64 <= query.count);
        if found.is_empty() {
            break;
        }
        all.extend(found);
        if is_first {
            store.commit(scope, meanwhile, None).await.unwrap();
        }
    }
    all
}
