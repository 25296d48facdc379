//! Entries in parts by month: carried over from one table, made when missing, dropped when all of them is recorded as
//! removed, and out of everybody's reach.

use domain::{AuditId, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord, Entry, merkle};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::migration::Migration;
use store::{Change, EntryLog, MerkleLogs, Registry, Shipment};
use store_postgres::{Bounds, PostgresStore};
use testkit::postgres::TestPostgres;

use super::{Login, Owner, run, tenant};

/// The first days of January and February 2020.
const JANUARY: i64 = 1_577_836_800_000;
const FEBRUARY: i64 = 1_580_515_200_000;

macro_rules! before {
    ($($version:literal $name:literal,)*) => {
        [$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../../migrations/postgres/", $name)),
        },)*]
    };
}

const BEFORE: [Migration; 15] = before![
    1 "0001_initial.sql",
    2 "0002_master_key.sql",
    3 "0003_control_plane.sql",
    4 "0004_machines.sql",
    5 "0005_policies.sql",
    6 "0006_service_tokens.sql",
    7 "0007_log_keys.sql",
    8 "0008_retention.sql",
    9 "0009_sorting.sql",
    10 "0010_budget_terms.sql",
    11 "0011_rollups.sql",
    12 "0012_carried_over.sql",
    13 "0013_entries_by_end.sql",
    14 "0014_exchanges.sql",
    15 "0015_sessions.sql",
];

fn ended(of: TenantId, at: i64) -> Shipment {
    Shipment::from(&Entry {
        finished: UnixMillis(at),
        ..Entry::sample(RequestId::generate(), of)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn parts(url: &str) -> Vec<String> {
    let select = "SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE 'entries%'
                  ORDER BY 1";
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(select)
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

async fn remove(store: &PostgresStore, scope: &TenantScope, from: u64, below: u64) {
    let whose = (AuditId::generate(), scope.tenant());
    let actor = AuditActor::Gate("ledger retention".to_owned());
    let told = AuditRecord::done(whose, UnixMillis(7), actor, "ledger.remove");
    let change = Change::RemoveEntries {
        from,
        below,
        until: UnixMillis(FEBRUARY),
    };
    store.commit(scope, &[change], Some(&told.into())).await.unwrap();
}

/// Row security shows the owner no row of what it carries over, unless it is careful.
#[tokio::test]
async fn agp_t4_entries_of_one_table_are_carried_over_by_an_owner_that_is_no_superuser() {
    let server = TestPostgres::start().await;
    let (login, owner) = (Login::make(&server).await, Owner::make(&server).await);
    let history = "CREATE SCHEMA bartizan;
        CREATE TABLE bartizan.schema_migrations (
            version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL)";
    run(&owner.url, history).await.unwrap();
    for migration in BEFORE {
        run(&owner.url, migration.sql).await.unwrap();
        let (version, name, sum) = (migration.version, migration.name, migration.checksum());
        let note = format!("INSERT INTO bartizan.schema_migrations VALUES ({version}, '{name}', '{sum}')");
        run(&owner.url, &note).await.unwrap();
    }
    let (tenant, scope) = tenant("acme");
    let id = tenant.id;
    // The third came late.
    let ends = [JANUARY, FEBRUARY, JANUARY + 1, FEBRUARY + 1];
    let shipments: Vec<Shipment> = ends.into_iter().map(|at| ended(id, at)).collect();
    let mut rows = format!("INSERT INTO bartizan.logs VALUES ('{id}', 4);");
    for (index, one) in shipments.iter().enumerate() {
        let (request, finished) = (one.posting.request, one.posting.finished.0);
        let (leaf, bytes) = (hex(&merkle::leaf_hash(&one.bytes)), hex(&one.bytes));
        rows += &format!(
            "INSERT INTO bartizan.entries VALUES ('{id}', {index}, '{request}', {finished}, 'k', 't', NULL, 'completed',
                                                  1, 1, 1, '\\x{leaf}', '\\x{bytes}');"
        );
    }
    run(&owner.super_url, &rows).await.unwrap();
    let done = PostgresStore::migrate(&owner.url).await.unwrap();
    assert_eq!(done.first().copied(), Some("0016_entries_by_month.sql"));
    assert_eq!(
        parts(&owner.super_url).await,
        ["entries_2020_01", "entries_2020_02"]
    );
    let count = "SELECT count(*) FROM bartizan.entries_2020_02";
    let mut raw = PgConnection::connect(&owner.super_url).await.unwrap();
    let late: i64 = sqlx::query_scalar(count).fetch_one(&mut raw).await.unwrap();
    assert_eq!(late, 3, "what came late lies with what came before it");
    PostgresStore::admit_login(&owner.super_url, &login.name)
        .await
        .unwrap();
    let store = PostgresStore::connect(&login.url(&owner.super_url), Bounds::default())
        .await
        .unwrap();
    let there = store.entries(&scope, 0, 9).await.unwrap();
    let bytes: Vec<&[u8]> = there.iter().map(|stored| stored.bytes.as_slice()).collect();
    assert_eq!(
        bytes,
        shipments.iter().map(|one| one.bytes.as_ref()).collect::<Vec<_>>()
    );
    let leaves = bytes
        .iter()
        .map(|bytes| merkle::leaf_hash(bytes))
        .collect::<Vec<_>>();
    assert_eq!(store.leaf_hashes(&scope, 0, 4).await.unwrap(), leaves);
    for (one, stored) in shipments.iter().zip(&there) {
        assert_eq!(
            store.entry(&scope, one.posting.request).await.as_ref(),
            Ok(stored)
        );
    }
    // The marks of what was carried over are the ones that appending asks for.
    let node = NodeId::generate();
    assert_eq!(store.append(&scope, node, &shipments).await, Ok(0));
    while store.roll_up(&scope).await.unwrap() > 0 {}
    // Made and dropped under the owner's rights, who is shown what it must see for that.
    store
        .append(&scope, node, &[ended(id, FEBRUARY + 40 * 86_400_000)])
        .await
        .unwrap();
    remove(&store, &scope, 0, 1).await;
    assert!(store.tend_entries(UnixMillis::now()).await.unwrap());
    assert!(!store.tend_entries(UnixMillis::now()).await.unwrap());
    let left = parts(&owner.super_url).await;
    assert_eq!(left[..2], ["entries_2020_02", "entries_2020_03"]);
    assert!(left.len() >= 4, "this month's and the next one's: {left:?}");
    assert_eq!(store.leaf_hashes(&scope, 0, 4).await.unwrap(), leaves);
    assert_eq!(store.append(&scope, node, &shipments).await, Ok(0));
    store.close().await;
    drop(raw);
    owner.remove().await;
    login.remove().await;
}

#[tokio::test]
async fn agp_t4_a_part_goes_when_all_tenants_entries_in_it_are_removed_and_nobody_takes_it_before() {
    let server = TestPostgres::start().await;
    let login = Login::make(&server).await;
    let url = server.fresh_database().await;
    PostgresStore::migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&login.url(&url), Bounds::default())
        .await
        .unwrap();
    let ((a, of_a), (b, of_b)) = (tenant("a"), tenant("b"));
    for (tenant, scope) in [(&a, &of_a), (&b, &of_b)] {
        store.create_tenant(tenant).await.unwrap();
        let shipments = [ended(tenant.id, JANUARY), ended(tenant.id, FEBRUARY)];
        assert_eq!(store.append(scope, NodeId::generate(), &shipments).await, Ok(2));
    }
    let is_there = async || parts(&url).await.contains(&"entries_2020_01".to_owned());
    let now = UnixMillis::now();
    for scope in [&of_a, &of_b] {
        assert!(!store.tend_entries(now).await.unwrap());
        assert!(is_there().await);
        remove(&store, scope, 0, 1).await;
    }
    // Neither role gets at a part itself, reads what was removed of it, or drops it in another way.
    for role in ["bartizan_app", "bartizan_feed"] {
        let mut raw = PgConnection::connect(&login.url(&url)).await.unwrap();
        run_on(&mut raw, &format!("SET ROLE {role}")).await.unwrap();
        run_on(
            &mut raw,
            &format!("SELECT set_config('app.tenant', '{}', false)", a.id),
        )
        .await
        .unwrap();
        run_on(
            &mut raw,
            "SELECT set_config('bartizan.looks_after', 'entries', false)",
        )
        .await
        .unwrap();
        for attack in [
            "SELECT * FROM bartizan.entries_2020_01",
            "DELETE FROM bartizan.entries_2020_01",
            "TRUNCATE bartizan.entries_2020_01",
            "DROP TABLE bartizan.entries_2020_01",
            "ALTER TABLE bartizan.entries DETACH PARTITION bartizan.entries_2020_01",
            "UPDATE bartizan.entry_leaves SET leaf = ''",
            "DELETE FROM bartizan.entry_leaves",
            "SELECT bartizan.is_removed('bartizan.entries_2020_01')",
        ] {
            assert!(run_on(&mut raw, attack).await.is_err(), "{role}: {attack}");
        }
    }
    // Nor does the owner by mistake.
    for attack in [
        "DELETE FROM bartizan.entries_2020_01",
        "TRUNCATE bartizan.entries_2020_01",
        "DELETE FROM bartizan.entry_leaves",
    ] {
        let refused = run(&url, attack).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{attack}: {refused}");
    }
    // What is recorded and not dropped yet, because somebody was killed in between, goes with the next round.
    assert!(is_there().await);
    assert!(store.tend_entries(now).await.unwrap());
    assert!(!is_there().await);
    // A part that is not over is none that goes, whatever is recorded.
    let shipment = [ended(a.id, now.0)];
    store.append(&of_a, NodeId::generate(), &shipment).await.unwrap();
    remove(&store, &of_a, 1, 3).await;
    remove(&store, &of_b, 1, 2).await;
    assert!(store.tend_entries(now).await.unwrap(), "February's");
    assert!(!store.tend_entries(now).await.unwrap(), "and not this month's");
    // A journal that was away for years finds a part all the same.
    let shipment = [ended(b.id, JANUARY)];
    assert_eq!(store.append(&of_b, NodeId::generate(), &shipment).await, Ok(1));
    assert_eq!(store.entries(&of_b, 0, 9).await.unwrap().len(), 1);
    store.close().await;
    login.remove().await;
}

async fn run_on(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .map(|_| ())
}

/// A month begins for all replicas at once. Each of them has seen that there is no part before it waits for the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_replicas_that_begin_a_month_at_once_make_one_part() {
    let server = TestPostgres::start().await;
    let url = server.fresh_database().await;
    PostgresStore::migrate(&url).await.unwrap();
    for month in 0..4_i64 {
        let at = JANUARY + month * 31 * 86_400_000;
        let replicas = (0..6).map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                let made = sqlx::query("SELECT bartizan.make_entries_part($1)").bind(at);
                made.execute(&mut connection).await.map(|_| ())
            })
        });
        for replica in replicas.collect::<Vec<_>>() {
            replica.await.unwrap().unwrap();
        }
    }
    assert_eq!(parts(&url).await.len(), 4);
}
