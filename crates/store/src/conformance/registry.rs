//! Changes made together with the record of who made them.

use domain::{TenantId, TenantScope};

use super::acts::{all, audit, audits, user};
use super::fixtures::{Engine, House};
use crate::{Change, LogKind, RecordKind, StoreError, Team, Tenant, TenantState};

const PLATFORM: TenantScope = TenantScope::operator(TenantId::PLATFORM);

/// An act that cannot be recorded, or only in part done, is not done.
pub(super) async fn agp_r3_changes_and_their_audit_record_are_made_together_or_not_at_all(store: Engine) {
    let house = House::build(&store).await;
    let revision = store.revision().await.unwrap();
    let team = Team {
        id: domain::TeamId::generate(),
        name: "second".to_owned(),
        ..house.team.clone()
    };
    let entry = audit(house.tenant.id, 0, "teams.create");
    // The second change cannot be made, so the first is not either, and nothing is recorded.
    let changes = [
        Change::CreateTeam(team.clone()),
        Change::CreateKey(Box::new(house.key.clone())),
    ];
    let refused = store.commit(&house.scope, &changes, Some(&entry)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.load().await.unwrap().teams.len(), 1);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(audits(&store, &house.scope).await.is_empty());
    // A record that cannot be kept takes the change with it.
    store.commit(&house.scope, &[], Some(&entry)).await.unwrap();
    let twice = store
        .commit(&house.scope, &[Change::CreateTeam(team.clone())], Some(&entry))
        .await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    assert_eq!(store.load().await.unwrap().teams.len(), 1);
    let foreign = audit(TenantId::generate(), 0, "teams.create");
    let refused = store
        .commit(&house.scope, &[Change::CreateTeam(team)], Some(&foreign))
        .await;
    assert_eq!(refused, Err(StoreError::NotFound));
    assert_eq!(store.load().await.unwrap().teams.len(), 1);
}

/// Several acts at once are recorded each, in their order, or none of them is done.
pub(super) async fn agp_r3_acts_that_are_done_together_leave_a_record_each(store: Engine) {
    let house = House::build(&store).await;
    let own = house.tenant.id;
    let (first, second) = (audit(own, 0, "users.create"), audit(own, 0, "grants.create"));
    let change = [Change::Create(user("usr_1", "ann"))];
    let both = [first.clone(), second.clone()];
    store.commit_all(&house.scope, &change, &both).await.unwrap();
    assert_eq!(
        audits(&store, &house.scope).await,
        ["grants.create", "users.create"]
    );
    let third = audit(own, 1, "users.update");
    let other = [Change::Create(user("usr_2", "bob"))];
    let foreign = audit(TenantId::generate(), 1, "users.update");
    for bad in [
        [third.clone(), second],
        [third.clone(), third.clone()],
        [third, foreign],
    ] {
        store.commit_all(&house.scope, &other, &bad).await.unwrap_err();
        let gone = store.record(&house.scope, RecordKind::User, "usr_2").await;
        assert_eq!(gone, Err(StoreError::NotFound));
        assert_eq!(audits(&store, &house.scope).await.len(), 2);
    }
}

pub(super) async fn tenants_and_teams_are_replaced_only_as_they_were_read(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let (tenant, team) = (house.tenant.clone(), house.team.clone());
    let mut suspended = tenant.clone();
    suspended.state = TenantState::Suspended;
    suspended.limits.requests_per_minute = Some(7);
    let mut renamed = team.clone();
    renamed.name = "renamed".to_owned();
    let changes = [
        Change::ReplaceTenant {
            before: tenant.clone(),
            after: suspended.clone(),
        },
        Change::ReplaceTeam {
            before: team.clone(),
            after: renamed.clone(),
        },
    ];
    let revision = store.revision().await.unwrap();
    store.commit(&house.scope, &changes, None).await.unwrap();
    assert!(store.revision().await.unwrap() > revision);
    let dump = store.load().await.unwrap();
    assert!(dump.tenants.contains(&suspended) && dump.teams.contains(&renamed));
    for stale in &changes {
        let refused = store
            .commit(&house.scope, std::slice::from_ref(stale), None)
            .await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let mut clash = suspended.clone();
    clash.name.clone_from(&other.tenant.name);
    let change = Change::ReplaceTenant {
        before: suspended,
        after: clash,
    };
    let refused = store.commit(&house.scope, &[change], None).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}

pub(super) async fn the_platform_makes_and_changes_tenants_and_nothing_in_them(store: Engine) {
    let house = House::plan();
    let replace = |before: &Tenant, after: &Tenant| Change::ReplaceTenant {
        before: before.clone(),
        after: after.clone(),
    };
    // What comes before and after a tenant is made is the platform's own.
    let made = [
        Change::Create(user("usr_1", "ann")),
        Change::CreateTenant(house.tenant.clone()),
        Change::Create(user("usr_2", "bob")),
    ];
    let entry = audit(TenantId::PLATFORM, 0, "tenants.create");
    store.commit(&PLATFORM, &made, Some(&entry)).await.unwrap();
    let users = store.records(&PLATFORM, &all(RecordKind::User)).await.unwrap();
    assert_eq!(users.len(), 2);
    assert_eq!(
        store.records(&house.scope, &all(RecordKind::User)).await,
        Ok(vec![])
    );
    let mut suspended = house.tenant.clone();
    suspended.state = TenantState::Suspended;
    let entry = audit(TenantId::PLATFORM, 1, "tenants.suspend");
    let change = replace(&house.tenant, &suspended);
    store
        .commit(&PLATFORM, std::slice::from_ref(&change), Some(&entry))
        .await
        .unwrap();
    assert_eq!(store.load().await.unwrap().tenants, [suspended]);
    let acts = ["tenants.suspend", "tenants.create"];
    assert_eq!(audits(&store, &PLATFORM).await, acts);
    assert!(audits(&store, &house.scope).await.is_empty());
    let stale = store.commit(&PLATFORM, &[change], None).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))), "{stale:?}");
    let taken = store.commit(&PLATFORM, &made[1..2], None).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    let unknown = House::plan().tenant;
    for refused in [
        replace(&unknown, &unknown),
        Change::CreateTeam(house.team.clone()),
        Change::CreateKey(Box::new(house.key.clone())),
        Change::PutBudget(house.new_budget(1)),
    ] {
        let refused = store.commit(&PLATFORM, &[refused], None).await;
        assert_eq!(refused, Err(StoreError::NotFound));
    }
}

/// Two acts that touch the same in opposite order take turns; neither waits for the other for ever.
pub(super) async fn acts_upon_the_same_things_in_any_order_are_all_done(store: Engine) {
    let house = House::build(&store).await;
    let budgets = [house.new_budget(1), house.new_budget(2), house.new_budget(3)];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..6 {
        let (store, scope, mut budgets) = (store.clone(), house.scope, budgets.to_vec());
        if task % 2 == 0 {
            budgets.reverse();
        }
        let changes: Vec<Change> = budgets.into_iter().map(Change::PutBudget).collect();
        tasks.spawn(async move {
            for minute in 0..5 {
                let entry = audit(scope.tenant(), minute, "budgets.put");
                let recorded = (task < 3).then_some(&entry);
                store.commit(&scope, &changes, recorded).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.budgets(&house.scope).await.unwrap().len(), 3);
    assert_eq!(store.log_size(&house.scope, LogKind::Audit).await, Ok(15));
}

pub(super) async fn agp_e1_records_and_audits_never_reach_another_tenant(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let ann = user("usr_1", "ann");
    let entry = audit(house.tenant.id, 0, "users.create");
    store
        .commit(&house.scope, &[Change::Create(ann.clone())], Some(&entry))
        .await
        .unwrap();
    let foreign = &other.scope;
    let gone = Err(StoreError::NotFound);
    assert_eq!(store.record(foreign, RecordKind::User, "usr_1").await, gone);
    assert_eq!(store.record_named(foreign, RecordKind::User, "ann").await, gone);
    assert!(
        store
            .records(foreign, &all(RecordKind::User))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(audits(&store, foreign).await.is_empty());
    assert_eq!(
        store.audit_record(foreign, entry.record.id).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.log_size(foreign, LogKind::Audit).await, Ok(0));
    let mut changed = ann.clone();
    changed.document = "{}".to_owned();
    let mut team = house.team.clone();
    team.name = "stolen".to_owned();
    let mut tenant = house.tenant.clone();
    tenant.state = TenantState::Suspended;
    for change in [
        Change::Remove(ann.clone()),
        Change::Replace {
            before: ann.clone(),
            after: changed,
        },
        Change::ReplaceTeam {
            before: house.team.clone(),
            after: team,
        },
        Change::ReplaceTenant {
            before: house.tenant.clone(),
            after: tenant,
        },
        Change::CreateTenant(House::plan().tenant),
    ] {
        let refused = store.commit(foreign, std::slice::from_ref(&change), None).await;
        assert_eq!(refused, Err(StoreError::NotFound), "{change:?}");
    }
    assert_eq!(
        store.record(&house.scope, RecordKind::User, "usr_1").await,
        Ok(ann)
    );
}
