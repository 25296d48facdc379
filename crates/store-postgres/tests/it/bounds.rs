//! A database that is slow, gone or out of connections: every call ends, none hangs.

use std::time::{Duration, Instant};

use domain::NodeId;
use sqlx::{Connection, PgConnection};
use store::{Directory, EntryLog, Registry, StoreError};
use store_postgres::{Bounds, PostgresStore};
use testkit::postgres::TestPostgres;
use tokio::net::TcpListener;

use super::tenant;

fn tight() -> Bounds {
    Bounds {
        connections_max: 1,
        acquire: Duration::from_millis(400),
        statement: Duration::from_millis(300),
        operation: Duration::from_millis(1500),
    }
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn a_row_locked_by_someone_else_ends_the_call_and_not_the_store() {
    let server = TestPostgres::start().await;
    let url = server.fresh_database().await;
    PostgresStore::migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, tight()).await.unwrap();
    let (house, scope) = tenant("waiting");
    store.create_tenant(&house).await.unwrap();
    store.append(&scope, NodeId::generate(), &[]).await.unwrap();

    let mut blocker = PgConnection::connect(&url).await.unwrap();
    let mut held = blocker.begin().await.unwrap();
    sqlx::query("LOCK TABLE bartizan.logs, bartizan.tenants")
        .execute(&mut *held)
        .await
        .unwrap();
    let begun = Instant::now();
    assert!(is_unavailable(
        &store.append(&scope, NodeId::generate(), &[]).await
    ));
    assert!(is_unavailable(&store.load().await));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    held.rollback().await.unwrap();
    assert_eq!(store.append(&scope, NodeId::generate(), &[]).await, Ok(0));
    assert_eq!(store.load().await.unwrap().tenants, [house]);
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_ends_the_attempt() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "postgres://gate:canary-password@{}/db",
        silent.local_addr().unwrap()
    );
    let begun = Instant::now();
    let error = PostgresStore::connect(&url, tight()).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_used_again() {
    let server = TestPostgres::start().await;
    let url = server.fresh_database().await;
    PostgresStore::migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, tight()).await.unwrap();
    store.revision().await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    super::run(&url, end).await.unwrap();
    let begun = Instant::now();
    while store.revision().await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the store did not recover"
        );
    }
}

#[tokio::test]
async fn agp_r_001_a_wrong_url_is_not_repeated() {
    for url in [
        "postgres://gate:canary@host:notaport/db",
        "canary",
        "postgres://gate:canary@127.0.0.1:1/db",
    ] {
        let error = PostgresStore::connect(url, tight()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
