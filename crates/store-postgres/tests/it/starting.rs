//! Replicas that start together, and databases that are not as they should be.

use store::{Directory, Registry, StoreError};
use store_postgres::{Bounds, PostgresStore};
use testkit::postgres::TestPostgres;

use super::{Login, run, tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_replicas_may_start_on_one_new_database_at_once() {
    let server = TestPostgres::start().await;
    let url = server.fresh_database().await;
    let mut starters = tokio::task::JoinSet::new();
    for number in 0..8 {
        let url = url.clone();
        starters.spawn(async move {
            PostgresStore::migrate(&url).await.unwrap();
            let store = PostgresStore::connect(&url, Bounds::default()).await.unwrap();
            store
                .create_tenant(&tenant(&format!("starter {number}")).0)
                .await
                .unwrap();
            store.close().await;
        });
    }
    starters.join_all().await;
    let store = PostgresStore::connect(&url, Bounds::default()).await.unwrap();
    let dump = store.load().await.unwrap();
    assert_eq!((dump.tenants.len(), dump.revision), (8, 8));
}

#[tokio::test]
async fn a_changed_or_unknown_migration_is_refused() {
    let server = TestPostgres::start().await;
    let url = server.fresh_database().await;
    PostgresStore::migrate(&url).await.unwrap();
    run(
        &url,
        "UPDATE bartizan.schema_migrations SET checksum = 'x' WHERE version = 1",
    )
    .await
    .unwrap();
    let changed = PostgresStore::migrate(&url).await.unwrap_err();
    assert!(
        changed
            .to_string()
            .contains("`0001_initial.sql`) has changed since"),
        "{changed}"
    );
    assert_eq!(
        PostgresStore::connect(&url, Bounds::default()).await.unwrap_err(),
        changed
    );
    run(
        &url,
        "UPDATE bartizan.schema_migrations SET version = 99 WHERE version = 1",
    )
    .await
    .unwrap();
    let newer = PostgresStore::migrate(&url).await.unwrap_err();
    assert!(newer.to_string().contains("does not know"), "{newer}");
}

#[tokio::test]
async fn a_database_that_was_not_migrated_is_refused() {
    let server = TestPostgres::start().await;
    let login = Login::make(&server).await;
    let url = server.fresh_database().await;
    for url in [url.clone(), login.url(&url)] {
        let error = PostgresStore::connect(&url, Bounds::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
    login.remove().await;
}

#[tokio::test]
async fn anp_0007_a_table_without_row_security_is_refused_at_start() {
    let server = TestPostgres::start().await;
    let url = server.fresh_database().await;
    PostgresStore::migrate(&url).await.unwrap();
    for weakness in ["NO FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"] {
        run(&url, &format!("ALTER TABLE bartizan.keys {weakness}"))
            .await
            .unwrap();
        let error = PostgresStore::connect(&url, Bounds::default()).await.unwrap_err();
        assert!(
            error.to_string().contains("security is off for the table `keys`"),
            "{weakness}: {error}"
        );
        let repair = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";
        run(&url, &format!("ALTER TABLE bartizan.keys {repair}"))
            .await
            .unwrap();
        PostgresStore::connect(&url, Bounds::default()).await.unwrap();
    }
}
