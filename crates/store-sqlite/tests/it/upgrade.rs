//! A file of the release before the control plane: it is migrated, and nothing in it is lost.

use std::path::Path;

use credential::{KeyRecord, KeyState, Limits, ModelAccess};
use domain::{BudgetId, KeyId, Money, NodeId, Operation, TeamId, TenantId, TenantScope, UnixMillis};
use ledger::{BudgetScope, Window};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection};
use store::migration::Migration;
use store::{
    Budgets, Change, Directory, EntryLog, MerkleLogs, Registry, StoredCheckpoint, Tenant, TenantState, row,
};
use store_sqlite::SqliteStore;

const BEFORE: [Migration; 2] = [
    Migration {
        version: 1,
        name: "0001_initial.sql",
        sql: include_str!("../../../../migrations/sqlite/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "0002_master_key.sql",
        sql: include_str!("../../../../migrations/sqlite/0002_master_key.sql"),
    },
];

const TENANT: TenantId = TenantId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(2);
const BUDGET: BudgetId = BudgetId::from_u128(3);
const NODE: NodeId = NodeId::from_u128(4);

fn key() -> KeyRecord {
    KeyRecord {
        id: KeyId::from_u128(5),
        tenant: TENANT,
        team: TEAM,
        project: None,
        owner: None,
        name: "ci".to_owned(),
        digest: [6; 32],
        hint: "btz_\u{2026}".to_owned(),
        predecessor: None,
        state: KeyState::Active,
        created: UnixMillis(7),
        expires: None,
        models: ModelAccess::All,
        operations: vec![Operation::Chat],
        networks: Vec::new(),
        limits: Limits::default(),
        signing_key: None,
        bindings: Vec::new(),
        honey: false,
        receipts: false,
        suspended: None,
        marks: credential::Marks::default(),
    }
}

/// Makes the file as the program before made it, with a row in every table.
async fn old_file(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut raw = SqliteConnection::connect_with(&options.foreign_keys(true))
        .await
        .unwrap();
    let history = "CREATE TABLE schema_migrations (
        version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT";
    run(&mut raw, history).await;
    for migration in BEFORE {
        run(&mut raw, migration.sql).await;
        let (version, name, sum) = (migration.version, migration.name, migration.checksum());
        let note = format!("INSERT INTO schema_migrations VALUES ({version}, '{name}', '{sum}')");
        run(&mut raw, &note).await;
    }
    let key = key();
    let document = row::encode(&key).unwrap();
    let (scope, window) = (
        row::encode(&BudgetScope::Tenant).unwrap(),
        row::encode(&Window::Total).unwrap(),
    );
    let rows = format!(
        "INSERT INTO tenants VALUES ('{TENANT}', 'acme', '{{}}');
         INSERT INTO teams VALUES ('{TEAM}', '{TENANT}', 'research', '{{}}');
         INSERT INTO keys VALUES ('{}', '{TENANT}', '{TEAM}', x'{}', '\"active\"', 7, '{document}');
         INSERT INTO budgets VALUES ('{BUDGET}', '{TENANT}', 'all', 100, '{scope}', '{window}');
         INSERT INTO budget_windows VALUES ('{TENANT}', '{BUDGET}', 0, 20, 30, 0);
         INSERT INTO leases VALUES ('{TENANT}', '{BUDGET}', 0, '{NODE}', 40, 10, 9, 0);
         INSERT INTO logs VALUES (8, '{TENANT}', 1);
         INSERT INTO entries VALUES (8, 0, x'01', 1, x'02', x'03', NULL, 'completed', 1, 1, 1, x'{}', x'aa');
         INSERT INTO checkpoints VALUES ('{TENANT}', 1, 2, 'note');
         INSERT INTO master_key VALUES (1, 'mark');",
        key.id,
        "06".repeat(32),
        "0b".repeat(32),
    );
    run(&mut raw, &rows).await;
    raw.close().await.unwrap();
}

async fn run(raw: &mut SqliteConnection, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    sql.execute(raw).await.unwrap();
}

#[tokio::test]
async fn a_file_of_the_release_before_keeps_its_rows_and_gets_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    old_file(&path).await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(
        store.migrate().await.unwrap(),
        [
            "0003_control_plane.sql",
            "0004_machines.sql",
            "0005_policies.sql",
            "0006_service_tokens.sql",
            "0007_log_keys.sql",
            "0008_retention.sql",
            "0009_sorting.sql",
            "0010_budget_terms.sql",
            "0011_rollups.sql",
            "0012_carried_over.sql",
            "0013_entries_by_end.sql",
            "0014_exchanges.sql",
            "0015_sessions.sql",
            "0016_entries_removed.sql",
            "0017_tenants_delivery.sql",
            "0018_tenants_documents.sql",
            "0019_apps.sql",
            "0020_exchanges_by_class.sql"
        ]
    );
    let scope = TenantScope::operator(TENANT);
    let tenant = Tenant {
        id: TENANT,
        name: "acme".to_owned(),
        limits: Limits::default(),
        state: TenantState::Active,
        history: ledger::Keeping::NONE,
    };
    let dump = store.load().await.unwrap();
    assert_eq!(dump.tenants, std::slice::from_ref(&tenant));
    assert_eq!((dump.teams[0].id, &dump.keys), (TEAM, &vec![key()]));
    assert_eq!(
        (dump.budgets[0].id, dump.budgets[0].limit),
        (BUDGET, Money::from_nanos(100))
    );
    let standing = store.standing(&scope, BUDGET, UnixMillis(0)).await.unwrap();
    assert_eq!((standing.spent.nanos(), standing.leased.nanos()), (20, 30));
    assert_eq!(store.close_leases(NODE).await.unwrap().len(), 1);
    assert_eq!(store.entries(&scope, 0, 9).await.unwrap()[0].bytes, [0xaa]);
    assert_eq!(store.leaf_hashes(&scope, 0, 1).await.unwrap(), [[0x0b; 32]]);
    let checkpoint = StoredCheckpoint {
        size: 1,
        signed: UnixMillis(2),
        note: "note".to_owned(),
    };
    assert_eq!(store.checkpoint(&scope).await, Ok(Some(checkpoint)));
    assert_eq!(store.claim_master_key("another").await.unwrap(), "mark");
    let after = Tenant {
        state: TenantState::Suspended,
        ..tenant.clone()
    };
    let change = Change::ReplaceTenant {
        before: tenant,
        after: after.clone(),
    };
    store.commit(&scope, &[change], None).await.unwrap();
    let dump_after = store.load().await.unwrap();
    assert!(dump_after.revision > dump.revision);
    assert_eq!(dump_after.tenants, [after]);
}
