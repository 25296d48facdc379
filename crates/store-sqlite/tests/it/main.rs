//! The SQLite engine from outside: the conformance suite, and what concerns the file itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod rollups;
mod upgrade;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use credential::Limits;
use domain::{TenantId, TenantScope};
use sqlx::Connection;
use store::{Directory, Registry, Store, Tenant};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

async fn fresh(folder: &TempDir, name: &str) -> SqliteStore {
    let store = SqliteStore::open(&folder.path().join(name)).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn tenant(name: &str) -> Tenant {
    Tenant {
        id: TenantId::generate(),
        name: name.to_owned(),
        limits: Limits::default(),
        state: store::TenantState::default(),
        history: ledger::Keeping::NONE,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn passes_the_conformance_suite() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    store::conformance::run(async || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(fresh(&folder, &format!("{number}.db")).await) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_processes_may_start_on_one_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut starters = tokio::task::JoinSet::new();
    for number in 0..8 {
        let path = path.clone();
        starters.spawn(async move {
            let store = SqliteStore::open(&path).await.unwrap();
            store.migrate().await.unwrap();
            store
                .create_tenant(&tenant(&format!("starter {number}")))
                .await
                .unwrap();
        });
    }
    starters.join_all().await;
    let store = fresh(&folder, "store.db").await;
    let dump = store.load().await.unwrap();
    assert_eq!((dump.tenants.len(), dump.revision), (8, 8));
}

#[tokio::test]
async fn the_file_and_its_side_files_are_the_owners_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(&folder, "store.db").await;
    store.create_tenant(&tenant("one")).await.unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{file:?}"
        );
        seen += 1;
    }
    assert_eq!(seen, 3, "the file, its log and its index");
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(&folder, "store.db").await;
    let (kept, scope) = (tenant("kept"), TenantScope::operator(TenantId::generate()));
    store.create_tenant(&kept).await.unwrap();
    store.close().await;
    let store = fresh(&folder, "store.db").await;
    assert_eq!(store.load().await.unwrap().tenants, [kept]);
    assert_eq!(store.keys(&scope).await.unwrap(), []);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_unavailable() {
    let error = SqliteStore::open(Path::new("/nonexistent/folder/store.db"))
        .await
        .unwrap_err();
    assert!(matches!(error, store::StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn a_writer_that_is_dropped_half_way_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(&folder, "store.db").await;
    for number in 0..20 {
        let (store, tenant) = (store.clone(), tenant(&format!("{number}")));
        let write = tokio::spawn(async move { store.create_tenant(&tenant).await });
        tokio::task::yield_now().await;
        write.abort();
    }
    store.create_tenant(&tenant("last")).await.unwrap();
}

#[tokio::test]
async fn agp_t4_stored_entries_cannot_be_changed_or_removed_by_a_stray_statement() {
    let insert =
        "INSERT INTO entries VALUES (1, 0, x'01', 1, x'02', x'03', NULL, 'completed', 1, 1, 1, x'00', x'00')";
    append_only(
        insert,
        &["UPDATE entries SET cost_nanos = 0", "DELETE FROM entries"],
    )
    .await;
}

#[tokio::test]
async fn agp_r3_audit_records_cannot_be_changed_or_removed_by_a_stray_statement() {
    let insert = "INSERT INTO audits VALUES (1, 0, x'01', 1, 'usr_1', 'keys.revoke', 'key_1', x'00', x'00')";
    append_only(
        insert,
        &["UPDATE audits SET actor = 'usr_2'", "DELETE FROM audits"],
    )
    .await;
}

async fn append_only(insert: &'static str, strays: &[&'static str]) {
    let folder = tempfile::tempdir().unwrap();
    fresh(&folder, "store.db").await.close().await;
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let mut raw = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(insert).execute(&mut raw).await.unwrap();
    for stray in strays {
        let error = sqlx::query(*stray).execute(&mut raw).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}
